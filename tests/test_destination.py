import re

import pytest

from bulkpost.destination import (
    Destination,
    Environment,
    checked_id,
    checked_origin,
    is_loopback,
    parse_url,
)
from bulkpost.errors import ConfigError

FLOW = "5f00000000000000000000a1"
SOURCE = "5f00000000000000000000b2"
PATH = f"/flows/{FLOW}/sources/{SOURCE}/submit"
URL = f"https://app.leadconduit.com{PATH}"


def test_a_posting_url_is_taken_apart() -> None:
    """Origin, ids and query come out of a posting URL, and the same URL goes back in."""
    destination = parse_url(f"{URL}?state=TX&empty=")
    expected = Destination(
        "https://app.leadconduit.com", FLOW, SOURCE, (("state", "TX"), ("empty", ""))
    )
    assert expected == destination
    assert f"{URL}?state=TX&empty=" == destination.url
    assert destination.environment is Environment.LIVE


@pytest.mark.parametrize(
    "spelling",
    [
        f"{URL}/",
        f"  {URL}\n",
        URL.replace("app.leadconduit.com", "APP.LeadConduit.com"),
        URL.replace("app.leadconduit.com", "app.leadconduit.com:443"),
        URL.replace(".com", ".com."),
        URL.replace(FLOW, FLOW.upper()),
        f"{URL}?state=TX",
    ],
)
def test_one_place_has_one_name(spelling: str) -> None:
    """However a URL is spelled, the destination's name is the same: keys depend on it."""
    assert URL == parse_url(spelling).name


@pytest.mark.parametrize(
    ("url", "word"),
    [
        (URL.replace("https", "http"), "in the clear"),
        (URL.replace("https", "ftp"), "not an http address"),
        (PATH, "not an http address"),
        ("", "not an http address"),
        (URL.replace("https://", "https://user:pass@"), "user name"),
        (f"{URL}#top", "fragment"),
        (URL.replace(".com", ".com:99999"), "port"),
        (URL.replace(FLOW, FLOW[:-1]), "24 hex digits"),
        (URL.replace(SOURCE, "g" * 24), "24 hex digits"),
        (URL.replace(FLOW, FLOW + "0"), "24 hex digits"),
        (URL.replace("/submit", "/ping"), "path"),
        (URL.replace("/submit", ""), "path"),
        (f"{URL}?redir_url=https%3A%2F%2Fexample.com", "redir_url"),
        (f"{URL}?redir_url=", "redir_url"),
        ("https://[::1/flows", "not an http address"),
        (URL.replace(".com", ".com evil"), "not an http address"),
        (URL.replace("app.", "app%2e"), "not an http address"),
    ],
)
def test_a_url_that_is_no_safe_posting_url_is_refused(url: str, word: str) -> None:
    """Each way in which a URL can lose leads is refused with the reason and some advice."""
    with pytest.raises(ConfigError, match=re.escape(word)):
        parse_url(url)


def test_a_refused_url_is_not_repeated_with_its_password() -> None:
    """A password in a URL does not reach the error message."""
    with pytest.raises(ConfigError) as caught:
        parse_url(URL.replace("https://", "https://user:hunter2@"))
    assert "hunter2" not in caught.value.message + caught.value.advice


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
def test_http_is_for_loopback_and_loopback_is_the_sandbox(host: str) -> None:
    """Leads may go in the clear to this machine only, and there they cost nothing."""
    destination = parse_url(f"http://{host}:8080{PATH}")
    assert f"http://{host}:8080" == destination.origin
    assert destination.environment is Environment.SANDBOX


@pytest.mark.parametrize(
    "host",
    ["localhost.example.com", "127.0.0.1.nip.io", "10.0.0.1", "0.0.0.0"],  # noqa: S104  # a name to refuse, not to bind
)
def test_a_name_that_only_looks_local_is_not_loopback(host: str) -> None:
    """What may be another machine is not taken for this one."""
    assert not is_loopback(host)


def test_a_row_may_name_its_own_flow_and_source() -> None:
    """Without ids a destination is routed, and takes checked ids from a row."""
    general = Destination(checked_origin("https://app.leadconduit.com"), "", "")
    assert general.is_routed
    assert URL == general.routed(FLOW.upper(), SOURCE).url
    assert "https://app.leadconduit.com/flows/*/sources/*/submit" == general.name
    with pytest.raises(ConfigError, match="source_id"):
        general.routed(FLOW, " " + SOURCE)


def test_a_refused_id_is_not_repeated() -> None:
    """A cell in the wrong column does not reach an error message."""
    with pytest.raises(ConfigError) as caught:
        checked_id("123-45-6789", "flow_id")
    assert "6789" not in caught.value.message + caught.value.advice


def test_what_the_query_sets_survives_a_round_trip() -> None:
    """Spaces, plus signs and non-ASCII letters in the query are kept."""
    destination = parse_url(f"{URL}?a=x+y&b=%2B&c=%C3%A9&c=2")
    assert (("a", "x y"), ("b", "+"), ("c", "é"), ("c", "2")) == destination.query
    assert destination.query == parse_url(destination.url).query
