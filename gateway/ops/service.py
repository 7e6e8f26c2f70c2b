"""The service that twistd runs: everything built, listening, reloaded, drained."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import attrs
from publicsuffixlist import PublicSuffixList
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.task import LoopingCall

from gateway import __version__, events
from gateway.cookies.suffixes import Suffixes
from gateway.errors import ConfigurationError, GatewayError
from gateway.exchange.messages import Context
from gateway.exchange.messages import Settings as ExchangeSettings
from gateway.net.drive import watch
from gateway.net.http import Handler
from gateway.net.listener import ReloadingCertificate, listen, redirect_handler
from gateway.net.peer import Contexts
from gateway.net.resolver import ConnectOnly, FilteringResolver
from gateway.net.site import Site
from gateway.net.upstream import Upstream
from gateway.net.websocket import Sockets
from gateway.ops import keyfile
from gateway.ops.admin import Admin
from gateway.ops.metrics import Telemetry
from gateway.origins import HostKind
from gateway.pages.render import Pages
from gateway.store.opening import open_store

if TYPE_CHECKING:
    from twisted.internet.interfaces import IListeningPort

    from gateway.ops.config import Config
    from gateway.store.interface import Store

_TICKET_KEYS_SECONDS = 12 * 3600
_DAY = 86400


class GatewayService(Service):
    """One gateway process.

    ``start`` opens store and ports; one that is taken fails the start, aloud.
    """

    name = "gateway"

    def __init__(self, config: Config, reactor: Any, telemetry: Telemetry | None = None) -> None:
        """Build everything that needs no port; raises ``ConfigurationError``."""
        self.config = config
        self.telemetry = telemetry or Telemetry()
        self._reactor = reactor
        self._ports: list[IListeningPort] = []
        self._ready = False
        self._stopping = False
        self.failure: GatewayError | None = None
        self._certificate = ReloadingCertificate(
            config.tls.certificate, config.tls.key, config.tls.minimum
        )
        self._addresses = config.policy.addresses
        self.store: Store = open_store(config.store, reactor)
        pages = Pages(config.codec, config.apart, config.catalogue)
        contexts = Contexts(system=config.net.trust_system, files=config.net.trust_files)
        resolver = FilteringResolver(reactor.nameResolver, lambda: self._addresses, self.telemetry)
        connect_reactor = ConnectOnly(reactor, resolver)
        self._upstream = Upstream(reactor, connect_reactor, config.net, contexts, self.telemetry)
        self.sockets = Sockets(reactor, self._upstream, self.telemetry)
        keys = keyfile.load_or_create(config.key_file)
        context = Context(
            config.codec,
            keys,
            Suffixes(PublicSuffixList()),
            config.policy,
            pages.runtime_path,
            pages.runtime_digest,
            pages.rare_path,
            pages.rare_digest,
            pages.worker_path,
            pages.worker_source,
            ExchangeSettings(
                expansion_ratio=config.net.limits.expansion_ratio,
                token_bytes=config.net.limits.rewrite_token_bytes,
                access_seconds=config.net.limits.cookie_access_seconds,
                token_seconds=config.net.limits.token_seconds,
                proof_seconds=config.net.limits.proof_seconds,
                webrtc=config.webrtc,
                settle_seconds=config.net.limits.settle_seconds,
            ),
            config.apart,
        )
        limits = config.net.limits
        self._handler = handler = Handler(
            reactor, limits, self.store, self._upstream, self.sockets, pages, self.telemetry,
            context,
        )  # fmt: skip
        self.site = Site(reactor, limits, self.telemetry, handler.serve, h2=config.http2)
        self.redirects = Site(
            reactor, limits, self.telemetry, redirect_handler(self._redirect_location)
        )
        self._tickets = LoopingCall(self._certificate.reload)
        self._tickets.clock = reactor
        self._purging = LoopingCall(self._purge)
        self._purging.clock = reactor

    # --- start --------------------------------------------------------------------

    def startService(self) -> None:
        """See ``IService``; exits with status 1 before the reactor runs when it cannot."""
        super().startService()
        watch(Deferred.fromCoroutine(self.start()).addErrback(self._start_failed))
        if self.failure is not None:
            for line in getattr(self.failure, "faults", [str(self.failure)]):
                sys.stderr.write(f"{line}\n")
            raise SystemExit(1)

    async def start(self) -> None:
        """Open the store and every port; raises ``GatewayError`` for what cannot be had."""
        self.store.start()
        # Look-ups run in these threads: a few names that hang must not hold up all others.
        self._reactor.suggestThreadPoolSize(self.config.net.limits.resolver_threads)
        try:
            await self._listen()
        except BaseException:
            # Not awaited: before the reactor runs nothing of it would come.
            for port in self._ports:
                stopped = port.stopListening()
                if stopped is not None:
                    watch(stopped)
            self._ports.clear()
            watch(self.store.stop())
            raise
        watch(self._tickets.start(_TICKET_KEYS_SECONDS, now=False))
        watch(self._purging.start(_DAY))
        self._reactor.callWhenRunning(self._handle_signals)
        self._announce()
        self._ready = True

    async def _listen(self) -> None:
        config = self.config
        own: set[tuple[str, int]] = set()
        admin = Admin(self.telemetry, self._why_not_ready, self._facts).site(self._reactor)
        wanted: list[tuple[str, Any, ReloadingCertificate | None]] = [
            *((one, self.site, self._certificate) for one in config.listen),
            *((one, self.redirects, None) for one in config.redirect_listen),
            *((one, admin, None) for one in config.admin_listen),
        ]
        for description, factory, certificate in wanted:
            port = await listen(self._reactor, description, factory, certificate)
            self._ports.append(port)
            host: Any = port.getHost()
            if hasattr(host, "port"):
                own.add((host.host, host.port))
        # What listens here must never be an upstream, whatever else is opened.
        self._addresses = attrs.evolve(self._addresses, own=frozenset(own))

    def _start_failed(self, failure: Any) -> None:
        error = failure.value
        lines = error.faults if isinstance(error, ConfigurationError) else [str(error)]
        for line in lines:
            self.telemetry.event(events.INTERNAL, detail=f"not started: {line}")
        self.failure = error if isinstance(error, GatewayError) else GatewayError(repr(error))
        if self._reactor.running:
            self._reactor.stop()

    def _announce(self) -> None:
        config = self.config
        self.telemetry.show_limits(config.net.limits)
        for warning in config.warnings:
            self.telemetry.event(events.DANGEROUS_SETTING, detail=warning)
        for notice in config.notices:
            self.telemetry.event("config.notice", detail=notice)
        for description in config.admin_listen:
            loopback = any(text in description for text in ("127.0.0.1", "localhost", "unix:"))
            if not loopback and "::1" not in description.replace("\\:", ":"):
                detail = f"admin.listen: {description!r} has no authentication"
                self.telemetry.event(events.DANGEROUS_SETTING, detail=detail)
        self.telemetry.event(
            events.READY, version=__version__, listening=[str(p.getHost()) for p in self._ports]
        )

    def _handle_signals(self) -> None:
        def hang_up(*_: object) -> None:
            self._reactor.callFromThread(self.reload)

        signal.signal(signal.SIGHUP, hang_up)

    def _redirect_location(self, host: str, target: bytes) -> str | None:
        codec = self.config.codec
        codecs = (codec, self.config.apart or codec)
        unknown = all(one.classify(host)[0] is HostKind.UNKNOWN for one in codecs)
        if unknown or not target.startswith(b"/") or not host.isascii():
            return None
        name, colon, port = host.rpartition(":")
        name = name if colon and port.isdigit() else host
        suffix = "" if codec.public_port == 443 else f":{codec.public_port}"
        return f"https://{name}{suffix}{target.decode('latin-1')}"

    # --- while it runs ------------------------------------------------------------

    def reload(self) -> None:
        """SIGHUP: read the certificate again; a bad one leaves the good one in place."""
        try:
            self._certificate.reload()
        except ConfigurationError as error:
            self.telemetry.event(events.RELOAD_REFUSED, detail=str(error))
        else:
            detail = "the certificate; other settings change with a restart"
            self.telemetry.event(events.RELOADED, detail=detail)

    def _purge(self) -> None:
        """Once a day: rows and digests whose time is over."""
        purged = self.store.purge(int(time.time()) // _DAY)
        watch(purged.addErrback(lambda _: self.telemetry.event(events.STORE_FAILED)))

    def _why_not_ready(self) -> Deferred[str | None]:
        if self._stopping or not self._ready:
            return succeed("stopping" if self._stopping else "starting")
        answered = self.store.ping().addTimeout(5, self._reactor)
        return answered.addCallbacks(lambda _: None, lambda _: "the store does not answer")

    def _facts(self) -> dict[str, str]:
        value = self.telemetry.value
        return {
            "domain": self.config.codec.domain,
            "listening": ", ".join(str(port.getHost()) for port in self._ports),
            "connections": f"{value('gateway_connections'):.0f}",
            "WebSockets": f"{value('gateway_websocket_connections'):.0f}",
            "certificate until": self._certificate.expires,
            "rules": f"{len(self.config.policy.navigation)} allow-navigation, "
            f"{len(self.config.policy.access)} access",
        }

    # --- stop ---------------------------------------------------------------------

    def stopService(self) -> Deferred[None]:
        """Drain: accept nothing new, finish what runs within the bounds, close the store."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        if not self._ready:
            return
        self.telemetry.event(events.STOPPING)
        for loop in (self._tickets, self._purging):
            if loop.running:
                loop.stop()
        admin_ports = self._ports[-len(self.config.admin_listen) or len(self._ports) :]
        for port in self._ports:
            if port not in admin_ports:
                await self._stop_listening(port)
        waiting = [self.site.drain(), self.redirects.drain(), self.sockets.drain()]
        quiet = DeferredList(waiting, fireOnOneErrback=True, consumeErrors=True).addTimeout(
            self.config.net.limits.drain_seconds, self._reactor
        )
        try:
            await quiet
        except Exception:  # noqa: BLE001 (the time is over: cut what is left)
            self.telemetry.event(events.LIMIT, limit="drain-seconds")
            self.site.abort_all()
            self.redirects.abort_all()
            self.sockets.abort_all()
        for port in admin_ports:
            await self._stop_listening(port)
        await self._upstream.stop()
        self._handler.threads.stop()
        await self.store.stop()

    @staticmethod
    async def _stop_listening(port: IListeningPort) -> None:
        stopped = port.stopListening()
        if stopped is not None:
            await stopped
