"""The tallies of failed tries to sign in, shared by all processes through the store.

They are sealed rows under keys of the server's own: the store learns neither names nor
addresses.  A try is charged before the password is looked at, so that many at once gain nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway import events
from gateway.cookies.remark import Remark
from gateway.cookies.seal import NONCE_SIZE, derive_user_keys
from gateway.errors import StoreUnavailable
from gateway.exchange import steps
from gateway.exchange.messages import (
    Commit,
    Hold,
    LetGo,
    NeedRandom,
    NeedRows,
    Note,
    Rows,
    ask,
)
from gateway.policy import lockout

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.cookies.seal import UserKeys
    from gateway.exchange.messages import Context
    from gateway.exchange.steps import Step
    from gateway.policy.lockout import Lockout, Tally

_MAX_NAME = 256


@attrs.frozen
class Place:
    """Where the three tallies of a name from an address are."""

    keys: UserKeys = attrs.field(repr=False)
    pair: bytes = attrs.field(repr=False)
    user: bytes = attrs.field(repr=False)
    address: bytes = attrs.field(repr=False)
    attempts: int = 100


def place(user: str, block: str, context: Context) -> Place:
    """The place for a name and a client's address block."""
    keys = context.keys
    own = derive_user_keys(keys.key("lockout", keys.newest), b"", keys.newest)
    name = user[:_MAX_NAME].encode("utf-8")
    address = block.encode("utf-8", "replace")
    return Place(
        own,
        b"pair " + address + b" " + name,
        b"user " + name,
        b"address " + address,
        context.settings.commit_attempts,
    )


def hold(where: Place) -> Hold:
    """Wait for one's turn within this process."""
    return Hold(where.keys.owner, _bucket(where.keys, where.pair))


def let_go() -> LetGo:
    """Let the next one try."""
    return LetGo()


def charge(where: Place, rules: Lockout) -> Step[int]:
    """Count a try as failed beforehand; the seconds to wait instead if it is too early."""
    now = yield from steps.now()
    user, _ = yield from _read(where.keys, where.user)
    address, _ = yield from _read(where.keys, where.address)
    for _ in range(where.attempts):
        pair, version = yield from _read(where.keys, where.pair)
        wait = lockout.wait_for(pair, user, address, now, rules)
        if wait:
            return wait
        after = lockout.failed(pair, now, rules)
        if (yield from _write(where.keys, where.pair, version, after, rules)):
            # Now, for whoever hangs up meanwhile must not have tried for nothing.
            for name in (where.user, where.address):
                yield from _change(
                    where, name, lambda tally: lockout.failed(tally, now, rules), rules
                )
            return 0
    raise StoreUnavailable("a tally of failed tries kept changing")


def clear(where: Place, rules: Lockout) -> Step[None]:
    """The try had not failed: nothing is held against the name from there any more."""
    now = yield from steps.now()
    yield from _change(where, where.pair, lambda _: lockout.succeeded(now), rules)
    for name in (where.user, where.address):
        yield from _change(where, name, lockout.taken_back, rules)


def take_back(where: Place, rules: Lockout) -> Step[None]:
    """Nobody looked at the password: the try does not count."""
    for name in (where.pair, where.user, where.address):
        yield from _change(where, name, lockout.taken_back, rules)


def _change(
    where: Place, name: bytes, change: Callable[[Tally], Tally], rules: Lockout
) -> Step[None]:
    for _ in range(where.attempts):
        tally, version = yield from _read(where.keys, name)
        if (yield from _write(where.keys, name, version, change(tally), rules)):
            return


def _bucket(keys: UserKeys, name: bytes) -> bytes:
    # Names hold what a person typed, which registrable domains never do: hashed, in ASCII.
    return keys.index("tally", Remark(name, b"", 0))[:8]


def _read(keys: UserKeys, name: bytes) -> Step[tuple[Tally, int]]:
    bucket = _bucket(keys, name)
    rows = yield from ask(NeedRows(keys.owner, bucket), Rows)
    found = [one for one in keys.open_all(bucket, rows.rows) if isinstance(one, Remark)]
    texts = [one.text for one in found if one.name == name]
    if len(found) < len(rows.rows):
        yield Note(events.ROW_DAMAGED, "a tally of failed tries did not open")
    return lockout.load(texts[0] if texts else None), rows.version


def _write(keys: UserKeys, name: bytes, version: int, tally: Tally, rules: Lockout) -> Step[bool]:
    bucket = _bucket(keys, name)
    nonce = yield from ask(NeedRandom(NONCE_SIZE), bytes)
    row = keys.seal(bucket, "tally", Remark(name, tally.dump(), lockout.lives(tally, rules)), nonce)
    return (yield from ask(Commit(keys.owner, bucket, version, (row,)), bool))
