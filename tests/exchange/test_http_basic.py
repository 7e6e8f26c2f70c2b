"""Requests of sessions of mode ``basic``: where pages are shown, and that nothing of theirs runs."""

from __future__ import annotations

import gzip
import re
from urllib.parse import parse_qs

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import (
    Answer,
    Connect,
    Context,
    Refuse,
    RequestHead,
    Respond,
    UpstreamHead,
)
from gateway.policy.destinations import IntentRule
from gateway.policy.intents import parse_intent
from gateway.rewrite.media import Kind
from gateway.rewrite.pipeline import Pipeline
from gateway.session.attestation import Datr, Mode, mint_datr
from gateway.session.reading import Session
from gateway.session.tokens import open_token
from tests.exchange import (
    HOST,
    HTML,
    PAGE_ORIGIN,
    SITE,
    Shell,
    context,
    head,
    play,
    token_text,
    values,
)
from tests.rewrite import SECURE, collapsed
from tests.session import DATR as FULL
from tests.session import ICK, KEYS, NOW

DATR: Datr = mint_datr(KEYS, bytes(16), NOW, Mode.BASIC)
PAIR = Session(ICK, DATR).pair
COOKIE = b"; ".join(
    (wire.ICK_COOKIE + b"=" + ICK.cookie_value(), wire.DATR_COOKIE + b"=" + DATR.text)
)
LYNX = {
    "sec_fetch_site": "", "sec_fetch_dest": "", "sec_fetch_mode": "",
    "accept": "text/html, text/plain, text/sgml, */*;q=0.01",
}  # fmt: skip
TOP = {"sec_fetch_dest": "document", "sec_fetch_mode": "navigate", "sec_fetch_site": "none"}
PAGE = b"<!doctype html><head><script>site()</script></head><body onload=site()><p>text"
FORMS = (
    b"<form method=post action='/login'><input name=a></form><form action=/search></form>"
    b"<form method=POST action='https://pay.example.com/x?y'></form>"
)


def asked(target: str = "/p", cookie: bytes = COOKIE, **more: str) -> RequestHead:
    """A request of somebody in mode basic."""
    method = more.pop("method", "GET").encode()
    token = more.pop("token", "")
    request = head(target, method=method, session=False, token=token, **more)
    return attrs.evolve(request, fields=(*request.fields, (b"Cookie", cookie)))


def answered(
    request: RequestHead, kind: str = "text/html", *fields: tuple[bytes, bytes], status: int = 200
) -> tuple[Respond, Shell]:
    """How an origin's answer of this kind goes to the client."""
    given = ((b"Content-Type", kind.encode()), *fields)
    shell = Shell({Connect: UpstreamHead(status, b"OK", given, None)})
    ending, _ = play(http_exchange, request, None, shell)
    assert isinstance(ending, Respond), ending
    return ending, shell


def body(ending: Respond, text: bytes) -> bytes:
    """What becomes of a body."""
    pipeline = Pipeline(ending.plan)
    return b"".join([*pipeline.feed(text), *pipeline.close()])


class LeavingTests(SynchronousTestCase):
    """Links to the device."""

    def test_rules_are_asked(self) -> None:
        """Without an intent rule a link to the device has no address; with one it stays."""
        page = b"<a href='tel:1'>x</a><a href='sms:1'>y</a>"
        answer = UpstreamHead(200, b"OK", (HTML,), None)
        for intents, wanted in (((), (False, False)), (("tel:*",), (True, False))):
            given = context()
            rules = tuple(IntentRule(parse_intent(text)) for text in intents)
            given = attrs.evolve(given, policy=attrs.evolve(given.policy, intents=rules))
            ending, _ = play(http_exchange, asked(**TOP), given, Shell({Connect: answer}))
            assert isinstance(ending, Respond)
            out = body(ending, page)
            self.assertEqual((b"tel:1" in out, b"sms:1" in out), wanted)


class PlaceTests(SynchronousTestCase):
    """Where documents are shown."""

    def test_at_the_top(self) -> None:
        """They are, by any browser; those of every other session are led into the outer frame."""
        for how in (
            LYNX,
            TOP,
            {**TOP, "sec_fetch_site": "cross-site"},
            {**LYNX, "accept": "text/html"},
        ):
            ending, shell = answered(asked(**how))
            self.assertEqual(len(shell.sent()), 1, how)
            self.assertIn(b"<p>text", body(ending, PAGE))
            for cookie in (
                b"",
                COOKIE.replace(DATR.text, FULL.text),
                COOKIE + b"; " + wire.DATR_COOKIE + b"=" + FULL.text,
                COOKIE.partition(b";")[0],
                COOKIE.partition(b"; ")[2],
                COOKIE[:-1],
            ):
                found, shell = play(http_exchange, asked(cookie=cookie, **how))
                assert isinstance(found, Answer), (how, cookie)
                self.assertEqual((found.status, shell.sent()), (302, []), cookie)
                self.assertEqual(
                    values(found.fields, b"Location"), [f"{SECURE}/#{SITE}/p".encode()]
                )

    def test_closed_sites(self) -> None:
        """The policy holds as it does for everybody."""
        closed: Context = context(navigation=("https://other.example",))
        for how in (LYNX, TOP):
            ending, shell = play(http_exchange, asked(**how), closed)
            assert isinstance(ending, Refuse), how
            self.assertEqual((ending.status, shell.sent()), (403, []))


