"""Form encoding: ``application/x-www-form-urlencoded``, always UTF-8.

Reference: WHATWG URL, section 5.2; read back by ``urllib.parse.parse_qsl``.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote_plus

_UNSAFE = re.compile(r"[^A-Za-z0-9_.~-]")
_NAMES_MAX = 4_096
# Most characters that need an escape are few and ASCII: looked up, not computed.
_ESCAPES = {chr(code): quote_plus(chr(code)) for code in range(128)}


def encode(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Return (name, text) pairs as a form body.

    Raises:
        UnicodeEncodeError: A text holds a lone surrogate; a column map lets none through.
    """
    parts = []
    for name, value in pairs:
        quoted = value if _UNSAFE.search(value) is None else _UNSAFE.sub(_escape, value)
        parts.append(f"{_quoted_name(name)}={quoted}")
    return "&".join(parts).encode("ascii")


@lru_cache(maxsize=_NAMES_MAX)
def _quoted_name(name: str) -> str:
    return quote_plus(name)


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    return _ESCAPES.get(char) or quote_plus(char)
