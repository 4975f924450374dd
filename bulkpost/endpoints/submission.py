"""The submission endpoint: one lead, one POST.

Reference: "Generic POST Instructions for LeadConduit".
"""

from functools import lru_cache

from bulkpost.destination import Destination
from bulkpost.endpoints.classify import classify
from bulkpost.endpoints.evidence import Evidence, evidence_of
from bulkpost.endpoints.form import encode
from bulkpost.endpoints.settings import EndpointSettings
from bulkpost.exchange import Reply, Request
from bulkpost.lead import Lead
from bulkpost.outcome import Verdict

_URLS_MAX = 1_024


class SubmissionEndpoint:
    """Submits leads into a flow. Implements ``Endpoint[Lead]``."""

    def __init__(self, settings: EndpointSettings | None = None) -> None:
        """Prepare the endpoint.

        Args:
            settings: How to read replies; the defaults if None.
        """
        self._is_strict = settings is not None and settings.strict

    def request(self, item: Lead, generated: tuple[tuple[str, str], ...] = ()) -> Request:
        """Return the POST that submits a lead.

        Args:
            item: The lead.
            generated: (field name, text) pairs of ours to send with it, such as the reference.
        """
        body = encode((*item.fields, *generated))
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(body)),
        }
        return Request("POST", _url(item.destination), headers, body)

    def verdict(self, reply: Reply, item: Lead) -> Verdict:
        """Say what a reply means for its lead; never raises, whatever the bytes."""
        destination = item.destination
        return classify(
            reply,
            item.fields + destination.query,
            own_ids=(destination.flow_id, destination.source_id),
            strict=self._is_strict,
        )

    def evidence(self, request: Request, reply: Reply, item: Lead) -> Evidence:
        """Return what LeadConduit's support asks for, as JSON values without personal data."""
        return evidence_of(request, reply, item.fields + item.destination.query)


@lru_cache(maxsize=_URLS_MAX)
def _url(destination: Destination) -> str:
    return destination.url
