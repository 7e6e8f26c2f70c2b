"""``[[service]]``: what is read, and every fault with its place."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gateway.demo.ca import LocalCa
from gateway.errors import ConfigurationError
from gateway.ops.config import Config, parse_config
from gateway.ops.passwordfile import set_password
from gateway.policy.services import Backend, Service


class ServiceCase(SynchronousTestCase):
    """Base: a configuration with files that are there."""

    def setUp(self) -> None:
        """One certificate, for the portal and a service's host."""
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        names = ["gateway.example", "*.0.gateway.example", "chat.example", "*.apps.example"]
        issued = LocalCa(self.folder).issue("served", names)
        self.head = (
            f'domain = "gateway.example"\n[tls]\ncertificate = "{issued.certificate}"\n'
            f'key = "{issued.key}"\n'
        )
        set_password(self.folder / "passwords", "somebody", "S3cret")
        self.login = f'[authentication]\npassword-file = "{self.folder / "passwords"}"\n'

    def parse(self, *lines: str, before: str = "") -> Config:
        """One service, at /a as an echo unless the lines say otherwise."""
        given = {"name": '"a"', "accept": '"/a"', "connect": '"echo:"',
                 "allow-origins": '["https://app.example"]'}  # fmt: skip
        given |= dict(line.split(" = ", 1) for line in lines)
        rows = [f"{key} = {value}" for key, value in given.items() if value]
        text = self.head + before + "[[service]]\n" + "\n".join(rows) + "\n"
        return parse_config(text, "g.toml")

    def service(self, *lines: str, before: str = "") -> Service:
        """The one service."""
        (found,) = self.parse(*lines, before=before).services.all
        return found

    def faults(self, *lines: str, before: str = "") -> str:
        """All faults, as printed."""
        with self.assertRaises(ConfigurationError) as caught:
            self.parse(*lines, before=before)
        return str(caught.exception)


class ReadTests(ServiceCase):
    """What a service is when nothing is wrong."""

    def test_defaults(self) -> None:
        """The strictest reading: nobody's programs, any subprotocol, no login to ask for."""
        found = self.service()
        self.assertEqual((found.host, found.path), ("gateway.example", "/a"))
        self.assertEqual((found.native, found.null, found.login, found.required), (False,) * 4)
        self.assertEqual((found.subprotocols, found.rate), ((), None))
        self.assertEqual(found.where, "g.toml:5")

    def test_defaults_of_all(self) -> None:
        """[service-defaults] stand for what a service leaves out."""
        before = (
            '[service-defaults]\nnative = true\nconnections = 7\nsubprotocols = ["a"]\n'
            "handshakes-per-second = 3\n"
        )
        found = self.service("connections = 9", before=before)
        self.assertEqual((found.native, found.bounds.connections), (True, 9))
        self.assertEqual((found.subprotocols, found.rate.burst), (("a",), 6.0))

    def test_connect(self) -> None:
        """Each kind."""
        table: list[tuple[str, tuple[str, str, int] | None, bytes, str]] = [
            ("ws://b:8080/x?y=1", ("http", "b", 8080), b"/x?y=1", ""),
            ("wss://b", ("https", "b", 443), b"/", ""),
            ("ws://[::1]/", ("http", "[::1]", 80), b"/", ""),
            ("tcp://broker:1883", ("http", "broker", 1883), b"/", ""),
            ("tcp://broker:80", ("http", "broker", 80), b"/", ""),
            ("tls://broker:8883", ("https", "broker", 8883), b"/", ""),
            ("tls://broker:443", ("https", "broker", 443), b"/", ""),
            ("unix:/run/broker.sock", None, b"/", "/run/broker.sock"),
            ("unix:///run/broker.sock", None, b"/", "/run/broker.sock"),
            ("echo:", None, b"/", ""),
        ]
        for text, origin, target, path in table:
            found: Backend = self.service(f'connect = "{text}"').backend
            given = found.origin
            told = None if given is None else (given.scheme, given.host, given.port)
            self.assertEqual((told, found.target, found.path), (origin, target, path), text)

    def test_broadcast(self) -> None:
        """By itself, and with a source."""
        self.assertIsNone(self.service('connect = "broadcast:"').backend.source)
        found = self.service('connect = "broadcast:tls://feed:7000"', 'messages = "text"')
        source = found.backend.source
        assert source is not None
        self.assertEqual((source.kind, str(source.origin)), ("tls", "https://feed:7000"))
        self.assertTrue(found.transport.tls.forward_secrecy)

    def test_accept(self) -> None:
        """A path of the portal's, or a host that the certificate is for."""
        for text, host, path in (
            ("/services/a;x/%20", "gateway.example", "/services/a;x/%20"),
            ("wss://chat.example", "chat.example", "/"),
            ("wss://chat.example/x", "chat.example", "/x"),
            ("wss://one.apps.example/x", "one.apps.example", "/x"),
            ("wss://gateway.example/x", "gateway.example", "/x"),
        ):
            found = self.service(f'accept = "{text}"')
            self.assertEqual((found.host, found.path), (host, path))

    def test_login(self) -> None:
        """Asked where the gateway asks, unless it is said otherwise, which warns."""
        self.assertTrue(self.service(before=self.login).login)
        config = self.parse('login = "none"', before=self.login)
        self.assertFalse(config.services.all[0].login)
        self.assertTrue(any("nobody need sign in" in one for one in config.warnings))

    def test_warnings(self) -> None:
        """What opens much is told with its place."""
        for line, words in (
            ('allow-origins = ["*"]', "every origin"),
            ("native = true", "any program"),
            ("allow-origins = ", "nobody may use it"),
            ('connect = "tcp://b:25"', "bad-port"),
            ('validation = "enforce"\nsubprotocols = ["mqtt"]', "not looked into"),
            ('connect = "tls://b:1"\nminimum-tls = "1.0"', "TLS 1.0 is broken"),
        ):
            found = [one for one in self.parse(*line.split("\n")).warnings if words in one]
            self.assertEqual(len(found), 1, line)
            self.assertTrue(found[0].startswith("g.toml:5: service a"), found)


