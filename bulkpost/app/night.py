"""What is left behind by a command that nobody watched: a summary, metrics, a word to a webhook.

All of it comes after everything that matters, and none of it changes how the command ends: what
fails here is told, and that is all.
"""

import os
import socket
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from bulkpost.app.order import Order, SubmitResult
from bulkpost.app.webhook import VARIABLE, checked_webhook, notify
from bulkpost.clock import Clock, SystemClock
from bulkpost.config import changed
from bulkpost.errors import BulkpostError, UsageError
from bulkpost.ledger.paths import LEDGER_DEFAULT, PRIVATE_MODE, SANDBOX_LEDGER_DEFAULT
from bulkpost.ledger.reader import open_reader
from bulkpost.log import get_logger
from bulkpost.reporting.night import Account, Failure, Standing, standing_of
from bulkpost.reporting.private_file import check_not_needed, check_target, write_whole
from bulkpost.secret import Secret, read_secret
from bulkpost.transport.settings import TransportSettings

# Numbers and words of ours, for a program of another user: node-exporter.
METRICS_MODE: Final = 0o644
# With what the files begin that we leave behind.
_STARTS: Final = (b'{"message_type":"command"', b"# HELP bulkpost_")
_START_BYTES: Final = 64


@dataclass(slots=True)
class Targets:
    """Where a command says how it ended.

    Attributes:
        summary: File for the summary; None for none.
        metrics: File for the metrics; None for none.
        webhook: URL to post to; None for none.
    """

    summary: Path | None = None
    metrics: Path | None = None
    webhook: Secret | None = None

    @property
    def is_any(self) -> bool:
        """Whether there is any."""
        return any(it is not None for it in (self.summary, self.metrics, self.webhook))


