"""What the head of an emulation request asks."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.headers import get_all
from gateway.websocket.emulation import request
from gateway.websocket.emulation.request import Asked, Opening, What, Wishes
from gateway.websocket.handshake import Offer, read_offer

ID = "n.1.abc"


class TargetTests(SynchronousTestCase):
    """Paths."""

    def test_table(self) -> None:
        """The leg, what is before it, and whether text may be."""
        create, up, down, other = What.CREATE, What.UPSTREAM, What.DOWNSTREAM, What.OTHER
        table = (
            (b"/ws/;e/cbm", Asked(create, b"/ws", b"")),
            (b"/ws/;e/cb?a=b&c", Asked(create, b"/ws", b"a=b&c", mixed=False)),
            (b"/ws//;e/cbm", Asked(create, b"/ws/", b"")),
            (b"/;e/cbm", Asked(create, b"", b"")),
            (b"//;e/cbm", Asked(create, b"/", b"")),
            (b"/a/;e/x/;e/cbm", Asked(create, b"/a/;e/x", b"")),
            (b"/ws/;e/ubm/n.1.abc", Asked(up, b"/ws", b"", id=ID)),
            (b"/ws/;e/db/n.1.abc?.kb=1", Asked(down, b"/ws", b".kb=1", mixed=False, id=ID)),
            (b"/ws/;e/ct", Asked(other, b"/ws", b"")),
            (b"/ws/;e/ctem", Asked(other, b"/ws", b"")),
            (b"/ws/;e/ubm/", Asked(other, b"/ws", b"")),
            (b"/ws/;e/ubm/a/b", Asked(other, b"/ws", b"")),
            (b"/ws/;e/cbm/", Asked(other, b"/ws", b"")),
            (b"/ws/;e/ubm/" + b"a" * 129, Asked(other, b"/ws", b"")),
            (b"/ws/e/cbm", None),
            (b"/ws;e/cbm", None),
            (b"/ws?x=/;e/cbm", None),
            (b"*", None),
            (b"https://x/;e/cbm", None),
        )
        for target, wanted in table:
            self.assertEqual(request.read_target(target), wanted, target)

    def test_native_target(self) -> None:
        """The native URL's path and query, without the sequence number if it is there."""
        table = (
            (b"/ws/;e/cbm?a&.ksn=3&b", False, b"/ws?a&.ksn=3&b"),
            (b"/ws/;e/cbm?a&.ksn=3&b", True, b"/ws?a&b"),
            (b"/ws/;e/cbm?.ksn=3", True, b"/ws"),
            (b"/;e/cbm", True, b"/"),
            (b"//;e/cbm?x", True, b"/?x"),
            (b"/ws//;e/cbm", True, b"/ws/"),
        )
        for target, by_parameter, wanted in table:
            asked = request.read_target(target)
            assert asked is not None
            self.assertEqual(asked.native_target(by_parameter=by_parameter), wanted, target)

    def test_urls(self) -> None:
        """Both URLs begin as the create does."""
        asked = request.read_target(b"/a/b/;e/cb?x")
        assert asked is not None
        self.assertEqual(asked.url("h:1", "u", ID), f"https://h:1/a/b/;e/ub/{ID}")

    def test_logged(self) -> None:
        """A log shows no id."""
        for path, wanted in (
            (b"/ws/;e/ubm/n.1.abc", b"/ws/;e/ubm"), (b"/ws/;e/cbm", b"/ws/;e/cbm"), (b"/a", b"/a"),
        ):  # fmt: skip
            self.assertEqual(request.without_id(path), wanted)


