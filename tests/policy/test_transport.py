"""What a connection to an origin must offer."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.policy.destinations import AccessRule
from gateway.policy.patterns import parse_pattern
from gateway.policy.transport import (
    TLS_VERSIONS,
    ClientIdentity,
    TlsPolicy,
    Transport,
    Trust,
    transport_for,
)

WHERE = ("a.toml:1", "a.toml:2", "a.toml:3")


def _rules(*attributes: dict[str, Any]) -> list[AccessRule]:
    pattern = parse_pattern("*")
    return [
        AccessRule(pattern, where=where, **each)
        for where, each in zip(WHERE, attributes, strict=False)
    ]


class TransportTests(SynchronousTestCase):
    """The attributes of all matching rules, combined."""

    def test_default(self) -> None:
        """Encrypted, TLS 1.2 or newer, forward secrecy."""
        strict = Transport(
            allow_insecure_http=False, tls=TlsPolicy("1.2", forward_secrecy=True), where=""
        )
        self.assertEqual(Transport(), strict)
        self.assertEqual(transport_for([]), strict)
        self.assertEqual(transport_for(_rules({}, {"native": True})), strict)

    def test_combinations(self) -> None:
        """The first mention wins, attribute by attribute; silence is no mention."""
        table: tuple[tuple[tuple[dict[str, Any], ...], tuple[str, bool, bool, str]], ...] = (
            (({"minimum_tls": "1.0"},), ("1.0", True, False, "")),
            (({"minimum_tls": "1.3"},), ("1.3", True, False, "")),
            (({"forward_secrecy": False},), ("1.2", False, False, "")),
            (({"forward_secrecy": True}, {"forward_secrecy": False}), ("1.2", True, False, "")),
            (({"forward_secrecy": False}, {"forward_secrecy": True}), ("1.2", False, False, "")),
            (({}, {"minimum_tls": "1.1"}, {"minimum_tls": "1.3"}), ("1.1", True, False, "")),
            (({"minimum_tls": "1.3"}, {"minimum_tls": "1.0"}), ("1.3", True, False, "")),
            (({}, {"allow_insecure_http": True}), ("1.2", True, True, WHERE[1])),
            (({"allow_insecure_http": True},) * 2, ("1.2", True, True, WHERE[0])),
            (
                ({"minimum_tls": "1.1"}, {"forward_secrecy": False}, {"allow_insecure_http": True}),
                ("1.1", False, True, WHERE[2]),
            ),
            (
                ({"allow_insecure_http": False}, {"allow_insecure_http": True}),
                ("1.2", True, False, ""),
            ),
        )
        for attributes, (minimum, secrecy, insecure, where) in table:
            found = transport_for(_rules(*attributes))
            expected = Transport(insecure, TlsPolicy(minimum, secrecy), where)
            self.assertEqual(found, expected, attributes)

    def test_narrow_before_wide(self) -> None:
        """The rule for the narrowest domain counts, wherever it stands; each attribute alone."""
        order = ("https://a.b.c:443", "a.b.c:443", "https://a.b.c", "a.b.c", "*.a.b.c", "*.b.c",
                 "*.c", "https://*:443", "https://*", "*")  # fmt: skip
        rules = [
            AccessRule(parse_pattern(text), minimum_tls="1.3" if number % 2 else "1.1", where=text)
            for number, text in enumerate(order)
        ]
        for first in range(len(rules)):
            for given_rules in (rules[first:], rules[first:][::-1]):
                found = transport_for(given_rules)
                self.assertEqual(found.tls.minimum, "1.3" if first % 2 else "1.1", order[first])
                self.assertEqual(found.rule("minimum-tls"), f"access {order[first]}")
        silent = AccessRule(parse_pattern("a.b.c"), forward_secrecy=False, where="s")
        mixed = transport_for([rules[-1], silent])
        self.assertEqual(mixed.tls, TlsPolicy("1.3", forward_secrecy=False))
        self.assertEqual(mixed.rule("forward-secrecy"), "access s")
        self.assertEqual(mixed.rule("trust"), "the default")

    def test_other_attributes(self) -> None:
        """Strength, trust and certificate come from the narrowest rule that has them."""
        trust, client = Trust(files=(b"t",)), ClientIdentity(b"c", b"k")
        strict = TlsPolicy(trust=trust, client=client)
        for rules, expected in (
            (({"trust": trust}, {"client": client}), strict),
            (({"trust": trust, "client": client}, {"trust": Trust()}), strict),
            (({"certificate_strength": False},), TlsPolicy(certificate_strength=False)),
            (({"certificate_strength": True}, {"certificate_strength": False}), TlsPolicy()),
        ):
            found = transport_for(_rules(*rules)).tls
            self.assertEqual(found, expected)
            self.assertEqual(hash(found), hash(expected))
        self.assertNotIn("k", repr(client).partition("(")[2])

    def test_idle(self) -> None:
        """Of the narrowest rule that speaks of it, with or without TLS of its own; 0 is a word."""
        key = "websocket_idle_seconds"
        for rules, wanted in (
            (({},), None),
            (({key: 5}, {key: 7}), 5),
            (({key: 0}, {key: 7}), 0),
            (({"minimum_tls": "1.3"}, {key: 7}), 7),
            (({"allow_insecure_http": True, key: 3},), 3),
        ):
            found = transport_for(_rules(*rules))
            self.assertEqual(found.websocket_idle_seconds, wanted)
            self.assertEqual(found.tls.minimum, "1.3" if wanted == 7 else "1.2")

    def test_words(self) -> None:
        """What logs and explanations call a policy."""
        everything = TlsPolicy("1.0", False, False, Trust(), ClientIdentity(b"", b""))
        more = "weak certificates admitted, authorities of its own"
        for policy, words in (
            (TlsPolicy(), "TLS 1.2 or newer with forward secrecy"),
            (TlsPolicy("1.3", forward_secrecy=False), "TLS 1.3 or newer"),
            (everything, f"TLS 1.0 or newer, {more}, a client certificate shown"),
        ):
            self.assertEqual(policy.words, words)

    def test_every_attribute_is_in_the_pool_key(self) -> None:
        """Whatever differs about the TLS makes another policy."""
        made = {
            TlsPolicy(),
            TlsPolicy("1.0"),
            TlsPolicy(forward_secrecy=False),
            TlsPolicy(certificate_strength=False),
            TlsPolicy(trust=Trust()),
            TlsPolicy(trust=Trust(system=True)),
            TlsPolicy(trust=Trust(files=(b"x",))),
            TlsPolicy(client=ClientIdentity(b"a", b"k")),
            TlsPolicy(client=ClientIdentity(b"b", b"k")),
            TlsPolicy(client=ClientIdentity(b"a", b"l")),
        }
        self.assertEqual(len(made), 10)

    def test_equal_policies_share(self) -> None:
        """Policies are values: equal ones are one key of a connection pool."""
        found = {transport_for(_rules({"minimum_tls": "1.2"})).tls, TlsPolicy()}
        self.assertEqual(len(found), 1)
        self.assertNotEqual(TlsPolicy("1.3"), TlsPolicy())

    @settings(deadline=None)
    @given(
        st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "minimum_tls": st.sampled_from([*TLS_VERSIONS, None]),
                    "forward_secrecy": st.sampled_from([True, False, None]),
                    "allow_insecure_http": st.booleans(),
                },
            ),
            max_size=3,
        )
    )
    def test_weaker_only_when_said(self, attributes: list[dict[str, Any]]) -> None:
        """Nothing is weaker than the default unless some rule says so."""
        found = transport_for(iter(_rules(*attributes)))
        said = [each.get("minimum_tls") for each in attributes]
        self.assertIn(found.tls.minimum, [name for name in said if name] or ["1.2"])
        if not found.tls.forward_secrecy:
            self.assertIn(False, [each.get("forward_secrecy") for each in attributes])
        plain = [each.get("allow_insecure_http") for each in attributes]
        self.assertEqual(
            found.allow_insecure_http, next((one for one in plain if one is not None), False)
        )
