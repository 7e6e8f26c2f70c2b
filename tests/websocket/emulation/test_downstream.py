"""Downstream responses: bounds, ends, replay."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.emulation.downstream import Attach, Downstream
from gateway.websocket.emulation.frames import CLOSE_PLAIN, PONG, RECONNECT, message

FRAME = message(b"m" * 97, binary=True)
"""Of 99 octets."""


class ResponseTests(SynchronousTestCase):
    """One response after another."""

    def test_numbers(self) -> None:
        """One more than the last, and nothing else."""
        for number, wanted in (
            (8, Attach.NEW), (7, Attach.FAULT), (9, Attach.FAULT), (None, Attach.FAULT),
            (0, Attach.FAULT),
        ):  # fmt: skip
            self.assertIs(Downstream(7, 1000).attach(number), wanted, number)
            self.assertIs(Downstream(7, 1000, 1000).attach(number), wanted, number)
        down = Downstream(7, 1000)
        down.attach(8)
        self.assertIs(down.attach(8), Attach.FAULT)
        self.assertIs(down.attach(9), Attach.NEW)

    def test_bounds(self) -> None:
        """A response ends when it is full, with whole frames, and has at least one."""
        table = (
            (1000, None, 10),
            (1000, 99, 1),
            (1000, 100, 1),
            (1000, 250, 2),
            (50, None, 1),
            (300, 1000, 2),
        )
        for own, wished, count in table:
            down = Downstream(7, own)
            for _ in range(12):
                down.push(FRAME)
            down.attach(8, wished)
            self.assertEqual(down.take(10**6), FRAME * count + RECONNECT, (own, wished))
            self.assertFalse(down.is_open)
            self.assertEqual(down.take(10**6), b"")
            self.assertEqual(down.queued, (12 - count) * (64 + len(FRAME)))

    def test_streaming(self) -> None:
        """Frames as they occur; the end when it is asked for."""
        down = Downstream(7, 1000)
        down.push(FRAME)
        self.assertEqual(down.take(100), b"")  # nothing is open
        down.attach(8)
        self.assertEqual((down.take(99), down.take(99)), (FRAME, b""))
        down.push(FRAME)
        down.push(FRAME)
        self.assertEqual(down.take(99), FRAME)
        self.assertEqual(down.finish(), RECONNECT)
        self.assertEqual((down.finish(), down.take(100)), (b"", b""))
        down.attach(9)
        self.assertEqual(down.take(99), FRAME)

    def test_parts(self) -> None:
        """A large frame goes piece by piece; a response ends with a whole one, and no other does."""
        down = Downstream(7, 10**6)
        down.push(FRAME)
        down.attach(8)
        self.assertEqual((down.take(10), down.take(7)), (FRAME[:10], FRAME[10:17]))
        self.assertEqual((down.queued, down.has_frames), (64 + len(FRAME) - 17, True))
        self.assertEqual(down.finish(), FRAME[17:] + RECONNECT)
        self.assertEqual((down.queued, down.has_frames), (0, False))
        down.attach(9)
        down.push_last(FRAME)
        self.assertEqual((down.take(10), down.is_done), (FRAME[:10], False))
        self.assertEqual((down.take(10**6), down.is_done), (FRAME[10:] + RECONNECT, True))

    def test_parts_of_a_lost_response(self) -> None:
        """A frame that was not whole is in the next one from its beginning; a repeat goes on."""
        for again in (False, True):
            down = Downstream(7, 1000, 1000)
            down.push(FRAME)
            down.attach(8)
            down.take(10)
            down.attach(8 if again else 9, None, 4)
            if again:
                self.assertEqual(down.replay(4), (FRAME[4:10], False))
            self.assertEqual(down.take(1000), FRAME[10:] if again else FRAME)
            self.assertEqual(down.queued, 0)

    def test_parts_and_a_poll(self) -> None:
        """A long-poll takes whole frames, and what is left of one."""
        down = Downstream(7, 1000, 1000)
        down.push(FRAME)
        down.push(FRAME)
        down.attach(8)
        down.take(10)
        down.attach(8, None, 0)
        self.assertEqual(down.take(20, all_there_is=True), FRAME[10:] + RECONNECT)

    def test_poll(self) -> None:
        """All there is and the end."""
        down = Downstream(7, 1000)
        down.push(FRAME)
        down.push(FRAME)
        down.attach(8)
        self.assertEqual(down.take(10**6, all_there_is=True), FRAME * 2 + RECONNECT)

    def test_last(self) -> None:
        """After the last frame the response ends, and nothing more is queued."""
        down = Downstream(7, 1000)
        down.push(FRAME)
        down.push_last(CLOSE_PLAIN)
        down.push(FRAME)
        self.assertFalse(down.is_done)
        down.attach(8)
        self.assertEqual(down.take(10**6), FRAME + CLOSE_PLAIN + RECONNECT)
        self.assertTrue(down.is_done)

    def test_closed(self) -> None:
        """Without a last frame, too: what waits, then the end; nothing, where nothing waits."""
        for waits in (True, False):
            down = Downstream(7, 1000)
            if waits:
                down.push(FRAME)
            down.close()
            self.assertEqual(down.is_done, not waits)
            down.attach(8)
            self.assertEqual(down.take(10**6), FRAME * waits + RECONNECT)
            self.assertEqual((down.is_done, down.is_open), (True, False))

    def test_pongs(self) -> None:
        """Pings that come faster than they are read get one answer."""
        down = Downstream(7, 1000)
        for _ in range(1000):
            down.push(PONG)
        self.assertEqual(down.queued, 66)
        down.push(FRAME)
        down.push(PONG)
        self.assertEqual(down.queued, 3 * 64 + 4 + len(FRAME))


class ReplayTests(SynchronousTestCase):
    """What a client may ask for again."""

    def test_replay(self) -> None:
        """From any octet, while the response is open and after; the next number forgets it."""
        down = Downstream(7, 10**6, 1000)
        down.push(FRAME)
        down.attach(8)
        down.take(10**6)
        for offset in (0, 1, 50, 99):
            self.assertIs(down.attach(8, offset=offset), Attach.AGAIN)
            self.assertEqual(down.replay(offset), (FRAME[offset:], False))
        self.assertIs(down.attach(8, offset=100), Attach.FAULT)
        down.finish()
        self.assertIs(down.attach(8, offset=99), Attach.AGAIN)
        self.assertEqual(down.replay(99), (RECONNECT, True))
        self.assertIs(down.attach(9), Attach.NEW)
        self.assertIs(down.attach(8), Attach.FAULT)
        self.assertEqual(down.replay(0), (b"", False))

    def test_bound(self) -> None:
        """A response ends before it is larger than what is kept; one large message cannot be."""
        down = Downstream(7, 10**6, 300)
        for _ in range(5):
            down.push(FRAME)
        down.attach(8)
        self.assertEqual(down.take(10**6), FRAME * 2 + RECONNECT)
        self.assertIs(down.attach(8), Attach.AGAIN)
        down.attach(9)
        down.take(10**6)
        down.attach(10)
        large = message(b"l" * 1000, binary=True)
        down.push(large)
        self.assertEqual(down.take(10**6), FRAME + RECONNECT)
        down.attach(11)
        self.assertEqual(down.take(10**6), large + RECONNECT)
        self.assertIs(down.attach(11), Attach.GONE)

    @given(
        st.lists(
            st.one_of(
                st.integers(0, 400).map(lambda size: ("push", size)),
                st.tuples(st.just("take"), st.integers(1, 500)),
                st.tuples(st.just("cut"), st.floats(0, 1)),
                st.just(("finish", 0)),
            ),
            max_size=40,
        )
    )
    def test_nothing_lost_nothing_twice(self, steps: list) -> None:
        """However often responses break off, a client that asks again reads every frame once."""
        down = Downstream(0, 700, 700)
        pushed, read, number = b"", bytearray(), 1
        current = b""  # what the client has of the newest response
        down.attach(number)

        def ended() -> None:
            nonlocal number, current
            if not down.is_open:
                read.extend(current.removesuffix(RECONNECT))
                number, current = number + 1, b""
                self.assertIs(down.attach(number), Attach.NEW)

        for what, amount in steps:
            if what == "push":
                frame = message(bytes([len(pushed) % 251]) * amount, binary=True)
                pushed += frame
                down.push(frame)
            elif what == "take":
                current += down.take(amount)
                ended()
            elif what == "finish":
                current += down.finish()
                ended()
            else:
                sent = current + down.take(10**6)
                got = int(len(sent) * amount)
                got = max(got, len(current))
                self.assertIs(down.attach(number, offset=got), Attach.AGAIN)
                again, _ = down.replay(got)
                current = sent[:got] + again
                ended()
        while down.has_frames or current:
            current += down.take(10**6) or down.finish()
            ended()
        self.assertEqual(bytes(read), pushed)
