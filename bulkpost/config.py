"""All settings, from the config file; they are declared beside what they set and joined here.

Order of precedence: a flag, the environment (``BULKPOST_*``), the config file, the default. The
first two come from the command line's own machinery and are laid over what ``load`` returns.
"""

import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from bulkpost.checking.settings import CheckSettings
from bulkpost.destination import (
    HOST_DEFAULT,
    Destination,
    checked_id,
    checked_origin,
    is_loopback,
    parse_feedback_url,
    parse_url,
)
from bulkpost.endpoints.settings import EndpointSettings
from bulkpost.engine.settings import EngineSettings, NightSettings
from bulkpost.errors import ConfigError
from bulkpost.mapping.closest import did_you_mean
from bulkpost.mapping.settings import FeedbackSettings, MapSettings
from bulkpost.pacing.breaker import BreakerSettings
from bulkpost.pacing.budget import BudgetSettings
from bulkpost.pacing.retry import RetrySettings
from bulkpost.reading.settings import ReadingSettings
from bulkpost.records.settings import ApiSettings
from bulkpost.transport.settings import TransportSettings

CONFIG_DEFAULT: Final = Path("bulkpost.toml")
_CONFIG_BYTES_MAX: Final = 1024 * 1024
_UNKNOWN: Final = re.compile(r"Object contains unknown field `([^`]*)`(?: - at `\$\.?([^`]*)`)?")
_PLACE: Final = re.compile(r"^(.*?)(?: - at `\$\.?([^`]*)`)?$", re.DOTALL)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that can be set.

    Attributes:
        url: The posting URL, whole; or empty if ``flow_id`` and ``source_id`` are given, or if
            each row names them (``map.route``).
        host: Host for ``flow_id`` and ``source_id``.
        flow_id: 24 hex digits.
        source_id: 24 hex digits.
        allowed_hosts: Hosts that leads may go to, beside this machine; ``*.`` stands for any
            sub-domain.
        ledger: The ledger file; empty for ``bulkpost.db`` (``bulkpost-sandbox.db`` with
            ``--sandbox``).
        rate: Leads a time: ``50/s``, ``3000/min``, ``20000/h``; empty for no limit.
        burst: Leads that may go together after a rest.
        key: Columns that tell rows apart; empty for the whole content.
        duplicates: What happens to a row whose key was submitted before.
        input: How inputs are read.
        map: Which column feeds which field.
        feedback: Where feedback goes, and which columns make it.
        check: What becomes of values that LeadConduit would not read as they were meant.
        engine: The worker pool.
        night: What bounds a command that nobody watches, and where it says how it ended.
        retry: How often one row is tried.
        breaker: When a run pauses because the host is away.
        budget: How many wrong answers a run bears.
        transport: Limits of one request.
        endpoint: How answers are read.
        api: How LeadConduit is asked about what it has.
    """

    url: str = ""
    host: str = HOST_DEFAULT
    flow_id: str = ""
    source_id: str = ""
    allowed_hosts: tuple[str, ...] = ("*.leadconduit.com", "*.leadconduit-staging.com")
    ledger: str = ""
    rate: str = ""
    burst: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1
    key: tuple[str, ...] = ()
    duplicates: Literal["skip", "submit"] = "skip"
    input: ReadingSettings = ReadingSettings()
    map: MapSettings = msgspec.field(default_factory=MapSettings)
    feedback: FeedbackSettings = FeedbackSettings()
    check: CheckSettings = CheckSettings()
    engine: EngineSettings = EngineSettings()
    night: NightSettings = NightSettings()
    retry: RetrySettings = RetrySettings()
    breaker: BreakerSettings = BreakerSettings()
    budget: BudgetSettings = BudgetSettings()
    transport: TransportSettings = TransportSettings()
    endpoint: EndpointSettings = EndpointSettings()
    api: ApiSettings = ApiSettings()


def load(path: Path | None) -> Settings:
    """Read the config file; without a path, ``bulkpost.toml`` if there is one.

    Raises:
        ConfigError: It cannot be read, or a setting is unknown or out of range; the message names
            the table and the key.
    """
    is_found = path is None
    if path is None:
        if not CONFIG_DEFAULT.is_file():
            return Settings()
        path = CONFIG_DEFAULT
    try:
        status = path.stat()
        _check_trusted(path, status, is_found=is_found)
        if status.st_size > _CONFIG_BYTES_MAX:
            raise ConfigError(f"{path} is too large to be a config file")
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(
            f"the config file cannot be read: {path}: {error.strerror}",
            advice="Check --config, or leave it out to use the defaults.",
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None
    return convert(values, str(path))


def _check_trusted(path: Path, status: os.stat_result, *, is_found: bool) -> None:
    """Refuse a config that somebody else may have written: it says where the leads go.

    A file that was named is its namer's choice, whoever owns it; one that merely lies in the
    working directory must be ours or the administrator's.

    Raises:
        ConfigError: With what mends it.
    """
    if status.st_mode & stat.S_IWOTH:
        raise ConfigError(
            f"every user may write to the config file: {path}", command=f"chmod o-w {path}"
        )
    if is_found and os.geteuid() != 0 and status.st_uid not in {0, os.geteuid()}:
        raise ConfigError(
            f"the config file of this folder belongs to another user: {path}",
            advice="It says where leads go. If you trust it, name it.",
            command=f"--config {path}",
        )


def convert(values: dict[str, Any], where: str) -> Settings:
    """Turn nested values into settings.

    Raises:
        ConfigError: As ``load``.
    """
    try:
        return msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"{where}: {_explained(str(error))}",
            advice="config.example.toml lists every setting with its meaning.",
        ) from None


def changed(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Return settings with some values changed: ``{"engine.concurrency": 4, "rate": "5/s"}``.

    Raises:
        ConfigError: A new value is out of range.
    """
    values: dict[str, Any] = msgspec.to_builtins(settings)
    for name, value in changes.items():
        table, _, key = name.rpartition(".")
        (values[table] if table else values)[key] = value
    return convert(values, "command line")


