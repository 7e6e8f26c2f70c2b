"""Rows in, Cookie header out; Set-Cookie in, changed rows out.

One ``Jar`` is one user's bucket (the cookies of one registrable domain) as read from
the store at one version, opened.  Nothing here outlives the request.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import attrs

from gateway.cookies import hsts, rules
from gateway.cookies.hsts import Hsts
from gateway.cookies.rules import Cookie
from gateway.cookies.same_site import SAME
from gateway.cookies.seal import NONCE_SIZE
from gateway.cookies.syntax import Invalid, parse_set_cookie
from gateway.cookies.written import Written, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gateway.cookies.same_site import Access
    from gateway.cookies.seal import Kept, Row, UserKeys
    from gateway.cookies.suffixes import Suffixes
    from gateway.origins import Origin


MAX_FIELDS = 250
"""Set-Cookie fields of one response that are looked at: more than a domain may keep."""


MAX_HSTS = 60
"""Hosts of one registrable domain that are remembered: those that last longest."""
HSTS_SECONDS = 86400
"""An HSTS expiry that moved by less is not written anew."""


_NOTHING = Written()


@attrs.frozen
class Received:
    """What one response says to the jar.

    ``hsts``: its first Strict-Transport-Security field; ``clears``: whether its
    Clear-Site-Data names cookies; ``from_script``: it is no response, but what a script
    sets (a non-HTTP API); ``numbers``: the number of each of its writes, none of which is
    to be taken twice.
    """

    set_cookies: tuple[bytes, ...] = attrs.field(default=(), repr=False)
    hsts: str | None = None
    clears: bool = False
    from_script: bool = False
    numbers: tuple[int, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not self.set_cookies and self.hsts is None and not self.clears


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
    hsts: tuple[Hsts, ...] = ()
    damaged: int = 0
    written: Written = _NOTHING

    def __repr__(self) -> str:
        """Show no cookie."""
        return f"<jar of {len(self.cookies)} cookies>"

    def sent(
        self,
        origin: Origin,
        path: bytes,
        now: int,
        access: Access = SAME,
        suffixes: Suffixes | None = None,
    ) -> list[Cookie]:
        """The cookies that go with a request to ``origin`` and ``path``, in order."""
        return rules.visible(self.cookies, origin, path, now, access=access, suffixes=suffixes)

    def script_view(self, origin: Origin, path: bytes, now: int, access: Access = SAME) -> bytes:
        """What ``document.cookie`` of a document there reads."""
        return rules.cookie_string(self.shown(origin, path, now, access))

    def shown(
        self, origin: Origin, path: bytes | None, now: int, access: Access = SAME
    ) -> list[Cookie]:
        """The cookies that scripts there see, in order; ``path`` None: on any path."""
        return rules.visible(self.cookies, origin, path, now, to_script=True, access=access)

    def upgrades(self, origin: Origin, now: int) -> bool:
        """Whether what the site said by HSTS turns this plain origin into its secure one."""
        return bool(self.hsts) and hsts.upgrades(self.hsts, origin, now)

    def touch(
        self, sent: Iterable[Cookie], now: int, random: Callable[[int], bytes], *, seconds: int
    ) -> tuple[tuple[Row, ...], Jar]:
        """Reseal what was sent and not accessed for ``seconds``; and the jar with it."""
        touched = rules.touched(sent, now, seconds)
        if not touched:
            return (), self
        newer = {cookie.identity: cookie for cookie in touched}
        cookies = tuple(newer.get(cookie.identity, cookie) for cookie in self.cookies)
        rows = [
            self.keys.seal(self.bucket, self.registrable, cookie, random(NONCE_SIZE))
            for cookie in touched
        ]
        return tuple(rows), attrs.evolve(self, cookies=cookies)

    def receive(
        self,
        response: Received,
        origin: Origin,
        path: bytes,
        now: int,
        suffixes: Suffixes,
        random: Callable[[int], bytes],
        access: Access = SAME,
    ) -> tuple[Change, Jar]:
        """Apply what one response says to the jar, its Set-Cookie fields in their order.

        ``random`` gives that many random octets (for nonces).  Returns what is to be
        committed and the jar as it is after the commit.
        """
        before = {cookie.identity: cookie for cookie in self.cookies}
        # What has expired takes no part in anything but its own removal.
        after = {key: cookie for key, cookie in before.items() if not cookie.expired(now)}
        given = response.set_cookies
        state = _Receiving(after, self.written, response.from_script)
        verdicts = [
            _receive_one(field, origin, path, now, suffixes, access, state, number)
            for field, number in zip_longest(given[:MAX_FIELDS], response.numbers[:MAX_FIELDS])
        ]
        if len(given) > MAX_FIELDS:
            verdicts.append(Verdict(stored=False, reason=f"more than {MAX_FIELDS} in one response"))
        if response.clears and origin.secure:
            # The browser too clears after it has stored (Clear Site Data, section 4.2.2).
            reachable = {"", access.partition}
            after = {key: one for key, one in after.items() if one.partition not in reachable}
        for cookie in rules.evict(tuple(after.values()), now):
            del after[cookie.identity]
        known = {one.host: one for one in self.hsts}
        said = None if response.hsts is None else hsts.receive(response.hsts, origin, now)
        kept = dict(known)
        if said is not None:
            kept[said.host] = said
        live = sorted((one for one in kept.values() if one.expires > now), key=_lasts)
        kept = {one.host: one for one in live[-MAX_HSTS:]}
        puts: list[Kept] = [
            cookie for identity, cookie in after.items() if before.get(identity) != cookie
        ]
        puts += [one for host, one in kept.items() if _says_more(one, known.get(host))]
        if state.written != self.written:
            puts.append(state.written)
        gone: list[Kept] = [cookie for identity, cookie in before.items() if identity not in after]
        gone += [one for host, one in known.items() if host not in kept]
        change = Change(
            tuple(
                self.keys.seal(self.bucket, self.registrable, one, random(NONCE_SIZE))
                for one in puts
            ),
            tuple(self.keys.index(self.registrable, one) for one in gone),
            tuple(verdicts),
        )
        jar = attrs.evolve(
            self,
            cookies=tuple(after.values()),
            hsts=tuple(kept.values()),
            written=state.written,
        )
        return change, jar


@attrs.define
class _Receiving:
    """What a response changes as it is gone through."""

    jar: dict[tuple[bytes, str, bool, bytes, str], Cookie]
    written: Written
    from_script: bool


def _lasts(one: Hsts) -> int:
    return one.expires


def _says_more(one: Hsts, known: Hsts | None) -> bool:
    """Whether it is worth a write: a site says it with every response."""
    if known is None or known.subdomains != one.subdomains:
        return True
    return not 0 <= one.expires - known.expires < HSTS_SECONDS


def _receive_one(
    field: bytes,
    origin: Origin,
    path: bytes,
    now: int,
    suffixes: Suffixes,
    access: Access,
    state: _Receiving,
    number: int | None,
) -> Verdict:
    jar, from_script = state.jar, state.from_script
    parsed = parse_set_cookie(field, now)
    if isinstance(parsed, Invalid):
        return Verdict(stored=False, reason=parsed.reason, step=parsed.step)
    cookie = rules.admit(
        parsed, origin, path, now, suffixes, from_script=from_script, access=access
    )
    key = b""
    if number is not None and not isinstance(cookie, Invalid):
        key = key_of(cookie, origin)
        if state.written.has(key, number, now):
            return Verdict(stored=True, reason="written before")
    if not isinstance(cookie, Invalid):
        cookie = rules.store(cookie, tuple(jar.values()), origin, from_script=from_script)
    if isinstance(cookie, Invalid):
        return Verdict(stored=False, reason=cookie.reason, step=cookie.step)
    if number is not None:
        state.written = state.written.taking(key, number, now)
    if cookie.expired(now):
        jar.pop(cookie.identity, None)  # what is over is gone, and leaves nothing to its successor
    else:
        jar[cookie.identity] = cookie
    return Verdict(stored=True)


def open_jar(keys: UserKeys, registrable: str, rows: Sequence[Row]) -> Jar:
    """Open the rows of one bucket; a row that does not open is treated as absent."""
    bucket = keys.bucket(registrable)
    cookies: list[Cookie] = []
    known: list[Hsts] = []
    written: Written | None = None
    damaged = 0
    for one in keys.open_all(bucket, rows):
        if isinstance(one, Cookie):
            cookies.append(one)
        elif isinstance(one, Hsts):
            known.append(one)
        elif one is None:
            damaged += 1
        elif isinstance(one, Written):
            written = one
    return Jar(
        keys, bucket, registrable, tuple(cookies), tuple(known), damaged, written or _NOTHING
    )


def overflow(
    keys: UserKeys, buckets: Mapping[bytes, Sequence[Row]], now: int
) -> dict[bytes, tuple[bytes, ...]]:
    """What must go of a whole jar that is too full: indexes by bucket.

    What is no cookie (HSTS hosts, scripts' writes, damaged rows) may fill half of it, or a
    site with ever new hosts would leave no room for cookies.
    """
    total = sum(map(len, buckets.values()))
    if total <= rules.MAX_PER_JAR:
        return {}
    pairs: list[tuple[tuple[bytes, bytes], Cookie]] = []
    others: list[tuple[int, tuple[bytes, bytes]]] = []
    for bucket, rows in buckets.items():
        for row in rows:
            key, one = (bucket, row.index), keys.open(bucket, row)
            if isinstance(one, Cookie):
                pairs.append((key, one))
            else:
                others.append((0 if one is None else one.expires, key))
    others.sort()
    # First the damaged, then what ends, or ended, first.
    fits = rules.JAR_AFTER_PURGE // 2
    dropped = [
        key for at, (ends, key) in enumerate(others) if ends <= now or len(others) - at > fits
    ]
    gone: dict[bytes, list[bytes]] = {}
    for bucket, index in (
        *dropped,
        *rules.evict_from_jar(pairs, now, len(others) - len(dropped)),
    ):
        gone.setdefault(bucket, []).append(index)
    return {bucket: tuple(indexes) for bucket, indexes in gone.items()}
