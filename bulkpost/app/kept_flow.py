"""What is known of a flow, kept beside the config and asked for anew when a command starts."""

import os
import stat
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import msgspec

from bulkpost.app.order import Observer, Order
from bulkpost.app.records_client import api_key, open_api
from bulkpost.checking.against_flow import (
    FlowNews,
    change_finding,
    flow_findings,
    new_secrets,
    still_secret,
)
from bulkpost.clock import Clock, SystemClock
from bulkpost.config import Settings, check_host
from bulkpost.destination import Destination, checked_origin, is_loopback
from bulkpost.endpoints.settings import SOURCE_KEY_VARIABLE
from bulkpost.errors import BulkpostError, ConfigError
from bulkpost.fields.field_type import FieldType
from bulkpost.finding import Finding
from bulkpost.mapping.assignment import shown
from bulkpost.mapping.settings import MapSettings
from bulkpost.records.flow_meta import KnownFlow, read_meta
from bulkpost.records.questions import Access, basic_authorization, meta_request
from bulkpost.reporting.private_file import private_bytes
from bulkpost.secret import Secret, read_secret

SUFFIX: Final = ".flow.json"
_FILE_BYTES_MAX: Final = 16 * 1024 * 1024
_FORMAT: Final = 1
_NAMES_SHOWN_MAX: Final = 10
_WAIT_S_MAX: Final = 10.0  # a question on the way to a run must not hold it up


class KeptFlow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file beside the config.

    Attributes:
        format: Of the file.
        read_at: When LeadConduit told it, RFC 3339.
        needed_key: It was asked with an API key.
        flow: What it told.
    """

    format: int = _FORMAT
    read_at: str
    needed_key: bool
    flow: KnownFlow


def source_key(settings: Settings) -> Secret | None:
    """Return the key with which leads are submitted to a source that asks for one; None if none is.

    Raises:
        ConfigError: It cannot be read, or others can read it.
    """
    return read_secret(settings.endpoint.source_key_file, SOURCE_KEY_VARIABLE, "source's API key")


def source_authorization(settings: Settings) -> Secret | None:
    """Return the value of the Authorization header of a submission; None if it has none.

    Raises:
        ConfigError: As ``source_key``.
    """
    key = source_key(settings)
    return None if key is None else basic_authorization(key, settings.endpoint.source_user)


def path_beside(config: Path) -> Path:
    """Return where a config's flow is kept: ``bulkpost.flow.json`` beside ``bulkpost.toml``."""
    return config.with_suffix(SUFFIX)


async def ask_flow(
    settings: Settings, destination: Destination, clock: Clock | None = None
) -> KeptFlow:
    """Ask LeadConduit for a flow's metadata, with the API key if there is one.

    Raises:
        ConfigError: The key cannot be read, is wanted, or is not accepted; the host is not allowed.
        ApiError: No usable answer came.
    """
    clock = clock or SystemClock()
    access = _access(settings, destination)
    async with open_api(settings, clock) as client:
        reply = await client.ask(meta_request(access, destination.flow_id, destination.source_id))
    flow = read_meta(reply, destination.flow_id, destination.source_id)
    read_at = clock.now_at().isoformat(timespec="seconds")
    return KeptFlow(read_at=read_at, needed_key=access.key is not None, flow=flow)


