"""What documents with an opaque origin ask for: how it is told from what strangers ask for."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import Answer, Connect, Context, Refuse, RequestHead, Respond
from gateway.exchange.own import own_exchange
from gateway.session.reading import Session
from tests.exchange import access, context, frame, head, play, token_text, values
from tests.rewrite import DOMAIN, SECURE, SUFFIX
from tests.session import DATR, ICK, NOW

WITHIN = wire.WITHIN_COOKIE + b"=1"
PAIR = Session(ICK, DATR).pair
OPAQUE = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}
DAY = 86400


def asked(cookie: bytes = b"", **fields: Any) -> RequestHead:
    """A request as a document with an opaque origin makes it."""
    request = head(session=False, **{**OPAQUE, **fields})
    more = ((b"Cookie", cookie),) if cookie else ()
    return attrs.evolve(request, fields=(*request.fields, *more))


class WithinTests(SynchronousTestCase):
    """Served as nobody's, or refused as a stranger's."""

    def passed(self, request: RequestHead, given: Context | None = None) -> None:
        """It goes to the site, with no cookies."""
        ending, shell = play(http_exchange, request, given)
        self.assertIsInstance(ending, Respond, (request, ending))
        (sent,) = [need for need in shell.needs if isinstance(need, Connect)]
        self.assertNotIn(b"cookie", [name.lower() for name, _ in sent.fields])
        self.assertEqual(values(sent.fields, b"Sec-Fetch-Site"), [b"cross-site"])

    def refused(self, request: RequestHead) -> Refuse:
        """It does not."""
        ending, shell = play(http_exchange, request)
        assert isinstance(ending, Refuse), (request, ending)
        self.assertEqual([need for need in shell.needs if isinstance(need, Connect)], [])
        return ending

    def test_by_the_cookie(self) -> None:
        """Whatever a document loads, and frames in it; the cookie counts with nothing else."""
        self.passed(asked(WITHIN))
        self.passed(asked(b"x=1; " + WITHIN, origin="null", sec_fetch_mode="cors"))
        framed = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}
        self.passed(asked(WITHIN, **framed))
        for request in (
            asked(),
            asked(b"x=" + WITHIN),
            asked(WITHIN.lower()),
            asked(WITHIN, origin="https://evil.example"),
            asked(WITHIN, referer="https://evil.example/"),
            asked(WITHIN, sec_fetch_site="none"),
            asked(WITHIN, sec_fetch_site=""),
            asked(WITHIN, sec_fetch_mode="websocket"),
        ):
            self.assertEqual(self.refused(request).event, events.NOT_OUR_PAGE, request)

    def test_a_window_is_none(self) -> None:
        """A document for a whole window goes into the outer frame, whatever it has."""
        request = asked(WITHIN, sec_fetch_mode="navigate", sec_fetch_dest="document")
        ending, _ = play(http_exchange, request)
        assert isinstance(ending, Answer)
        self.assertEqual(ending.status, 302)
        self.assertTrue(values(ending.fields, b"Location")[0].startswith(SECURE.encode() + b"/#"))

    def test_by_a_token(self) -> None:
        """What has no cookies at all, as fetch; in time, and not with another site's Origin."""
        fetch = {"sec_fetch_mode": "cors", "sec_fetch_dest": "empty", "origin": "null"}
        for method in (b"GET", b"POST"):
            self.passed(asked(method=method, token=token_text(PAIR), **fetch))
            self.passed(asked(method=method, token=token_text(), **fetch))
            for token, more in (
                ("", {}),
                ("junk", {}),
                (token_text(PAIR, issued_at=NOW - DAY - 1), {}),
                (token_text(PAIR), {"origin": "https://evil.example"}),
                (token_text(PAIR), {"sec_fetch_site": ""}),
            ):
                self.refused(asked(method=method, token=token, **{**fetch, **more}))

    def test_what_changes_state(self) -> None:
        """It wants a token besides the cookie."""
        self.refused(asked(WITHIN, method=b"POST", token=""))
        self.passed(asked(WITHIN, method=b"POST", token=token_text(PAIR)))

    def test_the_policy_stands(self) -> None:
        """It opens nothing, and a rule for a page is for no opaque one."""
        for rules in (context(access("other.example")), context(access("*", page="*"))):
            ending, _ = play(http_exchange, asked(WITHIN), rules)
            assert isinstance(ending, Refuse)
            self.assertEqual(ending.event, events.DESTINATION_DENIED)

    def test_documents_are_not_asked(self) -> None:
        """Nobody's page has no nonce there; one with a session, or of a page of ours, has."""
        framed = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}
        for request, wanted in (
            (asked(WITHIN, **framed), True),
            (frame(), False),
            (frame(session=False), False),
        ):
            ending, _ = play(http_exchange, request)
            assert isinstance(ending, Respond)
            self.assertEqual(b'"nonce":""' in _markup(ending), wanted, request)


def _markup(ending: Respond) -> bytes:
    return (ending.plan.markup or b"").replace(b" ", b"")


class FrameTests(SynchronousTestCase):
    """The outer frame's sandboxed frame, which has the cookie set."""

    def test_document_and_image(self) -> None:
        """Each sets it for all rewrite hosts, for as long as the browser runs, in its partition."""
        cookie = WITHIN + f"; Domain={DOMAIN}; Path=/; Secure; HttpOnly".encode()
        cookie += b"; SameSite=None; Partitioned"
        for destination, status in (("iframe", 200), ("image", 204)):
            ending = self.ask(sec_fetch_dest=destination)
            assert isinstance(ending, Answer)
            self.assertEqual(ending.status, status)
            self.assertEqual(values(ending.fields, b"Set-Cookie"), [cookie])
            self.assertEqual(values(ending.fields, b"Cache-Control"), [b"no-store"])
        document = self.ask(sec_fetch_dest="iframe")
        assert isinstance(document, Answer)
        (policy,) = values(document.fields, b"Content-Security-Policy")
        self.assertIn(b"; sandbox;", policy)
        self.assertIn(b"frame-ancestors " + SECURE.encode(), policy)
        self.assertIn(wire.WITHIN_PATH.encode(), document.body)

    def test_only_there(self) -> None:
        """Nowhere but on the secure host, and only to be read."""
        self.assertEqual(self.ask(method=b"POST", token="").status, 405)
        self.assertEqual(self.ask(DOMAIN).status, 404)
        ending, _ = play(http_exchange, head(wire.WITHIN_PATH))
        assert isinstance(ending, Refuse)
        self.assertEqual(ending.status, 404)

    def ask(self, host: str = f"www{SUFFIX}", **more: Any) -> Any:
        """Ask for it."""
        request = head(wire.WITHIN_PATH, host=host, session=False, **more)
        return play(own_exchange, request)[0]
