"""The portal, the outer frame, and the gateway's own endpoints."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.errors import StoreUnavailable
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import (
    Answer,
    Context,
    Ending,
    Forget,
    NeedBody,
    Page,
    Refuse,
    RequestHead,
    Serve,
    ServeAsset,
)
from gateway.exchange.own import own_exchange
from gateway.session.attestation import Mode, attest, mint_datr, seal_restore_text
from gateway.session.reading import Session, read_session
from tests.exchange import HOST, SESSION, USER, Shell, context, play, values
from tests.rewrite import DOMAIN, SECURE, SUFFIX, collapsed
from tests.session import DATR, DATR_2, ICK, ICK_2, KEYS, NONCE, NOW

SECURE_HOST = f"www{SUFFIX}"
ENDPOINTS = (
    wire.BOOTSTRAP_PATH,
    wire.RESTORE_PATH,
    wire.CHECK_PATH,
    wire.FORGET_PATH,
    wire.PROOF_PATH,
    wire.LEAVE_PATH,
    wire.BASIC_PATH,
)
PLAIN = (wire.FORGET_PATH, wire.BASIC_PATH)
"""What forms ask for where no script runs."""
TOSSED = SESSION + b"; " + wire.ICK_COOKIE + b"=" + ICK_2.cookie_value()
ICKT = attest(KEYS, ICK, DATR).decode()
RESTORE = seal_restore_text(KEYS, ICK, DATR, NONCE).decode()
BASIC_DATR = mint_datr(KEYS, bytes(16), NOW, Mode.BASIC)
BASIC = SESSION.partition(b";")[0] + b"; " + wire.DATR_COOKIE + b"=" + BASIC_DATR.text


def _head(
    host: str, target: str, method: bytes = b"GET", *fields: tuple[bytes, bytes]
) -> RequestHead:
    return RequestHead(method, target.encode("latin-1"), b"HTTP/1.1", host, fields)


def _play(request: RequestHead, given: Context | None = None) -> Ending:
    return play(own_exchange, request, given)[0]


def _post(
    path: str, body: bytes = b"", cookie: bytes = b"", **more: Any
) -> tuple[Answer, Any, Shell]:
    fields = [(b"Origin", SECURE.encode())]
    if cookie:
        fields.append((b"Cookie", cookie))
    shell = Shell({NeedBody: body}, **more)
    ending, _ = play(own_exchange, _head(SECURE_HOST, path, b"POST", *fields), None, shell)
    assert isinstance(ending, Answer), ending
    assert values(ending.fields, b"Cache-Control") == [b"no-store"]
    return ending, json.loads(ending.body), shell


def _session(ending: Answer) -> Any:
    header = b"; ".join(field.partition(b";")[0] for field in values(ending.fields, b"Set-Cookie"))
    return read_session([header], KEYS).session


class HostTests(SynchronousTestCase):
    """What is served where."""

    def test_table(self) -> None:
        """Pages and assets; 404 for other paths, 405 for other methods, 421 for other hosts."""
        asset = f"{wire.ASSET_PATH}dir/x.js"
        table: list[tuple[str, str, bytes, object]] = [
            (DOMAIN, "/", b"GET", Serve(Page.PORTAL)),
            (DOMAIN.upper(), "/?x", b"HEAD", Serve(Page.PORTAL)),
            (f"{DOMAIN}:8443", "/", b"GET", Serve(Page.PORTAL)),
            (DOMAIN, "/?q=+a%20b+&c=News&n=20", b"GET", Serve(Page.PORTAL, "a b", "News", 20)),
            (DOMAIN, "/?q=" + "x" * 300, b"GET", Serve(Page.PORTAL, "x" * 100)),
            (DOMAIN, "/?n=-1", b"GET", Serve(Page.PORTAL)),
            (DOMAIN, "/?n=%D9%A1", b"GET", Serve(Page.PORTAL)),
            (DOMAIN, "/?n=" + "1" * 9999, b"GET", Serve(Page.PORTAL)),
            (DOMAIN, "/forgotten", b"GET", Serve(Page.FORGOTTEN)),
            (SECURE_HOST, "/forgotten", b"GET", 404),
            (DOMAIN, asset, b"GET", ServeAsset("dir/x.js")),
            (DOMAIN, "/nothing", b"GET", 404),
            (DOMAIN, "/nothing", b"POST", 404),
            (DOMAIN, "/", b"POST", 405),
            (DOMAIN, "/open?url=a.example", b"POST", 405),
            (DOMAIN, asset, b"POST", 405),
            (SECURE_HOST, "/", b"GET", Serve(Page.OUTER)),
            (SECURE_HOST, "/?x", b"HEAD", Serve(Page.OUTER)),
            (SECURE_HOST, asset, b"HEAD", ServeAsset("dir/x.js")),
            (SECURE_HOST, "/settings", b"GET", Serve(Page.SETTINGS)),
            (SECURE_HOST, "/settings?x", b"HEAD", Serve(Page.SETTINGS)),
            (SECURE_HOST, "/settings", b"POST", 405),
            (SECURE_HOST, "/settings/", b"GET", 404),
            (DOMAIN, "/settings", b"GET", 404),
            (SECURE_HOST, "/open", b"GET", 404),
            (SECURE_HOST, "/index.html", b"GET", 404),
            (SECURE_HOST, "/.gateway/", b"GET", 404),
            (SECURE_HOST, "/", b"POST", 405),
            (SECURE_HOST, "/.gateway/go?u=x", b"GET", 404),
            (SECURE_HOST, asset, b"DELETE", 405),
            ("evil.example", "/", b"GET", 421),
            ("evil.example", wire.BOOTSTRAP_PATH, b"POST", 421),
            (f"x.{DOMAIN}", "/", b"GET", 421),
            (f"0.{DOMAIN}", "/", b"GET", 421),
            (f"a.b{SUFFIX}", "/", b"GET", 421),
            ("", "/", b"GET", 421),
        ]
        for path in ENDPOINTS:
            table += [(SECURE_HOST, path, method, 405) for method in (b"GET", b"HEAD", b"PUT")]
            table += [(DOMAIN, path, b"POST", 404)]
        for host, target, method, wanted in table:
            ending = _play(_head(host, target, method, (b"Origin", b"null")))
            if isinstance(wanted, int):
                assert isinstance(ending, Refuse), (host, target, method)
                self.assertEqual(ending.status, wanted, (host, target, method))
                self.assertEqual(bool(values(ending.fields, b"Allow")), wanted == 405)
            else:
                self.assertEqual(ending, wanted, (host, target, method))

    def test_endpoints_are_not_on_rewrite_hosts(self) -> None:
        """A proxied page's own host mints, restores and checks nothing."""
        for path in ENDPOINTS:
            for who in (SECURE, f"https://{HOST}"):
                request = _head(HOST, path, b"POST", (b"Origin", who.encode()))
                ending, shell = play(http_exchange, request)
                assert isinstance(ending, Refuse), path
                self.assertEqual((ending.status, shell.needs), (404, []), path)


