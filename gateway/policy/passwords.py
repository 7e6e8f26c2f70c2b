"""The text of a password file: lines ``user:$argon2id$...``, blank ones and comments.

Only how such a file reads and changes; who computes hashes, and when, is decided elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_HASH = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,4}),p=(\d{1,3})\$[A-Za-z0-9+/]{11,172}\$[A-Za-z0-9+/]{22,172}\Z",
    re.ASCII,
)
_MAX_MEMORY: Final = 1024 * 1024
"""In KiB: one verification must not take the machine's memory away."""
_MAX_TIME: Final = 100
_MAX_USER: Final = 256


def normal(text: str) -> str:
    """A user name or password in the form in which it is compared (RFC 7617, section 2.1)."""
    return unicodedata.normalize("NFC", text)


def why_no_user(user: str) -> str | None:
    """Why a text cannot be a user's name; None: it can."""
    if not user or len(user) > _MAX_USER:
        return f"a name has 1 to {_MAX_USER} characters"
    if ":" in user or user != user.strip() or user.startswith("#") or not user.isprintable():
        return "a name has no colon, no control character, no # or space at its beginning"
    return None


def parse_passwords(text: str) -> dict[str, str]:
    """Hashes by user; raises ``ValueError`` that names the line, never its content."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        user, colon, text_hash = line.rstrip().partition(":")
        user = normal(user)
        if not colon or why_no_user(user) is not None:
            raise ValueError(f'line {number}: expected "user:$argon2id$..."')
        parameters = _HASH.match(text_hash)
        if parameters is None:
            raise ValueError(f"line {number}: expected an argon2id hash after the name")
        memory, time, lanes = map(int, parameters.groups())
        if not (8 * lanes <= memory <= _MAX_MEMORY and 1 <= time <= _MAX_TIME and lanes):
            raise ValueError(f"line {number}: the hash has parameters that cannot be used here")
        if user in found:
            raise ValueError(f"line {number}: a user is there twice")
        found[user] = text_hash
    return found


def with_user(text: str, user: str, text_hash: str) -> str:
    """The text with this user's hash new or changed; all other lines as they were."""
    lines, at = _without(text, user)
    lines.insert(len(lines) if at is None else at, f"{user}:{text_hash}\n")
    return "".join(lines)


def without_user(text: str, user: str) -> str | None:
    """The text without this user; None if there is none of that name."""
    lines, at = _without(text, user)
    return None if at is None else "".join(lines)


def _without(text: str, user: str) -> tuple[list[str], int | None]:
    if text and not text.endswith("\n"):
        text += "\n"
    kept: list[str] = []
    at = None
    for line in text.splitlines(keepends=True):
        if not line.startswith("#") and normal(line.partition(":")[0]) == user:
            at = len(kept) if at is None else at
        else:
            kept.append(line)
    return kept, at


def decoy(hashes: dict[str, str], noise: bytes) -> str:
    """A hash that no password has, as costly to compare with as the users' own.

    It takes the parameters that most of them have, so that a name that does not exist costs
    the same time as one that does.  ``noise``: 48 random octets.
    """
    heads = [one.rsplit("$", 2)[0] for one in hashes.values()]
    head = max(heads, key=heads.count) if heads else "$argon2id$v=19$m=65536,t=3,p=4"
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    text = "".join(letters[octet % 64] for octet in noise)
    # 43 characters hold 32 octets: the last one's lowest two bits are zero.
    return f"{head}${text[:21]}A${text[4:46]}A"
