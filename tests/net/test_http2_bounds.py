"""The bounds of HTTP/2 connections, and clients that mean no good: always calm, never for ever."""

from __future__ import annotations

import os
import shutil
from typing import Any

from h2.errors import ErrorCodes
from h2.settings import Settings
from hyperframe.frame import (
    DataFrame,
    HeadersFrame,
    PriorityFrame,
    RstStreamFrame,
    WindowUpdateFrame,
)
from twisted.internet.utils import getProcessOutputAndValue

from gateway.net.http2 import Http2Channel
from tests.net.h2client import (
    END_STREAM,
    HEADERS,
    LARGE_WINDOW,
    RST_STREAM,
    Answer,
    Http2Case,
    channel_of,
    head,
    turns,
)
from tests.net.harness import SHOP, Gateway, ca, folder, host_of
from tests.net.raw import Origin, reply, until

LENGTH = b"content-length"


class RefusalTests(Http2Case):
    """Requests that are refused before they are whole; the connection lives on."""

    async def _refused(self, gateway: Gateway, answer: Answer, status: int, *limits: str) -> None:
        """Answered whole, then reset without blame; the next request is served."""
        await answer.done()
        self.assertEqual((answer.status, answer.get(LENGTH), answer.body), (status, b"0", b""))
        self.assertIsNotNone(answer.get(b"strict-transport-security"))
        await answer.broken()
        frames = answer.client.seen(answer.stream, HEADERS, RST_STREAM)
        self.assertEqual([kind for kind, _ in frames[:2]], [HEADERS, RST_STREAM])
        self.assertEqual(
            (frames[0][1] & END_STREAM, answer.reset), (END_STREAM, ErrorCodes.NO_ERROR)
        )
        self.assertEqual((await answer.client.ask(f"{SHOP}/next").done()).body, b"ok")
        self.assertIsNone(answer.client.goaway)
        self.assertEqual(gateway.telemetry.limits(), list(limits))
        name = "gateway_http_requests_total"
        self.assertEqual(
            gateway.telemetry.value(name, kind="none", status=str(status)), len(limits)
        )
        self.assertEqual((channel_of(gateway).streams, gateway.service.site.spooled), ({}, 0))

    async def test_declared_body(self) -> None:
        """413 before any of it is read, whether or not the client goes on sending."""
        origin = Origin(reply(b"ok"))
        gateway = await self.gateway({SHOP: origin}, request_body_bytes=100_000)
        client = await self.open(gateway)
        limits = ["request-body-bytes"]
        declared = (LENGTH, b"100001"), (b"expect", b"100-continue")
        silent = client.ask(f"{SHOP}/a", *declared, method=b"POST", end=False)
        await self._refused(gateway, silent, 413, *limits)
        self.assertEqual(silent.informed, [])
        for body in (b"x" * 100_001, b"x" * 3_000_000):
            field = (LENGTH, b"%d" % len(body))
            answer = client.ask(f"{SHOP}/a", field, method=b"POST", body=body, end=False)
            limits.append("request-body-bytes")
            await self._refused(gateway, answer, 413, *limits)
            for _ in range(20):
                client.send_anyway(answer, b"x" * 1000)
        self.assertEqual((await client.ask(f"{SHOP}/next").done()).body, b"ok")
        self.assertEqual({seen.target for seen in origin.requests}, {b"/next"})

    async def test_client_breaks_off(self) -> None:
        """A client that ends a refused body early, as curl does, keeps its connection."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))}, request_body_bytes=100_000)
        client = await self.open(gateway)
        field = (LENGTH, b"200000")
        for octets in (DataFrame, RstStreamFrame):
            answer = client.ask(f"{SHOP}/a", field, method=b"POST", body=b"x" * 1000, end=False)
            self.assertEqual((await answer.done()).status, 413)
            flags = ["END_STREAM"] if octets is DataFrame else []
            client.transport.write(octets(answer.stream, flags=flags).serialize())
            self.assertEqual((await client.ask(f"{SHOP}/next").done()).body, b"ok")
        self.assertIsNone(client.goaway)

    async def test_curl(self) -> None:
        """A client that begins to send a large body before it reads sees the answer."""
        curl = shutil.which("curl")
        if curl is None:
            self.fail("there is no curl here: run `make packages`")
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))}, request_body_bytes=100_000)
        body = folder() / "upload"
        body.write_bytes(bytes(8_000_000))
        out, errors, code = await getProcessOutputAndValue(
            curl,
            ["-sS", "--http2", "-m", "3", "--cacert", str(ca().certificate_file), "-w", "%{http_code}",
             "--connect-to", f"::127.0.0.1:{gateway.port}", "--data-binary", f"@{body}",
             f"https://{host_of(SHOP)}/a"],
            os.environ,
        )  # fmt: skip
        # Some versions then wait for the end of a stream that has ended: the answer is what counts.
        self.assertEqual(out, b"413", (code, errors))

    async def test_growing_body(self) -> None:
        """413 as soon as the count says so, though the body does not end."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))}, request_body_bytes=100_000)
        client = await self.open(gateway)
        answer = client.ask(f"{SHOP}/a", method=b"POST", body=b"x" * 100_000, end=False)
        await until(lambda: gateway.service.site.spooled == 100_000)
        self.assertEqual(answer.status, 0)
        client.upload(answer, b"x", end=False)
        await self._refused(gateway, answer, 413, "request-body-bytes")
        answer = client.ask(f"{SHOP}/a", method=b"POST", body=b"x" * 3_000_000, end=False)
        self.assertEqual((await answer.done()).status, 413)

    async def test_spool(self) -> None:
        """503 when there is no room for more bodies; room is free again afterwards."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))}, spool_bytes=100_000)
        client = await self.open(gateway)
        for fields in ((), ((LENGTH, b"150000"),)):
            answer = client.ask(
                f"{SHOP}/a", *fields, method=b"POST", body=b"x" * 150_000, end=False
            )
            await self._refused(gateway, answer, 503, *["spool-bytes"] * (1 + bool(fields)))
        url = gateway.with_token(f"{SHOP}/a")
        whole = client.ask(url, method=b"POST", body=b"x" * 90_000)
        self.assertEqual((await whole.done()).body, b"ok")

    async def test_windows_are_given_back(self) -> None:
        """Bodies that were refused do not eat the connection's window: later ones get through."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))}, request_body_bytes=2_000_000)
        client = await self.open(gateway)
        await until(lambda: client.conn.outbound_flow_control_window > 65_535)
        for _ in range(150):
            field = (LENGTH, b"2000001")
            answer = client.ask(f"{SHOP}/a", field, method=b"POST", body=b"x" * 12_000, end=False)
            await answer.done()
            if answer.reset is None:
                client.reset(answer)
        url = gateway.with_token(f"{SHOP}/a")
        whole = client.ask(url, method=b"POST", body=b"x" * 1_900_000)
        self.assertEqual((await whole.done()).body, b"ok")

    async def test_slow_body(self) -> None:
        """A body has its own time, which octets do not extend."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))}, request_body_seconds=0.3)
        client = await self.open(gateway)
        for count, fields in enumerate(((), ((LENGTH, b"90000"),)), 1):
            answer = client.ask(f"{SHOP}/a", *fields, method=b"POST", body=b"x", end=False)
            while not answer.ended:
                client.upload(answer, b"x", end=False)
                await turns(2)
            await self._refused(gateway, answer, 408, *["request-body-seconds"] * count)

    async def test_too_many_fields(self) -> None:
        """431 beyond the bound, with and without a body, and nothing is left of the stream."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))}, header_count=20)
        client = await self.open(gateway)
        fields = [(b"x", b"1")] * 30
        answer = await client.ask(f"{SHOP}/a", *fields).done()
        self.assertEqual((answer.status, channel_of(gateway).streams), (431, {}))
        answer = client.ask(f"{SHOP}/a", *fields, method=b"POST", end=False)
        await self._refused(gateway, answer, 431, "header-count", "header-count")
        answer = await client.ask(f"{SHOP}/a", *fields[:15]).done()
        self.assertEqual(answer.status, 200)

    async def test_large_fields(self) -> None:
        """A head beyond the bound, packed or not, is refused; the bound is told beforehand."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))}, header_bytes=16_384)
        for fields in (
            [(b"x", b"a" * 17_000)],
            [(b"x", b"a" * 1000)] * 17,
            [(b"x", b"a" * 3000)] * 90,
        ):
            client = await self.open(gateway)
            await until(lambda: client.conn.remote_settings.max_header_list_size == 16_384)
            answer = await client.ask(f"{SHOP}/a", (b"y", b"a" * 9000)).done()
            self.assertEqual(answer.body, b"ok")
            answer = client.ask(f"{SHOP}/a", *fields)
            await until(lambda: answer.ended or client.goaway is not None)
            self.assertTrue(answer.status == 431 or client.goaway == ErrorCodes.ENHANCE_YOUR_CALM)
            if not answer.ended:
                await client.closed(3)

    async def test_priorities_of_refused_streams(self) -> None:
        """Nothing of a refused stream stays, be it its place in the tree of priorities."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))}, request_body_bytes=10)
        client = await self.open(gateway)
        for _ in range(20):
            stream = client.conn.get_next_available_stream_id()
            fields = [*head(f"{SHOP}/a", b"POST"), (LENGTH, b"11")]
            client.conn.send_headers(stream, fields, priority_weight=10)
            client.answers[stream] = answer = Answer(client, stream)
            client.flush()
            self.assertEqual((await answer.done()).status, 413)
        await until(lambda: len(channel_of(gateway).priority._streams) < 5)
        client.reset(client.ask(f"{SHOP}/a", method=b"POST", end=False))


