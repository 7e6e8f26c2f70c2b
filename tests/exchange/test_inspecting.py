"""Which of the operator's rules a connection gets."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gateway.exchange.inspecting import Agreed, SubprotocolRule, SubprotocolSettings
from gateway.exchange.messages import Accept, Refuse
from gateway.exchange.needs import ConnectSocket, SocketOpened
from gateway.policy.patterns import Target, parse_pattern
from gateway.policy.services import Backend, Bounds, Service
from gateway.websocket.rules import Mode, ValidationRules
from tests.rewrite import origin

A, B = origin("https://a.example"), origin("https://b.example")
BROKER, ELSEWHERE = (Target("wss", host, 443, "/x") for host in ("mq.example", "other.example"))
STOMP = ("v11.stomp", "v12.stomp")


def _rules(name: str) -> ValidationRules:
    return ValidationRules(Mode.ENFORCE, publish=(name,))


def _service(name: str, **said: Any) -> Service:
    return Service(name, "gateway.example", f"/{name}", Backend("echo"), **said)


SETTINGS = SubprotocolSettings(
    ValidationRules(Mode.OBSERVE),
    (
        SubprotocolRule(_rules("a"), STOMP, (parse_pattern("https://a.example"),)),
        SubprotocolRule(_rules("to"), STOMP, to=parse_pattern("wss://mq.example"), required=True),
        SubprotocolRule(_rules("chat"), ("mqtt",), services=("chat",)),
    ),
)


class RulesTests(SynchronousTestCase):
    """The first that matches decides."""

    def test_table(self) -> None:
        """By name, page, destination and service; what none matches gets the default."""
        for name, page, to, service, wanted in (
            ("v12.stomp", A, BROKER, None, ("a",)),
            ("v12.stomp", A, ELSEWHERE, None, ("a",)),
            ("v12.stomp", B, BROKER, None, ("to",)),
            ("v12.stomp", B, ELSEWHERE, None, None),
            ("v12.stomp", None, BROKER, None, ("to",)),
            ("v12.stomp", None, None, "chat", None),
            ("mqtt", None, None, "chat", ("chat",)),
            ("mqtt", A, None, "news", None),
            ("mqtt", A, BROKER, None, None),
            (None, A, BROKER, None, None),
        ):
            named = _service(service) if service else None
            found = SETTINGS.rules_for(Agreed(name, page, to, named))
            self.assertEqual(found.publish, wanted, (name, page, to, service))
            self.assertEqual(found.mode, Mode.OBSERVE if wanted is None else Mode.ENFORCE)

    def test_a_services_own_mode(self) -> None:
        """Where no rule decides."""
        found = SETTINGS.rules_for(Agreed("mqtt", A, service=_service("news", validation="off")))
        self.assertEqual(found.mode, Mode.OFF)
        found = SETTINGS.rules_for(Agreed("mqtt", A, service=_service("chat", validation="off")))
        self.assertEqual(found.mode, Mode.ENFORCE)

    def test_a_services_own_bound(self) -> None:
        """A message that it lets pass is not too large for a validator, and the other way round."""
        for name in ("news", "chat"):
            service = _service(name, bounds=Bounds(message_bytes=1000))
            found = SETTINGS.rules_for(Agreed("mqtt", A, service=service))
            self.assertEqual(found.message_bytes, 1000)
        found = SETTINGS.rules_for(Agreed("mqtt", A, service=_service("chat")))
        self.assertEqual(found.message_bytes, ValidationRules().message_bytes)

    def test_required(self) -> None:
        """Asked of connections that a rule is about, unless another one has the name."""
        for name, page, to, lacks in (
            ("v12.stomp", B, BROKER, False),
            (None, B, BROKER, True),
            ("other", B, BROKER, True),
            ("other", A, BROKER, True),
            ("other", B, ELSEWHERE, False),
        ):
            found = SETTINGS.lacking(Agreed(name, page, to))
            self.assertEqual(found is not None, lacks, (name, page, to))

    def test_inspection(self) -> None:
        """One for what is known and not off."""
        self.assertIsNotNone(SETTINGS.inspection(Agreed("v12.stomp", A)))
        self.assertIsNone(SETTINGS.inspection(Agreed("unknown", A)))
        self.assertIsNone(SubprotocolSettings().inspection(Agreed("v12.stomp", A)))


class HandshakeTests(SynchronousTestCase):
    """The upstream's answer decides which subprotocol it is."""

    def test_accept(self) -> None:
        """With an inspection, without one, or refused."""
        import attrs

        from tests.exchange import Shell, context
        from tests.exchange.test_websocket import _head, _play

        rule = SubprotocolRule(_rules("x"), STOMP, required=True)
        given = context()
        for rules, chosen, wanted in (
            ((), "v12.stomp", Accept),
            ((rule,), "v12.stomp", Accept),
            ((rule,), "other", Refuse),
            ((rule,), None, Refuse),
        ):
            settings = attrs.evolve(given.settings, subprotocols=SubprotocolSettings(rules=rules))
            ending, _ = _play(
                _head(protocols="v12.stomp, other"),
                attrs.evolve(given, settings=settings),
                Shell({ConnectSocket: SocketOpened(chosen, ())}),
            )
            self.assertIsInstance(ending, wanted)
            if isinstance(ending, Accept):
                self.assertEqual(ending.inspection is not None, bool(rules))
            else:
                self.assertEqual((ending.status, ending.event), (403, "subprotocol.violation"))


class ServiceTests(SynchronousTestCase):
    """A service's handshakes."""

    def test_table(self) -> None:
        """By its name, by the asking page's origin, by its own key; and refused."""
        import attrs

        from tests.exchange.test_service import APP, _play, _service, _with
        from tests.exchange.test_service import head as asking

        page = (parse_pattern(APP),)
        named = SubprotocolRule(_rules("x"), STOMP, services=("chat",), required=True)
        for rules, own, offered, wanted in (
            ((), "", "v12.stomp", None),
            ((), "enforce", "v12.stomp", Mode.ENFORCE),
            ((), "off", "v12.stomp", None),
            ((named,), "off", "v12.stomp", Mode.ENFORCE),
            ((named,), "off", "mqtt", 403),
            ((SubprotocolRule(_rules("x"), STOMP, page),), "", "v12.stomp", Mode.ENFORCE),
            ((SubprotocolRule(_rules("x"), STOMP, services=("y",)),), "", "v12.stomp", None),
        ):
            service = attrs.evolve(_service(), validation=own)
            given = _with(service)
            settings = attrs.evolve(given.settings, subprotocols=SubprotocolSettings(rules=rules))
            ending, _ = _play(asking(protocols=offered), attrs.evolve(given, settings=settings))
            if isinstance(ending, Accept):
                found = ending.inspection.mode if ending.inspection is not None else None
            else:
                assert isinstance(ending, Refuse)
                found = ending.status
            self.assertEqual(found, wanted, (rules, own, offered))
