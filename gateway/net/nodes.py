"""Emulated WebSockets of other processes: a request is passed on to the one that its id names.

Processes of one machine find each other by Unix sockets in a folder that only their user
may open: whoever can is as trusted as who can read the key file beside it, so TLS would add
nothing.  Those of other machines are reached over TLS with certificates on both sides; where,
the store tells, which holds nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import time
from typing import TYPE_CHECKING, Any, Protocol

import attrs
from twisted.internet import endpoints, ssl
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.task import LoopingCall
from twisted.protocols.basic import Int32StringReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway import events, wire
from gateway.errors import BodyTooLarge
from gateway.exchange.emulated import Downward, Upward
from gateway.net.drive import watch
from gateway.net.telemetry import where
from gateway.websocket.emulation import ids
from gateway.websocket.emulation.request import Wishes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from twisted.internet.interfaces import IListeningPort

    from gateway.net.client import Client
    from gateway.net.settings import Limits
    from gateway.net.telemetry import Telemetry
    from gateway.rewrite.headers import Fields
    from gateway.store.interface import Store

    _Short = Callable[[int, Fields, bytes], None]

_DAY = 86400
_CHUNK = 64 * 1024
_LONGEST_PATH = 100  # a Unix socket's is an array of 108 octets
_STORED = "node."
"""Before a node's name in the store, among the labels, none of which has a full stop."""


@attrs.frozen
class NodeSettings:
    """How the processes reach each other; ``folder`` None: those of one machine do not.

    ``listen`` is a Twisted endpoint, ``address`` the name by which other machines know this
    one; the three files are PEM texts.
    """

    folder: Path | None = None
    listen: str = ""
    address: str = ""
    certificate: bytes = attrs.field(default=b"", repr=False)
    key: bytes = attrs.field(default=b"", repr=False)
    authority: bytes = attrs.field(default=b"", repr=False)


class Here(Protocol):
    """The emulated WebSockets of this process."""

    node: str

    def limits(self) -> Limits:
        """The bounds of what begins now."""
        ...

    async def serve_passed(self, ending: Upward | Downward, client: Any, short: _Short) -> str:
        """Answer a request that another process has judged and passed on."""
        ...


class _Strings(Int32StringReceiver):
    """Pieces of a request or an answer; an empty one is its end."""

    MAX_LENGTH = 1024 * 1024
    transport: Any

    def lengthLimitExceeded(self, length: int) -> None:
        """No piece is so long."""
        del length
        self.transport.abortConnection()

    def send_head(self, told: dict[str, Any]) -> None:
        """The first piece."""
        self.sendString(json.dumps(told).encode("ascii"))

    def send(self, data: bytes) -> None:
        """Octets, in pieces."""
        for at in range(0, len(data), _CHUNK):
            self.sendString(data[at : at + _CHUNK])


def _pairs(fields: Fields) -> list[list[str]]:
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in fields]


def _fields(pairs: list[list[str]]) -> Fields:
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs)


def _told(ending: Upward | Downward) -> dict[str, Any]:
    told: dict[str, Any] = {"id": ending.id, "number": ending.number, "sound": ending.sound}
    told["fields"] = _pairs(ending.fields)
    if isinstance(ending, Downward):
        told["wishes"] = attrs.asdict(ending.wishes)
    return told


def _heard(told: dict[str, Any]) -> Upward | Downward:
    fields = _fields(told["fields"])
    if "wishes" not in told:
        return Upward(told["id"], told["number"], told["sound"], fields)
    return Downward(told["id"], told["number"], Wishes(**told["wishes"]), told["sound"], fields)