class FieldTests(SynchronousTestCase):
    """Numbers, commands, wishes, marks."""

    def test_sequence(self) -> None:
        """A field or, where there is none, a parameter; one of them, whole and not negative."""
        most = 2**53 - 1
        table = (
            ((b"0",), b"", (0, False)),
            ((b"%d" % most,), b"", (most, False)),
            ((b"%d" % (most + 1),), b"", (None, False)),
            ((b"-1",), b"", (None, False)),
            ((b"1.0",), b"", (None, False)),
            ((b"+1",), b"", (None, False)),
            ((b"",), b"", (None, False)),
            ((b"1 ",), b"", (None, False)),
            ((b"\xb2",), b"", (None, False)),
            ((b"1", b"2"), b"", (None, False)),
            ((b"1",), b".ksn=5", (1, False)),
            ((), b".ksn=5", (5, True)),
            ((), b"a&.ksn=5&b", (5, True)),
            ((), b".ksn=5&.ksn=6", (None, True)),
            ((), b"x.ksn=5", (None, True)),
            ((), b"", (None, True)),
        )
        for values, query, wanted in table:
            fields = [(b"X-Sequence-No", value) for value in values]
            self.assertEqual(request.sequence(fields, query), wanted, (values, query))

    def test_opening(self) -> None:
        """Version, number and commands are as they must be."""
        good = {b"X-WebSocket-Version": b"wseb-1.0", b"X-Sequence-No": b"4"}
        table: tuple[tuple[dict[bytes, bytes | None], object], ...] = (
            ({}, Opening(4, ping=False, by_parameter=False)),
            ({b"X-Accept-Commands": b"ping"}, Opening(4, ping=True, by_parameter=False)),
            ({b"X-Accept-Commands": b"pong"}, str),
            ({b"X-Accept-Commands": b"ping, pong"}, str),
            ({b"X-WebSocket-Version": None}, str),
            ({b"X-WebSocket-Version": b"wseb-1.1"}, str),
            ({b"X-WebSocket-Version": b"WSEB-1.0"}, str),
            ({b"X-Sequence-No": b"x"}, str),
            ({b"X-Sequence-No": None}, Opening(9, ping=False, by_parameter=True)),
        )
        for change, wanted in table:
            fields = [(name, value) for name, value in {**good, **change}.items() if value]
            found = request.read_opening(fields, b".ksn=9")
            self.assertTrue(found == wanted or (isinstance(found, str) and wanted is str), change)

    def test_wishes(self) -> None:
        """What is malformed was not said."""
        table = (
            (b"", Wishes()),
            (b".kb=4&.kkt=20&.ki=p&.gwr=77", Wishes(True, 4096, 20, 77)),
            (b".kb=0&.kkt=0&.ki=q&.gwr=-1", Wishes()),
            (b".kb=x&.kkt=1.5&.ki=&.gwr=", Wishes()),
            (b".kb=1&.kb=2&.ki=p&.ki=p", Wishes()),
            (b"kb=4&x.kkt=2", Wishes()),
        )
        for query, wanted in table:
            self.assertEqual(request.wishes(query), wanted, query)

    def test_marks(self) -> None:
        """Which requests and preflights are ours whatever their path."""
        for fields, wanted in (
            ([(b"x-websocket-version", b"")], True),
            ([(b"X-Sequence-No", b"9")], True),
            ([(b"X-WebSocket-Protocol", b"a"), (b"X-Accept-Commands", b"ping")], False),
        ):
            self.assertEqual(request.carries_marks(fields), wanted, fields)
        for value, wanted in (
            (b"content-type,x-sequence-no", True),
            (b"X-WebSocket-Version", True),
            (b"x-websocket-protocol", False),
            (b"", False),
        ):
            fields = [(b"Access-Control-Request-Headers", value)]
            self.assertEqual(request.preflights_marks(fields), wanted, value)
        version = [(b"x-websocket-version", b"?")]
        self.assertTrue(request.is_create(b"/a/;e/cbm?x", version))
        self.assertFalse(request.is_create(b"/a/;e/cbm?x", []))
        self.assertFalse(request.is_create(b"/a", version))
        asks = [(b"Access-Control-Request-Method", b"POST")]
        self.assertTrue(request.is_preflight(b"OPTIONS", asks))
        self.assertFalse(request.is_preflight(b"OPTIONS", []))
        self.assertFalse(request.is_preflight(b"POST", asks))


class HandshakeTests(SynchronousTestCase):
    """The handshake that a create stands for."""

    def test_fields(self) -> None:
        """It is a sound one, whatever the create smuggles in, and has nothing of emulation."""
        fields = (
            (b"Host", b"h"),
            (b"Origin", b"https://a"),
            (b"Cookie", b"a=b"),
            (b"Sec-Fetch-Mode", b"cors"),
            (b"Sec-Fetch-Site", b"same-site"),
            (b"User-Agent", b"ua"),
            (b"Connection", b"keep-alive"),
            (b"Upgrade", b"h2c"),
            (b"Content-Length", b"3"),
            (b"Transfer-Encoding", b"chunked"),
            (b"Content-Type", b"text/plain"),
            (b"Sec-WebSocket-Key", b"x"),
            (b"Sec-WebSocket-Protocol", b"smuggled"),
            (b"Sec-WebSocket-Version", b"8"),
            (b"Sec-WebSocket-Extensions", b"permessage-deflate"),
            (b"X-WebSocket-Protocol", b"a, b"),
            (b"x-websocket-protocol", b"c"),
            (b"X-WebSocket-Extensions", b"x-gw-close"),
            (b"X-WebSocket-Version", b"wseb-1.0"),
            (b"X-Sequence-No", b"1"),
            (b"X-Accept-Commands", b"ping"),
        )
        made = request.native_fields(fields)
        self.assertEqual(read_offer(b"GET", b"HTTP/1.1", made), Offer(("a", "b", "c")))
        names = {name.lower() for name, _ in made}
        self.assertLessEqual({b"host", b"origin", b"cookie", b"user-agent"}, names)
        for name in (b"content-length", b"transfer-encoding", b"x-sequence-no", b"content-type"):
            self.assertEqual(get_all(made, name), [])
        self.assertEqual(get_all(made, b"sec-websocket-extensions"), [])
        self.assertEqual(get_all(made, b"sec-fetch-mode"), [b"websocket"])
        self.assertEqual(get_all(made, b"sec-fetch-site"), [b"same-site"])
