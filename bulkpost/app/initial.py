"""``init``: reads a list, says which column may feed which field, and writes that as a config."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import anyio.to_thread

from bulkpost.app.inputs import called
from bulkpost.app.kept_flow import KeptFlow, keep_flow, path_beside
from bulkpost.config import Settings, convert, destination_of
from bulkpost.destination import Destination, is_loopback, parse_url
from bulkpost.errors import ConfigError, InputError, MappingError
from bulkpost.fields import guess_type
from bulkpost.fields.field_type import FieldType
from bulkpost.ledger.paths import LEDGER_DEFAULT
from bulkpost.mapping.assignment import assign
from bulkpost.mapping.header import data_for_names
from bulkpost.mapping.settings import MapSettings
from bulkpost.matching.draft import Draft, config_text
from bulkpost.matching.match import ColumnMatch, Fate, match_columns
from bulkpost.matching.settling import SENT, settled
from bulkpost.matching.target import Target, Targets, standard_targets
from bulkpost.matching.values import Sample
from bulkpost.reading.inputs import resolve_inputs
from bulkpost.reading.reader import Reader, open_reader
from bulkpost.reading.settings import ReadingSettings
from bulkpost.records.flow_meta import KnownFlow
from bulkpost.reporting.private_file import check_not_needed, check_target, private_file

_CONFIG_BYTES_MAX: Final = 1024 * 1024
_NOWHERE: Final = Destination("https://nowhere.invalid", "", "")


@dataclass(frozen=True, slots=True)
class InitOrder:
    """What the user asked for.

    Attributes:
        list_path: The list.
        settings: The posting URL, how the list is read, and how LeadConduit is asked.
        target: Where the config is written; None for standard output.
        is_forced: Replace an existing file.
        as_of: When it was given.
    """

    list_path: Path
    settings: Settings
    target: Path | None
    is_forced: bool
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the list seems to hold.

    Attributes:
        description: How the list is read, in words.
        matches: Its columns.
        fields: Names of the fields that there are.
        origin: Whose fields they are, in words.
        required: Names of those that the flow requires.
        set_by_url: Names of the fields that the posting URL sets.
    """

    description: str
    matches: tuple[ColumnMatch, ...]
    fields: tuple[str, ...]
    origin: str
    required: tuple[str, ...] = ()
    set_by_url: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Required fields that nothing sets."""
        fed = {match.field for match in self.matches if match.fate in SENT} | {*self.set_by_url}
        return tuple(name for name in self.required if name not in fed)

    def with_matches(self, matches: Sequence[ColumnMatch]) -> "Proposal":
        """Return it as somebody decided, without what would then be in conflict."""
        return replace(self, matches=settled(matches, self.set_by_url))


def check_order(order: InitOrder) -> Destination:
    """Refuse what cannot be done before anything is read or asked; return where leads will go.

    Raises:
        UsageError: The list is not there, the target may not be written, or the URL is none.
    """
    resolve_inputs([str(order.list_path)])
    if order.target is not None:
        check_target(order.target, is_forced=order.is_forced)
        for path in (order.target, path_beside(order.target)):
            check_not_needed(path, Path(LEDGER_DEFAULT), order.list_path)
    return destination_of(order.settings) if order.settings.url else _NOWHERE


async def propose(
    order: InitOrder,
    destination: Destination,
    progress: Callable[[Path, int], None],
    flow: KnownFlow | None = None,
) -> Proposal:
    """Read the list to its end, and match its columns.

    Args:
        order: What is asked for.
        destination: Where leads will go.
        progress: Told of the rows read so far; called from a thread.
        flow: Its fields are those that there are; None for the standard catalogue's.

    Raises:
        InputError: It cannot be read.
        MappingError: Its first row is no header.
    """
    with await anyio.to_thread.run_sync(
        open_reader, order.list_path, order.settings.input
    ) as reader:
        if not reader.columns:
            raise InputError(
                f"{called(order.list_path)} is empty.", advice="Give a list with rows."
            )
        has_header = reader.format.has_header
        if has_header:
            _refuse_data(reader.columns)
        sample = await anyio.to_thread.run_sync(_sampled, reader, progress)
        likenesses = sample.likenesses(len(reader.columns), order.as_of)
        targets = standard_targets() if flow is None else _targets_of(flow)
        matches = match_columns(
            reader.columns,
            Targets(targets),
            likenesses,
            is_whole=flow is not None or not has_header,
        )
        if has_header:
            _refuse_strangers(matches)
        unusable = {column.name for column in reader.unusable_columns}
        matches = tuple(_usable(match, unusable) for match in matches)
        proposal = Proposal(
            reader.format.description,
            matches,
            tuple(target.name for target in targets),
            "LeadConduit's standard catalogue" if flow is None else f"the flow {flow.name}".strip(),
            tuple(one.name for one in flow.fields if one.is_required) if flow is not None else (),
            tuple(dict(destination.query)),
        )
        return proposal.with_matches(matches)


def draft_of(order: InitOrder, proposal: Proposal) -> str:
    """Return the config's text.

    Raises:
        ConfigError: It would be too long to be read again.
    """
    settings, default = order.settings, ReadingSettings()
    reading = {
        name: getattr(settings.input, name)
        for name in ("format", "encoding", "delimiter", "header")
        if getattr(settings.input, name) != getattr(default, name)
    }
    api = {name: text for name in ("key_file", "url") if (text := getattr(settings.api, name))}
    text = config_text(
        Draft(
            called(order.list_path),
            settings.url,
            proposal.matches,
            proposal.origin,
            reading,
            api,
            proposal.missing,
        )
    )
    if len(text.encode()) > _CONFIG_BYTES_MAX:
        raise ConfigError(
            "the names of the columns are too long for a config file",
            advice="Shorten them in the list.",
        )
    return text


async def write_all(order: InitOrder, text: str, kept: KeptFlow | None) -> None:
    """Write the flow and the config: each whole or not at all, and for its owner only.

    Raises:
        UsageError: As ``check_order``.
        BulkpostError: The disk refused.
    """
    target = order.target
    assert target is not None

    def write() -> None:
        with private_file(target, is_forced=order.is_forced) as file:
            file.write(text)

    if kept is not None:
        await keep_flow(path_beside(target), kept)
    await anyio.to_thread.run_sync(write)


def _targets_of(flow: KnownFlow) -> tuple[Target, ...]:
    return tuple(
        Target(field.name, field.type or guess_type(field.name) or FieldType.STRING, field.label)
        for field in flow.fields
    )


def settings_of(url: str, reading: dict[str, str | bool], key_file: str) -> Settings:
    """Return the settings that the options of ``init`` give.

    Raises:
        ConfigError: One of them is out of range.
    """
    api = {"key_file": key_file}
    if url and key_file and is_loopback(parse_url(url).host):
        api["url"] = parse_url(url).origin  # a key goes to this machine only if that is named
    return convert({"url": url, "input": reading, "api": api}, "command line")


def _sampled(reader: Reader, progress: Callable[[Path, int], None]) -> Sample:
    sample, rows = Sample(), 0
    for batch in reader.batches():
        sample.add(batch)
        rows += len(batch)
        progress(reader.path, rows)
    return sample


def _usable(match: ColumnMatch, unusable: set[str]) -> ColumnMatch:
    if match.header not in unusable:
        return match
    why = "its values cannot be turned into text"
    return replace(match, fate=Fate.UNMATCHED, field="", why=why, candidates=())


def _refuse_data(columns: Sequence[str]) -> None:
    """Refuse a header that is somebody's data, before any of it is shown or written."""
    problems = list(data_for_names(assign(columns, MapSettings(), _NOWHERE)))
    if problems:
        raise MappingError(problems[0], advice="Give the list a header, or give --no-header.")


def _refuse_strangers(matches: Sequence[ColumnMatch]) -> None:
    if all(match.fate in {Fate.UNMATCHED, Fate.UNNAMED, Fate.REPEATED} for match in matches):
        raise MappingError(
            "neither a column's name nor its values are like a field of LeadConduit's; if the "
            "first row is a lead, its text would now stand in the config",
            advice="Give --no-header if there is no header, check --delimiter, or ask the flow for "
            "its fields with --from-flow.",
        )
