"""Import maps and speculation rules."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import Codec
from gateway.rewrite.html import HtmlRewriter
from gateway.rewrite.scripts import (
    IMPORT_MAP,
    SPECULATION_RULES,
    map_for_module,
    map_import_map,
    replacement_for,
)
from gateway.rewrite.urls import UrlMap
from tests.rewrite import octets, origin, run
from tests.rewrite.dom import import_map

A = "https://https-a-b.0.gw.test"
SPECIFIERS = st.sampled_from(["x", "x/", "./x", "https://a.b/x", "//c.d/", "node:fs", "", "#y"])
TABLES = st.dictionaries(SPECIFIERS, st.one_of(SPECIFIERS, st.none(), st.integers()), max_size=4)
MAPS = st.fixed_dictionaries(
    {},
    optional={
        "imports": st.one_of(TABLES, st.just([])),
        "scopes": st.dictionaries(SPECIFIERS, st.one_of(TABLES, st.just("x")), max_size=3),
        "integrity": TABLES,
        "other": st.sampled_from(["https://a.b/", 1]),
    },
)


def mapped(url: str) -> str:
    """The collapsed URL, in a page of https."""
    return Codec("gw.test").collapse_url(url, "https://page.example/d/")


class ImportMapTests(SynchronousTestCase):
    """Import maps."""

    def test_table(self) -> None:
        """Addresses are collapsed; keys that are URLs get a collapsed twin."""
        table = (
            ({"imports": {"x": "https://a.b/x"}}, {"imports": {"x": f"{A}/x"}}),
            (
                {"imports": {"https://a.b/y": "./z"}},
                {"imports": {"https://a.b/y": "./z", f"{A}/y": "./z"}},
            ),
            ({"imports": {"x": None}}, {"imports": {"x": None}}),
            (
                {"scopes": {"https://a.b/s/": {"x": "https://a.b/x"}}},
                {"scopes": {f"{A}/s/": {"x": f"{A}/x"}}},
            ),
            (
                {"integrity": {"https://a.b/x": "sha256-a"}},
                {"integrity": {"https://a.b/x": "sha256-a", f"{A}/x": "sha256-a"}},
            ),
            ({"x": "https://a.b/"}, {"x": "https://a.b/"}),
        )
        for before, after in table:
            self.assertEqual(json.loads(map_import_map(json.dumps(before), mapped)), after)

    def test_an_explicit_twin_wins(self) -> None:
        """Where the page has an entry for the collapsed address, that one stays."""
        before = {"imports": {"https://a.b/y": "./one", f"{A}/y": "./two"}}
        after = json.loads(map_import_map(json.dumps(before), mapped))
        self.assertEqual(after["imports"][f"{A}/y"], "./two")

    def test_what_is_no_map(self) -> None:
        """Text that a browser refuses comes back as it was; so does what needs no change."""
        for text in (
            "", "x", "[]", '"https://a.b/"', "null", "{", '{"imports":"https://a.b/"}', "[" * 200_000,
            '{"imports": {"x": "./y"}}', " { } ", '{"imports":[{"x":"https://a.b/"}]}', '{"scopes":3}',
        ):  # fmt: skip
            self.assertEqual(map_import_map(text, mapped), text, text[:50])

    def test_nothing_ends_the_script(self) -> None:
        """Markup in a key stays escaped."""
        text = json.dumps({"imports": {"</script><!--": "https://a.b/</script>"}})
        out = map_import_map(text.replace("<", "\\u003c"), mapped)
        self.assertNotIn("<", out)
        self.assertEqual(json.loads(out)["imports"]["</script><!--"], f"{A}/</script>")

    def test_unpaired_surrogates(self) -> None:
        """Escapes of no character do no harm."""
        out = map_import_map('{"imports":{"x":"https://a.b/","y":"\\ud800","\\udfff":"z"}}', mapped)
        self.assertEqual(json.loads(out)["imports"], {"x": f"{A}/", "y": "\ud800", "\udfff": "z"})

    @settings(deadline=None)
    @given(MAPS)
    def test_any_map(self, content: dict) -> None:
        """As a second reading of the standard has it."""
        out = json.loads(map_import_map(json.dumps(content), mapped))
        self.assertEqual(out, import_map(content, mapped))


class ReplacementTests(SynchronousTestCase):
    """Both kinds."""

    def test_kinds(self) -> None:
        """Rules go, maps are mapped."""
        text = '{"prefetch":[{"urls":["https://a.b/"]}]}'
        self.assertEqual(replacement_for(SPECULATION_RULES, text, mapped), "{}")
        text = '{"imports":{"x":"https://a.b/"}}'
        self.assertIn(A, replacement_for(IMPORT_MAP, text, mapped))


class ModuleTests(SynchronousTestCase):
    """Modules whose text stands in the page."""

    def _rewrite(self, markup: str, size: int = 1, limit: int = 4096) -> str:
        page = "https://page.example/d/"
        rewriter = HtmlRewriter(UrlMap(Codec("gw.test"), page), origin(page), limit=limit)
        return run(rewriter, octets(markup.encode(), size)).decode()

    def test_addresses(self) -> None:
        """Hosts that strings name, each once; what is in no string, or no address, is not."""
        table = (
            ('import a from "https://a.b/x.js"', {"https://a.b/": A + "/"}),
            (
                "import('//a.b/x'); import(`HTTPS://a.b/y`)",
                {"https://a.b/": A + "/", "HTTPS://a.b/": A + "/"},
            ),
            (
                "export * from 'http://a.b:81/x'",
                {"http://a.b:81/": "https://http81-a-b.0.gw.test/"},
            ),
            ("import 'https://a.b/'; import 'https://a.b/y'", {"https://a.b/": A + "/"}),
            ("import 'https://a_b/x'", {}),  # its name here is told by a parameter
            ("import './x'; import 'x'; import '/x'", {}),
            ("// https://a.b/x", {}),
            ("'https://a.b'; `https://${a}/x`; 'https://u@a.b/'; 'ftp://a.b/'", {}),
            ("'https://gw.test/x'", {}),
        )
        for text, imports in table:
            found = map_for_module(text, mapped)
            self.assertEqual(json.loads(found)["imports"] if found else {}, imports, text)
        many = " ".join(f"'https://a{number}.b/'" for number in range(99))
        self.assertEqual(len(json.loads(map_for_module(many, mapped))["imports"]), 64)

    def test_markup(self) -> None:
        """The map stands before the module, with its nonce, and goes when it is read."""
        text = 'import "https://a.b/x"; "</b>"'
        for tag in ("<script type=module>", "<SCRIPT nonce='a&amp;\"b' type=' Module '>"):
            nonce = ' nonce="a&amp;&quot;b"' if "nonce" in tag else ""
            wanted = (
                f'<p><script type="importmap"{nonce}>{{"imports": {{"https://a.b/": "{A}/"}}}}</script>'
                f"<script{nonce}>document.currentScript.previousSibling.remove();"
                f"document.currentScript.remove()</script>{tag}{text}</script>x"
            )
            for size in (1, 999):
                self.assertEqual(self._rewrite(f"<p>{tag}{text}</script>x", size), wanted)

    def test_what_stays(self) -> None:
        """Scripts that are no module, import nothing from elsewhere, or are too long."""
        text = 'import "https://a.b/x"'
        for markup in (
            f"<script>{text}</script>x",
            f"<script type=module src=x>{text}</script>x",
            f"<script type=modules>{text}</script>x",
            "<script type=module>import './x'</script>x",
            "<script type=module></script>x",
            f"<script type=module>{text}",
            f"<script type=module>{text}/*{'x' * 5_000}*/</script>x",
        ):
            for size in (1, 99_999):
                found = self._rewrite(markup, size)
                if not markup.endswith("x") and "</script>" not in markup:
                    # Without an end tag it does not run; what stands before it does no harm.
                    found = found[found.index("<script type=module>") :]
                self.assertEqual(found, markup)
