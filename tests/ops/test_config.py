"""Configuration files: what is accepted, and every fault at once.

``SAMPLE`` is the minimal configuration of the interfaces' page, as operators copy it.
"""

from __future__ import annotations

import functools
import tempfile
from ipaddress import ip_network
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway.demo.ca import LocalCa
from gateway.errors import ConfigurationError
from gateway.net.settings import HostEntry, Limits
from gateway.ops.config import Config, load, parse_config
from tests.ops import temporary

SAMPLE = """\
domain = "gateway.localhost"        # portal; secure origin www.0.<domain>
public-port = 8443                  # the port in URLs that browsers see; default 443
listen = ["tcp:8443:interface=127.0.0.1"]      # Twisted endpoint strings

[http]
redirect-listen = ["tcp:8080:interface=127.0.0.1"]
http2 = true
proxy-from = []
workers = 1

[limits]

[tls]
certificate = "DEV/gateway.pem" # chain
key = "DEV/gateway.key"
minimum = "1.2"

[store]
url = "sqlite:///var/gateway.db"    # or memory:

[keys]
file = "var/gateway.keys"

[admin]
listen = ["tcp:9443:interface=127.0.0.1"]

[upstream]
trust = ["system", "DEV/ca.pem"]
allow-private = ["127.0.0.0/8"]     # off unless listed

[[upstream.hosts]]                  # static host table
host = "jupyter.test"
port = 8888                         # omitted: every port
connect = "127.0.0.1:18888"         # a missing port keeps the URL's

[[allow-navigation]]
href = "*"

[[access]]
origin = "*"
"""
MINIMAL = 'domain = "gw.test"\n[tls]\ncertificate = "DEV/gateway.pem"\nkey = "DEV/gateway.key"\n'


@functools.cache
def pem() -> str:
    """A certificate."""
    with tempfile.TemporaryDirectory() as folder:
        return LocalCa(Path(folder)).certificate_file.read_text()


class ConfigCase(SynchronousTestCase):
    """Parses texts in which ``DEV`` stands for a folder with files."""

    timeout = 60

    def setUp(self) -> None:
        """Make the folder."""
        self.dev = temporary(self)
        for name in ("gateway.pem", "gateway.key", "ca.pem"):
            (self.dev / name).write_text(pem())

    def parse(self, text: str) -> Config:
        """Parse; it must be fine."""
        return parse_config(text.replace("DEV", str(self.dev)), "g.toml")

    def faults(self, text: str) -> list[str]:
        """The faults; there must be some, each one line that begins with the file."""
        error = self.assertRaises(ConfigurationError, self.parse, text)
        for fault in error.faults:
            self.assertTrue(fault.startswith("g.toml: "), fault)
            self.assertEqual(len(fault.splitlines()), 1, fault)
        self.assertGreater(len(error.faults), 0)
        return [fault.removeprefix("g.toml: ") for fault in error.faults]


