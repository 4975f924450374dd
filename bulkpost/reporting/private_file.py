"""Files of personal data, written whole or not at all, for their owner's eyes only."""

import glob
import io
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from bulkpost.errors import BulkpostError, UsageError
from bulkpost.faultpoint import fault_point
from bulkpost.ledger.paths import PRIVATE_MODE, create_private

_TOKEN_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that has not got its name yet.

    Attributes:
        path: Where it lies until then; what a writer needs beside it begins with its name, so that
            the next export finds it if this one is killed.
        file: It, open for writing.
    """

    path: Path
    file: BinaryIO


@contextmanager
def private_file(target: Path, *, is_forced: bool) -> Iterator[TextIO]:
    """Open a new text file, UTF-8, as ``private_files`` does.

    Raises:
        UsageError, BulkpostError: As ``private_files``.
    """
    with private_bytes(target, is_forced=is_forced) as file, as_text(file) as text:
        yield text


@contextmanager
def private_bytes(target: Path, *, is_forced: bool) -> Iterator[BinaryIO]:
    """Open a new file as ``private_files`` does.

    Raises:
        UsageError, BulkpostError: As ``private_files``.
    """
    with private_files([target], is_forced=is_forced) as (draft,):
        yield draft.file


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


def write_whole(target: Path, content: bytes, mode: int = PRIVATE_MODE) -> None:
    """Write a file that replaces an earlier one, whole or not at all.

    Args:
        target: The file.
        content: All of it.
        mode: Who may read it: others only where there is no personal data in it.

    Raises:
        UsageError, BulkpostError: As ``private_bytes``.
    """
    with private_bytes(target, is_forced=True) as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)


@contextmanager
def private_files(targets: Sequence[Path], *, is_forced: bool) -> Iterator[list[Draft]]:
    """Open new files in their folder, which take their names when all of them are written.

    Mode 0600. Never written through a symbolic link. Existing files stay as they are until the new
    ones are whole and on the disk; of several, a crash may then leave some missing, but never old
    ones beside new ones.

    Raises:
        UsageError: A target exists and is not to be replaced, or is no regular file, or its folder
            is missing.
        BulkpostError: The disk refused.
    """
    token = secrets.token_hex(_TOKEN_BYTES)
    for target in targets:
        check_target(target, is_forced=is_forced)
        _forget_drafts(target)
    drafts: list[Draft] = []
    try:
        with ExitStack() as files:
            for target in targets:
                path = target.with_name(f".{target.name}.{token}.part")
                drafts.append(Draft(path, files.enter_context(_created(path))))
            yield drafts
            for draft in drafts:
                draft.file.flush()
                os.fsync(draft.file.fileno())
        fault_point("export.written")
        _Naming([draft.path for draft in drafts], targets, token).do(is_forced=is_forced)
    except OSError as error:
        place = targets[0] if len(targets) == 1 else targets[0].parent
        raise _refused(place, error) from None
    finally:
        for draft in drafts:
            draft.path.unlink(missing_ok=True)


@contextmanager
def private_folder(folder: Path) -> Iterator[None]:
    """Have a folder for files to come, made if need be (mode 0700); gone again on failure.

    Raises:
        UsageError: The folder that it is to be in is missing.
        BulkpostError: It cannot be made.
    """
    is_ours = not folder.exists()
    if is_ours and not folder.parent.is_dir():
        raise _no_folder(folder)
    try:
        if is_ours:
            folder.mkdir(0o700)
    except OSError as error:
        raise _refused(folder, error) from None
    try:
        yield
    except BaseException:
        if is_ours:
            with suppress(OSError):
                folder.rmdir()
        raise


def _created(path: Path) -> BinaryIO:
    return os.fdopen(create_private(path), "wb")


def _forget_drafts(target: Path) -> None:
    """Remove what a killed export of the same name left behind: it holds lead data."""
    for draft in target.parent.glob(f".{glob.escape(target.name)}.????????.*"):
        if draft.is_dir() and not draft.is_symlink():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink(missing_ok=True)


def check_target(target: Path, *, is_forced: bool) -> None:
    """Refuse a target that must not be written, before the work is done.

    Raises:
        UsageError: As ``private_files``.
    """
    if not target.parent.is_dir():
        raise _no_folder(target.parent)
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise UsageError(
            f"this is not a regular file: {target}",
            advice="Results are never written through a link or into a device. Name another place.",
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
        raise UsageError(f"this is {what}: {target}", advice="Name another place.")


class _Naming:
    """Gives drafts their names: all of them, or none."""

    def __init__(self, drafts: Sequence[Path], targets: Sequence[Path], token: str) -> None:
        self._pairs = tuple(zip(drafts, targets, strict=True))
        self._token = token
        self._named: list[Path] = []
        self._aside: list[tuple[Path, Path]] = []

    def do(self, *, is_forced: bool) -> None:
        if is_forced and len(self._pairs) == 1:
            ((draft, target),) = self._pairs
            check_target(target, is_forced=True)
            draft.replace(target)
            return
        try:
            if is_forced:
                self._put_aside()
            for draft, target in self._pairs:
                _name(draft, target)
                self._named.append(target)
                fault_point("export.named")
        except BaseException:
            self._undo()
            raise
        for aside, _ in self._aside:
            aside.unlink(missing_ok=True)

    def _put_aside(self) -> None:
        """Take the names from the old files before any new one has its own."""
        for _, target in self._pairs:
            check_target(target, is_forced=True)
            if target.exists():
                aside = target.with_name(f".{target.name}.{self._token}.old")
                target.rename(aside)
                self._aside.append((aside, target))

    def _undo(self) -> None:
        for target in self._named:
            target.unlink(missing_ok=True)
        for aside, target in self._aside:
            aside.rename(target)


def _name(draft: Path, target: Path) -> None:
    try:
        os.link(draft, target)  # fails where the name was taken meanwhile
    except FileExistsError:
        raise _exists(target) from None
    except OSError:  # a file system without hard links
        check_target(target, is_forced=False)
        draft.rename(target)


def _no_folder(folder: Path) -> UsageError:
    return UsageError(f"the folder does not exist: {folder}", command=f"mkdir -p {folder}")


def _exists(target: Path) -> UsageError:
    return UsageError(
        f"the file exists: {target}", advice="Add --force to replace it, or name another place."
    )


def _refused(target: Path, error: OSError) -> BulkpostError:
    return BulkpostError(
        f"the results could not be written: {target}: {error.strerror or error}",
        advice="Nothing was left half-written. Check the folder and its space, and run it again.",
    )
