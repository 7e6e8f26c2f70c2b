"""The root secrets' file: created with mode 0600 on the first start, read on every start."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from gateway.errors import ConfigurationError
from gateway.session.keys import ROOT_SIZE, ServerKeys, new_key_file, parse_keys

if TYPE_CHECKING:
    from pathlib import Path


def load_or_create(path: Path) -> ServerKeys:
    """The server's keys; raises ``ConfigurationError`` that never quotes the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(new_key_file(os.urandom(ROOT_SIZE)))
                file.flush()
                os.fsync(file.fileno())
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
