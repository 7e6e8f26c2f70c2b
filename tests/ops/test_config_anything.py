"""Configuration documents that nobody meant: a configuration or its faults, never a traceback."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import ConfigurationError
from tests.ops.test_config import ConfigCase

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["*", "system", "1.2", "memory:", "tcp:0", "a.test", "127.0.0.1:1", "::1", "10.0.0.0/8", "/", ".", "\0", "x" * 300, "a\nb"]
)  # fmt: skip
LEAVES = (
    TEXTS
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.dates(dt.date(1, 1, 1)).map(str).map(dt.date.fromisoformat)
)
KEYS = st.sampled_from(
    ["domain", "public-port", "listen", "http", "http2", "proxy-from", "workers", "limits",
     "connections", "tls", "certificate", "key", "minimum", "store", "url", "keys", "file",
     "admin", "upstream", "trust", "allow-private", "hosts", "host", "port", "connect",
     "allow-navigation", "href", "access", "origin", "from", "native", "minimum-tls", "service",
     "allow-intent", "rewrite-domain", "certificate-strength", "client-certificate", "client-key"]
) | TEXTS  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def dump(value: Any) -> str:
    """A value as TOML writes it within one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{dump(key)} = {dump(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(dump, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


class AnythingTests(ConfigCase):
    """Documents that nobody meant."""

    @settings(max_examples=400, deadline=None)
    @given(st.dictionaries(KEYS, VALUES, max_size=6))
    def test_any_document(self, document: dict[str, Any]) -> None:
        """Whatever a document holds, the answer is a configuration or its faults."""
        self._survives(document)

    @settings(max_examples=400, deadline=None)
    @given(st.data())
    def test_one_thing_changed(self, data: st.DataObject) -> None:
        """The same for a good document with anything in one place."""
        document: dict[str, Any] = {
            "domain": "gw.test",
            "tls": {"certificate": "DEV/gateway.pem", "key": "DEV/gateway.key", "minimum": "1.2"},
            "http": {"workers": 1, "proxy-from": [], "redirect-listen": ["tcp:0"]},
            "store": {"url": "memory:"},
            "upstream": {
                "trust": ["system"],
                "allow-private": ["127.0.0.0/8"],
                "hosts": [{"host": "a.test", "port": 1, "connect": "127.0.0.1:1"}],
            },
            "access": [{"origin": "*", "from": "*", "minimum-tls": "1.2", "trust": ["system"]}],
        }
        place: Any = document
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = data.draw(st.sampled_from(keys))
            if (
                not isinstance(place[key], dict | list)
                or not place[key]
                or data.draw(st.booleans())
            ):
                break
            place = place[key]
        place[key] = data.draw(VALUES)
        self._survives(document)

    def _survives(self, document: dict[str, Any]) -> None:
        text = "".join(f"{dump(key)} = {dump(value)}\n" for key, value in document.items())
        try:
            self.parse(text)
        except ConfigurationError as error:
            for fault in error.faults:
                self.assertTrue(fault.startswith("g.toml: "), fault)
