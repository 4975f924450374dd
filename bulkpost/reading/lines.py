r"""Lines of text with their places: the ground of every text format.

Lines end with LF, CRLF or CR, mixed as they come. Bytes are taken in blocks of whole lines, so that
splitting, decoding and checking cost little per line, and so that memory is bounded: a line
longer than ``record_bytes_max`` is passed over and only flagged.

A line is *flagged* if it holds what no cell may hold. The format's reader asks for the flags of
the lines a record spans, so a bad line spoils its own record only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from bulkpost.errors import InputError
from bulkpost.reading.compression import ByteSource
from bulkpost.reading.content import Content
from bulkpost.reading.encoding import likely_encoding
from bulkpost.reading.settings import MIB_BYTES, ReadingSettings
from bulkpost.row import Position

_BLOCK_BYTES_MAX = MIB_BYTES // 4
_BATCH_BYTES_MAX = 4 * MIB_BYTES
NO_DEFECT = ""  # the flag of a line whose record only needs a closer look


@dataclass(frozen=True, slots=True)
class Block:
    """Some whole lines of the content.

    Attributes:
        lines: The lines with their ends.
        size_bytes: What they take in the content; more than their sum if ``is_overlong``.
        has_nul: Whether a NUL byte stands in them.
        is_overlong: The block is one line that was too long to keep. Its stand-in is a quote if
            it held an odd number of them, so that a reader of quoted cells stays in step.
    """

    lines: list[bytes]
    size_bytes: int
    has_nul: bool = False
    is_overlong: bool = False


class LineFeed:
    """Decoded lines for one pass, in order; iterate it once.

    Attributes:
        flagged: Line index (the first line of the pass is 0) to what is wrong with it.
        lines_done: How many lines belong to finished records; the consumer sets it.
        is_batch_full: Whether the batch has taken as much as may be held in memory at a time.
        name: The input's name for messages.
    """

    def __init__(
        self, source: ByteSource, content: Content, start: Position, settings: ReadingSettings
    ) -> None:
        self.flagged: dict[int, str] = {}
        self.lines_done = 0
        self.is_batch_full = False
        self.name = content.path.name
        self._blocks = _blocks(source, settings)
        self._encoding = content.encoding
        self._settings = settings
        self._start = start
        self._block = Block([], 0)
        self._block_line = 0
        self._block_offset_bytes = start.offset_bytes
        self._open_bytes = 0
        self._open_line = 0
        self._open_quotes = 0
        self._taken_bytes = 0

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._texts())

    def line_number(self, line: int) -> int:
        """Return the file's number of a line of this pass; the first line of the file is 1."""
        return self._start.line_number + line

    def position(self, row_number: int) -> Position:
        """Return where the next record begins; it has that row number."""
        lines_in = self.lines_done - self._block_line
        done_bytes = (
            self._block.size_bytes
            if lines_in == len(self._block.lines)
            else sum(map(len, self._block.lines[:lines_in]))
        )
        return Position(
            row_number, self._block_offset_bytes + done_bytes, self.line_number(self.lines_done)
        )

    def begin_batch(self) -> None:
        """Start counting what a batch takes."""
        self._taken_bytes = 0
        self.is_batch_full = False

    def take_flag(self, lines_end: int) -> str | None:
        """Remove the flags of the lines before ``lines_end`` and return the worst, or None."""
        found = [self.flagged.pop(line) for line in list(self.flagged) if line < lines_end]
        return max(found, key=len, default=None)

    def quotes_in_record(self, end: int) -> int:
        """Return how many quotes the lines of the record at hand hold, up to ``end``."""
        first = self.lines_done - self._block_line
        lines = self._block.lines[max(0, first) : end - self._block_line]
        return _quotes(lines) + (self._open_quotes if first < 0 else 0)

    def is_oversize(self, cell: str) -> bool:
        """Whether a cell takes more than ``cell_bytes_max``, in the bytes of the content."""
        size_bytes = len(cell.encode(self._encoding.line_codec, "replace"))
        return size_bytes > self._settings.cell_bytes_max

    def unclosed_quote(self) -> InputError:
        """Return the error for a quote that opens in the record at hand and never closes."""
        return InputError(
            f"{self.name}, line {self.line_number(self.lines_done):,}: a quote opens in this row"
            " and does not close in it.",
            advice="Correct that line: close the quote, or double one that belongs to the text.",
        )

    def _texts(self) -> Iterator[list[str]]:
        for block in self._blocks:
            self._turn_to(block)
            yield self._decoded(block)

    def _turn_to(self, block: Block) -> None:
        last = self._block
        pulled = self._block_line + len(last.lines)
        if self.lines_done < pulled:  # a record goes on across the boundary
            if self.lines_done != self._open_line:
                self._open_line, self._open_bytes, self._open_quotes = self.lines_done, 0, 0
            open_lines = last.lines[max(0, self.lines_done - self._block_line) :]
            self._open_bytes += sum(map(len, open_lines))
            self._open_quotes += _quotes(open_lines)
            if self._open_bytes > self._settings.record_bytes_max:
                raise self.unclosed_quote()
            self.flagged.setdefault(pulled, NO_DEFECT)
        self._block_line = pulled
        self._block_offset_bytes += last.size_bytes
        self._block = block
        self._taken_bytes += block.size_bytes
        self.is_batch_full = self._taken_bytes > _BATCH_BYTES_MAX
        self._flag(block)

    def _flag(self, block: Block) -> None:
        record_max = self._settings.record_bytes_max
        look_closer = min(record_max, self._settings.cell_bytes_max // 2)
        if not (block.is_overlong or block.has_nul or max(map(len, block.lines)) > look_closer):
            return
        for line, text in enumerate(block.lines, self._block_line):
            if block.is_overlong or len(text) > record_max:
                self.flagged[line] = f"the line is longer than {record_max:,} bytes"
            elif b"\0" in text:
                self.flagged[line] = "a cell holds a NUL character"
            elif len(text) > look_closer:
                self.flagged.setdefault(line, NO_DEFECT)

    def _decoded(self, block: Block) -> list[str]:
        codec = self._encoding.line_codec
        try:
            if codec == "utf-8":
                return list(map(bytes.decode, block.lines))
            return [line.decode(codec) for line in block.lines]
        except UnicodeDecodeError:
            return [self._decoded_line(line) for line in enumerate(block.lines, self._block_line)]

    def _decoded_line(self, numbered: tuple[int, bytes]) -> str:
        line, raw = numbered
        codec = self._encoding.line_codec
        try:
            return raw.decode(codec)
        except UnicodeDecodeError as error:
            if not self._encoding.is_given:
                raise self._not_utf8(line, raw, error.start) from None
            self.flagged[line] = f"the line is not {self._encoding.codec.upper()}"
            return raw.decode(codec, "backslashreplace")

    def _not_utf8(self, line: int, raw: bytes, start: int) -> InputError:
        where = f"{self.name}, line {self.line_number(line):,}"
        what = f"byte 0x{raw[start]:02x} at place {start + 1:,} of the line"
        if self._encoding.is_transcoded or self._encoding.has_bom:
            return InputError(
                f"{where}: {what} does not belong in {self._encoding.codec.upper()}.",
                advice="Correct that line, or save the file again as UTF-8.",
            )
        odd_lines = b"".join(text for text in self._block.lines if not text.isascii())
        likely = likely_encoding(odd_lines)
        return InputError(
            f"{where}: {what} is not UTF-8; the file looks like {likely}.",
            advice=f"If it is, name it: --encoding {likely}; else save the file as UTF-8.",
        )


def _blocks(source: ByteSource, settings: ReadingSettings) -> Iterator[Block]:
    line_bytes_max = settings.record_bytes_max
    block_bytes = min(_BLOCK_BYTES_MAX, settings.cell_bytes_max // 2, line_bytes_max)
    rest = b""
    while chunk := source.read(block_bytes):
        data = rest + chunk
        end = _lines_end(data)
        if end:
            yield _block(data[:end])
        rest = data[end:]
        if len(rest) > line_bytes_max and not rest.endswith(b"\r"):
            block, rest = _overlong(source, rest, block_bytes)
            yield block
    if rest:
        yield _block(rest)


def _quotes(lines: list[bytes]) -> int:
    return sum(line.count(b'"') for line in lines)


def _block(data: bytes) -> Block:
    return Block(data.splitlines(keepends=True), len(data), has_nul=b"\0" in data)


def _lines_end(data: bytes) -> int:
    """Return where the last whole line ends; a CR at the very end may be half of a CRLF."""
    return data.rfind(b"\n") + 1 or data.rfind(b"\r", 0, -1) + 1


def _overlong(source: ByteSource, head: bytes, block_bytes: int) -> tuple[Block, bytes]:
    """Pass over a line that is too long; return its stand-in and what follows it."""
    size_bytes, quotes = len(head), head.count(b'"')
    while chunk := source.read(block_bytes):
        first_line = chunk.splitlines(keepends=True)[0]
        if first_line[-1:] == b"\r" and len(first_line) == len(chunk):
            chunk += source.read(1)  # a CRLF is one line end
            first_line = chunk.splitlines(keepends=True)[0]
        size_bytes += len(first_line)
        quotes += first_line.count(b'"')
        if first_line.endswith((b"\r", b"\n")):
            return _stand_in(size_bytes, quotes), chunk[len(first_line) :]
    return _stand_in(size_bytes, quotes), b""


def _stand_in(size_bytes: int, quotes: int) -> Block:
    return Block([b'"' if quotes % 2 else b""], size_bytes, is_overlong=True)
