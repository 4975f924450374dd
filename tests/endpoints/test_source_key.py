"""The API key that a source may ask of its sender: sent with every lead, shown to nobody."""

import pytest

from bulkpost.destination import parse_url
from bulkpost.endpoints.evidence import evidence_of
from bulkpost.endpoints.settings import EndpointSettings
from bulkpost.endpoints.submission import SubmissionEndpoint
from bulkpost.exchange import Reply, Request
from bulkpost.lead import Lead, LeadFormat
from bulkpost.secret import Secret

URL = "https://app.leadconduit.com/flows/5f00000000000000000000a1/sources/5f00000000000000000000b2/submit"
LEAD = Lead(1, parse_url(URL), (("first_name", "Wilhelmina"),))
KEY = Secret("Basic c2VjcmV0")


@pytest.mark.parametrize("send_as", list(LeadFormat))
def test_the_key_goes_with_a_lead_of_every_format(send_as: LeadFormat) -> None:
    """And no header of that name without one."""
    settings = EndpointSettings(format=send_as)

    assert KEY is SubmissionEndpoint(settings, KEY).request(LEAD).authorization
    assert None is SubmissionEndpoint(settings).request(LEAD).authorization


@pytest.mark.parametrize(
    ("key", "status", "advice"),
    [
        (None, 401, "The source asks its sender for an API key"),
        (KEY, 401, "The source does not accept the API key"),
        (KEY, 403, None),
        (None, 403, None),
    ],
)
def test_a_source_that_asks_for_a_key_is_told_from_one_that_refuses_it(
    key: Secret | None, status: int, advice: str | None
) -> None:
    """Only a 401 is about the key."""
    verdict = SubmissionEndpoint(authorization=key).verdict(Reply(status, (), b""), LEAD)

    assert "401 Unauthorized" == verdict.outcome.reason or status != 401
    if advice is None:
        assert not verdict.advice
    else:
        assert (verdict.advice or "").startswith(advice)


@pytest.mark.parametrize(("key", "shown"), [(None, {}), (KEY, {"Authorization": "…"})])
def test_support_is_shown_that_there_was_a_key(key: Secret | None, shown: dict[str, str]) -> None:
    """And no other secret of a header's, however it is spelled."""
    headers = {"Accept": "application/json", "Proxy-Authorization": "Basic c2VjcmV0"}
    request = Request("POST", URL, headers, b"a=b", authorization=key)
    asked, _ = evidence_of(request, Reply(401, (), b""), ())

    hidden = {"Accept": "application/json", "Proxy-Authorization": "…"}
    assert hidden | shown == asked["request_headers"]
