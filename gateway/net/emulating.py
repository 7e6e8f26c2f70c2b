"""Carries out the endings of emulation, and keeps the emulated WebSockets of this process."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

from gateway import wire
from gateway.errors import GatewayError, LocalFault
from gateway.exchange.emulated import Created, Downward, KeepVerdict, Upward
from gateway.exchange.messages import Refuse
from gateway.net.emulation import EmulatedLeg, Made
from gateway.rewrite.headers import own_fields
from gateway.websocket.closing import Ending
from gateway.websocket.emulation import extensions

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.exchange.emulated import Emulated, VerdictNeed
    from gateway.net.client import Client
    from gateway.net.nodes import Nodes
    from gateway.net.settings import Limits
    from gateway.net.sockets import DialledSocket, Sockets
    from gateway.net.telemetry import Telemetry
    from gateway.rewrite.headers import Fields
    from gateway.store.interface import Store

    _Short = Callable[[int, Fields, bytes], None]


def _text(refuse: Refuse) -> str:
    """A refusal as it is kept: what the client is told of it."""
    fields = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in refuse.fields]
    return json.dumps([refuse.status, refuse.event, refuse.title, fields])


def _refuse(text: str) -> Refuse:
    status, event, title, pairs = json.loads(text)
    fields = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs)
    return Refuse(status, event, title, "as the native attempt was", fields=fields)


class Emulations:
    """The emulated WebSockets of this process, by id."""

    def __init__(self, reactor: Any, sockets: Sockets, telemetry: Telemetry) -> None:
        """``sockets`` couples them as it does native ones."""
        self._reactor = reactor
        self._sockets = sockets
        self.node = sockets.node
        self._telemetry = telemetry
        self._legs: dict[str, EmulatedLeg] = {}
        self.nodes: Nodes | None = None
        self.store: Store | None = None

    @property
    def count(self) -> int:
        """How many ids are alive, those that linger after their end included."""
        return len(self._legs)

    async def verdict(self, need: VerdictNeed, limits: Limits) -> Refuse | None:
        """Keep or recall how a native attempt was refused, for all processes."""
        if self.store is None:
            return None
        key = "verdict." + hashlib.sha256(need.key.encode("utf-8", "replace")).hexdigest()
        now = int(time.time())
        if isinstance(need, KeepVerdict):
            until = now + limits.emulation_verdict_seconds
            # Before the refusal is told: the create that follows comes at once.
            await self.store.keep(key, _text(need.refuse), now, until).addErrback(lambda _: None)
            return None
        try:
            found = await self.store.kept(key, now)
        except GatewayError:
            return None  # it is dialled once more, then
        return None if found is None else _refuse(found)

    def limits(self) -> Limits:
        """The bounds of what begins now."""
        return self._sockets.limits

    async def stop(self) -> None:
        """The process ends: so does what is left."""
        if self.nodes is not None:
            await self.nodes.stop()
        for leg in tuple(self._legs.values()):
            leg.end(Ending(drop=True))

    async def carry_out(
        self,
        ending: Emulated,
        client: Client,
        limits: Limits,
        short: _Short,
        socket: DialledSocket | None,
        request_id: str,
    ) -> str:
        """Answer one request; what went wrong, for the access line."""
        if isinstance(ending, Created):
            self._create(ending, client, limits, short, socket, request_id)
            return ""
        leg = self._legs.get(ending.id)
        if leg is None:
            if self.nodes is not None:
                return await self.nodes.forward(ending, client, short, request_id)
            await client.until_whole()
            return self._status(404, ending, short)
        return await self._answer(leg, ending, client, limits, short, request_id)

    async def serve_passed(self, ending: Upward | Downward, client: Any, short: _Short) -> str:
        """Answer a request that another process has judged and passed on."""
        leg = self._legs.get(ending.id)
        if leg is None:
            await client.until_whole()
            return self._status(404, ending, short)
        return await self._answer(leg, ending, client, self.limits(), short, "")

    async def _answer(
        self,
        leg: EmulatedLeg,
        ending: Upward | Downward,
        client: Client,
        limits: Limits,
        short: _Short,
        request_id: str,
    ) -> str:
        number = ending.number if ending.sound else None
        if isinstance(ending, Upward):
            source = client.arriving()
            found = leg.upward(number, source, limits.emulation_body_bytes)
            status = found if isinstance(found, int) else await found
            if status == 404 and found != 404 and not source.is_whole:
                self._count("upstream", 0)
                if not source.is_lost:  # else its client is gone, or is being told why
                    client.abort()  # the connection is lost, and so is what would come of this
                return "cut"
            await client.until_whole()
            return self._status(status, ending, short)
        fields = (*ending.fields, *own_fields())
        if request_id:
            fields += ((wire.REQUEST_ID_HEADER, request_id.encode("ascii")),)
        found = leg.receive(client, number, ending.wishes, fields)
        if isinstance(found, int):
            return self._status(found, ending, short)
        status = await found
        if status in {0, 200}:
            self._count("downstream", status)
            return "" if status else "cut"
        return self._status(status, ending, short)

    def _count(self, kind: str, status: int) -> None:
        self._telemetry.count("gateway_emulation_requests_total", kind=kind, status=str(status))

    def _status(self, status: int, ending: Upward | Downward, short: _Short) -> str:
        self._count("upstream" if isinstance(ending, Upward) else "downstream", status)
        short(status, ending.fields, b"")
        return "" if status == 200 else f"emulation {status}"

    def _create(
        self,
        ending: Created,
        client: Client,
        limits: Limits,
        short: _Short,
        socket: DialledSocket | None,
        request_id: str,
    ) -> None:
        if socket is None:
            raise LocalFault("an exchange accepted without an upstream socket")
        if client.is_gone:
            socket.discard()
            return
        text, asked, on = ending.id, ending.asked, ending.extensions

        def over() -> None:
            self._legs.pop(text, None)

        made = Made(ending.opening, on, asked.mixed)
        leg = EmulatedLeg(made, socket.limits or limits, self._reactor, self._telemetry, over)
        self._legs[text] = leg
        relay = self._sockets.relay(leg, client, socket, ending.accept, request_id)
        fields = [*ending.fields, (b"Content-Type", b"text/plain;charset=utf-8")]
        if ending.accept.subprotocol is not None:
            chosen = ending.accept.subprotocol.encode("latin-1")
            fields.append((b"X-WebSocket-Protocol", chosen))
        told = extensions.answer(on, limits.emulation_retry_bytes, limits.emulation_retry_seconds)
        if told:
            fields.append((b"X-WebSocket-Extensions", told.encode("ascii")))
        urls = (asked.url(client.head.host, leg_name, text) for leg_name in ("u", "d"))
        short(201, tuple(fields), "".join(f"{url}\n" for url in urls).encode("latin-1"))
        self._count("create", 201)
        self._sockets.couple(relay, socket)
