"""The engine: questions, rules, decisions."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import events
from gateway.origins import Origin, parse
from gateway.policy.addresses import BAD_PORTS
from gateway.policy.destinations import AccessRule, IntentRule, NavigationRule, Settings
from gateway.policy.engine import Ask, Decision, Question, decide
from gateway.policy.intents import parse_intent
from gateway.policy.patterns import parse_pattern
from gateway.policy.steps import Step
from gateway.policy.transport import TlsPolicy

REQUESTS = (Ask.NAVIGATION, Ask.ACCESS)
PAGE = "https://page.example/"
TEXTS = [
    "*",
    "https://a.b",
    "http://a.b",
    "*.b",
    "a.b",
    "wss://a.b",
    "https://a.b/x*",
    "*://*:8080",
]


def _question(url: str, ask: Ask = Ask.NAVIGATION, page: str = "", **more: Any) -> Question:
    found, of_page = parse(url), parse(page)
    if found is None:
        raise AssertionError(f"{url!r} does not parse")
    origin, parsed = found
    return Question(
        origin,
        parsed.pathname,
        ask,
        websocket=parsed.protocol.startswith("ws"),
        page=of_page and of_page[0],
        **more,
    )


def _navigation(*texts: str) -> Settings:
    return Settings(navigation=tuple(NavigationRule(parse_pattern(text)) for text in texts))


def _access(text: str, *, page: str = "", **more: Any) -> AccessRule:
    return AccessRule(parse_pattern(text), page=parse_pattern(page) if page else None, **more)


def _settings(*access: AccessRule) -> Settings:
    return Settings(access=access)


class OrderTests(SynchronousTestCase):
    """The steps, in the order in which they are asked."""

    def test_default_is_deny(self) -> None:
        """Without a rule nothing is open, for nobody."""
        for ask in REQUESTS:
            for url in ("https://a.b/", "http://a.b/", "wss://a.b/"):
                decision = decide(_question(url, ask, PAGE), Settings())
                self.assertEqual(
                    (decision.allowed, decision.step), (False, Step.DESTINATION), (ask, url)
                )
                self.assertEqual(decision.event, events.DESTINATION_DENIED)
                self.assertEqual(decision.rule, "")

    def test_own_names_first(self) -> None:
        """No rule makes the gateway its own upstream; that is asked before the port."""
        everything = Settings(_navigation("*").navigation, (_access("*", native=True),))
        for url in ("https://gateway.example/", "https://gateway.example:22/"):
            decision = decide(_question(url, own_host=True), everything)
            self.assertEqual((decision.allowed, decision.step), (False, Step.OWN_NAMES), url)

    def test_bad_ports(self) -> None:
        """No rule opens a bad port, not even one that names it."""
        for port in (0, 22, 25, 6667):
            everything = _navigation("*", f"https://a.b:{port}")
            decision = decide(_question(f"https://a.b:{port}/"), everything)
            self.assertEqual((decision.allowed, decision.step), (False, Step.PORT), port)
            self.assertIn(str(port), decision.reason)
        self.assertTrue(decide(_question("https://a.b:8443/"), _navigation("*")).allowed)

    def test_insecure_http(self) -> None:
        """Plain origins need a rule that opens them and one that says so."""
        plain, spoken = _access("http://a.b"), _access("http://a.b", allow_insecure_http=True)
        table = (
            (_navigation("*"), False, Step.TRANSPORT),
            (_settings(plain), False, Step.TRANSPORT),
            (_settings(spoken), True, Step.TRANSPORT),
            (
                _settings(_access("http://*.b", allow_insecure_http=True), plain),
                True,
                Step.TRANSPORT,
            ),
            (
                _settings(plain, _access("https://a.b", allow_insecure_http=True)),
                False,
                Step.TRANSPORT,
            ),
            (_settings(_access("http://c.b", allow_insecure_http=True)), False, Step.DESTINATION),
            (Settings(_navigation("a.b").navigation, (spoken,)), True, Step.TRANSPORT),
        )
        for number, (rules, allowed, step) in enumerate(table):
            for url in ("http://a.b/", "ws://a.b/"):
                decision = decide(_question(url, Ask.ACCESS), rules)
                self.assertEqual((decision.allowed, decision.step), (allowed, step), number)
                event = (
                    events.TRANSPORT_DENIED if step is Step.TRANSPORT else events.DESTINATION_DENIED
                )
                self.assertEqual(decision.event if not allowed else event, event, number)


class DestinationTests(SynchronousTestCase):
    """Which rule opens what."""

    def test_navigation_permits_requests(self) -> None:
        """``allow-navigation`` opens frames and requests, WebSockets among them."""
        rules = _navigation("https://a.b")
        for ask in REQUESTS:
            for url in ("https://a.b/", "https://a.b/x", "wss://a.b/"):
                self.assertTrue(decide(_question(url, ask), rules).allowed, (ask, url))
            for url in ("https://c.b/", "https://a.b:444/x", "http://a.b/"):
                allowed = decide(_question(url, ask), _navigation("https://a.b:443")).allowed
                self.assertFalse(allowed, (ask, url))

    def test_access_permits_no_navigation(self) -> None:
        """``access`` opens requests of pages only; with ``native`` also native clients."""
        # (native rule, native client, asked as, allowed)
        table = (
            (False, False, Ask.ACCESS, True),
            (False, False, Ask.NAVIGATION, False),
            (False, True, Ask.ACCESS, False),
            (False, True, Ask.NAVIGATION, False),
            (True, False, Ask.ACCESS, True),
            (True, False, Ask.NAVIGATION, False),
            (True, True, Ask.ACCESS, True),
            (True, True, Ask.NAVIGATION, True),
        )
        for native, client, ask, allowed in table:
            rules = _settings(_access("https://a.b", native=native))
            for url in ("https://a.b/", "wss://a.b/"):
                decision = decide(_question(url, ask, native=client), rules)
                self.assertEqual(decision.allowed, allowed, (native, client, ask, url))
            self.assertFalse(decide(_question("https://c.b/", ask, native=client), rules).allowed)

    def test_navigation_is_not_for_native_clients(self) -> None:
        """What pages may show is not thereby open to clients that are no page."""
        for ask in REQUESTS:
            decision = decide(_question("https://a.b/", ask, native=True), _navigation("*"))
            self.assertEqual((decision.allowed, decision.step), (False, Step.DESTINATION), ask)
            self.assertIn("native access", decision.reason)

    def test_the_kind_of_rule_is_named(self) -> None:
        """A denial says which kind of rule is missing."""
        for ask, kind in ((Ask.NAVIGATION, "allow-navigation"), (Ask.ACCESS, "access")):
            decision = decide(_question("https://a.b/", ask), Settings())
            self.assertIn(f"no {kind} rule", decision.reason)
            self.assertIn("https://a.b", decision.reason)

    def test_from_conditions(self) -> None:
        """A rule with a ``from`` is for the pages that match, and for no unknown one."""
        rules = _settings(_access("https://api.b", page="https://*.page.example"))
        table = (
            (PAGE, True),
            ("https://x.page.example/y", True),
            ("https://other.example/", False),
            ("http://page.example/", False),
            ("https://page.example.evil.example/", False),
            ("", False),
        )
        for page, allowed in table:
            for url in ("https://api.b/", "wss://api.b/"):
                decision = decide(_question(url, Ask.ACCESS, page), rules)
                self.assertEqual(decision.allowed, allowed, (page, url))

    def test_from_on_navigation(self) -> None:
        """So it is for frames: opened for one site's pages only, and for nobody who types it."""
        rule = NavigationRule(parse_pattern("https://a.b"), page=parse_pattern(PAGE + "*"))
        for ask in REQUESTS:
            for page, allowed in ((PAGE, True), ("https://c.b/", False), ("", False)):
                decision = decide(_question("https://a.b/", ask, page), Settings((rule,)))
                self.assertEqual(decision.allowed, allowed, (ask, page))

    def test_paths(self) -> None:
        """A rule with a path opens that path."""
        for rules in (_navigation("https://a.b/x*"), _settings(_access("https://a.b/x*"))):
            for url, allowed in (("https://a.b/xy", True), ("https://a.b/", False)):
                decision = decide(_question(url, Ask.ACCESS), rules)
                self.assertEqual(decision.allowed, allowed, url)

    def test_websocket_schemes(self) -> None:
        """A WebSocket is asked by the name of its twin too; ``wss`` opens it alone."""
        table = (
            ("https://a.b", "wss://a.b/", True),
            ("https://a.b", "ws://a.b/", False),
            ("http://a.b", "ws://a.b/", True),
            ("http://a.b", "wss://a.b/", False),
            ("wss://a.b", "wss://a.b/", True),
            ("wss://a.b", "https://a.b/", False),
            ("ws://a.b", "ws://a.b/", True),
            ("ws://a.b", "http://a.b/", False),
            ("a.b", "wss://a.b/", True),
            ("a.b", "ws://a.b/", True),
        )
        for text, url, allowed in table:
            rules = _settings(_access(text, allow_insecure_http=True))
            decision = decide(_question(url, Ask.ACCESS), rules)
            self.assertEqual(decision.allowed, allowed, (text, url))

    def test_the_deciding_rule(self) -> None:
        """The decision names the first rule that opens, with its place."""
        first = NavigationRule(parse_pattern("https://c.b"), "g.toml:1")
        second = NavigationRule(parse_pattern("https://*.b"), "g.toml:2")
        request = _access("https://a.b", where="g.toml:3")
        question = _question("https://a.b/", Ask.ACCESS)
        decision = decide(question, Settings((first, second), (request,)))
        self.assertEqual(decision.rule, "allow-navigation 'https://*.b' g.toml:2")
        decision = decide(question, Settings((first,), (request,)))
        self.assertEqual(decision.rule, "access 'https://a.b' g.toml:3")


