"""Links that leave the gateway: who may ask, what is answered, and where pages say so."""

from __future__ import annotations

import json
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.exchange.http import http_exchange
from gateway.exchange.leaving import MAX_URL, opens
from gateway.exchange.messages import Answer, Context, NeedBody, Note, Refuse, RequestHead
from gateway.exchange.own import own_exchange
from gateway.policy.destinations import IntentRule
from gateway.policy.intents import parse_intent
from gateway.policy.patterns import parse_pattern
from tests.exchange import SITE, Shell, context, head, play
from tests.rewrite import SECURE, SUFFIX, collapsed, origin

FROM = IntentRule(parse_intent("sms:*"), page=parse_pattern("https://bank.example"))


def opening(*patterns: str, rules: tuple[IntentRule, ...] = ()) -> Context:
    """A context with these intents."""
    plain = context()
    intents = tuple(IntentRule(parse_intent(text), "gateway.toml:9") for text in patterns)
    policy = attrs.evolve(plain.policy, intents=(*intents, *rules))
    return attrs.evolve(plain, policy=policy)


OPEN = opening("tel:*", "mailto:*", "https://out.example/*", rules=(FROM,))


def ask(body: Any, by: str = SECURE) -> tuple[Any, Shell]:
    """What the endpoint says."""
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    shell = Shell({NeedBody: octets})
    request = RequestHead(
        b"POST", wire.LEAVE_PATH.encode(), b"HTTP/1.1", f"www{SUFFIX}", ((b"Origin", by.encode()),)
    )
    ending, _ = play(own_exchange, request, OPEN, shell)
    return ending, shell


class EndpointTests(SynchronousTestCase):
    """``/.gateway/leave``."""

    def test_table(self) -> None:
        """The one spelling that may be performed; else nothing, and why is noted."""
        table = [
            ({"url": "tel:+45 12"}, "tel:+45 12"),
            ({"url": "TEL:112"}, "tel:112"),
            ({"url": "mailto:a@b.example?subject=x"}, "mailto:a@b.example?subject=x"),
            ({"url": "https://OUT.example/a b"}, "https://out.example/a%20b"),
            ({"url": "https://other.example/"}, ""),
            ({"url": "http://out.example/"}, ""),
            ({"url": "sms:1"}, ""),
            ({"url": "sms:1", "page": "https://bank.example"}, "sms:1"),
            ({"url": "sms:1", "page": "https://bank.example.evil"}, ""),
            ({"url": "sms:1", "page": "nonsense"}, ""),
            ({"url": "javascript:alert(1)"}, ""),
            ({"url": " java\nscript:alert(1)"}, ""),
            ({"url": "data:text/html,x"}, ""),
            ({"url": "file:///etc/passwd"}, ""),
            ({"url": f"https://gw.test{SUFFIX}/"}, ""),
            ({"url": "tel:" + "1" * MAX_URL}, ""),
            ({"url": "no address"}, ""),
            ({"url": 1}, ""),
            ({}, ""),
            ([], ""),
            (b"no json", ""),
        ]
        for body, wanted in table:
            ending, _ = ask(body)
            assert isinstance(ending, Answer), body
            self.assertEqual(ending.status, 200)
            self.assertIn((b"Cache-Control", b"no-store"), ending.fields)
            self.assertEqual(json.loads(ending.body), {"open": bool(wanted), "url": wanted}, body)

    def test_noted(self) -> None:
        """The log tells the kind of link and who asked, and nothing of where it led."""
        _, shell = ask({"url": "market:secret?id=1", "page": SITE})
        (note,) = [one for one in shell.needs if isinstance(one, Note)]
        self.assertIn("market:", note.detail)
        self.assertIn(SITE, note.detail)
        self.assertNotIn("secret", note.detail)
        _, shell = ask({"url": "tel:1"})
        self.assertEqual([one for one in shell.needs if isinstance(one, Note)], [])

    def test_noted_page(self) -> None:
        """Who asked is an origin or nobody: never the text as it was given."""
        for page in ("\ud800", "x\ny", f"{SITE}/p?secret", "javascript:1", 7):
            _, shell = ask({"url": "sms:1", "page": page})
            (note,) = [one for one in shell.needs if isinstance(one, Note)]
            self.assertIn("link of nobody: ", note.detail, page)

    def test_own_page_alone(self) -> None:
        """No site asks by itself."""
        for by in (collapsed(SITE), "null", "https://evil.example"):
            ending, _ = ask({"url": "tel:1"}, by)
            assert isinstance(ending, Refuse)
            self.assertEqual(ending.status, 403)

    @given(st.binary(max_size=200) | st.dictionaries(st.sampled_from(("url", "page")), st.text()))
    def test_anything(self, body: Any) -> None:
        """Whatever is asked is answered, and only what a rule opens may be performed."""
        ending, _ = ask(body)
        assert isinstance(ending, Answer)
        url = json.loads(ending.body)["url"]
        self.assertTrue(url == "" or url.startswith(("tel:", "mailto:", "https://out.example/")))


class OutsideTests(SynchronousTestCase):
    """Pages that are refused here and may be opened outside."""

    def _refused(self, site: str, target: str = "/a?b", **more: str) -> Refuse:
        given = {"sec_fetch_dest": "iframe", "sec_fetch_mode": "navigate", **more}
        host = collapsed(site).removeprefix("https://")
        ending, _ = play(http_exchange, head(target, host=host, **given), OPEN)
        assert isinstance(ending, Refuse), ending
        return ending

    def test_navigations(self) -> None:
        """The address as it may be performed, for a page that a person goes to."""
        refused = self._refused("https://out.example")
        self.assertEqual(refused.outside, "https://out.example/a?b")
        self.assertEqual(refused.site, "https://out.example")
        self.assertEqual(refused.title, "This page is outside the gateway")
        self.assertEqual(refused.status, 403)
        self.assertNotIn("a?b", repr(refused))

    def test_others(self) -> None:
        """Nothing else is offered."""
        refused = self._refused("https://closed.example")
        self.assertEqual((refused.outside, refused.site), ("", "https://closed.example"))
        self.assertEqual(refused.title, "This address is not open here")
        image = self._refused(
            "https://out.example", sec_fetch_dest="image", sec_fetch_mode="no-cors"
        )
        self.assertEqual((image.outside, image.site), ("", ""))


class OpensTests(SynchronousTestCase):
    """What mode basic asks of each link."""

    def test_table(self) -> None:
        """By the same rules, for the page that has the link."""
        check = opens(origin(SITE), OPEN)
        for url, wanted in (
            ("tel:1", True),
            ("mailto:x", True),
            ("sms:1", False),
            ("market:x", False),
            ("javascript:1", False),
            ("tel:" + "1" * MAX_URL, False),
        ):
            self.assertEqual(check(url), wanted, url)
        self.assertTrue(opens(origin("https://bank.example"), OPEN)("sms:1"))
