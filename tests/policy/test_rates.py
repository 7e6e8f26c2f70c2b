"""Rates: chunks, keys that tell nothing, whole seconds."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.policy.rates import KINDS, Rate, RateSettings, bucket_key, retry_after


class RateTests(SynchronousTestCase):
    """Small functions on values."""

    def test_chunks(self) -> None:
        """A thirtieth, at least one, at most a hundred."""
        for burst, chunk in ((1, 1), (29, 1), (60, 2), (300, 10), (3000, 100), (10**9, 100)):
            self.assertEqual(Rate(burst, 1).chunk, chunk)
        self.assertEqual(Rate(10, 0.5).fill_seconds, 20)

    def test_settings(self) -> None:
        """Each kind has its own, and by itself nothing is limited."""
        rate = Rate(1, 1)
        for kind in KINDS:
            self.assertIsNone(RateSettings().of(kind))
            self.assertIs(RateSettings(**{kind: rate}).of(kind), rate)

    def test_keys(self) -> None:
        """Apart by kind, name and secret; of a size that says nothing about the name."""
        keys = {
            bucket_key(secret, kind, name)
            for secret in (b"1" * 32, b"2" * 32)
            for kind in KINDS
            for name in (b"", b"shop.example", b"203.0.113.9")
        }
        self.assertEqual(len(keys), 18)
        self.assertEqual({len(key) for key in keys}, {16})
        self.assertEqual(bucket_key(b"1", "client", b"a"), bucket_key(b"1", "client", b"a"))

    def test_retry_after(self) -> None:
        """Never too early, and never at once."""
        for seconds, text in ((0.001, b"1"), (1.0, b"1"), (1.01, b"2"), (59.5, b"60")):
            self.assertEqual(retry_after(seconds), text)
