"""email: one mailbox as RFC 5322 has it, with comments and a display name; the address comes out.

The text is cut into words, comments and signs once, from left to right; what remains is a handful
of comparisons. Only ASCII is an address, but for a quoted part.

Reference: RFC 5322, sections 3.2 to 3.4 and 4.4 (white space around the dots).
"""

import re
from collections.abc import Iterator
from typing import Final

from bulkpost.fields.email_domains import domain_doubts, is_disposable, is_free
from bulkpost.fields.parsed import NO_FINDINGS, Parsed
from bulkpost.finding import Finding

NOT_UNDERSTOOD: Final = Finding(
    "email_not_understood",
    "LeadConduit cannot read the text as one e-mail address",
    "Write one address such as name@example.com and nothing else.",
)
SEVERAL: Final = Finding(
    "email_several",
    "more than one e-mail address stands in the cell, and LeadConduit cannot read them",
    "Keep one address.",
)
NOT_ASCII: Final = Finding(
    "email_not_ascii",
    "the e-mail address holds letters outside ASCII, which LeadConduit refuses",
    "Correct the address; an accent in one is nearly always a mistake.",
)
EXTRA_TEXT: Final = Finding(
    "email_extra_text",
    "a name, a comment or blanks stand beside the e-mail address and are dropped",
    "Write the address alone.",
)
LOCAL_TOO_LONG: Final = Finding(
    "email_too_long",
    "the e-mail address is longer than mail allows, though LeadConduit calls it valid",
    "Compare the address with where it came from.",
)

_ATEXT = "A-Za-z0-9!#$%&'*+/=?^_`{|}~\\-"
_SIMPLE = re.compile(rf"([{_ATEXT}]+(?:\.[{_ATEXT}]+)*)@([{_ATEXT}]+(?:\.[{_ATEXT}]+)*)")
_GAP = r"(?:[ \t]+|\r\n[ \t]+)"
_LEXEME = re.compile(
    rf"(?P<gap>{_GAP})|(?P<atom>[{_ATEXT}]+)|(?P<quoted>\"(?:[^\"\\\r\n]|\\.|\r\n[ \t])*\")"
    r"|(?P<sign>[.@<>:;,\[])|(?P<open>\()"
)
_COMMENT = re.compile(r"[^()\\\r\n]+|\\.|\r\n(?=[ \t])|\(|\)")
_LITERAL = re.compile(r"(?:[^\[\]\\\r\n]|\\.|\r\n[ \t])*\]")
_ESCAPE = re.compile(r"\\(.)")
_CHARS_MAX = 2000  # a longer text is no address
_LOCAL_CHARS_MAX = 64
_ADDRESS_CHARS_MAX = 254
_Lexeme = tuple[str, str]  # (kind, text)


def parse_email(text: str) -> Parsed:
    """Read a text as an e-mail address: ``user``, ``domain``, ``host``, ``tld`` and two judgements.

    The value is in small letters, the parts are as they were written.
    """
    if match := _SIMPLE.fullmatch(text):
        return _address(match[1], match[2], NO_FINDINGS)
    mailbox = _mailbox(text) if len(text) <= _CHARS_MAX else None
    if mailbox is None:
        return Parsed(valid=False, value=text, warnings=(_why_not(text),) if text else NO_FINDINGS)
    has_more = f"{mailbox[0]}@{mailbox[1]}" != text.strip(" \t")
    return _address(*mailbox, (EXTRA_TEXT,) if has_more else NO_FINDINGS)


def _address(user: str, domain: str, found: tuple[Finding, ...]) -> Parsed:
    address = f"{user}@{domain}".lower()
    host, _, tld = domain.rpartition(".")
    lowered = domain.lower()
    found += domain_doubts(lowered)
    if len(user) > _LOCAL_CHARS_MAX or len(address) > _ADDRESS_CHARS_MAX:
        found += (LOCAL_TOO_LONG,)
    disposable = is_disposable(lowered)
    return Parsed(
        valid=True,
        value=address,
        parts={
            "user": user,
            "is_free": disposable or is_free(lowered),
            "is_disposable": disposable,
            "domain": domain,
            "host": host or domain,
            "tld": tld,
        },
        warnings=found,
    )


