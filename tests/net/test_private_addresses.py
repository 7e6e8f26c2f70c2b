"""No way to a private address: spellings, DNS that changes its mind, redirects, WebSockets.

Whatever is refused here is answered exactly like a name that does not exist.
"""

from __future__ import annotations

import base64
import re
import time
from typing import Any

from twisted.internet import endpoints
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IHostnameResolver
from twisted.names import client, dns, error, server
from zope.interface import implementer

from gateway import events, wire
from gateway.net.resolver import FilteringResolver
from gateway.net.telemetry import Silent
from gateway.origins import parse
from gateway.policy.addresses import AddressSettings
from tests.net.harness import DOMAIN, SHOP, Gateway, GatewayCase, _Keeping, host_of
from tests.net.raw import Message, Origin, Truncated, reply, until
from tests.policy.test_addresses import SPELLINGS

EVERYTHING = """
[[allow-navigation]]
href = "*"
[[access]]
origin = "*"
allow-insecure-http = true
"""
GONE = "http://gone.example"
_VARIES = (b"date", wire.REQUEST_ID_HEADER.lower())
_ID = re.compile(rb"[0-9a-f]{16}")


def upgrade(gateway: Gateway, target: str = "/") -> tuple[bytes, ...]:
    """The fields of a page's WebSocket handshake, and its target."""
    return (
        gateway.with_token(target).encode(),
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: " + base64.b64encode(b"k" * 16),
        f"Origin: https://{host_of(SHOP)}".encode(),
    )


KINDS = {
    "navigation": (b"Sec-Fetch-Mode: navigate", b"Sec-Fetch-Dest: iframe", b"Accept: text/html"),
    "request": (b"Sec-Fetch-Mode: no-cors", b"Sec-Fetch-Dest: image", b"Accept: image/*"),
    "plain": (),
    "websocket": (),
}


class PrivateCase(GatewayCase):
    """Requests of every kind, and what they have in common."""

    timeout = 120

    async def ask(self, gateway: Gateway, origin: str, kind: str = "navigation") -> Message:
        """One request; ``origin`` as a URL's parser gives it."""
        target, *fields = upgrade(gateway) if kind == "websocket" else (b"/", *KINDS[kind])
        mapped = gateway.service.config.codec.collapse_url(origin + target.decode())
        return await self.follow(gateway, mapped, *fields)

    async def follow(self, gateway: Gateway, mapped: str, *fields: bytes) -> Message:
        """Ask for a URL of the gateway's own, as a browser that was given it."""
        authority, _, rest = mapped.partition("//")[2].partition("/")
        host = authority.rpartition("@")[2].partition(":")[0]
        self.assertTrue(host.endswith(f".0.{DOMAIN}"), mapped)
        lines = (f"GET /{rest} HTTP/1.1".encode(), f"Host: {host}".encode(), *fields)
        connection = await gateway.connect()
        connection.write(b"\r\n".join((*lines, b"Cookie: " + gateway.cookie, b"", b"")))
        found = await connection.response()
        if not connection.ended:
            connection.transport.abortConnection()
            await connection.closed()
        return found

    def essence(self, answer: Message) -> tuple[Any, ...]:
        """All of an answer but what is new in each: the id of the request."""
        fields = tuple(
            (name, value) for name, value in answer.fields if name.lower() not in _VARIES
        )
        names = tuple(name for name, _ in answer.fields)
        return answer.line, names, fields, _ID.sub(b"ID", answer.body)

    async def listen_at(self, address: str, port: int, factory: Origin) -> int:
        """Serve on one address of loopback."""
        from twisted.internet import reactor

        keeping = _Keeping(factory)
        endpoint = endpoints.TCP4ServerEndpoint(reactor, port, interface=address)
        listening = await endpoint.listen(keeping)
        self.addCleanup(keeping.end)
        self.addCleanup(listening.stopListening)
        return int(listening.getHost().port)


