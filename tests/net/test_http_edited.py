"""Edited bodies through a whole gateway: codings, streaming, conditions, faults."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import zlib
from typing import Any

import brotli

from gateway import wire
from gateway.rewrite.coding import READABLE, decoder_for, encoder_for
from gateway.rewrite.inject import guard_markup
from tests.net.harness import SHOP, Gateway, GatewayCase, request
from tests.net.raw import Connection, Message, Origin, reply, until
from tests.rewrite import pour, run

CDN = "https://cdn.site.example/x"
HTML = b"Content-Type: text/html; charset=utf-8"
CSS = b"Content-Type: text/css"
FRAME = (b"Sec-Fetch-Dest: iframe", b"Sec-Fetch-Mode: navigate", b"Sec-Fetch-Site: same-origin")
STYLE = (b"Sec-Fetch-Dest: style", b"Sec-Fetch-Mode: no-cors", b"Sec-Fetch-Site: same-origin")
SCRIPT = (b"Sec-Fetch-Dest: empty", b"Sec-Fetch-Mode: cors", b"Sec-Fetch-Site: same-origin")
ALL = b"Accept-Encoding: gzip, deflate, br, zstd"
PAGE = (
    f"<!doctype html><head><title>ä</title></head><p><a href='{CDN}'>link</a>".encode()
    + b"<p>text " * 2000
)
SHEET = f"a {{ background: url({CDN}) }}\n".encode() * 100


def coded(name: str, data: bytes) -> bytes:
    """The data in a content coding."""
    coder = encoder_for(name)
    return zlib.compress(data) if name == "deflate" else run(coder, [data]) if coder else data


def decoded(answer: Message) -> bytes:
    """The body of an answer without its coding."""
    decoder = decoder_for((answer.get(b"content-encoding") or b"").decode(), 10**6)
    assert decoder is not None
    return pour(decoder, [answer.body])


class EditedCase(GatewayCase):
    """One origin whose answers are edited."""

    async def shop(self, answer: Any, **more: Any) -> tuple[Gateway, Origin]:
        """A gateway and the origin behind it."""
        origin = Origin(answer)
        return await self.gateway({SHOP: origin}, **more), origin

    async def started(self, gateway: Gateway, *fields: bytes, path: str = "/") -> Connection:
        """A connection on which a request was sent."""
        client = await gateway.connect()
        client.write(request(SHOP + path, b"Cookie: " + gateway.cookie, *fields))
        return client

    async def fails(self, gateway: Gateway, *fields: bytes, path: str = "/", why: str) -> bytes:
        """The answer breaks off and never looks whole; returns what came."""
        seen = len(gateway.telemetry.accesses)
        client = await self.started(gateway, *fields, path=path)
        await client.closed()
        self.assertNotIn(b"\r\n0\r\n\r\n", client.buffer)
        await until(lambda: len(gateway.telemetry.accesses) > seen)
        self.assertEqual(gateway.telemetry.accesses[-1]["failure"], why)
        return client.buffer


class CodingTests(EditedCase):
    """Whatever coding a page comes in, it goes out in the client's best."""

    async def test_codings(self) -> None:
        """Every one in, every one out, with the links mapped and the runtime in place."""
        cases = {f"/{name}": coded(name, PAGE) for name in ("identity", *READABLE)}

        def answer(seen: Message) -> bytes:
            name = seen.target[1:]
            return reply(cases[seen.target.decode()], HTML, b"Content-Encoding: " + name)

        gateway, origin = await self.shop(answer)
        for path in cases:
            for accepted, wanted in (
                (b"gzip, deflate, br, zstd", b"br"),
                (b"gzip, zstd", b"zstd"),
                (b"gzip", b"gzip"),
                (b"identity", None),
            ):
                fields = (*FRAME, b"Accept-Encoding: " + accepted)
                found = await gateway.ask(SHOP + path, *fields)
                self.assertEqual(found.get(b"content-encoding"), wanted, (path, accepted))
                self.assertIsNone(found.get(b"content-length"))
                page = decoded(found)
                start = b"<head>" + guard_markup() + b'<script type="application/json" id="__gw">'
                self.assertIn(start, page)
                self.assertNotIn(CDN.encode(), page)
                self.assertIn(b"https://https-cdn-site-example.0.gateway.test", page)
                self.assertTrue(page.endswith(PAGE[-1000:]), (path, accepted))
        offered = {seen.get(b"accept-encoding") for seen in origin.requests}
        wanted_upstream = {b"gzip, deflate, br, zstd", b"gzip, zstd", b"gzip", b"identity"}
        self.assertEqual(offered, wanted_upstream)

    async def test_script_gets_the_octets(self) -> None:
        """What script fetches passes byte for byte, in its own coding, with its validators."""
        for kind, body in ((HTML, PAGE), (CSS, SHEET)):
            packed = brotli.compress(body)
            gateway, _ = await self.shop(reply(packed, kind, b"Content-Encoding: br", b'ETag: "a"'))
            found = await gateway.ask(SHOP, *SCRIPT, ALL)
            self.assertEqual(found.body, packed)
            self.assertEqual(found.get(b"content-encoding"), b"br")
            self.assertEqual(found.get(b"etag"), b'"a"')
            self.assertEqual(found.get(b"content-length"), b"%d" % len(packed))

    async def test_sheets_and_workers(self) -> None:
        """A sheet is mapped; a worker's script has ours before it."""
        script = b"self.onmessage = 1;\n"
        answers = {
            b"/a.css": reply(SHEET, CSS),
            b"/w.js": reply(script, b"Content-Type: text/javascript"),
        }
        gateway, _ = await self.shop(lambda seen: answers[seen.target])
        sheet = decoded(await gateway.ask(f"{SHOP}/a.css", *STYLE, ALL))
        self.assertNotIn(CDN.encode(), sheet)
        self.assertEqual(sheet.count(b"https-cdn-site-example"), 100)
        fields = (b"Sec-Fetch-Dest: worker", b"Sec-Fetch-Site: same-origin")
        worker = decoded(await gateway.ask(f"{SHOP}/w.js", *fields, ALL))
        self.assertTrue(worker.endswith(script))
        self.assertGreater(len(worker), len(script) + 100)

    async def test_head(self) -> None:
        """HEAD tells the coding and validator that GET would have, and the connection lives on."""
        gateway, _ = await self.shop(
            lambda seen: (
                reply(PAGE, HTML, b'ETag: "a"')[: -len(PAGE)]
                if seen.line.startswith(b"HEAD")
                else reply(PAGE, HTML, b'ETag: "a"')
            )
        )
        client = await gateway.connect()
        cookie = b"Cookie: " + gateway.cookie
        client.write(request(SHOP, cookie, *FRAME, ALL, method=b"HEAD"))
        looked = await client.response(bodyless=True)
        client.write(request(SHOP, cookie, *FRAME, ALL))
        got = await client.response()
        for name in (b"content-encoding", b"etag", b"content-type", b"content-length"):
            self.assertEqual(looked.get(name), got.get(name), name)
        self.assertEqual(looked.get(b"content-encoding"), b"br")


