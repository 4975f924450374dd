"""What the sandbox can be told, by command line, by a TOML file and in process."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from bulkpost.errors import ConfigError
from bulkpost.sandbox.faults import FaultRule
from bulkpost.sandbox.feedback import FeedbackSettings
from bulkpost.sandbox.flow.settings import FlowSettings
from bulkpost.sandbox.records import ApiSettings

ObjectId = Annotated[str, msgspec.Meta(pattern="^[0-9a-fA-F]{24}$")]


class SandboxSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the sandbox behaves.

    Attributes:
        seed: Decides every random choice and the lead ids; None draws one (``Sandbox.seed``).
        flow_id: Serve this flow only; None serves any 24-hex id.
        source_id: Serve this source only; None serves any 24-hex id.
        price: Price of a successful lead, and of a ping; failures and errors cost 0.
        duplicates: Answer ``failure``, ``duplicate`` to a lead that this flow already took.
        latency_s: Wait before every answer, in seconds; the lead is taken before the wait.
        jitter_s: At most this much is added to the wait, evenly spread, in seconds.
        drip_interval_s: Wait between two bytes of the fault ``drip``, in seconds.
        faults: Rules that are asked in order for each request; the first that hits wins.
        reply_fields: What an answer shows; an account may leave out ``lead.id``.
        content_length: What the ``Content-Length`` of an answer to a lead counts: characters, as
            LeadConduit's own module does (an answer that is not ASCII then arrives cut), or bytes.
        body_bytes_max: A longer body is answered 413.
        keep_max: Leads and requests kept for ``/sandbox/leads`` and for duplicate detection, at
            about 1.4 kB each; the oldest are forgotten first. The log file is not affected.
        feedback: What becomes of feedback.
        api: Who may ask about leads, and how soon they are found.
        flow: The account's flow; None takes any names, types nothing and accepts everything.
    """

    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    flow_id: ObjectId | None = None
    source_id: ObjectId | None = None
    price: float = 0.0
    duplicates: bool = True
    latency_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.0
    jitter_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.0
    drip_interval_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 0.3
    faults: tuple[FaultRule, ...] = ()
    reply_fields: tuple[str, ...] = ("outcome", "reason", "lead.id", "price")
    content_length: Literal["characters", "bytes"] = "characters"
    body_bytes_max: Annotated[int, msgspec.Meta(ge=1, le=2**30)] = 16 * 2**20
    keep_max: Annotated[int, msgspec.Meta(ge=1)] = 1_000_000
    feedback: FeedbackSettings = FeedbackSettings()
    api: ApiSettings = ApiSettings()
    flow: FlowSettings | None = None


def load_settings(path: Path) -> SandboxSettings:
    """Read settings from a TOML file.

    Raises:
        ConfigError: The file cannot be read, is not TOML, or a setting is wrong.
    """
    return _checked(_read(path), str(path))


def load_flow(path: Path) -> FlowSettings:
    """Read a flow from a TOML file that holds nothing but the table ``flow``.

    Raises:
        ConfigError: The file cannot be read, is not TOML, holds something else, or is wrong.
    """
    read = _read(path)
    if read.keys() != {"flow"}:
        raise ConfigError(
            f"{path}: a file of a flow holds the table [flow] and nothing else",
            advice="Give a file with other settings as --faults FILE.",
        )
    flow = _checked(read, str(path)).flow
    assert flow is not None
    return flow


def changed(settings: SandboxSettings, changes: Mapping[str, object]) -> SandboxSettings:
    """Return the settings with some of them changed.

    Raises:
        ConfigError: A new value is out of range.
    """
    return _checked({**msgspec.structs.asdict(settings), **changes}, "sandbox")


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"{path}: cannot be read as TOML: {error}", advice="Correct the sandbox file."
        ) from error


def _checked(values: Mapping[str, object], where: str) -> SandboxSettings:
    try:
        return msgspec.convert(values, SandboxSettings)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"{where}: {error}", advice="The settings are listed in docs/sandbox.md."
        ) from error
