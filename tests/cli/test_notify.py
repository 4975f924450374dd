"""A webhook that is told how a command ended; the webhook's own record is the judge."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from canaries import a_canary_list, spellings
from commands import Finished

from bulkpost.app import webhook
from bulkpost.cli.main import main

SECRET = "T0PS3CR3T"  # noqa: S105  # looked for everywhere


@dataclass
class Hook:
    """A webhook, and what came to it.

    Attributes:
        status: What it answers.
        moved_to: Where it sends whoever asks; empty for nowhere.
        is_deaf: It takes everything and says nothing.
        took: The requests: method, path, type and body.
    """

    server: ThreadingHTTPServer
    status: int = 204
    moved_to: str = ""
    is_deaf: bool = False
    took: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hooks/{SECRET}?token={SECRET}"

    @property
    def document(self) -> dict[str, Any]:
        ((_, _, _, body),) = self.took
        document = json.loads(body)
        assert isinstance(document, dict)
        return document


class _Handler(BaseHTTPRequestHandler):
    hook: Hook

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        kind = self.headers.get("Content-Type") or ""
        self.hook.took.append((self.command, self.path, kind, self.rfile.read(length)))
        if self.hook.is_deaf:
            self.hook.over.wait(30)
            return
        self.send_response(self.hook.status)
        if self.hook.moved_to:
            self.send_header("Location", self.hook.moved_to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = _serve  # noqa: N815  # the names of http.server

    def log_message(self, *_: object) -> None:
        pass


def _a_hook() -> Iterator[Hook]:
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.hook = hook = Hook(server)  # type: ignore[attr-defined]  # made just now
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield hook
    hook.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A webhook on this machine."""
    yield from _a_hook()


@pytest.fixture
def elsewhere() -> Iterator[Hook]:
    """Another one."""
    yield from _a_hook()


Submit = Callable[..., Finished]


@pytest.fixture
def submit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Submit:
    """Submit a list full of canaries, of which some rows are bad, to the embedded sandbox."""
    a_canary_list(tmp_path / "in")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run(*words: str) -> Finished:
        argv = ["submit", "../in/leads.csv", "--sandbox", *words]
        monkeypatch.setattr("sys.argv", ["bulkpost", *argv])
        with pytest.raises(SystemExit) as ended:
            main(argv)
        out, err = capsys.readouterr()
        return Finished(int(str(ended.value.code)), out, err)

    return run


def test_it_is_told_the_numbers_and_no_lead(hook: Hook, submit: Submit, tmp_path: Path) -> None:
    """One POST of JSON with status, counts and a line for people; no cell, no name of a file."""
    done = submit("--notify", hook.url)

    ((method, path, kind, body),) = hook.took
    assert (3, "POST", "application/json") == (done.status, method, kind)
    assert path.endswith(f"?token={SECRET}")
    told = hook.document
    assert (3, "rows_bad", 14) == (told["exit_status"], told["state"], told["counts"]["success"])
    assert "exit status 3" in told["text"]
    assert "14 success" in told["text"]
    words = [str(tmp_path), "leads", *(text for row in range(1, 17) for text in spellings(row))]
    assert [] == [word for word in words if word in body.decode()]


def test_its_address_is_shown_nowhere(hook: Hook, submit: Submit, tmp_path: Path) -> None:
    """Not on either stream, in the command that is suggested, in a log, a file or the ledger."""
    hook.status = 500
    done = [
        submit("--notify", hook.url, "--limit", "3", "--summary-json", "run.json"),
        submit(f"--notify={hook.url}", "--limit", "3", "--json", "-vv", "--log-format", "json"),
        submit("--notify", hook.url.replace("http:", "ftp:")),
    ]

    assert [6, 6, 2] == [finished.status for finished in done]
    assert "Next:  bulkpost submit ../in/leads.csv --sandbox --limit 3" in done[0].out
    said = [text for finished in done for text in (finished.out, finished.err)]
    held = [path.read_bytes() for path in (tmp_path / "work").iterdir() if path.is_file()]
    assert [] == [text for text in said if SECRET in text]
    assert [] == [content for content in held if SECRET.encode() in content]


@pytest.mark.parametrize("what", ["refuses", "moves", "is deaf", "is away"])
def test_a_webhook_that_fails_changes_nothing(
    what: str, hook: Hook, elsewhere: Hook, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told on standard error, after some seconds at most; a redirect is not followed."""
    monkeypatch.setattr(webhook, "TOTAL_S", 0.3)
    url = hook.url
    if what == "refuses":
        hook.status = 500
    elif what == "moves":
        hook.status, hook.moved_to = 307, elsewhere.url
    elif what == "is deaf":
        hook.is_deaf = True
    else:
        url = "http://127.0.0.1:9/"

    done = submit("--notify", url)

    assert 3 == done.status
    assert "the webhook was not notified" in done.err
    assert [] == elsewhere.took
    assert (what != "is away") is (len(hook.took) == 1)


def test_it_is_told_of_a_failure_as_well(hook: Hook, submit: Submit) -> None:
    """Even of one before the command knew what to do; what went wrong stays on the machine."""
    assert 2 == submit("--notify", hook.url, "--config", "none.toml").status

    assert (2, "usage", None) == tuple(
        hook.document[name] for name in ("exit_status", "state", "unsent")
    )
    assert "none.toml" not in hook.took[0][3].decode()


def test_a_private_file_names_it(hook: Hook, submit: Submit) -> None:
    """One that others can read is refused; the environment wins over it."""
    Path("hook.txt").write_text(f"{hook.url}\n")
    Path("bulkpost.toml").write_text('[night]\nnotify_file = "hook.txt"\n')
    Path("hook.txt").chmod(0o644)

    refused = submit()
    Path("hook.txt").chmod(0o600)
    done = submit()

    assert (2, 3, 1) == (refused.status, done.status, len(hook.took))
    assert SECRET not in refused.err


@pytest.mark.parametrize(
    "url",
    [
        f"http://hooks.example.com/{SECRET}",
        f"https://user:{SECRET}@hooks.example.com/",
        f"https:///{SECRET}",
        f"https://hooks.example.com:port/{SECRET}",
        f"https://hooks.example.com/{SECRET} x",
        f"file:///{SECRET}",
        SECRET,
    ],
)
def test_another_address_is_refused_and_not_repeated(url: str, submit: Submit) -> None:
    """Before anything is sent: what leaves the machine is encrypted."""
    done = submit("--notify", url)

    assert 2 == done.status
    assert SECRET not in done.out + done.err
    assert not Path("bulkpost-sandbox.db").exists()
