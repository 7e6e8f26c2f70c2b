"""The host table, and the filter between a resolver and those who ask it."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IReactorTCP, IReactorTime
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gateway.net.resolver import ConnectOnly, FilteringResolver, is_own_address, lookup_static
from gateway.net.settings import HostEntry
from gateway.net.telemetry import Silent
from gateway.policy.addresses import AddressSettings

PUBLIC, PUBLIC_6, PRIVATE = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "10.1.2.3"
OPEN = AddressSettings(allow_private=(ip_network("10.1.0.0/16"),))


class Receiver:
    """Remembers a resolution."""

    def __init__(self) -> None:
        self.log: list[Any] = []

    def resolutionBegan(self, resolution: Any) -> None:
        self.log.append(resolution)

    def addressResolved(self, address: Any) -> None:
        self.log.append(address.host)

    def resolutionComplete(self) -> None:
        self.log.append("complete")


class Inner:
    """A resolver that answers with given addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[Any] = []

    def resolveHostName(self, receiver: Any, *question: Any) -> Any:
        self.asked.append(question)
        receiver.resolutionBegan("began")
        for text in self.addresses:
            kind = IPv6Address if ":" in text else IPv4Address
            receiver.addressResolved(kind("TCP", text, 443))
        receiver.resolutionComplete()
        return "resolution"


class Events(Silent):
    """Remembers events."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def event(self, code: str, *, detail: str = "", **fields: object) -> None:
        self.events.append((code, detail))


class LookupTests(SynchronousTestCase):
    """``[[upstream.hosts]]``."""

    timeout = 20

    def test_table(self) -> None:
        """The first entry for the host and port counts; without one all stays as it is."""
        hosts = (
            HostEntry("a.example", "127.0.0.1", 443, 8443),
            HostEntry("a.example", "127.0.0.2", None, None),
            HostEntry("b.example", "c.example", None, 9),
        )
        for host, port, expected in (
            ("a.example", 443, ("127.0.0.1", 8443)),
            ("a.example", 80, ("127.0.0.2", 80)),
            ("b.example", 443, ("c.example", 9)),
            ("c.example", 443, ("c.example", 443)),
            ("x.a.example", 443, ("x.a.example", 443)),
        ):
            self.assertEqual(lookup_static(hosts, host, port), expected)
        self.assertEqual(lookup_static((), "a.example", 1), ("a.example", 1))


class FilterTests(SynchronousTestCase):
    """Open addresses pass; one closed address closes the name."""

    timeout = 20

    def ask(
        self,
        *addresses: str,
        settings: AddressSettings = OPEN,
        own: frozenset[str] = frozenset(),
        port: int = 443,
    ) -> list[Any]:
        """Resolve a name to these addresses; what the asker gets to see."""
        self.inner, self.telemetry, receiver = Inner(*addresses), Events(), Receiver()
        resolver = FilteringResolver(
            self.inner, lambda: settings, self.telemetry, is_own=own.__contains__
        )
        result = resolver.resolveHostName(receiver, "name.example", port, (IPv4Address,), "TCP")  # type: ignore[arg-type]
        self.assertEqual(result, "resolution")
        return receiver.log

    def test_open(self) -> None:
        """All addresses, in their order; the question reaches the other resolver whole."""
        log = self.ask(PUBLIC, PUBLIC_6, PRIVATE)
        self.assertEqual(log, ["began", PUBLIC, PUBLIC_6, PRIVATE, "complete"])
        self.assertEqual(self.inner.asked, [("name.example", 443, (IPv4Address,), "TCP")])
        self.assertEqual(self.telemetry.events, [])

    def test_all_or_nothing(self) -> None:
        """One closed address, wherever it stands, closes the name as if it did not exist."""
        failed = self.ask()
        self.assertEqual(failed, ["began", "complete"])
        for closed in ("127.0.0.1", "10.2.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1",
                       "fe80::1%eth0", "64:ff9b::7f00:1", "2002:7f00:1::", "0.0.0.0"):  # fmt: skip
            for answer in (
                (closed,),
                (closed, PUBLIC),
                (PUBLIC, closed),
                (PUBLIC_6, closed, PUBLIC),
            ):
                self.assertEqual(self.ask(*answer), failed, answer)
                code, detail = self.telemetry.events[0]
                self.assertEqual(code, "ssrf.denied")
                self.assertTrue(detail.startswith(f"{closed}: "), detail)

    def test_own_addresses(self) -> None:
        """A public address of this machine is closed as well, and what listens here always."""
        self.assertEqual(self.ask(PUBLIC, own=frozenset({PUBLIC})), ["began", "complete"])
        for form in ("64:ff9b::5db8:d70e", "2002:5db8:d70e::1", "2606:4700::5efe:5db8:d70e"):
            self.assertEqual(self.ask(form), ["began", form, "complete"])
            self.assertEqual(self.ask(form, own=frozenset({PUBLIC})), ["began", "complete"])
        listening = AddressSettings((ip_network("10.1.0.0/16"),), frozenset({(PRIVATE, 443)}))
        self.assertEqual(self.ask(PRIVATE, settings=listening), ["began", "complete"])
        self.assertIn(PRIVATE, self.ask(PRIVATE, settings=listening, port=444))

    def test_settings_are_asked_each_time(self) -> None:
        """A reload opens or closes a range for the next look-up."""
        held = [AddressSettings()]
        resolver = FilteringResolver(
            Inner(PRIVATE), lambda: held[0], Silent(), is_own=lambda _: False
        )
        for settings, passes in ((AddressSettings(), False), (OPEN, True), (held[0], False)):
            held[0] = settings
            receiver = Receiver()
            resolver.resolveHostName(receiver, "name.example", 443)  # type: ignore[arg-type]
            self.assertEqual(PRIVATE in receiver.log, passes)

    def test_own_address(self) -> None:
        """Loopback is this machine's, documentation's addresses are not, nor is junk."""
        for own in ("127.0.0.1", "127.0.0.2", "127.255.255.254"):
            self.assertTrue(is_own_address(own), own)
        for other in ("192.0.2.1", "2001:db8::1", "junk", ""):
            self.assertFalse(is_own_address(other), other)


class ConnectOnlyTests(SynchronousTestCase):
    """The reactor as endpoints see it."""

    timeout = 20

    def test_resolver_stays(self) -> None:
        """Nobody can put another resolver in; the rest is the reactor's."""
        clock, inner = Clock(), Inner()
        reactor = ConnectOnly(clock, inner)  # type: ignore[arg-type]
        self.assertRaises(TypeError, reactor.installNameResolver, Inner())
        self.assertIs(reactor.nameResolver, inner)
        clock.advance(3)
        self.assertEqual(reactor.seconds(), 3)
        self.assertTrue(IReactorTCP.providedBy(reactor) and IReactorTime.providedBy(reactor))
