"""The local CA: what it signs verifies, its keys are private."""

from __future__ import annotations

import base64
import hashlib
import stat
from datetime import UTC, datetime
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from twisted.trial.unittest import SynchronousTestCase

from gateway.demo.ca import Issued, LocalCa
from tests.ops import temporary


class LocalCaTests(SynchronousTestCase):
    """A CA in a new folder."""

    timeout = 60

    def setUp(self) -> None:
        """Make it."""
        self.folder = temporary(self) / "made" / "ca"
        self.ca = LocalCa(self.folder)

    def _verify(self, issued: Issued, name: str, ca: LocalCa | None = None) -> None:
        root = x509.load_pem_x509_certificate((ca or self.ca).certificate_file.read_bytes())
        try:
            subject: x509.GeneralName = x509.IPAddress(ip_address(name))
        except ValueError:
            subject = x509.DNSName(name)
        verifier = PolicyBuilder().store(Store([root])).build_server_verifier(subject)
        verifier.verify(x509.load_pem_x509_certificate(issued.certificate.read_bytes()), [])

    def test_names(self) -> None:
        """A certificate is good for its names and addresses, and for no other."""
        issued = self.ca.issue("site", ["a.test", "*.b.test", "127.0.0.1", "::1"])
        for name in ("a.test", "x.b.test", "127.0.0.1", "::1"):
            self._verify(issued, name)
        for name in ("b.test", "c.test", "127.0.0.2"):
            self.assertRaises(VerificationError, self._verify, issued, name)

    def test_other_ca(self) -> None:
        """Another CA's certificate does not verify."""
        other = LocalCa(temporary(self))
        issued = other.issue("site", ["a.test"])
        self._verify(issued, "a.test", other)
        self.assertRaises(VerificationError, self._verify, issued, "a.test")

    def test_same_again(self) -> None:
        """The folder's CA is loaded the second time, and what it signed still verifies."""
        before = self.ca.certificate_file.read_bytes()
        issued = self.ca.issue("site", ["a.test"])
        again = LocalCa(self.folder)
        self.assertEqual(again.certificate_file.read_bytes(), before)
        self._verify(issued, "a.test", again)
        self._verify(again.issue("other", ["b.test"]), "b.test")

    def test_key(self) -> None:
        """A key belongs to its certificate; issuing again makes new ones."""
        issued = self.ca.issue("site", ["a.test"])
        key = load_pem_private_key(issued.key.read_bytes(), None)
        certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
        self.assertEqual(key.public_key(), certificate.public_key())
        before = issued.key.read_bytes()
        self.assertEqual(self.ca.issue("site", ["a.test"]), issued)
        self.assertNotEqual(issued.key.read_bytes(), before)

    def test_key_digest(self) -> None:
        """What Chromium is told to trust: SHA-256 of the public key, base64."""
        issued = self.ca.issue("site", ["a.test"])
        key = load_pem_private_key(issued.key.read_bytes(), None).public_key()
        info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.assertEqual(base64.b64decode(issued.key_digest), hashlib.sha256(info).digest())

    def test_private(self) -> None:
        """Keys are for this user alone."""
        self.ca.issue("site", ["a.test"])
        for name in ("ca.key", "site.key"):
            self.assertEqual(stat.S_IMODE((self.folder / name).stat().st_mode), 0o600, name)

    def test_validity(self) -> None:
        """Valid now; with negative days, over already, for tests of just that."""
        now = datetime.now(UTC)
        good = x509.load_pem_x509_certificate(
            self.ca.issue("a", ["a.test"]).certificate.read_bytes()
        )
        self.assertTrue(good.not_valid_before_utc < now < good.not_valid_after_utc)
        old = self.ca.issue("b", ["a.test"], days=-1)
        certificate = x509.load_pem_x509_certificate(old.certificate.read_bytes())
        self.assertTrue(certificate.not_valid_before_utc < certificate.not_valid_after_utc < now)
        self.assertRaises(VerificationError, self._verify, old, "a.test")