class SpellingTests(PrivateCase):
    """From the URL's text to the connection that is not made."""

    async def test_every_spelling(self) -> None:
        """Each is refused over HTTP and WebSocket, in the same octets as a name that is gone."""
        secret = Origin(reply(b"secret"))
        port = await self.listen(secret)
        names = {
            name: ["127.0.0.1", "::1"]
            for name in ("localhost", "localhost.", "ip6-localhost", "a.localhost",
                         "localhost.localdomain", "127.0.0.1.nip.example")
        }  # fmt: skip
        gateway = await self.gateway(rules=EVERYTHING, private=(), names=names)
        expected = {
            kind: self.essence(await self.ask(gateway, f"{GONE}:{port}", kind))
            for kind in ("navigation", "websocket")
        }
        hosts = [*SPELLINGS.split(), *names, "LOCALHOST", "%6c%6f%63alhost", "\u24dbocalhost",
                 "127.0.0.1..", "a..b"]  # fmt: skip
        for host in hosts:
            found = parse(f"http://{host}:{port}/")
            assert found is not None, host
            for kind, gone in expected.items():
                gateway.telemetry.events.clear()
                answer = await self.ask(gateway, str(found[0]), kind)
                self.assertEqual(self.essence(answer), gone, (host, kind))
                if ".." not in host:
                    self.assertIn(events.SSRF_DENIED, gateway.telemetry.codes(), (host, kind))
        self.assertEqual(secret.connections, [])

    async def test_spellings_would_reach(self) -> None:
        """The same spellings of this machine lead to it where it is open: the test can fail."""
        secret = Origin(reply(b"secret"))
        port = await self.listen(secret)
        gateway = await self.gateway(
            rules=EVERYTHING, private=("127.0.0.0/8",), names={"localhost": ["127.0.0.1"]}
        )
        for host in ("127.1", "2130706433", "0x7f.1", "localhost", "\u2460\u2461\u2466.0.0.1"):
            found = parse(f"http://{host}:{port}/")
            assert found is not None
            self.assertEqual((await self.ask(gateway, str(found[0]))).body, b"secret", host)

    async def test_labels_made_by_hand(self) -> None:
        """A host of ours whose label spells an address in no canonical way leads nowhere."""
        secret = Origin(reply(b"secret"))
        port = await self.listen(secret)
        gateway = await self.gateway(rules=EVERYTHING, private=("127.0.0.0/8",))
        canonical = host_of(f"http://127.0.0.1:{port}").partition(".")[0]
        self.assertIn("127-0-0-1", canonical)
        for spelled in ("2130706433", "0x7f-1", "127-1", "0177-0-0-1", "017700000001",
                        "127-0-0-1-", "127--0-0-1", "0x7f000001"):  # fmt: skip
            host = canonical.replace("127-0-0-1", spelled) + f".0.{DOMAIN}"
            connection = await gateway.connect()
            head = f"GET / HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Mode: navigate\r\nCookie: "
            connection.write(head.encode() + gateway.cookie + b"\r\n\r\n")
            self.assertGreaterEqual((await connection.response()).status, 400, spelled)
            connection.transport.abortConnection()
            await connection.closed()
        self.assertEqual(secret.connections, [])

    async def test_system_resolver(self) -> None:
        """What the system's resolver makes of lax spellings and local names is closed, too."""
        from twisted.internet import reactor

        told: list[str] = []
        resolver = FilteringResolver(reactor.nameResolver, AddressSettings, Silent())
        for host in ("localhost", "127.1", "0x7f.1", "2130706433", "017700000001", "0", "::1",
                     "::ffff:127.0.0.1", "fe80::1%lo"):  # fmt: skip
            ended: list[bool] = []
            resolver.resolveHostName(_Told(told, ended), host, 80)
            await until(lambda ended=ended: ended)
        self.assertEqual(told, [])


