"""What a redirect says of where it leads over."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import Connect, Respond, UpstreamHead
from tests.exchange import HOST, SITE, Shell, access, context, head, values
from tests.rewrite import collapsed

LED = f"{wire.LED_PARAMETER}=1"
PAGE = collapsed(SITE)
SIBLING = SITE.replace("shop.", "api.")
OTHER = "https://other.example"


def asks(target: str = "/p", of: str = SITE, **more: str) -> Any:
    """A request of a page of ``SITE``'s."""
    host = collapsed(of).removeprefix("https://")
    site = "same-origin" if of == SITE else "same-site"
    return head(target, host=host, **{"origin": PAGE, "sec_fetch_site": site, **more})


def leads(to: str, asked: Any, status: int = 302) -> tuple[str, dict[str, str]]:
    """Where the browser is led to, and what the origin was asked with."""
    found: dict[str, str] = {}

    def connect(need: Connect) -> UpstreamHead:
        found.update({name.decode().lower(): value.decode() for name, value in need.fields})
        found["target"] = need.target.decode()
        return UpstreamHead(status, b"Found", ((b"Location", to.encode()),))

    ending = Shell({Connect: connect}).run(
        http_exchange(asked, context(access(), navigation=("*",)))
    )
    assert isinstance(ending, Respond), ending
    return values(ending.fields, b"Location")[0].decode(), found


class LeadTests(SynchronousTestCase):
    """Redirects of what pages ask for."""

    def test_where_it_is_told(self) -> None:
        """Back from another site, and on from there; else never."""
        table = [
            (OTHER, f"{SITE}/x", True),
            (OTHER, f"{SITE}/x?a=b#c", True),
            (OTHER, f"{SIBLING}/x", True),
            (OTHER, f"{OTHER}/x", False),
            (OTHER, "/x", False),
            (OTHER, "https://third.example/x", False),
            (SIBLING, f"{SITE}/x", False),
            (SITE, "/x", False),
            (SITE, f"{SIBLING}/x", False),
            (OTHER, "data:,x", False),
            (OTHER, "https://[", False),
        ]
        for of, to, wanted in table:
            for status in (301, 302, 303, 307, 308):
                found, _ = leads(to, asks(of=of), status)
                self.assertEqual(LED in found, wanted, (of, to, found))
        found, _ = leads(f"{SITE}/x?a=b#c", asks(of=OTHER))
        self.assertEqual(found, f"{PAGE}/x?a=b&{LED}#c")

    def test_on(self) -> None:
        """What was told goes on, and no origin gets to see it."""
        for of in (SITE, SIBLING):
            found, asked = leads(f"{SITE}/x", asks(f"/p?a=b&{LED}", of=of))
            self.assertTrue(found.endswith(LED), found)
            self.assertEqual(asked["target"], "/p?a=b")
            self.assertEqual(asked["sec-fetch-site"], "cross-site")

    def test_not_of_navigations(self) -> None:
        """Nor of what nobody knows whose it is."""
        for more in (
            {"sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"},
            {"sec_fetch_mode": ""},
            {"origin": "null", "sec_fetch_site": "same-site"},
        ):
            found, _ = leads(f"{SITE}/x", asks(of=OTHER, **more))
            self.assertNotIn(LED, found, more)

    def test_host(self) -> None:
        """The page of these tests is the one whose host the others use."""
        self.assertEqual(HOST, PAGE.removeprefix("https://"))
