"""The service that twistd runs: everything built, listening, reloaded, drained."""

from __future__ import annotations

import functools
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import attrs
from OpenSSL import crypto
from publicsuffixlist import PublicSuffixList
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred, succeed
from twisted.internet.task import LoopingCall

from gateway import __version__, events
from gateway.cookies.suffixes import Suffixes
from gateway.errors import ConfigurationError, GatewayError
from gateway.exchange.emulated import Emulation
from gateway.exchange.messages import Context
from gateway.exchange.messages import Settings as ExchangeSettings
from gateway.net.drive import watch
from gateway.net.http import Handler
from gateway.net.listener import ReloadingCertificate, listen, redirect_handler
from gateway.net.peer import Contexts
from gateway.net.proxied import Balanced
from gateway.net.resolver import ConnectOnly, FilteringResolver
from gateway.net.site import Site
from gateway.net.sockets import Sockets
from gateway.net.standing import Judge
from gateway.net.threads import Threads
from gateway.net.upstream import Upstream
from gateway.ops import keyfile
from gateway.ops.admin import Admin, exposed
from gateway.ops.backends import open_backends
from gateway.ops.config import load
from gateway.ops.config_emulation import open_nodes
from gateway.ops.explaining import KINDS, explained
from gateway.ops.login import open_logins
from gateway.ops.metrics import Telemetry
from gateway.ops.reload import Built, Reloads, attempt, changes, gently
from gateway.ops.revision import revision
from gateway.origins import HostKind
from gateway.pages.render import Pages
from gateway.policy.transport import TlsPolicy
from gateway.rewrite.js_body import ScriptMemory
from gateway.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from twisted.internet.interfaces import IListeningPort, IProtocolFactory

    from gateway.ops.config import Config
    from gateway.policy.addresses import AddressSettings
    from gateway.session.keys import ServerKeys
    from gateway.store.interface import Store

_TICKET_KEYS_SECONDS = 12 * 3600
_DAY = 86400
_MOST_WARNINGS = 100
_TIME = "%Y-%m-%d %H:%M:%S UTC"