class _Told:
    """An asker that remembers addresses."""

    def __init__(self, told: list[str], ended: list[bool]) -> None:
        self.told, self.ended = told, ended

    def resolutionBegan(self, resolution: Any) -> None:
        del resolution

    def addressResolved(self, address: Any) -> None:
        self.told.append(address.host)

    def resolutionComplete(self) -> None:
        self.ended.append(True)


class SamenessTests(PrivateCase):
    """Nobody can map a network through the difference between refused and not there."""

    names = {
        "priv.example": ["10.0.0.1"],
        "loop.example": ["127.0.0.1"],
        "six1.example": ["::1"],
        "mixd.example": ["93.184.215.14", "10.0.0.1"],
        "mix6.example": ["2606:4700::1", "fd00::1"],
        "meta.example": ["169.254.169.254"],
        "nat6.example": ["64:ff9b::a00:1"],
    }

    async def test_octets(self) -> None:
        """Status, fields, their order, and body are the same for every kind of request."""
        gateway = await self.gateway(rules=EVERYTHING, private=(), names=self.names)
        for scheme in ("http", "https"):
            for kind in KINDS:
                gone = self.essence(await self.ask(gateway, f"{scheme}://gone.example", kind))
                self.assertIn(b"502", gone[0])
                for host in (*self.names, "10.0.0.1", "[::1]", "192.168.0.1:8080"):
                    answer = await self.ask(gateway, f"{scheme}://{host}", kind)
                    self.assertEqual(self.essence(answer), gone, (host, kind))

    async def test_to_scripts(self) -> None:
        """Script is told nothing of either: its connection ends, as of what is not there."""
        gateway = await self.gateway(rules=EVERYTHING, private=(), names=self.names)
        fields = (b"Sec-Fetch-Mode: cors", b"Sec-Fetch-Dest: empty")
        for host in ("gone.example", *self.names, "10.0.0.1", "[::1]"):
            mapped = gateway.service.config.codec.collapse_url(f"https://{host}/")
            await self.assertFailure(
                Deferred.fromCoroutine(self.follow(gateway, mapped, *fields)), Truncated
            )

    async def test_times(self) -> None:
        """Neither takes longer: nothing is connected to, nothing is waited for."""
        gateway = await self.gateway(rules=EVERYTHING, private=(), names=self.names)
        spent: dict[str, list[float]] = {"gone.example": [], "priv.example": [], "10.0.0.1": []}
        for _ in range(9):
            for host, times in spent.items():
                began = time.perf_counter()
                await self.ask(gateway, f"http://{host}")
                times.append(time.perf_counter() - began)
        least = [min(times) for times in spent.values()]  # the rest is the machine's load
        self.assertLess(max(least) - min(least), 0.25, least)
        self.assertLess(max(least), 1, least)

    async def test_own_listeners(self) -> None:
        """The gateway's own ports stay closed on every local address, though all be opened."""
        names = {"self.example": ["127.0.0.1"], "also.example": ["127.0.0.5"],
                 "form.example": ["::ffff:127.0.0.1"], "isat.example": ["64:ff9b::7f00:1"]}  # fmt: skip
        gateway = await self.gateway(rules=EVERYTHING, private=("0.0.0.0/0", "::/0"), names=names)
        for port in (gateway.port, gateway.admin_port):
            for kind in ("navigation", "websocket"):
                gone = self.essence(await self.ask(gateway, f"{GONE}:{port}", kind))
                for host in (*names, "127.0.0.1", "[::ffff:7f00:1]", "127.9.9.9"):
                    gateway.telemetry.events.clear()
                    answer = await self.ask(gateway, f"http://{host}:{port}", kind)
                    self.assertEqual(self.essence(answer), gone, (host, port, kind))
                    denied = [
                        one["detail"] for one in gateway.telemetry.events
                        if one["code"] == events.SSRF_DENIED
                    ]  # fmt: skip
                    self.assertTrue(denied[0].endswith("the gateway itself"), denied)