@dataclass(slots=True)
class Night:
    """One command, from its beginning to what it leaves behind.

    Attributes:
        command: "submit", "feedback".
        bounds: Settings that flags and environment give beside the order's own.
        targets: Where it says how it ended: what flags and environment name, then the config, too.
        inputs: What the command was given; never written to.
        ledger: The ledger that flags and environment name; empty for the default.
        result: Filled in while it goes on.
        clock: The machine's.
    """

    command: str
    bounds: Mapping[str, Any] = field(default_factory=dict)
    targets: Targets = field(default_factory=Targets)
    inputs: tuple[str, ...] = ()
    ledger: str = ""
    result: SubmitResult = field(default_factory=SubmitResult)
    clock: Clock = field(default_factory=SystemClock)
    _order: Order | None = None
    _began_s: float = field(init=False)
    _began_at_ms: int = field(init=False)

    def __post_init__(self) -> None:
        self._began_s = self.clock.now_s()
        self._began_at_ms = int(self.clock.now_at().timestamp() * 1000)

    def begin(self, order: Order) -> Order:
        """Take what the config names, and write a summary that says: it runs, or was killed.

        Returns:
            The order with its bounds.

        Raises:
            ConfigError: A bound is none, or the webhook.
            UsageError: A file must not be written, or its folder is missing.
        """
        self._order = order
        settings, given = order.settings.night, self.targets
        self.targets = Targets()  # what is refused is not written to
        self.targets.summary = self._fit(given.summary or _path(settings.summary_json))
        self.targets.metrics = self._fit(given.metrics or _path(settings.metrics))
        if self.targets.summary is not None and self.targets.summary == self.targets.metrics:
            self.targets.metrics = None
            raise UsageError("summary and metrics would be the same file", advice="Name two files.")
        webhook = given.webhook or read_secret(settings.notify_file, VARIABLE, "webhook's URL")
        self.targets.webhook = checked_webhook(webhook) if webhook is not None else None
        if self.targets.summary is not None:
            write_whole(self.targets.summary, _json(self._account()))
        return replace(order, settings=changed(order.settings, dict(self.bounds)))

    async def end(self, exit_status: int, failure: Failure | None = None) -> list[str]:
        """Leave behind what is to be left behind; return what could not be, in words."""
        if not self.targets.is_any:
            return []
        account = self._account(exit_status, failure, await self._standing())
        summary, metrics, webhook = (
            self.targets.summary,
            self.targets.metrics,
            self.targets.webhook,
        )
        told = []
        if summary is not None:
            told.append(self._written("summary", summary, lambda: _json(account)))
        if metrics is not None:
            told.append(self._written("metrics", metrics, lambda: _metrics(account, metrics)))
        if webhook is not None:
            told.append(await self._notified(webhook, account))
        return [words for words in told if words]

    def _account(
        self,
        exit_status: int | None = None,
        failure: Failure | None = None,
        standing: Standing | None = None,
    ) -> Account:
        halts = [run.halt.reason for run in self.result.runs if run.halt is not None]
        return Account(
            command=self.command,
            host=socket.gethostname(),
            pid=os.getpid(),
            started_at_ms=self._began_at_ms,
            duration_s=self.clock.now_s() - self._began_s,
            exit_status=exit_status,
            ledger=str(self._order.ledger_path) if self._order is not None else None,
            standing=standing,
            stopped_because=tuple(halts),
            failure=failure,
        )

    async def _standing(self) -> Standing | None:
        """Ask the ledger, which may be away, damaged, or not made yet."""
        if self._order is None or not self._order.ledger_path.exists():
            return None
        try:
            async with open_reader(self._order.ledger_path) as reader:
                return await standing_of(reader, self.result.begun)
        except (BulkpostError, sqlite3.Error, OSError) as error:
            get_logger().warning("standing_unknown", error_type=type(error).__name__)
            return None

    def _fit(self, path: Path | None) -> Path | None:
        """Return a file that may be written to, as it is.

        Raises:
            UsageError: It is needed for something else, or its folder is missing.
        """
        if path is None:
            return None
        check_target(path, is_forced=True)
        _check_ours(path)
        named = [self.ledger] if self.ledger else [LEDGER_DEFAULT, SANDBOX_LEDGER_DEFAULT]
        ledgers = [self._order.ledger_path] if self._order is not None else map(Path, named)
        for ledger in ledgers:
            for name in (*self.inputs, str(ledger)):
                check_not_needed(path, ledger, Path(name))
        return path

    def _written(self, what: str, path: Path, content: Callable[[], bytes]) -> str:
        """Write a file; return what went wrong, or nothing."""
        try:
            self._fit(path)
            write_whole(path, content(), METRICS_MODE if what == "metrics" else PRIVATE_MODE)
        except (BulkpostError, OSError) as error:
            message = error.message if isinstance(error, BulkpostError) else str(error.strerror)
            return f"the {what} could not be written: {message}"
        return ""

    async def _notified(self, webhook: Secret, account: Account) -> str:
        settings = TransportSettings()
        if self._order is not None:
            settings = self._order.settings.transport
        # "text" is what chat programs show of what is posted to them.
        document = {"text": account.text(), **account.totals()}
        try:
            wrong = await notify(checked_webhook(webhook), document, settings, self.clock)
        except BulkpostError as error:
            wrong = error.message
        return f"the webhook was not notified: {wrong}" if wrong else ""


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None


def _check_ours(path: Path) -> None:
    """Refuse to replace what no command of ours has left here: a list, say, by a slip of the pen.

    Raises:
        UsageError: The file is neither empty nor one of ours.
    """
    if not path.is_file():
        return
    with path.open("rb") as file:
        start = file.read(_START_BYTES)
    if start and not start.startswith(_STARTS):
        raise UsageError(
            f"this file is something else, and is not replaced: {path}",
            advice="Name another file for the summary or the metrics, or move this one away.",
        )


def _json(account: Account) -> bytes:
    return msgspec.json.encode(account.to_dict()) + b"\n"


def _metrics(account: Account, former: Path) -> bytes:
    from bulkpost.reporting.metrics import metrics_text  # noqa: PLC0415  # who needs none waits for none

    return metrics_text(account, former)
