"""A config file, written out: TOML with a comment for whatever a person should look at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bulkpost.fields.field_type import FieldType
from bulkpost.mapping.assignment import trimmed
from bulkpost.matching.match import ColumnMatch, Fate
from bulkpost.matching.settling import SENT
from bulkpost.redact import printable

_COMMENT_CHARS_MAX: Final = 200
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


@dataclass(frozen=True, slots=True)
class Draft:
    """What is written.

    Attributes:
        list_name: Name of the list that it was made for.
        url: The posting URL; empty to leave it open.
        reading: Settings of ``[input]`` that differ from their defaults.
        api: Settings of ``[api]`` that differ from their defaults.
        matches: The columns.
        origin: Where the fields' names come from, in words.
        missing: Required fields that no column feeds.
    """

    list_name: str
    url: str
    matches: Sequence[ColumnMatch]
    origin: str
    reading: dict[str, str | bool]
    api: dict[str, str]
    missing: Sequence[str] = ()


def config_text(draft: Draft) -> str:
    """Return the config as TOML; no text of a cell is in it."""
    return "\n".join([*_head(draft), *_columns(draft), *_types(draft.matches)]) + "\n"


def toml_text(text: str) -> str:
    """Return a text as a TOML string that a terminal can show."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _head(draft: Draft) -> Iterator[str]:
    yield f"# bulkpost's settings for lists like {_plain(draft.list_name)}."
    yield "# config.example.toml of bulkpost explains every setting. Look this over, then run"
    yield "# `bulkpost check` with the list: it sends nothing and shows what would be sent."
    yield ""
    yield "# The source's posting URL, whole. Whoever has it can send leads."
    yield f"url = {toml_text(draft.url)}" if draft.url else '# url = ""'
    yield ""
    yield '# At most so many leads a time, such as "20/s"; else there is no limit.'
    yield '# rate = ""'
    yield ""
    yield "# Columns that tell rows apart. A number that each lead has once is the best choice."
    yield "# key = []"
    for table, values in (("input", draft.reading), ("api", draft.api)):
        if values:
            yield f"\n[{table}]"
            yield from (f"{name} = {_value(value)}" for name, value in values.items())


def _columns(draft: Draft) -> Iterator[str]:
    yield ""
    yield f"# Which column feeds which field. The fields are those of {_plain(draft.origin)}."
    yield "# `false` leaves a column out. Where fields are offered, put one of their lines, without"
    yield "# its first #, in the place of the line with `false`."
    for name in draft.missing:
        yield f"# MISSING: no column feeds {_plain(name)}, which the flow requires."
    yield "[map.columns]"
    told: set[str] = set()
    for match in draft.matches:
        if match.header not in told:
            told.add(match.header)
            yield from _column(match)


def _column(match: ColumnMatch) -> Iterator[str]:
    label = f"column {match.index + 1}"
    if match.is_ssn:
        yield f"# {label}: SOCIAL SECURITY NUMBERS ({match.ssn_why}): in no key, log or report."
    if not _is_writable(match.header):
        yield f"# {label} has a name that is not valid text: rename it in the list."
        return
    key = toml_text(match.header)
    if match.fate is Fate.UNNAMED:
        yield f"# {label}: {match.why}; a row with text there is invalid. To ignore the text:"
        yield f"# {key} = false"
        return
    if match.fate is Fate.MAPPED:
        yield f"{key} = {toml_text(match.field)}  # {_sure(match.confidence, match.why)}"
        return
    if match.fate is Fate.OWN:
        yield f"{key} = true  # sent under its own name: {match.why}"
    else:
        why = match.why or "not certain enough"
        yield f"{key} = false  # {match.fate.value}: {_plain(why)}"
    for one in match.candidates:
        yield f"#   {key} = {toml_text(one.field)}  # {_sure(one.confidence, one.why)}"


def _types(matches: Sequence[ColumnMatch]) -> Iterator[str]:
    secret = {
        (match.field if match.fate in SENT else trimmed(match.header)): None
        for match in matches
        if match.is_ssn and match.fate is not Fate.UNNAMED and _is_writable(match.header)
    }
    sent = {match.field: match.is_ssn for match in matches if match.fate in SENT}
    names = [name for name in secret if name and sent.get(name, True)]
    if not names:
        return
    yield ""
    yield "# Kept out of every key, log and report. If a column holds no such number, say what it"
    yield f'# holds: "name" = "{FieldType.STRING}".'
    yield "[map.types]"
    for name in names:
        yield f'{toml_text(name)} = "{FieldType.SSN}"'


def _value(value: str | bool) -> str:  # noqa: FBT001  # a TOML value
    return str(value).lower() if isinstance(value, bool) else toml_text(value)


def _sure(confidence: float, why: str) -> str:
    return f"{confidence:.0%}: {_plain(why)}"


def _plain(text: str) -> str:
    """Return a text that stays in its comment."""
    plain = printable(text)
    return plain if len(plain) <= _COMMENT_CHARS_MAX else plain[:_COMMENT_CHARS_MAX] + "…"


def _is_writable(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
