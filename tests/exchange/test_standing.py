"""What was accepted, asked again under other rules."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway import events
from gateway.exchange.messages import Accept, Context
from gateway.exchange.standing import Asked, objection, sign_in_objection
from gateway.exchange.websocket import websocket_exchange
from gateway.policy.authentication import Authentication
from gateway.policy.destinations import Settings
from gateway.policy.steps import Step
from gateway.session.login import Login
from tests.exchange import SITE, access, context, play
from tests.exchange.test_websocket import _head


def _asked(given: Context) -> Asked:
    ending, _ = play(websocket_exchange, _head(b"/ws/a%2fb?q"), given)
    assert isinstance(ending, Accept)
    assert ending.asked is not None
    return ending.asked


class ObjectionTests(SynchronousTestCase):
    """Open as it was, or why not."""

    def test_table(self) -> None:
        """The handshake's own question decides: destination, path in each reading, page, TLS."""
        rules = context(access("wss://shop.example.com"))
        asked = _asked(rules)
        self.assertIsNone(objection(asked, rules))
        host = "shop.example.com"
        for given, event in (
            (context(access("*")), None),
            (context(access("other.example"), access(host)), None),
            (context(navigation=(f"https://{host}",)), None),
            (context(access(f"wss://{host}/ws/*")), None),
            (context(access(host, page="https://*.example.com")), None),
            (context(access(host, minimum_tls="1.2")), None),
            (context(access("other.example")), events.DESTINATION_DENIED),
            (context(access(f"wss://{host}/other")), events.DESTINATION_DENIED),
            (context(access(f"wss://{host}/ws/a%2fb")), events.DESTINATION_DENIED),
            (context(access(host, page="https://a.example")), events.DESTINATION_DENIED),
            (context(access(host, minimum_tls="1.3")), events.TRANSPORT_DENIED),
            (context(access(host, forward_secrecy=False)), events.TRANSPORT_DENIED),
            (context(access("*"), access(host, minimum_tls="1.1")), events.TRANSPORT_DENIED),
        ):  # fmt: skip
            found = objection(asked, given)
            self.assertEqual(found and found.event, event, given.policy)
            if found is not None:
                self.assertTrue(found.reason)

    def test_sign_in(self) -> None:
        """A password that changed, rules that came; not those whose rules let them in anyway."""
        ada = Login("ada", 1, b"mark")
        rules = Authentication(basic=True)
        native = Authentication(basic=True, native_open=True)
        for login, before, now, stands, fine in (
            (None, None, None, True, True),
            (None, None, rules, True, False),
            (None, rules, rules, True, True),
            (None, rules, None, True, True),
            (None, rules, attrs.evolve(rules, anonymous_near=True), True, False),
            (ada, rules, rules, True, True),
            (ada, rules, rules, False, False),
            (ada, rules, attrs.evolve(rules, realm="x"), True, True),
            (ada, rules, None, False, True),
        ):
            given = attrs.evolve(context(), authentication=now)
            asked = attrs.evolve(_asked(context(access("*"))), login=login, rules=before)
            found = sign_in_objection(asked, given, lambda _: stands)
            self.assertEqual(found is None, fine, (login, before, now, stands))
            question = attrs.evolve(asked.question, native=True)
            program = attrs.evolve(asked, question=question, login=None, rules=None)
            given = attrs.evolve(context(), authentication=native)
            self.assertIsNone(sign_in_objection(program, given, lambda _: False))

    def test_same_words(self) -> None:
        """A refusal has the step and reason that a new handshake would be refused with."""
        asked = _asked(context(access("shop.example.com")))
        closed = context(access("other.example"))
        ending, _ = play(websocket_exchange, _head(b"/ws/a%2fb?q"), closed)
        found = objection(asked, closed)
        assert found is not None
        self.assertEqual((found.reason, found.step, found.rule),
                         (ending.detail, ending.step, ending.rule))  # fmt: skip

    def test_plain(self) -> None:
        """TLS rules do not concern what has none; permission for plain http does."""
        asked = _asked(context(access("*")))
        origin = attrs.evolve(asked.question.origin, scheme="http", port=80)
        plain = attrs.evolve(
            asked,
            question=attrs.evolve(asked.question, origin=origin),
            addressed=attrs.evolve(asked.addressed, origin=origin),
        )
        open_ = context(access("*", allow_insecure_http=True, minimum_tls="1.3"))
        self.assertIsNone(objection(plain, open_))
        found = objection(plain, context(access("*")))
        self.assertEqual(found and found.event, events.TRANSPORT_DENIED)

    def test_own_name(self) -> None:
        """A name that became the gateway's own is closed by no rule's leave."""
        rules = context(access("*"))
        asked = _asked(rules)
        codec = attrs.evolve(rules.codec, own=("example.com",))
        found = objection(asked, attrs.evolve(rules, codec=codec))
        self.assertEqual(found and found.step, Step.OWN_NAMES)

    def test_nothing_open(self) -> None:
        """Without any rule all that stood falls."""
        asked = _asked(context(access("*")))
        found = objection(asked, attrs.evolve(context(), policy=Settings()))
        self.assertIn(SITE, str(found))