class AcceptedTests(ConfigCase):
    """What a good configuration says."""

    def test_sample(self) -> None:
        """The sample of the interfaces' page, value by value."""
        config = self.parse(SAMPLE)
        self.assertEqual(config.codec.domain, "gateway.localhost")
        self.assertEqual(config.codec.public_port, 8443)
        self.assertEqual(config.listen, ("tcp:8443:interface=127.0.0.1",))
        self.assertEqual(config.redirect_listen, ("tcp:8080:interface=127.0.0.1",))
        self.assertEqual(config.admin_listen, ("tcp:9443:interface=127.0.0.1",))
        self.assertEqual(config.tls.certificate, self.dev / "gateway.pem")
        self.assertEqual(config.tls.key, self.dev / "gateway.key")
        self.assertEqual(config.tls.minimum, "1.2")
        self.assertEqual(config.store.path, Path("var/gateway.db"))
        self.assertEqual(config.key_file, Path("var/gateway.keys"))
        self.assertEqual(config.net.limits, Limits())
        self.assertIs(config.net.trust_system, True)
        self.assertEqual(config.net.trust_files, (pem().encode(),))
        entry = HostEntry("jupyter.test", "127.0.0.1", 8888, 18888)
        self.assertEqual(config.net.hosts, (entry,))
        self.assertEqual(config.policy.addresses.allow_private, (ip_network("127.0.0.0/8"),))
        (rule,) = config.policy.navigation
        self.assertEqual((rule.pattern.text, rule.where), ("*", "g.toml:36"))
        (access,) = config.policy.access
        self.assertEqual((access.pattern.text, access.where), ("*", "g.toml:39"))
        self.assertIs(access.native, False)

    def test_minimal(self) -> None:
        """Domain and certificate are enough; nothing is open by default."""
        config = self.parse(MINIMAL)
        self.assertEqual(config.codec.public_port, 443)
        self.assertEqual(config.admin_listen, ("tcp:9443:interface=127.0.0.1",))
        self.assertEqual(config.redirect_listen, ())
        self.assertEqual((config.policy.navigation, config.policy.access), ((), ()))
        self.assertEqual(config.policy.addresses.allow_private, ())
        self.assertEqual((config.net.hosts, config.net.trust_files), ((), ()))
        self.assertIs(config.net.trust_system, True)
        self.assertEqual(config.warnings, ())

    def test_access(self) -> None:
        """Every attribute of an access rule."""
        rule = (
            '[[access]]\norigin = "https://a.example"\nfrom = "https://b.example"\nnative = true\n'
            'subdomains = true\nminimum-tls = "1.2"\nforward-secrecy = true\n'
            "allow-insecure-http = true\n"
        )
        (access,) = self.parse(MINIMAL + rule).policy.access
        self.assertTrue(access.pattern.with_subdomains)
        self.assertEqual(access.page.text if access.page else "", "https://b.example")
        self.assertEqual(
            (access.native, access.minimum_tls, access.forward_secrecy, access.allow_insecure_http),
            (True, "1.2", True, True),
        )

    def test_limits(self) -> None:
        """Every limit has its key, and the key reaches its own limit."""
        narrow = {
            "websocket_compression_window_bits": 9,
            "websocket_compression_upstream_window_bits": 10,
            "websocket_compression_memory_level": 5,
            "websocket_compression_takeover": 1,
        }
        wanted = {
            field.name: narrow.get(field.name, at)
            for at, field in enumerate(attrs.fields(Limits), 1)
        }
        lines = [f"{name.replace('_', '-')} = {value}\n" for name, value in wanted.items()]
        limits = self.parse(MINIMAL + "[limits]\n" + "".join(lines)).net.limits
        self.assertEqual(attrs.asdict(limits), wanted)

    def test_content(self) -> None:
        """WebRTC is off unless it is said, and that is warned of."""
        self.assertIs(self.parse(MINIMAL).content.webrtc, False)
        for value in (True, False):
            config = self.parse(f"{MINIMAL}[content]\nwebrtc = {str(value).lower()}\n")
            self.assertIs(config.content.webrtc, value)
            self.assertEqual(any("content.webrtc" in one for one in config.warnings), value)

    def test_rewriting(self) -> None:
        """How many threads edit, and how much of one token is held."""
        limits = self.parse(MINIMAL).net.limits
        self.assertEqual((limits.rewrite_threads, limits.rewrite_token_bytes), (2, 4 << 20))
        text = MINIMAL + "[limits]\nrewrite-threads = 5\nrewrite-token-bytes = 65536\n"
        limits = self.parse(text).net.limits
        self.assertEqual((limits.rewrite_threads, limits.rewrite_token_bytes), (5, 65536))

    def test_stores(self) -> None:
        """Memory, a relative and an absolute file."""
        for url, path in (
            ("memory:", None),
            ("sqlite:///a/b.db", Path("a/b.db")),
            ("sqlite:////a/b.db", Path("/a/b.db")),
        ):
            config = self.parse(MINIMAL + f'[store]\nurl = "{url}"\n')
            self.assertEqual(config.store.path, path)

    def test_hosts(self) -> None:
        """A missing port keeps the URL's; IPv6 and names are fine."""
        for connect, entry in (
            ("127.0.0.1", HostEntry("a.test", "127.0.0.1")),
            ("127.0.0.1:80", HostEntry("a.test", "127.0.0.1", None, 80)),
            ("[::1]:8080", HostEntry("a.test", "::1", None, 8080)),
            ("b.test:1", HostEntry("a.test", "b.test", None, 1)),
        ):
            text = f'[[upstream.hosts]]\nhost = "a.test"\nconnect = "{connect}"\n'
            self.assertEqual(self.parse(MINIMAL + text).net.hosts, (entry,), connect)

    def test_warnings(self) -> None:
        """Dangerous settings are named, harmless ones are not."""
        self.assertEqual(len(self.parse(SAMPLE).warnings), 3)
        for text, words in (
            ('[[allow-navigation]]\nhref = "*"\n', "opens every site"),
            ('[[access]]\norigin = "*"\nnative = true\n', "any program"),
            ('[[access]]\norigin = "a.test"\nallow-insecure-http = true\n', "plain http"),
            ('[[access]]\norigin = "a.test"\nminimum-tls = "1.0"\n', "TLS 1.0 is broken"),
            ('[[access]]\norigin = "a.test"\nforward-secrecy = false\n', "can be read later"),
            ('[[access]]\norigin = "a.test"\ncertificate-strength = false\n', "can be forged"),
            ('[upstream]\nallow-private = ["10.0.0.0/8"]\n', "10.0.0.0/8"),
        ):
            warnings = self.parse(MINIMAL + text).warnings
            self.assertTrue(any(words in one for one in warnings), (text, warnings))
        harmless = '[[access]]\norigin = "https://a.test"\nminimum-tls = "1.3"\n'
        self.assertEqual(self.parse(MINIMAL + harmless).warnings, ())


