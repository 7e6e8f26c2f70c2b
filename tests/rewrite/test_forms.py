"""The page's token in what is sent with POST."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import Codec
from gateway.rewrite.basic_html import BasicRewriter
from gateway.rewrite.forms import FormTokens
from gateway.rewrite.html import HtmlRewriter
from gateway.rewrite.urls import UrlMap
from tests.rewrite import octets, origin, run

PAGE = "https://page.example/d/page?q=1#f"
OWN = "/d/page?q=1&amp;__gw=T-_"
CASES = (
    ('<form method=post action="/x">', '<form method=post action="/x?__gw=T-_">'),
    ("<form action=x?a=b#c METHOD=POST>", '<form action="x?a=b&amp;__gw=T-_#c" METHOD=POST>'),
    ("<form method=post>", f'<form action="{OWN}" method=post>'),
    ("<form method=post action>", f'<form action="{OWN}" method=post action>'),
    ("<form method=post action=''>", f"<form method=post action='{OWN}'>"),
    ("<form method=post action=' '>", f"<form method=post action='{OWN}'>"),
    ("<form method=post action='#x'>", f"<form method=post action='{OWN}#x'>"),
    ("<form method=post action='?'>", "<form method=post action='??__gw=T-_'>".replace("??", "?&amp;")),
    ("<form method=post action=//b.example>",
     '<form method=post action="//https-b-example.0.gw.test?__gw=T-_">'),
    ("<form method=post action='http://b.example/x?y'>",
     "<form method=post action='https://http-b-example.0.gw.test/x?y&amp;__gw=T-_'>"),
    ("<button formaction=/x>", '<button formaction="/x?__gw=T-_">'),
    ("<button formaction=/x formmethod=get>", '<button formaction="/x?__gw=T-_" formmethod=get>'),
    ("<input type=image formaction=''>", f"<input type=image formaction='{OWN}'>"),
    ("<button formaction>", f'<button formaction="{OWN}" formaction>'),
    ("<form action=/g><button formmethod=post>",
     '<form action=/g><button formaction="/g?__gw=T-_" formmethod=post>'),
    ("<form><button formmethod=post>", f'<form><button formaction="{OWN}" formmethod=post>'),
    ("<base href=/e/x><form method=post action='#x'>",
     "<base href=/e/x><form method=post action='/e/x?__gw=T-_#x'>"),
    ("<base href=//b.example/><form method=post>",
     ('<base href="//https-b-example.0.gw.test/">'
     f'<form action="https://https-page-example.0.gw.test{OWN}" method=post>')),
)  # fmt: skip
KEPT = (
    "<form>", "<form action=/x>", "<form method=get action=/x>", "<form method=dialog>", "<form method=' post'>",
    "<form method=post action=mailto:x@y.example>", "<button>", "<input name=x value=y>", "<a href=/x>",
    "<form method=post action=javascript:void(0)>", "<button formmethod=post>", "<svg><form method=post></svg>",
    "<form method=post action='data:,x'>",
)  # fmt: skip


def rewritten(markup: str, made: type[HtmlRewriter] = HtmlRewriter, **more: Any) -> str:
    """The document octet by octet."""
    more.setdefault("form_token", "T-_")
    rewriter = made(UrlMap(Codec("gw.test"), PAGE), origin(PAGE), **more)
    return run(rewriter, octets(markup.encode())).decode()


class FormTests(SynchronousTestCase):
    """Forms in documents."""

    def test_cases(self) -> None:
        """Every form that is sent with POST, in both modes."""
        for markup, wanted in CASES:
            for made in (HtmlRewriter, BasicRewriter):
                self.assertEqual(rewritten(markup, made), wanted, made)

    def test_kept(self) -> None:
        """Nothing else changes; and without a token nothing at all."""
        for markup in KEPT:
            self.assertEqual(rewritten(markup), markup)
        for markup, _ in CASES[:4]:
            self.assertEqual(rewritten(markup, form_token=""), markup)

    def test_script_actions(self) -> None:
        """In mode basic, a form that would run script is sent to its own document."""
        out = rewritten("<form method=post action=javascript:x>", BasicRewriter)
        self.assertEqual(out, f'<form action="{OWN}" method=post>')

    def test_documents_within(self) -> None:
        """Forms in a srcdoc have it, too."""
        out = rewritten("<iframe srcdoc='<form method=post action=/x>'></iframe>")
        self.assertIn("/x?__gw=T-_", out)

    def test_xml(self) -> None:
        """XHTML's forms, with any prefix."""
        out = rewritten('<h:form method="post" action="x"/>', xml=True)
        self.assertEqual(out, '<h:form method="post" action="x?__gw=T-_"/>')
        self.assertEqual(rewritten("<h:form/>", xml=True), "<h:form/>")

    def test_the_token_is_not_shown(self) -> None:
        """Not by a repr."""
        self.assertNotIn("T-_", repr(FormTokens(UrlMap(Codec("gw.test"), PAGE), "T-_")))

    @given(st.text("abc?#&=/:.\\ \t", max_size=12))
    def test_any_action(self, action: str) -> None:
        """The token is in the query once, or the action is no http URL's."""
        urls = UrlMap(Codec("gw.test"), PAGE)
        found = FormTokens(urls, "T").targets(
            b"form", {b"method": b"post".decode(), b"action": action}
        )
        before = found[b"action"].partition("#")[0]
        if found[b"action"] != action:
            self.assertEqual(len(re.findall(r"[?&]__gw=T$", before)), 1)
