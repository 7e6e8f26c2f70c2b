"""Whole requests through a whole gateway: what arrives is what was sent."""

from __future__ import annotations

import gzip

from gateway import events, wire
from tests.net.harness import DOMAIN, SHOP, GatewayCase, host_of, request
from tests.net.raw import Message, Origin, reply, until

API = "https://api.site.example"
REQUEST_ID = wire.REQUEST_ID_HEADER.lower()
OWN = b"Sec-Fetch-Site: same-origin"
BIG = bytes(range(256)) * 4096


class PassThroughTests(GatewayCase):
    """Octets of requests and responses that nothing has to change."""

    async def test_bodies(self) -> None:
        """Whatever the framing, the body arrives to the byte, compressed ones as they are."""
        zipped = gzip.compress(b"<p>text</p>" * 100)
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        cases = {
            "/length": (reply(BIG), BIG),
            "/empty": (reply(b""), b""),
            "/close": (reply(BIG, length=False), BIG),
            "/chunked": (chunked + b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", b"hello world"),
            "/gzip": (
                reply(zipped, b"Content-Encoding: gzip", b"Content-Type: text/html"),
                zipped,
            ),
            "/odd": (reply(b"\x00\xff", b"Content-Encoding: x-unknown"), b"\x00\xff"),
        }
        origin = Origin(lambda seen: cases[seen.target.decode()][0])
        gateway = await self.gateway({SHOP: origin})
        for path, (_, body) in cases.items():
            answer = await gateway.ask(SHOP + path, b"Accept-Encoding: gzip")
            self.assertEqual((answer.status, answer.body), (200, body), path)
            declared = str(len(body)).encode() if path not in {"/close", "/chunked"} else None
            self.assertEqual(answer.get(b"content-length"), declared, path)
            coding = {"/gzip": b"gzip", "/odd": b"x-unknown"}.get(path)
            self.assertEqual(answer.get(b"content-encoding"), coding, path)
        self.assertEqual(origin.requests[0].get(b"accept-encoding"), b"gzip")

    async def test_targets(self) -> None:
        """The request target arrives at the origin as it was sent, however odd."""
        origin = Origin(reply(b"x"))
        gateway = await self.gateway({SHOP: origin})
        targets = (
            "/", "//x", "//x//", "/?", "/a?", "/a;b=c?d;e", "/%zz", "/%2e%2E%2f%c3%28", "/a..b",
            "/.a", "/a?b=1&&c&=", "/a?b=/../c", "/a?b?c", "/%00", "/~!$'()*+,:@", "/a|b", '/a"b', "/a[b]{c}^`",
            "/a?x=http://y/", "/http://y/", "/\\x", "/" + "a" * 8000,
        )  # fmt: skip
        for target in targets:
            answer = await gateway.ask(SHOP + target)
            self.assertEqual(answer.status, 200, target)
            self.assertEqual(origin.requests[-1].line, b"GET %s HTTP/1.1" % target.encode())

    async def test_dot_segments(self) -> None:
        """Browsers resolve them; what a rule would be asked about is not what would be sent."""
        origin = Origin(reply(b"x"))
        gateway = await self.gateway({SHOP: origin})
        for target in ("/a/../b", "/./a", "/%2e%2E/a", "/a/.."):
            self.assertEqual((await gateway.ask(SHOP + target)).status, 403, target)
        self.assertEqual(origin.requests, [])

    async def test_status_phrases(self) -> None:
        """A phrase with controls, which Chromium would read as further fields, is not passed."""
        forged = b"OK\rSet-Cookie: __Http-ick=1" + b"A" * 43 + b"; Domain=0.gw.test; Path=/\rX: y"
        for phrase, passed in (
            (forged, b"OK"),
            (b"O\x00K", b"OK"),
            (b"x" * 5000, b"OK"),
            (b"Fine by me", b"Fine by me"),
        ):
            gateway = await self.gateway({SHOP: Origin(reply(b"x", status=b"200 " + phrase))})
            client = await gateway.connect()
            client.write(request(f"{SHOP}/a", b"Cookie: " + gateway.cookie))
            answer = await client.response()
            self.assertEqual((answer.status, answer.line), (200, b"HTTP/1.1 200 " + passed))
            self.assertIsNone(answer.get(b"set-cookie"))

    async def test_range(self) -> None:
        """Range goes up and 206 comes down with its Content-Range."""
        part = reply(
            b"cde", b"Content-Range: bytes 2-4/10", b'ETag: "a"', status=b"206 Partial Content"
        )
        origin = Origin(part)
        gateway = await self.gateway({SHOP: origin})
        answer = await gateway.ask(f"{SHOP}/a", b"Range: bytes=2-4", b'If-Range: "a"')
        self.assertEqual((answer.status, answer.body), (206, b"cde"))
        self.assertEqual(answer.get(b"content-range"), b"bytes 2-4/10")
        self.assertEqual(answer.get(b"etag"), b'"a"')
        seen = origin.requests[0]
        self.assertEqual((seen.get(b"range"), seen.get(b"if-range")), (b"bytes=2-4", b'"a"'))

    async def test_head(self) -> None:
        """HEAD tells the length that GET would have, has no body, and the connection lives on."""
        origin = Origin(
            lambda seen: reply(BIG)[: -len(BIG)] if seen.line[:4] == b"HEAD" else reply(BIG)
        )
        gateway = await self.gateway({SHOP: origin})
        client = await gateway.connect()
        for _ in range(2):
            client.write(request(f"{SHOP}/a", b"Cookie: " + gateway.cookie, method=b"HEAD"))
            answer = await client.response(bodyless=True)
            self.assertEqual((answer.status, answer.body), (200, b""))
            self.assertEqual(answer.get(b"content-length"), b"%d" % len(BIG))
        client.write(request(f"{SHOP}/a", b"Cookie: " + gateway.cookie))
        self.assertEqual((await client.response()).body, BIG)
        self.assertEqual(origin.requests[0].line, b"HEAD /a HTTP/1.1")

    async def test_not_modified(self) -> None:
        """A validator goes up, 304 comes down without a body, and the connection lives on."""
        origin = Origin(
            lambda seen: (
                b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'
                if seen.get(b"if-none-match") == b'"a"'
                else reply(b"new")
            )
        )
        gateway = await self.gateway({SHOP: origin})
        client = await gateway.connect()
        client.write(
            request(f"{SHOP}/a", b"Cookie: " + gateway.cookie, b'If-None-Match: "a"')
            + request(f"{SHOP}/a", b"Cookie: " + gateway.cookie)
        )
        answer = await client.response()
        self.assertEqual((answer.status, answer.get(b"etag")), (304, b'"a"'))
        self.assertIsNone(answer.get(b"transfer-encoding"))
        self.assertEqual((await client.response()).body, b"new")

    async def test_request_bodies(self) -> None:
        """A body arrives at the origin to the byte, with its length, however it was framed."""
        origin = Origin(reply(b"x"))
        gateway = await self.gateway({SHOP: origin})
        for method in (b"POST", b"PUT", b"PATCH", b"DELETE", b"PROPFIND"):
            for body in (b"", b"a=1", BIG):
                await gateway.ask(gateway.with_token(f"{SHOP}/a"), method=method, body=body)
                seen = origin.requests[-1]
                self.assertEqual((seen.line[: len(method)], seen.body), (method, body))
                self.assertEqual(seen.get(b"content-length"), b"%d" % len(body))
        client = await gateway.connect()
        head = request(f"{SHOP}/a", b"Cookie: " + gateway.cookie, b"Transfer-Encoding: chunked")
        client.write(head + b"3\r\nabc\r\n")
        client.write(b"2;x\r\nde\r\n0\r\nTrailer: x\r\n\r\n")
        self.assertEqual((await client.response()).status, 200)
        self.assertEqual(origin.requests[-1].body, b"abcde")

    async def test_fields(self) -> None:
        """Other fields, reason phrases and repeated fields pass; hop-by-hop ones do not."""
        origin = Origin(
            reply(b"", b"X-A: 1", b"X-A: 2", b"Keep-Alive: 5", b"X-Gateway-No: 1", b"Server: odd",
                  status=b"299 Very Odd")
        )  # fmt: skip
        gateway = await self.gateway({SHOP: origin})
        answer = await gateway.ask(f"{SHOP}/", b"X-B: 1", b"X-B: 2", b"TE: trailers", b"Via: a")
        seen = origin.requests[0]
        self.assertEqual(seen.all(b"x-b"), [b"1", b"2"])
        self.assertEqual((seen.get(b"host"), seen.get(b"te"), seen.get(b"via")),
                         (b"shop.site.example", None, None))  # fmt: skip
        self.assertEqual(answer.line, b"HTTP/1.1 299 Very Odd")
        self.assertEqual(answer.all(b"x-a"), [b"1", b"2"])
        self.assertEqual((answer.get(b"keep-alive"), answer.get(b"x-gateway-no")), (None, None))
        self.assertEqual(answer.get(b"server"), b"odd")
        self.assertEqual(answer.get(REQUEST_ID), gateway.telemetry.accesses[0]["request"].encode())

    async def test_redirects(self) -> None:
        """A redirect is not followed; its Location is the collapsed one."""
        for status in (b"301 Moved", b"302 Found", b"303 See", b"307 Temp", b"308 Perm"):
            origin = Origin(reply(b"", b"Location: https://api.site.example/x?y#z", status=status))
            api = Origin(reply(b"no"))
            gateway = await self.gateway({SHOP: origin, API: api})
            answer = await gateway.ask(f"{SHOP}/")
            self.assertEqual(answer.status, int(status[:3]))
            where = f"https://https-api-site-example.0.{DOMAIN}/x?y#z"
            self.assertEqual(answer.get(b"location"), where.encode())
            self.assertEqual(api.requests, [])

    async def test_edited_document(self) -> None:
        """A document gets its markup, decoded and encoded again; its length is not told."""
        page = b"<!doctype html><head><title>t</title></head><p>\xc3\xa4</p>"
        packed = gzip.compress(page)
        fields = (b"Content-Type: text/html; charset=utf-8", b"Content-Encoding: gzip")
        gateway = await self.gateway({SHOP: Origin(reply(packed, *fields))})
        for accepted in (b"gzip", b"identity"):
            answer = await gateway.ask(
                f"{SHOP}/", b"Sec-Fetch-Dest: iframe", b"Accept-Encoding: " + accepted
            )
            body = gzip.decompress(answer.body) if accepted == b"gzip" else answer.body
            self.assertIn(b"<title>t</title></head><p>\xc3\xa4</p>", body)
            self.assertIn(b'id="__gw"', body)
            self.assertEqual(answer.get(b"content-length"), None)

    async def test_pipelining(self) -> None:
        """Requests sent at once are answered in their order, also those with bodies."""
        origin = Origin(lambda seen: reply(seen.target + seen.body))
        gateway = await self.gateway({SHOP: origin})
        client = await gateway.connect()
        cookie = b"Cookie: " + gateway.cookie
        client.write(
            request(f"{SHOP}/1", cookie)
            + request(gateway.with_token(f"{SHOP}/2"), cookie, method=b"POST", body=b"-" * 70_000)
            + request("https://nowhere.example/3", cookie)
            + request(f"{SHOP}/4", cookie)
        )
        answers = [await client.response() for _ in range(4)]
        self.assertEqual([one.status for one in answers], [200, 200, 403, 200])
        self.assertEqual(answers[1].body, b"/2" + b"-" * 70_000)
        self.assertEqual((answers[0].body, answers[3].body), (b"/1", b"/4"))

    async def test_keep_alive(self) -> None:
        """A refusal, an unreachable site and an unknown page leave the connection in use."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))}, connect={"down.site.example": 1})
        client = await gateway.connect()
        cookie = b"Cookie: " + gateway.cookie
        for url, status in (
            ("https://nowhere.example/", 403), ("https://down.site.example/", 502),
            (f"{SHOP}/.gateway/none", 404), (f"{SHOP}/", 200),
        ):  # fmt: skip
            client.write(request(url, cookie))
            self.assertEqual((await client.response()).status, status, url)
        self.assertFalse(client.ended)


class UnreachedTests(GatewayCase):
    """What a browser sees of an origin that has no answer."""

    async def test_who_is_answered(self) -> None:
        """Script sees a connection that ends without a word, a person a page."""
        gateway = await self.gateway({}, connect={"down.site.example": 1})
        cookie = b"Cookie: " + gateway.cookie
        down = "https://down.site.example/"
        script = (b"Sec-Fetch-Mode: cors", b"Sec-Fetch-Dest: empty", b"Sec-Fetch-Site: same-origin")
        client = await gateway.connect()
        client.write(request(down, cookie, *script))
        await client.closed()
        self.assertEqual(client.buffer, b"")
        self.assertEqual(gateway.telemetry.accesses[0]["status"], 502)
        client = await gateway.connect()
        client.write(request(down, cookie, b"Sec-Fetch-Mode: navigate", b"Sec-Fetch-Dest: iframe"))
        answer = await client.response()
        self.assertEqual((answer.status, answer.all(b"x-gateway-unreached")), (502, [b"1"]))


class LeavingTests(GatewayCase):
    """Clients and origins that go in the middle."""

    async def test_client_leaves_before_the_head(self) -> None:
        """The upstream connection is closed at once."""
        origin = Origin(lambda _: None)
        gateway = await self.gateway({SHOP: origin})
        client = await gateway.connect()
        client.write(request(f"{SHOP}/", b"Cookie: " + gateway.cookie))
        await until(lambda: origin.requests)
        client.transport.abortConnection()
        await until(lambda: origin.connections[0].ended)
        await until(lambda: gateway.telemetry.accesses)
        self.assertEqual(gateway.telemetry.accesses[0]["failure"], "client left")

    async def test_client_leaves_in_the_body(self) -> None:
        """The upstream connection is closed, its place free, and the access line says so."""
        origin = Origin(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
        gateway = await self.gateway({SHOP: origin}, upstream_requests=1)
        for _ in range(2):
            client = await gateway.connect()
            client.write(request(f"{SHOP}/", b"Cookie: " + gateway.cookie))
            await until(lambda: client.buffer.endswith(b"some"))
            client.transport.abortConnection()
            await until(lambda: all(one.ended for one in origin.connections))
        await until(lambda: len(gateway.telemetry.accesses) == 2)
        self.assertEqual(len(origin.requests), 2)
        self.assertTrue(all(one["failure"] for one in gateway.telemetry.accesses))

    async def test_origin_breaks_off(self) -> None:
        """A body that broke off never looks whole: the client's connection is cut."""
        for head in (b"Content-Length: 100", b"Transfer-Encoding: chunked"):
            data = b"HTTP/1.1 200 OK\r\n" + head + b"\r\nConnection: close\r\n\r\n4\r\nsome\r\n"
            gateway = await self.gateway({SHOP: Origin(data)})
            client = await gateway.connect()
            client.write(request(f"{SHOP}/", b"Cookie: " + gateway.cookie))
            await client.closed()
            self.assertNotIn(b"\r\n0\r\n\r\n", client.buffer)
            self.assertEqual(gateway.telemetry.accesses[0]["failure"], "UpstreamFault")


class CookieTests(GatewayCase):
    """Set-Cookie of sites ends in the jar, and only there."""

    async def test_round_trip(self) -> None:
        """The client never sees it; the origin gets it back, a sibling what is its domain's."""
        origin = Origin(
            reply(b"", b"Set-Cookie: a=1; Path=/; Secure", b"Set-Cookie: d=2; Domain=site.example")
        )
        api = Origin(reply(b""))
        gateway = await self.gateway({SHOP: origin, API: api})
        answer = await gateway.ask(f"{SHOP}/", OWN)
        (sync,) = answer.all(b"set-cookie")
        self.assertTrue(sync.startswith(wire.SYNC_PREFIX), "only what scripts are to see")
        await gateway.ask(f"{SHOP}/", OWN)
        await gateway.ask(f"{API}/", OWN)
        self.assertIsNone(origin.requests[0].get(b"cookie"))
        self.assertEqual(origin.requests[1].get(b"cookie"), b"a=1; d=2")
        self.assertEqual(api.requests[0].get(b"cookie"), b"d=2")

    async def test_places(self) -> None:
        """A navigation proves its place once, whoever asks the store."""
        origin = Origin(reply(b"", b"Set-Cookie: a=1; Path=/; SameSite=Lax"))
        gateway = await self.gateway({SHOP: origin})
        await gateway.ask(f"{SHOP}/", OWN)
        frame = (b"Sec-Fetch-Dest: iframe", b"Sec-Fetch-Mode: navigate")
        asked = await gateway.ask(f"{SHOP}/", *frame, b"Sec-Fetch-Site: same-site")
        proof = asked.body.partition(b'data-t="')[2].partition(b'"')[0].decode()
        self.assertTrue(proof)
        referer = f"Referer: https://{host_of(SHOP)}{wire.PLACE_PATH}".encode()
        target = f"{SHOP}/?{wire.PROOF_PARAMETER}={proof}"
        for expected in (2, 2):
            await gateway.ask(target, *frame, OWN, referer)
            self.assertEqual(len(origin.requests), expected)
        self.assertEqual(origin.requests[1].get(b"cookie"), b"a=1")
        self.assertEqual(origin.requests[1].target, b"/")
        (event,) = [one for one in gateway.telemetry.events if one["code"] == events.PROOF_INVALID]
        self.assertNotIn(proof, str(event))

    async def test_sessions_are_apart(self) -> None:
        """Another session has another jar; no session has none, and no site sees ours."""
        origin = Origin(reply(b"", b"Set-Cookie: a=1"))
        gateway = await self.gateway(
            {SHOP: origin}, rules='[[access]]\norigin = "https://*.site.example"\nnative = true\n'
        )
        await gateway.ask(f"{SHOP}/", OWN)
        gateway.cookie = gateway.new_session()
        await gateway.ask(f"{SHOP}/", OWN)
        gateway.cookie = b"other=1"
        await gateway.ask(f"{SHOP}/", OWN)
        await gateway.ask(f"{SHOP}/", OWN)
        self.assertEqual([seen.all(b"cookie") for seen in origin.requests], [[]] * 4)

    async def test_parallel_responses(self) -> None:
        """Responses that arrive together lose no cookie of each other."""
        names = [b"c%d" % number for number in range(8)]
        waiting: list[Message] = []

        def answer(seen: Message) -> bytes | None:
            if seen.target == b"/":
                return reply(b"")
            waiting.append(seen)
            return None

        origin = Origin(answer)
        gateway = await self.gateway({SHOP: origin})
        asked = self.together(*(gateway.ask(f"{SHOP}/{name.decode()}", OWN) for name in names))
        await until(lambda: len(waiting) == len(names))
        for seen in waiting:
            seen.connection.write(reply(b"", b"Set-Cookie: %s=1; Path=/" % seen.target[1:]))
        self.assertEqual([one.status for one in await asked], [200] * len(names))
        await gateway.ask(f"{SHOP}/", OWN)
        found = {part.strip() for part in origin.requests[-1].get(b"cookie").split(b";")}
        self.assertEqual(found, {name + b"=1" for name in names})
