import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bulkpost.pacing.breaker import Admission, Breaker, BreakerSettings, Pause

SETTINGS = BreakerSettings(failures_max=3, base_s=1.0, cap_s=8.0)


def a_breaker(settings: BreakerSettings = SETTINGS, chance: float = 1.0) -> Breaker:
    return Breaker(settings, random=lambda: chance)


def admitted(breaker: Breaker, now_s: float) -> Admission:
    admission = breaker.admit(now_s)
    assert admission is not None
    return admission


def opened(now_s: float = 0.0) -> Breaker:
    """Return a breaker that three failures to send have just opened, for one second."""
    breaker = a_breaker()
    for admission in [admitted(breaker, now_s) for _ in range(3)]:
        breaker.failed(now_s, admission)
    return breaker


def test_a_closed_gate_lets_everybody_go() -> None:
    """Without failures nobody waits and nobody goes alone."""
    breaker = a_breaker()

    assert [False, False] == [admitted(breaker, 0.0).is_probe for _ in range(2)]
    assert 0.0 == breaker.wait_s(0.0)
    assert breaker.pause(0.0) is None


def test_n1_failures_in_a_row_open_the_gate() -> None:
    """After ten failures in a row nothing is sent until a pause is over."""
    breaker = a_breaker()
    waits_s = []
    for admission in [admitted(breaker, 5.0) for _ in range(3)]:
        breaker.failed(5.0, admission)
        waits_s.append(breaker.wait_s(5.0))

    assert [0.0, 0.0, 1.0] == waits_s
    assert breaker.admit(5.5) is None
    assert Pause(None, since_s=5.0, until_s=6.0) == breaker.pause(5.5)


def test_failures_of_requests_under_way_do_not_lengthen_the_pause() -> None:
    """Sixteen workers that fail together are one outage, not sixteen."""
    breaker = a_breaker()
    for admission in [admitted(breaker, 0.0) for _ in range(16)]:
        breaker.failed(0.1, admission, status=503)

    assert Pause(503, since_s=0.1, until_s=1.1) == breaker.pause(0.1)
    assert 16 == breaker.failures