class WayInTests(SynchronousTestCase):
    """``/open`` on the portal."""

    def test_open(self) -> None:
        """Into the outer frame, the URL normalised; a name alone means https."""
        for query, wanted in {
            "url=https://shop.example.com/p?q%23f": "https://shop.example.com/p?q#f",
            "url=shop.example.com": "https://shop.example.com/",
            "url=%20http%3A%2F%2Fa.example%2F%3Fx%26y%20": "http://a.example/?x&y",
            "url=a.example&url=b.example": "https://a.example/",
            "x=1&url=a.example/b": "https://a.example/b",
            "url=example.com/?next=https://b.example/": "https://example.com/?next=https://b.example/",
            "url=localhost:81": "https://localhost:81/",
            "url=a.example:8443?b:c": "https://a.example:8443/?b:c",
            "url=https:a.example": "https://a.example/",
            "url=HTTPS://B%C3%9CCHER.example": "https://xn--bcher-kva.example/",
        }.items():
            ending = _play(_head(DOMAIN, f"/open?{query}"))
            assert isinstance(ending, Answer), query
            self.assertEqual(ending.status, 303)
            self.assertEqual(values(ending.fields, b"Location"), [f"{SECURE}/#{wanted}".encode()])
            self.assertEqual(values(ending.fields, b"Referrer-Policy"), [b"no-referrer"])

    def test_what_is_no_web_address(self) -> None:
        """400, and no redirect at all."""
        for typed in (
            "", "%20", "javascript:alert(1)", "javascript://x%0aalert(1)", "data:text/html,x",
            "ftp://a.example/", "file:///etc/passwd", "ws://a.example/", "blob:https://a.example/x",
            "https://", "https://a%20b/", "mailto:a@b.example", "tel:%2B4512", "sms:1;x", "a:b@c.example",
        ):  # fmt: skip
            ending = _play(_head(DOMAIN, f"/open?url={typed}"), context(navigation=("*",)))
            assert isinstance(ending, Refuse), typed
            self.assertEqual(ending.status, 400, typed)
        self.assertIsInstance(_play(_head(DOMAIN, "/open")), Refuse)

    def test_many_parameters(self) -> None:
        """A long query is no fault of the gateway's own."""
        query = "&".join(["a=1"] * 100)
        ending = _play(_head(DOMAIN, f"/open?{query}&url=a.example"))
        self.assertIsInstance(ending, Refuse | Answer)

    @settings(deadline=None)
    @given(st.text(max_size=40))
    def test_any_text(self, text: str) -> None:
        """No text makes a field of two lines, or a redirect out of the gateway."""
        target = "/open?url=" + text.encode("utf-8").decode("latin-1")
        ending = _play(_head(DOMAIN, target), context(navigation=("*",)))
        if isinstance(ending, Answer):
            (location,) = values(ending.fields, b"Location")
            self.assertRegex(location.decode(), rf"\Ahttps://[a-z0-9-]+\.0\.{DOMAIN}[!-~]*\Z")


