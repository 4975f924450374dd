"""What must not be shown: a key, kept so that no repr, log or traceback can tell it.

A secret comes from a file that its owner alone can read, or from the environment. Never from a
flag: other users see the command line.
"""

import os
import re
import shlex
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bulkpost.errors import ConfigError

_FILE_BYTES_MAX: Final = 4_096
_CHARS_MAX: Final = 1_024
_PLAIN = re.compile(r"[!-~]+")


class Secret:
    """A text that is shown to nobody by accident."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        """Tell that there is one, and nothing of it."""
        return "Secret(…)"


def read_secret(
    path: str, variable: str, what: str, environment: Mapping[str, str] = os.environ
) -> Secret | None:
    """Return the secret of an environment variable, else that of a file; None if neither is named.

    Args:
        path: The file; empty for none.
        variable: Wins over the file if it is set and not empty.
        what: What it is, for messages: "API key".
        environment: Where the variable is looked for.

    Raises:
        ConfigError: The file cannot be read, others can read it, or it holds no key. The message
            names the file or the variable, never what it holds.
    """
    told = environment.get(variable, "")
    if told:
        return _checked(told, f"the {what} in {variable}")
    return read_secret_file(Path(path).expanduser(), what) if path else None


def read_secret_file(path: Path, what: str) -> Secret:
    """Return the secret that a file holds on its one line.

    Raises:
        ConfigError: As ``read_secret``.
    """
    try:
        # Opened first: what is looked at is what is read. A pipe must not be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            _check_private(path, os.fstat(descriptor), what)
            data = os.read(descriptor, _FILE_BYTES_MAX + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ConfigError(
            f"the file of the {what} cannot be read: {path}: {error.strerror}",
            advice=f"Put the {what} on one line of a file that only you can read, and name it.",
        ) from None
    text = data.decode("utf-8", "replace") if len(data) <= _FILE_BYTES_MAX else ""
    return _checked(text.removeprefix("\ufeff").strip(), f"the {what} in {path}")


def _check_private(path: Path, status: os.stat_result, what: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"the file of the {what} is no file: {path}")
    if status.st_uid not in {0, os.geteuid()}:
        raise ConfigError(
            f"the file of the {what} belongs to another user: {path}",
            advice="Copy the key into a file of your own.",
        )
    if status.st_mode & 0o077:
        raise ConfigError(
            f"others can read or change the file of the {what}: {path}",
            advice="If somebody may have read it, ask LeadConduit for a new key.",
            command=f"chmod 600 {shlex.quote(str(path))}",
        )


def _checked(text: str, where: str) -> Secret:
    if len(text) > _CHARS_MAX or _PLAIN.fullmatch(text) is None:
        raise ConfigError(
            f"{where} is not one word of plain characters",
            advice="Copy the key alone, from your account's settings in ActiveProspect.",
        )
    return Secret(text)
