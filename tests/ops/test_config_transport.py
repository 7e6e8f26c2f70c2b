"""What ``[[access]]`` says of connections, and the files that it names."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from gateway.demo.ca import LocalCa
from gateway.policy.transport import ClientIdentity, Trust
from tests.ops.test_config import MINIMAL, ConfigCase

RULE = MINIMAL + '[[access]]\norigin = "https://a.test"\n'


@functools.cache
def _files() -> dict[str, bytes]:
    """A CA's certificate and two certificates of it with their keys."""
    with tempfile.TemporaryDirectory() as folder:
        ca = LocalCa(Path(folder))
        found = {"ca.pem": ca.certificate_file.read_bytes()}
        for name in ("one", "two"):
            issued = ca.issue(name, [f"{name}.test"])
            found[f"{name}.pem"] = issued.certificate.read_bytes()
            found[f"{name}.key"] = issued.key.read_bytes()
    key = ec.generate_private_key(ec.SECP256R1())
    secret = BestAvailableEncryption(b"secret")
    found["locked.key"] = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret)
    return found


class TransportKeysTests(ConfigCase):
    """From the file to the rule."""

    def setUp(self) -> None:
        super().setUp()
        for name, text in _files().items():
            (self.dev / name).write_bytes(text)
        body = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        (self.dev / "broken.pem").write_bytes(body)
        (self.dev / "second-broken.pem").write_bytes(_files()["ca.pem"] + body)
        (self.dev / "key-only.pem").write_bytes(_files()["one.key"])
        (self.dev / "octets.pem").write_bytes(bytes(range(256)))
        (self.dev / "large.pem").write_bytes(_files()["ca.pem"] + b"#" * 2**22)

    def test_silence(self) -> None:
        """A rule that says nothing of connections says nothing."""
        (rule,) = self.parse(RULE).policy.access
        said = (rule.minimum_tls, rule.forward_secrecy, rule.allow_insecure_http)
        self.assertEqual(said, (None, None, None))
        self.assertEqual((rule.certificate_strength, rule.trust, rule.client), (None, None, None))

    def test_values(self) -> None:
        """The files' texts are in the rule; both kinds of trust are known."""
        text = (
            'trust = ["system", "DEV/ca.pem"]\ncertificate-strength = false\n'
            'client-certificate = "DEV/one.pem"\nclient-key = "DEV/one.key"\n'
            "allow-insecure-http = false\n"
        )
        (rule,) = self.parse(RULE + text).policy.access
        files = _files()
        self.assertEqual(rule.trust, Trust(system=True, files=(files["ca.pem"],)))
        self.assertEqual(rule.client, ClientIdentity(files["one.pem"], files["one.key"]))
        self.assertIs(rule.certificate_strength, False)
        self.assertIs(rule.allow_insecure_http, False)
        self.assertNotIn("PRIVATE", repr(rule))
        self.assertEqual(
            self.parse(RULE + 'trust = ["DEV/ca.pem"]\n').policy.access[0].trust,
            Trust(system=False, files=(files["ca.pem"],)),
        )

    def test_faults(self) -> None:
        """Each bad file and combination, at its key, with the reason and without the content."""
        pair = 'client-certificate = "DEV/{}"\nclient-key = "DEV/{}"\n'
        table = (
            ("trust = []", "trust", "whom to trust"),
            ('trust = "DEV/ca.pem"', "trust", "an array"),
            ('trust = ["DEV/none.pem"]', "trust", "No such file"),
            ('trust = ["DEV"]', "trust", "directory"),
            ('trust = ["DEV/key-only.pem"]', "trust", "no certificate in it"),
            ('trust = ["DEV/broken.pem"]', "trust", "broken"),
            ('trust = ["system", "DEV/second-broken.pem"]', "trust", "broken"),
            ('trust = ["DEV/octets.pem"]', "trust", "no certificate in it"),
            ('trust = ["DEV/large.pem"]', "trust", "larger than"),
            ('trust = ["a\\u0000b"]', "trust", "null"),
            ("certificate-strength = 2048", "certificate-strength", "true or false"),
            ('client-key = "DEV/one.key"', "client-certificate", "missing, client-key needs it"),
            ('client-certificate = "DEV/one.pem"', "client-key", "missing"),
            (pair.format("none", "one.key"), "client-certificate", "No such file"),
            (pair.format("one.pem", "none"), "client-key", "No such file"),
            (pair.format("one.pem", "two.key"), "client-certificate", "not the certificate's"),
            (pair.format("broken.pem", "one.key"), "client-certificate", "no certificate"),
            (pair.format("one.key", "one.key"), "client-certificate", "no certificate"),
            (pair.format("one.pem", "one.pem"), "client-certificate", "no private key"),
            (pair.format("one.pem", "locked.key"), "client-certificate", "a passphrase"),
            (pair.format("octets.pem", "octets.pem"), "client-certificate", "no certificate"),
        )
        for line, key, words in table:
            (fault,) = self.faults(f"{RULE}{line}\n")
            self.assertTrue(fault.startswith(f"access[1].{key}: "), fault)
            self.assertIn(words, fault)
            self.assertNotIn("PRIVATE", fault)

    def test_second_rule(self) -> None:
        """A fault names its rule by number; all are told."""
        found = self.faults(
            f'{RULE}trust = []\n[[access]]\norigin = "b.test"\ntrust = ["DEV/none"]\n'
        )
        self.assertEqual(
            [one.partition(":")[0] for one in found], ["access[1].trust", "access[2].trust"]
        )

    def test_upstream_trust_is_read_too(self) -> None:
        """What all destinations are measured by is checked in the same way."""
        (fault,) = self.faults(f'{MINIMAL}[upstream]\ntrust = ["DEV/broken.pem"]\n')
        self.assertTrue(fault.startswith("upstream.trust: "), fault)

    def test_certificate_for_everybody(self) -> None:
        """A client certificate belongs to a host: a pattern without one would tell everybody."""
        pair = 'client-certificate = "DEV/one.pem"\nclient-key = "DEV/one.key"\n'
        for origin in ("*", "https://*", "*://*:8443"):
            (fault,) = self.faults(f'{MINIMAL}[[access]]\norigin = "{origin}"\n{pair}')
            self.assertIn("a rule for a host", fault)
        self.parse(f'{MINIMAL}[[access]]\norigin = "https://*.a.test"\n{pair}')

    def test_warnings(self) -> None:
        """``from`` does not keep a client certificate from pages of other origins."""
        pair = 'client-certificate = "DEV/one.pem"\nclient-key = "DEV/one.key"\n'
        self.assertEqual(self.parse(RULE + pair).warnings, ())
        (warning,) = self.parse(f'{RULE}{pair}from = "b.test"\n').warnings
        self.assertIn("pages of every origin", warning)
