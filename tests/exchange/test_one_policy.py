"""HTTP, WebSocket and what would stand in for it get one decision for one request."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.exchange import steps
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import Connect, Context, Refuse, RequestHead
from gateway.exchange.needs import ConnectSocket
from gateway.exchange.websocket import websocket_exchange
from gateway.origins import collapse, parse
from gateway.policy.destinations import NavigationRule
from gateway.policy.engine import Ask, Decision, Question
from gateway.policy.patterns import parse_pattern
from gateway.policy.steps import Step
from gateway.rewrite.parameters import with_parameter
from gateway.session.reading import Session
from tests.exchange import SESSION, access, context, head, play, token_text
from tests.rewrite import SUFFIX, collapsed, origin
from tests.session import DATR, ICK
from tests.websocket.test_handshake import KEY

PAGE, STRANGER = "https://shop.example.com", "https://other.example"
URLS = (
    "https://api.example.com/v1/x",
    "https://api.example.com/v2",
    "https://api.example.com:8443/v1/x",
    "https://api.example.com:22/v1/x",
    "http://api.example.com/v1/x",
    "https://shop.example.com/",
    "https://gw.example.org/",
    "https://nowhere.example/",
)
RULES = (
    context(),
    context(access("https://api.example.com/v1/*", page=PAGE)),
    context(access("*.example.com"), access("api.example.com", minimum_tls="1.3")),
    context(access("api.example.com", allow_insecure_http=True, where="g:1")),
    context(access("*", native=True)),
    context(navigation=("https://*.example.com/v1/*",)),
    context(navigation=("*",)),
    context(access("https://nothing.example")),
)


def _conditional(rules: Context) -> Context:
    """The same, its frames for the pages of one site alone."""
    page = parse_pattern(PAGE)
    navigation = tuple(attrs.evolve(rule, page=page) for rule in rules.policy.navigation)
    return attrs.evolve(rules, policy=attrs.evolve(rules.policy, navigation=navigation))


def _fetch(host: str, path: str, page: str) -> RequestHead:
    """A page's script fetches it."""
    return head(path, host=host, origin=collapsed(page), sec_fetch_site="same-site")


def _handshake(host: str, path: str, page: str) -> RequestHead:
    """The same script opens a WebSocket there."""
    token = token_text(Session(ICK, DATR).pair, page)
    fields = (
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Key", KEY),
        (b"Sec-WebSocket-Version", b"13"),
        (b"Origin", collapsed(page).encode()),
        (b"Cookie", SESSION),
    )
    target = with_parameter(path, wire.TOKEN_PARAMETER, token).encode()
    return RequestHead(b"GET", target, b"HTTP/1.1", host, fields)


class OnePolicyTests(SynchronousTestCase):
    """The same request in three descriptions."""

    def test_same_decision(self) -> None:
        """Allowed or not, step, rule, reason and event; where allowed, the same transport."""
        seen = set()
        for number, rules in enumerate((*RULES, *map(_conditional, RULES))):
            for url in URLS:
                for page in (PAGE, STRANGER):
                    about = (number, url, page)
                    found = parse(url)
                    assert found is not None
                    question = Question(
                        found[0],
                        found[1].pathname,
                        Ask.ACCESS,
                        websocket=True,
                        page=origin(page),
                    )
                    described = steps.policy(question, rules)
                    host = collapse(found[0]) + SUFFIX
                    for exchange, request, dials in (
                        (http_exchange, _fetch, Connect),
                        (websocket_exchange, _handshake, ConnectSocket),
                    ):
                        made = request(host, found[1].pathname, page)
                        ending, shell = play(exchange, made, rules, None)
                        sent = [need for need in shell.needs if isinstance(need, dials)]
                        if dials is Connect and described.allowed and not found[0].secure:
                            # What no policy opens: both pages are encrypted (exchange.mixed).
                            self.assertEqual((sent, _told(ending).step), ([], Step.TRANSPORT))
                            continue
                        self.assertEqual(bool(sent), described.allowed, (about, ending))
                        if described.allowed:
                            self.assertEqual(sent[0].transport, described.transport, about)
                        else:
                            self.assertEqual(_told(ending), described, about)
                    seen.add((described.allowed, described.step))
        wanted = {(True, Step.TRANSPORT)} | {
            (False, step) for step in (Step.OWN_NAMES, Step.PORT, Step.DESTINATION, Step.TRANSPORT)
        }
        self.assertEqual(seen, wanted, "the table leaves an answer out")

    def test_rules_for_frames_ask_for_the_page(self) -> None:
        """``from`` of ``allow-navigation`` is asked for frames too."""
        rule = NavigationRule(parse_pattern("https://api.example.com"), "", parse_pattern(PAGE))
        rules = context(navigation=())
        rules = attrs.evolve(rules, policy=attrs.evolve(rules.policy, navigation=(rule,)))
        host = collapsed("https://api.example.com").removeprefix("https://")
        for page, allowed in ((PAGE, True), (STRANGER, False)):
            request = head(
                "/",
                host=host,
                origin=collapsed(page),
                sec_fetch_site="same-site",
                sec_fetch_dest="iframe",
                sec_fetch_mode="navigate",
            )
            ending, _ = play(http_exchange, request, rules, None)
            self.assertEqual(not isinstance(ending, Refuse), allowed, page)


def _told(ending: object) -> Decision:
    """The decision that a refusal tells the log."""
    assert isinstance(ending, Refuse), ending
    return Decision(False, Step(ending.step), ending.detail, ending.rule, ending.event)
