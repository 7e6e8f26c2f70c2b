"""Services as values: where they accept, whom they admit, which subprotocols they allow."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import parse_origin
from gateway.policy.patterns import parse_pattern
from gateway.policy.services import Backend, Service, Services, overlapping


def service(name: str = "chat", path: str = "/chat", *origins: str, **more: Any) -> Service:
    """A service at the portal of ``gateway.test`` that echoes."""
    given: dict[str, Any] = {"host": "gateway.test", "backend": Backend("echo", "echo:"), **more}
    return Service(name, given.pop("host"), path, given.pop("backend"),
                   origins=tuple(map(parse_pattern, origins)), **given)  # fmt: skip


class PlaceTests(SynchronousTestCase):
    """By host and path, exactly."""

    def test_at(self) -> None:
        """The port of Host does not count, nor does its case; the path's does."""
        chat, other = service(), service("other", "/", host="chat.example")
        services = Services((chat, other))
        table = [
            ("gateway.test", "/chat", chat),
            ("GATEWAY.test:8443", "/chat", chat),
            ("gateway.test", "/chat/", None),
            ("gateway.test", "/Chat", None),
            ("gateway.test", "/", None),
            ("chat.example", "/", other),
            ("chat.example", "/chat", None),
            ("gateway.test:x", "/chat", None),
            ("", "/chat", None),
        ]
        for host, path, wanted in table:
            self.assertEqual(services.at(host, path), wanted, (host, path))
        self.assertIsNone(Services().at("gateway.test", "/chat"))
        self.assertTrue(services.has_host("Chat.example:1"))
        self.assertFalse(services.has_host("www.chat.example"))
        self.assertEqual(services.named("other"), other)
        self.assertIsNone(services.named("none"))

    def test_overlapping(self) -> None:
        """Two of one place, or of one name."""
        one, two, three = service(), service("two"), service("chat", "/three")
        self.assertEqual(overlapping((one, two)), [(one, two)])
        self.assertEqual(overlapping((one, three)), [(one, three)])
        self.assertEqual(overlapping((one, service("two", "/two"))), [])


class OriginTests(SynchronousTestCase):
    """``allow-origins``."""

    def test_table(self) -> None:
        """Patterns as elsewhere; applications' own schemes by their name; null by its own."""
        table: list[tuple[tuple[str, ...], str, bool]] = [
            (("https://app.example",), "https://app.example", True),
            (("https://app.example",), "https://app.example:8443", True),
            (("https://app.example:443",), "https://app.example:8443", False),
            (("https://app.example",), "http://app.example", False),
            (("app.example",), "http://app.example", True),
            (("https://*.app.example",), "https://a.app.example", True),
            (("https://app.example",), "https://app.example.evil", False),
            (("https://app.example",), "https://app.example/", False),
            (("*",), "https://anything.example", True),
            (("*",), "null", False),
            (("*",), "capacitor://localhost", False),
            (("capacitor://localhost",), "capacitor://localhost", True),
            (("capacitor://localhost",), "capacitor://other", False),
            (("chrome-extension://abcdef",), "chrome-extension://abcdef", True),
            (("https://[::1]",), "https://[::1]:9", True),
            (("https://app.example",), "junk", False),
            (("https://app.example",), "", False),
            ((), "https://app.example", False),
        ]
        for patterns, origin, wanted in table:
            self.assertEqual(service("a", "/", *patterns).admits(origin, None), wanted, origin)
        self.assertTrue(service(null=True).admits("null", None))

    def test_pages_of_ours(self) -> None:
        """A site that the gateway shows is asked about by its own name."""
        page = parse_origin("https://app.example")
        shown = "https://https-app-example.0.gateway.test"
        self.assertTrue(service("a", "/", "https://app.example").admits(shown, page))
        self.assertFalse(service("a", "/", shown).admits(shown, page))


class SubprotocolTests(SynchronousTestCase):
    """Which of an offer go on, and what a stream's octets are."""

    def test_offered(self) -> None:
        """In the offer's order; all of them where none are named."""
        some = service(subprotocols=("b", "a"))
        self.assertEqual(some.offered(("a", "x", "b")), ("a", "b"))
        self.assertEqual(some.offered(("x",)), ())
        self.assertEqual(service().offered(("x", "y")), ("x", "y"))

    def test_text(self) -> None:
        """STOMP's clients expect text, those of others do not, and the operator's word counts."""
        table = [("", "v12.stomp", True), ("", "mqtt", False), ("", None, False),
                 ("text", "mqtt", True), ("binary", "v12.stomp", False)]  # fmt: skip
        for messages, subprotocol, wanted in table:
            self.assertEqual(service(messages=messages).sends_text(subprotocol), wanted)
