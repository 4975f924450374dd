"""Where settings come from, which of them wins, and what is said when one is wrong."""

from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from click.testing import CliRunner, Result
from submitting import FLOW, SOURCE, path_of

from bulkpost.app.order import Order
from bulkpost.cli.options import Output, output_options
from bulkpost.cli.order_options import order_options
from bulkpost.config import Settings, changed, convert, destination_of, load
from bulkpost.destination import Environment
from bulkpost.errors import ConfigError

URL = "https://app.leadconduit.com" + path_of()


def config(folder: Path, text: str) -> Path:
    path = folder / "bulkpost.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[retry]\nattempt_max = 3", "retry.attempt_max: unknown setting (did you mean 'attempts_"),
        ("concurency = 3", "concurency: unknown setting"),
        ("[engine]\nconcurency = 3", "engine.concurency: unknown setting (did you mean 'conc"),
        ("[enigne]\nconcurrency = 3", "enigne: unknown setting (did you mean 'engine'?)"),
        ("[engine]\nconcurrency = 0", "engine.concurrency: Expected `int` >= 1"),
        ("[engine]\nconcurrency = '4'", "engine.concurrency: Expected `int`, got `str`"),
        ("[transport]\nread_s = -1", "transport.read_s: Expected `float` > 0"),
        ("duplicates = 'resend'", "duplicates: Invalid enum value 'resend'"),
        ("[map.columns]\nemail = 3", "map.columns[...]: Expected `bool | str`, got `int`"),
        ("key = 'email'", "key: Expected `array`, got `str`"),
        ("rate = \n", "is not TOML"),
    ],
)
def test_a_wrong_config_file_is_told_by_file_table_and_key(
    text: str, message: str, tmp_path: Path
) -> None:
    """Which file, which table, which key, what is wrong, and what was probably meant."""
    path = config(tmp_path, text)

    with pytest.raises(ConfigError) as caught:
        load(path)

    assert str(path) in caught.value.message
    assert message in caught.value.message


@pytest.mark.parametrize("kind", ["missing", "folder", "binary", "huge"])
def test_a_config_file_that_cannot_be_read_is_a_config_error(kind: str, tmp_path: Path) -> None:
    """Whatever stands there instead of a file, the answer is a sentence."""
    path = tmp_path / "c.toml"
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(b"\xff\xfe" if kind == "binary" else b"#" * 2_000_000)

    with pytest.raises(ConfigError) as caught:
        load(path)

    assert str(path) in caught.value.message


