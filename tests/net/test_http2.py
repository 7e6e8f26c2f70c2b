"""The listener's HTTP/2 through a whole gateway: what HTTP/1.1 gives, and what is its own.

Bounds and hostile clients are in ``test_http2_bounds``, pace in ``test_http2_flow``.
"""

from __future__ import annotations

import gzip
import io
import re
from typing import Any

from h2.errors import ErrorCodes
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.logger import globalLogPublisher

from gateway import wire
from gateway.ops.log import JsonLines
from tests.net.h2client import (
    END_STREAM,
    HEADERS,
    Answer,
    Http2Case,
    channel_of,
    head,
)
from tests.net.harness import DOMAIN, SHOP, Gateway, request
from tests.net.raw import Connection, Message, Origin, reply, until

API = "https://api.site.example"
ACCESS = '[[access]]\norigin = "https://*.site.example"\n'
BIG = bytes(range(256)) * 4096
_MADE_ANEW = re.compile(rb'"(?:nonce|proof|token)":"[^"]+"|"made":[0-9]+')
"""What each page is told once."""


def _lasting(answer: Answer | Message) -> bytes:
    """A body without what is made anew for each request."""
    body = answer.body
    if answer.get(b"content-encoding") == b"gzip":
        body = gzip.decompress(body)
    body = body.replace(answer.get(b"x-gateway-request-id") or b"?", b"")
    return _MADE_ANEW.sub(b"", body)


class NegotiationTests(Http2Case):
    """ALPN decides, and the switch."""

    async def _negotiated(self, gateway: Gateway, *offers: bytes) -> bytes | None:
        factory = Factory.forProtocol(Connection)
        factory.offers = offers
        client = await self.client(gateway.port, factory=factory)
        await until(lambda: client.ended or client.transport._handshakeDone)
        if client.ended:
            return None
        chosen: bytes | None = client.transport.negotiatedProtocol
        client.transport.abortConnection()
        await client.closed()
        return chosen

    async def test_both_are_served(self) -> None:
        """h2 is preferred, http/1.1 is served, and so is a client that offers nothing."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))})
        for offers, chosen in (
            ((b"h2", b"http/1.1"), b"h2"), ((b"http/1.1", b"h2"), b"h2"), ((b"h2",), b"h2"),
            ((b"http/1.1",), b"http/1.1"), ((b"h3",), None),
        ):  # fmt: skip
            self.assertEqual(await self._negotiated(gateway, *offers), chosen, offers)
        self.assertEqual((await gateway.ask(f"{SHOP}/")).body, b"ok")
        client = await self.open(gateway)
        self.assertEqual((await client.ask(f"{SHOP}/").done()).body, b"ok")

    async def test_switched_off(self) -> None:
        """Without the switch only HTTP/1.1 is spoken, whatever is offered."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))}, http2=False)
        for offers, chosen in (((b"h2", b"http/1.1"), b"http/1.1"), ((b"h2",), None)):
            self.assertEqual(await self._negotiated(gateway, *offers), chosen, offers)
        self.assertEqual((await gateway.ask(f"{SHOP}/")).body, b"ok")