class TunnelTests(Http2Case):
    """CONNECT and WebSockets, which HTTP/2 does not get here."""

    async def test_connect(self) -> None:
        """405 or the stream's end, not a wait for a body that never ends."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))})
        extended = [(b":method", b"CONNECT"), (b":protocol", b"websocket"), *head(f"{SHOP}/a")[1:]]
        plain = [one for one in head(SHOP, b"CONNECT") if one[0] in {b":method", b":authority"}]
        for fields in (plain, extended):
            for more in ([], [(b"sec-websocket-version", b"13"), (b"cookie", gateway.cookie)]):
                for end in (True, False):
                    client = await self.open(gateway)
                    answer = client.headers([*fields, *more], end=end)
                    await until(lambda: answer.ended or answer.reset is not None or client.ended, 3)
                    if answer.ended:
                        self.assertIn(answer.status, {405, 421})
                    else:
                        self.assertTrue(answer.reset or client.goaway)

    async def test_websocket(self) -> None:
        """426 without fields that HTTP/2 forbids; with forbidden ones in the request, an error."""
        origin = Origin(reply(b"ok"))
        gateway = await self.gateway({SHOP: origin})
        fields = [
            (b"sec-websocket-version", b"13"),
            (b"sec-websocket-key", b"AAAAAAAAAAAAAAAAAAAAAA=="),
            (b"origin", f"https://{host_of(SHOP)}".encode()),
        ]
        client = await self.open(gateway)
        answer = await client.ask(f"{SHOP}/a", *fields).done()
        self.assertEqual(answer.status, 426)
        for name in (b"upgrade", b"connection"):
            self.assertEqual(answer.all(name), [])
        for more in ((b"upgrade", b"websocket"), (b"connection", b"Upgrade")):
            client = await self.open(gateway)
            answer = client.ask(f"{SHOP}/a", *fields, more)
            await until(lambda: answer.reset is not None or client.goaway is not None)
            self.assertEqual(answer.reset or client.goaway, ErrorCodes.PROTOCOL_ERROR)
        self.assertEqual(origin.requests, [])


class MalformedTests(Http2Case):
    """Requests and frames that are no HTTP/2, or would be no HTTP/1.1 behind the gateway."""

    async def _bad(self, gateway: Gateway, fields: list[tuple[bytes, bytes]], **more: Any) -> None:
        client = await self.open(gateway)
        answer = client.headers(fields, **more)
        await until(
            lambda: answer.status or answer.reset is not None or client.ended or client.goaway
        )
        self.assertTrue(answer.status >= 400 or answer.reset or client.goaway, (fields, answer))
        if client.goaway is not None:
            await client.closed(3)

    async def test_fields(self) -> None:
        """What could be read in two ways never gets to an origin."""
        origin = Origin(reply(b"ok"))
        gateway = await self.gateway({SHOP: origin})
        whole = [*head(f"{SHOP}/a"), (b"cookie", gateway.cookie)]
        for name, value in (
            (b"x(y", b"1"), (b"x:y", b"1"), (b"x y", b"1"), (b"x\r\ny", b"1"), (b"X", b"1"),
            (b"", b"1"), (b"x\xff", b"1"), (b'"', b"1"), (b"x", b"1\r\ny: 2"), (b"x", b"1\x00"),
            (b"x", b" 1"), (b"transfer-encoding", b"chunked"), (b"connection", b"close"),
            (b"te", b"gzip"), (b":path", b"/b"), (b":odd", b"1"), (b":status", b"200"),
            (LENGTH, b"x"), (LENGTH, b"-1"), (LENGTH, b"0, 0"),
        ):  # fmt: skip
            await self._bad(gateway, [*whole, (name, value)])
        self.assertEqual([seen.fields for seen in origin.requests], [])

    async def test_pseudo_fields(self) -> None:
        """A target or method with blanks or line ends would be another request upstream."""
        origin = Origin(reply(b"ok"))
        gateway = await self.gateway({SHOP: origin})
        host = host_of(SHOP).encode()
        for name, value in (
            (b":path", b""), (b":path", b"/a HTTP/1.1\r\nX: y"), (b":path", b"/a HTTP/1.1"),
            (b":path", b"/a\tb"), (b":path", b"a"), (b":path", b"http://x/"), (b":path", b"*"),
            (b":path", b"/\x01\x7f"), (b":path", b"@evil/"), (b":method", b"GET /b"),
            (b":method", b""), (b":method", b"G(T"), (b":method", b"GET\x01"),
            (b":authority", b""), (b":authority", host + b" "), (b":authority", b"u@" + host),
            (b":authority", host + b"/"), (b":authority", host + b"," + host),
        ):  # fmt: skip
            fields = [(key, value if key == name else kept) for key, kept in head(f"{SHOP}/a")]
            await self._bad(gateway, [*fields, (b"cookie", gateway.cookie)])
        self.assertEqual([seen.line for seen in origin.requests], [])

    async def test_lengths_that_agree(self) -> None:
        """A length in another notation, or said twice, is refused or goes up as one number."""
        origin = Origin(reply(b"ok"))
        gateway = await self.gateway({SHOP: origin})
        for lengths in ([b"1_0"], [b"+10"], [b"010"], [b"10", b"10"], [b"10", b"11"]):
            client = await self.open(gateway)
            fields = [(LENGTH, one) for one in lengths]
            url = gateway.with_token(f"{SHOP}/a")
            answer = client.ask(url, *fields, method=b"POST", body=b"x" * 10)
            await until(lambda: answer.status or answer.reset is not None or client.goaway)
        client = await self.open(gateway)
        await client.ask(f"{SHOP}/a", (LENGTH, b"5")).done()
        self.assertEqual(origin.requests.pop().get(LENGTH), b"0")
        for seen in origin.requests:
            self.assertEqual((seen.get(LENGTH), seen.body), (b"10", b"x" * 10))

    async def test_frames(self) -> None:
        """Nonsense ends the connection with a word; what is only odd does no harm."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))})
        priorities = [PriorityFrame(number * 2 + 1, 0, 10).serialize() for number in range(1500)]
        for octets, fatal in (
            (b"\0" * 9 + b"GET / HTTP/1.1\r\n\r\n" * 100, True),
            (HeadersFrame(1, b"\xff" * 20, flags=["END_HEADERS", "END_STREAM"]).serialize(), True),
            (HeadersFrame(2, b"", flags=["END_HEADERS"]).serialize(), True),
            (WindowUpdateFrame(0, window_increment=LARGE_WINDOW).serialize(), True),
            (PriorityFrame(3, 3, 1).serialize(), True),
            (b"".join(priorities), False),
            (b"\0\0\x05\x77\0\0\0\0\5other", False),
        ):
            client = await self.open(gateway)
            await client.ask(f"{SHOP}/a").done()
            client.transport.write(octets)
            if fatal:
                await until(lambda: client.goaway)
                await client.closed(3)
            else:
                self.assertEqual((await client.ask(f"{SHOP}/a").done()).body, b"ok")

    async def test_large_frame(self) -> None:
        """A frame larger than was agreed on is not waited for: that would fill the memory."""
        gateway = await self.gateway()
        client = await self.open(gateway)
        client.transport.write(b"\xff\xff\xff\x77" + b"\0" * 1_000_000)
        await until(lambda: client.goaway is not None, 3)
        self.assertEqual(client.goaway, ErrorCodes.FRAME_SIZE_ERROR)
        await client.closed(3)