class _Served(_Strings):
    """A request that another process passed on; to the leg it is a client like any other."""

    def __init__(self, nodes: Nodes) -> None:
        """``nodes`` serves it when it is whole."""
        self._nodes = nodes
        self._told: dict[str, Any] | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._on_gone: list[Callable[[], None]] = []
        self._is_over = False
        self.is_gone = False

    def connectionMade(self) -> None:
        """Known, so that it ends with the process."""
        self._nodes.served.add(self)

    def stringReceived(self, string: bytes) -> None:
        """The head, the body, the end."""
        if self._told is None:
            self._told = json.loads(string)
        elif string:
            self._size += len(string)
            if self._size <= self._nodes.limits().emulation_body_bytes:
                self._body.append(string)
            else:
                self._body = []
        else:
            self._nodes.serve(_heard(self._told), self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client left, or the process between."""
        del reason
        self._nodes.served.discard(self)
        self.is_gone = True
        callbacks, self._on_gone = self._on_gone, []
        if not self._is_over:
            for callback in callbacks:
                callback()

    # What a leg asks of a client.

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Call back once when the client disconnects before the answer's end."""
        self._on_gone.append(callback)

    def read_body(self, limit: int, key: str) -> bytes:
        """The body; raises ``BodyTooLarge``."""
        if self._size > limit:
            raise BodyTooLarge(f"[limits] {key} is less than what was sent")
        return b"".join(self._body)

    def start(self, status: int, reason: bytes, fields: Fields) -> None:
        """Status and fields."""
        del reason
        if not self.is_gone:
            self.send_head({"status": status, "fields": _pairs(fields)})

    def write(self, data: bytes) -> None:
        """A part of the answer."""
        if not self.is_gone:
            self.send(data)

    def finish(self) -> None:
        """The answer is whole."""
        self._is_over = True
        if not self.is_gone:
            self.sendString(b"")
            self.transport.loseConnection()

    def abort(self) -> None:
        """It breaks off."""
        self._is_over = True
        if not self.is_gone:
            self.transport.abortConnection()

    def register_producer(self, producer: IPushProducer) -> None:
        """Let the pace of the other process be the leg's."""
        if not self.is_gone:
            self.transport.registerProducer(producer, streaming=True)

    def unregister_producer(self) -> None:
        """The leg has written all."""
        if not self.is_gone:
            self.transport.unregisterProducer()

    def short(self, status: int, fields: Fields, body: bytes) -> None:
        """A whole answer."""
        self.send_head({"status": status, "fields": _pairs(fields), "short": True})
        self.write(body)
        self.finish()


@implementer(IPushProducer)
class _Passed(_Strings):
    """A client's request on its way to another process; ``done`` fires with what went wrong."""

    def __init__(
        self, ending: Upward | Downward, client: Client, body: bytes, short: _Short, request_id: str
    ) -> None:
        """``body``: the request's; ``request_id``: of this process."""
        self._named = ((wire.REQUEST_ID_HEADER, request_id.encode("ascii")),)
        self._ending = ending
        self._client = client
        self._body = body
        self._short = short
        self._head: dict[str, Any] | None = None
        self._said = b""
        self._is_over = False
        self.done: Deferred[str] = Deferred(lambda _: self._drop())

    def connectionMade(self) -> None:
        """Say it all."""
        self._client.when_gone(self._drop)
        self.send_head(_told(self._ending))
        self.send(self._body)
        self.sendString(b"")

    def stringReceived(self, string: bytes) -> None:
        """The answer's head, its parts, its end."""
        head = self._head
        if head is None:
            self._head = head = json.loads(string)
            if "short" not in head:
                self._client.start(head["status"], b"", (*_fields(head["fields"]), *self._named))
                self._client.register_producer(self)
        elif string and "short" in head:
            self._said += string
        elif string:
            self._client.write(string)
        else:
            self._end("")
            if "short" in head:
                self._short(head["status"], _fields(head["fields"]), self._said)
            else:
                self._client.finish()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Before the end: a dropped connection, as a native one would be."""
        del reason
        if self._is_over:
            return
        begun = self._head is not None and "short" not in self._head
        self._end("the process that has it is gone")
        if begun:
            self._client.abort()
        else:
            self._short(404, self._ending.fields, b"")

    def _end(self, why: str) -> None:
        if self._head is not None and "short" not in self._head:
            self._client.unregister_producer()
        self._is_over = True
        if not self.done.called:
            self.done.callback(why)

    def _drop(self) -> None:
        self._is_over = True
        if self.transport is not None:
            self.transport.abortConnection()

    def pauseProducing(self) -> None:
        """The client does not keep up."""
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """It does again."""
        self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """The client is gone."""
        self._drop()


class Nodes:
    """This process among the others."""

    def __init__(
        self,
        here: Here,
        settings: NodeSettings,
        store: Store,
        reactor: Any,
        telemetry: Telemetry,
    ) -> None:
        """``here`` has the emulated WebSockets of this process."""
        self._node = here.node
        self._settings = settings
        self._store = store
        self._reactor = reactor
        self._telemetry = telemetry
        self._here = here
        self._ports: list[IListeningPort] = []
        self._announced = ""
        self._announcing = LoopingCall(self._announce)
        self._announcing.clock = reactor
        self.limits = here.limits
        self.served: set[_Served] = set()

    # --- being reached ------------------------------------------------------------------

    async def start(self) -> None:
        """Listen for the others, if there may be any; what cannot be is said."""
        factory = Factory.forProtocol(lambda: _Served(self))
        factory.noisy = False
        if self._settings.folder is not None:
            try:
                self._open_folder(self._settings.folder)
                path = str(self._settings.folder / self._node)
                self._ports.append(self._reactor.listenUNIX(path, factory, mode=0o600))
            except Exception as error:  # noqa: BLE001 (Twisted's are no OSErrors)
                detail = f"[emulation] folder: {type(error).__name__}: {error}"
                self._telemetry.event(events.NODE_FAILED, detail=detail)
        if self._settings.listen:
            endpoint = endpoints.serverFromString(self._reactor, self._settings.listen)
            endpoint = endpoints.wrapServerTLS(
                self._identity().options(*self._authorities()), endpoint
            )
            port = await endpoint.listen(factory)
            self._ports.append(port)
            host: Any = port.getHost()
            self._announced = f"{self._settings.address}:{host.port}"
            watch(self._announcing.start(_DAY))

    def _announce(self) -> None:
        """Tell the store where this process is; it forgets who does not say it again."""
        day = int(time.time()) // _DAY
        told = self._store.remember_origin(_STORED + self._node, self._announced, day)
        watch(told.addErrback(lambda _: None))

    @staticmethod
    def _open_folder(folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise ValueError(f"{folder} is open to others")
        if len(str(folder)) > _LONGEST_PATH - 32:
            raise ValueError(f"{folder} is too long a path for Unix sockets")
        for path in folder.iterdir():
            if ids.NODE.match(path.name) and path.is_socket():
                with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
                    try:
                        probe.setblocking(False)  # noqa: FBT003 (the library's own form)
                        probe.connect(str(path))
                    except ConnectionRefusedError:
                        path.unlink(missing_ok=True)  # who listened there was killed
                    except OSError:
                        pass

    def serve(self, ending: Upward | Downward, client: _Served) -> None:
        """Answer one request of another process."""
        running = Deferred.fromCoroutine(self._here.serve_passed(ending, client, client.short))

        def failed(failure: Failure) -> None:
            self._telemetry.event(events.INTERNAL, detail=where(failure))
            client.abort()

        watch(running.addErrback(failed))

    async def stop(self) -> None:
        """Nobody reaches this process any more."""
        if self._announcing.running:
            self._announcing.stop()
        ports, self._ports = self._ports, []
        for port in ports:
            stopped = port.stopListening()
            if stopped is not None:
                with contextlib.suppress(OSError):  # somebody took the socket's file away
                    await stopped
        for one in tuple(self.served):
            one.abort()

    # --- reaching others ----------------------------------------------------------------

    async def forward(
        self,
        ending: Upward | Downward,
        client: Client,
        limits: Limits,
        short: _Short,
        request_id: str,
    ) -> str:
        """Pass a request on to the process that its id names; what went wrong."""
        node = ending.id.partition(".")[0]
        try:
            body = b""
            if isinstance(ending, Upward):
                # Too large: the leg must hear of it, and does by one octet too many.
                most = limits.emulation_body_bytes
                body = client.read_body(limits.request_body_bytes, "request-body-bytes")[: most + 1]
            passed = _Passed(ending, client, body, short, request_id)
            endpoint = None if node == self._node else await self._endpoint(node)
            if endpoint is None:
                short(404, ending.fields, b"")
                return "emulation 404"
            factory = Factory.forProtocol(lambda: passed)
            factory.noisy = False
            await endpoint.connect(factory)
        except Exception as error:  # noqa: BLE001 (whatever it is, the connection is not there)
            short(404, ending.fields, b"")
            self._telemetry.count("gateway_emulation_forwarded_total", outcome="unreached")
            return f"node unreached: {type(error).__name__}"
        self._telemetry.count("gateway_emulation_forwarded_total", outcome="passed")
        return await passed.done

    async def _endpoint(self, node: str) -> Any:
        seconds = self.limits().emulation_forward_seconds
        folder = self._settings.folder
        if folder is not None and (folder / node).is_socket():
            return endpoints.UNIXClientEndpoint(self._reactor, str(folder / node), seconds)
        if not self._settings.listen:
            return None
        told = await self._store.origin(_STORED + node)
        if told is None:
            return None
        host, _, port = told.rpartition(":")
        authority = ssl.trustRootFromCertificates(self._authorities())
        options = ssl.optionsForClientTLS(host, authority, self._identity())
        plain = endpoints.HostnameEndpoint(self._reactor, host, int(port), seconds)
        return endpoints.wrapClientTLS(options, plain)

    def _identity(self) -> Any:
        return ssl.PrivateCertificate.loadPEM(
            self._settings.key + b"\n" + self._settings.certificate
        )

    def _authorities(self) -> list[ssl.Certificate]:
        return [ssl.Certificate.loadPEM(self._settings.authority)]
