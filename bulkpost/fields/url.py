"""url: what the WHATWG's URL Standard makes of the text, with ``http://`` before it if need be."""

import re
from typing import Final

from bulkpost.fields.parsed import NO_FINDINGS, Parsed
from bulkpost.finding import Finding

NOT_UNDERSTOOD: Final = Finding(
    "url_not_understood",
    "LeadConduit cannot read the text as a web address",
    "Write the whole address, beginning with https://.",
)
UNLIKELY: Final = Finding(
    "url_unlikely",
    "the text is no web address that the Internet knows, though LeadConduit calls it valid",
    "Write the whole address, beginning with https://, or leave the cell empty.",
)
USER_INFO: Final = Finding(
    "url_user_info",
    "what stands before the @ is read as a user name, as in an e-mail address or a secret link",
    "Take it away, or map the column to an e-mail field.",
)

_SCHEMES: Final = frozenset({"http:", "https:"})
_NUMBER_ADDRESS = re.compile(r"[0-9.]+")
_CHARS_MAX = 8192  # a longer text is not read as an address


def parse_url(text: str) -> Parsed:
    """Read a text as a URL: ``protocol``, ``host``, ``port``, ``path``, ``query``, ``hash``."""
    url = _standard(text) if text and len(text) <= _CHARS_MAX else None
    if url is None:
        return Parsed(valid=False, value=text, warnings=(NOT_UNDERSTOOD,) if text else NO_FINDINGS)
    value, parts = url
    return Parsed(valid=True, value=value, parts={**parts}, warnings=_doubts(text, value, parts))


def _standard(text: str) -> tuple[str, dict[str, str]] | None:
    from ada_url import URL  # noqa: PLC0415  # five megabytes that few lists need

    try:
        url = URL(text if "://" in text else f"http://{text}")
    except ValueError:
        return None
    if url.protocol not in _SCHEMES:
        return None
    return url.href, {
        "protocol": url.protocol.removesuffix(":"),
        "host": url.host,
        "port": url.port,
        "path": url.pathname,
        "query": url.search.removeprefix("?"),
        "hash": url.hash,
    }


def _doubts(text: str, value: str, parts: dict[str, str]) -> tuple[Finding, ...]:
    host = parts["host"].removesuffix(f":{parts['port']}")
    found = []
    is_number = _NUMBER_ADDRESS.fullmatch(host) is not None
    if ("." not in host.strip(".") and not host.startswith("[")) or (
        is_number and host not in text
    ):
        found.append(UNLIKELY)
    if "@" in value.partition("://")[2].partition("/")[0]:
        found.append(USER_INFO)
    return tuple(found)