def test_without_a_config_file_everything_has_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file is no error; bulkpost.toml of the working directory is used if it is there."""
    monkeypatch.chdir(tmp_path)
    assert Settings() == load(None)
    config(tmp_path, "rate = '5/s'")
    assert "5/s" == load(None).rate


def test_settings_survive_a_round_trip() -> None:
    """What is laid over the config by a flag leaves the rest as it was."""
    settings = convert({"rate": "5/s", "map": {"columns": {"a": False}}}, "test")

    assert settings == convert(msgspec.to_builtins(settings), "test")
    assert 3 == changed(settings, {"engine.concurrency": 3}).engine.concurrency
    assert settings.map == changed(settings, {"engine.concurrency": 3}).map
    with pytest.raises(ConfigError, match=r"command line: engine\.concurrency: Expected"):
        changed(settings, {"engine.concurrency": 0})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "nothing says where"),
        ({"flow_id": FLOW}, "a flow id is given, and no source id"),
        ({"source_id": SOURCE}, "a source id is given, and no flow id"),
        ({"url": URL, "flow_id": FLOW}, "both a posting URL and"),
        ({"url": "https://evil.example/" + path_of()[1:]}, "evil.example is not one of"),
        ({"url": "https://leadconduit.com.evil.example" + path_of()}, "is not one of"),
        ({"url": "https://notleadconduit.com" + path_of()}, "is not one of"),
        ({"url": "http://app.leadconduit.com" + path_of()}, "in the clear"),
        ({"flow_id": "xyz", "source_id": SOURCE}, "flow_id is not 24 hex digits"),
        ({"map": {"route": True}, "host": "evil.example"}, "evil.example is not one of"),
        ({"url": "http://127.0.0.1.evil.example" + path_of()}, "in the clear"),
    ],
)
def test_a_destination_that_is_not_leadconduits_is_refused(
    values: dict[str, Any], words: str
) -> None:
    """Leads go to one of the allowed hosts, in the right shape, or nowhere."""
    with pytest.raises(ConfigError) as caught:
        destination_of(convert(values, "test"))

    assert words in caught.value.message


@pytest.mark.parametrize(
    ("values", "environment"),
    [
        ({"url": URL}, Environment.LIVE),
        ({"flow_id": FLOW, "source_id": SOURCE}, Environment.LIVE),
        ({"url": URL.replace("app.", "next.")}, Environment.LIVE),
        ({"url": "http://127.0.0.1:8765" + path_of()}, Environment.SANDBOX),
        (
            {"url": "https://leads.example" + path_of(), "allowed_hosts": ["LEADS.example"]},
            Environment.LIVE,
        ),
    ],
)
def test_a_destination_says_whether_leads_cost_money(
    values: dict[str, Any], environment: Environment
) -> None:
    """Loopback is the sandbox, everything else is live."""
    assert environment is destination_of(convert(values, "test")).environment


# -- flags, environment, file ----------------------------------------------------------------------


def ordered(*words: str, env: dict[str, str] | None = None) -> tuple[Order | None, Result]:
    """Return what the options of submit and check make of a command line."""
    orders: list[Order] = []

    @click.command()
    @click.argument("inputs", nargs=-1)
    @output_options
    @order_options
    def command(order: Order, output: Output) -> None:  # noqa: ARG001  # what the options give
        orders.append(order)

    result = CliRunner().invoke(command, words, env=env or {})
    return (orders[0] if orders else None), result


@pytest.mark.parametrize(
    ("flag", "variable", "setting", "values"),
    [
        ("--url", "BULKPOST_URL", "url", (URL + "?a=1", URL + "?a=2", URL)),
        ("--rate", "BULKPOST_RATE", "rate", ("1/s", "2/s", "3/s")),
        ("--concurrency", "BULKPOST_CONCURRENCY", "engine.concurrency", (1, 2, 3)),
        ("--key", "BULKPOST_KEY", "key", (("a", "b"), ("c",), ("d",))),
        ("--duplicates", "BULKPOST_DUPLICATES", "duplicates", ("skip", "submit", "skip")),
        ("--reference", "BULKPOST_REFERENCE", "map.reference", ("a", "b", "c")),
        ("--refuse", "BULKPOST_REFUSE", "check.refuse", (("blank",), ("invalid",), ("doubtful",))),
        ("--format", "BULKPOST_FORMAT", "input.format", ("csv", "tsv", "jsonl")),
        ("--encoding", "BULKPOST_ENCODING", "input.encoding", ("a", "b", "c")),
        ("--delimiter", "BULKPOST_DELIMITER", "input.delimiter", (";", "|", ",")),
        ("--ledger", "BULKPOST_LEDGER", "ledger", ("a.db", "b.db", "c.db")),
    ],
)
def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(
    flag: str, variable: str, setting: str, values: tuple[Any, Any, Any], tmp_path: Path
) -> None:
    """For every setting that can be given in all three ways."""

    def text(value: Any) -> str:
        return ", ".join(value) if isinstance(value, tuple) else str(value)

    def of(order: Order | None) -> Any:
        assert order is not None
        found: Any = order.settings
        for part in setting.split("."):
            found = getattr(found, part)
        return found

    table, _, key = setting.rpartition(".")
    value = msgspec.json.encode(values[2]).decode()
    file = config(tmp_path, f"[{table}]\n{key} = {value}" if table else f"{key} = {value}")
    base = ("x.csv", "--config", str(file))
    env = {variable: text(values[1])}

    assert values[0] == of(ordered(*base, flag, text(values[0]), env=env)[0])
    assert values[1] == of(ordered(*base, env=env)[0])
    assert values[2] == of(ordered(*base)[0])


def test_the_config_file_itself_can_be_named_by_the_environment(tmp_path: Path) -> None:
    """For a cron job that starts in another folder."""
    file = config(tmp_path, "rate = '7/s'")
    order, _ = ordered("x.csv", env={"BULKPOST_CONFIG": str(file)})

    assert order is not None
    assert "7/s" == order.settings.rate


@pytest.mark.parametrize(
    ("words", "is_strict"),
    [([], False), (["--strict"], True)],
)
def test_strict_is_off_unless_said(words: list[str], *, is_strict: bool) -> None:
    """The default follows LeadConduit's documentation."""
    order, _ = ordered("x.csv", *words)
    assert order is not None
    assert is_strict == order.settings.endpoint.strict