class PolicyTests(SynchronousTestCase):
    """Content-Security-Policy."""

    def test_on_every_response(self) -> None:
        """Our script is the only one, whatever comes, for whatever use."""
        for how in (
            LYNX, TOP, {}, {"sec_fetch_dest": "iframe", "sec_fetch_mode": "navigate"},
            {"sec_fetch_dest": "image"}, {"sec_fetch_dest": "script"}, {"sec_fetch_dest": "worker"},
            {"sec_fetch_dest": "style"}, {"sec_fetch_dest": "object", "sec_fetch_mode": "navigate"},
        ):  # fmt: skip
            for kind in ("text/html", "text/plain", "image/png", "text/javascript", "text/xml", ""):
                for status in (200, 206, 304, 404, 500):
                    if status == 206 and how.get("sec_fetch_dest") == "worker":
                        continue  # a part of a worker's script is refused
                    ending, _ = answered(asked(**how), kind, status=status)
                    found = values(ending.fields, b"Content-Security-Policy")[-1].decode()
                    wanted = r"script-src \S+/\.gateway/assets/runtime\.js; object-src 'none'; worker-src 'none'"
                    self.assertRegex(found, rf"\A{wanted}\Z", (how, kind, status))

    def test_not_in_the_other_mode(self) -> None:
        """There it would stop every site's script."""
        ending, _ = play(http_exchange, head())
        assert isinstance(ending, Respond)
        self.assertNotIn(
            b"worker-src 'none'", b" ".join(values(ending.fields, b"Content-Security-Policy"))
        )

    def test_a_sandbox(self) -> None:
        """It would stop ours, and show at the top what nobody attested."""
        for given, wanted in (
            (b"sandbox", b"sandbox allow-scripts"),
            (b"img-src 'self'; SandBox allow-forms", b"SandBox allow-scripts allow-forms"),
            (b"sandbox;img-src 'self'", b"sandbox allow-scripts"),
            (b"img-src 'self', sandbox", b"sandbox allow-scripts"),
        ):
            ending, _ = answered(asked(**TOP), "text/html", (b"Content-Security-Policy", given))
            found = b", ".join(values(ending.fields, b"Content-Security-Policy"))
            self.assertIn(wanted.lower(), found.lower(), given)
        ending, _ = answered(
            asked(**TOP),
            "text/html",
            (b"Content-Security-Policy", b"img-src https://sandbox.example"),
        )
        self.assertNotIn(
            b"allow-scripts", b"".join(values(ending.fields, b"Content-Security-Policy"))
        )


