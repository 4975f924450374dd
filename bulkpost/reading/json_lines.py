"""JSON Lines: an object per line, its values as the text that stands there.

Numbers keep their digits (``01`` is no JSON, ``1.10`` stays ``1.10``), booleans are ``true`` and
``false``, null and missing keys are empty cells, and nested objects become dotted names. A list has
no text form and makes its row invalid. The columns are all keys in the order in which they first
appear, found in one pass when the input is opened.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from bulkpost.errors import InputError
from bulkpost.reading.columns import columns_of
from bulkpost.reading.content import Content
from bulkpost.reading.formats import InputFormat, InputKind
from bulkpost.reading.lines import LineFeed
from bulkpost.reading.settings import ReadingSettings
from bulkpost.reading.text import TextReader
from bulkpost.redact import printable
from bulkpost.row import Position, Row

_NAME_CHARS_MAX = 60
_NO_OBJECT = "the line is not a JSON object"
_TWICE = "a key stands twice in the object"


def open_json_lines(content: Content, settings: ReadingSettings) -> TextReader:
    """Find the columns and return a reader of the rows.

    Raises:
        InputError: The text cannot be read as lines or has too many different keys.
    """
    first = Position(1, content.encoding.mark_bytes, 1)
    keys = _keys(content, settings, first)
    encoding = content.encoding
    input_format = InputFormat(
        InputKind.JSONL, content.compression, encoding.codec, has_bom=encoding.has_bom
    )

    columns = columns_of(keys, settings.columns_max, content.path.name)

    def new_source(feed: LineFeed, row_number: int) -> JsonRows:
        return JsonRows(feed, keys, settings, row_number)

    return TextReader(content, settings, (input_format, columns, first), new_source)


class JsonRows:
    """The rows of one pass. See ``RowSource``."""

    def __init__(
        self, feed: LineFeed, keys: tuple[str, ...], settings: ReadingSettings, row_number: int
    ) -> None:
        self._feed = feed
        self._lines = enumerate(feed)
        self._blank = ("",) * len(keys)
        self._places = {key: place for place, key in enumerate(keys)}
        self._settings = settings
        self._row_number = row_number

    @property
    def is_resumable(self) -> bool:
        """Always: every line stands for itself."""
        return True

    @property
    def position(self) -> Position:
        """Just before the next row."""
        return self._feed.position(self._row_number)

    def batch(self) -> list[Row]:
        """Return the next rows, none at the end."""
        rows: list[Row] = []
        number, feed = self._row_number, self._feed
        wanted = self._settings.batch_rows - (number - 1) % self._settings.batch_rows
        feed.begin_batch()
        for line, text in self._lines:
            flag = feed.take_flag(line + 1) if feed.flagged else None
            feed.lines_done = line + 1
            if flag or not text.isspace():
                cells, defect = self._cells(text, flag)
                rows.append(Row(number + len(rows), feed.line_number(line), cells, defect))
            if len(rows) >= wanted or (rows and feed.is_batch_full):
                break
        self._row_number = number + len(rows)
        return rows

    def _cells(self, text: str, flag: str | None) -> tuple[tuple[str, ...], str | None]:
        if flag:
            return (), flag
        try:
            fields = _fields(text)
        except ValueError as error:
            return (), str(error)
        cells = list(self._blank)
        for name, value in fields:
            place = self._places.get(name)
            if place is None:
                return (), "a key has come in since the input was opened"
            cells[place] = value
        return tuple(cells), self._defect(cells, flag)

    def _defect(self, cells: list[str], flag: str | None) -> str | None:
        joined = "".join(cells)
        if "\0" in joined:
            return "a cell holds a NUL character"
        if not joined.isascii():
            try:
                joined.encode()
            except UnicodeEncodeError:
                return "a cell holds half a character (a lone surrogate)"
        limit = self._settings.cell_bytes_max
        if flag is not None and any(map(self._feed.is_oversize, cells)):
            return f"a cell is longer than {limit:,} bytes"
        return None


def _keys(content: Content, settings: ReadingSettings, first: Position) -> tuple[str, ...]:
    names: dict[str, None] = {}
    has_lines = False
    with closing(content.open(first.offset_bytes)) as source:
        feed = LineFeed(source, content, first, settings)
        for line, text in enumerate(feed):
            is_bad = feed.flagged and feed.take_flag(line + 1)
            feed.lines_done = line + 1
            has_lines = has_lines or not text.isspace()
            if is_bad or text.isspace():
                continue
            if text.lstrip().startswith("["):
                raise InputError(
                    f"{feed.name}, line {feed.line_number(line):,}: a JSON array, and not one"
                    " object per line.",
                    advice="Take the objects out of the array, for example: jq -c '.[]' FILE",
                )
            _note(names, text)
            if len(names) > settings.columns_max:
                break
    if has_lines and not names:
        raise InputError(
            f"{content.path.name}: no line is a JSON object with a key.",
            advice="Write each object on one line of its own, for example: jq -c . FILE",
        )
    return tuple(names)


def _note(names: dict[str, None], text: str) -> None:
    try:
        for name, _ in _fields(text):
            names.setdefault(name)
    except ValueError:
        return  # it will be an invalid row


def _fields(text: str) -> list[tuple[str, str]]:
    """Return dotted names and values of a line's object.

    Raises:
        ValueError: It is no object of which a row can be made; its text is the defect.
    """
    try:
        value = _DECODER.decode(text)
        if not isinstance(value, dict):
            raise ValueError(_NO_OBJECT)  # noqa: TRY004  # the line's fault, not a caller's
        fields = list(_flat(value, ""))
    except json.JSONDecodeError:
        raise ValueError(_NO_OBJECT) from None
    except RecursionError:
        raise ValueError("the object is nested too deeply") from None
    if len({name for name, _ in fields}) != len(fields):
        raise ValueError(_TWICE)
    return fields


def _flat(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        name = prefix + key
        match item:
            case str():
                yield name, item
            case None:
                yield name, ""
            case bool():
                yield name, "true" if item else "false"
            case dict():
                yield from _flat(item, name + ".")
            case _:
                raise ValueError(f"the value of '{_shown(name)}' is a list: a field takes one text")


def _shown(name: str) -> str:
    return printable(name if len(name) <= _NAME_CHARS_MAX else name[:_NAME_CHARS_MAX] + "…")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError(_TWICE)
    return fields


def _no_constant(_name: str) -> None:
    raise ValueError(_NO_OBJECT)  # NaN and Infinity are no JSON


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=str, parse_float=str, parse_constant=_no_constant
)
