"""The numbers of the design, one function each: what was measured beside what is to be reached."""

import bisect
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import uvloop

from benchmarks.lists import write_list, write_sample_list
from benchmarks.measured import Measured, median_and_spread, say
from benchmarks.prefill import prefill
from benchmarks.program import (
    Ended,
    ask,
    bulkpost,
    contender,
    steady_rows_per_s,
    submit,
)
from benchmarks.servers import answering, arrivals_s, fast_server

_MB = 1_000_000


def throughput(place: Path, rows: int = 20_000, rounds: int = 5) -> list[Measured]:
    """Run bulkpost, the bare loop and the script in turns, so that noise hits all alike."""
    leads = write_list(place / "leads.csv", rows)
    findings = []
    with fast_server(place / "server") as server:
        for concurrency in (16, 64):
            rates: dict[str, list[float]] = {}
            for _ in range(rounds):
                for name, rows_per_s in _one_round(leads, rows, server.url, concurrency).items():
                    rates.setdefault(name, []).append(rows_per_s)
            say(f"server: {server.name}; {rows:,} rows, concurrency {concurrency}")
            for name, values in rates.items():
                say(f"  {name}: {median_and_spread(values, 0)} rows/s")
            where = f"throughput at concurrency {concurrency}"
            findings += [
                _ratio(where, rates, ("steady", "bare uvloop"), 0.9),
                _ratio(where, rates, ("whole", "bare uvloop"), 0.9),
                _ratio(where, rates, ("steady", "script asyncio"), 1.5),
                _ratio(where, rates, ("whole", "script asyncio"), 1.5),
                _ratio(where, rates, ("steady", "script uvloop"), 1.5),
            ]
    flush_us = _flush_us(place)
    say(f"a flush of one page to this disk: {median_and_spread(flush_us, 0)} us")
    return findings


def _one_round(leads: Path, rows: int, url: str, concurrency: int) -> dict[str, float]:
    """Return the rows a second of each contender, from one run of each."""
    rates = {
        f"{kind} {loop}": rows / contender(kind, loop, leads, url, concurrency)
        for kind in ("bare", "script")
        for loop in ("uvloop", "asyncio")
    }
    ledger = leads.with_name("throughput.db")
    ended = submit(leads, url, ledger, "--concurrency", str(concurrency))
    assert ask(ledger, "SELECT count(*) FROM outcome WHERE state = 10")[0][0] == rows
    rates |= {"whole": rows / ended.wall_s, "steady": steady_rows_per_s(ledger)}
    for file in leads.parent.glob("throughput.db*"):
        file.unlink()
    return rates


def _flush_us(place: Path, rounds: int = 200) -> list[float]:
    times_us = []
    with (place / "flushed").open("wb", buffering=0) as file:
        for _ in range(rounds):
            file.write(bytes(4096))
            began_s = time.perf_counter()
            os.fdatasync(file.fileno())
            times_us.append((time.perf_counter() - began_s) * 1e6)
    return times_us


def latency(place: Path, rows: int = 30_000) -> list[Measured]:
    """Slow answers, many at once: what matters to a real run."""
    delay_s, concurrency = 0.2, 100
    leads = write_list(place / "leads.csv", rows)
    ledger = place / "latency.db"
    with answering(place / "server", delay_s) as (server, _times):
        ended = submit(leads, server.url, ledger, "--concurrency", str(concurrency))
    best_rows_per_s = concurrency / delay_s
    steady = steady_rows_per_s(ledger) / best_rows_per_s
    whole = rows / best_rows_per_s / ended.wall_s
    return [
        Measured(
            f"efficiency at {delay_s * 1000:.0f} ms, concurrency {concurrency}, {rows:,} rows",
            f"{steady:.3f} steady; {whole:.3f} with start-up ({ended.wall_s:.1f} s)",
            "0.98",
            steady >= 0.98,
        )
    ]


def rate(place: Path, seconds: int = 15) -> list[Measured]:
    """A set rate, seen from the server."""
    findings = []
    for rate_per_s in (50, 400):
        leads = write_list(place / "leads.csv", rate_per_s * seconds)
        with answering(place / "server", 0.02) as (server, times):
            submit(leads, server.url, place / f"rate-{rate_per_s}.db", "--rate", f"{rate_per_s}/s")
        came_s = arrivals_s(times)
        mean_per_s = (len(came_s) - 1) / (came_s[-1] - came_s[0])
        error = abs(mean_per_s / rate_per_s - 1)
        excess = {
            window_s: _most_within(came_s, window_s) - (1 + rate_per_s * window_s)
            for window_s in (0.1, 1.0, 5.0)
        }
        findings += [
            Measured(
                f"mean at {rate_per_s}/s",
                f"{mean_per_s:.2f}/s, off by {error:.2%}",
                "1 %",
                error <= 0.01,
            ),
            Measured(
                f"worst windows at {rate_per_s}/s, over burst + rate x window",
                ", ".join(f"{window_s} s: {over:+.0f}" for window_s, over in excess.items()),
                "none above +0",
                max(excess.values()) <= 0,
            ),
        ]
    return findings


