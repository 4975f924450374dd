"""What a log line may carry, and what the ground beneath it promises."""

import io
import json
import logging
from datetime import UTC, timedelta

import anyio
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bulkpost.clock import SystemClock
from bulkpost.errors import (
    BulkpostError,
    ConfigError,
    InDoubtError,
    InputError,
    LedgerBusyError,
    LedgerWriteError,
    MappingError,
    NotSentError,
    unwrapped,
)
from bulkpost.log import KEYS_ALLOWED, configure, get_logger, keep_allowed


def logged(log_format: str, verbosity: int = 2) -> tuple[structlog.stdlib.BoundLogger, io.StringIO]:
    stream = io.StringIO()
    configure(log_format, verbosity, stream)
    return get_logger(), stream


@given(st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.none()))
def test_only_listed_keys_pass(values: dict[str, str | int | None]) -> None:
    """A key nobody thought about is dropped, whatever it holds."""
    kept = keep_allowed(None, "info", dict(values))

    assert set(values) & KEYS_ALLOWED == set(kept)


@pytest.mark.parametrize("key", ["email", "cells", "row_data", "body", "ssn", "fields", "lead"])
@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_key_of_lead_data_is_dropped(key: str, log_format: str) -> None:
    """Not listed, not logged, in either form."""
    log, stream = logged(log_format)

    log.info("answered", row=3, **{key: "ada@example.com"})

    assert "ada@example.com" not in stream.getvalue()
    assert "answered" in stream.getvalue()


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nb", "\x1b[2Jx", "\x1b]52;c;aGk=\x07", "\u202egnp.exe"]
)
@pytest.mark.parametrize("log_format", ["console", "json"])
def test_control_characters_are_shown_not_obeyed(text: str, log_format: str) -> None:
    """No value starts a line of its own or speaks to the terminal."""
    log, stream = logged(log_format)

    log.warning("answered", reason=text)

    line = stream.getvalue()
    assert 1 == line.count("\n")
    assert not any(char in line for char in "\r\x07\u202e")
    assert "\x1b[2J" not in line
    assert "\x1b]52" not in line


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_shows_no_local_variable(log_format: str) -> None:
    """The cells of the row at hand stay out of it."""
    log, stream = logged(log_format)

    def handle(cells: tuple[str, ...]) -> None:
        secret = cells[0].upper()
        assert secret
        raise ValueError("cannot handle it")

    cells = (chr(99) + "anary-219-09-9999",)  # not as it would stand in this line's source
    try:
        handle(cells)
    except ValueError:
        log.exception("worker_failed", row=3)

    text = stream.getvalue()
    assert "ValueError" in text
    assert "canary" not in text.lower()
    assert "locals" not in text


def test_a_json_line_is_one_document_with_level_and_time() -> None:
    """For machines: one line, one event."""
    log, stream = logged("json")

    log.info("run_began", run=7, rows=10)

    document = json.loads(stream.getvalue())
    assert ("run_began", "info", 7, 10) == tuple(
        document[key] for key in ("event", "level", "run", "rows")
    )
    assert document["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("log_format", "verbosity", "shown"),
    [
        ("console", -1, ["error"]),
        ("console", 0, ["warning", "error"]),
        ("console", 1, ["info", "warning", "error"]),
        ("console", 2, ["debug", "info", "warning", "error"]),
        ("json", -1, ["error"]),
        ("json", 0, ["info", "warning", "error"]),
        ("json", 1, ["debug", "info", "warning", "error"]),
    ],
)
def test_verbosity_decides_what_is_said(log_format: str, verbosity: int, shown: list[str]) -> None:
    """-q says errors only, each -v says more; machines get every event."""
    log, stream = logged(log_format, verbosity)

    for level in ("debug", "info", "warning", "error"):
        getattr(log, level)(f"event_{level}")

    assert shown == [
        level
        for level in ("debug", "info", "warning", "error")
        if f"event_{level}" in stream.getvalue()
    ]


def test_aiohttps_own_log_is_left_silent() -> None:
    """No library's logger is given a place to write to."""
    logged("json")

    assert [] == logging.getLogger("aiohttp").handlers


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BulkpostError, 1),
        (ConfigError, 2),
        (InputError, 2),
        (MappingError, 2),
        (LedgerBusyError, 7),
        (LedgerWriteError, 1),
        (NotSentError, 1),
        (InDoubtError, 1),
    ],
)
def test_an_error_knows_its_exit_status(error: type[BulkpostError], status: int) -> None:
    """What may be done next decides, not the place where it was raised."""
    assert status == error("what happened").exit_status


@given(
    st.recursive(
        st.sampled_from(["ours", "theirs"]),
        lambda inner: st.lists(inner, min_size=1, max_size=3),
        max_leaves=8,
    )
)
def test_our_own_error_comes_out_of_any_nest_of_groups(nest: str | list[object]) -> None:
    """One of ours if there is one, else the first: never a group."""
    leaves: list[str] = []

    def built(part: object) -> Exception:
        if isinstance(part, list):
            return ExceptionGroup("tasks", [built(inner) for inner in part])
        leaves.append(str(part))
        return ConfigError("ours") if part == "ours" else ValueError(len(leaves))

    found = unwrapped(built(nest))

    if "ours" in leaves:
        assert isinstance(found, ConfigError)
    else:
        assert (ValueError, (1,)) == (type(found), found.args)


# -- clock -----------------------------------------------------------------------------------------


async def test_the_clock_knows_wall_and_monotonic_time() -> None:
    """UTC for people, seconds that only grow for durations; a wait of nothing yields once."""
    clock, order = SystemClock(), []

    async def other() -> None:
        order.append("other")

    before_s = clock.now_s()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        await clock.sleep(-1)
        order.append("we")

    assert ["other", "we"] == order
    assert clock.now_s() >= before_s
    assert (UTC, timedelta()) == (clock.now_at().tzinfo, clock.now_at().utcoffset())
