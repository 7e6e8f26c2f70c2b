"""The decision step by step, and that it is the one which the engine takes quickly."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import Origin
from gateway.policy.addresses import AddressSettings
from gateway.policy.destinations import AccessRule, IntentRule, NavigationRule, Settings
from gateway.policy.engine import Ask, Question, decide, event_of
from gateway.policy.intents import parse_intent
from gateway.policy.patterns import parse_pattern
from gateway.policy.steps import TABLE, Step
from gateway.policy.walk import Answer, Found, Outcome, walk

SITE = Origin("https", "a.b", 443)
PAGE = Origin("https", "page.example", 443)


def _access(text: str, place: int, page: str = "", **more: Any) -> AccessRule:
    pattern = parse_pattern(text)
    return AccessRule(
        pattern, page=parse_pattern(page) if page else None, where=f"g:{place}", **more
    )


_TEXTS = st.sampled_from(
    ["*", "https://a.b", "http://a.b", "*.b", "a.b", "wss://a.b", "https://a.b/x*", "*://*:8080"]
)
_PATTERNS = _TEXTS.map(parse_pattern)
_LINKS = st.sampled_from(["*", "tel:*", "tel:+45*", "https://*", "a.b", "market://x/*", "sms:"])
_PAGES = st.none() | st.sampled_from(["*", "https://a.b", "*.b"]).map(parse_pattern)
_PLACES = st.integers(1, 9).map("g.toml:{}".format)
_ORIGINS = st.builds(
    Origin,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["a.b", "c.b", "b", "[::1]", "x.a.b"]) | st.text(max_size=12),
    st.sampled_from([80, 443, 8080, 22]) | st.integers(-1, 70000),
)
_REQUESTS = st.builds(
    Question,
    st.none() | _ORIGINS,
    st.sampled_from(["/", "/x", "/xy"]) | st.text(max_size=8),
    st.sampled_from(Ask),
    websocket=st.booleans(),
    page=st.none() | _ORIGINS,
    native=st.booleans(),
    own_host=st.booleans(),
)
_URLS = st.sampled_from(
    ["tel:+4512", "tel:1", "https://a.b/x", "http://a.b:22/", "market://x/y", "sms:", "data:x", ""]
) | st.text(max_size=20)
_INTENTS = st.builds(Question.intent, _URLS, st.none() | _ORIGINS)
_QUESTIONS = _REQUESTS | _INTENTS
_SETTINGS = st.builds(
    Settings,
    st.lists(st.builds(NavigationRule, _PATTERNS, _PLACES, _PAGES), max_size=3).map(tuple),
    st.lists(
        st.builds(
            AccessRule,
            _PATTERNS,
            page=_PAGES,
            native=st.booleans(),
            minimum_tls=st.sampled_from([None, "1.0", "1.3"]),
            forward_secrecy=st.sampled_from([None, True, False]),
            allow_insecure_http=st.booleans(),
            where=_PLACES,
        ),
        max_size=3,
    ).map(tuple),
    intents=st.lists(
        st.builds(IntentRule, _LINKS.map(parse_intent), _PLACES, _PAGES), max_size=3
    ).map(tuple),
)


class AgreementTests(SynchronousTestCase):
    """One policy, two ways through it."""

    @settings(deadline=None, max_examples=1000)
    @given(st.lists(_QUESTIONS, min_size=1, max_size=3), _SETTINGS)
    @example([Question(None)], Settings())
    def test_the_quick_way_agrees(self, questions: list[Question], rules: Settings) -> None:
        """Same answer, same step, same rule, same reason, same transport; nothing raises."""
        for question in questions:
            self._agree(question, rules)

    def _agree(self, question: Question, rules: Settings) -> None:
        quick, slow = decide(question, rules), walk(question, rules)
        self.assertEqual(slow.allowed, quick.allowed)
        found = slow.decided
        if quick.allowed:
            self.assertEqual(found.answer.rule, quick.rule)
            if question.ask is not Ask.INTENT:
                self.assertEqual(slow.transport, quick.transport)
            self.assertEqual([one.row for one in slow.taken], list(TABLE))
        else:
            self.assertEqual(found, slow.taken[-1])
            self.assertEqual(found.row.step, quick.step)
            self.assertEqual(found.answer.text, quick.reason)
            self.assertEqual(event_of(found.row.step, question), quick.event)
        self.assertTrue(found.answer.change)

    @settings(deadline=None, max_examples=200)
    @given(
        _QUESTIONS,
        _SETTINGS,
        st.lists(st.builds(Found, st.text(max_size=9), st.integers(), st.booleans())),
    )
    def test_no_address_raises(
        self, question: Question, rules: Settings, found: list[Found]
    ) -> None:
        """Whatever a name resolves to, every step that was taken has a sentence."""
        for one in walk(question, rules, addresses=found).taken:
            self.assertTrue(one.answer.text)


class ExplanationTests(SynchronousTestCase):
    """What is said, and what would change it."""

    def _ends(self, question: Question, rules: Settings, step: Step, **more: Any) -> Answer:
        found = walk(question, rules, **more)
        self.assertEqual(found.decided.row.step, step)
        return found.decided.answer

    def test_near_rules_are_named(self) -> None:
        """A rule that fails by one thing is named with that thing; others are not."""
        rules = Settings(
            (
                NavigationRule(parse_pattern("https://a.b/x*"), "g:1"),
                NavigationRule(parse_pattern("https://c.b"), "g:2"),
                NavigationRule(parse_pattern("http://a.b"), "g:3"),
                NavigationRule(parse_pattern("https://a.b:81"), "g:4"),
                NavigationRule(parse_pattern("https://a.b"), "g:5", parse_pattern("c.b")),
                NavigationRule(parse_pattern("http://a.b:81"), "g:6"),
            ),
            (_access("https://a.b", 7),),
        )
        answer = self._ends(Question(SITE, "/y", page=PAGE), rules, Step.DESTINATION)
        self.assertEqual(
            answer.change,
            (
                "allow-navigation 'https://a.b/x*' g:1, but it is for other paths",
                "allow-navigation 'http://a.b' g:3, but it is for another scheme",
                "allow-navigation 'https://a.b:81' g:4, but it is for port 81",
                "allow-navigation 'https://a.b' g:5, but it is only for pages of 'c.b'",
                "access 'https://a.b' g:7, but it opens requests, not navigation",
                'a rule: [[allow-navigation]] href = "https://a.b"',
            ),
        )

    def test_native(self) -> None:
        """For a client that is no page: what is missing is ``native``."""
        rules = Settings((NavigationRule(parse_pattern("*"), "g:1"),), (_access("*", 2),))
        answer = self._ends(Question(SITE, native=True), rules, Step.DESTINATION)
        self.assertEqual(
            answer.change,
            (
                "allow-navigation '*' g:1, but it is not for native clients",
                "access '*' g:2, but it does not say native = true",
                'a rule: [[access]] origin = "https://a.b", native = true',
            ),
        )

    def test_what_opens_it_besides(self) -> None:
        """An open destination names what would still open it without the deciding rule."""
        first, second = (NavigationRule(parse_pattern("*.b"), f"g:{at}") for at in (1, 2))
        answer = self._ends(Question(SITE), Settings((first,)), Step.DESTINATION)
        self.assertEqual(answer.change, ("without this rule it is closed",))
        answer = self._ends(Question(SITE), Settings((first, second)), Step.DESTINATION)
        self.assertEqual(answer.rule, "allow-navigation '*.b' g:1")
        self.assertEqual(
            answer.change, ("without this rule it is opened by allow-navigation '*.b' g:2",)
        )

    def test_suggestions_work(self) -> None:
        """What is suggested opens it, for every kind of question."""
        plain = Origin("http", "a.b", 80)
        for question, rules in (
            (Question(SITE), Settings((NavigationRule(parse_pattern("https://a.b")),))),
            (Question(SITE, ask=Ask.ACCESS), Settings(access=(_access("https://a.b", 1),))),
            (
                Question(plain, ask=Ask.ACCESS),
                Settings(access=(_access("http://a.b", 1, allow_insecure_http=True),)),
            ),
            (
                Question(SITE, native=True),
                Settings(access=(_access("https://a.b", 1, native=True),)),
            ),
            (Question.intent("tel:1"), Settings(intents=(IntentRule(parse_intent("tel:*")),))),
            (
                Question.intent("https://a.b/"),
                Settings(intents=(IntentRule(parse_intent("https://a.b")),)),
            ),
        ):
            said = self._ends(question, Settings(), Step.DESTINATION).change[-1]
            (rule,) = rules.navigation or rules.access or rules.intents
            self.assertIn(f'= "{rule.pattern.text}"', said)
            for word in ("native", "allow-insecure-http"):
                wanted = bool(getattr(rule, word.replace("-", "_"), False))
                self.assertEqual(f"{word} = true" in said, wanted, said)
            self.assertTrue(decide(question, rules).allowed, said)

    def test_transport(self) -> None:
        """Which rules speak about the connection, and what would admit plain http."""
        rules = Settings(
            (NavigationRule(parse_pattern("*"), "g:1"),),
            (_access("a.b", 2, minimum_tls="1.0", forward_secrecy=False), _access("c.b", 3)),
        )
        (told,) = [one for one in walk(Question(SITE), rules).taken if one.row.name == "transport"]
        self.assertEqual(told.answer.text, "TLS 1.0 or newer, also without forward secrecy")
        self.assertEqual(told.answer.rule, "access 'a.b' g:2 (minimum-tls, forward-secrecy)")
        answer = self._ends(Question(Origin("http", "a.b", 81)), rules, Step.TRANSPORT)
        self.assertIn("allow-insecure-http = true in an [[access]] rule", answer.change[0])
        self.assertEqual(answer.change[1], "asking for https://a.b instead")

    def test_addresses(self) -> None:
        """One closed address closes the name; ranges that were opened are open."""
        rules = Settings((NavigationRule(parse_pattern("*")),))
        opened = attrs.evolve(
            rules,
            addresses=AddressSettings(own=frozenset({("127.0.0.1", 443)})),
        )
        good, bad = Found("93.184.216.34", 443), Found("10.0.0.1", 443)
        answer = self._ends(Question(SITE), rules, Step.DESTINATION, addresses=[good])
        self.assertEqual(answer.outcome, Outcome.PASSES)
        answer = self._ends(Question(SITE), rules, Step.ADDRESS, addresses=[good, bad])
        self.assertEqual(answer.text, "93.184.216.34: open; 10.0.0.1: private")
        self.assertEqual(answer.change, ('upstream.allow-private = ["10.0.0.1/32"]',))
        own = [Found("127.0.0.1", 443, local=True)]
        answer = self._ends(Question(SITE), opened, Step.ADDRESS, addresses=own)
        self.assertIn("the gateway itself", answer.text)
        self.assertIn("nothing", answer.change[0])

    def test_answers_from_elsewhere(self) -> None:
        """What others decide is told by whoever walks, and can end the walk."""
        refusal = Answer(Outcome.REFUSES, "not in a range", "clients g:1")
        found = walk(Question(SITE), Settings(), known={Step.CLIENT: refusal})
        self.assertEqual([one.row.step for one in found.taken], [Step.CLIENT])
        self.assertFalse(found.allowed)
        self.assertEqual(found.decided.answer, refusal)