class StreamTests(EditedCase):
    """Pages leave as they come."""

    async def test_first_octets(self) -> None:
        """Of the first 4 KiB something is out before the rest is there, in every coding."""
        started = b"<!doctype html><head>" + guard_markup() + b"<script"
        for name in ("identity", "gzip", "br", "zstd"):
            coder = encoder_for(name)
            first = PAGE[:4096] if coder is None else coder.feed(PAGE[:4096])
            head = b"HTTP/1.1 200 OK\r\n" + HTML + b"\r\nContent-Encoding: " + name.encode()
            sent = head + b"\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (
                len(first),
                first,
            )
            gateway, origin = await self.shop(lambda seen, sent=sent: sent)
            for accepted in (b"br", b"gzip", b"identity"):
                client = await self.started(gateway, *FRAME, b"Accept-Encoding: " + accepted)
                decoder = decoder_for(accepted.decode(), 10**6)
                assert decoder is not None
                begun = b""

                def is_begun(client: Connection = client) -> bool:
                    nonlocal begun
                    _, _, body = client.buffer.partition(b"\r\n\r\n")
                    size, _, rest = body.partition(b"\r\n")
                    begun = rest[: int(size or b"0", 16)]
                    return bool(size) and len(begun) == int(size, 16)

                await until(is_begun)
                begun = b"".join(decoder.feed(begun))
                self.assertTrue(begun.startswith(started), begun[:60])
                self.assertFalse(origin.connections[-1].ended)
                client.transport.abortConnection()

    async def test_trickle(self) -> None:
        """Each piece that an origin sends later arrives without its successor."""
        gateway, origin = await self.shop(lambda seen: None)
        client = await self.started(gateway, *FRAME, b"Accept-Encoding: identity")
        await until(lambda: origin.requests)
        head = b"HTTP/1.1 200 OK\r\n" + HTML + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
        origin.connections[0].write(head)
        for number in range(5):
            piece = b"<p>piece %d</p>" % number
            origin.connections[0].write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await until(lambda piece=piece: piece in client.buffer)
        origin.connections[0].write(b"0\r\n\r\n")
        self.assertEqual((await client.response()).status, 200)