class RefusedTests(ConfigCase):
    """What a bad configuration is told."""

    def test_all_at_once(self) -> None:
        """Every fault of a file in one go."""
        faults = self.faults(
            'domain = "A b"\npublic-prot = 1\n[tls]\ncertificate = "DEV/none.pem"\n'
            'key = "DEV/gateway.key"\nminimum = "1.1"\n[limits]\nconnections = "many"\n'
            '[[access]]\nfrom = "*"\n[upstream]\ntrust = ["DEV/none"]\n'
        )
        self.assertEqual([fault.partition(": ")[0] for fault in faults], [
            "public-prot", "domain", "limits.connections", "tls.minimum", "access[1].origin",
            "upstream.trust", "tls.certificate",
        ])  # fmt: skip
        self.assertIn('(did you mean "public-port"?)', faults[0])
        self.assertEqual(faults[1], 'domain: found "A b", expected a domain name in lower case')
        self.assertIn('found "many", expected a whole number', faults[2])
        self.assertEqual(faults[3], 'tls.minimum: found "1.1", expected "1.2" or "1.3"')

    def test_stores(self) -> None:
        """What does not go together, and files that are not there, with their keys."""
        url = 'url = "redis://127.0.0.1:7000"\n'
        for lines, path in (
            ('url = "redis://a:S3cret@b:1"', "store.url"),
            ('url = "redis://"', "store.url"),
            ('url = "redis://a:1/x"', "store.url"),
            ('url = "redis://a:99999"', "store.url"),
            ('url = "redis://a:1,b:2"', "store.url"),
            ('url = "valkey://a:1"', "store.url"),
            (url + 'mode = "sentinel"', "store.service"),
            (url + 'mode = "many"', "store.mode"),
            (url + 'mode = "cluster"\nreplicas = 1', "store.replicas"),
            (url + 'password-file = "/nowhere"', "store.password-file"),
            (url + 'trust = ["/nowhere"]', "store.trust"),
        ):
            (fault,) = self.faults(MINIMAL + "[store]\n" + lines + "\n")
            self.assertTrue(fault.startswith(f"{path}: "), fault)

    def test_not_here_yet(self) -> None:
        """What this version does not have is refused by name, never ignored."""
        for text, path in (
            (MINIMAL + "[http]\nworkers = 2\n", "http.workers"),
            (MINIMAL + "[http]\nworkers = true\n", "http.workers"),
        ):
            (fault,) = self.faults(text)
            self.assertTrue(fault.startswith(f"{path}: "), fault)
            self.assertIn("this version", fault)

    def test_rewrite_domain(self) -> None:
        """Registered apart from the domain, by the public suffix list and whatever its age."""
        rest = MINIMAL.partition("\n")[2]
        for domain, apart, text in (
            ("gw.example", "gw.example", "not registered with"),
            ("gw.example", "i.gw.example", "not registered with"),
            ("a.gw.example", "gw.example", "not registered with"),
            ("a.gw.example", "b.gw.example", "not registered with"),
            ("a.gw.co.uk", "b.gw.co.uk", 'not registered with that of domain ("gw.co.uk")'),
            ("localhost", "i.localhost", "not registered with"),
            ("github.io", "i.github.io", "not registered with"),
            ("gw.example", "co.uk", "public suffix"),
            ("gw.example", "github.io", "public suffix"),
            ("gw.example", "I.example", "a domain name in lower case"),
            ("gw.example", "https://i.example", "a domain name in lower case"),
        ):
            given = f'domain = "{domain}"\nrewrite-domain = "{apart}"\n{rest}'
            (fault,) = self.faults(given)
            self.assertTrue(fault.startswith(f'rewrite-domain: found "{apart}", '), fault)
            self.assertIn(text, fault)
        for domain, apart in (
            ("gw.example", "i.example"), ("a.github.io", "b.github.io"), ("gw.co.uk", "i.co.uk"),
            ("gw.example", "gw.example.com"), ("localhost", "i.test"),
        ):  # fmt: skip
            config = self.parse(f'domain = "{domain}"\nrewrite-domain = "{apart}"\n{rest}')
            assert config.apart is not None
            self.assertEqual(config.apart.suffix, f".0.{apart}")
            self.assertEqual(config.apart.secure_origin, config.codec.secure_origin)
            self.assertTrue(config.codec.is_own(f"x.0.{apart}"))
        self.assertIsNone(self.parse(MINIMAL).apart)

    def test_values(self) -> None:
        """One wrong value, one fault at its path, with what was found."""
        for table, line, path, found in (
            ("http", "http2 = 1", "http.http2", "1"),
            ("http", 'redirect-listen = "tcp:80"', "http.redirect-listen", '"tcp:80"'),
            ("http", "workers = 0", "http.workers", "0"),
            ("limits", "connections = 0", "limits.connections", "0"),
            ("limits", "connections = 1.5", "limits.connections", "1.5"),
            ("limits", "connections = true", "limits.connections", "true"),
            ("admin", 'listen = ["9443"]', "admin.listen", '["9443"]'),
            ("store", 'url = "sqlite:///"', "store.url", '"sqlite:///"'),
            ("store", 'url = "postgres://x"', "store.url", '"postgres://x"'),
            ("keys", 'file = ""', "keys.file", '""'),
            ("upstream", "trust = 1", "upstream.trust", "1"),
            ("upstream", 'allow-private = ["10.0.0.1/8"]', "upstream.allow-private", "10.0.0.1/8"),
            ("upstream", "allow-private = [10]", "upstream.allow-private", "[10]"),
        ):
            (fault,) = self.faults(f"{MINIMAL}[{table}]\n{line}\n")
            self.assertTrue(fault.startswith(f"{path}: found "), fault)
            self.assertIn(found, fault)
            self.assertIn("expected", fault)

    def test_domains(self) -> None:
        """A domain is a plain name: no scheme, port, path, upper case."""
        rest = MINIMAL.partition("\n")[2]
        for value in ("https://a.test", "a.test:443", "a.test/", "A.test", "", "a b", "a.test/x#"):
            (fault,) = self.faults(f'domain = "{value}"\n{rest}')
            self.assertTrue(fault.startswith("domain: found "), fault)
        (fault,) = self.faults(rest)
        self.assertEqual(fault, "domain: missing, it has no default")

    def test_hosts(self) -> None:
        """A line of the host table is a plain name and a place to connect to."""
        accepted = []
        for host, connect, path in (
            ("a b", "127.0.0.1", "host"),
            ("http://a.test", "127.0.0.1", "host"),
            ("a.test:8080", "127.0.0.1", "host"),
            ("a.test/path", "127.0.0.1", "host"),
            ("user@a.test", "127.0.0.1", "host"),
            ("a.test", "127.0.0.1:99999", "connect"),
            ("a.test", "127.0.0.1:0", "connect"),
            ("a.test", "http://127.0.0.1", "connect"),
            ("a.test", "127.0.0.1:1/path", "connect"),
            ("a.test", "user@127.0.0.1", "connect"),
            ("a.test", "127.0.0.1?x", "connect"),
            ("a.test", "", "connect"),
        ):
            text = f'[[upstream.hosts]]\nhost = "{host}"\nconnect = "{connect}"\n'
            try:
                self.parse(MINIMAL + text)
            except ConfigurationError as error:
                wanted = f"g.toml: upstream.hosts[1].{path}: found "
                self.assertTrue(error.faults[0].startswith(wanted), error.faults)
            else:
                accepted.append((host, connect))
        self.assertEqual(accepted, [])

    def test_hosts_twice(self) -> None:
        """Two lines for one host and port leave open which is meant."""
        line = '[[upstream.hosts]]\nhost = "a.test"\nconnect = "127.0.0.1"\n'
        (fault,) = self.faults(MINIMAL + line * 2)
        self.assertIn("a.test is there twice (g.toml:5)", fault)
        self.parse(MINIMAL + line + line + "port = 8080\n")

    def test_files(self) -> None:
        """Files that are missing, folders, or no PEM, each at its key."""
        for name in ("none", "."):
            self._unusable(name)
        (self.dev / "ca.pem").write_text("nothing")
        (fault,) = self.faults(MINIMAL + '[upstream]\ntrust = ["DEV/ca.pem"]\n')
        self.assertIn("expected a PEM file of certificates", fault)

    def test_file_name_too_long(self) -> None:
        """A path that no file can have is a fault like any other."""
        self._unusable("x" * 300)

    def test_file_name_with_nul(self) -> None:
        """The same for one with a NUL in it."""
        self._unusable("a\\u0000b")

    def _unusable(self, name: str) -> None:
        (fault,) = self.faults(MINIMAL + f'[upstream]\ntrust = ["DEV/{name}"]\n')
        self.assertTrue(fault.startswith("upstream.trust: found "), fault)
        (fault,) = self.faults(MINIMAL.replace("gateway.pem", name))
        self.assertTrue(fault.startswith("tls.certificate: found "), fault)

    def test_line_end_in_key(self) -> None:
        """A key with a line end in it still makes one line."""
        self.faults(MINIMAL + '"a\\nb" = 1\n')

    def test_not_toml(self) -> None:
        """Text that is no TOML is one fault, whatever is wrong with it."""
        for text in ("domain = ", "a = 1\na = 2\n", "\x00"):
            (fault,) = self.faults(text)
            self.assertTrue(fault.startswith("not TOML: "), fault)

    def test_too_much_toml(self) -> None:
        """A number or nesting that Python's parser gives up on is a fault, no traceback."""
        for text in ("a = 1" + "0" * 5000, "a = " + "[" * 5000 + "]" * 5000):
            (fault,) = self.faults(text)
            self.assertTrue(fault.startswith("not TOML: "), fault[:80])

    def test_load(self) -> None:
        """A file that is missing, a folder or no UTF-8 is named; a good one is remembered."""
        path = self.dev / "g.toml"
        for make in (lambda: None, lambda: path.write_bytes(b"\xff")):
            make()
            error = self.assertRaises(ConfigurationError, load, path)
            self.assertTrue(error.faults[0].startswith(f"{path}: cannot be read: "))
        self.assertRaises(ConfigurationError, load, self.dev)
        path.write_text(MINIMAL.replace("DEV", str(self.dev)))
        self.assertEqual(load(path).source, path)
