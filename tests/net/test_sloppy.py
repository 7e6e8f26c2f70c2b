"""Answers of servers that know HTTP by hearsay: shown where browsers show them."""

from __future__ import annotations

from gateway.errors import UpstreamFault
from tests.net.raw import Origin
from tests.net.test_upstream import PLAIN, UpstreamCase

HEAD = b"HTTP/1.1 200 OK\r\nX-A: a\r\n"
REST = b"X-B: b\r\nContent-Length: 1\r\n\r\nx"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\nX-B: b\r\n\r\n"
PLAIN_FIELDS = ((b"X-A", b"a"), (b"X-B", b"b"))


class SloppyTests(UpstreamCase):
    """The head and the body that come out of odd octets."""

    async def check(self, octets: bytes, *more: tuple[bytes, bytes]) -> None:
        """It is a whole answer with the two fields, and these more."""
        upstream = await self.upstream({PLAIN: Origin(octets)})
        response = await self.ask(upstream)
        self.assertEqual(sorted(response.head.fields), sorted((*PLAIN_FIELDS, *more)), octets)
        self.assertEqual(await self.read(response), b"x", octets)

    async def test_lines_that_are_no_fields(self) -> None:
        """They go, with those that continue them; nothing else does."""
        for line in (
            b"no colon", b"X Powered By: foo", b": foo", b"X-\xc3\xa9: foo", b"X(a): foo",
            b"<b>Warning</b>: in line 1", b"no colon\r\n Set-Cookie: a=b", b": a\r\n\tb\r\n c",
            b"Transfer-Encoding: identity", b"transfer-encoding:Identity ",
        ):  # fmt: skip
            await self.check(HEAD + line + b"\r\n" + REST)
        first = b"HTTP/1.1 200 OK\r\n continued\r\nX-A: a\r\n" + REST
        await self.check(first)
        await self.check(b"HTTP/1.1 103 Early Hints\r\nodd\r\nX-C: c\r\n\r\n" + first)
        await self.check((HEAD + b"no colon\r\n" + REST).replace(b"\r\n", b"\n"))

    async def test_a_space_before_the_colon(self) -> None:
        """It goes; the field counts, also where it is of framing."""
        await self.check(HEAD + b"X-C : c : d\r\n" + REST, (b"X-C", b"c : d"))
        await self.check(HEAD + b"X-B: b\r\nContent-Length \t: 1\r\n\r\nx")
        await self.check(HEAD + b"X-B: b\r\nTransfer-Encoding : chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")

    async def test_continued(self) -> None:
        """A field may go on in the next line, as it once could."""
        await self.check(HEAD + b"X-C: c\r\n d\r\n" + REST, (b"X-C", b"c d"))

    async def test_chunks(self) -> None:
        """White space behind a size, with extensions and without, in any packets."""
        for size in (b"1  ", b"1\t", b"1 ;a=b", b"001 ; a"):
            await self.check(CHUNKED + size + b"\r\nx\r\n0 \r\n\r\n")

    async def test_what_is_no_answer(self) -> None:
        """What says two things about where a body ends is none, nor are other codings."""
        for fields in (
            b"Content-Length: 1\r\nContent-Length : 2", b"Content-Length: one",
            b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity, chunked",
        ):  # fmt: skip
            upstream = await self.upstream({PLAIN: Origin(HEAD + fields + b"\r\n\r\nx")})
            await self.assertFailure(self.ask(upstream), UpstreamFault)
        for body in (b"1 2\r\nx", b" \r\nx", b"x1\r\nx"):
            upstream = await self.upstream({PLAIN: Origin(CHUNKED + body + b"\r\n0\r\n\r\n")})
            response = await self.ask(upstream)
            with self.assertRaises(AssertionError):
                await self.read(response)