class FaultTests(EditedCase):
    """Bodies that are not what they say."""

    async def test_truncated(self) -> None:
        """A coded page that is cut off never looks whole, though HTTP says that it is."""
        for name in READABLE:
            packed = coded(name, PAGE)[:-4]
            fields = (HTML, b"Content-Encoding: " + name.encode())
            gateway, _ = await self.shop(reply(packed, *fields))
            await self.fails(gateway, *FRAME, ALL, why="UpstreamFault")

    async def test_corrupt(self) -> None:
        """Nor does one that is no such coding."""
        for name in READABLE:
            fields = (HTML, b"Content-Encoding: " + name.encode())
            gateway, _ = await self.shop(reply(PAGE, *fields))
            await self.fails(gateway, *FRAME, ALL, why="UpstreamFault")

    async def test_bombs(self) -> None:
        """A body that expands without end is cut, soon."""
        for name, packed in (
            ("br", brotli.compress(b"<head>" + bytes(500_000_000), quality=1)),
            ("gzip", gzip.compress(b"<head>" + bytes(200_000_000), 9)),
        ):
            fields = (HTML, b"Content-Encoding: " + name.encode())
            gateway, _ = await self.shop(reply(packed, *fields))
            accept = b"Accept-Encoding: gzip, br"
            got = await self.fails(gateway, *FRAME, accept, why="UpstreamTooLarge")
            self.assertLess(len(got), 1_000_000, name)

    async def test_broken_off(self) -> None:
        """A page whose connection broke off never looks whole, in whatever coding it goes out."""
        data = (
            b"HTTP/1.1 200 OK\r\n"
            + HTML
            + b"\r\nContent-Length: 99999\r\nConnection: close\r\n\r\n"
        )
        gateway, _ = await self.shop(data + PAGE[:5000])
        for accepted in (b"br", b"gzip", b"identity"):
            encoding = b"Accept-Encoding: " + accepted
            await self.fails(gateway, *FRAME, encoding, why="UpstreamFault")

    async def test_a_fault_of_our_own(self) -> None:
        """An error while editing, here or in a thread, cuts the connection at once."""
        for size in (10_000, 2_000_000):
            gateway, _ = await self.shop(reply(b"x" * size, HTML))
            self.patch_rewriter(size)
            await self.fails(gateway, *FRAME, ALL, why="LocalFault")

    def patch_rewriter(self, size: int) -> None:
        """Have the rewriter fail when so much was fed."""
        from gateway.rewrite.html import HtmlRewriter

        feed, fed = HtmlRewriter.feed, [0]

        def broken(rewriter: HtmlRewriter, data: bytes) -> bytes:
            fed[0] += len(data)
            if fed[0] >= size:
                raise RecursionError("odd")
            return feed(rewriter, data)

        self.patch(HtmlRewriter, "feed", broken)


