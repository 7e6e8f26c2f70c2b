"""Scripts as a server knows them; what they do is the contract's to test."""

from __future__ import annotations

import hashlib

from twisted.trial.unittest import SynchronousTestCase

from gateway.store import valkey_scripts
from gateway.store.valkey_scripts import Script


class ScriptTests(SynchronousTestCase):
    """Texts and digests."""

    def test_digests(self) -> None:
        """Each is named by the SHA-1 of its text, and none is another's."""
        found = [one for one in vars(valkey_scripts).values() if isinstance(one, Script)]
        self.assertEqual(len(found), 11)
        for one in found:
            digest = hashlib.sha1(one.text.encode("ascii")).hexdigest()
            self.assertEqual(one.digest, digest)
        self.assertEqual(len({one.digest for one in found}), 11)
