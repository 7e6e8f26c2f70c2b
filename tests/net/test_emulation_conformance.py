"""What a published server of ``wseb-1.0`` does, as scripted exchanges; no extension is on.

Each script is a row: steps that a client (and the site behind) take one after the other, and
what each must see.  The groups are those of the protocol's own conformance scripts, as far as
they ask something of a server and of the binary encodings.  A status of 400 stands for any
4xx.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred, gatherResults

from tests.net.emulated import CLOSE, RECONNECT, Down, Emulated, EmulatedCase
from tests.net.harness import WS
from tests.net.peers import websocket_origin
from tests.net.raw import until

NOP = b"\x01" + b"00" + b"\xff"
PING, PONG = b"\x89\x00", b"\x8a\x00"
PINGS = (b"X-Accept-Commands: ping",)
BAD_TEXT = b"\x00\xc0\x80\x66\x6f\x6f\xe2\x82".replace(b"\x00", b"\x61")
AT_ONCE = 8


def varint(length: int) -> bytes:
    """A length as the protocol writes it."""
    groups = [length & 127]
    while length := length >> 7:
        groups.append(length & 127 | 128)
    return bytes(reversed(groups))


def text(payload: bytes) -> bytes:
    """A text frame."""
    return b"\x81" + varint(len(payload)) + payload


def binary(payload: bytes) -> bytes:
    """A binary frame."""
    return b"\x80" + varint(len(payload)) + payload


Step = tuple[Any, ...]


@attrs.frozen
class Script:
    """One exchange; the create's encoding and fields, then its steps."""

    name: str
    steps: tuple[Step, ...]
    encoding: str = "cbm"
    fields: tuple[bytes, ...] = ()
    limits: dict[str, float] = attrs.field(factory=dict)
    """Of the gateway, where the usual ones would take too long."""


CREATED: Step = ("create", 201)
FAILS: tuple[Step, ...] = (("ends", 1, CLOSE + RECONNECT), ("site", "ended"))
"""How a fault of the client's shows: on the open response, and to the site."""


def _refused(name: str, *fields: bytes, **more: Any) -> Script:
    return Script(f"opening: {name}", (("create", 400, fields, more),), "cb")


def _faulty(name: str, body: bytes, fields: tuple[bytes, ...] = (), **more: Any) -> Script:
    return Script(name, (CREATED, ("down", 1), ("up", body, 400, more), *FAILS), fields=fields)


def _echo(name: str, sent: bytes, back: bytes | None = None, *cuts: int) -> Script:
    return Script(
        f"data: {name}",
        (CREATED, ("down", 1), ("up", sent + RECONNECT, 200, {"cuts": cuts}),
         ("hears", 1, sent if back is None else back)),
    )  # fmt: skip


