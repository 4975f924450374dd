import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from bulkpost.config import Settings, load

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
# Tables of the user's own names: the example shows one, the default is none.
FREE_TABLES = {"map.columns", "map.constants", "map.types"}
_SETTING = re.compile(r"^# (?=(?:\"[^\"]*\"|\w+) = )", re.MULTILINE)


def flat(values: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Settings by their dotted names; the tables of free names are left out."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        full = f"{above}{name}"
        if full in FREE_TABLES:
            continue
        result |= flat(value, f"{full}.") if isinstance(value, dict) else {full: value}
    return result


def shown() -> dict[str, Any]:
    """The example with every setting taken out of its comment."""
    return tomllib.loads(_SETTING.sub("", EXAMPLE.read_text("utf-8")))


def test_the_example_loads_and_changes_nothing() -> None:
    """Copied as it is, the example is the defaults."""
    assert Settings() == load(EXAMPLE)


def test_the_example_shows_every_setting_with_its_default() -> None:
    """No setting is missing, none is invented, and none shows another value than its default."""
    defaults = msgspec.json.decode(msgspec.json.encode(Settings()))

    assert flat(defaults) == flat(shown())


def test_the_example_without_its_comment_signs_loads(tmp_path: Path) -> None:
    """Every line that a user may uncomment is accepted, the examples of free tables too."""
    path = tmp_path / "bulkpost.toml"
    path.write_text(_SETTING.sub("", EXAMPLE.read_text("utf-8")), "utf-8")

    settings = load(path)

    assert {"Phone Number": "phone_1", "internal id": False} == settings.map.columns
    assert settings.map.constants
    assert settings.map.types


def test_each_setting_has_its_meaning_before_it() -> None:
    """A line of words stands above every setting and every table."""
    lines = EXAMPLE.read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        if _SETTING.match(f"{line}\n") or line.startswith("["):
            above = lines[number - 1]
            follows_a_table = above.startswith("[") or _SETTING.match(f"{above}\n") is not None
            assert above.startswith("# ") or follows_a_table, line
