"""Tests of the server-side jar, and what several of them share."""

from __future__ import annotations

from itertools import count

from publicsuffixlist import PublicSuffixList

from gateway.cookies import rules
from gateway.cookies.jar import Change, Jar, Received, open_jar
from gateway.cookies.rules import Cookie
from gateway.cookies.seal import Row, UserKeys, derive_user_keys
from gateway.cookies.suffixes import Suffixes
from gateway.cookies.syntax import Invalid, parse_set_cookie
from gateway.origins import Origin, parse

DAY = 86400
NOW = 1_790_000_000
SUFFIXES = Suffixes(PublicSuffixList())
KEYS = derive_user_keys(b"i" * 32, b"p" * 32, 1)


def at(url: str) -> tuple[Origin, bytes]:
    """The origin and the path of a URL."""
    found = parse(url)
    assert found is not None
    return found[0], found[1].pathname.encode("ascii")


def admit(field: bytes, url: str, now: int = NOW, *, from_script: bool = False) -> Cookie | Invalid:
    """Parse a Set-Cookie of a response from ``url`` and admit it to an empty jar."""
    parsed = parse_set_cookie(field, now)
    if isinstance(parsed, Invalid):
        return parsed
    return rules.admit(parsed, *at(url), now, SUFFIXES, from_script=from_script)


def admitted(field: bytes, url: str = "https://a.example.com/", now: int = NOW) -> Cookie:
    """The cookie that a Set-Cookie makes; it must be a good one."""
    cookie = admit(field, url, now)
    assert isinstance(cookie, Cookie), cookie
    return cookie


class Bucket:
    """One bucket as a store would keep it: rows by index, opened for each request."""

    def __init__(self, registrable: str = "example.com", keys: UserKeys = KEYS) -> None:
        """Make it empty."""
        self.registrable = registrable
        self.keys = keys
        self.rows: dict[bytes, Row] = {}
        self._nonces = count()

    def _random(self, size: int) -> bytes:
        return next(self._nonces).to_bytes(size, "big")

    def open(self) -> Jar:
        """Open the rows, in the order of their indexes as from a primary key."""
        return open_jar(self.keys, self.registrable, [self.rows[key] for key in sorted(self.rows)])

    def receive(self, url: str, *fields: bytes, now: int = NOW) -> Change:
        """Apply a response of ``url`` with these Set-Cookie fields, and commit."""
        change, after = self.open().receive(Received(fields), *at(url), now, SUFFIXES, self._random)
        self.rows.update({row.index: row for row in change.puts})
        for index in change.deletes:
            del self.rows[index]
        assert set(self.open().cookies) == set(after.cookies)
        return change

    def header(self, url: str, now: int = NOW) -> bytes:
        """The Cookie header of a request to ``url``; the last access is written."""
        jar = self.open()
        sent = jar.sent(*at(url), now)
        rows, _ = jar.touch(sent, now, self._random, seconds=1)
        self.rows.update({row.index: row for row in rows})
        return rules.cookie_string(sent)