class IntentTests(SynchronousTestCase):
    """Links that would leave the gateway."""

    def test_rules(self) -> None:
        """Only an ``allow-intent`` rule opens one, for the page it names, and says where it is."""
        tel = IntentRule(parse_intent("tel:*"), "g.toml:1")
        shop = IntentRule(parse_intent("market:*"), "g.toml:2", parse_pattern(PAGE + "*"))
        rules = Settings(_navigation("*").navigation, (_access("*"),), intents=(tel, shop))
        page, other = Origin("https", "page.example", 443), Origin("https", "c.b", 443)
        for url, asker, allowed, said in (
            ("tel:112", None, True, "allow-intent 'tel:*' g.toml:1"),
            ("sms:112", page, False, ""),
            ("market://x", page, True, "allow-intent 'market:*' g.toml:2"),
            ("market://x", other, False, ""),
            ("market://x", None, False, ""),
            ("https://a.b/", page, False, ""),
            ("javascript:alert(1)", page, False, ""),
            ("no address", page, False, ""),
            ("", page, False, ""),
        ):
            decision = decide(Question.intent(url, asker), rules)
            self.assertEqual((decision.allowed, decision.rule), (allowed, said), url)
            self.assertEqual(decision.step, Step.DESTINATION, url)

    def test_plain_pages(self) -> None:
        """Web pages outside: own names and bad ports stay closed; http needs no TLS of ours."""
        rules = Settings(intents=(IntentRule(parse_intent("*")),))
        for url, own, step in (
            ("https://a.b/", True, Step.OWN_NAMES),
            ("https://a.b:22/", False, Step.PORT),
        ):
            decision = decide(attrs.evolve(Question.intent(url), own_host=own), rules)
            self.assertEqual((decision.allowed, decision.step), (False, step), url)
        for url in ("https://a.b/", "http://a.b/", "whatsapp://send"):
            self.assertTrue(decide(Question.intent(url), rules).allowed, url)

    def test_what_may_be_performed(self) -> None:
        """The question has the one spelling that browsers make of the text."""
        for url, href in ((" TEL:1", "tel:1"), ("HTTPS:/a.B", "https://a.b/"), ("x", "")):
            self.assertEqual(Question.intent(url).href, href)

    def test_requests_are_not_opened(self) -> None:
        """A rule for links opens no request; a question without origin is no request."""
        rules = Settings(intents=(IntentRule(parse_intent("*")),))
        for ask in REQUESTS:
            self.assertFalse(decide(_question("https://a.b/", ask, PAGE), rules).allowed)
            self.assertFalse(decide(Question(None, ask=ask), _navigation("*")).allowed)

    def test_not_for_native_clients(self) -> None:
        """A client that is no page of ours has no links."""
        rules = Settings(intents=(IntentRule(parse_intent("*")),))
        question = attrs.evolve(Question.intent("tel:1"), native=True)
        self.assertFalse(decide(question, rules).allowed)


