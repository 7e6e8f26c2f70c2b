"""What secure pages ask of hosts that are not encrypted."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway import events
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import Answer, Connect, Ending, Refuse, Respond
from gateway.exchange.mixed import is_trustworthy
from tests.exchange import SITE, Shell, access, context, head, values
from tests.rewrite import collapsed

PAGE = collapsed(SITE)
PLAIN = "http://plain.example.com"
OPEN = context(attrs.evolve(access("*"), allow_insecure_http=True), navigation=("*",))


def asks(of: str, **more: str) -> tuple[Ending, int]:
    """What a page's request becomes, and how often an origin was asked."""
    host = collapsed(of).removeprefix("https://")
    given: dict[str, Any] = {"origin": PAGE, "sec_fetch_site": "same-site"} | more
    shell = Shell()
    ending = shell.run(http_exchange(head("/p?a=b", host=host, **given), OPEN))
    return ending, sum(isinstance(one, Connect) for one in shell.needs)


class MixedTests(SynchronousTestCase):
    """Requests of one secure page, and of others."""

    def test_refused(self) -> None:
        """What is no image is not asked for, and script sees no answer."""
        for dest in ("empty", "script", "style", "font", "worker", "track", "object", "manifest"):
            ending, asked = asks(PLAIN, sec_fetch_dest=dest)
            assert isinstance(ending, Refuse), ending
            self.assertEqual((ending.event, ending.cut), (events.TRANSPORT_DENIED, True))
            self.assertEqual(asked, 0, dest)

    def test_upgraded(self) -> None:
        """Images and media come from the encrypted host, on the same port unless it is 80."""
        for dest in ("image", "audio", "video"):
            for of, wanted in (
                (PLAIN, "https://plain.example.com"),
                (f"{PLAIN}:8080", "https://plain.example.com:8080"),
            ):
                ending, asked = asks(of, sec_fetch_dest=dest)
                assert isinstance(ending, Answer), ending
                self.assertEqual((ending.status, asked), (307, 0))
                found = values(ending.fields, b"Location")
                self.assertEqual(found, [f"{collapsed(wanted)}/p?a=b".encode()])

    def test_not_mixed(self) -> None:
        """Plain pages, people, navigations, encrypted hosts, and this machine."""
        table: list[tuple[str, dict[str, str]]] = [
            (PLAIN, {"origin": collapsed("http://page.example")}),
            (PLAIN, {"origin": "", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}),
            (PLAIN, {"sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}),
            (PLAIN, {"sec_fetch_mode": ""}),
            ("https://plain.example.com", {}),
            ("http://localhost", {}),
            ("http://127.0.0.1:8000", {}),
        ]
        for of, more in table:
            ending, _ = asks(of, **more)
            self.assertIsInstance(ending, Respond, (of, more, ending))

    def test_trustworthy(self) -> None:
        """Only what is this machine by its name."""
        for host in ("localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]"):
            self.assertTrue(is_trustworthy(host), host)
        for host in ("localhost.example", "10.0.0.1", "128.0.0.1", "[::2]", "notlocalhost", ""):
            self.assertFalse(is_trustworthy(host), host)
