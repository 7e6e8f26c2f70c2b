"""Bodies while they come: read from the front, kept as long as somebody may read them."""

from __future__ import annotations

import tempfile
from io import BytesIO

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from gateway.net.arriving import Arriving, whole


def body_of(octets: bytes) -> Arriving:
    """A body that is there already."""
    return whole(BytesIO(octets), len(octets))


class ArrivingTests(SynchronousTestCase):
    """Octets in, octets out."""

    def test_read(self) -> None:
        """What has come, each octet once; what comes next is put behind it."""
        with tempfile.TemporaryFile() as file:
            body = Arriving(file)
            self.assertEqual(body.read(9), b"")
            body.add(b"abc")
            self.assertEqual((body.read(2), body.size), (b"ab", 3))
            body.add(b"def")
            self.assertEqual((body.read(3), body.read(9), body.read(9)), (b"cde", b"f", b""))
            self.assertEqual((body.size, body.is_whole), (6, False))

    def test_told(self) -> None:
        """Of more, of the end, of a loss; each once."""
        for end, found in (("end", (True, False)), ("lose", (False, True))):
            body, told = Arriving(BytesIO()), []
            body.listen(lambda body=body, told=told: told.append((body.is_whole, body.is_lost)))
            body.add(b"a")
            getattr(body, end)()
            self.assertEqual(told, [(False, False), found])
            body.lose()
            self.assertEqual(len(told), 2)
            self.assertEqual((body.is_whole, body.is_lost), found)

    def test_ended(self) -> None:
        """Who waits for the end hears of it, also afterwards, and of a loss; some leave before."""
        for end in ("end", "lose"):
            body = Arriving(BytesIO())
            early, left = body.ended(), body.ended()
            left.cancel()
            self.failureResultOf(left, CancelledError)
            self.assertNoResult(early)
            getattr(body, end)()
            self.assertIsNone(self.successResultOf(early))
            self.assertIsNone(self.successResultOf(body.ended()))

    def test_file_is_closed(self) -> None:
        """Whose client leaves is read on, what is left of it, though its file is closed."""
        file = BytesIO()
        body = Arriving(file)
        body.add(b"abcdef")
        self.assertEqual(body.read(2), b"ab")
        body.end()
        body.lose()
        file.close()
        body.lose()
        self.assertEqual((body.read(3), body.read(9)), (b"cde", b"f"))
        self.assertTrue(body.is_whole)

    def test_file_is_kept(self) -> None:
        """Whose client leaves is read on from its file, if somebody reads it: no memory's worth."""
        for reads in (True, False):
            file, told = BytesIO(), []
            body = Arriving(file)
            body.listen(lambda: None)
            body.add(b"abcdef")
            self.assertEqual(body.read(2), b"ab")
            self.assertTrue(body.lose(lambda told=told: told.append(1)))
            self.assertTrue(body.lose(lambda told=told: told.append(2)))  # it is lost once
            self.assertEqual(
                (body.is_lost, body.read(3), file.closed, told), (True, b"cde", False, [])
            )
            if reads:
                self.assertEqual(body.read(9), b"f")
            else:
                body.stop()
            self.assertEqual((file.closed, len(told), body.read(9)), (True, 1, b""))
            self.assertFalse(body.lose(lambda: None))

    def test_file_is_not_kept(self) -> None:
        """Without a reader, or with nothing left to read, its file is the caller's to close."""
        for listens, left in ((False, True), (True, False)):
            file = BytesIO()
            body = Arriving(file)
            if listens:
                body.listen(lambda: None)
            body.add(b"abc")
            if not left:
                body.read(3)
            self.assertFalse(body.lose(self.fail))
            self.assertFalse(file.closed)

    def test_stop(self) -> None:
        """What nobody reads is counted and not kept, and nobody is told of it."""
        file, told = BytesIO(), []
        body = Arriving(file)
        body.listen(lambda: told.append(1))
        body.add(b"abc")
        body.stop()
        body.add(b"def" * 1000)
        body.end()
        self.assertEqual((file.getvalue(), told, body.size), (b"abc", [1], 3003))
        self.assertEqual((body.read(9), body.is_whole), (b"", True))

    def test_most(self) -> None:
        """What is declared counts before it comes, and never less than what has come."""
        body = Arriving(BytesIO(), 5)
        self.assertEqual(body.most, 5)
        body.add(b"123456")
        self.assertEqual(body.most, 6)
        self.assertEqual(Arriving(BytesIO()).most, 0)

    def test_whole(self) -> None:
        """One that was there before anybody asked, or that is none."""
        body = body_of(b"abc")
        self.assertEqual((body.is_whole, body.most, body.read(9)), (True, 3, b"abc"))
        self.assertEqual(whole(None, 0).read(9), b"")
