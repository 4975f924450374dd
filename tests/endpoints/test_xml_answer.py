"""Answers in XML: LeadConduit's own are read, odd ones are doubts, bombs are not unpacked."""

import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.endpoints.classify import classify
from bulkpost.exchange import Reply
from bulkpost.outcome import VERDICTS, Outcome, OutcomeKind

LEAD_ID = "5f00000000000000000000c3"
OWN = (("first_name", "Wilhelmina"),)
HEAD = '<?xml version="1.0"?>\n'
FILE = '[<!ENTITY x SYSTEM "file:///etc/passwd">]'
DECLARED = '<!DOCTYPE result [<!ENTITY x "gotcha">]>'
BOMB = "<!DOCTYPE result [" + "".join(
    f'<!ENTITY x{n} "{f"&x{n - 1};" * 10 if n else "ha" * 50}">' for n in range(9)
)


def outcome(body: str | bytes, *, cut: str | None = None) -> Outcome:
    raw = body if isinstance(body, bytes) else body.encode()
    return classify(Reply(201, (), raw, cut), OWN, strict=False).outcome


@pytest.mark.parametrize("kind", sorted(VERDICTS))
def test_leadconduits_answer_is_read(kind: OutcomeKind) -> None:
    """Outcome, reason, lead id and price, laid out as LeadConduit does it."""
    lines = (
        *("<result>", f"  <outcome>{kind}</outcome>", "  <reason>no &amp; never</reason>"),
        *("  <lead>", f"    <id>{LEAD_ID.upper()}</id>", "  </lead>"),
        *("  <price>1.25</price>", "</result>"),
    )
    assert Outcome(kind, "no & never", 201, LEAD_ID, 1_250_000) == outcome(HEAD + "\n".join(lines))


def test_what_an_account_leaves_out_is_absent() -> None:
    """The account chooses the fields of its response; the outcome is enough."""
    expected = Outcome(OutcomeKind.SUCCESS, None, 201, None, None)
    assert expected == outcome("<result><outcome>success</outcome><lead/></result>")


def test_an_empty_reason_is_a_reason() -> None:
    """As in the other formats."""
    assert "" == outcome("<result><outcome>failure</outcome><reason/></result>").reason


def test_a_reason_does_not_repeat_the_lead() -> None:
    """What was sent is taken out of the reason, as from any other answer."""
    got = outcome("<result><outcome>failure</outcome><reason>no Wilhelmina</reason></result>")
    assert "Wilhelmina" not in str(got.reason)


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ("<outcome>deferred</outcome>", "the outcome is no known word: deferred"),
        ("<reason>x</reason>", "there is no outcome"),
        ("<outcome>success</outcome><outcome>failure</outcome>", "a name stands twice"),
        ("<outcome><b>success</b></outcome>", "the outcome is not a text"),
        ("<outcome>success</outcome><price>cheap</price>", "the price is not a number"),
        ("<outcome>success</outcome><lead><id>7</id></lead>", "the lead id is not 24 hex digits"),
        ("<outcome>success</outcome><lead/><lead/>", "a name stands twice"),
        ("<outcome>success", "the body is not XML"),
    ],
)
def test_an_odd_answer_is_a_doubt_that_says_why(inside: str, words: str) -> None:
    """An answer is believed as a whole or not at all."""
    got = outcome(f"<result>{inside}</result>")

    assert OutcomeKind.IN_DOUBT is got.kind
    assert words in str(got.reason)


def test_another_root_is_no_answer() -> None:
    """Somebody else's XML says nothing about the lead; an id in it is kept."""
    got = outcome(f"<response><result>success</result><leadId>{LEAD_ID}</leadId></response>")

    assert (OutcomeKind.IN_DOUBT, LEAD_ID) == (got.kind, got.lead_id)
    assert "not a result" in str(got.reason)


@pytest.mark.parametrize(
    "body",
    [
        f"{HEAD}{BOMB}]><result><outcome>success</outcome><reason>&x8;</reason></result>",
        f"{HEAD}{DECLARED}<result><outcome>success</outcome><reason>&x;</reason></result>",
        f"{HEAD}<!DOCTYPE result SYSTEM 'file:///etc/passwd'><result><outcome>success</outcome></result>",
        f"{HEAD}<!DOCTYPE result {FILE}><result><outcome>success</outcome>&x;</result>",
        HEAD + DECLARED.replace("gotcha", "a" * 50_000) + f"<result>{'&x;' * 10_000}</result>",
    ],
    ids=["billion laughs", "an entity", "a document type", "a file", "quadratic"],
)
def test_entities_and_document_types_are_not_read(body: str) -> None:
    """The row is in doubt, no file is opened, and no memory is taken."""
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    got = outcome(body)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib

    assert OutcomeKind.IN_DOUBT is got.kind
    assert "which is not read" in str(got.reason)
    assert grown_kib < 64 * 1024


@pytest.mark.parametrize("depth", [10, 100_000])
def test_deep_nesting_is_survived(depth: int) -> None:
    """However deep, it is a doubt and no crash."""
    assert OutcomeKind.IN_DOUBT is outcome("<result>" + "<a>" * depth + "</a>" * depth).kind


def test_a_cut_answer_keeps_its_word_and_its_id() -> None:
    """What came of it is told, and not believed."""
    got = outcome(f"<result><outcome>success</outcome><lead><id>{LEAD_ID}</id>", cut="lost")

    assert (OutcomeKind.IN_DOUBT, LEAD_ID) == (got.kind, got.lead_id)
    assert "the outcome reads success" in str(got.reason)


@given(st.binary(max_size=200) | st.text(alphabet='<>/?!&;ab" =', max_size=200).map(str.encode))
def test_no_bytes_make_it_fail(body: bytes) -> None:
    """Whatever stands there after the first words, there is an outcome."""
    assert outcome(b"<result>" + body).kind in {*VERDICTS, OutcomeKind.IN_DOUBT}
