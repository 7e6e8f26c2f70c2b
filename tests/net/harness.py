"""A whole gateway in the test's process, with origins and clients on loopback.

Certificates come from a CA in a temporary folder, made once for the process.  Whatever a
test starts ends with it: connections first, then ports, so that the reactor is clean.
"""

from __future__ import annotations

import functools
import os
import re
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet import endpoints, ssl
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IProtocolNegotiationFactory
from twisted.internet.protocol import Factory
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from gateway import wire
from gateway.demo.ca import LocalCa
from gateway.net.resolver import ConnectOnly
from gateway.ops import keyfile
from gateway.ops.config import parse_config
from gateway.ops.metrics import Telemetry
from gateway.ops.service import GatewayService
from gateway.origins import collapse, parse_origin
from gateway.rewrite.parameters import with_parameter
from gateway.session import bootstrap
from gateway.session.reading import read_session
from gateway.session.tokens import NONCE_SIZE, Token, seal_token
from tests.net.raw import Connection, Message, until

if TYPE_CHECKING:
    from collections.abc import Coroutine

DOMAIN = "gateway.test"
SHOP = "https://shop.site.example"
WS = "https://ws.site.example"
_CONFIG = """\
domain = "{domain}"
{apart}
listen = ["tcp:0:interface=127.0.0.1"]
[http]
http2 = {http2}
{http}
[tls]
certificate = "{certificate}"
key = "{key}"
[store]
url = "memory:"
[keys]
file = "{folder}/gateway.keys"
[admin]
listen = ["tcp:0:interface=127.0.0.1"]
[upstream]
trust = ["{ca}"]
allow-private = {private}
{hosts}
[[allow-navigation]]
href = "https://*.site.example"
{rules}
"""


@functools.cache
def folder() -> Path:
    """A folder for this process; it goes when the process does."""
    kept = tempfile.TemporaryDirectory(prefix="gateway-tests-")
    folder.kept = kept  # type: ignore[attr-defined]
    return Path(kept.name)


@functools.cache
def ca(name: str = "trusted") -> LocalCa:
    """A local CA by name; the gateways of these tests trust ``trusted``."""
    return LocalCa(folder() / name, f"Test CA, {name}")


@functools.cache
def origin_tls(*hosts: str, authority: str = "trusted", days: float = 90) -> Any:
    """TLS for an origin with a certificate for these hosts."""
    name = f"{len(os.listdir(ca(authority).folder))}-origin"
    issued = ca(authority).issue(name, hosts or ("*.site.example",), days=days)
    pem = issued.key.read_bytes() + issued.certificate.read_bytes()
    return ssl.PrivateCertificate.loadPEM(pem).options()


def request(url: str, *fields: bytes, method: bytes = b"GET", body: bytes | None = None) -> bytes:
    """A request's octets for a URL of the real web, addressed to the gateway."""
    scheme, _, rest = url.partition("://")
    host, slash, tail = rest.partition("/")
    origin, target = f"{scheme}://{host}", (slash + tail or "/").encode("latin-1")
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: " + host_of(origin).encode(), *fields]
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def host_of(origin: str) -> str:
    """The gateway's host for an origin."""
    parsed = parse_origin(origin)
    assert parsed is not None, origin
    return f"{collapse(parsed)}.0.{DOMAIN}"


class Remembering(Telemetry):
    """Remembers events and accesses beside counting them."""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.events: list[dict[str, Any]] = []
        self.accesses: list[dict[str, Any]] = []

    def event(self, code: str, *, detail: str = "", **fields: object) -> None:
        self.events.append({"code": code, "detail": detail, **fields})
        super().event(code, detail=detail, **fields)

    def access(self, code: str, **fields: object) -> None:
        self.accesses.append({"code": code, **fields})
        super().access(code, **fields)

    def codes(self) -> list[str]:
        """The codes of all events."""
        return [event["code"] for event in self.events]

    def limits(self) -> list[object]:
        """The limits that were reached, by their keys."""
        return [event["limit"] for event in self.events if event.get("limit")]


_NUMERIC = re.compile(r"[0-9][0-9a-fx.]*\Z|[0-9a-f.]*:[0-9a-f:.]*\Z")


