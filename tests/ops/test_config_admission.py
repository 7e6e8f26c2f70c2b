"""``[clients]``, ``[rates]`` and the balancers: read, refused by name, warned about."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.ops import config_admission
from gateway.ops.config_admission import DEFAULTS, Admission, read
from gateway.ops.schema import Reader, Table
from gateway.policy.forwarded import FORWARDED
from gateway.policy.rates import KINDS, Rate

SCHEMA = Table(
    {
        "http": Table(config_admission.HTTP),
        "upstream": Table(config_admission.UPSTREAM),
        "clients": config_admission.CLIENTS,
        "rates": config_admission.RATES,
    }
)


def admission(text: str) -> tuple[Admission, list[str]]:
    """What a text says, and its faults."""
    reader = Reader("g.toml", text)
    return read(reader.table(SCHEMA, tomllib.loads(text)), reader), reader.faults


class AdmissionTests(SynchronousTestCase):
    """Tables of texts."""

    def sound(self, text: str) -> Admission:
        """A text without faults."""
        found, faults = admission(text)
        self.assertEqual(faults, [])
        return found

    def test_defaults(self) -> None:
        """Everybody is let in, nobody's word is taken, and a page of many parts meets no limit."""
        found = self.sound("")
        self.assertEqual(found, Admission())
        self.assertEqual(found.warnings, ())
        self.assertFalse(found.balancers)
        for kind in KINDS:
            rate: Any = DEFAULTS.of(kind)
            self.assertGreaterEqual(rate.burst, 5 * config_admission.PAGE)
            self.assertGreaterEqual(rate.per_second * 6, config_admission.PAGE)

    def test_places(self) -> None:
        """Each range knows its line, however the array is written."""
        found = self.sound(
            "# [clients]\n"
            "[http]\n"
            'proxy-from = ["10.0.0.1"]\n'
            'forwarded-from = ["10.0.0.0/16", "2001:db8::/64"]\n'
            'forwarded-field = "forwarded"\n'
            "[clients]\n"
            "deny = [ # some ] of them\n"
            '  "203.0.113.0/24", # "not this"\n'
            '  "2001:db8::/32", "::ffff:198.51.100.0/120",\n'
            "]\n"
            "allow = ['0.0.0.0/0']\n"
            "[rates]\n"
        )
        for ranges, wanted in (
            (found.balancers, ["10.0.0.1/32 g.toml:3"]),
            (found.forwarded.trusted, ["10.0.0.0/16 g.toml:4", "2001:db8::/64 g.toml:4"]),
            (
                found.clients.deny,
                [
                    "203.0.113.0/24 g.toml:8",
                    "2001:db8::/32 g.toml:9",
                    "198.51.100.0/24 g.toml:9",
                ],
            ),
            (found.clients.allow, ["0.0.0.0/0 g.toml:11"]),
        ):
            self.assertEqual([f"{one.network} {one.where}" for one in ranges.ranges], wanted)
        self.assertEqual(found.forwarded.field, FORWARDED)

    def test_places_elsewhere(self) -> None:
        """Where the line cannot be told, the file is."""
        found = self.sound('clients = {deny = ["203.0.113.0/24"]}\n')
        self.assertEqual(found.clients.deny.ranges[0].where, "g.toml")
        found = self.sound('clients.deny = ["203.0.113.0/24"]\n[http]\n')
        self.assertEqual(found.clients.deny.ranges[0].where, "g.toml")

    def test_faults(self) -> None:
        """Each names its key, what was found and what is expected."""
        for text, path, expected in (
            ('[clients]\nallow = ["10.0.0.1/8"]\n', "clients.allow", "bits to the right"),
            ('[clients]\ndeny = ["everybody"]\n', "clients.deny", "an address range"),
            ("[clients]\ndeny = [1]\n", "clients.deny", "an address range"),
            ('[clients]\nallow = "10.0.0.0/8"\n', "clients.allow", "an array"),
            ("[clients]\nalow = []\n", "clients.alow", 'did you mean "allow"?'),
            ('[http]\nproxy-from = ["balancer"]\n', "http.proxy-from", "an address range"),
            ('[http]\nforwarded-from = ["::/129"]\n', "http.forwarded-from", "an address range"),
            ('[http]\nforwarded-field = "via"\n', "http.forwarded-field", '"x-forwarded-for" or'),
            ("[rates]\nclient-burst = -1\n", "rates.client-burst", "0 (no limit) or a number"),
            ("[rates]\nclient-burst = 0.5\n", "rates.client-burst", "0 (no limit) or a number"),
            ("[rates]\nclient-burst = true\n", "rates.client-burst", "0 (no limit) or a number"),
            ("[rates]\nclient-burst = nan\n", "rates.client-burst", "0 (no limit) or a number"),
            ("[rates]\nclient-burst = inf\n", "rates.client-burst", "0 (no limit) or a number"),
            ("[rates]\nsession-per-second = 0\n", "rates.session-per-second", "from 0.001"),
            ('[rates]\nsession-per-second = "1"\n', "rates.session-per-second", "from 0.001"),
            ("[rates]\nstore-seconds = 0\n", "rates.store-seconds", "from 0.01"),
            ("[rates]\ndestination = 1\n", "rates.destination", "unknown key"),
        ):
            with self.subTest(text=text):
                _, faults = admission(text)
                self.assertEqual(len(faults), 1, faults)
                self.assertTrue(faults[0].startswith(f"g.toml: {path}: "), faults)
                self.assertIn(expected, faults[0])

    def test_rates(self) -> None:
        """Fractions are numbers, and a burst of 0 is no limit."""
        found = self.sound(
            "[rates]\nclient-burst = 0\nsession-burst = 600\nsession-per-second = 0.5\n"
        )
        self.assertIsNone(found.rates.client)
        self.assertEqual(found.rates.session, Rate(600, 0.5))
        self.assertEqual(found.rates.destination, DEFAULTS.destination)

    def test_warnings(self) -> None:
        """What lets strangers lie, what bounds nothing, and what breaks pages."""
        for text, wanted in (
            ('[http]\nproxy-from = ["0.0.0.0/0"]\n', "g.toml:2: http.proxy-from: who is anywhere"),
            ('[http]\nforwarded-from = ["::/0"]\n', "g.toml:2: http.forwarded-from: who is"),
            ("[upstream]\nforwarded = true\n", "upstream.forwarded: every site is told"),
            ("[rates]\nsession-burst = 0\n", "rates.session-burst: 0: nothing bounds"),
            ("[rates]\nclient-burst = 299\n", "rates.client-burst: a page of 300 parts"),
        ):
            (warning,) = self.sound(text).warnings
            self.assertTrue(warning.startswith(wanted), warning)
        self.assertEqual(
            self.sound('[http]\nproxy-from = ["10.0.0.0/8", "fc00::/16"]\n').warnings, ()
        )

    @given(
        st.sampled_from(("http", "clients", "rates")),
        st.sampled_from(
            ("proxy-from", "allow", "client-burst", "store-seconds", "forwarded-field")
        ),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
    )
    def test_anything(self, table: str, key: str, value: Any) -> None:
        """Whatever TOML can hold: settings or faults, never an exception."""
        reader = Reader("g.toml", f"[{table}]\n{key} = [\n")
        found = read(reader.table(SCHEMA, {table: {key: value}}), reader)
        self.assertIsInstance(found, Admission)
