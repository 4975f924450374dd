"""What a log may say: listed keys, places instead of messages, one line for each event."""

import io
import json
import logging
import subprocess
import sys

import pytest
from submitting import child_env

from bulkpost.log import configure, get_logger

_SECRET = "219-09-" + "9901"


def logged(log_format: str) -> io.StringIO:
    stream = io.StringIO()
    configure(log_format, 2, stream)
    return stream


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_t3_an_exception_is_told_by_type_and_place_only(log_format: str) -> None:
    """Neither its message, which may quote a cell, nor a variable, nor a line of source."""
    stream = logged(log_format)
    cell = _SECRET

    def read() -> None:
        raise ValueError(f"cannot read {cell}")

    try:
        read()
    except ValueError:
        get_logger().exception("worker_failed", row=3)

    text = stream.getvalue()
    assert "ValueError" in text
    assert "test_logs.py:" in text
    assert "cannot read" not in text
    assert _SECRET not in text
    assert 1 == text.count("\n")


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_t3_a_value_of_any_type_is_logged_as_harmless_text(log_format: str) -> None:
    """An object's own way of showing itself starts no line and speaks to no terminal."""
    stream = logged(log_format)

    class Loud:
        def __str__(self) -> str:
            return "a\nb\x1b]52;c;aGk=\x07"

        __repr__ = __str__

    get_logger().warning("answered", reason=Loud(), why=["x\ny"])

    assert 1 == stream.getvalue().count("\n")
    assert "\x1b]" not in stream.getvalue()


_LIBRARY = f"""
import logging, sys, threading
from bulkpost.log import configure
configure(sys.argv[1], 2)
secret = {_SECRET!r}
logging.getLogger("aiohttp.client").error("request failed for %s", secret)
logging.getLogger("asyncio").warning("slow call with " + secret)
logging.getLogger("aiohttp.client").debug("a connection for " + secret)
try:
    raise KeyError(secret)
except KeyError:
    logging.getLogger("lib").exception("it broke: " + secret)

def fail():
    raise ValueError(secret)

thread = threading.Thread(target=fail)
thread.start()
thread.join()

class Finalized:
    def __del__(self):
        raise ValueError(secret)

Finalized()
"""


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_t3_what_libraries_threads_and_finalizers_say_is_told_without_their_words(
    log_format: str,
) -> None:
    """Who spoke, and where; what they said may quote a request."""
    done = subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", _LIBRARY, log_format],
        capture_output=True, text=True, check=True, env=child_env(),
    )  # fmt: skip

    assert _SECRET not in done.stdout + done.stderr
    assert 3 == done.stderr.count("library_spoke")
    assert "KeyError" in done.stderr
    assert 1 == done.stderr.count("thread_failed")
    assert 1 == done.stderr.count("finalizer_failed")
    assert "Traceback" not in done.stderr


def test_t3_no_library_is_told_to_say_more() -> None:
    """However verbose a run is, aiohttp and asyncio stay at their own level of warnings."""
    logged("json")

    for name in ("aiohttp", "aiohttp.client", "asyncio", "aiosqlite"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r", "\x0b", "\x85", "\u2028"])
@pytest.mark.parametrize("log_format", ["console", "json"])
def test_t17_a_reason_cannot_forge_a_line_of_the_log(separator: str, log_format: str) -> None:
    """Whatever ends a line somewhere is shown, not obeyed."""
    stream = logged(log_format)
    forged = json.dumps({"event": "run_ended", "level": "info", "count": 0})

    get_logger().warning("answered", reason=f"no{separator}{forged}")

    (line,) = stream.getvalue().splitlines()
    assert "answered" in line
    if log_format == "json":
        assert "answered" == json.loads(line)["event"]