class EndpointTests(SynchronousTestCase):
    """Bootstrap, restore and check."""

    def test_the_origin_is_demanded(self) -> None:
        """Exactly the secure one, exactly once; else nothing is read or minted."""
        for origins in (
            (), ("null",), (SECURE, SECURE), (f"{SECURE}/",), (SECURE.upper(),), (f"{SECURE}:443",),
            (SECURE.replace("https", "http"),), (f"https://{DOMAIN}",), (f"https://{HOST}",),
            ("https://evil.example",), (SECURE, "https://evil.example"), (f"{SECURE}, {SECURE}",),
        ):  # fmt: skip
            for path in ENDPOINTS:
                fields = [(b"Origin", one.encode()) for one in origins]
                if not origins and path == wire.BASIC_PATH:
                    fields = [(b"Sec-Fetch-Site", b"same-site")]  # else it may be a form's
                request = _head(SECURE_HOST, path, b"POST", *fields, (b"Cookie", SESSION))
                ending, shell = play(own_exchange, request)
                assert isinstance(ending, Refuse), (origins, path)
                self.assertEqual((ending.status, ending.event), (403, events.ORIGIN_DENIED))
                self.assertEqual((shell.needs, ending.fields), ([], ()), (origins, path))

    def test_bootstrap(self) -> None:
        """A new session, its two cookies, and the two texts for the outer frame."""
        ending, content, _ = _post(wire.BOOTSTRAP_PATH)
        session = _session(ending)
        self.assertEqual(set(content), {"ok", "ickt", "restore"})
        self.assertEqual(session.ickt(KEYS).decode(), content["ickt"])
        self.assertEqual(len(values(ending.fields, b"Set-Cookie")), 2)
        again, restored, _ = _post(wire.RESTORE_PATH, json.dumps(content).encode())
        self.assertEqual(_session(again), session)
        self.assertEqual(restored["ickt"], content["ickt"])

    @settings(deadline=None)
    @given(st.binary(max_size=40), st.sampled_from((b"", SESSION, TOSSED, b"a=b")), st.binary())
    def test_bootstrap_takes_nothing(self, body: bytes, cookie: bytes, value: bytes) -> None:
        """The same answer for the same randomness, whatever cookies, body or fields say."""
        plain, _, shell = _post(wire.BOOTSTRAP_PATH)
        fields = ((b"Origin", SECURE.encode()), (b"Cookie", cookie), (b"X-Any", value))
        more = Shell({NeedBody: body})
        request = _head(SECURE_HOST, f"{wire.BOOTSTRAP_PATH}?ick=1", b"POST", *fields)
        other, _ = play(own_exchange, request, None, more)
        self.assertEqual((other, more.needs), (plain, shell.needs))
        self.assertEqual(shell.kinds(), "NeedRandom NeedNow")

    def test_bootstrap_is_always_new(self) -> None:
        """Other randomness is another session."""
        one, _, _ = _post(wire.BOOTSTRAP_PATH, random=1)
        two, _, _ = _post(wire.BOOTSTRAP_PATH, random=2)
        self.assertNotEqual(_session(one).ick, _session(two).ick)
        self.assertNotEqual(_session(one).datr, _session(two).datr)

    def test_restore(self) -> None:
        """The same pair from its text, whatever cookies came; anything else is 409."""
        good = json.dumps({"restore": RESTORE}).encode()
        for cookie in (b"", SESSION, TOSSED, b"a=b"):
            ending, content, shell = _post(wire.RESTORE_PATH, good, cookie)
            self.assertEqual((ending.status, content["ok"], shell.notes()), (200, True, []))
            session = _session(ending)
            self.assertEqual((session.ick, session.datr), (ICK, DATR))
            self.assertEqual(content["ickt"], ICKT)
        for body in (
            b"", b"junk", b"{}", b"[]", b"1", b"null", b"\xff", b'{"restore": 1}',
            b'{"restore": ""}', b'{"restore": "1.1.x"}', b'{"restore": "\xc3\xa9"}',
            json.dumps({"restore": RESTORE[:-1]}).encode(), json.dumps({"restore": ICKT}).encode(),
        ):  # fmt: skip
            ending, content, shell = _post(wire.RESTORE_PATH, body, SESSION)
            self.assertEqual((ending.status, content), (409, {"ok": False}), body)
            self.assertEqual(values(ending.fields, b"Set-Cookie"), [], body)
            self.assertEqual(shell.notes(), [events.SESSION_RESTORE], body)

    def test_check(self) -> None:
        """Whether the cookies agree with the ickt; if so they are sent again, unchanged."""
        good = json.dumps({"ickt": ICKT}).encode()
        ending, content, shell = _post(wire.CHECK_PATH, good, SESSION)
        self.assertEqual((ending.status, content, shell.notes()), (200, {"ok": True}, []))
        session = _session(ending)
        self.assertEqual((session.ick, session.datr), (ICK, DATR))
        foreign = attest(KEYS, ICK_2, DATR).decode()
        half = SESSION.partition(b";")[0] + b"; " + wire.DATR_COOKIE + b"=" + DATR_2.text
        for body, cookie in (
            (good, b""), (good, b"a=b"), (good, half), (b"", SESSION), (b"{}", SESSION),
            (b'{"ickt": ""}', SESSION), (b'{"ickt": null}', SESSION), (b"[]", SESSION),
            (b'{"ickt": "\xc3\xa9"}', SESSION), (json.dumps({"ickt": foreign}).encode(), SESSION),
        ):  # fmt: skip
            ending, content, _ = _post(wire.CHECK_PATH, body, cookie)
            self.assertEqual((ending.status, content), (200, {"ok": False}), (body, cookie))
            self.assertEqual(values(ending.fields, b"Set-Cookie"), [], (body, cookie))

    def test_check_ends_duplicates(self) -> None:
        """Tossed cookies do not agree; they are an event, and expired."""
        good = json.dumps({"ickt": ICKT}).encode()
        ending, content, shell = _post(wire.CHECK_PATH, good, TOSSED)
        self.assertEqual((content, shell.notes()), ({"ok": False}, [events.SESSION_FIXATION]))
        found = values(ending.fields, b"Set-Cookie")
        self.assertTrue(found)
        for field in found:
            self.assertIn(b"=; Path=", field)

    def test_deep_bodies(self) -> None:
        """JSON that is nested too deep is no fault of the gateway's own."""
        deep = b"[" * 100_000
        _, content, _ = _post(wire.CHECK_PATH, deep, SESSION)
        self.assertEqual(content, {"ok": False})
        ending, _, _ = _post(wire.RESTORE_PATH, deep)
        self.assertEqual(ending.status, 409)


