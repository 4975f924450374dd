"""One attempt after another: leave to send, intent on disk, request, answer, ending.

The order of these five is the product. Nothing is sent before ``arm`` has returned, and whatever
happens after it ends in exactly one entry for the ledger.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Generic

import anyio

from bulkpost.clock import Clock
from bulkpost.endpoints.endpoint import Endpoint
from bulkpost.engine.gate import Gate
from bulkpost.engine.halt import Halt
from bulkpost.engine.job import ItemT, Job
from bulkpost.engine.sorter import refusal_of
from bulkpost.engine.supply import Supply
from bulkpost.engine.tally import Tally
from bulkpost.engine.waterline import Waterline
from bulkpost.errors import InDoubtError, LedgerWriteError, NotSentError, place_of
from bulkpost.exchange import Reply, Request
from bulkpost.faultpoint import fault_point
from bulkpost.ledger.entries import Intent, KnownKey, Rearm, Settlement, Wait
from bulkpost.ledger.ledger import Ledger
from bulkpost.log import get_logger
from bulkpost.outcome import VERDICTS, NextStep, Outcome, OutcomeKind, Verdict
from bulkpost.pacing.breaker import Admission
from bulkpost.pacing.budget import BudgetSettings, ErrorBudget, Spent
from bulkpost.pacing.retry import (
    Backoff,
    RetrySettings,
    after_refusal,
    after_unsent,
    retry_after_s,
)
from bulkpost.run import RunEnding
from bulkpost.transport.transport import Transport

# A server that takes leads and never says so must not put a whole list in doubt.
_WRONG = frozenset({OutcomeKind.HTTP_ERROR, OutcomeKind.IN_DOUBT})
_ASK_AGAIN_S = 0.05
_DUE_S_MAX = 86_400.0  # no server's word puts a row off for more than a day


@dataclass(slots=True)
class Machines(Generic[ItemT]):
    """What the workers of one run share.

    Attributes:
        refused: Destinations that take nothing from this run any more.
        budgets: Answers counted by destination.
        is_aborting: What is in flight will not be awaited; nothing new may leave.
    """

    ledger: Ledger
    transport: Transport
    endpoint: Endpoint[ItemT]
    gate: Gate
    supply: Supply[ItemT]
    waterline: Waterline
    tally: Tally
    clock: Clock
    random: Random
    input_id: int
    retry: RetrySettings
    budget: BudgetSettings
    is_routed: bool = False
    refused: dict[str, str] = field(default_factory=dict)
    budgets: dict[str, ErrorBudget] = field(default_factory=dict)
    is_aborting: bool = False


class Worker(Generic[ItemT]):
    """Takes jobs until there are none."""

    def __init__(self, machines: Machines[ItemT], halt: Callable[[Halt], None]) -> None:
        self._machines = machines
        self._halt = halt

    async def run(self) -> None:
        """Take jobs until the supply is empty or stopped."""
        supply = self._machines.supply
        while (job := await supply.take()) is not None:
            self._machines.tally.waiting = supply.waiting_count
            try:
                await self._attempt(job)
            except Exception as error:  # noqa: BLE001  # a mistake of ours must not lose the others' answers
                self._failed(job, error, OutcomeKind.IN_DOUBT)
            finally:
                supply.release()

    async def _attempt(self, job: Job[ItemT]) -> None:
        machines = self._machines
        refusal = machines.refused.get(job.prepared.destination)
        if refusal is not None:
            # A fresh row stays pending: it costs nothing, and the next run submits it.
            self._settle(job, Outcome(OutcomeKind.DEFERRED, refusal))
            return
        try:
            admission = await machines.gate.enter()
        except anyio.get_cancelled_exc_class():
            self._leave(job)
            raise
        if admission is None:
            self._leave(job)
            return
        try:
            is_armed = await self._arm(job)
        except LedgerWriteError as error:
            machines.gate.breaker.withdrawn(admission)
            self._halt(Halt(RunEnding.FAILED, error.message, error.advice))
            return
        if not is_armed or machines.is_aborting:
            machines.gate.breaker.withdrawn(admission)
            await self._not_started(job, is_armed=is_armed)
            return
        fault_point("armed")
        await self._send(job, admission)

    async def _arm(self, job: Job[ItemT]) -> bool:
        """Write the intent; on return it is on disk, or it was refused."""
        machines = self._machines
        attempt = job.attempt + 1
        entry: Intent | Rearm
        if job.is_open:
            entry = Rearm(job.row_id, attempt)
        else:
            identity = job.prepared.identity
            entry = Intent(
                job.row_id,
                identity.key,
                identity.content,
                attempt,
                job.ambiguous,
                job.supersedes,
                job.allow_duplicate,
            )
        fault_point("arm.queued")
        is_armed = await machines.ledger.writer.arm(entry)
        if is_armed:
            if not job.is_open:
                machines.tally.changed.update(job.prepared.changed)
                machines.tally.found.update(job.prepared.found)
            job.is_open, job.attempt = True, attempt
            self._account(job)
        return is_armed

    async def _send(self, job: Job[ItemT], admission: Admission) -> None:
        machines, tally = self._machines, self._machines.tally
        tally.in_flight += 1
        tally.retries += job.attempt > 1
        kind = OutcomeKind.DEFERRED  # what a mistake of ours makes of the row
        try:
            request = machines.endpoint.request(job.prepared.item, job.prepared.generated)
            kind = OutcomeKind.IN_DOUBT
            reply = await machines.transport.send(request)
            fault_point("answered")
            tally.sent += 1
            self._answered(job, admission, request, reply)
        except NotSentError as error:
            self._not_sent(job, admission, error)
        except InDoubtError as error:
            tally.sent += 1
            machines.gate.breaker.lost(machines.clock.now_s(), admission)
            lost = Verdict(Outcome(OutcomeKind.IN_DOUBT, error.message))
            self._settle(job, lost.outcome)
            self._judge(job, lost)
        except anyio.get_cancelled_exc_class():
            machines.gate.breaker.withdrawn(admission)
            self._settle(job, Outcome(OutcomeKind.IN_DOUBT, "aborted while waiting for the answer"))
            raise
        except Exception as error:  # noqa: BLE001  # a mistake of ours must not lose the others' answers
            machines.gate.breaker.withdrawn(admission)
            self._failed(job, error, kind)
        finally:
            tally.in_flight -= 1

    def _answered(
        self, job: Job[ItemT], admission: Admission, request: Request, reply: Reply
    ) -> None:
        machines = self._machines
        verdict = machines.endpoint.verdict(reply, job.prepared.item)
        latency_ms = round(reply.latency_s * 1000)
        if verdict.next_step is NextStep.RETRY:
            self._refused_for_now(job, admission, reply, verdict)
            return
        machines.gate.breaker.answered()
        evidence = None
        if verdict.outcome.kind is OutcomeKind.HTTP_ERROR:
            asked, came = machines.endpoint.evidence(request, reply, job.prepared.item)
            evidence = json.dumps(asked, ensure_ascii=False), json.dumps(came, ensure_ascii=False)
        self._settle(job, verdict.outcome, latency_ms=latency_ms, evidence=evidence)
        self._judge(job, verdict)

    def _judge(self, job: Job[ItemT], verdict: Verdict) -> None:
        """Stop the run, or this destination's part of it, where going on makes no sense."""
        machines = self._machines
        destination = job.prepared.destination
        budget = machines.budgets.get(destination)
        if budget is None:
            budget = machines.budgets[destination] = ErrorBudget(machines.budget)
        budget.replied(
            is_error=verdict.outcome.kind in _WRONG,
            is_suspect=verdict.next_step is NextStep.SUSPECT,
        )
        step = verdict.next_step
        if step is NextStep.STOP or (step is NextStep.STOP_AT_START and not budget.has_good):
            self._refuse_destination(
                destination,
                RunEnding.REFUSED,
                f"the destination refused: {verdict.outcome.reason}",
                verdict.advice
                or "Check the posting URL and whether the source is enabled; every row would fare "
                "alike.",
            )
        elif budget.spent is Spent.ERRORS:
            self._refuse_destination(
                destination,
                RunEnding.BUDGET,
                f"{budget.errors} of the last {budget.settings.window} attempts were answered "
                "outside the protocol or not at all",
                "See `bulkpost show` for what came back, ready to send to LeadConduit's support.",
            )
        elif budget.spent is Spent.SUSPECTS:
            self._refuse_destination(
                destination,
                RunEnding.REFUSED,
                f"the destination does not answer as LeadConduit does: {verdict.outcome.reason}",
                verdict.advice
                or "Check the posting URL; a proxy or a maintenance page may stand before it.",
            )

    def _refuse_destination(
        self, destination: str, ending: RunEnding, reason: str, advice: str
    ) -> None:
        machines = self._machines
        machines.refused.setdefault(destination, reason)
        if not machines.is_routed:
            self._halt(Halt(ending, reason, advice))

    def _refused_for_now(
        self, job: Job[ItemT], admission: Admission, reply: Reply, verdict: Verdict
    ) -> None:
        """502, 503, 504: LeadConduit's documentation asks for another try in a few seconds."""
        machines = self._machines
        asked_s = retry_after_s(reply.header("Retry-After"), machines.clock.now_at())
        machines.gate.breaker.failed(machines.clock.now_s(), admission, reply.status, asked_s)
        job.ambiguous += verdict.is_ambiguous
        machines.tally.ambiguous += verdict.is_ambiguous
        job.refusals += 1
        backoff = after_refusal(machines.retry, job.refusals, asked_s, machines.random.random)
        due_s = min(asked_s or 0.0, _DUE_S_MAX) if backoff.gives_up else backoff.delay_s
        self._postpone(
            job, verdict.outcome, backoff, due_s, latency_ms=round(reply.latency_s * 1000)
        )
        self._stop_if_hopeless(verdict.outcome)

    def _not_sent(self, job: Job[ItemT], admission: Admission, error: NotSentError) -> None:
        machines = self._machines
        outcome = Outcome(OutcomeKind.DEFERRED, error.message)
        if error.is_fatal:
            machines.gate.breaker.withdrawn(admission)
            self._settle(job, outcome)
            self._halt(Halt(RunEnding.REFUSED, error.message, error.advice))
            return
        machines.gate.breaker.failed(machines.clock.now_s(), admission)
        # That the host is away says nothing about the row with which it was found out.
        job.unsent += not machines.gate.breaker.is_open
        backoff = after_unsent(machines.retry, max(1, job.unsent), machines.random.random)
        self._postpone(job, outcome, backoff, backoff.delay_s)
        self._stop_if_hopeless(outcome)

    def _postpone(
        self,
        job: Job[ItemT],
        outcome: Outcome,
        backoff: Backoff,
        due_s: float,
        latency_ms: int | None = None,
    ) -> None:
        machines = self._machines
        due_at_ms = round((machines.clock.now_at().timestamp() + due_s) * 1000)
        if backoff.gives_up:
            self._settle(job, outcome, latency_ms=latency_ms, due_at_ms=due_at_ms)
            return
        get_logger().info(
            "attempt_postponed",
            row=job.row_number,
            attempt=job.attempt,
            http_status=outcome.http_status,
            reason=outcome.reason,
            delay_s=round(due_s, 3),
        )
        fault_point("backoff.queued")
        machines.ledger.writer.put(
            Wait(job.row_id, job.attempt, outcome, job.ambiguous, due_at_ms, latency_ms)
        )
        machines.supply.postpone(job, machines.clock.now_s() + backoff.delay_s)
        machines.tally.waiting = machines.supply.waiting_count

    def _stop_if_hopeless(self, latest: Outcome) -> None:
        machines = self._machines
        now_s = machines.clock.now_s()
        if machines.gate.breaker.is_hopeless(now_s):
            outage_s = machines.gate.breaker.outage_s(now_s)
            self._halt(
                Halt(
                    RunEnding.REFUSED,
                    f"the destination could not be reached for {outage_s:.0f} s: {latest.reason}",
                    "Check the URL and the network; the same command goes on where it stood.",
                )
            )

    async def _not_started(self, job: Job[ItemT], *, is_armed: bool) -> None:
        if is_armed:
            self._settle(job, Outcome(OutcomeKind.DEFERRED, "aborted before it was sent"))
            return
        machines = self._machines
        taken = await self._holder(job)
        if taken is None:
            # Whoever held the key has just ended, one way or the other: ask again.
            machines.supply.postpone(job, machines.clock.now_s() + _ASK_AGAIN_S)
            return
        refused = refusal_of(job, taken)
        machines.ledger.writer.put(refused)
        machines.tally.ended(Outcome(refused.state.kind, refused.reason))
        self._account(job)  # only now: below the mark every row must be in the ledger

    async def _holder(self, job: Job[ItemT]) -> KnownKey | None:
        """Return the other row that has, or is about to have, a job's key."""
        reader = self._machines.ledger.reader
        key = job.prepared.identity.key
        known = await reader.known_keys([key])
        others = [entry for entry in known.get(key, ()) if entry.row_id != job.row_id]
        return others[0] if others else await reader.intended_key(key)

    def _leave(self, job: Job[ItemT]) -> None:
        """Hand a job back unsent: one in back-off keeps its place until the run's end."""
        if job.is_open:
            self._machines.supply.postpone(job, self._machines.clock.now_s())

    def _settle(
        self,
        job: Job[ItemT],
        outcome: Outcome,
        *,
        latency_ms: int | None = None,
        due_at_ms: int | None = None,
        evidence: tuple[str, str] | None = None,
    ) -> None:
        """Record an ending, once: a job without an intent has none to record."""
        if not job.is_open:
            return
        if outcome.kind not in VERDICTS:
            get_logger().info(
                "row_without_verdict",
                row=job.row_number,
                attempt=job.attempt,
                outcome=outcome.kind.value,
                http_status=outcome.http_status,
                reason=outcome.reason,
            )
        fault_point("settle.queued")
        self._machines.ledger.writer.put(
            Settlement(
                job.row_id, outcome, job.attempt, job.ambiguous, latency_ms, due_at_ms, evidence
            )
        )
        job.is_open = False
        self._machines.tally.ended(outcome)

    def _account(self, job: Job[ItemT]) -> None:
        batch, job.batch = job.batch, None
        if batch is not None:
            mark = self._machines.waterline.accounted(batch)
            if mark is not None:
                fault_point("mark.queued")
                self._machines.ledger.writer.advance(self._machines.input_id, mark)

    def _failed(self, job: Job[ItemT], error: Exception, kind: OutcomeKind) -> None:
        place = place_of(error)
        get_logger().error(
            "worker_failed", error_type=type(error).__name__, why=place, row=job.row_number
        )
        self._settle(job, Outcome(kind, f"internal error {type(error).__name__} at {place}"))
        self._halt(Halt(RunEnding.FAILED, f"internal error {type(error).__name__} at {place}"))
