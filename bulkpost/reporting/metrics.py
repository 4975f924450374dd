"""What became of a command as numbers for Prometheus, by way of node-exporter's textfile collector.

The file stands until the next command replaces it, so it must stay true: the time of the last
success is carried over from the former file, or asked of the ledger, when a command fails.
"""

from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bulkpost.outcome import MICROS_PER_UNIT, OutcomeKind
from bulkpost.reporting.night import SUCCEEDED, Account

_PREFIX: Final = "bulkpost_"
_LAST_SUCCESS: Final = f"{_PREFIX}last_success_timestamp_seconds"
_FILE_BYTES_MAX: Final = 1 << 20


def metrics_text(account: Account, former: Path) -> bytes:
    """Return the numbers of a command that has ended, in Prometheus' text format.

    Args:
        account: What the command did.
        former: The file that the last command left, if it is there.
    """
    registry = CollectorRegistry()

    def gauge(name: str, words: str, value: float | None) -> None:
        # What is not known is left out: a number would say something.
        if value is not None:
            made = Gauge(f"{_PREFIX}{name}", words, ["command"], registry=registry)
            made.labels(account.command).set(value)

    standing = account.standing
    gauge(
        "last_success_timestamp_seconds",
        "When a command last ended with exit status 0 or 3.",
        _last_success_s(account, former),
    )
    gauge("last_run_timestamp_seconds", "When the last command ended.", account.ended_at_ms / 1000)
    gauge("exit_status", "Exit status of the last command.", account.exit_status)
    gauge("duration_seconds", "How long the last command took.", account.duration_s)
    gauge(
        "in_doubt_rows",
        "Rows in doubt in the whole ledger.",
        standing.in_doubt if standing is not None else None,
    )
    if standing is None:
        return generate_latest(registry)
    gauge("rows_per_second", "Rows that the last command sent, a second.", account.rows_per_s)
    gauge("price", "Sum of the prices of the last command.", account.price_micros / MICROS_PER_UNIT)
    gauge("unsent_rows", "Rows that the same command would send now.", account.unsent)
    rows = Gauge(
        f"{_PREFIX}rows", "Rows of the last command.", ["command", "outcome"], registry=registry
    )
    for kind in OutcomeKind:
        rows.labels(account.command, kind.value).set(account.counts.get(kind, 0))
    return generate_latest(registry)


def _last_success_s(account: Account, former: Path) -> float | None:
    """Return when a command last ended well: this one, else by the former file or the ledger."""
    if account.exit_status in SUCCEEDED:
        return account.ended_at_ms / 1000
    known = [_told_by(former, account.command)]
    if account.standing is not None and account.standing.last_success_ms is not None:
        known.append(account.standing.last_success_ms / 1000)
    return max((moment for moment in known if moment is not None), default=None)


def _told_by(former: Path, command: str) -> float | None:
    """Return what a file says of the last success; None if it is not there, or not one of ours."""
    try:
        with former.open("rb") as file:
            text = file.read(_FILE_BYTES_MAX).decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == _LAST_SUCCESS and sample.labels.get("command") == command:
                    return float(sample.value)
    except (OSError, ValueError):
        return None
    return None
