"""Runs a sandbox as a process of its own: from options to the last word."""

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from bulkpost.errors import ConfigError
from bulkpost.sandbox.durations import parse_duration_s
from bulkpost.sandbox.faults import FaultRule, parse_rule
from bulkpost.sandbox.sandbox import Sandbox
from bulkpost.sandbox.server import Address, serve
from bulkpost.sandbox.settings import SandboxSettings, changed, load_flow, load_settings

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def options_over(file: Path | None, given: Mapping[str, Any]) -> SandboxSettings:
    """Lay options as typed over a file of settings.

    Args:
        file: TOML; None for the defaults.
        given: Settings by name, None where nothing was given; beside them ``rules`` (faults as
            texts, which come instead of the file's), ``latency`` and ``jitter`` as texts, and
            ``flow``, the path of a flow's file, which comes instead of the file's flow.

    Raises:
        ConfigError: The file or an option is wrong.
    """
    settings = load_settings(file) if file is not None else SandboxSettings()
    plain = {name: value for name, value in given.items() if value is not None}
    changes: dict[str, Any] = {}
    if rules := plain.pop("rules", ()):
        changes["faults"] = tuple(_rule(text) for text in rules)
    if "flow" in plain:
        changes["flow"] = load_flow(plain.pop("flow"))
    flow = changes.get("flow", settings.flow)
    if "price" in plain and flow is not None:
        changes["flow"] = msgspec.structs.replace(flow, price=None)
    for name in ("latency", "jitter"):
        if name in plain:
            changes[f"{name}_s"] = _duration_s(name, plain.pop(name))
    return changed(settings, plain | changes)


def run_until_stopped(
    settings: SandboxSettings, port: int, log_path: Path | None, *, as_json: bool
) -> None:
    """Serve until SIGINT or SIGTERM; tell the address on standard output.

    Args:
        settings: How the sandbox behaves.
        port: On 127.0.0.1; 0 for any free one.
        log_path: File that gets each lead taken, or None.
        as_json: Print ``listening`` and ``stopped`` as JSON lines instead of the posting URL.

    Raises:
        UsageError: The port or the log cannot be had.
    """
    sandbox = Sandbox(settings, log_path=log_path)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve_until_stopped(sandbox, port, as_json=as_json))


async def _serve_until_stopped(sandbox: Sandbox, port: int, *, as_json: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stopped.set)
    async with serve(sandbox, port) as address:
        (_tell_json if as_json else _tell)(sandbox, address)
        await stopped.wait()
    stats = sandbox.stats
    if as_json:
        _print_json({"message_type": "stopped", "stats": stats})
    _hint(f"Stopped: {stats.requests} requests received, {stats.taken} leads taken.")


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415  # not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


def _tell(sandbox: Sandbox, address: Address) -> None:
    sys.stdout.write(f"{address.submit_url()}\n")
    sys.stdout.flush()
    _hint(f"Leads taken: {address.leads_url}")
    _hint(f"Feedback goes to {address.feedback_url}")
    _hint(f"Counts: {address.stats_url}")
    if sandbox.settings.flow is not None:
        _hint(f"Fields and rules: {address.meta_url}")
    _hint(f"Seed {sandbox.seed}: --seed {sandbox.seed} repeats this run's random choices.")
    _hint("Ctrl-C stops it.")


def _tell_json(sandbox: Sandbox, address: Address) -> None:
    _print_json(
        {
            "message_type": "listening",
            "url": address.submit_url(),
            "leads_url": address.leads_url,
            "requests_url": address.requests_url,
            "feedback_url": address.feedback_url,
            "stats_url": address.stats_url,
            "meta_url": address.meta_url if sandbox.settings.flow is not None else None,
            "seed": sandbox.seed,
        }
    )


def _print_json(message: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(message).decode() + "\n")
    sys.stdout.flush()


def _hint(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _rule(text: str) -> FaultRule:
    try:
        return parse_rule(text)
    except ValueError as error:
        raise ConfigError(
            f"--fault {text}: {error}",
            advice="See the faults in `bulkpost sandbox --help`.",
            command="bulkpost sandbox --help",
        ) from error


def _duration_s(name: str, text: str) -> float:
    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise ConfigError(f"--{name} {text}: {error}", advice="Write it like 200ms.") from error
