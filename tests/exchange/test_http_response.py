"""What goes upstream from a rewrite host, and what the response becomes: passed on, or edited."""

from __future__ import annotations

import json
import re
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import (
    Connect,
    Refuse,
    RequestHead,
    Respond,
    Settings,
    UpstreamHead,
)
from gateway.rewrite.inject import guard_markup
from gateway.rewrite.pipeline import pipeline_for
from gateway.session.attestation import page_proof
from gateway.session.keys import encode
from gateway.session.reading import Session
from gateway.session.tokens import Token, seal_token
from gateway.session.writing import write_tokens
from tests.cookies import SUFFIXES
from tests.exchange import (
    HTML,
    PAGE_ORIGIN,
    SITE,
    USER,
    Shell,
    context,
    frame,
    head,
    play,
    token_text,
    values,
)
from tests.rewrite import SECURE, SUFFIX, origin, pour
from tests.session import DATR, ICK, KEYS, NOW

CSP = b"Content-Security-Policy"
PAYLOAD = re.compile(rb'<script type="application/json" id="__gw">([^<]*)</script>')


def _respond(
    request: RequestHead,
    *fields: tuple[bytes, bytes],
    status: int = 200,
    length: int | None = 5,
    shell: Shell | None = None,
) -> Respond:
    shell = shell or Shell()
    shell.replies[Connect] = UpstreamHead(status, b"Reason", fields, length)
    ending, _ = play(http_exchange, request, context(), shell)
    assert isinstance(ending, Respond), ending
    return ending


def _payload(ending: Respond) -> Any:
    matched = PAYLOAD.search(ending.plan.markup or b"")
    assert matched is not None, ending
    return json.loads(matched[1])


