"""API keys: where they may stand, where they are sent, and that nothing shows them."""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from bulkpost.app.records_client import access_for
from bulkpost.config import Settings
from bulkpost.errors import ConfigError
from bulkpost.records.questions import basic_authorization, meta_request
from bulkpost.secret import Secret, read_secret, read_secret_file

KEY = "1f1b96c9150d8050e858c043d543bb4eadae0e6f"
LIVE = "https://app.leadconduit.com"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "api key"
    path.write_text(f"{KEY}\n")
    path.chmod(0o600)
    return path


def settings_with(**api: str) -> Settings:
    settings = Settings()
    return replace(settings, api=replace(settings.api, **api))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_t8_a_key_file_that_others_can_read_is_refused(mode: int, key_file: Path) -> None:
    """With the command that mends it, and without the key."""
    key_file.chmod(mode)

    with pytest.raises(ConfigError) as caught:
        read_secret_file(key_file, "API key")

    assert f"chmod 600 '{key_file}'" == caught.value.command
    assert KEY not in f"{caught.value!r} {caught.value.advice}"


@pytest.mark.parametrize("content", ["", "two words", "a\x00b", "é" * 8, "k" * 5000, "a\nb"])
def test_t8_what_is_no_key_is_refused_and_not_repeated(content: str, key_file: Path) -> None:
    """A whole config, two lines, nothing at all."""
    key_file.write_text(content)

    with pytest.raises(ConfigError) as caught:
        read_secret_file(key_file, "API key")

    assert not content or content not in f"{caught.value!r} {caught.value.advice}"


def test_t8_a_pipe_or_a_folder_is_no_key_file(tmp_path: Path) -> None:
    """It is not waited for."""
    os.mkfifo(tmp_path / "pipe", 0o600)

    for place in (tmp_path / "pipe", tmp_path, tmp_path / "nothing"):
        with pytest.raises(ConfigError):
            read_secret_file(place, "API key")


def test_t8_a_key_comes_from_the_environment_or_a_private_file(key_file: Path) -> None:
    """The environment wins; a link to a private file is one."""
    link = key_file.with_name("link")
    link.symlink_to(key_file)

    told = read_secret(str(link), "X_KEY", "API key", {"X_KEY": "from-the-environment"})
    assert told is not None
    assert "from-the-environment" == told.reveal()
    read = read_secret(str(link), "X_KEY", "API key", {})
    assert read is not None
    assert KEY == read.reveal()
    assert read_secret("", "X_KEY", "API key", {}) is None


def test_t8_no_repr_shows_a_key(key_file: Path) -> None:
    """Neither of the secret nor of what it is part of; nor its encoded form."""
    access = access_for(settings_with(key_file=str(key_file)), LIVE)
    request = meta_request(access, "a" * 24, "b" * 24)
    header = basic_authorization(Secret(KEY)).reveal()

    assert access.key is not None
    for shown in (repr(access), str(access.key), f"{request!r}", f"{request.authorization}"):
        assert KEY not in shown
        assert header.split()[1] not in shown


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://app.leadconduit.com", "https://leadconduit.com.evil.example"],
)
def test_t8_a_key_is_sent_to_no_other_host(origin: str, key_file: Path) -> None:
    """Not even if a ledger, or the config, says that leads went there."""
    for settings in (settings_with(key_file=str(key_file)), settings_with(url=origin)):
        with pytest.raises(ConfigError):
            access_for(settings, settings.api.url or origin)


def test_t8_a_key_is_sent_to_this_machine_only_on_demand(key_file: Path) -> None:
    """Somebody else may listen where the sandbox was."""
    settings = settings_with(key_file=str(key_file))
    assert access_for(settings, "http://127.0.0.1:8080").key is None

    asked = settings_with(key_file=str(key_file), url="http://127.0.0.1:8080")
    assert access_for(asked, LIVE).key is not None


def test_t8_without_a_key_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says where a key comes from and where to put it."""
    monkeypatch.delenv("BULKPOST_API_KEY", raising=False)

    with pytest.raises(ConfigError) as caught:
        access_for(Settings(), LIVE)

    assert "key_file" in caught.value.advice
    assert "BULKPOST_API_KEY" in caught.value.advice