@functools.cache
def _suffixes() -> Suffixes:
    """The list is the package's, not the configuration's; reading it takes 40 ms."""
    return Suffixes(PublicSuffixList())


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
        self._own: frozenset[tuple[str, int]] = frozenset()
        self._ready = False
        self._stopping = False
        self.failure: GatewayError | None = None
        built = self.build(config, keyfile.load_or_create)
        self._certificate = built.certificate
        self.store: Store = open_store(config.store, reactor)
        self._upstream, _ = self._upstream_of(built)
        self.sockets = Sockets(reactor, self._upstream, self.telemetry)
        self._handler = handler = self._handler_of(built, self._upstream)
        limits = config.net.limits
        self.site = Site(
            reactor, limits, self.telemetry, handler.serve, early=handler.early, h2=config.http2
        )
        self.redirects = Site(
            reactor, limits, self.telemetry, redirect_handler(self._redirect_location)
        )
        self._tickets = LoopingCall(self._renew_tickets)
        self._tickets.clock = reactor
        self._purging = LoopingCall(self._purge)
        self._purging.clock = reactor
        # A thread of its own: look-ups hang in the reactor's, bodies are edited in the handler's.
        self._reading = Threads(reactor, 1)
        self._reloads = Reloads(
            lambda: self._reading.run(self._read), self._swap, self._why_no_reload, self.telemetry
        )

    @staticmethod
    def build(config: Config, read_keys: Callable[[Path], ServerKeys]) -> Built:
        """What a configuration makes, for a start, a reload or a check alike; safe in a thread.

        Raises ``ConfigurationError`` with every fault that only the making finds.
        """
        faults: list[str] = []
        certificate = attempt(
            faults,
            lambda: ReloadingCertificate(
                config.tls.certificate, config.tls.key, config.tls.minimum
            ),
        )
        contexts = attempt(faults, lambda: _contexts(config))
        keys = attempt(faults, lambda: read_keys(config.key_file))
        if certificate is None or contexts is None or keys is None:
            raise ConfigurationError(faults)
        pages = Pages(
            config.codec,
            config.apart,
            config.catalogue,
            login=config.login.rules is not None,
            strict=config.content.strict,
            passwords=config.login.rules is not None and config.login.rules.basic,
        )
        context = Context(
            config.codec,
            keys,
            _suffixes(),
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
                webrtc=config.content.webrtc,
                reports_per_body=config.net.limits.reports_per_body,
                forward_reports=config.content.forward_reports,
                report_samples=config.content.report_samples,
                content=config.content.rules,
                settle_seconds=config.net.limits.settle_seconds,
                early_hints=config.early_hints,
                outgoing_field_bytes=config.net.limits.outgoing_field_bytes,
                script_bytes=config.net.limits.script_bytes,
                subprotocols=config.subprotocols,
            ),
            config.apart,
            clients=config.admission.clients,
            forwarded=config.admission.forwarded,
            rates=config.admission.rates,
            authentication=config.login.rules,
            revision=revision(),
            emulation=Emulation(retry=config.emulation.retry),
            identity=pages.identity,
            socket_digest=pages.socket_digest,
            scripts=ScriptMemory(config.net.limits.script_memory_bytes),
            services=config.services,
        )
        return Built(config, certificate, contexts, pages, context)

    def _upstream_of(self, built: Built) -> tuple[Upstream, FilteringResolver]:
        """Connections to origins: none of another configuration's serves this one's requests."""
        config, reactor = built.config, self._reactor
        contexts, addresses = built.contexts, config.policy.addresses

        # What listens here must never be an upstream, whatever else is opened.
        def closed() -> AddressSettings:
            return attrs.evolve(addresses, own=self._own)

        resolver = FilteringResolver(reactor.nameResolver, closed, self.telemetry)
        connect_reactor = ConnectOnly(reactor, resolver)
        made = Upstream(reactor, connect_reactor, config.net, contexts, self.telemetry)
        return made, resolver

    def _handler_of(self, built: Built, upstream: Upstream) -> Handler:
        """What serves requests from now on, with what each of them keeps to its end."""
        reactor, limits = self._reactor, built.config.net.limits
        pages, context = built.pages, built.context
        context.emulation.node = self.sockets.node
        handler = Handler(
            reactor, limits, self.store, upstream, self.sockets, pages, self.telemetry,
            context,
        )  # fmt: skip
        handler.logins = open_logins(built.config, reactor, upstream, self.telemetry)
        handler.backends = open_backends(
            built, upstream, reactor, self.telemetry, lambda: self._own
        )
        return handler

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
        self._handle_signals()  # from here on: a SIGHUP that nobody handles ends the process
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
        await open_nodes(self._handler, self.config.emulation)
        watch(self._tickets.start(_TICKET_KEYS_SECONDS, now=False))
        watch(self._purging.start(_DAY))
        self._handler.backends.begin()
        self._announce()
        self._ready = True

    async def _listen(self) -> None:
        config = self.config
        own: set[tuple[str, int]] = set()
        admin = Admin(
            self.telemetry,
            self._why_not_ready,
            self._facts,
            self._handler.collector.shown,
            self._explain,
            self._handler.collector.leaks.shown,
            self._services,
            self.sockets.ledger,
        ).site(self._reactor)
        self.telemetry.show_leaks(self._handler.collector.leaks.counts)
        self.telemetry.show_services(self._services)
        self.telemetry.show_places(self.sockets.ledger.places)
        self.telemetry.show_scripts(lambda: self._handler.context.scripts)
        wanted: list[tuple[str, Any, ReloadingCertificate | None]] = [
            *((one, self.site, self._certificate) for one in config.listen),
            *((one, self.redirects, None) for one in config.redirect_listen),
            *((one, admin, None) for one in config.admin_listen),
        ]
        for description, factory, certificate in wanted:
            balanced = None if factory is admin else self._balanced
            port = await listen(self._reactor, description, factory, certificate, balanced)
            self._ports.append(port)
            host: Any = port.getHost()
            if hasattr(host, "port"):
                own.add((host.host, host.port))
        self._own = frozenset(own)

    def _balanced(self, factory: IProtocolFactory) -> Balanced:
        """Let balancers of ``[http] proxy-from`` say whose connections theirs are."""
        return Balanced(
            factory,
            self._reactor,
            lambda: self.config.admission.balancers,
            lambda: self.config.net.limits,
            self.telemetry,
        )

    def _start_failed(self, failure: Any) -> None:
        error = failure.value
        lines = error.faults if isinstance(error, ConfigurationError) else [str(error)]
        for line in lines:
            self.telemetry.event(events.INTERNAL, detail=f"not started: {line}")
        self.failure = error if isinstance(error, GatewayError) else GatewayError(repr(error))
        if self._reactor.running:
            self._reactor.stop()

    def _say_settings(self) -> None:
        config = self.config
        self.telemetry.show_limits(config.net.limits)
        self.telemetry.show_rates(config.admission.rates)
        for warning in config.warnings[:_MOST_WARNINGS]:
            self.telemetry.event(events.DANGEROUS_SETTING, detail=warning)
        more = len(config.warnings) - _MOST_WARNINGS
        if more > 0:
            detail = f"and {more} more: gateway check-config prints them"
            self.telemetry.event(events.DANGEROUS_SETTING, detail=detail)

    @property
    def _admin_ports(self) -> list[Any]:
        return self._ports[len(self._ports) - len(self.config.admin_listen) :]

    def _announce(self) -> None:
        config = self.config
        self._say_settings()
        self.telemetry.loaded("", time.time())
        for detail in exposed(config.admin_listen, self._admin_ports):
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

    def reload(self) -> Deferred[None]:
        """SIGHUP: read the configuration again and take it whole, or not at all.

        Fires when that is done, and with it what was asked for meanwhile; never fails.
        """
        return self._reloads.ask()

    def _why_no_reload(self) -> str:
        if self._stopping:
            return "stopping"
        return "" if self._ready else "starting"

    def _read(self) -> Built:
        """Read and build everything anew, in a thread; raises ``ConfigurationError``."""
        with gently():
            return self._read_now()

    def _read_now(self) -> Built:
        running, pages = self.config, self._handler.pages
        if running.source is None:
            raise ConfigurationError(["not reloaded: the configuration is from no file"])
        found = load(running.source)
        faults = changes(running, found)
        # They are equal, or it is refused; these know the labels of the sites that are open.
        found = attrs.evolve(found, codec=running.codec, apart=running.apart)
        built = attempt(faults, lambda: self.build(found, keyfile.load))
        if faults or built is None:
            raise ConfigurationError(faults)
        built.pages.inherit(pages)
        return built

    def _swap(self, built: Built) -> str:
        """From one turn of the reactor to the next; says what is in force then."""
        limits = built.config.net.limits
        originals = self._handler.context.originals
        built = attrs.evolve(built, context=attrs.evolve(built.context, originals=originals))
        upstream, resolver = self._upstream_of(built)
        handler = self._handler_of(built, upstream)
        # What could fail is behind us.
        handler.follow(self._handler)
        upstream.follow(self._upstream)
        self.config, self._upstream, self._handler = built.config, upstream, handler
        self._certificate.take(built.certificate)
        self.site.replace(limits, handler.serve, early=handler.early, h2=built.config.http2)
        self.redirects.replace(limits, redirect_handler(self._redirect_location))
        self.sockets.replace(
            upstream, Judge(built.context, resolver.why_closed, handler.logins.stands)
        )
        self._reactor.suggestThreadPoolSize(limits.resolver_threads)
        self._say_settings()
        return self._rules()

    def _renew_tickets(self) -> None:
        """New keys for session tickets, and the certificate's files as they are by now."""
        try:
            self._certificate.reload()
        except ConfigurationError as error:
            self.telemetry.event(events.RELOAD_REFUSED, detail=str(error))

    def _rules(self) -> str:
        policy, services = self.config.policy, self.config.services.all
        said = f"{len(policy.navigation)} allow-navigation, {len(policy.access)} access"
        return f"{said}, {len(services)} services" if services else said

    def _purge(self) -> None:
        """Once a day: rows and digests whose time is over."""
        purged = self.store.purge(int(time.time()) // _DAY)
        watch(purged.addErrback(lambda _: self.telemetry.event(events.STORE_FAILED)))

    def _why_not_ready(self) -> Deferred[str | None]:
        if self._stopping or not self._ready:
            return succeed("stopping" if self._stopping else "starting")
        answered = self.store.ping().addTimeout(5, self._reactor)
        return answered.addCallbacks(lambda _: None, lambda _: "the store does not answer")

    def _explain(self, asked: dict[str, str]) -> list[str]:
        """Answer the operator's page by the rules in force; names are not looked up from here."""
        found = explained(
            self.config,
            asked["url"],
            asked["as"] if asked["as"] in KINDS else KINDS[0],
            asked["from"] or None,
            asked["client"] or None,
            addresses=[asked["address"]] if asked["address"] else (),
        )
        return found if isinstance(found, list) else found.lines

    def _services(self) -> list[dict[str, Any]]:
        return self._handler.backends.shown()

    def _facts(self) -> dict[str, str]:
        value = self.telemetry.value
        read = time.gmtime(value("gateway_config_loaded_time"))
        return {
            "domain": self.config.codec.domain,
            "listening": ", ".join(str(port.getHost()) for port in self._ports),
            "connections": f"{value('gateway_connections'):.0f}",
            "WebSockets": self.sockets.ledger.summary(),
            "certificate until": self._certificate.expires,
            "rules": self._rules(),
            "configuration": f"{self.config.source}, read {time.strftime(_TIME, read)}",
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
        for port in self._ports[: -len(self._admin_ports) or None]:
            await maybeDeferred(port.stopListening)
        waiting = [self.site.drain(), self.redirects.drain(), self.sockets.drain()]
        drained = DeferredList(waiting, fireOnOneErrback=True, consumeErrors=True)
        # WebSockets that were being dialled are open only then.
        quiet = drained.addCallback(lambda _: self.sockets.drain()).addTimeout(
            self.config.net.limits.drain_seconds, self._reactor
        )
        try:
            await quiet
        except Exception:  # noqa: BLE001 (the time is over: cut what is left)
            self.telemetry.event(events.LIMIT, limit="drain-seconds")
            self.site.abort_all()
            self.redirects.abort_all()
            self.sockets.abort_all()
        for port in self._admin_ports:
            await maybeDeferred(port.stopListening)
        self._handler.backends.stop()
        self._handler.collector.stop()
        await self._handler.emulations.stop()
        await self._upstream.stop()
        self._handler.threads.stop()
        self._handler.logins.stop()
        self._reading.stop()
        await self.store.stop()


def _contexts(config: Config) -> Contexts:
    try:
        made = Contexts(system=config.net.trust_system, files=config.net.trust_files)
        made.context(TlsPolicy())  # 10 ms that the first request need not wait for
    except crypto.Error:
        fault = "found a file that is not PEM, expected certificates"
        raise ConfigurationError([f"{config.source}: upstream.trust: {fault}"]) from None
    return made
