"""Large edited bodies through a whole gateway: memory, pace, and everybody else's time."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from pathlib import Path
from typing import Any

import brotli
from twisted.internet.interfaces import IPullProducer
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall, deferLater
from zope.interface import implementer

from gateway import wire
from gateway.rewrite import pipeline
from tests.net.harness import SHOP, Gateway, GatewayCase, request
from tests.net.raw import Connection, Origin, reply, until

MIB = 1024 * 1024
HTML = b"Content-Type: text/html; charset=utf-8"
FRAME = (b"Sec-Fetch-Dest: iframe", b"Sec-Fetch-Mode: navigate", b"Sec-Fetch-Site: same-origin")
HEAD = b"<!doctype html><head><title>t</title></head>"
PART = (
    b"<p class='x'>Some words and <a href='https://cdn.site.example/some/path'>a link</a>, then "
    + b"more words of all kinds. " * 30
    + b"</p>\n"
)
BLOCK = PART * (64 * 1024 // len(PART))
MAPPED = b"https://https-cdn-site-example.0.gateway.test/some/path"
MANY_LINKS = b"<a href='https://cdn.site.example/x' title=y><img src=/z>" * 1100


@implementer(IPullProducer)
class _Page(Protocol):
    """Answers with a page of so many blocks, at the pace at which it is read."""

    def connectionMade(self) -> None:
        self.left = self.factory.blocks

    def dataReceived(self, data: bytes) -> None:
        if b"\r\n\r\n" in data:
            size = len(HEAD) + self.factory.blocks * len(self.factory.block)
            head = b"HTTP/1.1 200 OK\r\n" + HTML + b"\r\nContent-Length: %d\r\n\r\n" % size
            self.transport.write(head + HEAD)
            self.transport.registerProducer(self, False)

    def resumeProducing(self) -> None:
        self.left -= 1
        self.factory.sent += len(self.factory.block)
        self.transport.write(self.factory.block)
        if not self.left:
            self.transport.unregisterProducer()

    def stopProducing(self) -> None:
        self.left = 0


class PageFactory(Factory):
    """Makes such pages."""

    protocol = _Page
    noisy = False

    def __init__(self, size: int, block: bytes = BLOCK) -> None:
        self.block, self.blocks, self.sent = block, size // len(block), 0


class Reader(Connection):
    """A client that counts what it reads, without the chunks' framing, and keeps the end."""

    def __init__(self) -> None:
        super().__init__()
        self.body: Any = None
        self.count = 0
        self.mapped = 0
        self.whole = False
        self.decoder: Any = None
        self.tail = b""

    def dataReceived(self, data: bytes) -> None:
        self.buffer += data
        if self.body is None:
            head, mark, rest = self.buffer.partition(b"\r\n\r\n")
            if not mark:
                return
            self.body, self.buffer = head.lower(), rest
            if b"content-encoding: br" in self.body:
                self.decoder = brotli.Decompressor()
        while not self.whole:
            size, mark, rest = self.buffer.partition(b"\r\n")
            length = int(size, 16) if mark else 0
            if not mark or len(rest) < length + 2:
                return
            self.take(rest[:length])
            self.buffer = rest[length + 2 :]
            self.whole = not length

    def take(self, data: bytes) -> None:
        """Count a chunk."""
        if self.decoder is not None and data:
            data = self.decoder.process(data)
        self.count += len(data)
        text = self.tail + data
        self.mapped += text.count(MAPPED)
        self.tail = text[-len(MAPPED) + 1 :]