class SameAnswerTests(Http2Case):
    """What comes through h2 is what HTTP/1.1 gives."""

    async def _same(self, gateway: Gateway, url: str, *fields: bytes, **more: Any) -> Answer:
        client = await self.open(gateway)
        split = [
            (name.lower(), value.strip()) for name, _, value in (f.partition(b":") for f in fields)
        ]
        answer = await client.ask(url, *split, **more).done()
        other = await gateway.ask(url, *fields, **more)
        of_connection = {
            b"connection",
            b"transfer-encoding",
            b"keep-alive",
            b"x-gateway-request-id",
        }
        known = sorted(
            (name.lower(), value)
            for name, value in other.fields
            if name.lower() not in of_connection
        )
        found = sorted(one for one in answer.fields if one[0] not in {b":status", *of_connection})
        self.assertEqual((answer.status, found), (other.status, known), url)
        self.assertEqual(_lasting(answer), _lasting(other), url)
        self.assertEqual(set(answer.all(b"connection") + answer.all(b"transfer-encoding")), set())
        client.transport.abortConnection()
        await client.closed()
        return answer

    async def test_answers(self) -> None:
        """Documents, other bodies, redirects, odd statuses and fields, refusals."""
        page = b"<!doctype html><head><title>t</title></head><p>\xc3\xa4</p>" * 50
        cases = {
            "/": reply(b"plain", b"X-A: 1", b"X-A: 2", b"Server: odd", b"Keep-Alive: timeout=5"),
            "/doc": reply(page, b"Content-Type: text/html; charset=utf-8"),
            "/zipped": reply(gzip.compress(page), b"Content-Type: text/html", b"Content-Encoding: gzip"),
            "/big": reply(BIG, length=False),
            "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "/empty": reply(b""),
            "/moved": reply(b"", b"Location: https://api.site.example/x", status=b"302 Found"),
            "/none": b"HTTP/1.1 204 No Content\r\nX-B:\r\n\r\n",
            "/same": b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n',
            "/odd": reply(b"x", b"X: \xff\x80", b"X-T: a\tb", b"X(Y): 1", status=b"299 Very Odd"),
            "/hop": reply(b"x", b"TE: gzip", b"Upgrade: h2c", b"Proxy-Connection: x", b"Trailer: a"),
            "/error": reply(b"sorry", status=b"500 Oh"),
        }  # fmt: skip
        origin = Origin(lambda seen: cases[seen.target.decode()])
        gateway = await self.gateway({SHOP: origin}, connect={"down.site.example": 1})
        for path in cases:
            for fields in ((), (b"Sec-Fetch-Dest: iframe", b"Sec-Fetch-Mode: navigate")):
                await self._same(gateway, SHOP + path, *fields, b"Accept-Encoding: gzip")
        for url in (
            "https://nowhere.example/", "https://down.site.example/", f"{SHOP}/.gateway/none",
        ):  # fmt: skip
            await self._same(gateway, url)
        await self._same(
            gateway, f"{SHOP}/", b"Sec-Fetch-Dest: document", b"Sec-Fetch-Mode: navigate"
        )

    async def test_reset(self) -> None:
        """A 205 has no body, whatever the origin sends; the next answer is whole."""
        odd = b"HTTP/1.1 205 Reset Content\r\nContent-Length: 4\r\n\r\nbody"
        origin = Origin(lambda seen: reply(b"whole") if seen.target == b"/next" else odd)
        gateway = await self.gateway({SHOP: origin})
        client = await self.open(gateway)
        for path, wanted in (("/a", (205, b"")), ("/next", (200, b"whole"))):
            answer = await client.ask(SHOP + path).done()
            self.assertEqual((answer.status, answer.body), wanted)
            other = await gateway.ask(SHOP + path)
            self.assertEqual((other.status, other.body), wanted)

    async def test_odd_answers(self) -> None:
        """Fields that cannot be sent in HTTP/2 never reach it, whatever they do in HTTP/1.1."""
        for field in (
            b":status: 500", b"X Y: 1", b"X\xff: 1", b"X: \x01", b"X: \x7f ",
            b"Connection: x, close", b"Content-Length: 5, 5", b"Transfer-Encoding: gzip",
        ):  # fmt: skip
            gateway = await self.gateway({SHOP: Origin(reply(b"x", field))})
            client = await self.open(gateway)
            answer = await client.ask(f"{SHOP}/a").done()
            other = await gateway.ask(f"{SHOP}/a")
            self.assertEqual((answer.status, answer.all(b":status")),
                             (other.status, [b"%d" % other.status]), field)  # fmt: skip
            client.transport.abortConnection()
            await client.closed()

    async def test_answer_with_a_null(self) -> None:
        """A field's value with a zero octet would make the whole answer malformed: none arrives."""
        gateway = await self.gateway({SHOP: Origin(reply(b"x", b"X: a\x00b", b"Y: z"))})
        client = await self.open(gateway)
        answer = client.ask(f"{SHOP}/a")
        await until(lambda: answer.ended or client.fault is not None)
        self.assertIsNone(client.fault)
        self.assertIn(answer.status, {200, 502})

    async def test_head(self) -> None:
        """HEAD has no body but the length of one, and one frame ends it."""
        gateway = await self.gateway({SHOP: Origin(lambda seen: reply(BIG)[: -len(BIG)])})
        client = await self.open(gateway)
        answer = await client.ask(f"{SHOP}/a", method=b"HEAD").done()
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(answer.get(b"content-length"), b"%d" % len(BIG))

    async def test_own_pages(self) -> None:
        """The gateway's own host is served too, an unknown one is 421."""
        gateway = await self.gateway()
        client = await self.open(gateway)
        own = [(b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/")]
        for host, statuses in (
            (DOMAIN.encode(), range(200, 400)), (b"none.example", [421]), (b"x y", [421]),
        ):  # fmt: skip
            answer = await client.headers([*own, (b":authority", host)]).done()
            self.assertIn(answer.status, statuses, host)


class RequestTests(Http2Case):
    """What an origin sees of a request."""

    async def test_targets_and_fields(self) -> None:
        """Target, repeated fields and their values arrive; connection matters do not."""
        origin = Origin(reply(b"x"))
        gateway = await self.gateway({SHOP: origin})
        client = await self.open(gateway)
        for target in ("/", "//x", "/?", "/%zz?a=%00", "/a;b=c?d?e", "/~!$'()*+,:@|\"[]{}^`\\"):
            await client.ask(
                SHOP + target, (b"x-b", b"1"), (b"x-b", b"2"), (b"te", b"trailers")
            ).done()
            seen = origin.requests[-1]
            self.assertEqual(seen.line, b"GET %s HTTP/1.1" % target.encode())
            self.assertEqual((seen.all(b"x-b"), seen.get(b"te")), ([b"1", b"2"], None))
            self.assertEqual(seen.get(b"host"), b"shop.site.example")

    async def test_authority(self) -> None:
        """``:authority``, ``host``, or both when they agree; else nothing gets through."""
        origin = Origin(reply(b"x"))
        gateway = await self.gateway({SHOP: origin})
        client = await self.open(gateway)
        fields = [*head(f"{SHOP}/a"), (b"cookie", gateway.cookie)]
        authority = dict(fields)[b":authority"]
        answer = await client.headers([*fields, (b"host", authority)]).done()
        self.assertEqual(answer.status, 200)
        without = [one for one in fields if one[0] != b":authority"]
        self.assertEqual(
            (await client.headers([*without, (b"host", authority)]).done()).status, 200
        )
        self.assertEqual(len(origin.requests), 2)
        answer = client.headers([*fields, (b"host", b"other.example")])
        await until(lambda: client.ended or answer.reset is not None or answer.status >= 400)
        self.assertEqual(len(origin.requests), 2)

    async def test_cookie_crumbs(self) -> None:
        """A Cookie header in pieces is one: the session is known and nothing else gets out."""
        origin = Origin(reply(b"", b"Set-Cookie: a=1"))
        gateway = await self.gateway({SHOP: origin})
        client = await self.open(gateway, cookie=b"")
        own = (b"sec-fetch-site", b"same-origin")
        crumbs = [(b"cookie", crumb) for crumb in gateway.cookie.split(b"; ")]
        self.assertEqual(len(crumbs), 2)
        for fields in (crumbs, [crumbs[1], (b"x", b"y"), (b"cookie", b"other=1"), crumbs[0]]):
            self.assertEqual((await client.ask(f"{SHOP}/", own, *fields).done()).status, 200)
        self.assertEqual([one.all(b"cookie") for one in origin.requests], [[], [b"a=1"]])

    async def test_bodies(self) -> None:
        """A body arrives to the byte and with its length, whether it was declared or not."""
        origin = Origin(lambda seen: reply(b"%d" % len(seen.body)))
        gateway = await self.gateway({SHOP: origin})
        client = await self.open(gateway)
        for method in (b"POST", b"PUT", b"DELETE", b"PROPFIND"):
            for body in (b"", b"a=1", BIG * 3):
                for fields in ((), ((b"content-length", b"%d" % len(body)),)):
                    url = gateway.with_token(f"{SHOP}/a")
                    answer = await client.ask(url, *fields, method=method, body=body).done()
                    seen = origin.requests[-1]
                    self.assertEqual((answer.status, answer.body), (200, b"%d" % len(body)))
                    self.assertEqual((seen.line[: len(method)], seen.body), (method, body))
                    if body:
                        self.assertEqual(seen.get(b"content-length"), b"%d" % len(body))
        self.assertEqual(gateway.service.site.spooled, 0)

    async def test_continue_and_trailers(self) -> None:
        """100 (Continue) is sent when it is expected; trailers after a body are dropped."""
        origin = Origin(reply(b"x"))
        gateway = await self.gateway({SHOP: origin})
        client = await self.open(gateway)
        url = gateway.with_token(f"{SHOP}/a")
        answer = client.ask(url, (b"expect", b"100-continue"), method=b"POST", end=False)
        await until(lambda: answer.informed)
        client.upload(answer, b"abc", end=False)
        client.conn.send_headers(answer.stream, [(b"x-trailer", b"1")], end_stream=True)
        client.flush()
        self.assertEqual(((await answer.done()).status, answer.informed), (200, [100]))
        self.assertEqual(
            (origin.requests[0].body, origin.requests[0].get(b"x-trailer")), (b"abc", None)
        )

    async def test_secrets(self) -> None:
        """Nothing of queries, cookies, bodies and bad requests is logged."""
        log = io.StringIO()
        observer = JsonLines(log)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        secret = b"s3cr3t0ctets"
        gateway = await self.gateway({SHOP: Origin(reply(b"x"))}, request_body_bytes=100)
        client = await self.open(gateway)
        own = (b"cookie", b"a=" + secret), (b"authorization", secret), (b"x", secret)
        token = gateway.with_token("").partition("=")[2]
        for url, status in (
            (f"{SHOP}/?q=s3cr3t0ctets", 200),
            ("https://nowhere.example/?s3cr3t0ctets", 403),
        ):
            url = f"{url}&{wire.TOKEN_PARAMETER}={token}"
            answer = await client.ask(url, *own, method=b"POST", body=secret).done()
            self.assertEqual(answer.status, status)
        answer = await client.ask(f"{SHOP}/?s3cr3t0ctets", method=b"POST", body=secret * 20).done()
        self.assertEqual(answer.status, 413)
        client.headers([*head(f"{SHOP}/?s3cr3t0ctets"), (b"X-" + secret, secret)])
        await until(lambda: client.ended or client.goaway is not None)
        self.assertIn("access.http", log.getvalue())
        self.assertNotIn("s3cr3t0ctets", log.getvalue() + str(gateway.telemetry.events))
        self.assertNotIn(token, log.getvalue() + str(gateway.telemetry.events))
        for part in gateway.cookie.split(b"; "):
            self.assertNotIn(part.partition(b"=")[2].decode(), log.getvalue())


class EndingTests(Http2Case):
    """Streams that break off, and connections that end."""

    async def test_client_resets(self) -> None:
        """The request is cancelled: its upstream connection closed, its body forgotten."""
        origin = Origin(lambda seen: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome"
                        if seen.target == b"/some" else None)  # fmt: skip
        gateway = await self.gateway({SHOP: origin})
        site = gateway.service.site
        client = await self.open(gateway)
        for count, path in enumerate(("/a", "/some"), 1):
            url = gateway.with_token(SHOP + path)
            answer = client.ask(url, method=b"POST", body=b"x" * 200_000)
            await until(lambda: len(origin.requests) == count)
            self.assertEqual(site.spooled, 200_000)
            if path == "/some":
                await until(lambda: answer.body == b"some")
            client.reset(answer)
            await until(lambda: origin.connections[-1].ended and not site.spooled)
            await until(lambda: len(gateway.telemetry.accesses) == count)
            self.assertTrue(gateway.telemetry.accesses[-1]["failure"])
            self.assertEqual((channel_of(gateway).streams, site._serving), ({}, set()))
        self.assertFalse(client.ended)

    async def test_client_resets_an_upload(self) -> None:
        """What came of the body is forgotten, and its time does not run on."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))}, request_body_seconds=0.3)
        client = await self.open(gateway)
        answer = client.ask(f"{SHOP}/a", method=b"POST", body=b"x" * 50_000, end=False)
        await until(lambda: gateway.service.site.spooled == 50_000)
        client.reset(answer)
        await until(lambda: not gateway.service.site.spooled)
        self.assertEqual((await client.ask(f"{SHOP}/a").done()).body, b"ok")
        self.assertEqual(gateway.telemetry.limits(), [])

    async def test_origin_breaks_off(self) -> None:
        """A body that broke off never looks whole: its stream is reset, others live on."""
        held_back: list[Message] = []

        def answer_of(seen: Message) -> bytes | None:
            if seen.target == b"/later":
                held_back.append(seen)
                return None
            framing = (
                b"Content-Length: 100" if seen.target == b"/a" else b"Transfer-Encoding: chunked"
            )
            return b"HTTP/1.1 200 OK\r\n" + framing + b"\r\nConnection: close\r\n\r\n4\r\nsome\r\n"

        gateway = await self.gateway({SHOP: Origin(answer_of)})
        client = await self.open(gateway)
        later = client.ask(f"{SHOP}/later")
        await until(lambda: held_back)
        for path in ("/a", "/b"):
            answer = await client.ask(SHOP + path).broken()
            self.assertEqual((answer.status, answer.ended), (200, False))
            self.assertEqual(answer.reset, ErrorCodes.INTERNAL_ERROR)
            self.assertEqual(gateway.telemetry.accesses[-1]["failure"], "UpstreamFault")
        held_back[0].connection.write(reply(b"whole"))
        self.assertEqual((await later.done()).body, b"whole")

    async def test_long_answer(self) -> None:
        """A connection is not idle while an answer is made or under way."""
        from twisted.internet import reactor

        held_back: list[Message] = []
        origin = Origin(lambda seen: held_back.append(seen))
        gateway = await self.gateway({SHOP: origin}, keep_alive_seconds=0.2)
        client = await self.open(gateway)
        answer = client.ask(f"{SHOP}/a")
        await until(lambda: held_back)
        await deferLater(reactor, 0.7)
        held_back[0].connection.write(reply(b"ab")[:-1])
        await until(lambda: answer.body == b"a")
        await deferLater(reactor, 0.7)
        self.assertIsNone(client.goaway)
        held_back[0].connection.write(b"b")
        self.assertEqual((await answer.done()).body, b"ab")
        await client.closed()
        self.assertEqual(client.goaway, ErrorCodes.NO_ERROR)

    async def test_drain(self) -> None:
        """What runs is finished, what is new is refused, idle connections close; then it is quiet."""
        origin = Origin(lambda _: None)
        gateway = await self.gateway({SHOP: origin})
        client, idle = await self.open(gateway), await self.open(gateway)
        running = [client.ask(f"{SHOP}/{number}") for number in range(2)]
        await until(lambda: len(origin.requests) == 2)
        quiet = gateway.service.site.drain()
        await idle.closed()
        self.assertEqual(idle.goaway, ErrorCodes.NO_ERROR)
        for body in (None, b"x" * 1000):
            answer = await client.ask(f"{SHOP}/late", method=b"POST", body=body).broken()
            self.assertEqual((answer.reset, answer.status), (ErrorCodes.REFUSED_STREAM, 0))
        self.assertFalse(quiet.called)
        for seen in origin.requests:
            seen.connection.write(reply(BIG))
        for answer in running:
            self.assertEqual((await answer.done()).body, BIG)
        await client.closed(2)
        self.assertEqual(client.goaway, ErrorCodes.NO_ERROR)
        await quiet
        self.assertEqual(len(origin.requests), 2)
        self.assertEqual(client.seen(running[0].stream, HEADERS)[0][1] & END_STREAM, 0)

    async def test_stop_cuts_what_takes_too_long(self) -> None:
        """After the drain's time the rest is cut."""
        origin = Origin(lambda _: None)
        gateway = await self.gateway({SHOP: origin}, drain_seconds=0.1)
        client = await self.open(gateway)
        client.ask(f"{SHOP}/")
        await until(lambda: origin.requests)
        await gateway.service.stopService()
        await client.closed()
        await until(lambda: origin.connections[0].ended)
        self.assertIn("drain-seconds", gateway.telemetry.limits())

    async def test_both_versions_beside_each_other(self) -> None:
        """Connections of both kinds are counted alike."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))})
        plain, client = await gateway.connect(), await self.open(gateway)
        plain.write(request(f"{SHOP}/", b"Cookie: " + gateway.cookie))
        self.assertEqual((await plain.response()).body, b"ok")
        await client.ask(f"{SHOP}/").done()
        self.assertEqual(gateway.telemetry.value("gateway_connections"), 2)
        for one, left in ((client, 1), (plain, 0)):
            one.transport.loseConnection()
            await one.closed()
            await until(lambda: gateway.telemetry.value("gateway_connections") == left)