class Names(ConnectOnly):
    """A reactor whose resolver knows some names; others are IP addresses or do not exist."""

    def __init__(self, reactor: Any, names: dict[str, list[str]]) -> None:
        super().__init__(reactor, self)
        self.names = names
        self.asked: list[str] = []

    def resolveHostName(self, receiver: Any, hostName: str, portNumber: int = 0, *args: Any) -> Any:
        from twisted.python.compat import nativeString

        self.asked.append(nativeString(hostName))
        digits = hostName.replace(".", "").replace("x", "")
        if hostName not in self.names and (
            ":" in hostName or (digits.isalnum() and digits[0] in "0123456789")
        ):
            return self._reactor.nameResolver.resolveHostName(receiver, hostName, portNumber, *args)
        receiver.resolutionBegan(object())
        for text in self.names.get(hostName, []):
            kind = IPv6Address if ":" in text else IPv4Address
            receiver.addressResolved(kind("TCP", text, portNumber))
        receiver.resolutionComplete()
        return None


@attrs.define
class Gateway:
    """A running gateway and what its tests need to know."""

    service: GatewayService
    telemetry: Remembering
    case: GatewayCase
    cookie: bytes

    @property
    def port(self) -> int:
        """The TLS listener's port."""
        return self.service._ports[0].getHost().port

    @property
    def admin_port(self) -> int:
        """The admin listener's port."""
        return self.service._ports[-1].getHost().port

    async def reload(self, *changes: tuple[str, str]) -> str:
        """Change the configuration's file, each text once, and reload; the newest outcome."""
        source = self.service.config.source
        assert source is not None
        text = source.read_text("utf-8")
        for before, after in changes:
            assert text.count(before) == 1, before
            text = text.replace(before, after)
        source.write_text(text, "utf-8")
        await self.service.reload()
        told = ("config.reloaded", "config.reload-refused")
        return next(code for code in reversed(self.telemetry.codes()) if code in told)

    async def connect(self, host: str = DOMAIN) -> Connection:
        """A TLS connection of a raw client that trusts the local CA."""
        return await self.case.client(self.port, host)

    async def ask(self, url: str, *fields: bytes, method: bytes = b"GET", **more: Any) -> Message:
        """One request of this gateway's session on a connection of its own."""
        connection = await self.connect()
        connection.write(request(url, b"Cookie: " + self.cookie, *fields, method=method, **more))
        answer = await connection.response(bodyless=method == b"HEAD")
        connection.transport.abortConnection()
        await connection.closed()
        return answer

    def new_session(self) -> bytes:
        """The Cookie header of a session made now."""
        keys = keyfile.load_or_create(self.service.config.key_file)
        random = os.urandom(bootstrap.RANDOM_NEEDED)
        minted = bootstrap.mint(keys, random, int(time.time()), DOMAIN)
        return b"; ".join(field.partition(b";")[0] for field in minted.set_cookies)

    def with_token(self, url: str, page: str = SHOP) -> str:
        """A URL or target with the token that a page of ours, made for this session, has."""
        keys = keyfile.load_or_create(self.service.config.key_file)
        session = read_session([self.cookie], keys).session
        assert session is not None
        token = Token(session.pair, page, "", int(time.time()))
        text = seal_token(keys, session.datr.generation, token, os.urandom(NONCE_SIZE))
        return with_parameter(url, wire.TOKEN_PARAMETER, text)