class TransportTests(SynchronousTestCase):
    """The transport in the decision."""

    def test_attributes(self) -> None:
        """Taken from the access rules of the origin, whatever opened it and at any path."""
        weak = _access("https://a.b/x", minimum_tls="1.0", forward_secrecy=False)
        rules = Settings(_navigation("*").navigation, (weak, _access("a.b", minimum_tls="1.3")))
        weaker = TlsPolicy("1.0", forward_secrecy=False)
        for url, tls in (
            ("https://a.b/x", weaker),
            ("https://a.b/y", weaker),
            ("wss://a.b/", weaker),
            ("https://a.b:444/", weaker),
            ("https://c.b/", TlsPolicy()),
            ("https://x.a.b/", TlsPolicy()),
        ):
            decision = decide(_question(url), rules)
            self.assertTrue(decision.allowed, url)
            self.assertEqual(decision.transport.tls, tls, url)

    def test_insecure_origin_is_marked(self) -> None:
        """The decision says that the last leg may be plain, and by which rule."""
        rules = _settings(_access("a.b", allow_insecure_http=True, where="g.toml:9"))
        decision = decide(_question("http://a.b/", Ask.ACCESS), rules)
        self.assertTrue(decision.transport.allow_insecure_http)
        self.assertEqual(decision.transport.where, "g.toml:9")


