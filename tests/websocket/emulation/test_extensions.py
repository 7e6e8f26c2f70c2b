"""Extensions: on if both sides name them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.emulation.extensions import Extensions, answer, read_offer


class ExtensionsTests(SynchronousTestCase):
    """Offers and answers."""

    def test_offers(self) -> None:
        """Tokens in any order and number of fields; unknown ones are nobody's business."""
        every = Extensions(close=True, retry=True, verdict=True)
        table = (
            ([], Extensions()),
            ([b""], Extensions()),
            ([b" "], Extensions()),
            ([b"x-kaazing-idle-timeout"], Extensions()),
            ([b"x-gw-close"], Extensions(close=True)),
            ([b"X-GW-Close"], Extensions(close=True)),
            ([b"x-gw-close;v=1, x-gw-retry ; bytes=9"], Extensions(close=True, retry=True)),
            ([b"x-gw-verdict", b"x-gw-retry,x-gw-close"], every),
            ([b"x-gw-close,,x-gw-retry"], None),
            ([b"x gw"], None),
            ([b"x\xff"], None),
            ([b"a," * 600], None),
        )
        for values, wanted in table:
            self.assertEqual(read_offer(values), wanted, values)
        self.assertEqual(
            read_offer([b"x-gw-close, x-gw-retry"], strict=True), Extensions(close=True)
        )

    def test_answer(self) -> None:
        """What is on, with what the client must know."""
        self.assertEqual(answer(Extensions(), 1, 2), "")
        every = Extensions(close=True, retry=True, verdict=True)
        told = answer(every, 262144, 30)
        self.assertEqual(told, "x-gw-close, x-gw-retry; bytes=262144; seconds=30, x-gw-verdict")
        self.assertEqual(read_offer([told.encode()]), every)
