"""What pages send reaches a site in its own names: by one rule, with a switch for each site."""

from __future__ import annotations

from urllib.parse import quote

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway.exchange.http import http_exchange
from gateway.exchange.messages import Connect, Context, RequestHead
from gateway.exchange.needs import ConnectSocket
from gateway.exchange.outgoing import body_for, maps_back, target_for
from gateway.exchange.websocket import websocket_exchange
from gateway.policy.destinations import NavigationRule
from gateway.policy.forwarded import ForwardedSettings
from gateway.policy.patterns import parse_pattern
from gateway.rewrite.outgoing_forms import Outgoing
from tests.exchange import PAGE_ORIGIN, SITE, access, context, head, play
from tests.rewrite import origin

OURS = f"{PAGE_ORIGIN}/cb?x=1"
QUERY = f"/authorize?redirect_uri={quote(OURS, safe='')}&next={PAGE_ORIGIN}/p"
WANTED = f"/authorize?redirect_uri={quote(SITE + '/cb?x=1', safe='')}&next={SITE}/p"
SOCKET = {
    "upgrade": "websocket",
    "connection": "Upgrade",
    "sec_websocket_version": "13",
    "sec_websocket_key": "AQIDBAUGBwgJCgsMDQ4PEA==",
}
JSON = {"content_type": "application/json"}


def _off(of: str = "*") -> Context:
    return context(access("*"), access(of, reverse_map=False))


def _sent(request: RequestHead, given: Context | None = None) -> Connect:
    _, shell = play(http_exchange, request, given)
    (connect,) = [need for need in shell.needs if isinstance(need, Connect)]
    return connect


class RequestTests(SynchronousTestCase):
    """Requests and handshakes."""

    def test_queries(self) -> None:
        """Of a request and of a handshake alike."""
        self.assertEqual(_sent(head(QUERY)).target, WANTED.encode())
        socket = head(QUERY, origin=PAGE_ORIGIN, **SOCKET)
        _, shell = play(websocket_exchange, socket)
        (dialled,) = [need for need in shell.needs if isinstance(need, ConnectSocket)]
        self.assertEqual(dialled.target, WANTED.encode())

    def test_fields(self) -> None:
        """A Referer's query, and what script says in fields of its own."""
        sent = dict(_sent(head(referer=PAGE_ORIGIN + QUERY, hx_current_url=OURS)).fields)
        self.assertEqual(sent[b"referer"], SITE.encode() + WANTED.encode())
        self.assertEqual(sent[b"hx-current-url"], SITE.encode() + b"/cb?x=1")

    def test_bodies(self) -> None:
        """A plan for what is a text, where there is a body at all."""
        posted = attrs.evolve(head("/p", method=b"POST", **JSON), has_body=True)
        plan = _sent(posted).body
        self.assertIsInstance(plan, Outgoing)
        assert plan is not None
        self.assertEqual((plan.content_type, plan.origin), ("application/json", origin(SITE)))
        self.assertIsNone(_sent(attrs.evolve(posted, has_body=False)).body)
        image = attrs.evolve(head("/p", method=b"POST", content_type="image/png"), has_body=True)
        self.assertIsNone(_sent(image).body)

    def test_signed(self) -> None:
        """What its sender vouches for goes as it is, all of it."""
        request = head(QUERY, method=b"POST", content_digest="x", x_url=OURS, **JSON)
        sent = _sent(attrs.evolve(request, has_body=True))
        self.assertEqual((sent.target, sent.body), (QUERY.encode(), None))
        self.assertEqual(dict(sent.fields)[b"x-url"], OURS.encode())

    def test_switch(self) -> None:
        """One rule that says so is enough; it is about the site that is asked."""
        posted = attrs.evolve(head(QUERY, method=b"POST", x_url=OURS, **JSON), has_body=True)
        for given, mapped in (
            (_off(), False),
            (_off(SITE), False),
            (_off("https://other.example"), True),
            (_off("*://*.example.com:8080"), True),
        ):
            sent = _sent(posted, given)
            self.assertEqual(sent.target, (WANTED if mapped else QUERY).encode())
            self.assertIs(sent.body is not None, mapped)
            self.assertEqual(dict(sent.fields)[b"x-url"] == OURS.encode(), not mapped)
        rule = NavigationRule(parse_pattern(SITE), reverse_map=False)
        base = context()
        off = attrs.evolve(base, policy=attrs.evolve(base.policy, navigation=(rule,)))
        self.assertFalse(maps_back(origin(SITE), off))
        self.assertTrue(maps_back(origin(SITE), base))

    def test_forwarded(self) -> None:
        """Nobody's address is told, unless an operator wants that; and none of our names."""
        base = context()
        tells = attrs.evolve(base, forwarded=ForwardedSettings(tells=True))
        for client, wanted in (
            ("192.0.2.1", b"for=192.0.2.1"),
            ("2001:db8::1", b'for="[2001:db8::1]"'),
            ("", None),
            ("unix", None),
        ):
            request = attrs.evolve(head("/p", forwarded="for=evil"), client=client)
            self.assertNotIn(b"Forwarded", dict(_sent(request).fields))
            self.assertEqual(dict(_sent(request, tells).fields).get(b"Forwarded"), wanted)
            socket = attrs.evolve(head("/p", origin=PAGE_ORIGIN, **SOCKET), client=client)
            _, shell = play(websocket_exchange, socket, tells)
            (dialled,) = [need for need in shell.needs if isinstance(need, ConnectSocket)]
            self.assertEqual(dict(dialled.fields).get(b"Forwarded"), wanted)

    def test_parts(self) -> None:
        """Without a query or a body there is nothing to do."""
        self.assertEqual(target_for("/p", head(), origin(SITE), context()), "/p")
        self.assertIsNone(body_for(head(**JSON), origin(SITE), context()))
