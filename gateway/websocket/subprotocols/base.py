"""What all validators share: a message in, a verdict or None out, state bounded."""

from __future__ import annotations

import hashlib
from enum import Enum
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

PROTOCOL_ERROR, UNSUPPORTED, BAD_DATA, POLICY = 1002, 1003, 1007, 1008
MOST_FRAMES = 8192
"""How many frames or packets one message may end: what is looked into at one go is bounded."""
MOST_FIELDS = 65_536
"""The same of what packets repeat within them: filters, properties."""
_LONG = 64
"""Names of so many characters are remembered by a digest: peers choose them."""


class Direction(Enum):
    """Who sent a message; the value stands in logs."""

    FROM_CLIENT = "client"
    TO_CLIENT = "upstream"


@attrs.frozen
class Message:
    """A whole message, as one side sent it."""

    direction: Direction
    payload: bytes = attrs.field(repr=False)
    binary: bool = False


@attrs.frozen
class Verdict:
    """What is wrong.  ``rule`` and ``detail`` never hold what was in a message.

    ``by``: who did it, where that is not the message's sender.  ``final``: nothing that
    follows can be judged, since where it begins is not known any more.
    """

    close_code: int
    rule: str
    detail: str
    by: Direction | None = None
    final: bool = False


class Broken(Exception):
    """Carries a verdict out of the depth of a validator."""

    def __init__(self, verdict: Verdict) -> None:
        """The text of the exception is the rule alone."""
        super().__init__(verdict.rule)
        self.verdict = verdict


def broken(rule: str, detail: str, code: int = PROTOCOL_ERROR, *, final: bool = False) -> Broken:
    """A violation of a rule, to be raised."""
    return Broken(Verdict(code, rule, detail, final=final))


class Allowance:
    """What may still be looked into of one message, in whatever is counted."""

    def __init__(self, what: str, most: int) -> None:
        """``what`` is counted, up to ``most`` in one message."""
        self._what = what
        self._most = self._left = most

    def renew(self) -> None:
        """Another message."""
        self._left = self._most

    def spend(self, count: int = 1) -> None:
        """Look into some; raises ``Broken`` where it is too much."""
        self._left -= count
        if self._left < 0:
            raise broken("too-many", f"{self._what} in one message", POLICY, final=True)


class Validator(Protocol):
    """Judges the messages of one connection, in order, both ways."""

    def begin(self, now: float) -> None:
        """The connection is open; times are counted from here."""
        ...

    def check(self, message: Message, now: float) -> Verdict | None:
        """Judge one message; None: it is fine."""
        ...

    def deadline(self) -> float | None:
        """When ``expired`` wants to be asked; None: never, as it is now."""
        ...

    def expired(self, now: float) -> Verdict | None:
        """Whether something that was due by now has not come."""
        ...


class Base:
    """A validator whose ``read`` raises ``Broken``."""

    def begin(self, now: float) -> None:
        """Nothing is counted from here."""

    def check(self, message: Message, now: float) -> Verdict | None:
        """Judge one message."""
        try:
            self.read(message, now)
        except Broken as found:
            return found.verdict
        return None

    def read(self, message: Message, now: float) -> None:
        """Judge one message; raises ``Broken``."""
        raise NotImplementedError

    def deadline(self) -> float | None:
        """There is nothing to wait for."""
        return None

    def expired(self, now: float) -> Verdict | None:
        """Nothing is ever late."""
        del now
        return None


FrameType = TypeVar("FrameType")