class ForgetTests(SynchronousTestCase):
    """``/.gateway/forget``: the jar goes, then its key."""

    def _forget(
        self,
        *fields: tuple[bytes, bytes],
        cookie: bytes = SESSION,
        body: bytes = b"",
        shell: Shell | None = None,
    ) -> tuple[Ending, Shell]:
        shell = shell or Shell({NeedBody: body})
        given = (*fields, (b"Cookie", cookie))
        return play(
            own_exchange, _head(SECURE_HOST, wire.FORGET_PATH, b"POST", *given), None, shell
        )

    def _ended(self, ending: Answer) -> set[tuple[bytes, bytes, bytes]]:
        """Which cookies end, at which path and level."""
        found = set()
        for field in values(ending.fields, b"Set-Cookie"):
            parts = dict(part.strip().partition(b"=")[::2] for part in field.split(b";"))
            self.assertEqual(parts[b"Max-Age"], b"0")
            name = field.partition(b"=")[0]
            self.assertEqual(parts[name], b"")
            found.add((name, parts[b"Path"], parts.get(b"Domain", b"")))
        return found

    def test_script(self) -> None:
        """The rows go first; both cookies end at every level; the answer is JSON."""
        shell = Shell({NeedBody: b"{}"})
        shell.put(b"a=b", b"c=d; Max-Age=100")
        ending, _ = self._forget(
            (b"Origin", SECURE.encode()), (b"Content-Type", b"application/json"), shell=shell
        )
        assert isinstance(ending, Answer)
        self.assertEqual(
            (ending.status, json.loads(ending.body)), (200, {"ok": True, "erased": True})
        )
        self.assertEqual(shell.needs, [NeedBody(), Forget(USER.owner)])
        self.assertEqual(shell.rows, {})
        ended = self._ended(ending)
        for level in (b"", DOMAIN.encode(), f"0.{DOMAIN}".encode(), SECURE_HOST.encode()):
            for name in wire.OWN_COOKIES:
                for path in (b"/", b"/.gateway", b"/.gateway/", wire.FORGET_PATH.encode()):
                    self.assertIn((name, path, level), ended)

    def test_form(self) -> None:
        """The same, and to the portal, which says so; of a full session with its Origin too."""
        for fields, cookie in (
            (((b"Origin", SECURE.encode()),), SESSION),
            (((b"Origin", SECURE.encode()), (b"Sec-Fetch-Site", b"same-origin")), BASIC),
            ((), BASIC),
            (((b"Sec-Fetch-Site", b"same-origin"),), BASIC),
        ):
            ending, shell = self._forget(*fields, cookie=cookie, body=b"sure=on")
            assert isinstance(ending, Answer), fields
            self.assertEqual(ending.status, 303)
            location = f"https://{DOMAIN}{wire.FORGOTTEN_PATH}".encode()
            self.assertEqual(values(ending.fields, b"Location"), [location])
            self.assertEqual(shell.kinds(), "NeedBody Forget")
            self.assertTrue(self._ended(ending))

    def test_refused(self) -> None:
        """Without Origin only of mode basic, and only where the browser says nothing else."""
        site = b"Sec-Fetch-Site"
        for fields, cookie in (
            ((), SESSION),
            ((), b""),
            ((), b"a=b"),
            ((), TOSSED),
            (((site, b"same-origin"),), SESSION),
            (((site, b"same-site"),), BASIC),
            (((site, b"cross-site"),), BASIC),
            (((site, b"none"),), BASIC),
            (((site, b"same-origin"), (site, b"cross-site")), BASIC),
            (((b"Origin", b"null"),), BASIC),
            (((b"Origin", b"https://evil.example"),), BASIC),
            (((b"Origin", f"https://{HOST}".encode()),), BASIC),
            (((b"Origin", SECURE.encode()), (b"Origin", SECURE.encode())), BASIC),
        ):
            ending, shell = self._forget(*fields, cookie=cookie)
            assert isinstance(ending, Refuse), (fields, cookie)
            self.assertEqual((ending.status, ending.event), (403, events.ORIGIN_DENIED))
            self.assertEqual((shell.needs, ending.fields), ([], ()), fields)

    def test_basic_is_for_forms_alone(self) -> None:
        """No other endpoint goes without Origin."""
        others = [path for path in ENDPOINTS if path not in PLAIN]
        self.assertEqual(len(others), len(ENDPOINTS) - 2)
        for path in others:
            request = _head(SECURE_HOST, path, b"POST", (b"Cookie", BASIC))
            ending, shell = play(own_exchange, request)
            assert isinstance(ending, Refuse), path
            self.assertEqual((ending.status, shell.needs), (403, []), path)

    def test_restore_text(self) -> None:
        """It names the session whose cookies somebody tossed or took; each owner once."""
        kept = json.dumps({"restore": RESTORE}).encode()
        other = wire.ICK_COOKIE + b"=" + ICK_2.cookie_value()
        other += b"; " + wire.DATR_COOKIE + b"=" + DATR.text
        second = Session(ICK_2, DATR).user_keys(KEYS).owner
        for cookie, body, wanted in (
            (SESSION, kept, [USER.owner]),
            (TOSSED, kept, [USER.owner]),
            (b"", kept, [USER.owner]),
            (other, kept, [USER.owner, second]),
            (other, b"{}", [second]),
            (TOSSED, b"{}", []),
            (b"", b"junk", []),
            (b"", json.dumps({"restore": RESTORE[:-2]}).encode(), []),
        ):
            ending, shell = self._forget(
                (b"Origin", SECURE.encode()),
                (b"Content-Type", b"application/json"),
                cookie=cookie,
                body=body,
            )
            assert isinstance(ending, Answer), cookie
            owners = [need.owner for need in shell.needs if isinstance(need, Forget)]
            self.assertEqual(owners, wanted, (cookie, body))
            self.assertEqual(json.loads(ending.body)["erased"], bool(wanted))
            self.assertTrue(self._ended(ending))

    def test_store_gone(self) -> None:
        """The key stays as long as the rows do."""
        shell = Shell({NeedBody: b"", Forget: StoreUnavailable("down")})
        ending, _ = self._forget((b"Origin", SECURE.encode()), shell=shell)
        assert isinstance(ending, Refuse)
        self.assertEqual((ending.status, ending.fields), (503, ()))

    def test_shows_nothing(self) -> None:
        """Whose rows go is not in a trace."""
        self.assertEqual(repr(Forget(b"owner")), "Forget()")