NO_NUMBER: dict[str, Any] = {"number": None}
VERSION = b"X-WebSocket-Version: wseb-1.0"
SCRIPTS = (
    # Openings.
    Script("opening: a connection", (CREATED,), "cb"),
    Script("opening: a connection, both kinds of messages", (CREATED,)),
    Script("opening: no extension is on that was not asked for", (CREATED, ("extensions", None))),
    Script(
        "opening: extensions that nobody knows",
        (("create", 201, (b"X-WebSocket-Extensions: primary, secondary",)), ("extensions", None)),
    ),
    Script(
        "opening: a subprotocol",
        (("create", 201, (b"X-WebSocket-Protocol: primary, secondary",)), ("protocol", b"primary")),
    ),
    Script(
        "opening: subprotocols in fields of their own",
        (
            ("create", 201, (b"X-WebSocket-Protocol: other", b"X-WebSocket-Protocol: primary")),
            ("protocol", b"primary"),
        ),
    ),
    Script("opening: by GET", (("create", 201, (), {"method": b"GET", "body": None}),), "cb"),
    Script("opening: a body", (("create", 201, (), {"body": b">|<"}),), "cb"),
    Script("opening: commands", (CREATED,), fields=PINGS),
    _refused("by HEAD", method=b"HEAD", body=None),
    _refused("by PUT", method=b"PUT"),
    _refused("other commands", b"X-Accept-Commands: not-ping"),
    _refused("no number", number=None),
    _refused("a negative number", number=b"-1"),
    _refused("a number that is none", number=b"non-integer"),
    _refused("a number out of range", number=b"9007199254740992"),
    Script("opening: the last number", (("create", 201, (), {"number": b"9007199254740991"}),)),
    _refused("no version", version=None),
    _refused("another version", version=b"not wseb-1.0"),
    # Data.
    *(_echo(f"binary of {size}", binary(b"b" * size)) for size in (0, 127, 128, 65535, 65536)),
    *(_echo(f"text of {size}", text(b"t" * size)) for size in (0, 127, 128, 65535, 65536)),
    _echo("delimited text of 0", b"\x00\xff", text(b"")),
    _echo("delimited text of 20", b"\x00" + b"d" * 20 + b"\xff", text(b"d" * 20)),
    _echo("a character in two pieces", text(b"ABC\xe2\x82\xac"), None, 7),
    _echo("frames in pieces", text(b"ABC") + binary(b"D" * 200), None, 1, 3, 5, 6, 7, 8, 9, 100),
    _faulty("data: text that is none", text(BAD_TEXT) + RECONNECT),
    _faulty("data: delimited text that is none", b"\x00" + BAD_TEXT + b"\xff" + RECONNECT),
    # Commands.
    Script(
        "command: the server sends NOP",
        (CREATED, ("down", 1, ".kkt=1"), ("hears", 1, NOP)),
    ),
    Script(
        "command: the server sends RECONNECT",
        (CREATED, ("down", 1), ("down", 2), ("ends", 1, RECONNECT), ("begun", 2)),
    ),
    Script(
        "command: the server sends CLOSE",
        (CREATED, ("down", 1), ("site", "closes"), ("ends", 1, CLOSE + RECONNECT)),
    ),
    Script(
        "command: the client sends NOP",
        (
            CREATED,
            ("down", 1),
            ("up", NOP + binary(b"x") + NOP + RECONNECT, 200),
            ("hears", 1, binary(b"x")),
        ),
    ),
    _faulty("command: one that nobody knows", b"\x01" + b"7f" + b"\xff" + RECONNECT),
    _faulty("command: one that is none", b"\x01" + b"zz" + b"\xff" + RECONNECT),
    _faulty("command: an unknown kind of frame", b"\x82\x00" + RECONNECT),
    # Pings and pongs.
    Script(
        "control: the client sends PING",
        (CREATED, ("down", 1), ("up", PING + RECONNECT, 200), ("hears", 1, PONG)),
        fields=PINGS,
    ),
    Script(
        "control: the client sends PONG",
        (
            CREATED,
            ("down", 1),
            ("up", PONG + RECONNECT, 200),
            ("up", binary(b"x") + RECONNECT, 200),
            ("hears", 1, binary(b"x")),
        ),
        fields=PINGS,
    ),
    Script(
        "control: the server sends PING",
        (
            CREATED,
            ("down", 1),
            ("hears", 1, PING),
            ("up", PONG + RECONNECT, 200),
            ("up", binary(b"x") + RECONNECT, 200),
            ("hears", 1, PING + binary(b"x")),
        ),
        fields=PINGS,
        limits={"websocket_ping_seconds": 1},
    ),
    _faulty("control: a PING with a length", b"\x89\x01" + RECONNECT, PINGS),
    _faulty("control: a PONG with a length", b"\x8a\x01" + RECONNECT, PINGS),
    _faulty("control: a PING that was not announced", PING + RECONNECT),
    _faulty("control: a PONG that was not announced", PONG + RECONNECT),
    # Closings.
    Script(
        "closing: the client closes",
        (
            CREATED,
            ("down", 1),
            ("up", CLOSE + RECONNECT, 200),
            ("ends", 1, CLOSE + RECONNECT),
            ("site", "closed"),
        ),
    ),
    Script(
        "closing: the site closes",
        (
            CREATED,
            ("down", 1),
            ("site", "closes"),
            ("ends", 1, CLOSE + RECONNECT),
            ("up", CLOSE + RECONNECT, 200),
        ),
    ),
    Script(
        "closing: the site closes, the client never answers",
        (
            CREATED,
            ("down", 1),
            ("site", "closes"),
            ("ends", 1, CLOSE + RECONNECT),
            ("site", "closed"),
        ),
    ),
    Script(
        "closing: the client says more behind CLOSE",
        (
            CREATED,
            ("down", 1),
            ("up", CLOSE + binary(b"late") + RECONNECT, 200),
            ("ends", 1, CLOSE + RECONNECT),
            ("site", "closed"),
            ("site", "heard", []),
        ),
    ),
    Script(
        "closing: the site says more behind its close",
        (
            CREATED,
            ("down", 1),
            ("site", "closes"),
            ("site", "says", b"late"),
            ("ends", 1, CLOSE + RECONNECT),
        ),
    ),
    _faulty("closing: octets behind RECONNECT", RECONNECT + binary(b"late")),
    Script(
        "closing: the site vanishes",
        (CREATED, ("down", 1), ("site", "vanishes"), ("cut", 1)),
    ),
    Script(
        "closing: the client's response breaks off",
        (CREATED, ("down", 1), ("abort", 1), ("site", "ended")),
        limits={"emulation_gap_seconds": 1},
    ),
    Script(
        "closing: the client's request breaks off",
        (CREATED, ("down", 1), ("up-begins", b""), ("up-breaks",), *FAILS),
    ),
    Script(
        "closing: the client's request breaks off after a message",
        (
            CREATED,
            ("down", 1),
            ("up-begins", binary(b"x") + binary(b"yz")[:3]),
            ("hears", 1, binary(b"x")),
            ("up-breaks",),
            ("ends", 1, binary(b"x") + CLOSE + RECONNECT),
            ("site", "heard", [(b"x", True)]),
            ("up", binary(b"x") + RECONNECT, 200, {"ahead": 1}),
            ("site", "heard", [(b"x", True)]),
        ),
    ),
    Script(
        "closing: the site vanishes amid a request",
        (
            CREATED,
            ("down", 1),
            ("up-begins", binary(b"x")),
            ("hears", 1, binary(b"x")),
            ("site", "vanishes"),
            ("up-is-cut",),
            ("cut", 1),
        ),
    ),
    # Downstream.
    Script(
        "downstream: an origin",
        (CREATED, ("down", 1), ("up", CLOSE + RECONNECT, 200), ("ends", 1, CLOSE + RECONNECT)),
    ),
    Script("downstream: by HEAD", (CREATED, ("down-refused", {"method": b"HEAD"}))),
    Script("downstream: by PUT", (CREATED, ("down-refused", {"method": b"PUT"}))),
    Script(
        "downstream: by POST",
        (
            CREATED,
            ("down", 1, "", {"method": b"POST"}),
            ("up", CLOSE + RECONNECT, 200),
            ("ends", 1, CLOSE + RECONNECT),
        ),
    ),
    Script(
        "downstream: by POST, with a body",
        (
            CREATED,
            ("down", 1, "", {"method": b"POST", "body": b">|<"}),
            ("up", CLOSE + RECONNECT, 200),
            ("ends", 1, CLOSE + RECONNECT),
        ),
    ),
    Script("downstream: out of order", (CREATED, ("down-refused", {"ahead": 2}))),
    Script(
        "downstream: a later one out of order",
        (CREATED, ("down", 1), ("down-refused", {"ahead": 3}), *FAILS),
    ),
    Script(
        "downstream: one that was before",
        (CREATED, ("down", 1), ("down-refused", {"ahead": 1}), *FAILS),
    ),
    Script(
        "downstream: overlapping",
        (
            CREATED,
            ("down", 1),
            ("down", 2),
            ("ends", 1, RECONNECT),
            ("site", "says", b"x"),
            ("hears", 2, binary(b"x")),
        ),
    ),
    Script(
        "downstream: what it may carry",
        (
            CREATED,
            ("down", 1, ".kb=1"),
            ("up", binary(b"k" * 1024) + RECONNECT, 200),
            ("ends", 1, binary(b"k" * 1024) + RECONNECT),
            ("down", 2),
            ("begun", 2),
        ),
    ),
    Script(
        "downstream: numbers in the URL",
        (
            ("create", 201, (), {"number": None, "query": ".ksn=0"}),
            ("down", 1, ".ksn=1", {"numbered": False}),
            ("up", CLOSE + RECONNECT, 200, {"query": ".ksn=1", "numbered": False}),
            ("ends", 1, CLOSE + RECONNECT),
        ),
    ),
    # Upstream.
    Script(
        "upstream: several requests",
        (
            CREATED,
            ("down", 1),
            ("up", binary(b"data1") + RECONNECT, 200),
            ("up", binary(b"data2") + RECONNECT, 200),
            ("hears", 1, binary(b"data1") + binary(b"data2")),
        ),
    ),
    Script(
        "upstream: in chunks",
        (
            CREATED,
            ("down", 1),
            ("up", binary(b"data1") + RECONNECT, 200, {"chunked": True}),
            ("hears", 1, binary(b"data1")),
        ),
    ),
    Script(
        "upstream: overlapping",
        (
            CREATED,
            ("down", 1),
            ("up-begins", binary(b"data1")),
            ("hears", 1, binary(b"data1")),
            ("up", RECONNECT, 400, {"ahead": 2}),
            ("ends", 1, binary(b"data1") + CLOSE + RECONNECT),
            ("up-ends", RECONNECT, 200),
            ("site", "ended"),
        ),
    ),
    _faulty("upstream: by PUT", binary(b"x") + RECONNECT, method=b"PUT"),
    _faulty("upstream: by GET", b"", method=b"GET"),
    _faulty("upstream: out of order", binary(b"x") + RECONNECT, ahead=2),
    _faulty("upstream: one that was before", binary(b"x") + RECONNECT, ahead=0),
    Script(
        "upstream: a later one out of order",
        (
            CREATED,
            ("down", 1),
            ("up", PING + RECONNECT, 200),
            ("hears", 1, PONG),
            ("up", PING + RECONNECT, 400, {"ahead": 3}),
            ("ends", 1, PONG + CLOSE + RECONNECT),
            ("site", "ended"),
        ),
        fields=PINGS,
    ),
    _faulty("upstream: nothing in it", b""),
    _faulty("upstream: no RECONNECT", binary(b"x")),
    _faulty("upstream: half a frame", binary(b"xyz")[:-1]),
    # Proxies.
    Script(
        "proxies: heart-beats",
        (
            CREATED,
            ("down", 1, ".kkt=1"),
            ("hears", 1, NOP + NOP),
            ("up", CLOSE + RECONNECT, 200),
            ("ends", 1, NOP + NOP + CLOSE + RECONNECT),
        ),
    ),
    Script(
        "proxies: long polls overlap",
        (CREATED, ("down", 1), ("down", 2, ".ki=p"), ("ends", 1, RECONNECT)),
    ),
    Script(
        "proxies: long polls",
        (
            CREATED,
            ("down", 1),
            ("site", "says", b"data1"),
            ("hears", 1, binary(b"data1")),
            ("down", 2, ".ki=p"),
            ("ends", 1, binary(b"data1") + RECONNECT),
            ("site", "says", b"data2"),
            ("ends", 2, binary(b"data2") + RECONNECT),
        ),
    ),
)