async def keep_flow(path: Path, kept: KeptFlow) -> None:
    """Write a flow beside the config: whole or not at all, for its owner only.

    Raises:
        UsageError: There is something else than a file in its place.
        BulkpostError: The disk refused.
    """

    def write() -> None:
        with private_bytes(path, is_forced=True) as file:
            file.write(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")

    await anyio.to_thread.run_sync(write)


def kept_flow(path: Path) -> KeptFlow | None:
    """Return the flow that is kept in a file; None if there is no file.

    Raises:
        ConfigError: It is not one that bulkpost wrote, or somebody else may have written it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error.strerror or "it cannot be opened") from None
    with open(descriptor, "rb") as file:  # noqa: PTH123  # a descriptor, not a path
        status = os.fstat(descriptor)
        is_ours = status.st_uid in {0, os.geteuid()} or os.geteuid() == 0
        if not stat.S_ISREG(status.st_mode) or not is_ours:
            raise _unusable(path, "it is no file of this user")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise _unusable(path, "other users may write to it")
        data = file.read(_FILE_BYTES_MAX + 1)
    try:
        kept = msgspec.json.decode(data, type=KeptFlow)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise _unusable(path, "it is not as bulkpost writes it") from None
    if len(data) > _FILE_BYTES_MAX or kept.format != _FORMAT:
        raise _unusable(path, "it is not as this version of bulkpost writes it")
    return kept


def with_secrets_of_flow(settings: MapSettings, path: Path) -> MapSettings:
    """Return settings that know what a kept flow calls a social security number.

    What the config says of a field wins.

    Raises:
        ConfigError: As ``kept_flow``.
    """
    kept = kept_flow(path)
    types = kept.flow.types if kept is not None else {}
    secret = {name: kind for name, kind in types.items() if kind is FieldType.SSN}
    return msgspec.structs.replace(settings, types=secret | settings.types)


async def news_of(order: Order, destination: Destination, observer: Observer) -> FlowNews | None:
    """Return what is known of the flow that an order's leads go to; None if nothing is kept.

    LeadConduit is asked anew, once and for a short time, unless leads go to the embedded sandbox. A
    question that fails is told, and stops nothing.

    Raises:
        ConfigError: As ``kept_flow``.
    """
    path = order.flow_path
    if path is None or destination.is_routed:
        return None
    kept = await anyio.to_thread.run_sync(kept_flow, path)
    if kept is None:
        return None
    if (kept.flow.flow_id, kept.flow.source_id) != (destination.flow_id, destination.source_id):
        observer.noted(f"{path.name} is about another flow or source: it is not used")
        return None
    news = await _news(order, destination, kept)
    for finding in news.findings:
        observer.noted(f"{finding.message}. {finding.advice}".rstrip())
    return news


async def _news(order: Order, destination: Destination, kept: KeptFlow) -> FlowNews:
    findings: list[Finding] = []
    now: KeptFlow | None = None
    if not order.is_sandbox:
        now, failure = await _asked_again(order.settings, destination, kept)
        changed = change_finding(kept.flow, now.flow) if now is not None else failure
        findings += [changed] if changed is not None else []
    known, secrets = kept, frozenset[str]()
    if now is not None:
        secrets = new_secrets(kept.flow, now.flow)
        known = msgspec.structs.replace(now, flow=still_secret(kept.flow, now.flow))
    has_credentials = source_key(order.settings) is not None
    findings += flow_findings(known.flow, has_credentials=has_credentials)
    return FlowNews(known.flow, known.read_at, now is not None, tuple(findings), secrets)


def check_keys(news: FlowNews | None, fields: Iterable[str], types: Collection[str]) -> None:
    """Refuse to submit under keys that a word of the flow's owner has changed over night.

    Args:
        news: What is known of the flow.
        fields: Names of the fields that columns feed.
        types: Fields of which the config says what they are.

    Raises:
        ConfigError: The flow calls one of them a social security number, and did not when kept.
    """
    if news is None:
        return
    found = sorted((news.new_secrets & set(fields)).difference(types))
    if found:
        raise ConfigError(
            f"the flow calls {', '.join(map(shown, found[:_NAMES_SHOWN_MAX]))} a social security "
            "number, and did not when it was kept. Such a field is in no key: leads that were sent "
            "would look like new ones, and others like the same",
            advice="Nothing was sent. If the flow is right, keep it anew, and look at `bulkpost "
            "check` before you submit. If it is not, say under [map.types] what the field is.",
            command="bulkpost init --from-flow",
        )


async def _asked_again(
    settings: Settings, destination: Destination, kept: KeptFlow
) -> tuple[KeptFlow | None, Finding | None]:
    """Return what LeadConduit says now, or why it says nothing; neither if it need not be asked."""
    try:
        if kept.needed_key and _access(settings, destination).key is None:
            return None, None
        once = msgspec.structs.replace(settings.api, attempts_max=1)
        with anyio.fail_after(_WAIT_S_MAX):
            return await ask_flow(msgspec.structs.replace(settings, api=once), destination), None
    except TimeoutError:
        why = f"no answer within {_WAIT_S_MAX:.0f} s"
    except BulkpostError as error:
        why = error.message
    return None, Finding(
        "flow_not_asked",
        f"LeadConduit was not asked whether the flow has changed: {why}",
        "What is kept of the flow is used.",
    )


def _access(settings: Settings, destination: Destination) -> Access:
    origin = checked_origin(settings.api.url or destination.origin)
    host = urlsplit(origin).hostname or ""
    check_host(host, settings.allowed_hosts)
    # As for every question: whoever listens on this machine gets no key unasked.
    if is_loopback(host) and not settings.api.url:
        return Access(origin, None)
    return Access(origin, api_key(settings) or source_key(settings))


def _unusable(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"what is kept of the flow cannot be used: {path}: {why}",
        advice="Types and required fields come from it. Delete it, or have it written anew.",
        command="bulkpost init --from-flow",
    )
