"""The ``Link`` field: read as RFC 8288 has it, mapped, and what of it is an early hint."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.links import LIMIT, hints, links, map_links


def _upper(url: str) -> str:
    return url.replace("https://a.b", "https://COLLAPSED")


class LinkTests(SynchronousTestCase):
    """Reading and mapping."""

    def test_reading(self) -> None:
        """Targets and parameters, quoted or not; what cannot be read ends it."""
        for value, wanted in (
            ("<a>; rel=preload", [("a", {"rel": "preload"})]),
            ('<a,b;c>;rel="x y";as=script , </d>', [("a,b;c", {"rel": "x y", "as": "script"}),
                                                    ("/d", {})]),
            ('<a>; REL="pre\\"l,o;ad"; rel=x', [("a", {"rel": 'pre"l,o;ad'})]),
            ("<a>; crossorigin; rel = preload", [("a", {"crossorigin": "", "rel": "preload"})]),
            (", ,<a>,,<b>", [("a", {}), ("b", {})]),
            ("<a> x, <b>", []),
            ('<a>; rel="x', []),
            ("", []),
        ):  # fmt: skip
            self.assertEqual([(one.target, one.parameters) for one in links(value)], wanted, value)

    def test_mapping(self) -> None:
        """Targets and image candidates; titles and spaces stay."""
        for value, wanted in (
            ("<https://a.b/x>; rel=preload", "<https://COLLAPSED/x>; rel=preload"),
            ("< https://a.b/x >;rel=x", "<https://COLLAPSED/x>;rel=x"),
            ("< /x >; rel=y", "< /x >; rel=y"),
            ('</x>; imagesrcset="https://a.b/1 1x, /2 2x"; as=image',
             '</x>; imagesrcset="https://COLLAPSED/1 1x, /2 2x"; as=image'),
            ('</x>; ImageSrcSet = "https://a.b/1"', '</x>; ImageSrcSet = "https://COLLAPSED/1"'),
            ("</x>; imagesrcset=https://a.b/1; as=image", "</x>; imagesrcset=https://COLLAPSED/1; as=image"),
            ("<https://a.b/<>; rel=preconnect", "<https://COLLAPSED/<>; rel=preconnect"),
            ("<https://a.b/<https://a.b>", "<https://COLLAPSED/<https://COLLAPSED>"),
            ('</x>; title="<y", <https://a.b>', '</x>; title="<y", <https://COLLAPSED>'),
            ("<https://a.b", "<https://a.b"),
            ('</x>; title="https://a.b"', '</x>; title="https://a.b"'),
        ):  # fmt: skip
            self.assertEqual(map_links(value, _upper), wanted)

    def test_hints(self) -> None:
        """What browsers do for a 103, as it stands."""
        value = (
            '<a>; rel=preload; as="script", <b>; rel=stylesheet, <c>; rel="x modulepreload",'
            " <d>; rel=PRECONNECT, <e>; rel=dns-prefetch, <f>"
        )
        wanted = [
            '<a>; rel=preload; as="script"',
            '<c>; rel="x modulepreload"',
            "<d>; rel=PRECONNECT",
        ]
        self.assertEqual(hints(value), wanted)
        self.assertEqual(hints("<a>; rel=preload" + " " * LIMIT), [])

    @settings(deadline=None)
    @given(st.text(st.sampled_from('<>;,="\\ relpoad/x'), max_size=60))
    def test_anything(self, value: str) -> None:
        """Nothing raises, and mapping nothing changes nothing."""
        list(links(value))
        self.assertEqual(map_links(value, lambda url: url), value)

    def test_hostile(self) -> None:
        """In linear time."""
        for part in ("<a>;", '<a>; x="', "<", ";" * 5, '"\\', "<a>; rel = ", '; imagesrcset="'):
            began = time.process_time()
            list(links((part * LIMIT)[:LIMIT]))
            map_links((part * LIMIT)[:LIMIT], _upper)
            self.assertLess(time.process_time() - began, 1, part)
