"""What a soak is held to, and its table of figures."""

import resource
from collections.abc import Iterator

from benchmarks.measured import Measured

from bulkpost.ledger.states import State
from harness.gauge import Gauge
from harness.soak import FAULTS, Soak, Stage, bytes_by_table

# Below these, a start weighs more than what comes after it: figures are shown, not judged.
STEADY_ROWS_MIN = 1_000_000
ROW_BYTES_ROWS_MIN = 100_000
MEMORY_BYTES_MAX = 200_000_000
_DESCRIPTORS_SPARE = 40  # beside the connections: ledger, list, streams, event loop
_DESCRIPTORS_DRIFT_MAX = 16  # of them: how many connections are open depends on the pace
_ROW_BYTES_MAX = 110
_MB = 1_000_000
_STATUS = {"killed": {-9}, "drained": {143}, "finished": {5, 6}}
_LAST_STATUS = 5  # rows are in doubt, for every kind of lost answer was among the faults


def judged(soak: Soak) -> Iterator[Measured]:
    """Return each promise beside what was seen."""
    for stage in soak.stages:
        is_right = stage.status in _STATUS[stage.name]
        yield Measured(f"{stage.name}: exit status", str(stage.status), "as told", is_right)
        wrong = " | ".join(stage.found.wrong) or "hold"
        yield Measured(f"{stage.name}: I1 to I5", wrong, "hold", not stage.found.wrong)
    last = soak.stages[-1]
    pending = last.found.counts[State.PENDING]
    yield Measured("rows left", str(pending), "0", pending == 0)
    yield Measured("last exit status", str(last.status), "5", last.status == _LAST_STATUS)
    assert soak.verified is not None
    yield Measured("verify", str(soak.verified.status), "0", soak.verified.status == 0)
    for stage in soak.stages:
        yield from _held(soak, stage)
    yield _flat(soak, "sandbox", soak.server)
    if soak.rows >= ROW_BYTES_ROWS_MIN:
        row_bytes = soak.row_bytes
        yield Measured("ledger", f"{row_bytes:.1f} B a row", "110", row_bytes <= _ROW_BYTES_MAX)


def _held(soak: Soak, stage: Stage) -> Iterator[Measured]:
    gauge = stage.gauge
    peak = f"{gauge.memory_peak_bytes / _MB:.0f} MB"
    is_low = gauge.memory_peak_bytes < MEMORY_BYTES_MAX
    yield Measured(f"{stage.name}: peak memory", peak, "200 MB", is_low)
    most = soak.concurrency + _DESCRIPTORS_SPARE
    is_few = gauge.descriptors_max <= most
    yield Measured(
        f"{stage.name}: descriptors at most", str(gauge.descriptors_max), str(most), is_few
    )
    first, last = gauge.tenths("descriptors")
    is_flat = last - first <= _DESCRIPTORS_DRIFT_MAX
    what = f"{stage.name}: descriptors, first and last tenth"
    value = f"{first:.0f} -> {last:.0f}"
    yield Measured(what, value, "flat", is_flat or soak.rows < STEADY_ROWS_MIN)
    yield _flat(soak, stage.name, gauge)


def _flat(soak: Soak, name: str, gauge: Gauge) -> Measured:
    first, last = gauge.tenths("memory_bytes")
    is_flat = last <= first * 1.1
    return Measured(
        f"{name}: memory, first and last tenth",
        f"{first / _MB:.1f} -> {last / _MB:.1f} MB",
        f"10 %, from {STEADY_ROWS_MIN:,} rows on",
        is_flat or soak.rows < STEADY_ROWS_MIN,
    )


def figures(soak: Soak) -> Iterator[str]:
    """Return what was counted, line by line."""
    for stage in soak.stages:
        pace = stage.leads / stage.wall_s
        busy = stage.gauge.cpu_s / stage.wall_s
        words = f"{stage.leads:,} leads taken in {stage.wall_s:.0f} s, {pace:,.0f} a s"
        yield f"{stage.name}: {words}, {busy:.0%} of a core"
    last = soak.stages[-1].found
    states = ", ".join(f"{state.name.lower()} {count:,}" for state, count in last.counts.items())
    yield f"rows: {soak.rows:,} = {states}"
    yield f"at the server: {last.leads:,} leads, {last.repeats:,} of them asked for by 502 to 504"
    server_ms = soak.server.cpu_s * 1000 / last.leads
    sender_ms = sum(stage.gauge.cpu_s for stage in soak.stages) * 1000 / soak.rows
    yield f"processor: sandbox {server_ms:.2f} ms a lead, bulkpost {sender_ms:.2f} ms a row"
    faults = soak.stats["faults"]
    assert isinstance(faults, dict)
    yield f"requests: {soak.stats['requests']:,}, of which met a fault: {sum(faults.values()):,}"
    yield "faults: " + ", ".join(f"{kind} {faults.get(kind, 0):,}" for kind in FAULTS)
    tables = bytes_by_table(soak.ledger)
    yield f"ledger: {soak.row_bytes:.1f} B a row: " + ", ".join(
        f"{name} {size / soak.rows:.1f}" for name, size in tables.items() if size > soak.rows
    )
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield f"the judge's own peak: {peak_mib:.0f} MiB"