def destination_of(settings: Settings) -> Destination:
    """Return where the leads go.

    Raises:
        ConfigError: Nothing says where, two things do, or the host is not allowed.
    """
    if settings.url and (settings.flow_id or settings.source_id):
        raise ConfigError("both a posting URL and flow or source ids are given; give one of them")
    if settings.url and not settings.map.route:
        destination = parse_url(settings.url)
    elif settings.map.route:
        destination = Destination(
            checked_origin(settings.url or f"https://{settings.host}"), "", ""
        )
    elif settings.flow_id and settings.source_id:
        destination = Destination(
            checked_origin(f"https://{settings.host}"),
            checked_id(settings.flow_id, "flow_id"),
            checked_id(settings.source_id, "source_id"),
        )
    elif settings.flow_id or settings.source_id:
        given, missing = ("flow", "source") if settings.flow_id else ("source", "flow")
        raise ConfigError(
            f"a {given} id is given, and no {missing} id",
            advice=f"Add --{missing}-id, or give the whole posting URL with --url.",
        )
    else:
        raise ConfigError(
            "nothing says where the leads go",
            advice="Give the posting URL with --url (from the source's Submission Docs in "
            "LeadConduit), or try --sandbox, which submits to an imitation on this machine.",
        )
    check_host(destination.host, settings.allowed_hosts)
    return destination


def feedback_destination_of(settings: Settings) -> Destination:
    """Return where feedback goes.

    Raises:
        ConfigError: The URL is not one that takes feedback, or its host is not allowed.
    """
    url = settings.feedback.url or f"https://{settings.host}/feedback"
    destination = parse_feedback_url(url)
    check_host(destination.host, settings.allowed_hosts)
    return destination


def check_host(host: str, allowed: tuple[str, ...]) -> None:
    """Let pass this machine and the hosts that are allowed.

    Raises:
        ConfigError: It is none of them.
    """
    if is_loopback(host):
        return
    for pattern in allowed:
        if pattern.startswith("*.") and host.endswith(pattern[1:].lower()):
            return
        if host == pattern.lower():
            return
    raise ConfigError(
        f"{host} is not one of LeadConduit's hosts",
        advice="Check the URL. If leads are meant to go there, add the host to allowed_hosts in "
        "the config file.",
    )


def _explained(text: str) -> str:
    unknown = _UNKNOWN.fullmatch(text)
    if unknown:
        key, table = unknown[1], unknown[2] or ""
        hint = did_you_mean(key, _keys_of(table))
        return f"{table + '.' if table else ''}{key}: unknown setting{hint}"
    match = _PLACE.fullmatch(text)
    assert match is not None, text
    return f"{match[2]}: {match[1]}" if match[2] else match[1]


def _keys_of(table: str) -> tuple[str, ...]:
    holder: Any = Settings()
    for part in filter(None, table.split(".")):
        holder = getattr(holder, part, None)
    return tuple(holder.__struct_fields__) if isinstance(holder, msgspec.Struct) else ()
