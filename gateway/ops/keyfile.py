"""The root secrets' file: created with mode 0600 on the first start, read on every start."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from gateway.errors import ConfigurationError
from gateway.session.keys import ROOT_SIZE, ServerKeys, new_key_file, parse_keys


def load_or_create(path: Path) -> ServerKeys:
    """The server's keys; raises ``ConfigurationError`` that never quotes the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _create(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise ConfigurationError(
                [f"{path}: mode is {mode:04o}, expected 0600: others can read the root secrets"]
            )
        return parse_keys(path.read_text("ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{path}: {error}"]) from None
    except ValueError as error:
        raise ConfigurationError([f"{path}: {error}"]) from None


def _create(path: Path) -> None:
    """Make the file whole or not at all: several processes may start at once, or be killed."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(new_key_file(os.urandom(ROOT_SIZE)))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # somebody else's came first, and counts
            os.link(name, path)
    finally:
        Path(name).unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