class _Zone:
    """What a DNS server of this test knows: each query takes the next answer of its name."""

    def __init__(self, answers: dict[str, list[list[str]]]) -> None:
        self.answers = answers
        self.queries: list[tuple[str, int]] = []
        self._given: dict[str, int] = {}

    def query(self, query: Any, timeout: Any = None) -> Any:
        """See ``IResolver``; time to live 0, so that nobody keeps an answer."""
        del timeout
        name = query.name.name.decode()
        self.queries.append((name, query.type))
        kind = {dns.A: dns.Record_A, dns.AAAA: dns.Record_AAAA}[query.type]
        if name not in self.answers:
            return self._no_such()
        number = self._given.get((name, query.type), 0)
        self._given[name, query.type] = number + 1
        turns = self.answers[name]
        found = [
            dns.RRHeader(query.name.name, query.type, dns.IN, 0, kind(address, 0))
            for address in turns[number % len(turns)]
            if (":" in address) == (query.type == dns.AAAA)
        ]
        return succeed((found, [], []))

    @staticmethod
    def _no_such() -> Any:
        from twisted.internet.defer import fail

        return fail(error.DomainError())


@implementer(IHostnameResolver)
class _OverDns:
    """Resolves over DNS, each time anew: A and AAAA, both at once."""

    def __init__(self, port: int) -> None:
        from twisted.internet import reactor

        self._resolver = client.Resolver(
            servers=[("127.0.0.1", port)], timeout=(2,), reactor=reactor
        )
        self.rounds = 0

    def resolveHostName(self, receiver: Any, hostName: str, portNumber: int = 0, *_: Any) -> Any:
        from twisted.internet.defer import Deferred

        self.rounds += 1
        receiver.resolutionBegan(object())
        Deferred.fromCoroutine(self._look_up(receiver, hostName, portNumber))

    async def _look_up(self, receiver: Any, host: str, port: int) -> None:
        for ask, kind in ((self._resolver.lookupAddress, IPv4Address),
                          (self._resolver.lookupIPV6Address, IPv6Address)):  # fmt: skip
            try:
                answers, _, _ = await ask(host)
            except (error.DomainError, error.DNSServerError):
                continue
            for answer in answers:
                receiver.addressResolved(kind("TCP", answer.payload.dottedQuad()
                    if kind is IPv4Address else _text_of(answer.payload), port))  # fmt: skip
        receiver.resolutionComplete()


def _text_of(record: Any) -> str:
    import socket

    return socket.inet_ntop(socket.AF_INET6, record.address)