class GatewayCase(TestCase):
    """Base of the tests that need a whole gateway."""

    timeout = 20

    async def gateway(
        self,
        origins: dict[str, Factory] | None = None,
        *,
        rules: str = "",
        private: tuple[str, ...] = ("127.0.0.0/8",),
        names: dict[str, list[str]] | None = None,
        connect: dict[str, int] | None = None,
        tls: Any = None,
        http2: bool = False,
        apart: str = "",
        trust: Path | None = None,
        http: str = "",
        **limits: float,
    ) -> Gateway:
        """Start origins (by their origin) and a gateway; limits by their attribute names.

        ``connect``: hosts of the static table that lead to a port of 127.0.0.1; ``apart``: the
        rewrite domain of browsers without localStorage; ``trust``: other authorities of origins;
        ``http``: more lines of that table.
        """
        from twisted.internet import reactor

        where = dict(connect or {})
        for origin, factory in (origins or {}).items():
            where[origin.partition("://")[2]] = await self.listen(
                factory, tls or origin_tls() if origin.startswith("https:") else None
            )
        served = served_certificate()
        text = _CONFIG.format(
            domain=DOMAIN,
            apart=f'rewrite-domain = "{apart}"' if apart else "",
            certificate=served.certificate,
            key=served.key,
            folder=folder(),
            ca=trust or ca().certificate_file,
            private="[" + ", ".join(f'"{one}"' for one in private) + "]",
            hosts="".join(
                f'[[upstream.hosts]]\nhost = "{host}"\nconnect = "127.0.0.1:{port}"\n'
                for host, port in where.items()
            ),
            rules=rules,
            http2=str(http2).lower(),
            http=http,
        )
        source = folder() / f"{os.urandom(8).hex()}.toml"
        source.write_text(text, "utf-8")
        config = parse_config(text, "test.toml", source)
        bounds = attrs.evolve(config.net.limits, **{"drain_seconds": 3, **limits})
        config = attrs.evolve(config, net=attrs.evolve(config.net, limits=bounds))
        telemetry = Remembering()
        hang_up = signal.getsignal(signal.SIGHUP)
        self.addCleanup(signal.signal, signal.SIGHUP, hang_up)
        service = GatewayService(config, Names(reactor, names or {}), telemetry)
        await service.start()
        self.addCleanup(self._stop, service)
        made = Gateway(service, telemetry, self, b"")
        made.cookie = made.new_session()
        return made

    async def _stop(self, service: GatewayService) -> None:
        service.sockets.abort_all()
        service.site.abort_all()
        await service.stopService()
        await until(lambda: not service.site._channels and not service.sockets.count, 3)
        # They end with the reactor, which outlives these tests; else the process would never end.
        service.site._handler.__self__.threads.stop()  # type: ignore[attr-defined]

    def together(self, *asked: Coroutine[Deferred[Any], Any, Message]) -> Deferred[list[Message]]:
        """The answers of all; a test that fails before leaves no error to those after it."""
        given = map(Deferred.fromCoroutine, asked)
        gathered: Deferred[list[Message]] = gatherResults(given, consumeErrors=True)

        def forget() -> None:
            gathered.addErrback(lambda _: None)

        self.addCleanup(forget)
        return gathered

    async def listen(self, factory: Factory, tls: Any = None) -> int:
        """Serve ``factory`` on a free port until the test ends, with TLS if given."""
        from twisted.internet import reactor

        keeping = _Keeping(factory)
        endpoint = endpoints.serverFromString(reactor, "tcp:0:interface=127.0.0.1")
        if tls is not None:
            endpoint = endpoints.wrapServerTLS(tls, endpoint)
        port = await endpoint.listen(keeping)
        self.addCleanup(keeping.end)
        self.addCleanup(port.stopListening)
        return port.getHost().port

    async def client(
        self, port: int, host: str | None = DOMAIN, factory: Factory | None = None
    ) -> Any:
        """A client's connection to a port of ours, with TLS for ``host`` if not None."""
        from twisted.internet import reactor

        endpoint: Any = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        if host is not None:
            root = ssl.Certificate.loadPEM(ca().certificate_file.read_bytes())
            options = ssl.optionsForClientTLS(host, root)
            endpoint = endpoints.wrapClientTLS(options, endpoint)
        keeping = _Keeping(factory or Factory.forProtocol(Connection))
        self.addCleanup(keeping.end)
        return await endpoint.connect(keeping)


@implementer(IProtocolNegotiationFactory)
class _Keeping(Factory):
    """Knows the connections of a factory, to end them."""

    noisy = False

    def acceptableProtocols(self) -> list[bytes]:
        """ALPN, without which Twisted refuses clients that offer any."""
        return list(getattr(self._inner, "offers", (b"http/1.1",)))

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._open: set[Any] = set()

    def doStart(self) -> None:
        self._inner.doStart()

    def doStop(self) -> None:
        self._inner.doStop()

    def buildProtocol(self, addr: Any) -> Any:
        protocol = self._inner.buildProtocol(addr)
        made, lost = protocol.connectionMade, protocol.connectionLost

        def connection_made() -> None:
            self._open.add(protocol)
            made()

        def connection_lost(reason: Any = None) -> None:
            self._open.discard(protocol)
            lost(reason)

        protocol.connectionMade, protocol.connectionLost = connection_made, connection_lost
        return protocol

    def end(self) -> Deferred[None]:
        """Cut what is open and wait for it."""
        for protocol in tuple(self._open):
            protocol.transport.abortConnection()
        return Deferred.fromCoroutine(until(lambda: not self._open))


@functools.cache
def served_certificate() -> Any:
    """The certificate that the gateways of these tests serve."""
    return ca().issue("gateway", [DOMAIN, f"*.0.{DOMAIN}", "chat.test"])
