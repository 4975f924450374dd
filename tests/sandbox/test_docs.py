"""``docs/sandbox.md`` tells everything the sandbox can be told."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from bulkpost.sandbox.faults import KINDS
from bulkpost.sandbox.orders import RESERVED_FIELDS
from bulkpost.sandbox.settings import SandboxSettings, load_settings

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
TOML = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)[0]


def test_the_documented_file_loads_and_shows_every_setting(tmp_path: Path) -> None:
    """The TOML block, its commented lines switched on, is valid and leaves no setting out."""
    path = tmp_path / "sandbox.toml"
    path.write_text(re.sub(r"^# ", "", TOML, flags=re.MULTILINE))

    settings = load_settings(path)

    assert {*msgspec.structs.asdict(SandboxSettings())} == {*tomllib.loads(path.read_text())}
    assert "503" == settings.faults[0].kind


def test_the_documented_defaults_are_the_defaults() -> None:
    """What the block sets without a comment mark is what an empty file would set."""
    documented = tomllib.loads(TOML)
    del documented["faults"]

    assert SandboxSettings() == msgspec.convert(documented, SandboxSettings)


@pytest.mark.parametrize("word", [*KINDS[2:], *RESERVED_FIELDS])
def test_every_fault_and_reserved_field_is_documented(word: str) -> None:
    """Each name stands in the document as code."""
    assert f"`{word}`" in DOCUMENT
