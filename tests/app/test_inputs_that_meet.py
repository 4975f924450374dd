"""Inputs that are alike: grown from one another, the same twice, read in another way, changed."""

from pathlib import Path

import pytest
from submitting import Recorder, an_order, submitted

from bulkpost.app.order import SubmitResult
from bulkpost.errors import BulkpostError, InputError
from bulkpost.reporting.status import ExitStatus
from bulkpost.sandbox.sandbox import Sandbox
from bulkpost.sandbox.server import serve
from bulkpost.sandbox.settings import SandboxSettings

HEADER = "first_name,email\n"


def a_row(name: str) -> str:
    return f"{name},{name.lower()}@example.com\n"


def taken(sandbox: Sandbox) -> list[str]:
    return [lead.fields["first_name"] for lead in sandbox.leads]


async def submit(
    origin: str, folder: Path, *names: str, observer: Recorder | None = None, **settings: object
) -> SubmitResult:
    order = an_order(origin, *(folder / name for name in names), ledger=folder / "l.db", **settings)
    return await submitted(order, observer or Recorder())


def a_sandbox() -> Sandbox:
    return Sandbox(SandboxSettings(duplicates=False, seed=1))


async def test_two_inputs_of_one_command_do_not_grow_from_the_same_one(tmp_path: Path) -> None:
    """Each row of either is sent once: no outcome of one is taken for the other's."""
    (tmp_path / "day0.csv").write_text(HEADER + a_row("Zoe"))
    (tmp_path / "day1.csv").write_text(HEADER + a_row("Zoe") + a_row("Ann"))
    (tmp_path / "day2.csv").write_text(HEADER + a_row("Zoe") + a_row("Cid"))
    sandbox = a_sandbox()
    async with serve(sandbox) as address:
        await submit(address.origin, tmp_path, "day0.csv")
        result = await submit(address.origin, tmp_path, "day1.csv", "day2.csv")
        again = await submit(address.origin, tmp_path, "day1.csv", "day2.csv")

    assert ["Zoe", "Ann", "Cid"] == taken(sandbox)
    assert ExitStatus.DONE is result.exit_status
    assert ExitStatus.DONE is again.exit_status


async def test_a_file_grows_from_its_longest_beginning(tmp_path: Path) -> None:
    """A shorter input that came later does not hide the one that has the rows."""
    rows = HEADER + a_row("Ann") + a_row("Bob")
    (tmp_path / "a.csv").write_text(rows)
    (tmp_path / "empty.csv").write_text(HEADER)
    (tmp_path / "one.csv").write_text(HEADER + a_row("Ann"))
    sandbox = a_sandbox()
    async with serve(sandbox) as address:
        await submit(address.origin, tmp_path, "a.csv")
        await submit(address.origin, tmp_path, "empty.csv")
        await submit(address.origin, tmp_path, "one.csv")
        (tmp_path / "a.csv").write_text(rows + a_row("Dee"))
        await submit(address.origin, tmp_path, "a.csv", key=["email"])

    assert ["Ann", "Bob", "Dee"] == taken(sandbox)


async def test_the_same_content_twice_in_one_command_is_one_input(tmp_path: Path) -> None:
    """A copy is left out, and the inputs behind it are still submitted."""
    (tmp_path / "a.csv").write_text(HEADER + a_row("Ann"))
    (tmp_path / "b.csv").write_text(HEADER + a_row("Ann"))
    (tmp_path / "c.csv").write_text(HEADER + a_row("Cid"))
    sandbox = a_sandbox()
    async with serve(sandbox) as address:
        result = await submit(address.origin, tmp_path, "a.csv", "b.csv", "c.csv")

    assert ["Ann", "Cid"] == taken(sandbox)
    assert ExitStatus.DONE is result.exit_status


async def test_known_bytes_are_not_read_as_other_rows(tmp_path: Path) -> None:
    """Another delimiter makes other rows of the same numbers: refused before anything is sent."""
    (tmp_path / "a.csv").write_text(
        "first_name,email;list_id\nAnn,ann@example.com;1\nBob,b@x.y;2\n"
    )
    sandbox = a_sandbox()
    async with serve(sandbox) as address:
        await submit(address.origin, tmp_path, "a.csv")
        with pytest.raises(InputError, match="was read as"):
            await submit(address.origin, tmp_path, "a.csv", input__delimiter=";")

    assert ["Ann", "Bob"] == taken(sandbox)


async def test_rules_that_were_left_half_way_are_looked_at_again(tmp_path: Path) -> None:
    """Rows refused under a wrong key are sent once the right one is back."""
    rows = "".join(f"N{number},n{number}@example.com,TX\n" for number in range(40))
    (tmp_path / "a.csv").write_text("first_name,email,state\n" + rows)
    sandbox = a_sandbox()
    async with serve(sandbox) as address:
        order = an_order(address.origin, tmp_path / "a.csv", ledger=tmp_path / "l.db")
        await submitted(
            order.__class__(inputs=order.inputs, settings=order.settings, limit=5), Recorder()
        )
        wrong = an_order(
            address.origin, tmp_path / "a.csv", ledger=tmp_path / "l.db", key=["state"]
        )
        await submitted(
            wrong.__class__(inputs=wrong.inputs, settings=wrong.settings, limit=1), Recorder()
        )
        result = await submitted(order, Recorder())

    assert sorted(f"N{number}" for number in range(40)) == sorted(taken(sandbox))
    assert ExitStatus.DONE is result.exit_status


async def test_an_input_changed_before_its_turn_is_not_sent(tmp_path: Path) -> None:
    """What is sent is what was read and identified."""
    (tmp_path / "a.csv").write_text(HEADER + a_row("Ann"))
    (tmp_path / "b.csv").write_text(HEADER + a_row("Bob"))

    class Meddler(Recorder):
        async def ended(self, reader: object, result: object) -> None:  # noqa: ARG002  # an Observer
            (tmp_path / "b.csv").write_text(HEADER + a_row("Xav") + a_row("Yve"))

    sandbox = a_sandbox()
    async with serve(sandbox) as address:
        with pytest.raises(BulkpostError, match="changed after it was read"):
            await submit(address.origin, tmp_path, "a.csv", "b.csv", observer=Meddler())

    assert ["Ann"] == taken(sandbox)


async def test_a_header_between_two_lists_is_no_lead(tmp_path: Path) -> None:
    """As `cat` puts them together, with the mark that Excel begins a file with."""
    rows = [HEADER, a_row("Ann"), f"\ufeff{HEADER}", a_row("Bob"), "first_name,e@example.com\n"]
    (tmp_path / "both.csv").write_text("".join(rows), encoding="utf-8")
    sandbox = a_sandbox()
    async with serve(sandbox) as address:
        result = await submit(address.origin, tmp_path, "both.csv")

    assert ["Ann", "Bob", "first_name"] == sorted(taken(sandbox))
    assert ExitStatus.ROWS_BAD is result.exit_status