def _why_not(text: str) -> Finding:
    if not text.isascii():
        return NOT_ASCII
    return SEVERAL if re.search(r"@[^@,;/|]*[\s,;/|][^@]*@", text[:_CHARS_MAX]) else NOT_UNDERSTOOD


def _mailbox(text: str) -> tuple[str, str] | None:
    """Return the local part and the domain of the one mailbox that a text is."""
    lexemes = list(_lexemes(text))
    if ("", "") in lexemes:
        return None
    words = [lexeme for lexeme in lexemes if lexeme[0] != "gap"]
    signs = [word for kind, word in words if kind == "sign"]
    if ":" in signs and words[-1] == ("sign", ";"):
        words = _in_group(words)
        signs = [word for kind, word in words if kind == "sign"]
    if "<" in signs:
        return _in_angles(words)
    return _addr_spec(words)


def _in_group(words: list[_Lexeme]) -> list[_Lexeme]:
    """Return what stands between ``name:`` and ``;``."""
    colon = words.index(("sign", ":"))
    return words[colon + 1 : -1] if colon and _is_phrase(words[:colon]) else []


def _in_angles(words: list[_Lexeme]) -> tuple[str, str] | None:
    opening = words.index(("sign", "<"))
    if words[-1] != ("sign", ">") or not _is_phrase(words[:opening]):
        return None
    inner = words[opening + 1 : -1]
    if inner[:1] == [("sign", "@")] and ("sign", ":") in inner:  # a route, long obsolete
        inner = inner[inner.index(("sign", ":")) + 1 :]
    return _addr_spec(inner)


def _is_phrase(words: list[_Lexeme]) -> bool:
    return all(kind in {"atom", "quoted"} for kind, _ in words)


def _addr_spec(words: list[_Lexeme]) -> tuple[str, str] | None:
    if ("sign", "@") not in words:
        return None
    at = words.index(("sign", "@"))
    local = _dotted(words[:at], {"atom", "quoted"})
    domain = words[at + 1 :]
    if len(domain) == 1 and domain[0][0] == "literal":
        name: str | None = domain[0][1]
    else:
        name = _dotted(domain, {"atom"})
    return None if local is None or name is None else (local, name)


def _dotted(words: list[_Lexeme], kinds: set[str]) -> str | None:
    """Return words with one dot between each two of them as one text."""
    if len(words) % 2 == 0:
        return None
    fits = all(kind in kinds for kind, _ in words[::2])
    if not fits or any(word != ("sign", ".") for word in words[1::2]):
        return None
    return "".join(word for _, word in words)


def _lexemes(text: str) -> Iterator[_Lexeme]:
    """Cut a text; a last pair of empty texts says that it cannot be cut."""
    position = 0
    while position < len(text):
        match = _LEXEME.match(text, position)
        if match is None or match.lastgroup is None:
            yield "", ""
            return
        kind, found, position = match.lastgroup, match[0], match.end()
        if kind == "open":
            end = _comment_end(text, position)
            kind, found, position = "gap" if end else "", "", end or len(text)
        elif found == "[":
            literal = _LITERAL.match(text, position)
            kind = "literal" if literal else ""
            found = _ESCAPE.sub(r"\1", f"[{literal[0]}") if literal else ""
            position = literal.end() if literal else len(text)
        elif kind == "quoted":
            found = _ESCAPE.sub(r"\1", found)
        yield kind, found


def _comment_end(text: str, position: int) -> int | None:
    depth = 1
    while depth:
        match = _COMMENT.match(text, position)
        if match is None:
            return None
        position = match.end()
        depth += {"(": 1, ")": -1}.get(match[0], 0)
    return position
