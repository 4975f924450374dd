"""A config out of a list, from the command line to the first lead."""

import json
import signal
import stat
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from submitting import asked, path_of
from terminals import a_terminal, asleep

from bulkpost.cli.init import init
from bulkpost.cli.main import main
from bulkpost.config import load

ROOT = Path(__file__).parents[2]
URL = "https://app.leadconduit.com" + path_of()
HEADER = "First Name;E-mail;Zip Code;Phone Number;Cell;Date of Birth;St;Tax No;Kind of lead;"
ROWS = [
    "Zaphod;zaphod@example.net;78751;(512) 789-1111;512-789-2222;03/04/1980;TX;123-45-6780;x;",
    "Ursulax;ursulax@example.net;05415;(512) 789-1112;512-789-2223;12/04/1981;CA;223-45-6781;y;",
    "Quentinx;quentinx@example.net;10001;(512) 789-1113;512-789-2224;11/30/1979;NY;323-45-6782;z;",
]
VALUES = {cell for row in ROWS for cell in row.split(";") if len(cell) > 4}


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("BULKPOST_URL", "BULKPOST_API_KEY", "BULKPOST_CONFIG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    path = tmp_path / "foreign.csv"
    path.write_text("\n".join([HEADER, *ROWS]) + "\n", "utf-8")
    return path


def called(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    out, err = capsys.readouterr()
    return int(str(ended.value.code)), out, err


def document(out: str) -> dict[str, Any]:
    (line,) = out.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_foreign_list_is_mapped_checked_and_submitted(
    foreign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Certain columns are sent, uncertain ones wait in comments, nothing else has to be done."""
    assert 0 == called(capsys, "init", foreign, "--url", URL)[0]
    config = load(None)
    assert URL == config.url
    assert {
        "First Name": "first_name",
        "E-mail": "email",
        "Zip Code": "postal_code",
        "Phone Number": "phone_1",
        "Cell": False,
        "Date of Birth": "dob",
        "St": "state",
        "Tax No": False,
        "Kind of lead": False,
    } == config.map.columns
    text = (tmp_path / "bulkpost.toml").read_text("utf-8")
    assert '\n#   "Cell" = "phone_2"  # 50%: its values look like telephone numbers\n' in text

    status, out, _ = called(capsys, "check", foreign, "--json")
    assert 0 == status
    checked = document(out)
    assert 3 == checked["plan"]["new"]
    assert "first_name" == checked["inputs"][0]["columns"][0]["field"]
    assert 0 == called(capsys, "submit", foreign, "--sandbox", "-q")[0]
    assert [("success", 3)] == asked(
        tmp_path / "bulkpost-sandbox.db", "SELECT outcome, count(*) FROM rows GROUP BY outcome"
    )


@pytest.mark.parametrize("name", ["leads.csv", "leads.parquet", "messy.csv", "messy-cp1252.csv"])
def test_a_config_of_a_sample_list_maps_every_column(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of their columns has a field's own name."""
    words = ["--encoding", "cp1252"] if "1252" in name else []
    path = ROOT / "sample_data" / name
    assert 0 == called(capsys, "init", path, "--url", URL, *words)[0]

    config = load(None)
    assert config.map.columns
    assert all(column == field for column, field in config.map.columns.items())
    assert ("cp1252" if words else "") == config.input.encoding
    status, out, _ = called(capsys, "check", path, "--sandbox", "--json")
    assert status in {0, 3}
    assert document(out)["plan"]["new"] > 0


def test_no_value_of_a_cell_is_shown_or_written(
    foreign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither in the config nor on the screen, in whatever form."""
    shown = [called(capsys, "init", foreign, "--url", URL, *words) for words in
             ([], ["--force", "--json"], ["--output", "-"], ["--force", "-v", "-y"])]  # fmt: skip
    texts = [(tmp_path / "bulkpost.toml").read_text("utf-8"), *map(str, shown)]

    assert [0] * 4 == [status for status, *_ in shown]
    assert not [value for value in VALUES for text in texts if value in text]


def test_columns_of_social_security_numbers_are_marked(
    foreign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By their values alone, for people, for programs and for bulkpost itself."""
    _, out, _ = called(capsys, "init", foreign, "--url", URL, "--json")
    marked = [column for column in document(out)["columns"] if column["ssn"]]

    assert [("Tax No", None)] == [(column["column"], column["field"]) for column in marked]
    assert {"Tax No": "ssn"} == load(None).map.types
    assert "SOCIAL SECURITY NUMBERS" in (tmp_path / "bulkpost.toml").read_text("utf-8")


def test_the_document_has_each_column_and_the_next_command(
    foreign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was decided, how surely, why, and what else it may be."""
    status, out, err = called(
        capsys, "init", foreign, "--json", "--output", "other.toml", "--url", URL
    )
    told = document(out)
    columns = {column["column"]: column for column in told["columns"]}

    assert (0, "") == (status, err)
    assert ("init", "other.toml") == (told["message_type"], told["config"])
    assert f"bulkpost check {foreign} --config other.toml" == told["next"]
    assert ("mapped", "email") == (columns["E-mail"]["fate"], columns["E-mail"]["field"])
    assert columns["E-mail"]["confidence"] > 0.9
    assert "uncertain" == columns["Cell"]["fate"]
    assert "phone_2" == columns["Cell"]["candidates"][0]["field"]
    assert "unnamed" == columns[""]["fate"]


def test_the_config_is_the_owners_alone_and_replaced_only_when_asked(
    foreign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Mode 0600; an existing one stays as it is, whole."""
    target = tmp_path / "bulkpost.toml"
    target.write_text("rate = '1/s'\n")
    status, _, err = called(capsys, "init", foreign, "--url", URL)
    assert 2 == status
    assert "--force" in err
    assert "rate = '1/s'\n" == target.read_text()

    assert 0 == called(capsys, "init", foreign, "--url", URL, "--force")[0]
    assert 0o600 == stat.S_IMODE(target.stat().st_mode)
    assert [foreign, target] == sorted(tmp_path.iterdir(), reverse=True)
    assert 2 == called(capsys, "init", foreign, "--force", "--output", foreign)[0]


@pytest.mark.parametrize(
    ("text", "words", "why"),
    [
        ("ada@example.net,5127891111\nbob@example.net,5127891112\n", [], "looks like data"),
        ("Zaphod,Beeble\nArthur,Dent\n", [], "if the first row is a lead"),
        ("", [], "is empty"),
        ("email\na@example.net\n", ["--url", "https://evil.example/x"], "path is not that of"),
        ("email\na@example.net\n", ["--url", "https://evil.example" + path_of()], "not one of"),
        ('email\n"a@example.net\n', [], "quote"),
        ("email\na@example.net\n", ["--output", "no/such.toml"], "folder does not exist"),
    ],
)
def test_what_cannot_be_a_config_is_refused_and_nothing_is_written(
    text: str, words: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list without a header, an empty or broken one, another address."""
    path = tmp_path / "list.csv"
    path.write_text(text)
    status, out, err = called(capsys, "init", path, *words)

    assert (2, "") == (status, out)
    assert why in err
    assert "Zaphod" not in err
    assert [path] == list(tmp_path.iterdir())


def test_a_list_without_a_header_is_matched_by_its_values(
    foreign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is certain then; the config says how to read the list, and offers fields."""
    foreign.write_text("\n".join(ROWS) + "\n", "utf-8")
    _, out, _ = called(capsys, "init", foreign, "--no-header", "--delimiter", ";", "--json")
    columns = document(out)["columns"]

    assert {"uncertain", "unmatched"} == {column["fate"] for column in columns}
    assert "email" == columns[1]["candidates"][0]["field"]
    config = load(None)
    assert (False, ";") == (config.input.header, config.input.delimiter)
    assert set(config.map.columns.values()) == {False}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_any_header_is_refused_or_gives_a_config_that_loads(
    tmp_path: Path, columns: list[str]
) -> None:
    """Whatever a list's first line says, as a whole command."""
    path = tmp_path / "any.jsonl"
    path.write_text(json.dumps(dict.fromkeys(["email", *columns], "x")) + "\n", "utf-8")
    result = CliRunner().invoke(init, [str(path), "--force", "--url", URL], standalone_mode=False)

    if result.exception is None:
        assert URL == load(None).url
    else:
        assert 2 == getattr(result.exception, "exit_status", 1), result.exception


async def test_a_person_decides_what_is_uncertain(foreign: Path, tmp_path: Path) -> None:
    """By number or by name; Enter leaves out; what is no field is asked again."""
    async with a_terminal(["init", str(foreign), "--url", URL], tmp_path) as (terminal, child):
        await terminal.until("'Cell'", "phone_2", "Enter leaves")
        terminal.type("phone_1\n")
        await terminal.until("Another column feeds phone_1")
        terminal.type("nonsense\n")
        await terminal.until("There is no field nonsense")
        terminal.type("1\n")
        await terminal.until("'Tax No'", "SOCIAL SECURITY NUMBERS")
        terminal.type("\n")
        await terminal.until("Next:  bulkpost check")
        await terminal.rest()
        code = await child.wait()

    assert 0 == code
    assert not [value for value in VALUES if value in terminal.text]
    columns = load(tmp_path / "bulkpost.toml").map.columns
    assert ("phone_2", False) == (columns["Cell"], columns["Tax No"])


@pytest.mark.parametrize("way", ["interrupt", "end of input"])
async def test_who_breaks_off_has_written_nothing(way: str, foreign: Path, tmp_path: Path) -> None:
    """Ctrl-C or Ctrl-D amid the questions: status 130, and no file."""
    async with a_terminal(["init", str(foreign), "--url", URL], tmp_path) as (terminal, child):
        await terminal.until("'Cell'", "Enter leaves")
        if way == "interrupt":
            await asleep(child)
            child.send_signal(signal.SIGINT)
        else:
            terminal.type("\x04")
        await terminal.rest()
        code = await child.wait()

    assert 130 == code
    assert ["foreign.csv"] == [path.name async for path in anyio.Path(tmp_path).iterdir()]