class IntegrityTests(EditedCase):
    """Digests that the gateway verifies."""

    async def test_integrity(self) -> None:
        """The right sheet passes, mapped; of a wrong one nothing does."""
        digest = base64.urlsafe_b64encode(hashlib.sha384(SHEET).digest()).decode()
        gateway, origin = await self.shop(reply(SHEET, CSS))
        good = await gateway.ask(
            f"{SHOP}/a.css?x&{wire.INTEGRITY_PARAMETER}=sha384-{digest}", *STYLE
        )
        self.assertEqual(good.body.count(b"https-cdn-site-example"), 100)
        self.assertEqual(origin.requests[-1].target, b"/a.css?x")
        bad = f"/a.css?{wire.INTEGRITY_PARAMETER}=sha384-AAAA"
        got = await self.fails(gateway, *STYLE, path=bad, why="UpstreamFault")
        self.assertNotIn(b"background", got)


class ConditionTests(EditedCase):
    """A browser that asks again."""

    def page(self, seen: Message, *fields: bytes) -> bytes:
        """A page with a validator, or 304."""
        if seen.get(b"if-none-match") == b'"v1"' or seen.get(b"if-modified-since") == b"then":
            return b"\r\n".join((b'HTTP/1.1 304 Not Modified\r\nETag: "v1"', *fields, b"", b""))
        return reply(PAGE, HTML, b'ETag: "v1"')

    async def again(self, gateway: Gateway, first: Message, *fields: bytes) -> Message:
        """The same page with the validator that the first answer gave."""
        etag = first.get(b"etag")
        assert etag is not None
        return await gateway.ask(SHOP, *FRAME, ALL, b"If-None-Match: " + etag, *fields)

    async def test_not_modified(self) -> None:
        """The second request is answered 304 by the origin, without a body to edit."""
        gateway, origin = await self.shop(self.page)
        first = await gateway.ask(SHOP, *FRAME, ALL)
        self.assertEqual(first.get(b"cache-control"), b"private, no-cache")
        self.assertIsNone(first.get(b"last-modified"))
        for _ in range(2):
            again = await self.again(gateway, first)
            self.assertEqual((again.status, again.body), (304, b""))
            self.assertEqual(again.get(b"etag"), first.get(b"etag"))
            self.assertIsNone(again.get(b"content-encoding"))
            self.assertEqual(origin.requests[-1].get(b"if-none-match"), b'"v1"')
        self.assertEqual(len(origin.requests), 3)

    async def test_only_dated(self) -> None:
        """An origin that knows dates alone is asked by its date."""
        dated = reply(PAGE, HTML, b"Last-Modified: then")
        not_modified = b"HTTP/1.1 304 Not Modified\r\nLast-Modified: then\r\n\r\n"
        gateway, _ = await self.shop(
            lambda seen: not_modified if seen.get(b"if-modified-since") == b"then" else dated
        )
        first = await gateway.ask(SHOP, *FRAME, ALL)
        again = await self.again(gateway, first)
        self.assertEqual((again.status, again.get(b"etag")), (304, first.get(b"etag")))
        self.assertIsNone(again.get(b"last-modified"))

    async def test_cookies_changed(self) -> None:
        """When another tab changed the page's cookies the page comes whole."""

        def answer(seen: Message) -> bytes:
            if seen.target == b"/set":
                return reply(b"", b"Set-Cookie: a=1; Path=/")
            return self.page(seen)

        gateway, origin = await self.shop(answer)
        first = await gateway.ask(SHOP, *FRAME, ALL)
        await gateway.ask(f"{SHOP}/set", *SCRIPT)
        again = await self.again(gateway, first)
        self.assertEqual(again.status, 200)
        self.assertTrue(b'"cookie":"a=1"' in decoded(again))
        self.assertIsNone(origin.requests[-1].get(b"if-none-match"))
        self.assertEqual((await self.again(gateway, again)).status, 304)

    async def test_set_by_the_304(self) -> None:
        """A 304 that changes the page's cookies is followed by a request for the page itself."""
        gateway, origin = await self.shop(lambda seen: self.page(seen, b"Set-Cookie: n=1; Path=/"))
        first = await gateway.ask(SHOP, *FRAME, ALL)
        client = await gateway.connect()
        etag = first.get(b"etag") or b""
        fields = (b"Cookie: " + gateway.cookie, *FRAME, ALL, b"If-None-Match: " + etag)
        client.write(request(SHOP, *fields))
        again = await client.response()
        self.assertEqual(again.status, 200)
        self.assertTrue(decoded(again).endswith(PAGE[-100:]))
        conditions = [seen.get(b"if-none-match") for seen in origin.requests]
        self.assertEqual(conditions, [None, b'"v1"', None])
        # The connection lives on.
        client.write(request(SHOP, b"Cookie: " + gateway.cookie, *FRAME, ALL))
        self.assertEqual((await client.response()).status, 200)

    async def test_the_page_sees_what_the_304_set(self) -> None:
        """The page that then comes is told of the new cookie."""
        gateway, _ = await self.shop(lambda seen: self.page(seen, b"Set-Cookie: n=1; Path=/"))
        first = await gateway.ask(SHOP, *FRAME, ALL)
        again = await self.again(gateway, first)
        self.assertTrue(b'"cookie":"n=1"' in decoded(again))

    async def test_another_session(self) -> None:
        """A validator of one session is none in another."""
        gateway, origin = await self.shop(self.page)
        first = await gateway.ask(SHOP, *FRAME, ALL)
        gateway.cookie = gateway.new_session()
        again = await self.again(gateway, first)
        self.assertEqual((again.status, origin.requests[-1].get(b"if-none-match")), (200, None))


