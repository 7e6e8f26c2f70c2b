"""Emulated WebSockets of other processes: a request is passed on to the one that its id names.

Processes of one machine find each other by Unix sockets in a folder that only their user
may open: whoever can is as trusted as who can read the key file beside it, so TLS would add
nothing.  Those of other machines are reached over TLS with certificates on both sides; where,
the store tells, for some hours after they last said so.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import time
from typing import TYPE_CHECKING, Any, Protocol

import attrs
from twisted.internet import endpoints, ssl
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall

from gateway import events
from gateway.net.drive import watch
from gateway.net.passing import Passed, Served
from gateway.net.telemetry import where
from gateway.websocket.emulation import ids

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from twisted.internet.interfaces import IListeningPort
    from twisted.python.failure import Failure

    from gateway.exchange.emulated import Downward, Upward
    from gateway.net.client import Client
    from gateway.net.settings import Limits
    from gateway.net.telemetry import Telemetry
    from gateway.rewrite.headers import Fields
    from gateway.store.interface import Store

    _Short = Callable[[int, Fields, bytes], None]

_EVERY = 3600
_LONGEST_PATH = 100  # a Unix socket's is an array of 108 octets
_STORED = "node."
"""Before a node's name in the store."""
_ANNOUNCED = 3 * 3600
"""So long the store knows a process that says nothing more."""


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
        self.served: set[Served] = set()

    # --- being reached ------------------------------------------------------------------

    async def start(self) -> None:
        """Listen for the others, if there may be any; what cannot be is said."""
        factory = Factory.forProtocol(lambda: Served(self.served, self.serve))
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
            watch(self._announcing.start(_EVERY))

    def _announce(self) -> None:
        """Tell the store where this process is; it forgets who does not say it again."""
        now = int(time.time())
        told = self._store.keep(_STORED + self._node, self._announced, now, now + _ANNOUNCED)
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

    def serve(self, ending: Upward | Downward, client: Served) -> None:
        """Answer one request of another process."""
        running = Deferred.fromCoroutine(self._here.serve_passed(ending, client, client.short))

        def failed(failure: Failure) -> None:
            if not failure.check(CancelledError):
                self._telemetry.event(events.INTERNAL, detail=where(failure))
                client.abort()

        client.when_gone(running.cancel)
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
        short: _Short,
        request_id: str,
    ) -> str:
        """Pass a request on to the process that its id names; what went wrong."""
        passed = Passed(ending, client, short, request_id)
        try:
            endpoint = await self._endpoint(ending.id.partition(".")[0])
            if endpoint is not None:
                factory = Factory.forProtocol(lambda: passed)
                factory.noisy = False
                await endpoint.connect(factory)
        except (CancelledError, ConnectingCancelledError):
            raise CancelledError from None  # the client left
        except Exception as error:  # noqa: BLE001 (whatever it is, the connection is not there)
            self._telemetry.count("gateway_emulation_forwarded_total", outcome="unreached")
            await self._say_none(ending, client, short)
            return f"node unreached: {type(error).__name__}"
        if endpoint is None:
            await self._say_none(ending, client, short)
            return "emulation 404"
        self._telemetry.count("gateway_emulation_forwarded_total", outcome="passed")
        return await passed.done

    @staticmethod
    async def _say_none(ending: Upward | Downward, client: Client, short: _Short) -> None:
        await client.until_whole()
        short(404, ending.fields, b"")

    async def _endpoint(self, node: str) -> Any:
        if node == self._node:
            return None  # it had ended, or was never there
        seconds = self._here.limits().emulation_forward_seconds
        folder = self._settings.folder
        if folder is not None and (folder / node).is_socket():
            return endpoints.UNIXClientEndpoint(self._reactor, str(folder / node), seconds)
        if not self._settings.listen:
            return None
        told = await self._store.kept(_STORED + node, int(time.time()))
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