class Framed(Base, Generic[FrameType]):
    """Streams of frames, which span messages and share them, and sides that are to be heard."""

    def __init__(self, pulse: Pulse) -> None:
        """``pulse``: when."""
        self._pulse = pulse
        self._allowance = Allowance("frames", MOST_FRAMES)

    def frames(self, message: Message, now: float) -> Iterator[FrameType]:
        """The frames that end in a message; raises ``Broken``, after which none can be found."""
        raise NotImplementedError

    def judge(self, side: Direction, frame: FrameType, now: float, /) -> None:
        """Judge one frame; raises ``Broken``."""
        raise NotImplementedError

    def check(self, message: Message, now: float) -> Verdict | None:
        """Judge the frames that end in a message; the first that is wrong decides."""
        first: Verdict | None = None
        self._pulse.heard(message.direction, now)
        self._allowance.renew()
        try:
            for frame in self.frames(message, now):
                self._allowance.spend()
                try:
                    self.judge(message.direction, frame, now)
                except Broken as found:
                    first = first or found.verdict
                    if found.verdict.final:
                        raise
        except Broken as found:
            first = attrs.evolve(first or found.verdict, final=True)
        return first

    def deadline(self) -> float | None:
        """When somebody is late."""
        return self._pulse.deadline()

    def expired(self, now: float) -> Verdict | None:
        """Who is."""
        return self._pulse.expired(now)


class Both(Base):
    """A subprotocol's validator, and behind it what the operator says of the messages."""

    def __init__(self, first: Validator, second: Validator) -> None:
        """Only the first one keeps times."""
        self._first = first
        self._second = second

    def begin(self, now: float) -> None:
        """Times are counted from here."""
        self._first.begin(now)

    def check(self, message: Message, now: float) -> Verdict | None:
        """Judge one message ; what breaks the subprotocol is not asked about further."""
        return self._first.check(message, now) or self._second.check(message, now)

    def deadline(self) -> float | None:
        """The first one's."""
        return self._first.deadline()

    def expired(self, now: float) -> Verdict | None:
        """The first one's."""
        return self._first.expired(now)


class Names:
    """What is in use on a connection, by name; more than a bound is a verdict."""

    def __init__(self, bound: int) -> None:
        """At most ``bound`` at once."""
        self._bound = bound
        self._held: dict[Hashable, int] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._held)

    def __contains__(self, name: Hashable) -> bool:
        """Whether a name is in use."""
        return _short(name) in self._held

    def add(self, name: Hashable, value: int = 0) -> None:
        """Take a name into use, which may have been."""
        name = _short(name)
        if name not in self._held and len(self._held) >= self._bound:
            raise broken("too-many", "more in use at once than are remembered", POLICY)
        self._held[name] = value

    def pop(self, name: Hashable) -> int | None:
        """Out of use; None: it was not in it."""
        return self._held.pop(_short(name), None)

    def get(self, name: Hashable) -> int | None:
        """What is known of a name in use."""
        return self._held.get(_short(name))


def _short(name: Hashable) -> Hashable:
    if not isinstance(name, str) or len(name) <= _LONG:
        return name
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Pulse:
    """When each side is heard at least; a late one is a verdict."""

    def __init__(self, rule: str) -> None:
        """Nobody is expected to speak yet."""
        self._rule = rule
        self._within: dict[Direction, float] = {}
        self._last: dict[Direction, float] = {}

    def expect(self, by: Direction, seconds: float, now: float) -> None:
        """``by`` is to be heard at least so often; 0: not at all."""
        self._within.pop(by, None)
        if seconds > 0:
            self._within[by] = seconds
            self._last[by] = now

    def heard(self, by: Direction, now: float) -> None:
        """``by`` said something."""
        self._last[by] = now

    def deadline(self) -> float | None:
        """When the first would be late."""
        return min((self._last[by] + most for by, most in self._within.items()), default=None)

    def expired(self, now: float) -> Verdict | None:
        """Who is late; that one is expected no more."""
        for by, most in tuple(self._within.items()):
            if self._last[by] + most <= now:
                del self._within[by]
                return Verdict(POLICY, self._rule, "heart-beats stopped", by)
        return None


def text_of(message: Message) -> str:
    """The text of a text message."""
    if message.binary:
        raise broken("text-only", "a binary message", UNSUPPORTED)
    return utf8(message.payload)


def octets_of(message: Message) -> bytes:
    """The octets of a binary message."""
    if not message.binary:
        raise broken("binary-only", "a text message", UNSUPPORTED, final=True)
    return message.payload


def utf8(octets: bytes | bytearray) -> str:
    """Decode strictly."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise broken("utf-8", "octets that are not UTF-8", BAD_DATA) from None
