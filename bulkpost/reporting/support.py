"""What LeadConduit's support asks for, laid out ready to be sent: requests and their answers.

Reference: "Generic POST Instructions for LeadConduit": any other 4xx or 5xx is to be reported with
the full HTTP request (method, URL, parameters). The ledger has no lead data, so the parameters are
names without values.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from bulkpost.ledger.entries import row_number_of
from bulkpost.ledger.reader import LedgerReader
from bulkpost.ledger.statements import sql
from bulkpost.reporting.wording import iso_text

KINDS_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, without lead data.

    Attributes:
        document: Request and reply in one, as the ledger has them.
    """

    document: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return self.document

    def lines(self) -> list[str]:
        """Return it as HTTP is written down."""
        return [*self._request_lines(), "", *self._reply_lines()]

    def _request_lines(self) -> list[str]:
        document = self.document
        headers = document.get("request_headers") or {}
        fields = [f"{name}=…" for name in document.get("fields") or ()]
        return [
            f"{document.get('method', '?')} {document.get('url', '?')} HTTP/1.1",
            *(f"{name}: {value}" for name, value in headers.items()),
            "",
            "&".join(fields) or "(no fields)",
        ]

    def _reply_lines(self) -> list[str]:
        document = self.document
        lines = [
            f"HTTP/1.1 {document.get('status', '?')} {_phrase(document.get('status'))}".rstrip(),
            *(f"{name}: {value}" for name, value in document.get("reply_headers") or ()),
            "",
            document.get("reply_body") or "(no body)",
        ]
        if document.get("reply_cut"):
            lines.append(f"(the answer was cut: {document['reply_cut']})")
        return lines


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One kind of http_error of a run.

    Attributes:
        row_id: The first row of this kind.
        count: Rows of this kind.
        http_status: Their status.
        reason: Their reason, scrubbed.
        at_ms: When the first row was answered, milliseconds since 1970.
        exchange: Request and answer of the first row.
    """

    row_id: int
    count: int
    http_status: int | None
    reason: str | None
    at_ms: int
    exchange: Exchange | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "row": row_number_of(self.row_id),
            "count": self.count,
            "http_status": self.http_status,
            "reason": self.reason,
            "at": iso_text(self.at_ms),
            "exchange": None if self.exchange is None else self.exchange.to_dict(),
        }


def exchange_of(request: str | None, reply: str | None) -> Exchange | None:
    """Read what the ledger keeps of an exchange; None if it is not what bulkpost writes."""
    try:
        halves = [json.loads(half or "null") for half in (request, reply)]
    except ValueError:
        return None
    if not all(isinstance(half, dict) for half in halves):
        return None
    return Exchange(halves[0] | halves[1])


async def error_kinds(reader: LedgerReader, run_id: int) -> list[ErrorKind]:
    """Return each kind (status and reason) of http_error of a run once, the most frequent first."""
    found = await reader.fetch(sql("support_kinds"), {"run_id": run_id, "kinds_max": KINDS_MAX})
    return [
        ErrorKind(row_id, count, status, reason, at_ms, exchange_of(*halves))
        for row_id, count, status, reason, at_ms, *halves in found
    ]


def _phrase(status: object) -> str:
    try:
        return HTTPStatus(int(str(status))).phrase
    except ValueError:
        return ""