class Watch:
    """Looks often: how long the reactor was held up, how large the process was.

    ``busiest``: the longest that the reactor's own thread computed between two looks, which
    no other process on the machine makes longer.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._call = LoopingCall(self._look)
        self._last = reactor.seconds()
        self.longest = self.busiest = 0.0
        self.before = self.largest = self._size()

    def start(self) -> None:
        self._last = self._reactor.seconds()
        self._computed = time.thread_time()
        self._call.start(0.01)

    def stop(self) -> None:
        self._call.stop()

    @property
    def grown(self) -> int:
        """How much larger the process was at most; 0 where that cannot be told."""
        return self.largest - self.before

    def _look(self) -> None:
        now = self._reactor.seconds()
        self.longest = max(self.longest, now - self._last)
        self._last = now
        computed = time.thread_time()
        self.busiest = max(self.busiest, computed - self._computed)
        self._computed = computed
        self.largest = max(self.largest, self._size())

    @staticmethod
    def _size() -> int:
        status = Path("/proc/self/statm")
        return int(status.read_text().split()[1]) * 4096 if status.exists() else 0


class LargeCase(GatewayCase):
    """One large page."""

    timeout = 120

    async def read(self, gateway: Gateway, *fields: bytes, path: str = "/") -> Reader:
        """A reader to which an answer is on its way."""
        reader: Reader = await self.client(gateway.port, factory=Factory.forProtocol(Reader))
        reader.write(request(SHOP + path, b"Cookie: " + gateway.cookie, *fields))
        return reader

    def watch(self) -> Watch:
        """Look until the test ends."""
        from twisted.internet import reactor

        watch = Watch(reactor)
        watch.start()
        self.addCleanup(watch.stop)
        return watch


class LargeTests(LargeCase):
    """50 MB and more."""

    async def test_a_large_page(self) -> None:
        """It streams through in little memory, and the reactor is never held up for long."""
        for coding in (b"identity", b"br"):
            factory = PageFactory(50_000_000)
            gateway = await self.gateway({SHOP: factory})
            watch = self.watch()
            reader = await self.read(gateway, *FRAME, b"Accept-Encoding: " + coding)
            await until(lambda reader=reader: reader.whole, 60)
            links = factory.blocks * BLOCK.count(b"<a href")
            self.assertEqual(reader.mapped, links)
            self.assertGreater(reader.count, factory.sent)
            self.assertLess(watch.longest, 1.0, coding)
            self.assertLess(watch.grown, 40 * MIB, coding)

    async def test_others_are_served(self) -> None:
        """While several large pages full of links are edited, others are answered at once."""
        from twisted.internet import reactor

        large, small = PageFactory(6_000_000, MANY_LINKS), Origin(reply(b"small"))
        other = "https://small.site.example"
        gateway = await self.gateway({SHOP: large, other: small})
        watch = self.watch()
        readers = [
            await self.read(gateway, *FRAME, b"Accept-Encoding: br", path=f"/{number}")
            for number in range(4)
        ]
        await until(lambda: all(reader.count > MIB for reader in readers), 60)
        slowest = 0.0
        for _ in range(10):
            began = reactor.seconds()
            self.assertEqual((await gateway.ask(other)).body, b"small")
            slowest = max(slowest, reactor.seconds() - began)
        self.assertFalse(all(reader.whole for reader in readers))
        self.assertLess(slowest, 2.0)
        self.assertLess(watch.longest, 1.0)
        await until(lambda: all(reader.whole for reader in readers), 90)

    async def test_a_client_that_does_not_read(self) -> None:
        """Its origin is not read either, so that nothing piles up here."""
        factory = PageFactory(200_000_000)
        gateway = await self.gateway({SHOP: factory})
        watch = self.watch()
        reader = await self.read(gateway, *FRAME, b"Accept-Encoding: identity")
        await until(lambda: reader.count > MIB)
        reader.transport.pauseProducing()
        before = -1
        while before != factory.sent:
            before = factory.sent
            await deferLater(watch._reactor, 0.5)
        self.assertLess(factory.sent, 40 * MIB)
        self.assertLess(watch.grown, 60 * MIB)
        reader.transport.resumeProducing()
        await until(lambda: factory.sent > before + 10 * MIB, 20)

    async def test_a_client_that_leaves(self) -> None:
        """The origin is let go, also while a thread is at work, and the next is served."""
        factory = PageFactory(200_000_000, MANY_LINKS)
        gateway = await self.gateway({SHOP: factory})
        for number in range(3):
            reader = await self.read(gateway, *FRAME, b"Accept-Encoding: br")
            await until(lambda reader=reader: reader.count > MIB)
            reader.transport.abortConnection()
            await until(lambda number=number: len(gateway.telemetry.accesses) > number)
            sent = factory.sent
            await deferLater(self.watch()._reactor, 0.3)
            self.assertLess(factory.sent - sent, MIB)

    async def test_an_integrity_of_a_large_sheet(self) -> None:
        """A sheet that has to be held whole is not edited on the reactor's own thread."""
        sheet = b"a { color: red; background: url(https://cdn.site.example/x.png) }\n" * 60_000
        digest = base64.urlsafe_b64encode(hashlib.sha256(sheet).digest()).decode()
        origin = Origin(reply(sheet, b"Content-Type: text/css"))
        gateway = await self.gateway({SHOP: origin})
        close, edits = pipeline._Verified.close, []

        def watched(verified: pipeline._Verified) -> bytes:
            began = time.thread_time()
            edited = close(verified)
            edits.append((threading.get_ident(), time.thread_time() - began))
            return edited

        self.patch(pipeline._Verified, "close", watched)
        watch = self.watch()
        path = f"/a.css?{wire.INTEGRITY_PARAMETER}=sha256-{digest}"
        reader = await self.read(gateway, b"Sec-Fetch-Dest: style", path=path)
        await until(lambda: reader.whole, 30)
        self.assertGreater(reader.count, len(sheet))
        ((thread, took),) = edits
        self.assertNotEqual(thread, threading.get_ident())
        self.assertLess(watch.busiest, took / 2)
        self.assertLess(watch.longest, 1.0)