class OwnTests(EditedCase):
    """What the gateway itself serves to pages."""

    async def test_reports(self) -> None:
        """Counted by directive; garbage is counted, too, and no fault."""
        gateway, origin = await self.shop(reply(b""))
        report = json.dumps({"csp-report": {"effective-directive": "img-src"}}).encode()
        for body, directive in (
            (report, "img-src"),
            (b"\xff", "other"),
            (b"[" * 5000, "other"),
            (b"", "other"),
        ):
            before = self.leaks(gateway, directive)
            fields = (b"Content-Type: application/csp-report",)
            url = SHOP + wire.REPORT_PATH
            answer = await gateway.ask(url, *fields, method=b"POST", body=body)
            self.assertEqual((answer.status, answer.body), (204, b""))
            self.assertEqual(self.leaks(gateway, directive), before + 1, body[:40])
        answer = await gateway.ask(url, *fields, method=b"POST", body=report + b" " * 200_000)
        self.assertEqual(answer.status, 413)
        self.assertEqual(origin.requests, [])

    def leaks(self, gateway: Gateway, directive: str) -> float:
        """How many were counted."""
        return gateway.telemetry.value("gateway_leaks_total", directive=directive)

    async def test_labels(self) -> None:
        """The label of an origin that has no readable one."""
        gateway, _ = await self.shop(reply(b""))
        url = f"{SHOP}{wire.LABEL_PATH}?o=https%3A%2F%2Funder_score.example"
        answer = await gateway.ask(url, *SCRIPT)
        self.assertEqual(answer.status, 200)
        self.assertRegex(answer.body.decode(), r"\A[a-z0-9-]{20,63}\Z")

    async def test_the_worker_script(self) -> None:
        """It is served on the site's own host, for module workers to import."""
        gateway, _ = await self.shop(reply(b"import 'a.js'", b"Content-Type: text/javascript"))
        fields = (b"Sec-Fetch-Dest: worker", b"Sec-Fetch-Site: same-origin")
        body = (await gateway.ask(f"{SHOP}/w.js", *fields)).body
        self.assertTrue(body.startswith(b'import"'), body[:60])
        path = body.split(b'"')[1].decode()
        answer = await gateway.ask(SHOP + path, b"Sec-Fetch-Dest: script")
        self.assertEqual(answer.status, 200)
        self.assertTrue((answer.get(b"content-type") or b"").startswith(b"text/javascript"))
