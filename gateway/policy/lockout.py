"""How long who fails to sign in must wait before the next try.

Three tallies are kept: of a user's name from one address, of the name from everywhere, of the
address for every name.  The first locks: after ``free`` failures each further one doubles
the wait, up to ``bound``.  The second never locks anybody out, or strangers could lock a person
out from afar: while many fail for one name, each address has one free try in place of some.
The third locks an address that tries many names, but not for those who have signed in from
there lately.
"""

from __future__ import annotations

import struct

import attrs

_TALLY = struct.Struct(">IQQ")
_MOST = 2**31


@attrs.frozen
class Rule:
    """After ``free`` failures wait ``first`` seconds, then twice as long, up to ``bound``."""

    free: int = 5
    first: int = 1
    bound: int = 900


@attrs.frozen
class Lockout:
    """All rules: ``pair`` for a name from one address, ``address`` for all names from there.

    More than ``user_free`` failures of one name from everywhere leave one free try for each
    address.  A tally is forgotten ``forget`` seconds after its last failure, that somebody
    signed in from an address after ``known``.
    """

    pair: Rule = attrs.field(factory=Rule)
    address: Rule = attrs.field(factory=lambda: Rule(50, 1, 900))
    user_free: int = 100
    forget: int = 3600
    known: int = 30 * 86400


@attrs.frozen
class Tally:
    """Failures, when the last one was, when somebody succeeded last; 0: never."""

    failures: int = 0
    at: int = 0
    succeeded: int = 0

    def dump(self) -> bytes:
        """As octets, to be sealed."""
        return _TALLY.pack(self.failures, self.at, self.succeeded)


def load(text: bytes | None) -> Tally:
    """What ``dump`` made; a fresh tally for anything else."""
    if text is None or len(text) != _TALLY.size:
        return Tally()
    return Tally(*_TALLY.unpack(text))


def delay(failures: int, rule: Rule) -> int:
    """The seconds to wait after so many failures in a row."""
    if failures < rule.free:
        return 0
    return min(rule.first << min(failures - rule.free, 40), rule.bound)


def wait(tally: Tally, rule: Rule, now: int, lockout: Lockout) -> int:
    """The seconds until the next try may be made; 0: now."""
    failures = current(tally, now, lockout).failures
    needed = delay(failures, rule)
    # A clock that was set back must not lock anybody out for longer.
    return max(0, min(tally.at + needed - now, needed))


def current(tally: Tally, now: int, lockout: Lockout) -> Tally:
    """The tally without failures that are forgotten by now."""
    longest = max(lockout.pair.bound, lockout.address.bound)
    if tally.failures and now - tally.at > lockout.forget + longest:
        return attrs.evolve(tally, failures=0)
    return tally


def failed(tally: Tally, now: int, lockout: Lockout) -> Tally:
    """One failure more."""
    before = current(tally, now, lockout)
    return attrs.evolve(before, failures=min(before.failures + 1, _MOST), at=now)


def taken_back(tally: Tally) -> Tally:
    """One failure less: it was charged beforehand, and was none."""
    return attrs.evolve(tally, failures=max(0, tally.failures - 1))


def succeeded(now: int) -> Tally:
    """Nothing is held against who signed in."""
    return Tally(0, 0, now)


def wait_for(pair: Tally, user: Tally, address: Tally, now: int, lockout: Lockout) -> int:
    """The one decision: how long this name from this address must wait; 0: not at all."""
    rule = lockout.pair
    if current(user, now, lockout).failures >= lockout.user_free:
        rule = attrs.evolve(rule, free=min(rule.free, 1))
    is_known = pair.succeeded and now - pair.succeeded < lockout.known
    there = 0 if is_known else wait(address, lockout.address, now, lockout)
    return max(there, wait(pair, rule, now, lockout))


def lives(tally: Tally, lockout: Lockout) -> int:
    """When a tally may be thrown away, in epoch seconds."""
    longest = max(lockout.pair.bound, lockout.address.bound)
    return max(tally.at + lockout.forget + longest, tally.succeeded + lockout.known)
