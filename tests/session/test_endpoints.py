"""Where a site wants its reports sent, sealed into its pages' report address."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.session.endpoints import (
    MAX_ENDPOINTS,
    MAX_URL,
    Endpoints,
    Layer,
    open_endpoints,
    seal_endpoints,
)
from tests.rewrite import origin
from tests.session import KEYS, NEW_KEYS, OLD_KEYS

PAGE = origin("https://shop.example.com")
URL = "https://collect.example/r?a=b&c"


class EndpointsTests(SynchronousTestCase):
    """What was sealed comes out, for that page's origin alone."""

    def test_there_and_back(self) -> None:
        """Each layer, with no URL and with several; the same text each time."""
        for layer in Layer:
            for urls in ((), (URL,), (URL, "http://b.example/")):
                given_ = Endpoints(layer, urls)
                text = seal_endpoints(KEYS, PAGE, given_)
                self.assertEqual(text, seal_endpoints(KEYS, PAGE, given_))
                self.assertRegex(text, r"\A[A-Za-z0-9_-]+\Z")
                self.assertEqual(open_endpoints(KEYS, PAGE, text), given_)

    def test_forged(self) -> None:
        """Another origin's, a changed octet, a cut, another layer: nothing opens."""
        text = seal_endpoints(KEYS, PAGE, Endpoints(Layer.SITE, (URL,)))
        for other in ("https://shop.example", "http://shop.example.com", "https://com"):
            self.assertIsNone(open_endpoints(KEYS, origin(other), text))
        for at in range(len(text)):
            changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
            self.assertIsNone(open_endpoints(KEYS, PAGE, changed), at)
            self.assertIsNone(open_endpoints(KEYS, PAGE, text[:at]), at)

    def test_origin_and_content_are_apart(self) -> None:
        """What moves from one to the other is another text."""
        one = seal_endpoints(KEYS, PAGE, Endpoints(Layer.SITE, ()))
        self.assertIsNone(open_endpoints(KEYS, origin("https://shop.example.com:1"), one))

    def test_generations(self) -> None:
        """The newest seals; a retired one opens nothing."""
        old = seal_endpoints(OLD_KEYS, PAGE, Endpoints(Layer.SITE, (URL,)))
        self.assertIsNotNone(open_endpoints(KEYS, PAGE, old))
        self.assertIsNone(open_endpoints(NEW_KEYS, PAGE, old))

    def test_bounds(self) -> None:
        """Too long a URL is left out, and more than a few."""
        urls = (f"{URL}{'x' * MAX_URL}", *(f"{URL}{number}" for number in range(9)))
        text = seal_endpoints(KEYS, PAGE, Endpoints(Layer.SITE, urls))
        found = open_endpoints(KEYS, PAGE, text)
        assert found is not None
        self.assertEqual(found.urls, urls[1 : MAX_ENDPOINTS + 1])
        longest = tuple(f"{n}".ljust(MAX_URL, "x") for n in range(MAX_ENDPOINTS))
        text = seal_endpoints(KEYS, PAGE, Endpoints(Layer.CONTAINMENT, longest))
        self.assertIsNotNone(open_endpoints(KEYS, PAGE, text))
        self.assertIsNone(open_endpoints(KEYS, PAGE, "A" * 100_000))

    @given(st.text(max_size=60))
    def test_any_text(self, text: str) -> None:
        """Nothing that was not sealed opens, and nothing raises."""
        self.assertIsNone(open_endpoints(KEYS, PAGE, text))

    def test_shown(self) -> None:
        """URLs may hold keys: they are in no log."""
        self.assertNotIn("collect", repr(Endpoints(Layer.SITE, (URL,))))