def test_strict_can_come_from_the_environment_and_the_file(tmp_path: Path) -> None:
    """A nightly job is as strict as its config."""
    file = config(tmp_path, "[endpoint]\nstrict = true")
    from_file, _ = ordered("x.csv", "--config", str(file))
    from_env, _ = ordered("x.csv", env={"BULKPOST_STRICT": "1"})

    assert from_file is not None
    assert from_env is not None
    assert (True, True) == (from_file.settings.endpoint.strict, from_env.settings.endpoint.strict)


def test_several_words_to_refuse_and_normalise_come_from_flags_and_environment() -> None:
    """A flag is repeated; a variable has spaces between its words."""
    words = ("--refuse", "invalid", "--refuse", "phone_masked", "--normalise")
    by_flag, _ = ordered("x.csv", *words)
    by_variable, _ = ordered(
        "x.csv", env={"BULKPOST_REFUSE": "invalid phone_masked", "BULKPOST_NORMALISE": "1"}
    )
    unsaid, _ = ordered("x.csv", env={"BULKPOST_NORMALISE": "0"})

    assert by_flag is not None
    assert by_variable is not None
    assert unsaid is not None
    assert ("invalid", "phone_masked") == by_flag.settings.check.refuse
    assert by_flag.settings.check.normalise
    assert by_flag.settings.check == by_variable.settings.check
    assert ((), False) == (unsaid.settings.check.refuse, unsaid.settings.check.normalise)


@pytest.mark.parametrize(
    ("given", "delimiter"), [("tab", "\t"), ("\\t", "\t"), ("semicolon", ";"), ("|", "|")]
)
def test_a_delimiter_may_be_named(given: str, delimiter: str) -> None:
    """A tab is hard to type."""
    order, _ = ordered("x.csv", "--delimiter", given)
    assert order is not None
    assert delimiter == order.settings.input.delimiter


def test_a_url_given_by_flag_replaces_the_ids_of_the_file(tmp_path: Path) -> None:
    """The file says where by ids, the flag by URL: the flag is meant."""
    file = config(tmp_path, f"flow_id = '{FLOW}'\nsource_id = '{SOURCE}'")
    order, _ = ordered("x.csv", "--config", str(file), "--url", URL)

    assert order is not None
    assert URL == destination_of(order.settings).url


@pytest.mark.parametrize(
    "words",
    [["--limit", "0"], ["--format", "xls"], ["--duplicates", "maybe"], ["--concurrency", "many"]],
)
def test_a_flag_out_of_range_is_a_usage_error(words: list[str]) -> None:
    """Nothing begins with a flag that makes no sense."""
    order, result = ordered("x.csv", *words)

    assert (None, 2) == (order, result.exit_code)
    assert words[0] in result.output
