"""A source that asks its sender for a key."""

from pathlib import Path

import pytest
from flows import a_flow, served
from kept_flows import FIELDS, KEY, a_list, config_in, has_key, key_in, names_in, order_in
from submitting import Recorder, asked, bulkpost, submitted, table

from bulkpost.app import commands
from bulkpost.config import changed, convert
from bulkpost.errors import ConfigError
from bulkpost.reporting.status import ExitStatus

STATUSES = "SELECT http_status FROM outcome"


@pytest.fixture(autouse=True)
def _in_a_folder_without_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("BULKPOST_API_KEY", "BULKPOST_SOURCE_KEY", "BULKPOST_CONFIG", "BULKPOST_URL"):
        monkeypatch.delenv(name, raising=False)


async def test_a_source_that_asks_for_a_key_gets_it_with_every_lead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """401 and nothing taken without it; with it, from a file or the environment, 201."""
    rows = [["Ada", f"ada{n}@example.net"] for n in range(3)]
    table(tmp_path / "l.csv", ["first_name", "email"], rows)
    async with served(a_flow(*FIELDS, api_key=KEY)) as sandbox:
        config_in(tmp_path, sandbox.address.origin)
        without = await submitted(order_in(tmp_path, limit=1))
        assert ExitStatus.STOPPED is without.exit_status
        (run,) = without.runs
        assert run.halt is not None
        assert "source_key_file under [endpoint]" in run.halt.advice
        assert [401] == [status for (status,) in asked(tmp_path / "l.db", STATUSES)]
        monkeypatch.setenv("BULKPOST_SOURCE_KEY", KEY)
        by_variable = await submitted(order_in(tmp_path, limit=1))
        monkeypatch.delenv("BULKPOST_SOURCE_KEY")
        more = f'[endpoint]\nsource_key_file = "{key_in(tmp_path)}"\n'
        config_in(tmp_path, sandbox.address.origin, more)
        done = await bulkpost("submit", "l.csv", "-vv", "--ledger", "l.db", cwd=tmp_path)

    assert ExitStatus.RESUMABLE is by_variable.exit_status
    assert [201, 201, 401] == sorted(row[0] for row in asked(tmp_path / "l.db", STATUSES))
    assert not has_key(tmp_path, done.stdout.decode(), done.stderr.decode())


async def test_t8_a_credential_is_in_no_text_for_support(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That there was one is told, for it is the first question; what it was is not."""
    table(tmp_path / "l.csv", ["first_name", "email"], [["Ada", "ada@example.net"]])
    monkeypatch.setenv("BULKPOST_SOURCE_KEY", KEY)
    async with served(a_flow(*FIELDS, api_key="another")) as sandbox:
        config_in(tmp_path, sandbox.address.origin)
        await submitted(order_in(tmp_path))
    shown = await bulkpost("show", "--support", "--ledger", "l.db", cwd=tmp_path)

    assert b"Authorization: \xe2\x80\xa6" in shown.stdout
    assert not has_key(tmp_path, shown.stdout.decode())


async def test_a_source_key_that_others_can_read_is_refused_before_anything_is_sent(
    tmp_path: Path,
) -> None:
    """As every file of a key; check says so as well."""
    a_list(tmp_path)
    key = key_in(tmp_path)
    key.chmod(0o640)
    config_in(tmp_path, "http://127.0.0.1:9", f'[endpoint]\nsource_key_file = "{key}"\n')
    for command in (commands.check, submitted):
        with pytest.raises(ConfigError) as caught:
            await command(order_in(tmp_path), Recorder())
        assert f"chmod 600 {key}" == caught.value.command
    assert {"l.csv", "key", "bulkpost.toml"} == names_in(tmp_path)


def test_the_user_of_a_source_key_is_a_plain_word() -> None:
    """A colon would end it, and a line end would begin another header."""
    assert "me" == changed(convert({}, "x"), {"endpoint.source_user": "me"}).endpoint.source_user
    for wrong in ("", "a:b", "a\nb", "é"):
        with pytest.raises(ConfigError):
            convert({"endpoint": {"source_user": wrong}}, "x")
