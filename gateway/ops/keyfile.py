"""The root secrets' file: made with mode 0600 on the first start, read on every start.

It is changed as a whole or not at all: written anew beside itself, then put in its place.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.errors import ConfigurationError
from gateway.session.keys import (
    ROOT_SIZE,
    ServerKeys,
    add_generation,
    new_key_file,
    parse_keys,
    retire_generation,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ELSEWHERE = "secrets that are provided from elsewhere are changed there"


def load_or_create(path: Path) -> ServerKeys:
    """The server's keys; raises ``ConfigurationError`` that never quotes the file."""
    with _faults(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _create(path)
        return parse_keys(_read(path))


def load(path: Path) -> ServerKeys:
    """The same of a file that must be there already."""
    with _faults(path):
        return parse_keys(_read(path))


def load_or_invent(path: Path) -> ServerKeys:
    """For a check, which makes nothing: where there is no file yet, keys that nobody uses."""
    with _faults(path):
        if path.exists():
            return parse_keys(_read(path))
        return parse_keys(new_key_file(os.urandom(ROOT_SIZE)))


def rotate(path: Path) -> ServerKeys:
    """Add a generation of fresh randomness, the newest from now on; all keys after that.

    Raises ``ConfigurationError``.
    """
    return _change(path, lambda text: add_generation(text, os.urandom(ROOT_SIZE)))


def retire(path: Path, generation: int) -> ServerKeys:
    """Take a generation out; all keys after that.  Raises ``ConfigurationError``."""
    return _change(path, partial(retire_generation, generation=generation))


@contextlib.contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise ConfigurationError([f"{path}: {error}"]) from None


def _read(path: Path) -> str:
    """The text, with the ends of lines as they are."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ValueError(f"mode is {mode:04o}, expected 0600: others can read the root secrets")
    return path.read_bytes().decode("ascii")


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


def _change(path: Path, edit: Callable[[str], str]) -> ServerKeys:
    """Put an edited text in the place of the file; at every moment one of them is there."""
    with _faults(path):
        real = path.resolve(strict=True)  # a link stays, and what it names is changed
        folder = os.open(real.parent, os.O_RDONLY)
        try:
            # Who changes it at the same time waits, and edits what is there then.
            fcntl.flock(folder, fcntl.LOCK_EX)
            text = edit(_read(real))
            keys = parse_keys(text)
            for place in (real, real.parent):
                if not os.access(place, os.W_OK):
                    raise ValueError(f"not changed: {place} is not writable here; {_ELSEWHERE}")
            try:
                _replace(real, text)
            except OSError as error:
                raise ValueError(f"not changed: {error.strerror}; {_ELSEWHERE}") from None
            try:
                os.fsync(folder)
            except OSError as error:
                raise ValueError(
                    f"changed, but a power cut may undo it: {error.strerror}"
                ) from None
            return keys
        finally:
            os.close(folder)


def _replace(path: Path, text: str) -> None:
    owner = path.stat()
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)  # left by one who was killed
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)  # whatever the umask took
            if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            file.write(text.encode("ascii"))
            file.flush()
            os.fsync(descriptor)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
