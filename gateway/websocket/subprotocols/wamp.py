"""WAMP version 2, basic profile and what autobahn's message classes know of the advanced one.

Each message is read whole by those classes: fields, types, identifiers, URIs.  Who may
send which, and when, is judged here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autobahn.wamp import message as wamp

from gateway.websocket.subprotocols.base import POLICY, Base, Direction, Message, broken
from gateway.websocket.subprotocols.destinations import uri_allowed
from gateway.websocket.subprotocols.wamp_codecs import READERS

if TYPE_CHECKING:
    from gateway.websocket.rules import ValidationRules

CLIENT, SERVER = Direction.FROM_CLIENT, Direction.TO_CLIENT
NEW, JOINING, OPEN = "new", "joining", "open"
_LONGEST = 16
"""ERROR has seven elements, which is the most there are."""
_BOTH: tuple[Any, ...] = (wamp.Abort, wamp.Goodbye, wamp.Error)
_FROM: dict[Direction, dict[int, Any]] = {
    CLIENT: {
        kind.MESSAGE_TYPE: kind
        for kind in (
            *_BOTH, wamp.Hello, wamp.Authenticate, wamp.Publish, wamp.Subscribe, wamp.Unsubscribe,
            wamp.Call, wamp.Cancel, wamp.Register, wamp.Unregister, wamp.Yield, wamp.EventReceived,
        )
    },
    SERVER: {
        kind.MESSAGE_TYPE: kind
        for kind in (
            *_BOTH, wamp.Welcome, wamp.Challenge, wamp.Published, wamp.Subscribed, wamp.Event,
            wamp.Unsubscribed, wamp.Result, wamp.Registered, wamp.Unregistered, wamp.Invocation,
            wamp.Interrupt,
        )
    },
}  # fmt: skip
_BEFORE: dict[str, dict[Direction, set[Any]]] = {
    NEW: {CLIENT: {wamp.Hello}, SERVER: set()},
    JOINING: {
        CLIENT: {wamp.Authenticate, wamp.Abort},
        SERVER: {wamp.Welcome, wamp.Challenge, wamp.Abort},
    },
}
"""What may come before a session is open."""
_OPENING = {wamp.Hello, wamp.Welcome, wamp.Challenge, wamp.Authenticate}
_ROLES = {
    wamp.Publish: "publisher",
    wamp.Subscribe: "subscriber",
    wamp.Unsubscribe: "subscriber",
    wamp.EventReceived: "subscriber",
    wamp.Call: "caller",
    wamp.Cancel: "caller",
    wamp.Register: "callee",
    wamp.Unregister: "callee",
    wamp.Yield: "callee",
    wamp.Error: "callee",
}
"""The role that a client has to have named for what it sends."""


class Wamp(Base):
    """One connection; sessions may follow each other on it."""

    def __init__(self, serialisation: str, rules: ValidationRules) -> None:
        """``serialisation`` as in the subprotocol's name, with ``.batched`` or without."""
        name, _, batched = serialisation.partition(".")
        self._read = READERS[name]
        self._batched = bool(batched)
        self._rules = rules
        self._state = NEW
        self._roles: frozenset[str] = frozenset()
        self._left = {CLIENT: False, SERVER: False}

    def read(self, message: Message, now: float) -> None:
        """Judge what is in a message; the first that is wrong decides."""
        del now
        for raw in self._read(message, batched=self._batched):
            self._judge(message.direction, raw)

    def _judge(self, side: Direction, raw: Any) -> None:
        if not isinstance(raw, list) or not raw or type(raw[0]) is not int:
            raise broken("wamp-shape", "not an array with a type code in front")
        kind = _FROM[side].get(raw[0])
        if kind is None:
            raise broken("wamp-type", "a type code that this side may not send")
        self._check_order(side, kind)
        if len(raw) > _LONGEST:
            raise broken("wamp-message", "longer than any message")
        while len(raw) > 3 and raw[-1] is None:
            raw = raw[:-1]  # some routers write null where there are no arguments
        try:
            found = kind.parse(raw)
        except Exception:  # noqa: BLE001 (odd keys end in TypeErrors; their texts quote)
            raise broken("wamp-message", f"not a {kind.__name__.upper()} as there is one") from None
        if side is CLIENT:
            self._from_client(kind, found)
        self._move(side, kind)

    def _check_order(self, side: Direction, kind: Any) -> None:
        if self._state == OPEN:
            fine = kind not in _OPENING and not self._left[side]
        else:
            fine = kind in _BEFORE[self._state][side]
        if not fine:
            raise broken("wamp-order", f"{kind.__name__.upper()} at the wrong time")

    def _move(self, side: Direction, kind: Any) -> None:
        if kind is wamp.Hello:
            self._state = JOINING
        elif kind is wamp.Welcome:
            self._state = OPEN
            self._left = {CLIENT: False, SERVER: False}
        elif kind is wamp.Abort:
            self._state = NEW
        elif kind is wamp.Goodbye:
            self._left[side] = True
            if all(self._left.values()):
                self._state = NEW

    def _from_client(self, kind: Any, found: Any) -> None:
        if kind is wamp.Hello:
            self._roles = frozenset(found.roles)
            return
        role = _ROLES.get(kind)
        if role is not None and role not in self._roles:
            raise broken("wamp-role", f"{kind.__name__.upper()} without the role {role}")
        if kind is wamp.Publish:
            self._allow("publish", found.topic, "exact")
        elif kind is wamp.Call:
            self._allow("publish", found.procedure, "exact")
        elif kind is wamp.Subscribe:
            self._allow("subscribe", found.topic, found.match)
        elif kind is wamp.Register:
            self._allow("subscribe", found.procedure, found.match)

    def _allow(self, rule: str, uri: str, match: str) -> None:
        patterns = self._rules.publish if rule == "publish" else self._rules.subscribe
        if patterns is not None and not uri_allowed(uri, patterns, match):
            raise broken(rule, "the URI is not open to this page", POLICY)
