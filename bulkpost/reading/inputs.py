"""Which files a command line means, and where standard input is kept so that it can be resumed."""

import glob
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from bulkpost.errors import InputError

INPUTS_MAX = 10_000
_CHUNK_BYTES = 1024 * 1024
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


def resolve_inputs(arguments: Sequence[str]) -> tuple[Path, ...]:
    """Return the files that the arguments name, in their order; those of a glob are sorted.

    An argument that exists is taken literally, so a name may contain ``[``.

    Raises:
        InputError: A glob matches nothing; a file is missing, unreadable, a directory, a device or
            given twice (under another name, too); there are none or too many.
    """
    seen: dict[tuple[int, int], Path] = {}
    for argument in arguments:
        for path in _named(argument):
            identity = _checked(path)
            if identity in seen:
                raise InputError(
                    f"{path} is given twice (it is the same file as {seen[identity]}).",
                    advice="Name each input once.",
                )
            seen[identity] = path
            if len(seen) > INPUTS_MAX:
                raise InputError(
                    f"More than {INPUTS_MAX:,} inputs.", advice="Submit them in several commands."
                )
    if not seen:
        raise InputError("No input is given.", advice="Name a file, a glob, or - for stdin.")
    return tuple(seen.values())


def spool_stdin(stream: BinaryIO, directory: Path) -> Path:
    """Copy a stream to a private file named by its bytes, and return the file.

    The same bytes always give the same file, so piping them again resumes. The file appears whole
    or not at all, readable by its owner only.

    Args:
        stream: What to copy, to its end; it need not be seekable.
        directory: Where to; created with mode 0700 if it is not there.

    Raises:
        InputError: The stream is a terminal, the directory is open to others or not a directory,
            or the bytes cannot be written.
    """
    if stream.isatty():
        raise InputError(
            "Standard input is a terminal, not a list of leads.",
            advice="Pipe a file into the command, or name a file.",
        )
    try:
        _make_private(directory)
        return _spooled(stream, directory)
    except OSError as error:
        raise InputError(
            f"Standard input cannot be kept in {directory}: {error.strerror or error}.",
            advice="Free space or make the directory writable, or save the leads to a file first.",
        ) from error


def _named(argument: str) -> Iterator[Path]:
    if os.path.lexists(argument) or not glob.has_magic(argument):
        yield Path(argument)
        return
    matches = sorted(glob.iglob(argument, recursive=True))  # noqa: PTH207  # absolute patterns too
    if not matches:
        raise InputError(
            f"No file matches {argument}.", advice="Check the pattern and the working directory."
        )
    yield from map(Path, matches)


def _checked(path: Path) -> tuple[int, int]:
    """Return what tells this file from others, or refuse it."""
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            with path.open("rb"):
                return status.st_dev, status.st_ino
    except FileNotFoundError:
        raise InputError(
            f"{path} does not exist.", advice="Check the name and the working directory."
        ) from None
    except PermissionError:
        raise InputError(
            f"{path} may not be read by this user.", advice=f"Make it readable: chmod u+r {path}"
        ) from None
    except OSError as error:
        raise InputError(
            f"{path} cannot be opened: {error.strerror or error}.", advice="Give a regular file."
        ) from error
    if stat.S_ISDIR(status.st_mode):
        raise InputError(
            f"{path} is a directory.", advice=f"Name its files, for example {path / '*.csv'}"
        )
    raise InputError(
        f"{path} is not a regular file, so a run over it could not be resumed.",
        advice="Pipe it in and give - as the input, or save it to a file first.",
    )


def _make_private(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = directory.lstat()
    is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    if not is_ours or status.st_mode & 0o077:
        raise InputError(
            f"{directory} is open to other users or is not a directory of this user.",
            advice=f"Leads are kept there while a run is unfinished: chmod 700 {directory}",
        )


def _spooled(stream: BinaryIO, directory: Path) -> Path:
    partial = directory / f".{secrets.token_hex(16)}.partial"
    digest = hashlib.sha256()
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o600)
    try:
        with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123  # a descriptor, not a path
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
                _write_all(file.fileno(), chunk)
            os.fsync(file.fileno())
        spool = directory / f"stdin-{digest.hexdigest()}"
        # An earlier spool of this name is replaced by its equal, and a tampered one is healed.
        partial.replace(spool)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return spool


def _write_all(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
