"""The password file: read when it changes, changed as a whole or not at all, mode 0600."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from argon2 import PasswordHasher

from gateway.errors import ConfigurationError
from gateway.policy.passwords import parse_passwords, with_user, without_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_LOOKS_EVERY = 1.0


def load(path: Path) -> dict[str, str]:
    """Hashes by user; raises ``ConfigurationError`` that never quotes the file."""
    with _faults(path):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise ValueError(f"mode is {mode:04o}, expected 0600: others can read the passwords")
        return parse_passwords(path.read_text("utf-8"))


class PasswordFile:
    """The file as it is now: looked at once a second at most, read when it was changed.

    A change that is faulty leaves what was good; ``tell`` hears of it once.
    """

    def __init__(
        self,
        path: Path | None,
        tell: Callable[[str], object] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read it now; raises ``ConfigurationError``.  None: there are no passwords."""
        self._path = path
        self._tell = tell
        self._clock = clock
        self._looked = clock()
        self._seen = _signature(path)
        self._hashes: Mapping[str, str] = {} if path is None else load(path)

    def __call__(self) -> Mapping[str, str]:
        """The hashes by user."""
        now = self._clock()
        if self._path is not None and now - self._looked >= _LOOKS_EVERY:
            self._looked = now
            seen = _signature(self._path)
            if seen != self._seen:
                self._seen = seen
                try:
                    self._hashes = load(self._path)
                except ConfigurationError as error:
                    self._tell(str(error))
        return self._hashes


def set_password(path: Path, user: str, password: str) -> bool:
    """Add a user or change their password; whether they were there.

    ``user`` and ``password`` in normal form.  Raises ``ConfigurationError``.
    """
    text_hash = PasswordHasher().hash(password)
    with _faults(path), _locked(path):
        before = _text(path)
        was_there = user in parse_passwords(before)
        _replace(path, with_user(before, user, text_hash))
        return was_there


def remove_user(path: Path, user: str) -> bool:
    """Take a user out; whether they were there.  Raises ``ConfigurationError``."""
    with _faults(path), _locked(path):
        before = _text(path)
        parse_passwords(before)
        after = without_user(before, user)
        if after is not None:
            _replace(path, after)
        return after is not None


def _signature(path: Path | None) -> tuple[int, ...]:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        found = None
    if found is None:
        return ()
    # Mode and owner, too: a file that was refused for them is read again when they are mended.
    content = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
    return (*content, found.st_mode, found.st_uid)


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


@contextlib.contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError:
        raise ConfigurationError([f"{path}: it is not UTF-8"]) from None
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationError([f"{path}: {what}"]) from None


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Who changes it at the same time waits, and edits what is there then."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
        os.fsync(folder)
    finally:
        os.close(folder)


def _replace(path: Path, text: str) -> None:
    """Put a text in the place of the file; at every moment one of them is there, whole."""
    real = path.resolve()
    descriptor, name = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            if real.exists():
                owner = real.stat()
                if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(descriptor, owner.st_uid, owner.st_gid)
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(real)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
