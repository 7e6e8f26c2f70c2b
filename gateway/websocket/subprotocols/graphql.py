"""GraphQL over WebSocket: ``graphql-transport-ws``, and the older ``graphql-ws`` of Apollo's.

Close codes are the protocol's own (44xx), since its clients decide by them whether to try again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.websocket.subprotocols.base import (
    Base,
    Broken,
    Direction,
    Message,
    Names,
    Verdict,
    broken,
    text_of,
)
from gateway.websocket.subprotocols.json_text import load

if TYPE_CHECKING:
    from gateway.websocket.rules import ValidationRules

CLIENT, SERVER = Direction.FROM_CLIENT, Direction.TO_CLIENT
BAD_REQUEST, UNAUTHORIZED, INIT_TIMEOUT, DUPLICATE, TOO_MANY_INIT = 4400, 4401, 4408, 4409, 4429


def _bad(rule: str, detail: str, code: int = BAD_REQUEST) -> Broken:
    return broken(f"graphql-{rule}", detail, code)


class _GraphQl(Base):
    """What both have: an opening in time, operations with names."""

    begins, ends = "subscribe", "complete"
    needs_query = True
    types: dict[Direction, dict[str, tuple[bool, tuple[type, ...] | None]]]
    """For each side its types: whether there is an id, and what a payload may be."""

    def __init__(self, rules: ValidationRules) -> None:
        self._rules = rules
        self._due: float | None = None
        self._init = self._acked = False
        self._running = Names(rules.ids)
        # Operations that the client ended: the server may have sent more meanwhile.
        self._ended = Names(rules.ids)
        self._forgot = False

    def begin(self, now: float) -> None:
        """The client has so long for its first message."""
        self._due = now + self._rules.init_seconds

    def deadline(self) -> float | None:
        """When that is over."""
        return self._due

    def expired(self, now: float) -> Verdict | None:
        """Whether it is."""
        if self._due is None or now < self._due:
            return None
        self._due = None
        return Verdict(INIT_TIMEOUT, "graphql-init-time", "no connection_init in time", CLIENT)

    def read(self, message: Message, now: float) -> None:
        """Judge one message."""
        del now
        side = message.direction
        found = load(text_of(message))
        if not isinstance(found, dict):
            raise _bad("shape", "not an object")
        kind = found.get("type")
        if not isinstance(kind, str) or kind not in self.types[side]:
            raise _bad("type", "not one that this side may send")
        named, payload = self.types[side][kind]
        if named and not (isinstance(found.get("id"), str) and found["id"]):
            raise _bad("id", f"{kind} without an id")
        if payload is not None and not isinstance(found.get("payload"), payload):
            raise _bad("payload", f"{kind} with another payload than it has")
        self._check_order(side, kind)
        if side is CLIENT:
            self._from_client(kind, found)
        else:
            self._from_server(kind, found)

    def _check_order(self, side: Direction, kind: str) -> None:
        if side is CLIENT and kind == "connection_init":
            if self._init:
                raise _bad("init", "connection_init twice", TOO_MANY_INIT)
            self._init, self._due = True, None
        elif side is SERVER and kind == "connection_ack":
            if not self._init or self._acked:
                raise _bad("ack", "connection_ack, and nobody waits for one")
            self._acked = True

    def _from_client(self, kind: str, found: dict[str, Any]) -> None:
        if kind == self.begins:
            self._check_begin()
            name = found["id"]
            if name in self._running:
                raise _bad("id", "the id of an operation that runs", DUPLICATE)
            self._check_operation(found["payload"])
            self._running.add(name)
        elif kind == self.ends and self._running.pop(found["id"]) is not None:
            try:
                self._ended.add(found["id"])
            except Broken:
                self._forgot = True

    def _check_begin(self) -> None:
        """Whether an operation may begin already."""
        raise NotImplementedError

    def _check_operation(self, payload: dict[str, Any]) -> None:
        """GraphQL over HTTP's request: a query, and what goes with it."""
        fine = (
            isinstance(payload.get("query"), str if self.needs_query else str | None)
            and isinstance(payload.get("operationName"), str | None)
            and isinstance(payload.get("variables"), dict | None)
            and isinstance(payload.get("extensions"), dict | None)
        )
        if not fine:
            raise _bad("payload", "an operation without a query, or with parts of other kinds")

    def _from_server(self, kind: str, found: dict[str, Any]) -> None:
        if not self.types[SERVER][kind][0]:
            return
        name = found["id"]
        last = kind in {"complete", "error"}
        known = name in self._running or name in self._ended
        if not known and not self._forgot:
            raise _bad("id", f"{kind} for an operation that does not run")
        if last:
            self._running.pop(name)
            self._ended.pop(name)


_OBJECT, _ERRORS = (dict,), (list,)
_MAYBE = (dict, type(None))


class GraphQlTransport(_GraphQl):
    """``graphql-transport-ws``."""

    begins, ends = "subscribe", "complete"
    types = {  # noqa: RUF012 (never changed)
        CLIENT: {
            "connection_init": (False, _MAYBE),
            "ping": (False, _MAYBE),
            "pong": (False, _MAYBE),
            "subscribe": (True, _OBJECT),
            "complete": (True, None),
        },
        SERVER: {
            "connection_ack": (False, _MAYBE),
            "ping": (False, _MAYBE),
            "pong": (False, _MAYBE),
            "next": (True, _OBJECT),
            "error": (True, _ERRORS),
            "complete": (True, None),
        },
    }

    def _check_begin(self) -> None:
        if not self._acked:
            raise _bad("order", "an operation before connection_ack", UNAUTHORIZED)


class GraphQlLegacy(_GraphQl):
    """``graphql-ws``, of subscriptions-transport-ws: operations may follow at once."""

    begins, ends = "start", "stop"
    needs_query = False  # Apollo's persisted queries have their digest in extensions
    types = {  # noqa: RUF012 (never changed)
        CLIENT: {
            "connection_init": (False, _MAYBE),
            "start": (True, _OBJECT),
            "stop": (True, None),
            "connection_terminate": (False, None),
        },
        SERVER: {
            "connection_ack": (False, _MAYBE),
            "connection_error": (False, None),
            "ka": (False, None),
            "data": (True, _OBJECT),
            "error": (True, None),
            "complete": (True, None),
        },
    }

    def _check_begin(self) -> None:
        if not self._init:
            raise _bad("order", "an operation before connection_init", UNAUTHORIZED)
