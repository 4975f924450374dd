"""The page on security says what is tested, and nothing else."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs" / "security.md").read_text("utf-8")
_README = (_ROOT / "README.md").read_text("utf-8")
_ROWS = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", _PAGE, re.MULTILINE)
_TESTS = {
    name
    for path in (_ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
}


def test_every_threat_stands_on_the_page_once() -> None:
    """From 1 to 26, in their order."""
    assert list(range(1, 27)) == [int(number) for number, *_ in _ROWS]


@pytest.mark.parametrize(
    ("number", "control", "tests"), [(row[0], row[2], row[3]) for row in _ROWS]
)
def test_a_threat_names_exactly_its_tests_or_says_why_it_has_none(
    number: str, control: str, tests: str
) -> None:
    """A test that is added, renamed or removed changes the page."""
    named = set(re.findall(r"`(test_\w+)`", tests))
    own = {name for name in _TESTS if name.startswith(f"test_t{number}_")}

    assert set() == named - _TESTS
    assert own == {name for name in named if re.match(r"test_t\d", name)}
    assert bool(own) != control.startswith("no test: ")


def test_the_readme_says_how_to_report_a_weakness() -> None:
    """By an advisory that only the maintainers see; no address is made up."""
    section = _README.partition("\n## Security\n")[2].partition("\n## ")[0]

    assert "private security advisory" in section
    assert "docs/security.md" in section
    assert "@" not in section
