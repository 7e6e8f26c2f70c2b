"""Early hints: an origin's 103 reaches who navigates before the answer does, its links mapped."""

from __future__ import annotations

from typing import Any

from gateway.net import early
from tests.net.h2client import Http2Case
from tests.net.harness import SHOP, Gateway, GatewayCase, request
from tests.net.raw import Connection, Origin, reply, until

CDN = "https://cdn.site.example"
OURS = "https://https-cdn-site-example.0.gateway.test"
FRAME = (b"Sec-Fetch-Dest: iframe", b"Sec-Fetch-Mode: navigate", b"Sec-Fetch-Site: same-origin")
FETCH = (b"Sec-Fetch-Dest: empty", b"Sec-Fetch-Mode: cors", b"Sec-Fetch-Site: same-origin")
HINT = (
    b"HTTP/1.1 103 Early Hints\r\n"
    b"Link: <%s/a.js>; rel=preload; as=script, </b>; rel=next\r\n"
    b"Link: </c.css>; rel=preload; as=style\r\n"
    b"Set-Cookie: early=1\r\nX-More: y\r\n\r\n" % CDN.encode()
)
LINKS = [
    b"<%s/a.js>; rel=preload; as=script" % OURS.encode(),
    b"</c.css>; rel=preload; as=style",
]
POLICY = b"default-src https://*.0.gateway.test"
PAGE = reply(b"<p>x", b"Content-Type: text/html", b"Link: </d>; rel=preload")


class EarlyCase(GatewayCase):
    """An origin that hints and then waits."""

    async def hinting(self, before: bytes = HINT, **more: Any) -> tuple[Gateway, Origin]:
        """A gateway, and an origin that says so much at once."""
        origin = Origin(before)
        return await self.gateway({SHOP: origin}, **more), origin

    async def asked(
        self, gateway: Gateway, origin: Origin, *fields: bytes, method: bytes = b"GET"
    ) -> Connection:
        """A connection on which a request was sent, once the origin has it."""
        count = len(origin.requests)
        client = await gateway.connect()
        url = gateway.with_token(SHOP + "/") if method == b"POST" else SHOP + "/"
        client.write(request(url, b"Cookie: " + gateway.cookie, *fields, method=method))
        await until(lambda: len(origin.requests) > count)
        return client


class EarlyTests(EarlyCase):
    """HTTP/1.1."""

    async def test_before_the_answer(self) -> None:
        """It is there while the origin still thinks; the answer follows as ever."""
        gateway, origin = await self.hinting()
        client = await self.asked(gateway, origin, *FRAME)
        hint = await client.response()
        self.assertEqual(hint.line, b"HTTP/1.1 103 Early Hints")
        self.assertEqual(hint.all(b"link"), LINKS)
        self.assertEqual(hint.get(b"content-security-policy"), POLICY)
        self.assertEqual({name.lower() for name, _ in hint.fields},
                         {b"link", b"content-security-policy"})  # fmt: skip
        origin.connections[-1].write(PAGE)
        page = await client.response()
        self.assertEqual((page.status, page.body[-4:]), (200, b"<p>x"))
        self.assertEqual(page.all(b"link"), [b"</d>; rel=preload"])
        self.assertEqual(gateway.telemetry.value("gateway_early_hints_total"), 1)

    async def test_only_once(self) -> None:
        """What follows the first, and other statuses before an answer, pass nobody."""
        gateway, origin = await self.hinting(
            b"HTTP/1.1 102 Processing\r\n\r\n" + HINT + HINT.replace(b"a.js", b"z.js")
        )
        client = await self.asked(gateway, origin, *FRAME)
        origin.connections[-1].write(PAGE)
        self.assertEqual((await client.response()).all(b"link"), LINKS)
        self.assertEqual((await client.response()).status, 200)

    async def test_to_whom(self) -> None:
        """Navigations by GET; not what script fetches, not where nothing is hinted at."""
        gateway, origin = await self.hinting()
        for fields, method in ((FETCH, b"GET"), (FRAME, b"POST"), (FRAME, b"HEAD")):
            client = await self.asked(gateway, origin, *fields, method=method)
            origin.connections[-1].write(PAGE if method != b"HEAD" else PAGE[:-4])
            answer = await client.response(bodyless=method == b"HEAD")
            self.assertEqual(answer.status, 200, method)
        nothing = HINT.replace(b"preload", b"next")
        gateway, origin = await self.hinting(nothing)
        client = await self.asked(gateway, origin, *FRAME)
        origin.connections[-1].write(PAGE)
        self.assertEqual((await client.response()).status, 200)

    async def test_switch(self) -> None:
        """``early-hints = false``."""
        gateway, origin = await self.hinting(http="early-hints = false")
        client = await self.asked(gateway, origin, *FRAME)
        origin.connections[-1].write(PAGE)
        self.assertEqual((await client.response()).status, 200)

    async def test_the_next_request(self) -> None:
        """A connection goes on as if nothing had been; so does the origin's."""
        gateway, origin = await self.hinting()
        client = await self.asked(gateway, origin, *FRAME)
        for turn in range(3):
            self.assertEqual((await client.response()).status, 103)
            origin.connections[-1].write(PAGE)
            self.assertEqual((await client.response()).status, 200)
            client.write(request(SHOP + "/", b"Cookie: " + gateway.cookie, *FRAME))
            await until(lambda turn=turn: len(origin.requests) == turn + 2)
        self.assertEqual(len(origin.connections), 1)

    async def test_without_an_end(self) -> None:
        """Hints count towards the size of a head; an origin that only hints is given up."""
        gateway, origin = await self.hinting(HINT * 1000, response_header_bytes=4096)
        client = await self.asked(gateway, origin, *FRAME)
        self.assertEqual((await client.response()).status, 103)
        self.assertEqual((await client.response()).status, 502)

    def test_controls(self) -> None:
        """Nothing with a control in it is sent, and nothing to nobody."""
        self.assertFalse(early.send(object(), b"HTTP/1.1", ((b"Link", b"<a>\rX: y"),)))
        self.assertFalse(early.send(None, b"HTTP/1.1", ((b"Link", b"<a>"),)))


class Http2Tests(Http2Case):
    """HTTP/2."""

    async def test_before_the_answer(self) -> None:
        """A HEADERS frame of its own, before that of the answer."""
        origin = Origin(HINT)
        gateway = await self.gateway({SHOP: origin}, http2=True)
        client = await self.open(gateway)
        fields = [tuple(one.lower().split(b": ", 1)) for one in FRAME]
        answer = client.ask(SHOP + "/", *fields)  # type: ignore[arg-type]
        await until(lambda: answer.hints)
        self.assertEqual(answer.informed, [103])
        self.assertEqual([value for name, value in answer.hints if name == b"link"], LINKS)
        self.assertEqual(dict(answer.hints)[b"content-security-policy"], POLICY)
        origin.connections[-1].write(PAGE)
        await answer.done()
        self.assertEqual((answer.status, answer.informed), (200, [103]))
        self.assertTrue(answer.body.endswith(b"<p>x"))