class RebindingTests(PrivateCase):
    """A name whose answers change, from a DNS server of the attacker's."""

    async def setting(self, answers: dict[str, list[list[str]]]) -> Gateway:
        """A server at 127.0.0.2, which is open, a secret at 127.0.0.1 on the same port."""
        self.zone = _Zone(answers)
        factory = server.DNSServerFactory(clients=[self.zone])
        factory.noisy = False
        protocol = dns.DNSDatagramProtocol(factory)
        protocol.noisy = False
        from twisted.internet import reactor

        udp = reactor.listenUDP(0, protocol, interface="127.0.0.1")
        self.addCleanup(udp.stopListening)
        self.open, self.secret = Origin(self.answer), Origin(self.answer)
        self.port = await self.listen_at("127.0.0.2", 0, self.open)
        await self.listen_at("127.0.0.1", self.port, self.secret)
        gateway = await self.gateway(rules=EVERYTHING, private=("127.0.0.2/32",))
        self.dns = _OverDns(udp.getHost().port)
        gateway.service._upstream._connect_reactor.nameResolver._inner = self.dns
        return gateway

    @staticmethod
    def answer(seen: Message) -> bytes:
        """A page, or a refusal of a handshake, and the connection's end."""
        if seen.get(b"upgrade") is not None:
            return reply(b"no", status=b"403 No", length=False)
        return reply(b"hello", length=False)

    async def test_changes_its_answer(self) -> None:
        """One look-up for each connection, whose address is connected to or refused."""
        flip = [["127.0.0.2"], ["127.0.0.1"]]
        gateway = await self.setting({"evil.example": flip})
        for kind, reached in (("navigation", 200), ("websocket", 403), ("request", 200)):
            gone = self.essence(await self.ask(gateway, f"{GONE}:{self.port}", kind))
            for _ in range(3):
                for status in (reached, 502):
                    rounds = self.dns.rounds
                    answer = await self.ask(gateway, f"http://evil.example:{self.port}", kind)
                    self.assertEqual(answer.status, status, kind)
                    self.assertEqual(self.dns.rounds, rounds + 1, "look-ups for one connection")
                    if status == 502:
                        self.assertEqual(self.essence(answer), gone)
        self.assertEqual(len(self.open.connections), 9)
        self.assertEqual(self.secret.connections, [])

    async def test_mixed_answers(self) -> None:
        """One private address among a name's addresses closes the name, wherever it stands."""
        gateway = await self.setting(
            {
                "good.example": [["127.0.0.2"]],
                "mix1.example": [["127.0.0.2", "127.0.0.1"]],
                "mix2.example": [["127.0.0.1", "127.0.0.2"]],
                "mix3.example": [["127.0.0.2", "10.0.0.1", "127.0.0.2"]],
                "mix6.example": [["127.0.0.2", "::1"]],
                "map6.example": [["127.0.0.2", "::ffff:127.0.0.1"]],
            }
        )
        for kind in ("navigation", "websocket"):
            gone = self.essence(await self.ask(gateway, f"{GONE}:{self.port}", kind))
            for name in self.zone.answers:
                answer = await self.ask(gateway, f"http://{name}:{self.port}", kind)
                if name == "good.example":
                    self.assertIn(answer.status, (200, 403))
                else:
                    self.assertEqual(self.essence(answer), gone, name)
        self.assertEqual((len(self.open.connections), self.secret.connections), (2, []))


class RedirectTests(PrivateCase):
    """An origin that sends people to private addresses."""

    async def test_redirects(self) -> None:
        """The browser may follow; what it then asks for is refused like a name that is gone."""
        secret = Origin(reply(b"secret"))
        port = await self.listen(secret)
        wanted = (
            f"http://127.0.0.1:{port}/", f"http://2130706433:{port}/x", f"//127.1:{port}/y",
            f"http://[::ffff:127.0.0.1]:{port}/", "http://169.254.169.254/latest/meta-data/",
            f"http://evil.example:{port}/", f"http://user:pw@127.0.0.1:{port}/",
        )  # fmt: skip
        shop = Origin(
            lambda seen: reply(
                b"", b"Location: " + wanted[int(seen.target[1:])].encode(), status=b"302 Found"
            )
        )
        gateway = await self.gateway(
            {"http://go.example": shop},
            rules=EVERYTHING,
            private=(),
            names={"evil.example": ["127.0.0.1"]},
        )
        # The origin itself is on loopback: only its own address and port are let through.
        filtering = gateway.service._upstream._connect_reactor.nameResolver
        refuse, home = filtering._refuse, gateway.service.config.net.hosts[0].connect_port
        filtering._refuse = lambda host, to: None if to == home else refuse(host, to)
        gone = self.essence(await self.ask(gateway, GONE))
        for number, target in enumerate(wanted):
            answer = await gateway.ask(f"http://go.example/{number}", *KINDS["navigation"])
            self.assertEqual(answer.status, 302, target)
            where = (answer.get(b"location") or b"").decode()
            followed = await self.follow(gateway, where, *KINDS["navigation"])
            self.assertEqual(self.essence(followed), gone, target)
        self.assertEqual(secret.connections, [])