class Player:
    """Plays one script's steps; each method is a step."""

    def __init__(self, gateway: Any, origin: Any, script: Script, number: int) -> None:
        self.client = Emulated(gateway, number)
        self.origin = origin
        self.script = script
        self.path = f"/path/{number}"
        self.downs: dict[int, Down] = {}
        self.base = number

    @property
    def peer(self) -> Any:
        """The site's side."""
        return next(one for one in self.origin.peers if one.request.path == self.path)

    async def create(
        self, status: int, fields: tuple[bytes, ...] = (), more: dict[str, Any] | None = None
    ) -> None:
        given = {"number": b"%d" % self.base, "version": b"wseb-1.0", "query": "", **(more or {})}
        number, version, query = given.pop("number"), given.pop("version"), given.pop("query")
        lines = [*self.script.fields, *fields]
        lines += [] if number is None else [b"X-Sequence-No: " + number]
        lines += [] if version is None else [b"X-WebSocket-Version: " + version]
        target = f"{self.path}/;e/{self.script.encoding}" + (f"?{query}" if query else "")
        client = self.client
        target = client.gateway.with_token(target)
        connection = await client.ask(target, *lines, **given)
        answer = await connection.response(bodyless=given.get("method") == b"HEAD")
        _judge(answer.status, status)
        if status != 201:
            return
        assert answer.get(b"content-type").lower() == b"text/plain;charset=utf-8", answer
        up, down, rest = answer.body.decode().split("\n")
        start = f"https://{client.host}"
        for one in (up, down):
            assert one.startswith(f"{start}{self.path}/;e/"), one
        assert not rest, rest
        client.up_target, client.down_target = up[len(start) :], down[len(start) :]
        client.created = answer
        if number is None:
            self.base = 0
        client.up_number = client.down_number = self.base

    async def extensions(self, wanted: bytes | None) -> None:
        assert self.client.created.get(b"x-websocket-extensions") == wanted, self.client.created

    async def protocol(self, wanted: bytes) -> None:
        assert self.client.created.get(b"x-websocket-protocol") == wanted, self.client.created

    async def _down(
        self,
        query: str = "",
        *,
        method: bytes = b"GET",
        body: bytes | None = None,
        ahead: int | None = None,
        numbered: bool = True,
    ) -> Down:
        client = self.client
        if ahead is None:
            client.down_number += 1
        number = client.down_number if ahead is None else self.base + ahead
        fields = (b"X-Sequence-No: %d" % number,) if numbered else ()
        target = client.down_target + (f"?{query}" if query else "")
        return Down(await client.ask(target, *fields, method=method, body=body))

    async def down(self, name: int, query: str = "", more: dict[str, Any] | None = None) -> None:
        self.downs[name] = down = await self._down(query, **(more or {}))
        if name == 1:
            await self.begun(name)
            assert down.head.get(b"connection") == b"close", down.head

    async def begun(self, name: int) -> None:
        head = await self.downs[name].begun()
        kind = (head.status, head.get(b"content-type"))
        assert kind == (200, b"application/octet-stream"), head

    async def down_refused(self, more: dict[str, Any]) -> None:
        down = await self._down(**more)
        await until(lambda: down.head is not None)
        _judge(down.head.status, 400)

    async def hears(self, name: int, octets: bytes) -> None:
        down = self.downs[name]
        await until(lambda: len(down.octets) >= len(octets))
        assert down.octets == octets, (down.octets[:80], octets[:80])

    async def ends(self, name: int, octets: bytes) -> None:
        down = self.downs[name]
        await until(lambda: down.is_whole or down.connection.ended)
        assert (down.octets, down.is_whole) == (octets, True), (down.octets[:80], octets[:80])

    async def cut(self, name: int) -> None:
        down = self.downs[name]
        await until(lambda: down.connection.ended)
        assert not down.octets.endswith(RECONNECT), down.octets

    async def abort(self, name: int) -> None:
        self.downs[name].abort()

    async def up(self, body: bytes, status: int, more: dict[str, Any] | None = None) -> None:
        given = {"ahead": None, "method": b"POST", "cuts": (), "chunked": False, "query": "",
                 "numbered": True, **(more or {})}  # fmt: skip
        client = self.client
        if given["ahead"] is None:
            client.up_number += 1
        number = client.up_number if given["ahead"] is None else self.base + given["ahead"]
        fields = [b"Content-Type: application/octet-stream"]
        fields += [b"X-Sequence-No: %d" % number] if given["numbered"] else []
        target = client.up_target + (f"?{given['query']}" if given["query"] else "")
        if given["chunked"]:
            fields.append(b"Transfer-Encoding: chunked")
            connection = await client.ask(target, *fields, method=given["method"], body=None)
            for at in range(len(body)):
                connection.write(b"1\r\n" + body[at : at + 1] + b"\r\n")
            connection.write(b"0\r\n\r\n")
        elif given["cuts"]:
            fields.append(b"Content-Length: %d" % len(body))
            connection = await client.ask(target, *fields, method=given["method"], body=None)
            for begin, end in zip((0, *given["cuts"]), (*given["cuts"], len(body)), strict=True):
                connection.write(body[begin:end])
        else:
            connection = await client.ask(target, *fields, method=given["method"], body=body)
        _judge((await connection.response()).status, status)

    async def up_begins(self, part: bytes) -> None:
        self.client.up_number += 1
        fields = (b"X-Sequence-No: %d" % self.client.up_number, b"Transfer-Encoding: chunked")
        self.coming = await self.client.ask(self.client.up_target, *fields, body=None)
        await self.up_more(part)

    async def up_more(self, part: bytes) -> None:
        if part:
            self.coming.write(b"%x\r\n%b\r\n" % (len(part), part))

    async def up_ends(self, part: bytes, status: int) -> None:
        await self.up_more(part)
        self.coming.write(b"0\r\n\r\n")
        _judge((await self.coming.response()).status, status)

    async def up_breaks(self) -> None:
        self.coming.transport.loseConnection()

    async def up_is_cut(self) -> None:
        await self.coming.closed()
        assert not self.coming.buffer, self.coming.buffer

    async def site(self, what: str, given: Any = None) -> None:
        peer = self.peer
        await until(lambda: peer.opened)
        if what == "closes":
            peer.close(1000)
        elif what == "says":
            peer.transport.write(b"\x82" + bytes([len(given)]) + given)
        elif what == "vanishes":
            peer.drop()
        elif what in {"closed", "ended"}:
            await until(lambda: peer.ended is not None)
            assert what == "ended" or peer.ended[0], peer.ended
        elif what == "heard":
            assert peer.messages == given, peer.messages