@pytest.mark.parametrize(("chance", "pause_s"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_half_of_a_pause_is_certain_and_the_rest_is_chance(chance: float, pause_s: float) -> None:
    """Many runs against one host do not probe it in the same moment, nor at once."""
    breaker = a_breaker(chance=chance)
    for admission in [admitted(breaker, 0.0) for _ in range(3)]:
        breaker.failed(0.0, admission)

    assert pause_s == breaker.wait_s(0.0)


def test_an_answer_between_failures_starts_the_count_anew() -> None:
    """Only failures in a row count."""
    breaker = a_breaker()
    for now_s in range(10):
        breaker.failed(now_s, admitted(breaker, now_s))
        breaker.failed(now_s, admitted(breaker, now_s))
        breaker.answered()

    assert 0.0 == breaker.wait_s(10.0)
    assert 0.0 == breaker.outage_s(10.0)


def test_a_half_open_gate_admits_one_probe_at_a_time() -> None:
    """After the pause one may try; the others wait for what becomes of it."""
    breaker = opened()

    assert admitted(breaker, 1.0).is_probe
    assert breaker.wait_s(1.0) is None
    assert breaker.admit(1.0) is None


def test_admissions_are_counted_from_one() -> None:
    """Each leave to send is its own."""
    breaker = a_breaker()

    assert [1, 2, 3] == [admitted(breaker, 0.0).number for _ in range(3)]


def test_a_probe_of_an_earlier_outage_does_not_end_a_later_one() -> None:
    """A probe overtaken by somebody else's answer comes home while the next is under way."""
    breaker = opened()
    overtaken = admitted(breaker, 1.0)
    breaker.answered()
    for admission in [admitted(breaker, 2.0) for _ in range(3)]:
        breaker.failed(2.0, admission)
    probe = admitted(breaker, 3.0)
    breaker.withdrawn(overtaken)

    assert overtaken.is_probe
    assert probe.is_probe
    assert breaker.wait_s(3.0) is None


def test_an_answered_probe_closes_the_gate() -> None:
    """The host is back: everybody goes."""
    breaker = opened()
    admitted(breaker, 1.0)
    breaker.answered()

    assert not admitted(breaker, 1.0).is_probe
    assert breaker.pause(1.0) is None


def test_n15_failed_probes_wait_longer_each_time_up_to_the_cap() -> None:
    """While the host is away, one request at a time is tried, after 1, 2, 4, up to 60 s."""
    breaker = opened()
    now_s = 1.0
    waits_s = []
    for _ in range(5):
        breaker.failed(now_s, admitted(breaker, now_s))
        wait_s = breaker.wait_s(now_s)
        assert wait_s is not None
        waits_s.append(wait_s)
        now_s += wait_s

    assert [2.0, 4.0, 8.0, 8.0, 8.0] == waits_s


def test_a_probe_that_never_went_gives_its_place_back() -> None:
    """A cancelled probe does not block the gate."""
    breaker = opened()
    breaker.withdrawn(admitted(breaker, 1.0))

    assert admitted(breaker, 1.0).is_probe


def test_a_probe_in_doubt_opens_the_gate_again() -> None:
    """A host that takes requests and does not answer is not back."""
    breaker = opened()
    breaker.lost(1.0, admitted(breaker, 1.0))

    assert 2.0 == breaker.wait_s(1.0)


def test_an_ordinary_request_in_doubt_changes_nothing() -> None:
    """Being in doubt is the row's trouble; the gate counts refusals and failures to send."""
    breaker = a_breaker()
    for _ in range(10):
        breaker.lost(0.0, admitted(breaker, 0.0))

    assert 0.0 == breaker.wait_s(0.0)


def test_s15_one_retry_after_stops_everybody() -> None:
    """One Retry-After holds back all requests to the host, for exactly as long as it says."""
    breaker = a_breaker()
    breaker.failed(10.0, admitted(breaker, 10.0), status=503, retry_after_s=120.0)

    assert 120.0 == breaker.wait_s(10.0)
    assert Pause(503, since_s=10.0, until_s=130.0) == breaker.pause(10.0)
    assert admitted(breaker, 130.0).is_probe


def test_s15_a_late_answer_does_not_shorten_retry_after() -> None:
    """An answer to a request that was under way does not shorten the wait of a Retry-After."""
    breaker = a_breaker()
    refused, late = admitted(breaker, 0.0), admitted(breaker, 0.0)
    breaker.failed(1.0, refused, status=503, retry_after_s=30.0)
    assert not late.is_probe
    breaker.answered()

    assert 29.0 == breaker.wait_s(2.0)
    assert Pause(503, since_s=1.0, until_s=31.0) == breaker.pause(2.0)
    assert breaker.pause(31.0) is None
    assert not admitted(breaker, 31.0).is_probe


def test_s15_a_hold_that_follows_another_began_when_it_was_asked_for() -> None:
    """The progress tells since when this wait lasts, not an earlier one."""
    breaker = a_breaker()
    for now_s in (0.0, 30.0):
        breaker.failed(now_s, admitted(breaker, now_s), status=503, retry_after_s=30.0)
        breaker.answered()

    assert Pause(503, since_s=30.0, until_s=60.0) == breaker.pause(40.0)


def test_s15_a_shorter_retry_after_does_not_shorten_a_longer_one() -> None:
    """Of several Retry-After the one that ends last holds."""
    breaker = a_breaker()
    first, second = admitted(breaker, 0.0), admitted(breaker, 0.0)
    breaker.failed(0.0, first, status=503, retry_after_s=30.0)
    breaker.failed(1.0, second, status=503, retry_after_s=5.0)
    assert 29.0 == breaker.wait_s(1.0)

    breaker.answered()
    assert 29.0 == breaker.wait_s(1.0)


def test_s15_a_retry_after_of_hours_pauses_for_the_cap_only() -> None:
    """A Retry-After of hours does not end the run: other rows are tried after a minute."""
    breaker = a_breaker()
    breaker.failed(0.0, admitted(breaker, 0.0), status=503, retry_after_s=1e9)

    assert 8.0 == breaker.wait_s(0.0)
    assert not breaker.is_hopeless(0.0)


def test_s15_a_retry_after_as_long_as_an_outage_may_be_is_obeyed() -> None:
    """A Retry-After of a quarter of an hour is obeyed to the second."""
    waits_s = []
    for asked_s in (900.0, 901.0):
        breaker = a_breaker()
        breaker.failed(0.0, admitted(breaker, 0.0), status=503, retry_after_s=asked_s)
        waits_s.append(breaker.wait_s(0.0))

    assert [900.0, 8.0] == waits_s


def test_n15_an_outage_of_a_quarter_of_an_hour_is_hopeless() -> None:
    """If the host has been away for a quarter of an hour, the run stops."""
    breaker = a_breaker()
    breaker.answered()
    for admission in [admitted(breaker, 0.0) for _ in range(3)]:
        breaker.failed(0.0, admission)

    assert [False, True] == [breaker.is_hopeless(899.9), breaker.is_hopeless(900.0)]
    assert 900.0 == breaker.outage_s(900.0)


def test_n1_a_host_that_was_never_reached_is_given_up_sooner() -> None:
    """If the host never answered at all since the run began, the run stops after a minute."""
    breaker = opened()
    assert [False, True] == [breaker.is_hopeless(59.9), breaker.is_hopeless(60.0)]

    breaker.failed(60.0, admitted(breaker, 60.0), status=503)
    assert not breaker.is_hopeless(60.0)


def test_silence_behind_a_closed_gate_is_no_outage() -> None:
    """At one lead an hour a single failure does not end the run; failures far apart do."""
    breaker = a_breaker()
    breaker.failed(0.0, admitted(breaker, 0.0), status=502)
    assert not breaker.is_hopeless(3600.0)

    breaker.failed(3600.0, admitted(breaker, 3600.0), status=502)
    assert breaker.is_hopeless(3600.0)


class BreakerLife(RuleBasedStateMachine):
    """Workers, answers and time in any order, against what must always hold."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.breaker = Breaker(SETTINGS, random=lambda: 0.5)
        self.in_flight: list[Admission] = []
        self.probes: set[Admission] = set()
        self.told_until_s = 0.0

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    @rule()
    def go(self) -> None:
        wait_s = self.breaker.wait_s(self.now_s)
        admission = self.breaker.admit(self.now_s)
        assert (wait_s == 0.0) is (admission is not None)
        if admission is None:
            return
        assert self.now_s >= self.told_until_s, "went before Retry-After"
        self.in_flight.append(admission)
        if admission.is_probe:
            self.probes.add(admission)

    def ended(self, data: st.DataObject) -> Admission:
        admission = data.draw(st.sampled_from(self.in_flight))
        self.in_flight.remove(admission)
        self.probes.discard(admission)
        return admission

    @precondition(lambda self: self.in_flight)
    @rule(
        data=st.data(),
        status=st.sampled_from([None, 502, 503, 504]),
        asked_s=st.sampled_from([None, None, 0.0, 3.0, 30.0]),
    )
    def fail(self, data: st.DataObject, status: int | None, asked_s: float | None) -> None:
        self.breaker.failed(self.now_s, self.ended(data), status, asked_s)
        self.told_until_s = max(self.told_until_s, self.now_s + (asked_s or 0.0))

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        self.ended(data)
        self.breaker.answered()
        self.probes.clear()  # the streak is over: the others are ordinary requests now
        if self.now_s >= self.told_until_s:
            assert 0.0 == self.breaker.wait_s(self.now_s)
            assert self.breaker.pause(self.now_s) is None

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        self.breaker.lost(self.now_s, self.ended(data))

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        self.breaker.withdrawn(self.ended(data))

    @invariant()
    def at_most_one_probe(self) -> None:
        assert len(self.probes) <= 1

    @invariant()
    def somebody_can_go_some_day(self) -> None:
        wait_s = self.breaker.wait_s(self.now_s)
        if wait_s is None:
            assert self.probes, "the gate waits for a probe that is not under way"
        else:
            assert wait_s <= max(SETTINGS.cap_s, self.told_until_s - self.now_s)

    @invariant()
    def a_pause_is_explained(self) -> None:
        is_free = self.breaker.wait_s(self.now_s) == 0.0
        assert is_free or self.breaker.pause(self.now_s) is not None


TestBreakerLife = BreakerLife.TestCase
TestBreakerLife.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


def test_a_gate_is_looked_behind_every_minute_at_least() -> None:
    """Unless the settings say otherwise; the first wait is a second."""
    settings = BreakerSettings()

    assert (10, 1.0, 60.0) == (settings.failures_max, settings.base_s, settings.cap_s)
    assert (900.0, 60.0) == (settings.outage_s_max, settings.first_contact_s_max)
