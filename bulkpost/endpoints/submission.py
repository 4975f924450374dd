"""The submission endpoint: one lead, one request.

Reference: "Generic POST Instructions for LeadConduit".
"""

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from bulkpost.destination import Destination
from bulkpost.endpoints import form, json_body, xml_body
from bulkpost.endpoints.classify import classify
from bulkpost.endpoints.evidence import Evidence, evidence_of
from bulkpost.endpoints.settings import SOURCE_KEY_VARIABLE, EndpointSettings
from bulkpost.exchange import Reply, Request
from bulkpost.lead import Lead, LeadFormat
from bulkpost.outcome import Verdict
from bulkpost.secret import Secret

_URLS_MAX = 1_024
_NO_KEY: Final = (
    "The source asks its sender for an API key: name a file that holds the key of your own account "
    f"as source_key_file under [endpoint], or set {SOURCE_KEY_VARIABLE}. Then `bulkpost retry "
    "--outcome http_error` sends the row again."
)
_WRONG_KEY: Final = (
    "The source does not accept the API key (source_key_file under [endpoint], or "
    f"{SOURCE_KEY_VARIABLE}): it must be that of your own account, and the flow's owner must have "
    "named your account as the source's."
)
# LeadConduit compares media types literally, so they are lower case and have no charset.
_BODIES: Final[Mapping[LeadFormat, tuple[str, Callable[[Iterable[tuple[str, str]]], bytes]]]] = {
    LeadFormat.FORM: ("application/x-www-form-urlencoded", form.encode),
    LeadFormat.JSON: ("application/json", json_body.encode),
    LeadFormat.XML: ("application/xml", xml_body.encode),
}


class SubmissionEndpoint:
    """Submits leads into a flow. Implements ``Endpoint[Lead]``."""

    def __init__(
        self, settings: EndpointSettings | None = None, authorization: Secret | None = None
    ) -> None:
        """Prepare the endpoint.

        Args:
            settings: How to write leads and read replies; the defaults if None.
            authorization: Value of the Authorization header of every request, of the scheme Basic;
                None sends none.
        """
        self._authorization = authorization
        self._own_secrets = _spelled(authorization)
        self._settings = settings if settings is not None else EndpointSettings()
        self._accept = f"application/{self._settings.accept}"

    def request(self, item: Lead, generated: tuple[tuple[str, str], ...] = ()) -> Request:
        """Return the request that submits a lead.

        Args:
            item: The lead.
            generated: (field name, text) pairs of ours to send with it, such as the reference.
        """
        pairs = (*item.fields, *generated)
        names = tuple([name for name, _ in pairs])
        url = _url(item.destination)
        if self._settings.format is LeadFormat.GET:
            query = form.encode(pairs).decode("ascii")
            headers = {"Accept": self._accept}
            return Request("GET", url, headers, b"", query, names, self._authorization)
        media_type, encode = _BODIES[self._settings.format]
        body = encode(pairs)
        headers = {
            "Accept": self._accept,
            "Content-Type": media_type,
            "Content-Length": str(len(body)),
        }
        return Request("POST", url, headers, body, "", names, self._authorization)

    def verdict(self, reply: Reply, item: Lead) -> Verdict:
        """Say what a reply means for its lead; never raises, whatever the bytes."""
        destination = item.destination
        verdict = classify(
            reply,
            (*item.own_texts(), *self._own_secrets),
            own_ids=(destination.flow_id, destination.source_id),
            strict=self._settings.strict,
        )
        if reply.status != HTTPStatus.UNAUTHORIZED:
            return verdict
        return replace(verdict, advice=_NO_KEY if self._authorization is None else _WRONG_KEY)

    def evidence(self, request: Request, reply: Reply, item: Lead) -> Evidence:
        """Return what LeadConduit's support asks for, as JSON values without personal data."""
        return evidence_of(request, reply, (*item.own_texts(), *self._own_secrets))


def _spelled(authorization: Secret | None) -> tuple[tuple[str, str], ...]:
    """Return what an answer may repeat of a credential, to be taken out of it as a lead's values.

    A proxy's page of an error shows the headers of the request, or says whose key is wrong.
    """
    if authorization is None:
        return ()
    token = authorization.reveal().partition(" ")[2]
    pair = b64decode(token).decode()
    return tuple(("credential", text) for text in (token, pair, pair.partition(":")[2]))


@lru_cache(maxsize=_URLS_MAX)
def _url(destination: Destination) -> str:
    return destination.url