def _judge(status: int, wanted: int) -> None:
    assert status == wanted or (wanted == 400 <= status < 500), (status, wanted)


class ConformanceTests(EmulatedCase):
    """Every script, on a connection of its own; nothing of ours is on."""

    timeout = 120

    async def _play(self, player: Player) -> str:
        at: Any = None
        try:
            for at in player.script.steps:
                verb, *given = at
                await getattr(player, verb.replace("-", "_"))(*given)
        except Exception as error:
            return f"{player.script.name}: {at}: {type(error).__name__} {error}\n"
        return ""

    async def _check(self, some: Callable[[Script], bool]) -> None:
        def choose(request: Any) -> str | None:
            return "primary" if "primary" in request.protocols else None

        origin = websocket_origin(choose, echoes=True)
        chosen = [one for one in SCRIPTS if some(one)]
        limits: dict[str, float] = {}
        for one in chosen:
            limits |= one.limits
        gateway = await self.gateway({WS: origin}, websocket_close_seconds=2, **limits)
        players = iter([Player(gateway, origin, one, at * 10) for at, one in enumerate(chosen, 1)])
        wrong: list[str] = []

        async def lane() -> None:
            for player in players:
                wrong.append(await self._play(player))

        await gatherResults([Deferred.fromCoroutine(lane()) for _ in range(AT_ONCE)])
        self.assertEqual("".join(wrong), "")

    async def test_scripts(self) -> None:
        """Those that need no hurry."""
        await self._check(lambda script: not script.limits)

    async def test_bounds(self) -> None:
        """Those where the gateway's own clocks are what is looked at."""
        for one in SCRIPTS:
            if one.limits:
                await self._check(lambda script, one=one: script is one)