_PATTERNS = st.sampled_from(TEXTS).map(parse_pattern)
_ORIGINS = st.builds(
    Origin,
    st.sampled_from(["http", "https"]),
    st.one_of(st.sampled_from(["a.b", "c.b", "[::1]"]), st.text(max_size=12)),
    st.one_of(st.sampled_from([80, 443, 8080]), st.integers(0, 65535)),
)
_QUESTIONS = st.builds(
    Question,
    _ORIGINS,
    st.text(max_size=12),
    st.sampled_from(Ask),
    websocket=st.booleans(),
    page=st.none() | _ORIGINS,
    own_host=st.booleans(),
    native=st.booleans(),
)
_ACCESS = st.builds(
    AccessRule,
    _PATTERNS,
    page=st.none() | _PATTERNS,
    native=st.booleans(),
    minimum_tls=st.sampled_from([None, "1.0", "1.3"]),
    forward_secrecy=st.sampled_from([None, True, False]),
    allow_insecure_http=st.booleans(),
)
_SETTINGS = st.builds(
    Settings,
    st.lists(st.builds(NavigationRule, _PATTERNS), max_size=3).map(tuple),
    st.lists(_ACCESS, max_size=3).map(tuple),
)


class PropertyTests(SynchronousTestCase):
    """What holds for every question and every configuration."""

    @settings(deadline=None, max_examples=300)
    @given(_QUESTIONS, _SETTINGS)
    def test_never_raises(self, question: Question, rules: Settings) -> None:
        """Every question has a decision, and an open one breaks no rule above it."""
        decision = decide(question, rules)
        self.assertIsInstance(decision, Decision)
        self.assertTrue(decision.reason)
        if decision.allowed:
            self.assertFalse(question.own_host)
            self.assertNotIn(question.origin.port, BAD_PORTS)
            self.assertTrue(question.origin.secure or decision.transport.allow_insecure_http)
            self.assertTrue(decision.rule)

    @settings(deadline=None, max_examples=300)
    @given(_QUESTIONS, _SETTINGS)
    def test_requests_are_not_narrower(self, question: Question, rules: Settings) -> None:
        """What may be shown may also be requested."""
        if question.ask is Ask.NAVIGATION and decide(question, rules).allowed:
            request = Question(
                question.origin,
                question.path,
                Ask.ACCESS,
                websocket=question.websocket,
                page=question.page,
                native=question.native,
            )
            self.assertTrue(decide(request, rules).allowed)