class FaultTests(ServiceCase):
    """What is wrong is told with file, key and line."""

    def test_table(self) -> None:
        """One line of the service, and words of its fault."""
        table = [
            ('name = "a b"', "service[1].name", "letters"),
            ("name = ", "service[1].name", "missing"),
            ('accept = "a"', "service[1].accept", "path such as"),
            ('accept = "/a?b"', "service[1].accept", "no query"),
            ('accept = "/a/../b"', "service[1].accept", 'spell it ("/b")'),
            ('accept = "/a b"', "service[1].accept", "/a%20b"),
            ('accept = "//x/y"', "service[1].accept", "path"),
            ('accept = "/"', "service[1].accept", "portal has no page"),
            ('accept = "/open"', "service[1].accept", "portal has no page"),
            ('accept = "/.gateway/x"', "service[1].accept", "gateway's own"),
            ('accept = "/a/;e/b"', "service[1].accept", "gateway's own"),
            ('accept = "ws://chat.example/"', "service[1].accept", "wss://"),
            ('accept = "wss://chat.example:8443/"', "service[1].accept", "the public port, 443"),
            ('accept = "wss://other.example/"', "service[1].accept", "certificate"),
            ('accept = "wss://a.b.apps.example/"', "service[1].accept", "certificate"),
            ('accept = "wss://www.0.gateway.example/"', "service[1].accept", "gateway's"),
            ('accept = "wss://x.0.gateway.example/"', "service[1].accept", "gateway's"),
            ('accept = "wss://gateway.example/"', "service[1].accept", "portal has no page"),
            ('connect = "http://b/"', "service[1].connect", "one of ws:"),
            ('connect = "tcp:b"', "service[1].connect", "tcp://host:port"),
            ('connect = "tcp://b"', "service[1].connect", "no port of their own"),
            ('connect = "tcp://b:1/x"', "service[1].connect", "nothing after it"),
            ('connect = "tcp://u:p@b:1"', "service[1].connect", "no user"),
            ('connect = "tcp://b:99999"', "service[1].connect", "host:port"),
            ('connect = "ws://b/#x"', "service[1].connect", "fragment"),
            ('connect = "unix:run"', "service[1].connect", "absolute"),
            ('connect = "echo:x"', "service[1].connect", "nothing after it"),
            ('connect = "broadcast:echo:"', "service[1].connect", "before a backend"),
            ('connect = "broadcast:tcp:x"', "service[1].connect", "tcp://host:port"),
            ("prepared = 1", "service[1].prepared", "a handshake says who asks"),
            ("pending-bytes = 4096", "service[1].pending-bytes", "broadcast"),
            ('subprotocols = ["a b"]', "service[1].subprotocols", "token"),
            ('subprotocols = ["a", "a"]', "service[1].subprotocols", "each once"),
            ("subprotocol-required = true", "service[1].subprotocols", "missing"),
            ('allow-origins = ["https://a/x"]', "service[1].allow-origins", "without a path"),
            ('login = "asked"', "service[1].login", "[authentication]"),
            ('principal-field = "X-U"', "service[1].principal-field", "no fields"),
            ('principal-field = "Cookie"', "service[1].principal-field", "of your own"),
            ('principal-field = "User-Agent"', "service[1].principal-field", "of your own"),
            ('principal-field = "Sec-X"', "service[1].principal-field", "begin with Sec-"),
            ('messages = "text"', "service[1].messages", "tcp:"),
            ("handshakes-burst = 3", "service[1].handshakes-per-second", "missing"),
            ('connect = "tls://b:1"\ntrust = []', "service[1].trust", "whom to trust"),
            ('connect = "tls://b:1"\nclient-key = "x"', "service[1].client-certificate", "missing"),
            ('minimum-tls = "1.3"', "service[1].minimum-tls", "no certificates"),
            ('connect = "ws://b"\ntrust = ["system"]', "service[1].trust", "no certificates"),
            ("surprise = 1", "service[1].surprise", "unknown key"),
        ]  # fmt: skip
        for line, path, words in table:
            try:
                found = self.faults(*line.split("\n"))
            except self.failureException:
                self.fail(f"no fault: {line}")
            self.assertIn(f"g.toml: {path}: ", found, line)
            self.assertIn(words, found, line)

    def test_passwords_are_not_quoted(self) -> None:
        """Not even wrong ones."""
        self.assertNotIn("hunter2", self.faults('connect = "tcp://u:hunter2@b:1"'))

    def test_rules_of_nobody(self) -> None:
        """A rule for messages that names a service which is not there."""
        rule = '[[subprotocol-rule]]\nservices = ["a", "b"]\n'
        found = self.faults(before=rule)
        self.assertIn('subprotocol-rule[1].services: found "b", expected the name', found)
        self.assertIn("there is a)", found)
        self.assertEqual(found.count("subprotocol-rule[1]"), 1)

    def test_xmpp(self) -> None:
        """Over a stream it is another protocol than over WebSocket."""
        found = self.faults('connect = "tcp://b:5222"', 'subprotocols = ["xmpp"]')
        self.assertIn("RFC 7395", found)
        self.service('connect = "ws://b:5280/xmpp"', 'subprotocols = ["xmpp"]')

    def test_everybody_with_a_login(self) -> None:
        """Browsers send it for any page: every origin is a fault then."""
        for text in ("*", "https://*", "null"):
            found = self.faults(f'allow-origins = ["{text}"]', before=self.login)
            self.assertIn(f'found "{text}", expected origins: browsers send', found)
        self.service('allow-origins = ["*"]', 'login = "none"', before=self.login)

    def test_overlaps(self) -> None:
        """Two at one place: the second's fault names both lines."""
        more = '\n[[service]]\nname = "{}"\naccept = "{}"\nconnect = "echo:"'
        found = self.faults("native = true" + more.format("b", "/a"))
        self.assertIn("g.toml: service[2].accept: found", found)
        self.assertIn("(g.toml:11), service a has it already (g.toml:5)", found)
        found = self.faults("native = true" + more.format("b", "wss://gateway.example/a"))
        self.assertIn("service[2].accept", found)
        found = self.faults("native = true" + more.format("a", "/b"))
        self.assertIn("service[2].name", found)
