"""Opens a page in a headless Chromium, if the machine has one, and tells what it saw.

The page lies in frames of a page of ours (``data/frames.html``), which measures it. Everything that
leaves the browser goes to a proxy that only counts; to know that it would be seen, our own page
asks for one picture and says one word to the console.
"""

import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from pages import parsed

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *(
        "--hide-scrollbars",
        "--disable-default-apps",
        "--disable-extensions",
        "--disable-dev-shm-usage",
    ),
    *("--allow-file-access-from-files", "--enable-logging=stderr", "--dump-dom"),
)


_AROUND: Final = Path(__file__).parent / "data" / "frames.html"
# What a Chromium asks its maker by itself, whatever it shows.
_ITS_OWN: Final = re.compile(r"^\w+ (?:http://)?(?:[\w-]+\.)*(?:google|googleapis|gvt1)\.com[:/]")


@dataclass(frozen=True)
class Seen:
    """What a browser made of a page.

    Attributes:
        frames: What was measured, one for each width.
        console: What was said to the console, by anybody.
        requests: The first line of each request that left, but for the browser's own.
    """

    frames: list[dict[str, Any]]
    console: list[str]
    requests: list[str]


def browser() -> str:
    """Return the Chromium of this machine; without one, the test is skipped."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None or not _starts(found):
        pytest.skip("no Chromium here: what a browser makes of the page is not looked at")
    return found


@cache
def _starts(program: str) -> bool:
    """Tell whether it is more than a note on where to find one."""
    done = subprocess.run([program, "--version"], capture_output=True, check=False)  # noqa: S603  # as below
    return done.returncode == 0


def seen(page: Path, widths: Sequence[int], folder: Path, *, is_dark: bool = False) -> Seen:
    """Open a page at these widths.

    Args:
        page: The file.
        widths: In CSS pixels.
        folder: An empty one, for the browser to live in.
        is_dark: The person wants dark pages.
    """
    program = browser()
    frames = "".join(
        f'<iframe src="{page.name}" width="{width}" height="900" style="border:0"></iframe>'
        for width in widths
    )
    around = page.with_name("frames.html")
    around.write_text(_AROUND.read_text("utf-8").replace("FRAMES", frames), "utf-8")
    with _counting_proxy() as (port, requests):
        done = subprocess.run(  # noqa: S603  # a browser of this machine
            [
                program,
                *_FLAGS,
                f"--user-data-dir={folder}",
                f"--proxy-server=http://127.0.0.1:{port}",
                "--proxy-bypass-list=<-loopback>",
                "--window-size=1400,1000",
                # 0 is dark, 1 is light: enum PreferredColorScheme of Blink
                f"--blink-settings=preferredColorScheme={0 if is_dark else 1}",
                around.as_uri(),
            ],
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        )
    body = done.stdout.partition("<body>")[2].partition("<script>")[0]
    (told,) = [entry.text for entry in parsed(body).every("pre")]
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    left = [line for line in requests if not _ITS_OWN.match(line)]
    return Seen(json.loads(told), console, left)


@contextmanager
def _counting_proxy() -> Iterator[tuple[int, list[str]]]:
    requests: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def count() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:  # closed
                    return
                with peer:
                    peer.settimeout(5)
                    requests.append(peer.recv(4_096).decode("latin-1").partition("\r\n")[0])

        thread = threading.Thread(target=count)
        thread.start()
        try:
            yield listener.getsockname()[1], requests
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # wakes accept
            thread.join()
