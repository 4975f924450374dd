"""Servers that are not the bottleneck, each in a process of its own, on loopback."""

import shutil
import socket
import subprocess
import sys
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

_NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
_NGINX_CONFIG = """
daemon off; master_process off; worker_processes 1; pid {place}/nginx.pid;
error_log {place}/error.log crit;
events {{ worker_connections 2048; }}
http {{
  access_log off; keepalive_requests 1000000; keepalive_timeout 600s;
  client_body_temp_path {place}; proxy_temp_path {place}; fastcgi_temp_path {place};
  uwsgi_temp_path {place}; scgi_temp_path {place};
  server {{
    listen 127.0.0.1:{port} backlog=1024; default_type application/json;
    return 201 '{{"outcome":"success","lead":{{"id":"5fd2a9d26e7f5a3b1c8e4d70"}},"price":0}}';
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        name: What it is, for the report.
        port: Where it listens on loopback.
    """

    name: str
    port: int

    @property
    def url(self) -> str:
        """A posting URL on it."""
        return f"http://127.0.0.1:{self.port}/flows/{'a' * 24}/sources/{'b' * 24}/submit"


@contextmanager
def fast_server(place: Path) -> Iterator[Server]:
    """Run nginx, or the answerer where nginx is not installed."""
    if _NGINX is None:
        with answering(place) as (server, _times):
            yield server
        return
    place.mkdir(parents=True, exist_ok=True)
    config = place / "nginx.conf"
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    config.write_text(_NGINX_CONFIG.format(place=place, port=port))
    command = [_NGINX, "-p", str(place), "-c", str(config), "-e", str(place / "error.log")]
    with _running(command) as child:
        anyio.run(_reachable, port, child)
        yield Server("nginx, 1 worker", port)


@contextmanager
def answering(place: Path, delay_s: float = 0.0, port: int = 0) -> Iterator[tuple[Server, Path]]:
    """Run the answerer; its arrival times stand in the file once it has ended."""
    place.mkdir(parents=True, exist_ok=True)
    times = place / "times"
    script = Path(__file__).with_name("answerer.py")
    command = [sys.executable, str(script), str(delay_s), str(times), str(port)]
    with _running(command) as child:
        assert child.stdout is not None
        yield Server("own uvloop protocol", int(child.stdout.readline())), times


def arrivals_s(times: Path) -> "array[float]":
    """Return the arrival times of requests, monotonic seconds of this machine, in order."""
    found = array("d")
    found.frombytes(times.read_bytes())
    return found


@contextmanager
def _running(command: Sequence[str]) -> "Iterator[subprocess.Popen[bytes]]":
    child = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603  # our own command
    try:
        yield child
    finally:
        child.terminate()
        child.communicate(timeout=30)


async def _reachable(port: int, child: "subprocess.Popen[bytes]") -> None:
    with anyio.fail_after(10):
        while True:
            assert child.poll() is None, "nginx has ended at once"
            try:
                async with await anyio.connect_tcp("127.0.0.1", port):
                    return
            except OSError:
                await anyio.sleep(0.02)