class BodyTests(SynchronousTestCase):
    """What becomes of bodies."""

    def test_documents(self) -> None:
        """Guard and payload stand before everything, and are the only script."""
        for how in (LYNX, TOP):
            ending, _ = answered(asked(**how), "text/html; charset=utf-8")
            text = body(ending, PAGE)
            self.assertNotIn(b"site()", text)
            self.assertEqual(text.count(b"<script"), 2)
            self.assertRegex(
                text,
                rb"\A<!doctype html><head><style>[^<]+</style><noscript><style>[^<]+</style></noscript>"
                rb'<script type="application/json" id="__gw">',
            )
            self.assertIn(b"private", values(ending.fields, b"Cache-Control")[0])

    def test_the_guard_is_not_the_rewriters(self) -> None:
        """A page can neither keep it out nor have it cleaned away."""
        for page in (
            b"<noscript>", b"<noscript><style>", b"<!--", b"<script>", b"<plaintext>", b"<textarea>",
            b"<head/><body>", b"<svg><style>", b"<html manifest=x><head onload=site()>", b"", b"<",
        ):  # fmt: skip
            text = body(answered(asked(**TOP))[0], page)
            self.assertEqual(text.count(b"display:none!important"), 1, page)
            self.assertEqual(text.count(b"display:revert!important"), 1, page)
            self.assertEqual(text.count(b'id="__gw"'), 1, page)

    def test_form_tokens(self) -> None:
        """Forms that are sent with POST carry the page's token; others do not."""
        text = body(answered(asked(**LYNX))[0], FORMS).decode()
        found = re.findall(r"""action=["']?([^"'\s>]*)""", text)
        self.assertEqual(len(found), 3, text)
        self.assertNotIn("__gw", found[1])
        self.assertTrue(found[2].startswith(collapsed("https://pay.example.com/x?y")), found)
        for action in (found[0], found[2]):
            query = parse_qs(action.replace("&amp;", "&").partition("?")[2])
            token = open_token(KEYS, query[wire.TOKEN_PARAMETER][0])
            assert token is not None
            self.assertEqual((token.pair, token.origin), (PAIR, SITE))

    def test_a_form_is_sent(self) -> None:
        """By a browser that names no Origin, too; without the pair's own token by nobody."""
        good, other = token_text(PAIR), token_text(Session(ICK, FULL).pair)
        for token, origin, wanted in (
            (good, "", True),
            (good, PAGE_ORIGIN, True),
            (good, "null", True),
            ("", "", False),
            (other, "", False),
            (token_text(), "", False),
            (token_text(PAIR, "https://evil.example"), PAGE_ORIGIN, False),
            (good, "https://evil.example", False),
        ):
            request = asked(method="POST", token=token, origin=origin, **LYNX)
            ending, shell = play(http_exchange, request)
            self.assertEqual(bool(shell.sent()), wanted, (token, origin))
            if not wanted:
                assert isinstance(ending, Refuse)
                self.assertEqual((ending.status, ending.event), (403, events.CSRF_TOKEN))

    def test_kinds(self) -> None:
        """What can hold script is read, wherever it is to be shown."""
        svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='site()'><script>site()</script><a/></svg>"
        for kind in (
            "image/svg+xml", "application/xhtml+xml", "text/xml", "application/xml",
            "application/mathml+xml", "text/xsl", "IMAGE/SVG+XML; charset=utf-8",
        ):  # fmt: skip
            for how in (TOP, LYNX, {"sec_fetch_dest": "image"}, {"sec_fetch_dest": "object"}, {}):
                ending, _ = answered(asked(**how), kind)
                self.assertIs(ending.plan.kind, Kind.XML, (kind, how))
                text = body(ending, svg)
                self.assertNotIn(b"site()", text)
                self.assertIn(b"<a/>", text)
                document = how in (TOP, LYNX) or how.get("sec_fetch_dest") == "object"
                self.assertEqual(b"__gw" in text, document, (kind, how))
                self.assertEqual(b"scripting:none" in text, document, (kind, how))
        for kind in (
            "image/png",
            "text/plain",
            "application/rss+xml",
            "application/atom+xml",
            "video/mp4",
        ):
            ending, _ = answered(asked(**TOP), kind)
            self.assertIs(ending.plan.kind, Kind.UNTOUCHED, kind)

    def test_codings(self) -> None:
        """Everything comes so that it can be read here, and whole."""
        for dest in ("image", "empty", "script", "document", "style"):
            request = asked(
                sec_fetch_dest=dest, accept_encoding="gzip, zstd, compress", range="bytes=5-",
                if_none_match='"x"',
            )  # fmt: skip
            _, shell = answered(request, "image/svg+xml")
            (sent,) = shell.sent()
            (coding,) = values(sent.fields, b"Accept-Encoding")
            self.assertIn(b"gzip", coding)
            self.assertNotIn(b"compress", coding)
            self.assertEqual(values(sent.fields, b"Range"), [])
        packed = (b"Content-Encoding", b"gzip")
        ending, _ = answered(asked(sec_fetch_dest="image"), "image/svg+xml", packed)
        self.assertEqual(body(ending, gzip.compress(b"<svg onload='site()'/>")), b"<svg />")
        self.assertEqual(values(ending.fields, b"Content-Encoding"), [])

    def test_cookies(self) -> None:
        """They stay in the jar; nothing of them is told to a script, for there is none."""
        for dest in ("document", "iframe", "image", "empty"):
            shell = Shell()
            given = ((b"Content-Type", b"text/html"), (b"Set-Cookie", b"seen=secret"))
            shell.replies[Connect] = UpstreamHead(200, b"OK", given, None)
            ending, _ = play(http_exchange, asked(sec_fetch_dest=dest), None, shell)
            assert isinstance(ending, Respond), dest
            self.assertEqual(values(ending.fields, b"Set-Cookie"), [], dest)
            self.assertEqual(len(shell.rows), 1, dest)

    def test_sheets_of_two_modes(self) -> None:
        """The validator of one is not the other's."""
        etag = (b"ETag", b'"x"')
        basic, _ = answered(asked(sec_fetch_dest="style"), "text/css", etag)
        shell = Shell(
            {Connect: UpstreamHead(200, b"OK", ((b"Content-Type", b"text/css"), etag), None)}
        )
        full, _ = play(http_exchange, head(sec_fetch_dest="style"), None, shell)
        assert isinstance(full, Respond)
        self.assertNotEqual(values(basic.fields, b"ETag"), values(full.fields, b"ETag"))
        self.assertEqual(len(values(basic.fields, b"ETag")), 1)

    def test_the_host(self) -> None:
        """What these tests take for granted."""
        self.assertTrue(Session(ICK, DATR).is_basic)
        self.assertEqual(PAGE_ORIGIN, f"https://{HOST}")
