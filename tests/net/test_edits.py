"""Edited sheets kept by what they were made from: bounded, the same octets, nobody's secrets."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import UpstreamFault
from gateway.net.edits import Edits, Kept
from gateway.ops.metrics import Telemetry
from gateway.rewrite.coding import encoder_for
from gateway.rewrite.media import Kind
from gateway.rewrite.pipeline import BodyPlan, Pipeline, Place
from tests.net.harness import SHOP, GatewayCase
from tests.net.raw import Message, Origin, reply
from tests.rewrite import codec, cut, origin, pour, run

SITE = "https://shop.example.com"
SHEET = b"a { background: url(https://cdn.example/x) }\n" * 50
STYLE = (b"Sec-Fetch-Dest: style", b"Sec-Fetch-Mode: no-cors", b"Sec-Fetch-Site: same-origin")


def plan(kind: Kind = Kind.CSS, url: str = f"{SITE}/a.css", **more: object) -> BodyPlan:
    """The plan of one body."""
    found = BodyPlan(kind, Place(codec(), origin(SITE), url))
    return attrs.evolve(found, **more)  # type: ignore[arg-type]


class EditsTests(SynchronousTestCase):
    """The room and what is in it."""

    def setUp(self) -> None:
        """A room of one MiB."""
        self.telemetry = Telemetry()
        self.edits = Edits(1 << 20, self.telemetry)

    def pour(self, given: BodyPlan, body: bytes, size: int = 1000) -> bytes:
        """A body through the room."""
        made = self.edits.pipeline(given)
        assert made is not None
        return pour(made, cut(body, range(0, len(body), size)))

    def outcomes(self) -> list[float]:
        """Hits, misses and large ones so far."""
        return [
            self.telemetry.value("gateway_edit_cache_total", outcome=one)
            for one in ("hit", "miss", "large")
        ]

    def test_the_same_octets(self) -> None:
        """A hit gives what a miss gave, which is what the pipeline gives, in every coding."""
        coder = encoder_for("gzip")
        assert coder is not None
        coded = run(coder, [SHEET])
        for coding, body in ((None, SHEET), ("gzip", coded)):
            for out in ("identity", "br", "gzip", "zstd"):
                given = plan(coding=coding, coding_out=out)
                wanted = pour(Pipeline(given), [body])
                self.assertEqual([self.pour(given, body, n) for n in (7, 99999)], [wanted] * 2)
        self.assertEqual(self.outcomes(), [8, 8, 0])

    def test_what_differs(self) -> None:
        """Whatever decides what a body becomes makes it another."""
        base = plan()
        others = [
            plan(url=f"{SITE}/b.css"),
            plan(coding_out="br"),
            plan(charset="shift_jis"),
            plan(basic=True),
            plan(token_bytes=1000),
            plan(ratio=3),
            attrs.evolve(base, place=Place(codec(8443), origin(SITE), f"{SITE}/a.css")),
        ]
        for given in (base, *others):
            self.pour(given, SHEET)
        self.pour(base, SHEET + b" ")
        self.assertEqual(self.outcomes(), [0, len(others) + 2, 0])
        for given in (base, *others):
            self.pour(given, SHEET)
        self.assertEqual(self.outcomes()[0], len(others) + 1)

    def test_what_is_kept(self) -> None:
        """Sheets alone: pages hold what is one person's."""
        self.assertIsNone(self.edits.pipeline(BodyPlan()))
        for kind in Kind:
            made = self.edits.pipeline(plan(kind)) if kind is not Kind.UNTOUCHED else None
            self.assertIs(isinstance(made, Kept), kind is Kind.CSS, kind)
        for more in ({"form_token": "x"}, {"opens": lambda _: True}):
            self.assertIsInstance(self.edits.pipeline(plan(**more)), Pipeline)

    def test_large(self) -> None:
        """What takes too much of the room streams, from there on where it is found out."""
        body = SHEET * 40
        made = self.edits.pipeline(plan())
        assert made is not None
        first = b"".join(made.feed(body[:70000]))
        self.assertGreater(len(first), 60000)
        rest = b"".join([*made.feed(body[70000:]), *made.close()])
        self.assertEqual(first + rest, pour(Pipeline(plan()), [body]))
        self.assertEqual(self.outcomes(), [0, 0, 1])

    def test_bound(self) -> None:
        """The least recently used goes; the metric tells what is taken."""
        body = SHEET * 10
        for number in range(60):
            self.pour(plan(url=f"{SITE}/{number}"), body)
            self.pour(plan(url=f"{SITE}/0"), body)
            self.assertLessEqual(self.edits._taken, 1 << 20)
            taken = self.telemetry.value("gateway_edit_cache_bytes")
            self.assertEqual(taken, self.edits._taken)
        self.assertEqual(self.outcomes(), [60, 60, 0])
        self.pour(plan(url=f"{SITE}/1"), body)
        self.assertEqual(self.outcomes(), [60, 61, 0])
        self.edits.resize(100_000)
        self.assertLessEqual(self.edits._taken, 100_000)
        self.pour(plan(), SHEET * 60)
        self.assertLessEqual(self.edits._taken, 100_000)
        self.edits.resize(1)
        self.assertEqual(self.edits._taken, 0)
        self.assertIsInstance(self.edits.pipeline(plan()), Pipeline)

    def test_faults(self) -> None:
        """What fails is not kept, and fails again."""
        for given, body in (
            (plan(coding="gzip"), b"no gzip at all"),
            (plan(integrity="sha256-AAAA"), SHEET),
        ):
            for _ in range(2):
                with self.assertRaises(UpstreamFault):
                    self.pour(given, body)
        with self.assertRaises(UpstreamFault):
            self.edits.pipeline(plan(coding="compress"))
        self.assertEqual(self.edits._taken, 0)


class GatewayTests(GatewayCase):
    """Through a whole gateway."""

    async def test_every_body_comes_from_its_origin(self) -> None:
        """Two people get the same sheet; the origin is asked by both, and may say otherwise."""
        bodies = [SHEET, SHEET, SHEET.replace(b"/x", b"/y")]

        def answer(_: Message) -> bytes:
            return reply(bodies[len(shop.requests) - 1], b"Content-Type: text/css")

        shop = Origin(answer)
        gateway = await self.gateway({SHOP: shop})
        first = await gateway.ask(SHOP + "/a.css", *STYLE)
        gateway.cookie = gateway.new_session()
        second, third = [await gateway.ask(SHOP + "/a.css", *STYLE) for _ in range(2)]
        self.assertIn(b"https-cdn-example.0.gateway.test/x", first.body)
        self.assertEqual(second.body, first.body)
        self.assertEqual(third.body, first.body.replace(b"/x", b"/y"))
        self.assertEqual(len(shop.requests), 3)
        told = [
            gateway.telemetry.value("gateway_edit_cache_total", outcome=one)
            for one in ("hit", "miss")
        ]
        self.assertEqual(told, [1, 2])
