"""A file of personal data, written whole or not at all, for its owner's eyes only."""

import glob
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO

from bulkpost.errors import BulkpostError, UsageError
from bulkpost.faultpoint import fault_point
from bulkpost.ledger.paths import create_private


@contextmanager
def private_file(target: Path, *, is_forced: bool) -> Iterator[TextIO]:
    """Open a new text file, UTF-8, as ``private_bytes`` does.

    Raises:
        UsageError, BulkpostError: As ``private_bytes``.
    """
    with private_bytes(target, is_forced=is_forced) as file, as_text(file) as text:
        yield text


@contextmanager
def as_text(file: BinaryIO) -> Iterator[TextIO]:
    """Write a file as UTF-8; it stays open. Whatever a cell holds can be written."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", errors="surrogatepass")
    try:
        yield text
        text.flush()
    finally:
        with suppress(OSError):  # what it could not write is told already
            text.detach()


@contextmanager
def private_bytes(target: Path, *, is_forced: bool) -> Iterator[BinaryIO]:
    """Open a new file in the target's folder, which takes the target's name when all is written.

    Mode 0600. Never written through a symbolic link; an existing file stays as it is until the
    new one is whole and on the disk.

    Raises:
        UsageError: The target exists and is not to be replaced, or is no regular file, or its
            folder is missing.
        BulkpostError: The disk refused.
    """
    check_target(target, is_forced=is_forced)
    _forget_drafts(target)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = create_private(draft)
    except OSError as error:
        raise _refused(target, error) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        fault_point("export.written")
        _name(draft, target, is_forced=is_forced)
    except OSError as error:
        raise _refused(target, error) from None
    finally:
        draft.unlink(missing_ok=True)


def _forget_drafts(target: Path) -> None:
    """Remove what a killed export of the same name left behind: it holds lead data."""
    for draft in target.parent.glob(f".{glob.escape(target.name)}.????????.part"):
        draft.unlink(missing_ok=True)


def check_target(target: Path, *, is_forced: bool) -> None:
    """Refuse a target that must not be written, before the work is done.

    Raises:
        UsageError: As ``private_file``.
    """
    if not target.parent.is_dir():
        raise UsageError(
            f"the folder does not exist: {target.parent}", command=f"mkdir -p {target.parent}"
        )
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise UsageError(
            f"this is not a regular file: {target}",
            advice="Results are never written through a link or into a device. Name another file.",
        )
    if target.exists() and not is_forced:
        raise _exists(target)


def check_not_needed(target: Path, ledger: Path, original: Path) -> None:
    """Refuse to write over what cannot be had again: the ledger, the files beside it, the list.

    Raises:
        UsageError: Whatever was forced.
    """
    place = target.resolve()
    is_ledger = place.parent == ledger.resolve().parent and place.name.startswith(ledger.name)
    if is_ledger or place == original.resolve():
        what = "the ledger or a file of its own" if is_ledger else "the list itself"
        raise UsageError(f"this is {what}: {target}", advice="Name another file.")


def _name(draft: Path, target: Path, *, is_forced: bool) -> None:
    if is_forced:
        check_target(target, is_forced=True)
        draft.replace(target)
        return
    try:
        os.link(draft, target)  # fails where the name was taken meanwhile
    except FileExistsError:
        raise _exists(target) from None
    except OSError:  # a file system without hard links
        check_target(target, is_forced=False)
        draft.rename(target)


def _exists(target: Path) -> UsageError:
    return UsageError(
        f"the file exists: {target}", advice="Add --force to replace it, or name another."
    )


def _refused(target: Path, error: OSError) -> BulkpostError:
    return BulkpostError(
        f"the results could not be written: {target}: {error.strerror or error}",
        advice="Nothing was left half-written. Check the folder and its space, and run it again.",
    )
