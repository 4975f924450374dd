"""Which encoding a text is in: stated by its mark, given, or UTF-8; never guessed silently."""

import codecs
from dataclasses import dataclass

from bulkpost.errors import InputError
from bulkpost.reading.compression import ByteSource

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)
# What lists of leads come in; over all it knows, the detector's answer to a few letters is noise.
_LIKELY = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "shift_jis", "gb18030", "mac_roman"]
_LIKELY_DEFAULT = "cp1252"
_GUESS_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """How bytes become characters.

    Attributes:
        codec: Python's name of the encoding.
        has_bom: Whether the content begins with a byte order mark.
        is_given: Whether the user named it: bytes that do not fit then make a row invalid, and
            refuse the whole input otherwise.
    """

    codec: str
    has_bom: bool = False
    is_given: bool = False

    @property
    def is_transcoded(self) -> bool:
        """Whether its line ends are not the bytes of ASCII: it is turned to UTF-8 on the fly."""
        return "\r\n".encode(self.codec) != b"\r\n"

    @property
    def line_codec(self) -> str:
        """The codec for a line of the content, after any transcoding."""
        return "utf-8" if self.is_transcoded else self.codec

    @property
    def mark_bytes(self) -> int:
        """Bytes of the mark that stand before the first line of the content."""
        return len(codecs.BOM_UTF8) if self.has_bom and not self.is_transcoded else 0


UTF_8 = TextEncoding("utf-8")


def encoding_of(head: bytes, given: str, name: str) -> TextEncoding:
    """Return the encoding of a text that begins with these bytes.

    Args:
        head: The first bytes, four or more unless the text is shorter.
        given: The encoding that the user named, or empty.
        name: The input's name for messages.

    Raises:
        InputError: The named encoding is unknown or contradicts the text's byte order mark, or
            the text is UTF-16 without a mark.
    """
    marked = next((codec for mark, codec in _MARKS if head.startswith(mark)), "")
    codec = _known(given) if given else ""
    if marked:
        if codec and not codec.startswith(marked):
            raise InputError(
                f"{name} begins with the byte order mark of {marked.upper()}, but the encoding"
                f" {given} is given.",
                advice="Leave the encoding out; the mark states it.",
            )
        return TextEncoding(marked, has_bom=True, is_given=bool(codec))
    if codec:
        return TextEncoding(codec, is_given=True)
    for first, second, wide in ((1, 3, "utf-16-le"), (0, 2, "utf-16-be")):
        if len(head) >= 4 and not head[first] and not head[second] and any(head[:4]):
            raise InputError(
                f"{name} looks like {wide.upper()} without a byte order mark.",
                advice=f"Name the encoding: --encoding {wide}",
            )
    return UTF_8


def likely_encoding(sample: bytes) -> str:
    """Guess the encoding of bytes that are not UTF-8, for advice only."""
    from charset_normalizer import from_bytes  # noqa: PLC0415  # needed only to explain a refusal

    found = from_bytes(sample[:_GUESS_BYTES_MAX], cp_isolation=_LIKELY, threshold=0.5)
    best = found.best()
    if best is None:
        return _LIKELY_DEFAULT
    # Of several that read equally well the most common is the likeliest.
    equals = {
        match.encoding
        for match in found
        if match.chaos <= best.chaos and match.coherence >= best.coherence
    }.union(best.could_be_from_charset)
    return _LIKELY_DEFAULT if _LIKELY_DEFAULT in equals else best.encoding


class Utf8Source:
    """A text of another encoding as a stream of UTF-8, without byte order mark.

    Lone surrogates pass as bytes that are not UTF-8, so that the line they stand on is refused.
    """

    def __init__(self, source: ByteSource, codec: str, name: str) -> None:
        self._source = source
        self._codec = codec
        self._name = name
        self._errors = "surrogatepass" if codec.startswith("utf-") else "strict"
        self._decoder = codecs.getincrementaldecoder(codec)(self._errors)
        self._is_done = False

    def read(self, bytes_max: int, /) -> bytes:
        """Return some of the next bytes; at the end, none."""
        text = ""
        while not text and not self._is_done:
            chunk = self._source.read(max(1, bytes_max // 4))
            self._is_done = not chunk
            text = self._decoded(chunk)
        return text.encode("utf-8", "surrogatepass")

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _decoded(self, chunk: bytes) -> str:
        try:
            return self._decoder.decode(chunk, final=self._is_done)
        except UnicodeError:  # it carries the bytes, and they are lead data
            raise InputError(
                f"{self._name} holds bytes that are not {self._codec.upper()}.",
                advice="Save it again as UTF-8.",
            ) from None


def _known(given: str) -> str:
    try:
        codec = codecs.lookup(given).name
        "\r\n".encode(codec)  # refuses base64 and its like
        b"\x80".decode(codec, "backslashreplace")  # and those of names in URLs
    except (LookupError, UnicodeError):
        raise InputError(
            f"The encoding {given} is not known.",
            advice="Names such as utf-8, cp1252, latin-1 and utf-16 are.",
        ) from None
    return "utf-8" if codec == "utf-8-sig" else codec
