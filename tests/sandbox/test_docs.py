"""``docs/sandbox.md`` tells everything the sandbox can be told."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from bulkpost.fields.field_type import FieldType
from bulkpost.sandbox.faults import KINDS, FaultRule
from bulkpost.sandbox.feedback import FeedbackSettings
from bulkpost.sandbox.flow.caps import Cap
from bulkpost.sandbox.flow.criteria import Criterion, Operator
from bulkpost.sandbox.flow.hours import OpenHours
from bulkpost.sandbox.flow.settings import FlowField, FlowSettings
from bulkpost.sandbox.orders import RESERVED_FIELDS
from bulkpost.sandbox.records import ApiSettings
from bulkpost.sandbox.settings import SandboxSettings, load_flow, load_settings

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "sandbox.md").read_text("utf-8")
TOML, FLOW_TOML = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
# Switched on, the optional lines are settings too.
WHOLE = tomllib.loads(re.sub(r"^# ", "", TOML + FLOW_TOML, flags=re.MULTILINE))
FLOW = WHOLE["flow"]


def test_the_documented_file_loads(tmp_path: Path) -> None:
    """The TOML blocks, their commented lines switched on, are one valid file."""
    path = tmp_path / "sandbox.toml"
    path.write_text(re.sub(r"^# ", "", TOML + FLOW_TOML, flags=re.MULTILINE))

    settings = load_settings(path)

    assert "503" == settings.faults[0].kind
    assert settings.flow is not None


@pytest.mark.parametrize(
    ("settings", "tables"),
    [
        pytest.param(SandboxSettings, [WHOLE], id="sandbox"),
        pytest.param(FeedbackSettings, [WHOLE["feedback"]], id="feedback"),
        pytest.param(ApiSettings, [WHOLE["api"]], id="api"),
        pytest.param(FaultRule, WHOLE["faults"], id="faults"),
        pytest.param(FlowSettings, [FLOW], id="flow"),
        pytest.param(FlowField, FLOW["fields"], id="fields"),
        pytest.param(Criterion, FLOW["criteria"], id="criteria"),
        pytest.param(OpenHours, FLOW["hours"], id="hours"),
        pytest.param(Cap, FLOW["caps"], id="caps"),
    ],
)
def test_every_setting_of_every_table_is_documented(
    settings: type[msgspec.Struct], tables: list[dict[str, object]]
) -> None:
    """No table leaves a setting out."""
    assert {*settings.__struct_fields__} == {name for table in tables for name in table}


def test_the_documented_defaults_are_the_defaults() -> None:
    """What the block sets without a comment mark is what an empty file would set."""
    documented = tomllib.loads(TOML)
    del documented["faults"]
    flow = tomllib.loads(FLOW_TOML)["flow"]
    plain = {name: value for name, value in flow.items() if not isinstance(value, list)}

    assert SandboxSettings() == msgspec.convert(documented, SandboxSettings)
    assert FlowSettings() == msgspec.convert(plain, FlowSettings)


@pytest.mark.parametrize(
    "word", [*KINDS[2:], *RESERVED_FIELDS, *get_args(Operator), *(kind.value for kind in FieldType)]
)
def test_every_word_is_documented(word: str) -> None:
    """Each fault, reserved field, operator and type stands in the document as code."""
    assert f"`{word}`" in DOCUMENT


def test_the_sample_flow_loads() -> None:
    """It is a file of a flow, and one of settings, as the document says."""
    path = ROOT / "sample_data" / "flow.toml"

    assert load_flow(path) == load_settings(path).flow