def memory(place: Path, rows_large: int = 2_000_000) -> list[Measured]:
    """Peak memory of short and long lists."""
    rows_small = 100_000
    small = write_list(place / "small.csv", rows_small)
    large = write_list(place / "large.csv", rows_large)
    half_ledger = place / "half.db"
    with fast_server(place / "server") as server:
        url = server.url
        uvloop.run(prefill(large, url, half_ledger, rows_large * 99 // 100))

        def sent(path: Path, ledger: Path, *options: str) -> Ended:
            return submit(path, url, ledger, *options, is_watched=True)

        peaks = {
            f"submit {rows_small:,}": sent(small, place / "small.db"),
            f"submit {rows_small:,} of {rows_large:,}": sent(
                large, place / "large.db", "--limit", str(rows_small)
            ),
            f"submit the last 1 % of {rows_large:,}": sent(large, half_ledger),
        }
        for path, rows in ((small, rows_small), (large, rows_large)):
            arguments = ("check", str(path), "--url", url, "--ledger", str(place / "none.db"))
            peaks[f"check {rows:,}"] = bulkpost(*arguments, "-q", cwd=place, is_watched=True)
    mb = {name: ended.memory_peak_bytes / _MB for name, ended in peaks.items()}
    shown = ", ".join(f"{name}: {value:.0f} MB" for name, value in mb.items())
    submits = [value for name, value in mb.items() if name.startswith("submit")]
    checks = [value for name, value in mb.items() if name.startswith("check")]
    growth = max(max(values) / values[0] - 1 for values in (submits, checks))
    return [
        Measured("growth of peak memory with the list", f"{growth:+.1%}", "10 %", growth <= 0.1),
        Measured("peak memory", shown, "200 MB", max(mb.values()) < 200),
    ]


def checking(place: Path, rows: int = 100_000) -> list[Measured]:
    """``bulkpost check`` on a new list: the plan, and every value read by its type."""
    leads = write_sample_list(place / "leads.csv", rows)
    arguments = ("check", str(leads), "--sandbox", "--ledger", str(place / "none.db"), "-q")
    before_s = _children_cpu_s()
    ended = bulkpost(*arguments, "--findings", str(place / "findings.csv"), cwd=place)
    cpu_s = _children_cpu_s() - before_s
    return [
        Measured(
            f"check of {rows:,} rows with every finding written",
            f"{cpu_s:.1f} s of one core ({ended.wall_s:.1f} s by the clock)",
            "20 s of one core",
            cpu_s < 20,
        )
    ]


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def resume(place: Path, rows: int = 2_000_000, rounds: int = 3) -> list[Measured]:
    """A long list, 99 % done: how long until the first new lead is on the wire."""
    leads = write_list(place / "leads.csv", rows)
    ledger = place / "resume.db"
    waits_s = []
    with answering(place / "warm-up") as (server, _times):
        port = server.port
        uvloop.run(prefill(leads, server.url, ledger, rows * 99 // 100))
    for _ in range(rounds):
        with answering(place / "server", port=port) as (server, times):
            ended = submit(leads, server.url, ledger, "--limit", "100")
        waits_s.append(arrivals_s(times)[0] - ended.began_s)
    size_mb = leads.stat().st_size / _MB
    return [
        Measured(
            f"first new lead of {rows:,} rows ({size_mb:.0f} MB) 99 % done",
            f"after {median_and_spread(waits_s)} s",
            "2 s",
            statistics.median(waits_s) <= 2,
        )
    ]


def ledger_size(place: Path, rows: int = 100_000) -> list[Measured]:
    """What a row takes on disk after a real run."""
    leads = write_list(place / "leads.csv", rows)
    ledger = place / "size.db"
    with fast_server(place / "server") as server:
        submit(leads, server.url, ledger)
    row_bytes = ledger.stat().st_size / rows
    return [
        Measured(
            f"ledger after {rows:,} rows", f"{row_bytes:.1f} bytes a row", "110", row_bytes <= 110
        )
    ]


def startup(place: Path, rounds: int = 20) -> list[Measured]:
    """``bulkpost --version``, from the shell's point of view."""
    bulkpost("--version", cwd=place)  # byte code is compiled once
    times_ms = [bulkpost("--version", cwd=place).wall_s * 1000 for _ in range(rounds)]
    started_s = time.monotonic()
    subprocess.run([sys.executable, "-c", ""], check=True)  # the interpreter alone
    bare_ms = (time.monotonic() - started_s) * 1000
    return [
        Measured(
            "bulkpost --version",
            f"{median_and_spread(times_ms, 0)} ms (python alone {bare_ms:.0f} ms)",
            "150 ms",
            statistics.median(times_ms) < 150,
        )
    ]


def _ratio(
    where: str, rates: dict[str, list[float]], names: tuple[str, str], reach: float
) -> Measured:
    ours, theirs = names
    ratios = [mine / other for mine, other in zip(rates[ours], rates[theirs], strict=True)]
    return Measured(
        f"{where}, {ours} / {theirs}",
        median_and_spread(ratios),
        f"{reach}",
        statistics.median(ratios) >= reach,
    )


def _most_within(came_s: Sequence[float], window_s: float) -> int:
    return max(
        bisect.bisect_left(came_s, start_s + window_s, index) - index
        for index, start_s in enumerate(came_s)
    )


MEASURES: dict[str, Callable[[Path], list[Measured]]] = {
    "startup": startup,
    "rate": rate,
    "latency": latency,
    "ledger": ledger_size,
    "throughput": throughput,
    "check": checking,
    "resume": resume,
    "memory": memory,
}