class UpstreamTests(SynchronousTestCase):
    """What goes upstream, and what of the jar."""

    def test_the_request(self) -> None:
        """Method, raw target without our parameters, and the origin's own Host."""
        _, shell = play(
            http_exchange, head("/a%2f?x=%zz&__gw=T", method=b"PUT", origin=PAGE_ORIGIN)
        )
        (sent,) = shell.sent()
        assert isinstance(sent, Connect)
        self.assertEqual((sent.origin, sent.method), (origin(SITE), b"PUT"))
        self.assertEqual(sent.target, b"/a%2f?x=%zz")
        self.assertEqual(values(sent.fields, b"Host"), [b"shop.example.com"])
        self.assertEqual(values(sent.fields, b"Origin"), [SITE.encode()])

    def test_cookies(self) -> None:
        """From the jar for this path; the session's own never leave."""
        shell = Shell()
        shell.put(b"a=1; Path=/", b"deep=2; Path=/deep", b"up=3; Domain=example.com; Path=/")
        for target, wanted in {"/p": b"a=1; up=3", "/deep/x": b"deep=2; a=1; up=3"}.items():
            shell.needs.clear()
            play(http_exchange, head(target), shell=shell)
            (sent,) = shell.sent()
            self.assertEqual(values(sent.fields, b"Cookie"), [wanted], target)

    def test_set_cookie(self) -> None:
        """Into the jar, several at once, and never to the browser."""
        shell, fields = Shell(), ((b"Set-Cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"X-Y", b"z"))
        ending = _respond(head(), *fields, shell=shell)
        self.assertEqual(shell.cookies(), b"a=1; b=2")
        (sync,) = values(ending.fields, b"Set-Cookie")
        self.assertTrue(sync.startswith(wire.SYNC_PREFIX), sync)
        self.assertEqual(values(ending.fields, b"X-Y"), [b"z"])

    def test_playlists(self) -> None:
        """A range that is the whole of one is edited and no range any more; others pass."""
        hls = (b"Content-Type", b"application/vnd.apple.mpegurl")
        whole, part = (b"Content-Range", b"bytes 0-4/5"), (b"Content-Range", b"bytes 1-4/5")
        unknown = (b"Content-Range", b"bytes 0-4/*")
        mp4, saved = (b"Content-Type", b"video/mp4"), (b"Content-Disposition", b"attachment")
        table: list[tuple[str, int, tuple[tuple[bytes, bytes], ...], bool, int]] = [
            ("video", 200, (hls,), True, 200),
            ("video", 206, (hls, whole), True, 200),
            ("audio", 206, (hls, part), False, 206),
            ("video", 206, (hls, unknown), False, 206),
            ("video", 206, (mp4, whole), False, 206),
            ("video", 206, (HTML, whole), False, 206),
            ("empty", 200, (hls,), False, 200),
            ("iframe", 200, (hls,), True, 200),
            ("iframe", 200, (hls, saved), False, 200),
        ]
        for destination, status, fields, edits, wanted in table:
            request = head("/a", sec_fetch_dest=destination)
            ending = _respond(request, *fields, status=status)
            case = (destination, status, fields)
            self.assertEqual((ending.plan.edits, ending.status), (edits, wanted), case)
            ranges = [] if edits else values(list(fields), b"Content-Range")
            self.assertEqual(values(ending.fields, b"Content-Range"), ranges)
            self.assertEqual(values(ending.fields, b"Content-Length"), [] if edits else [b"5"])

    def test_media_keep_their_ranges(self) -> None:
        """What a player asks for goes up as it asked: seldom is it a playlist."""
        shell = Shell()
        request = head(
            "/a.mp4",
            sec_fetch_dest="video",
            range="bytes=0-",
            accept_encoding="identity",
            if_range='"a"',
        )
        _respond(request, (b"Content-Type", b"video/mp4"), status=206, shell=shell)
        sent = next(one for one in shell.needs if isinstance(one, Connect)).fields
        for name, value in (
            (b"Range", b"bytes=0-"),
            (b"If-Range", b'"a"'),
            (b"Accept-Encoding", b"identity"),
        ):
            self.assertEqual(values(sent, name), [value])

    def test_xml_without_the_runtime(self) -> None:
        """It is shown, its URLs mapped, and runs no script."""
        ending = _respond(frame(), (b"Content-Type", b"text/xml"))
        (policy,) = (one for one in values(ending.fields, CSP) if one.startswith(b"sandbox"))
        self.assertNotIn(b"allow-scripts", policy)
        self.assertIn(b"allow-same-origin", policy)
        self.assertTrue(ending.plan.edits)
        self.assertEqual(ending.plan.markup, b"")

    def test_codings(self) -> None:
        """A document is asked for in codings that can be read; the rest as the client asks."""
        for request, accepted, wanted in (
            (frame, "gzip, br", b"gzip, br"),
            (frame, "zstd, deflate", b"deflate, zstd"),
            (frame, "compress", b"identity"),
            (frame, "", b"identity"),
            (head, "br", b"br"),
        ):
            _, shell = play(http_exchange, request(accept_encoding=accepted))
            self.assertEqual(values(shell.sent()[0].fields, b"Accept-Encoding"), [wanted])


class EditTests(SynchronousTestCase):
    """Which bodies are edited."""

    def test_destinations(self) -> None:
        """HTML for a document or frame, never for a script or an image."""
        table = {
            "iframe": True,
            "frame": True,
            "embed": True,
            "object": True,
            "empty": False,
            "script": False,
            "image": False,
            "": False,
        }
        for destination, wanted in table.items():
            request = head(sec_fetch_dest=destination, sec_fetch_mode="no-cors")
            self.assertEqual(_respond(request, HTML).plan.edits, wanted, destination)
        old = head(
            sec_fetch_dest="",
            sec_fetch_mode="",
            sec_fetch_site="",
            accept="text/html,*/*",
            referer=f"{SECURE}/",
        )
        self.assertTrue(_respond(old, HTML).plan.edits)

    def test_bodies(self) -> None:
        """HTML and XHTML in a coding that can be read, whole, and shown rather than saved."""
        table: list[tuple[bool, int, tuple[tuple[bytes, bytes], ...]]] = [
            (True, 200, (HTML,)),
            (True, 404, (HTML,)),
            (True, 200, ((b"Content-Type", b"application/xhtml+xml"),)),
            (True, 200, (HTML, (b"Content-Encoding", b"gzip"))),
            (True, 200, (HTML, (b"Content-Encoding", b"deflate"))),
            (True, 200, (HTML, (b"Content-Encoding", b"br"))),
            (True, 200, ((b"Content-Type", b"image/svg+xml"),)),
            (True, 200, ((b"Content-Type", b"text/html; charset=utf-16"),)),
            (True, 200, (HTML, (b"Content-Disposition", b"inline; filename=attachment"))),
            (False, 200, ()),
            (False, 200, ((b"Content-Type", b"text/plain"),)),
            (False, 200, ((b"Content-Type", b"application/json"),)),
            (False, 200, (HTML, (b"Content-Encoding", b"compress"))),
            (False, 200, (HTML, (b"Content-Encoding", b"gzip, gzip"))),
            (False, 200, (HTML, (b"Content-Disposition", b" Attachment; filename=x"))),
            (False, 204, (HTML,)),
            (False, 205, (HTML,)),
            (False, 206, (HTML,)),
            (False, 304, (HTML,)),
        ]
        for wanted, status, fields in table:
            ending = _respond(frame(), *fields, status=status)
            self.assertEqual(ending.plan.edits, wanted, (status, fields))
            self.assertEqual(pipeline_for(ending.plan) is not None, wanted)
            self.assertEqual((ending.status, ending.reason), (status, b"Reason"))

    def test_codings(self) -> None:
        """Decoded from the upstream's, and out in the one that the client likes best."""
        gzip = (b"Content-Encoding", b"gzip")
        for accept, wanted in (
            ("gzip, deflate, br, zstd", b"br"),
            ("gzip, zstd", b"zstd"),
            ("gzip", b"gzip"),
            ("deflate", None),
            ("", None),
            ("gzip;q=0", None),
        ):
            ending = _respond(frame(accept_encoding=accept), HTML, gzip)
            out = (wanted or b"identity").decode()
            self.assertEqual((ending.plan.coding, ending.plan.coding_out), ("gzip", out), accept)
            found = values(ending.fields, b"Content-Encoding")
            self.assertEqual(found, [wanted] if wanted else [], accept)
        self.assertEqual(ending.plan.ratio, context().settings.expansion_ratio)
        for request, field in ((head, b"br"), (frame, b"gzip, gzip")):
            plain = _respond(request(accept_encoding="gzip, br"), (b"Content-Encoding", field))
            self.assertEqual(values(plain.fields, b"Content-Encoding"), [field])

    def test_head(self) -> None:
        """HEAD has the fields of GET and no body to edit."""
        ending = _respond(frame(method=b"HEAD", accept_encoding="br"), HTML, length=None)
        self.assertFalse(ending.plan.edits)
        self.assertEqual(values(ending.fields, b"Content-Encoding"), [b"br"])
        self.assertEqual(values(ending.fields, b"Content-Length"), [])
        got = _respond(frame(accept_encoding="br"), HTML, length=None)
        self.assertEqual(got.fields, ending.fields)

    def test_what_cannot_be_read_may_not_act(self) -> None:
        """A document that passes as it is comes with a policy that lets no script run."""
        for fields in (
            (),
            ((b"Content-Type", b"text/plain"),),
            (HTML, (b"Content-Encoding", b"br, gzip")),
        ):
            found = values(_respond(frame(), *fields).fields, CSP)
            self.assertIn(b"script-src 'none'", found, fields)
        self.assertNotIn(b"script-src 'none'", values(_respond(frame(), HTML).fields, CSP))
        self.assertNotIn(b"script-src 'none'", values(_respond(head(), HTML).fields, CSP))

    def test_integrity(self) -> None:
        """The digest goes into the plan and not upstream."""
        shell = Shell()
        request = head("/a.css?x&__gwi=sha256-a%2Bb", sec_fetch_dest="style")
        ending = _respond(request, (b"Content-Type", b"text/css"), shell=shell)
        self.assertEqual(ending.plan.integrity, "sha256-a+b")
        (sent,) = shell.sent()
        assert isinstance(sent, Connect)
        self.assertEqual(sent.target, b"/a.css?x")
        assert ending.plan.place is not None
        self.assertEqual(ending.plan.place.url, f"{SITE}/a.css?x")

    def test_integrity_of_what_cannot_be_read(self) -> None:
        """A sheet whose digest nobody could verify is not passed on."""
        css = (b"Content-Type", b"text/css")
        for fields in (
            (css, (b"Content-Encoding", b"gzip, gzip")),
            (css, (b"Content-Encoding", b"br, gzip")),
            ((b"Content-Type", b"text/html"),),  # a sheet to a document in quirks mode
        ):
            shell = Shell({Connect: UpstreamHead(200, b"R", fields, 5)})
            request = head("/a.css?__gwi=sha256-x", sec_fetch_dest="style")
            ending, _ = play(http_exchange, request, context(), shell)
            if isinstance(ending, Respond):
                self.assertTrue(ending.plan.edits and ending.plan.integrity, fields)


class FieldTests(SynchronousTestCase):
    """The fields that go with it."""

    def test_length(self) -> None:
        """Told only for a body that passes as it is, by its known length, once."""
        sent = (b"Content-Length", b"99")
        table = [
            (head(), 200, 5, [b"5"]),
            (head(), 200, 0, [b"0"]),
            (head(), 200, None, []),
            (head(), 206, 5, [b"5"]),
            (head(method=b"HEAD"), 200, 5, [b"5"]),
            (head(), 204, 0, []),
            (head(), 205, 5, []),
            (head(), 304, 5, []),
            (frame(), 200, 5, []),
        ]
        for request, status, length, wanted in table:
            ending = _respond(request, HTML, sent, status=status, length=length)
            found = values(ending.fields, b"Content-Length")
            self.assertEqual(found, wanted, (request, status, length))

    def test_the_runtime_is_admitted_where_it_is(self) -> None:
        """By its URL on the one host that has it, in an edited document alone."""
        policy = (CSP, b"script-src 'self'")
        url = f"{SECURE}{context().runtime_path}".encode()
        edited = values(_respond(frame(), HTML, policy).fields, CSP)
        self.assertIn(url, edited[0].split())
        for request, fields in ((head(), (HTML, policy)), (frame(), (policy,))):
            passed = values(_respond(request, *fields).fields, CSP)
            self.assertEqual(passed[0], b"script-src 'self'")

    def test_containment_is_everywhere(self) -> None:
        """On every response, edited or not, whatever its status."""
        for request in (head(), frame()):
            for status in (200, 204, 304, 404, 500):
                found = values(_respond(request, HTML, status=status).fields, CSP)
                self.assertEqual(len(found), 1, status)
                self.assertIn(f"default-src https://*{SUFFIX}".encode(), found[0])

    def test_vary(self) -> None:
        """What is edited for one use and not for another says so to the browser's cache."""
        public = (b"Cache-Control", b"public, max-age=3600")
        for use, field in (
            ("iframe", HTML),
            ("style", (b"Content-Type", b"text/css")),
            ("worker", (b"Content-Type", b"text/javascript")),
            ("manifest", (b"Content-Type", b"application/json")),
        ):
            for destination in (use, "empty"):
                ending = _respond(head(sec_fetch_dest=destination), field, public)
                kept = values(ending.fields, b"Cache-Control")
                vary = b", ".join(values(ending.fields, b"Vary")).lower()
                if kept == [public[1]]:
                    self.assertIn(b"sec-fetch-dest", vary, (use, destination))
                self.assertEqual(b"accept-encoding" in vary, ending.plan.edits)

    def test_link_is_left_to_script(self) -> None:
        """What script fetched keeps its Link; a page's is collapsed."""
        link = (b"Link", b"<https://other.example/a>; rel=preload")
        kept = values(_respond(head(), HTML, link).fields, b"Link")
        self.assertEqual(kept, [link[1]])
        mapped = values(_respond(frame(), HTML, link).fields, b"Link")
        self.assertIn(f"<https://https-other-example{SUFFIX}/a>".encode(), mapped[0])

    def test_redirects(self) -> None:
        """A Location is collapsed; relative to the site it stays."""
        for value, wanted in (
            (b"https://other.example/x?y", f"https://https-other-example{SUFFIX}/x?y".encode()),
            (b"/x", b"/x"),
        ):
            ending = _respond(frame(), (b"Location", value), status=302)
            self.assertEqual(values(ending.fields, b"Location"), [wanted])


def _attested(session: Session | None) -> dict[str, object]:
    """What a page of a session carries when the shell's first random octets are ones."""
    nonce = encode(b"\x01" * 12).decode()
    token = Token(session.pair if session else b"", SITE, "", NOW)
    proof = page_proof(session.ickt(KEYS), nonce, PAGE_ORIGIN).decode() if session else ""
    text = seal_token(KEYS, KEYS.newest, token, b"\x01" * 12)
    return {"nonce": nonce, "proof": proof, "token": text, "made": NOW}


class PayloadTests(SynchronousTestCase):
    """What the runtime is told."""

    def test_content(self) -> None:
        """The origin and where the gateway is; of the session only what attests the page."""
        ending = _respond(frame(), HTML)
        tokens = write_tokens(KEYS, USER, DATR.generation).all_of(origin(SITE), SUFFIXES)
        self.assertEqual(list(tokens), ["shop.example.com", "example.com"])
        self.assertEqual(
            _payload(ending),
            {
                "v": 1, "origin": SITE, "cookie": "", "suffix": SUFFIX, "port": "",
                "secure": SECURE, "rare": SECURE + context().rare_path,
                "renew": Settings().token_seconds // 4, "cookies": [], "write": tokens,
                "seen": "", "path": "/p",
                **_attested(Session(ICK, DATR)),
            },
        )  # fmt: skip
        markup = ending.plan.markup or b""
        runtime = SECURE + context().runtime_path
        self.assertIn(
            f'<script src="{runtime}" integrity="sha256-rUnT1me=" crossorigin=""'.encode(), markup
        )

    def test_cookies(self) -> None:
        """Those that script may see here, after this response's own Set-Cookie."""
        shell = Shell()
        shell.put(b"a=1; Path=/", b"h=2; Path=/; HttpOnly", b"deep=3; Path=/deep", b"b=0; Path=/")
        fields = (
            (b"Set-Cookie", b"new=4; Path=/"),
            (b"Set-Cookie", b"b=5; Path=/"),
            (b"Set-Cookie", b"x=6; Path=/; HttpOnly"),
        )
        ending = _respond(frame(), HTML, *fields, shell=shell)
        payload = _payload(ending)
        self.assertEqual(payload["cookie"], "a=1; b=5; new=4")
        rows = [
            ["deep", "3", "", "/deep", None, 0, "lax", 0],
            ["a", "1", "", "/", None, 0, "lax", 0],
            ["b", "5", "", "/", None, 0, "lax", 0],
            ["new", "4", "", "/", None, 0, "lax", 0],
        ]
        self.assertEqual((payload["cookies"], payload["at"]), (rows, 2))

    def test_rows(self) -> None:
        """Everything that a script may know of a cookie; what ends soon is looked at each time."""
        for field, row, seen in (
            (b"a=1; Domain=example.com; Secure; SameSite=Strict; Max-Age=3600",
             ["a", "1", "example.com", "/", NOW + 3600, 1, "strict", 0], ""),
            (b"a=1; Secure; SameSite=None; Partitioned; Max-Age=3599",
             ["a", "1", "", "/", NOW + 3599, 1, "none", 1], None),
        ):  # fmt: skip
            payload = _payload(_respond(frame(), HTML, (b"Set-Cookie", field)))
            self.assertEqual((payload["cookies"], payload.get("seen")), ([row], seen))

    def test_anonymous(self) -> None:
        """Without a session there are none, whatever the site sets."""
        payload = _payload(_respond(frame(session=False), HTML, (b"Set-Cookie", b"a=1")))
        self.assertEqual((payload["cookie"], payload["cookies"]), ("", []))
        self.assertFalse({"write", "at", "seen"} & payload.keys())
        ending = _respond(frame(session=False), HTML, (b"Set-Cookie", b"a=1"))
        payload = _payload(ending)
        self.assertEqual(payload["cookie"], "")
        self.assertEqual({name: payload[name] for name in _attested(None)}, _attested(None))

    def test_a_cookie_cannot_end_the_element(self) -> None:
        """A hostile value comes back as it is, and the page as it was, in its place."""
        shell, evil = Shell(), b"</script><script>alert(1)//--><!--"
        shell.put(b"a=" + evil)
        ending = _respond(frame(), HTML, shell=shell)
        self.assertEqual(_payload(ending)["cookie"], "a=" + evil.decode())
        pipeline = pipeline_for(ending.plan)
        assert pipeline is not None
        page = pour(pipeline, [b"<head><title>T</title>"])
        self.assertNotIn(b"alert(1)", PAYLOAD.sub(b"", page))
        self.assertEqual(page.count(b"</script>"), 2)
        self.assertTrue(page.startswith(b"<head>" + guard_markup() + b"<script type="))
        self.assertTrue(page.endswith(b"</script><title>T</title>"))

    def test_octets_that_are_no_text(self) -> None:
        """A value that is not UTF-8 does not break the page."""
        shell = Shell()
        shell.put(b"a=\xff\xe9")
        self.assertEqual(_payload(_respond(frame(), HTML, shell=shell))["cookie"], "a=\ufffd\ufffd")


class FormsOfTheOuterFrame(SynchronousTestCase):
    """A page's form for another window is sent by the outer frame, in the page's name."""

    def _sent(self, **more: Any) -> Connect:
        given = {
            "method": b"POST",
            "sec_fetch_site": "same-site",
            "sec_fetch_dest": "iframe",
            "sec_fetch_mode": "navigate",
            "origin": SECURE,
            **more,
        }
        _, shell = play(http_exchange, head("/a", **given))
        (sent,) = shell.sent()
        assert isinstance(sent, Connect)
        return sent

    def test_origin(self) -> None:
        """The token says whose form it is: the site sees that page's origin, not another."""
        pair = Session(ICK, DATR).pair
        for page, site in ((SITE, b"same-origin"), ("https://other.test", b"cross-site")):
            sent = self._sent(token=token_text(pair, page))
            self.assertEqual(values(sent.fields, b"Origin"), [page.encode()])
            self.assertEqual(values(sent.fields, b"Sec-Fetch-Site"), [site])

    def test_only_with_a_token(self) -> None:
        """Nothing else that comes from the outer frame has a page's name."""
        sent = self._sent(method=b"GET", token=token_text(Session(ICK, DATR).pair))
        self.assertEqual(values(sent.fields, b"Origin"), [b"null"])
        ending, _ = play(http_exchange, head("/a", method=b"POST", token="", origin=SECURE))
        self.assertIsInstance(ending, Refuse)

    def test_a_page_speaks_for_itself(self) -> None:
        """A page's own Origin stands, and must be the token's."""
        token = token_text(Session(ICK, DATR).pair, "https://other.test")
        ending, _ = play(http_exchange, head("/a", method=b"POST", token=token, origin=PAGE_ORIGIN))
        self.assertIsInstance(ending, Refuse)
