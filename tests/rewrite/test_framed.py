"""Documents in ``data:`` URLs: edited as what they are, and nothing else touched."""

from __future__ import annotations

import base64
from urllib.parse import unquote_to_bytes

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.framed import map_frame


def _mark(text: str) -> str:
    return f"[{text}]"


class FramedTests(SynchronousTestCase):
    """One URL at a time."""

    def test_documents(self) -> None:
        """Percent-encoded or in base64; the encoding's name stays, a fragment has no meaning."""
        for url, wanted in (
            ("data:text/html,<p>x", "data:text/html,%5B%3Cp%3Ex%5D"),
            (" DATA:text/HTML,x", "data:text/html,%5Bx%5D"),
            ("da\nta:text/html,x", "data:text/html,%5Bx%5D"),
            ("data:text/html;charset=utf-8,%C3%A9", "data:text/html;charset=utf-8,%5B%C3%A9%5D"),
            ("data:text/html,é", "data:text/html,%5B%C3%A9%5D"),
            ("data:text/html;base64,PHA+eA==", "data:text/html,%5B%3Cp%3Ex%5D"),
            ("data:text/html;a=b;BASE64,PHA%2BeA", "data:text/html;a=b,%5B%3Cp%3Ex%5D"),
            ("data:text/html,a#b", "data:text/html,%5Ba%5D"),
            ("data:text/html,100%", "data:text/html,%5B100%25%5D"),
        ):
            self.assertEqual(map_frame(url, _mark), wanted, url)

    def test_others(self) -> None:
        """What is no document of HTML, and what no browser reads, comes back as it was."""
        for url in (
            "", "https://a.test/data:text/html,x", "data:text/plain,x", "data:text/htmlx,x",
            "data:image/svg+xml,<svg>", "data:text/html", "data:text/html;base64,?", "about:blank",
            "javascript:'data:text/html,x'",
        ):  # fmt: skip
            self.assertEqual(map_frame(url, _mark), url)

    @given(st.binary(), st.booleans())
    def test_octets_stay(self, octets: bytes, coded: bool) -> None:
        """All octets that are not edited are those that there were."""
        body = base64.b64encode(octets).decode() if coded else "".join(f"%{o:02x}" for o in octets)
        url = f"data:text/html{';base64' if coded else ''},{body.replace('+', '%2B')}"
        edited = map_frame(url, lambda text: text)
        self.assertEqual(unquote_to_bytes(edited.partition(",")[2]), octets)
