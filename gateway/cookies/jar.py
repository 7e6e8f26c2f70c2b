"""Rows in, Cookie header out; Set-Cookie in, changed rows out.

One ``Jar`` is one user's bucket (the cookies of one registrable domain) as read from
the store at one version, opened.  Nothing here outlives the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway.cookies import rules
from gateway.cookies.syntax import Invalid, parse_set_cookie

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gateway.cookies.rules import Cookie
    from gateway.cookies.seal import Row, UserKeys
    from gateway.cookies.suffixes import Suffixes
    from gateway.origins import Origin


MAX_FIELDS = 250
"""Set-Cookie fields of one response that are looked at: more than a domain may keep."""


@attrs.frozen
class Verdict:
    """What became of one Set-Cookie; ``step`` is the draft's section and step."""

    stored: bool
    reason: str = ""
    step: str = ""


@attrs.frozen
class Change:
    """What is to be committed: rows to write, indexes to delete, and why."""

    puts: tuple[Row, ...] = ()
    deletes: tuple[bytes, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be committed."""
        return not self.puts and not self.deletes


@attrs.frozen(repr=False)
class Jar:
    """One opened bucket.  ``damaged`` counts the rows that did not open."""

    keys: UserKeys
    bucket: bytes
    registrable: str
    cookies: tuple[Cookie, ...] = ()
    damaged: int = 0

    def __repr__(self) -> str:
        """Show no cookie."""
        return f"<jar of {len(self.cookies)} cookies>"

    def cookie_header(self, origin: Origin, path: bytes, now: int) -> bytes:
        """The Cookie header for a request to ``origin`` and ``path``; may be empty."""
        return rules.cookie_string(rules.visible(self.cookies, origin, path, now))

    def script_view(self, origin: Origin, path: bytes, now: int) -> bytes:
        """What ``document.cookie`` of a document there reads."""
        return rules.cookie_string(rules.visible(self.cookies, origin, path, now, to_script=True))

    def receive(
        self,
        fields: Iterable[bytes],
        origin: Origin,
        path: bytes,
        now: int,
        suffixes: Suffixes,
        random: Callable[[int], bytes],
    ) -> tuple[Change, Jar]:
        """Apply the Set-Cookie fields of one response, in their order.

        ``random`` gives that many random octets (for nonces).  Returns what is to be
        committed and the jar as it is after the commit.
        """
        before = {cookie.identity: cookie for cookie in self.cookies}
        # What has expired takes no part in anything but its own removal (5.7, step 3).
        after = {key: cookie for key, cookie in before.items() if not cookie.expired(now)}
        given = list(fields)
        verdicts = [
            self._receive_one(field, origin, path, now, suffixes, after)
            for field in given[:MAX_FIELDS]
        ]
        if len(given) > MAX_FIELDS:
            verdicts.append(Verdict(stored=False, reason=f"more than {MAX_FIELDS} in one response"))
        for cookie in rules.evict(tuple(after.values()), now):
            del after[cookie.identity]
        puts = [
            self.keys.seal(self.bucket, self.registrable, cookie, random(12))
            for identity, cookie in after.items()
            if before.get(identity) != cookie
        ]
        deletes = [
            self.keys.index(self.registrable, cookie)
            for identity, cookie in before.items()
            if identity not in after
        ]
        change = Change(tuple(puts), tuple(deletes), tuple(verdicts))
        return change, attrs.evolve(self, cookies=tuple(after.values()))

    @staticmethod
    def _receive_one(
        field: bytes,
        origin: Origin,
        path: bytes,
        now: int,
        suffixes: Suffixes,
        jar: dict[tuple[bytes, str, bool, bytes, str], Cookie],
    ) -> Verdict:
        parsed = parse_set_cookie(field, now)
        if isinstance(parsed, Invalid):
            return Verdict(stored=False, reason=parsed.reason, step=parsed.step)
        cookie = rules.admit(parsed, origin, path, now, suffixes)
        if not isinstance(cookie, Invalid):
            cookie = rules.store(cookie, tuple(jar.values()), origin)
        if isinstance(cookie, Invalid):
            return Verdict(stored=False, reason=cookie.reason, step=cookie.step)
        jar[cookie.identity] = cookie
        return Verdict(stored=True)


def open_jar(keys: UserKeys, registrable: str, rows: Sequence[Row]) -> Jar:
    """Open the rows of one bucket; a row that does not open is treated as absent."""
    bucket = keys.bucket(registrable)
    opened = [keys.open(bucket, row) for row in rows]
    cookies = tuple(cookie for cookie in opened if cookie is not None)
    return Jar(keys, bucket, registrable, cookies, damaged=len(rows) - len(cookies))
