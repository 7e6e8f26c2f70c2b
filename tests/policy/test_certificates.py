"""Which certificates are strong enough."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.policy.certificates import CertificateFacts, why_unverified, why_weak

# Signature, key, bits; strong enough by default; with the exception.
TABLE = (
    ("sha256", "RSA", 2048, True, True),
    ("sha384", "RSA", 4096, True, True),
    ("sha512", "EC", 521, True, True),
    ("sha3-256", "EC", 256, True, True),
    ("ed25519", "ed25519", 0, True, True),
    ("ed448", "ed448", 0, True, True),
    ("sha256", "RSA", 2047, False, True),
    ("sha256", "RSA", 1024, False, True),
    ("sha256", "RSA", 1023, False, False),
    ("sha256", "RSA", 512, False, False),
    ("sha256", "RSA", 256, False, False),  # as an elliptic curve's it would do
    ("sha256", "EC", 255, False, True),
    ("sha256", "EC", 224, False, True),
    ("sha256", "EC", 159, False, False),
    ("sha224", "RSA", 2048, False, True),
    ("sha1", "RSA", 2048, False, True),
    ("sha1", "RSA", 1024, False, True),
    ("sha1", "ed25519", 0, False, True),
    ("md5", "RSA", 2048, False, False),
    ("md2", "RSA", 4096, False, False),
    ("sm3", "EC", 256, False, False),
    ("", "RSA", 2048, False, False),
    ("sha256", "", 0, False, False),
    ("sha256", "DSA", 3072, False, False),
)


class StrengthTests(SynchronousTestCase):
    """The table, at every depth."""

    def test_table(self) -> None:
        """Signature and key count for whatever is below the anchor."""
        for signature, key, bits, strong, excepted in TABLE:
            for depth in (0, 1, 7):
                facts = CertificateFacts(depth, False, signature, key, bits)
                self.assertEqual(why_weak(facts) is None, strong, facts)
                self.assertEqual(why_weak(facts, strict=False) is None, excepted, facts)

    def test_anchors(self) -> None:
        """An anchor's own signature does not count, its key does."""
        for signature in ("md5", "sha1", "", "sha256"):
            for key, bits, strong in (("RSA", 2048, True), ("RSA", 1024, False), ("", 0, False)):
                facts = CertificateFacts(2, True, signature, key, bits)
                self.assertEqual(why_weak(facts) is None, strong, facts)

    def test_reasons(self) -> None:
        """The log learns which certificate it is and what is wrong with it."""
        facts = CertificateFacts(1, False, "sha1", "RSA", 2048)
        self.assertEqual(why_weak(facts), "the certificate at depth 1 is signed with sha1")
        facts = CertificateFacts(0, False, "sha256", "RSA", 1024)
        expected = "the certificate at depth 0 has a RSA key of 1024 bits, less than 2048"
        self.assertEqual(why_weak(facts), expected)

    @given(
        st.integers(), st.booleans(), st.text(max_size=8) | st.sampled_from(["sha1", "sha256"]),
        st.text(max_size=4) | st.sampled_from(["RSA", "EC"]), st.integers(),
    )  # fmt: skip
    def test_the_exception_only_admits(
        self, depth: int, anchor: bool, signature: str, key: str, bits: int
    ) -> None:
        """What is strong stays so with the exception; nothing raises."""
        facts = CertificateFacts(depth, anchor, signature, key, bits)
        if why_weak(facts) is None:
            self.assertIsNone(why_weak(facts, strict=False))


class ErrorTests(SynchronousTestCase):
    """OpenSSL's errors in words."""

    def test_words(self) -> None:
        """Which attribute speaks about an error; some have none, some are not known."""
        for number, words, attribute in (
            (10, "expired", ""),
            (9, "not valid yet", ""),
            (18, "self-signed", "trust"),
            (20, "no trusted certificate", "trust"),
            (66, "too small", "certificate-strength"),
            (68, "weak hash", "certificate-strength"),
            (-7, "verification error -7", ""),
        ):
            found, about = why_unverified(number, 3)
            self.assertIn(words, found)
            self.assertIn("(depth 3)", found)
            self.assertEqual(about, attribute)