class ConnectionTests(Http2Case):
    """How connections are counted, and how they end."""

    async def test_idle(self) -> None:
        """An idle connection is told and closed, before and after requests."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))}, keep_alive_seconds=0.3)
        for count in (0, 2):
            client = await self.open(gateway)
            for _ in range(count):
                await client.ask(f"{SHOP}/a").done()
            await client.closed(4)
            self.assertEqual(client.goaway, ErrorCodes.NO_ERROR)
            await until(lambda: not gateway.telemetry.value("gateway_connections"))

    async def test_per_address(self) -> None:
        """A connection counts once, until it really ends: also when it broke the protocol."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))}, connections_per_address=1)
        for octets in (b"", b"\0" * 100):
            client = await self.open(gateway)
            await client.ask(f"{SHOP}/a").done()
            self.assertEqual(gateway.telemetry.value("gateway_connections"), 1)
            tcp = channel_of(gateway).transport.transport
            client.transport.pauseProducing()
            client.transport.write(octets)
            other = await gateway.connect()
            await other.closed()
            self.assertEqual(gateway.telemetry.limits()[-1:], ["connections-per-address"])
            for _ in range(20):
                free = not gateway.telemetry.value("gateway_connections")
                self.assertFalse(free and tcp.connected, "it is open and not counted")
                await turns(1)
            client.transport.abortConnection()
            await client.closed()
            await until(lambda: not gateway.telemetry.value("gateway_connections"))

    async def test_rapid_reset(self) -> None:
        """A flood of requests that are given up at once ends with the connection."""
        self.patch(Http2Channel, "_resetTokenBurst", 50)
        origin = Origin(lambda _: None)
        gateway = await self.gateway({SHOP: origin})
        client = await self.open(gateway)
        victim = client.ask(f"{SHOP}/victim")
        await until(lambda: origin.requests)
        flood = b""
        for _ in range(200):
            stream = client.conn.get_next_available_stream_id()
            client.conn.send_headers(stream, [*head(f"{SHOP}/a"), (b"cookie", gateway.cookie)])
            client.conn.reset_stream(stream)
            flood += client.conn.data_to_send()
        client.transport.write(flood)
        await until(lambda: client.goaway is not None)
        self.assertEqual(client.goaway, ErrorCodes.ENHANCE_YOUR_CALM)
        await client.closed(3)
        self.assertFalse(victim.ended)
        await until(lambda: not gateway.service.site._serving)
        await until(lambda: all(one.ended for one in origin.connections))

    async def test_window_that_never_opens(self) -> None:
        """A client that takes no answer is not waited for longer than the bound says."""
        for body in (b"small", bytes(1_000_000)):
            gateway = await self.gateway(
                {SHOP: Origin(reply(body))}, client_stall_seconds=0.4, keep_alive_seconds=0.4
            )
            client = await self.open(gateway, window=0, acknowledging=False)
            answer = client.ask(f"{SHOP}/a")
            await until(lambda: answer.status)
            await until(lambda: answer.reset is not None or client.ended, 5)
            self.assertFalse(answer.ended)

    async def test_client_that_never_reads(self) -> None:
        """Nor one whose socket is full; its connection is cut."""
        self.patch(Http2Channel, "abortTimeout", 0.3)
        for size in (6_000_000, 64_000_000):
            gateway = await self.gateway(
                {SHOP: Origin(reply(bytes(size)))}, client_stall_seconds=0.4, keep_alive_seconds=0.4
            )
            wide = {"window": LARGE_WINDOW, "connection_window": LARGE_WINDOW, "keep": False}
            client = await self.open(gateway, acknowledging=False, **wide)
            for _ in range(3):
                client.ask(f"{SHOP}/a")
            client.transport.pauseProducing()
            await until(lambda: not gateway.service.site._channels, 8)

    async def test_client_says_goodbye(self) -> None:
        """A client's GOAWAY ends an idle connection."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))})
        client = await self.open(gateway)
        await client.ask(f"{SHOP}/a").done()
        client.conn.close_connection()
        client.flush()
        await client.closed(3)
        await until(lambda: not gateway.telemetry.value("gateway_connections"))

    async def test_too_many_streams(self) -> None:
        """More streams than allowed: the surplus is refused, or the connection with a word."""
        gateway = await self.gateway({SHOP: Origin(lambda _: None)}, http2_streams=5)
        client = await self.open(gateway)
        await until(lambda: client.frames)
        client.conn.remote_settings = Settings(client=False)  # as if it had not come yet
        answers = [client.ask(f"{SHOP}/a") for _ in range(6)]
        await until(lambda: answers[-1].reset is not None or client.goaway is not None)
        self.assertIn(answers[-1].reset, {ErrorCodes.REFUSED_STREAM, None})
        if client.goaway is not None:
            await client.closed(3)
