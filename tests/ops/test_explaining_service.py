"""Services explained: the steps of the one table, and the same answers as the exchange's."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway.demo.ca import LocalCa
from gateway.exchange.messages import Accept, RequestHead
from gateway.exchange.needs import ConnectService, SocketOpened
from gateway.exchange.service import service_exchange
from gateway.ops.config import Config, parse_config
from gateway.ops.explaining import Explained, explained
from tests.exchange import Shell, context
from tests.websocket.test_handshake import KEY

URL = "wss://gateway.example/services/chat"
_TEXT = """\
domain = "gateway.example"
[tls]
certificate = "{certificate}"
key = "{key}"
[clients]
deny = ["192.0.2.0/24"]
[[service]]
name = "chat"
accept = "/services/chat"
connect = "tls://broker.internal:8883"
subprotocols = ["mqtt"]
allow-origins = ["https://app.example", "capacitor://localhost"]
connections = 7
[[service]]
name = "open"
accept = "/services/open"
connect = "echo:"
allow-origins = ["null"]
native = true
"""


class ExplainTests(SynchronousTestCase):
    """By one configuration."""

    def setUp(self) -> None:
        """With files that are there."""
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        issued = LocalCa(folder).issue("served", ["gateway.example"])
        text = _TEXT.format(certificate=issued.certificate, key=issued.key)
        self.config: Config = parse_config(text, "g.toml")

    def ask(self, url: str, page: str | None = None, client: str | None = None) -> Explained:
        """One explanation."""
        found = explained(self.config, url, "websocket", page, client, native=page is None)
        assert isinstance(found, Explained), found
        return found

    def test_table(self) -> None:
        """Who may, and which step says so."""
        table: list[tuple[str, str | None, str | None, bool, int]] = [
            (URL, "https://app.example", None, True, 7),
            (URL, "https://app.example/some/page", None, True, 7),
            (URL, "https://https-app-example.0.gateway.example", None, True, 7),
            (URL, "capacitor://localhost", None, True, 7),
            (URL, "https://evil.example", None, False, 4),
            (URL, "null", None, False, 4),
            (URL, None, None, False, 4),
            (URL, "https://app.example", "192.0.2.7", False, 1),
            (URL.replace("chat", "open"), None, "198.51.100.1", True, 7),
            (URL.replace("chat", "open"), "null", None, True, 7),
            (URL.replace("chat", "open"), "https://app.example", None, False, 4),
            (URL.replace("wss", "https") + "?room=1", "https://app.example", None, True, 7),
        ]
        for url, page, client, allowed, step in table:
            found = self.ask(url, page, client).told
            self.assertEqual((found["allowed"], found["step"]), (allowed, step), (url, page))
            self.assertIn(found["service"], url)
            if client is None:
                self.assertEqual(self._decided(url, page), allowed, (url, page))

    def _decided(self, url: str, page: str | None) -> bool:
        """What the exchange says of the same handshake."""
        fields = [
            (b"Upgrade", b"websocket"),
            (b"Connection", b"Upgrade"),
            (b"Sec-WebSocket-Key", KEY),
            (b"Sec-WebSocket-Version", b"13"),
        ]
        if page is not None:
            fields.append((b"Origin", page.removesuffix("/some/page").encode()))
        target = url.partition("://gateway.example")[2].encode()
        head = RequestHead(b"GET", target, b"HTTP/1.1", "gateway.example", tuple(fields))
        given = attrs.evolve(context(), services=self.config.services, codec=self.config.codec)
        ending = Shell({ConnectService: SocketOpened()}).run(service_exchange(head, given))
        return isinstance(ending, Accept)

    def test_words(self) -> None:
        """Numbered steps, the service by its name and line, and what would change it."""
        lines = "\n".join(self.ask(URL, "https://app.example").lines)
        self.assertIn("as service by a page of https://app.example", lines)
        self.assertIn("service chat leads to tls://broker.internal:8883", lines)
        self.assertIn("[[service]] g.toml:7", lines)
        self.assertIn("TLS 1.2 or newer with forward secrecy", lines)
        self.assertIn("allowed: mqtt; none is required; the gateway chooses", lines)
        self.assertIn("7 WebSockets at once", lines)
        self.assertIn("allowed by step 7, destination", lines)
        lines = "\n".join(self.ask(URL, "https://evil.example").lines)
        self.assertIn("denied (403, origin.denied) by step 4, page", lines)
        self.assertIn("allow-origins of service chat: add https://evil.example", lines)

    def test_not_a_service(self) -> None:
        """Another path is no service's; nor is an intent."""
        for url in (URL + "/", "wss://chat.example/"):
            found = explained(self.config, url, "websocket")
            assert isinstance(found, Explained)
            self.assertNotIn("service", found.told)
