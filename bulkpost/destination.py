"""Where leads go, one flow and source behind a host; and where feedback goes, the host alone.

Reference: the posting URL of "Generic POST Instructions for LeadConduit":
``https://app.leadconduit.com/flows/{flow}/sources/{source}/submit``; ids are 24 hex digits.
"Sending Feedback to LeadConduit": ``https://app.leadconduit.com/feedback``.
"""

import ipaddress
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from bulkpost.errors import ConfigError

HOST_DEFAULT = "app.leadconduit.com"
_ID = re.compile(r"[0-9a-fA-F]{24}")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:.]+")
_SUBMIT_PATH = re.compile(r"/flows/([^/]*)/sources/([^/]*)/submit/?")
_FEEDBACK_PATH = "/feedback"
_EXAMPLE = f"https://{HOST_DEFAULT}/flows/FLOW_ID/sources/SOURCE_ID/submit"
_FEEDBACK_EXAMPLE = f"https://{HOST_DEFAULT}{_FEEDBACK_PATH}"


class Environment(StrEnum):
    """Whether leads cost money there. A ledger serves one environment for its whole life."""

    LIVE = "live"
    SANDBOX = "sandbox"


class Kind(StrEnum):
    """What a destination takes. What is known of one kind says nothing of the other."""

    SUBMISSION = "submission"
    FEEDBACK = "feedback"


@dataclass(frozen=True, slots=True)
class Destination:
    """A checked posting URL, taken apart.

    Attributes:
        origin: Scheme, host and port: ``https://app.leadconduit.com``.
        flow_id: 24 lower-case hex digits; empty if each row names its own.
        source_id: As ``flow_id``.
        query: (name, value) pairs that the URL itself sets on every lead.
        alias: What stands for the origin in ``name`` where the origin is no lasting address: the
            embedded sandbox has another port in each run. Empty for the origin itself.
        kind: What it takes; feedback goes to the host, to no flow or source of it.
    """

    origin: str
    flow_id: str
    source_id: str
    query: tuple[tuple[str, str], ...] = ()
    alias: str = ""
    kind: Kind = Kind.SUBMISSION

    @property
    def host(self) -> str:
        """The host name without port, lower case."""
        return urlsplit(self.origin).hostname or ""

    @property
    def environment(self) -> Environment:
        """Loopback is the sandbox; everything else is live."""
        return Environment.SANDBOX if is_loopback(self.host) else Environment.LIVE

    @property
    def is_routed(self) -> bool:
        """Whether each row names its own flow and source."""
        return self.kind is Kind.SUBMISSION and not (self.flow_id and self.source_id)

    @property
    def name(self) -> str:
        """Identity for keys and the ledger: no query, no trailing slash, one spelling per place."""
        return self._address(self.alias or self.origin)

    @property
    def url(self) -> str:
        """The URL to post to."""
        address = self._address(self.origin)
        return f"{address}?{urlencode(self.query)}" if self.query else address

    def _address(self, origin: str) -> str:
        if self.kind is Kind.FEEDBACK:
            return f"{origin}{_FEEDBACK_PATH}"
        flow_id, source_id = self.flow_id or "*", self.source_id or "*"
        return f"{origin}/flows/{flow_id}/sources/{source_id}/submit"

    def routed(self, flow_id: str, source_id: str) -> "Destination":
        """Return the same host with the ids that a row names.

        Raises:
            ConfigError: An id is not 24 hex digits.
        """
        return replace(
            self,
            flow_id=checked_id(flow_id, "flow_id"),
            source_id=checked_id(source_id, "source_id"),
        )


def parse_url(url: str) -> Destination:
    """Check a posting URL and take it apart.

    Raises:
        ConfigError: It is not https (http is for loopback only), carries a user, password or
            fragment, sets ``redir_url``, or is not a posting URL with two 24-digit ids.
    """
    parts = _split(url)
    origin = checked_origin(url)
    match = _SUBMIT_PATH.fullmatch(parts.path)
    if match is None:
        raise ConfigError(
            f"the URL's path is not that of a posting URL: {parts.path or '/'}",
            advice=f"Copy it from the source's Submission Docs; it looks like {_EXAMPLE}.",
        )
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    if any(name == "redir_url" for name, _ in query):
        raise ConfigError(
            "the URL sets redir_url: LeadConduit would answer with a redirect",
            advice="Take redir_url out of the URL.",
        )
    flow_id, source_id = match.groups()
    return Destination(
        origin, checked_id(flow_id, "flow id"), checked_id(source_id, "source id"), query
    )


def parse_feedback_url(url: str) -> Destination:
    """Check the URL that feedback is posted to; the event's id is added for each row.

    Raises:
        ConfigError: As ``parse_url``, or its path is not that for feedback, or it has a query.
    """
    parts = _split(url)
    origin = checked_origin(url)
    if parts.path.rstrip("/") != _FEEDBACK_PATH or parts.query:
        raise ConfigError(
            "the URL is not one that takes feedback",
            advice=f"It is {_FEEDBACK_EXAMPLE}, without anything after it: each row's event id is "
            "added to it. A posting URL takes leads.",
        )
    return Destination(origin, "", "", kind=Kind.FEEDBACK)


def checked_origin(url: str) -> str:
    """Return scheme, host and port of a URL in one spelling.

    Raises:
        ConfigError: The scheme is not https (or http to loopback), or there is a user, a
            password, a fragment, no host, or a port that is none.
    """
    parts = _split(url)
    try:
        port = parts.port
    except ValueError:
        raise ConfigError("the URL's port is not a number from 0 to 65535") from None
    host = (parts.hostname or "").lower().removesuffix(".")
    if parts.scheme not in {"http", "https"} or _HOST.fullmatch(host) is None:
        raise ConfigError("the URL is not an http address", advice=f"It looks like {_EXAMPLE}.")
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigError(
            "the URL is http: leads would travel in the clear",
            advice="Write https:// instead; http is for a sandbox on this machine only.",
        )
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ConfigError("the URL carries a user name, a password or a fragment; take it out")
    default_port = 443 if parts.scheme == "https" else 80
    shown_host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown_host}" + (
        f":{port}" if port not in {None, default_port} else ""
    )


def checked_id(text: str, what: str) -> str:
    """Return an id in lower case.

    Raises:
        ConfigError: It is not 24 hex digits.
    """
    if _ID.fullmatch(text) is None:
        raise ConfigError(
            f"the {what} is not 24 hex digits: it has {len(text)} characters",
            advice="Copy the posting URL from the source's Submission Docs, ids and all.",
        )
    return text.lower()


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url.strip())
    except ValueError:
        raise ConfigError(
            "the URL is not an http address", advice=f"It looks like {_EXAMPLE}."
        ) from None


def is_loopback(host: str) -> bool:
    """Tell whether a host name can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
