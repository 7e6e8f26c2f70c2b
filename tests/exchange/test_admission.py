"""Who is let in and how often: asked first, for each kind of host, HTTP and WebSocket alike."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway import events
from gateway.exchange.admission import identified
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import (
    Accept,
    Connect,
    Context,
    Refuse,
    RequestHead,
    Respond,
    Serve,
    Spend,
)
from gateway.exchange.needs import ConnectSocket
from gateway.exchange.own import own_exchange
from gateway.exchange.websocket import websocket_exchange
from gateway.policy.clients import ClientSettings
from gateway.policy.forwarded import FORWARDED, ForwardedSettings
from gateway.policy.rates import CLIENT, DESTINATION, KINDS, SESSION, Rate, RateSettings
from tests.exchange import PAGE_ORIGIN, Shell, context, frame, head, play, values
from tests.policy.test_clients import ranges
from tests.rewrite import DOMAIN, SUFFIX
from tests.websocket.test_handshake import KEY

CLIENT_ADDRESS = "203.0.113.9"
HANDSHAKE = {
    "upgrade": "websocket",
    "connection": "Upgrade",
    "sec_websocket_key": KEY.decode(),
    "sec_websocket_version": "13",
    "origin": PAGE_ORIGIN,
}


def _requests(client: str = CLIENT_ADDRESS) -> tuple[tuple[Any, RequestHead, type], ...]:
    """One request to each kind of host, its exchange, and how it ends by itself."""
    made = (
        (own_exchange, head("/", host=DOMAIN), Serve),
        (own_exchange, head("/", host=f"www{SUFFIX}"), Serve),
        (own_exchange, head("/", host="elsewhere.example"), Refuse),
        (http_exchange, frame(), Respond),
        (http_exchange, head(), Respond),
        (http_exchange, head("/.gateway/assets/x.js"), object),
        (websocket_exchange, head("/ws", **HANDSHAKE), Accept),
    )
    return tuple((one, attrs.evolve(given, client=client), end) for one, given, end in made)


def _with(**more: Any) -> Context:
    return attrs.evolve(context(), **more)


class RangeTests(SynchronousTestCase):
    """Client ranges."""

    def test_refused_before_anything_else(self) -> None:
        """403 with the range and its place, and nothing was asked of anybody."""
        closed = ClientSettings(deny=ranges("203.0.113.0/24"))
        for exchange, request, _ in _requests():
            ending, shell = play(exchange, request, _with(clients=closed))
            self.assertIsInstance(ending, Refuse)
            self.assertEqual((ending.status, ending.event), (403, events.CLIENT_DENIED))
            self.assertEqual(ending.rule, "clients.deny '203.0.113.0/24' g.toml:1")
            self.assertEqual(shell.needs, [])
            self.assertNotIn("203.0.113", ending.title)

    def test_let_in(self) -> None:
        """Everybody in an allowed range, and where none is configured."""
        for clients in (ClientSettings(), ClientSettings(ranges("203.0.113.0/24"))):
            for exchange, request, kind in _requests():
                ending, _ = play(exchange, request, _with(clients=clients))
                self.assertIsInstance(ending, kind)
                self.assertNotEqual(getattr(ending, "event", ""), events.CLIENT_DENIED)


class RateTests(SynchronousTestCase):
    """Limits: which bucket, in which order, and what a refusal says."""

    settings = RateSettings(*(Rate(10, 1) for _ in KINDS))

    def kinds(self, shell: Shell) -> list[str]:
        """Which buckets were asked, in order."""
        return [need.kind for need in shell.needs if isinstance(need, Spend)]

    def test_who_is_asked(self) -> None:
        """The client for everything, session and destination for what goes to a site."""
        for exchange, request, _ in _requests():
            _, shell = play(exchange, request, _with(rates=self.settings))
            sent = bool(shell.sent())
            self.assertEqual(self.kinds(shell), list(KINDS) if sent else [CLIENT])
            self.assertIsInstance(shell.needs[0], Spend)
            _, shell = play(exchange, request)
            self.assertEqual(self.kinds(shell), [])
        _, shell = play(http_exchange, head(session=False), _with(rates=self.settings))
        self.assertNotIn(SESSION, self.kinds(shell))
        # A Unix socket's clients have no address to tell them apart by.
        _, shell = play(http_exchange, head(), _with(rates=self.settings))
        self.assertEqual(self.kinds(shell), [SESSION, DESTINATION])

    def test_refused(self) -> None:
        """429, with the time to wait, and nothing goes to the site."""
        for kind in KINDS:
            for exchange, request, ends in _requests():
                if kind is not CLIENT and ends not in (Respond, Accept):
                    continue
                shell = Shell({Spend: lambda need, kind=kind: 2.5 if need.kind == kind else 0.0})
                ending, _ = play(exchange, request, _with(rates=self.settings), shell)
                self.assertIsInstance(ending, Refuse)
                self.assertEqual((ending.status, ending.event), (429, events.RATE_LIMITED))
                self.assertEqual(values(ending.fields, b"Retry-After"), [b"3"])
                self.assertIn(kind, ending.detail)
                sent = [one for one in shell.needs if isinstance(one, Connect | ConnectSocket)]
                self.assertEqual(sent, [])

    def test_what_is_closed_costs_a_site_nothing(self) -> None:
        """Only what is about to be sent counts for its destination."""
        closed = attrs.evolve(context(navigation=()), rates=self.settings)
        request = attrs.evolve(head(), client=CLIENT_ADDRESS)
        ending, shell = play(http_exchange, request, closed)
        self.assertIsInstance(ending, Refuse)
        self.assertEqual(self.kinds(shell), [CLIENT, SESSION])

    def test_buckets(self) -> None:
        """A /64 shares one, hosts of a registrable domain share one, and keys tell nothing."""

        def keys(client: str, host: str = "https-shop-example-com") -> dict[str, bytes]:
            request = attrs.evolve(head(host=f"{host}{SUFFIX}"), client=client)
            _, shell = play(http_exchange, request, _with(rates=self.settings))
            return {one.kind: one.key for one in shell.needs if isinstance(one, Spend)}

        first = keys("2001:db8::1")
        self.assertEqual(keys("2001:db8::ffff"), first)
        self.assertEqual(len(set(first.values())), 3)
        other = keys("2001:db8:0:1::1")
        self.assertNotEqual(other[CLIENT], first[CLIENT])
        self.assertEqual(other[SESSION], first[SESSION])
        sibling = keys("2001:db8::1", "https-www-example-com")
        self.assertEqual(sibling[DESTINATION], first[DESTINATION])
        self.assertNotIn(b"example", b"".join(first.values()))


class IdentifiedTests(SynchronousTestCase):
    """Whose request it is."""

    def test_identified(self) -> None:
        """The field of the setting alone, from trusted hops alone."""
        request = attrs.evolve(
            head(x_forwarded_for="6.6.6.6", forwarded="for=203.0.113.9"), client="10.0.0.1"
        )
        trusted = ranges("10.0.0.0/8")
        for settings, client in (
            (ForwardedSettings(), "10.0.0.1"),
            (ForwardedSettings(trusted), "6.6.6.6"),
            (ForwardedSettings(trusted, FORWARDED), "203.0.113.9"),
            (ForwardedSettings(ranges("10.9.0.0/16")), "10.0.0.1"),
        ):
            found, note = identified(request, _with(forwarded=settings))
            self.assertEqual((found.client, note), (client, ""))
            self.assertEqual(attrs.evolve(found, client="10.0.0.1"), request)
        bad = attrs.evolve(head(x_forwarded_for="?"), client="10.0.0.1")
        found, note = identified(bad, _with(forwarded=ForwardedSettings(trusted)))
        self.assertEqual(found.client, "10.0.0.1")
        self.assertIn("x-forwarded-for", note)

    def test_never_sent_on(self) -> None:
        """No site learns who asked, by whatever name balancers have for it."""
        names = (
            "forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded", "forwarded-for",
            "x-real-ip", "true-client-ip", "cf-connecting-ip", "cf-connecting-ipv6", "client-ip",
            "x-client-ip", "x-cluster-client-ip", "x-original-forwarded-for", "fastly-client-ip",
            "x-azure-clientip", "x-azure-socketip", "x-envoy-external-address", "fly-client-ip",
            "x-remote-ip", "x-remote-addr", "x-originating-ip", "x-appengine-user-ip", "via",
        )  # fmt: skip
        given = {name.replace("-", "_"): CLIENT_ADDRESS for name in names}
        for exchange, request in (
            (http_exchange, head(**given)),
            (http_exchange, frame(**given)),
            (websocket_exchange, head("/ws", **HANDSHAKE, **given)),
        ):
            _, shell = play(exchange, request)
            (sent,) = shell.sent()
            self.assertNotIn(CLIENT_ADDRESS.encode(), b"".join(value for _, value in sent.fields))
