"""Which reader an input needs: one per format, behind one protocol."""

from contextlib import closing
from pathlib import Path

from bulkpost.reading.content import Content, content_of
from bulkpost.reading.delimited import open_delimited
from bulkpost.reading.json_lines import open_json_lines
from bulkpost.reading.protocol import Reader
from bulkpost.reading.results import ResultsReader, has_verdicts, settings_for
from bulkpost.reading.settings import ReadingSettings

__all__ = ["Reader", "open_reader"]
_HEAD_BYTES = 4096


def open_reader(path: Path, settings: ReadingSettings | None = None) -> Reader:
    """Find out what a file is and return a reader of its rows.

    Reads the header and a sample; of JSON Lines, everything, because any line may add a column. A
    file that ``export`` wrote is read as the list that it came from.

    Raises:
        InputError: It cannot be opened, is no format that is read, or its header cannot be used.
    """
    reader = _opened(path, settings_for(path, settings or ReadingSettings()))
    return ResultsReader(reader) if has_verdicts(reader.columns) else reader


def _opened(path: Path, settings: ReadingSettings) -> Reader:
    content = content_of(path, settings)
    if content.is_parquet:
        from bulkpost.reading.parquet import ParquetReader  # noqa: PLC0415  # pyarrow is slow to load

        return ParquetReader(content, settings)
    if settings.format == "jsonl" or (settings.format == "auto" and _looks_like_json(content)):
        return open_json_lines(content, settings)
    return open_delimited(content, settings)


def _looks_like_json(content: Content) -> bool:
    with closing(content.open(content.encoding.mark_bytes)) as source:
        return source.read(_HEAD_BYTES).lstrip()[:2] in _JSON_STARTS


_JSON_STARTS = frozenset(
    {b'{"', b"{}", b"{ ", b"{\n", b"{\r", b"{\t", b"[{", b"[\n", b"[\r", b"[ "}
)
