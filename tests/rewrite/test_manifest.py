"""Web app manifests: URLs mapped, everything else as it was spelled."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.manifest import map_manifest
from gateway.rewrite.urls import UrlMap
from tests.rewrite import codec, collapsed

URL = "https://shop.example.com/app/site.webmanifest"
OTHER = "https://cdn.example"


def _map(text: str) -> str:
    return map_manifest(text, UrlMap(codec(), URL).url)


def _values(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _values(one)]
    if isinstance(value, list):
        return [text for one in value for text in _values(one)]
    return [value] if isinstance(value, str) else []


class ManifestTests(SynchronousTestCase):
    """One manifest."""

    def test_members(self) -> None:
        """Every member that holds a URL, wherever it stands."""
        given = {
            "name": f"{OTHER}/name",
            "description": f"see {OTHER}/",
            "start_url": f"{OTHER}/?a=b",
            "scope": f"{OTHER}/",
            "id": f"{OTHER}/id",
            "icons": [{"src": f"{OTHER}/a.png", "sizes": "1x1", "type": "image/png"}],
            "screenshots": [{"src": f"{OTHER}/b.png", "label": f"{OTHER}/"}],
            "shortcuts": [{"name": "x", "url": f"{OTHER}/c", "icons": [{"src": f"{OTHER}/d"}]}],
            "share_target": {"action": f"{OTHER}/e", "params": {"title": "t"}},
            "file_handlers": [{"action": f"{OTHER}/f", "accept": {"text/csv": [".csv"]}}],
            "protocol_handlers": [{"protocol": "web+x", "url": f"{OTHER}/g?u=%s"}],
            "related_applications": [{"platform": "play", "url": f"{OTHER}/h"}],
            "serviceworker": {"src": f"{OTHER}/sw.js", "scope": f"{OTHER}/"},
        }
        mapped = json.loads(_map(json.dumps(given)))
        outside = [text for text in _values(mapped) if OTHER in text]
        self.assertEqual(outside, [f"{OTHER}/name", f"see {OTHER}/", f"{OTHER}/"])
        self.assertEqual(mapped["icons"][0]["src"], collapsed(f"{OTHER}/a.png"))
        self.assertEqual(mapped["icons"][0]["sizes"], "1x1")
        self.assertEqual(mapped["protocol_handlers"][0]["url"], f"{collapsed(OTHER)}/g?u=%s")

    def test_spelling(self) -> None:
        """What is not mapped stays to the character: spaces, escapes, order, duplicates."""
        text = (
            '\n{ "start_url" : "\\u002Fx",\t"icons":[ {"src":"a.png"} , {"src":"/b"} ],\n'
            ' "src" : 1, "url": null, "name":"caf\\u00e9 \\"q\\"", "name": "é", "n": 1.50e2 }\n'
        )
        self.assertEqual(_map(text), text)
        with_url = text.replace('"a.png"', f'"{OTHER}/a"')
        self.assertEqual(_map(with_url), text.replace('"a.png"', f'"{collapsed(OTHER)}/a"'))

    def test_escaped(self) -> None:
        """A URL or a member's name that hides behind escapes is mapped as well."""
        text = '{"s\\u0072c": "https:\\/\\/cdn.example\\u002fx"}'
        self.assertEqual(json.loads(_map(text)), {"src": collapsed(f"{OTHER}/x")})

    def test_what_is_no_json(self) -> None:
        """It stays as it is: browsers drop it."""
        for text in (
            "", "{", "{'src': 'https://cdn.example/'}", '{"src": "https://cdn.example/",}',
            "<!doctype html>", '{"src": "https://cdn.example/"} x', "[" * 100_000,
            '{"src": "a\nb"}', '"', '{"src": "\\',
        ):  # fmt: skip
            self.assertEqual(_map(text), text, text[:40])

    @settings(deadline=None)
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(("src", "url", "name", "icons")) | st.text(max_size=4),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=12,
        ),
        st.booleans(),
    )
    def test_any_json(self, value: Any, ascii_only: bool) -> None:
        """The same structure comes out, and texts that hold no URL of elsewhere."""
        text = json.dumps(value, ensure_ascii=ascii_only)
        out = json.loads(_map(text))
        self.assertEqual(len(_values(out)), len(_values(value)))
        if not any(":" in one or "/" in one or "\\" in one for one in _values(value)):
            self.assertEqual(out, value)