class LabelTests(SynchronousTestCase):
    """``/.gateway/label``: the label of an origin that has no shorter one."""

    def _ask(self, query: str, method: bytes = b"GET") -> Ending:
        ending, shell = play(http_exchange, _head(HOST, f"{wire.LABEL_PATH}{query}", method))
        self.assertEqual(shell.needs, [])
        return ending

    def test_labels(self) -> None:
        """That which the gateway's own URLs have, as plain text, to be kept for ever."""
        for text in (
            "https://under_score.example.com", "https://shop.example.com", "http://a.example:8080",
            "https://" + "a" * 60 + ".example", "https://[2001:db8::1]:444",
        ):  # fmt: skip
            for method in (b"GET", b"HEAD"):
                ending = self._ask(f"?o={quote(text, safe='')}", method)
                assert isinstance(ending, Answer), text
                label = collapsed(text).removeprefix("https://").partition(".")[0]
                self.assertEqual((ending.status, ending.body), (200, label.encode()), text)
                self.assertIn(b"immutable", values(ending.fields, b"Cache-Control")[0])
                self.assertEqual(values(ending.fields, b"Content-Type"), [b"text/plain"])
                self.assertEqual(values(ending.fields, b"X-Content-Type-Options"), [b"nosniff"])

    def test_what_is_no_origin(self) -> None:
        """400, whatever it is."""
        for query in (
            "", "?", "?o=", "?o=null", "?o=shop.example.com", "?o=https://", "?o=ftp://a.example",
            "?o=https://a.example/path", "?o=javascript:alert(1)", "?o=https://a.example\r\nX:y",
            "?x=https://a.example", "?o=https://a%20b", "?" + "&".join(["o=https://a.example"] * 99),
            "?o=wss://a.example",
        ):  # fmt: skip
            ending = self._ask(query)
            assert isinstance(ending, Refuse), query
            self.assertEqual(ending.status, 400, query)
        self.assertIsInstance(self._ask("?o=https://a.example", b"POST"), Refuse)

    def test_only_on_rewrite_hosts(self) -> None:
        """Neither the portal nor the secure host has it."""
        for host in (DOMAIN, SECURE_HOST):
            for path in (f"{wire.LABEL_PATH}?o=https://a.example", wire.REPORT_PATH):
                for method in (b"GET", b"POST"):
                    ending = _play(_head(host, path, method, (b"Origin", SECURE.encode())))
                    assert isinstance(ending, Refuse), (host, path)
                    self.assertEqual(ending.status, 404)
