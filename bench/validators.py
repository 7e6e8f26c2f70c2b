"""Microseconds that looking into one message takes, by subprotocol, beside handing it on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import attrs
import cbor2
import msgpack
from pamqp import body, commands, frame, header

from bench import figures
from bench.codec import Clock
from gateway.websocket.inspection import Direction, Message, inspection_for
from gateway.websocket.rules import Mode, ValidationRules
from gateway.websocket.subprotocols.schema_compiler import compile_schema

if TYPE_CHECKING:
    from bench.common import Options

C, S = Direction.FROM_CLIENT, Direction.TO_CLIENT
_SIZES = (128, 64 * 1024)
_OPEN = b'<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="a" version="1.0"/>'
_HELLO = [1, "r", {"roles": {"publisher": {}}}]
_QUERY = {"query": "{ x }"}
_SCHEMA = {
    "type": "object",
    "properties": {"kind": {"enum": ["say"]}, "text": {"type": "string", "pattern": "^x"}},
    "required": ["kind", "text"],
    "additionalProperties": False,
}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


@attrs.frozen
class Case:
    """A connection's beginning, and the message that is repeated on it."""

    name: str
    before: tuple[tuple[Direction, bytes], ...]
    message: bytes
    binary: bool = False
    rules: ValidationRules = attrs.field(factory=lambda: ValidationRules(Mode.ENFORCE))


def _remaining(value: int) -> bytes:
    """MQTT's remaining length."""
    octets = bytearray()
    while value > 127:
        octets.append(value & 127 | 128)
        value >>= 7
    return bytes((*octets, value))


def _amqp() -> tuple[tuple[Direction, bytes], ...]:
    """An open connection with an open channel."""
    said = (
        (S, commands.Connection.Start(0, 9, {}, "PLAIN", "en_US"), 0),
        (C, commands.Connection.StartOk({}, "PLAIN", "", "en_US"), 0),
        (S, commands.Connection.Tune(9, 131072, 0), 0),
        (C, commands.Connection.TuneOk(9, 131072, 0), 0),
        (C, commands.Connection.Open("/"), 0),
        (S, commands.Connection.OpenOk(), 0),
        (C, commands.Channel.Open(), 1),
    )
    return ((C, b"AMQP\0\0\x09\1"), *((way, frame.marshal(one, at)) for way, one, at in said))


def _cases(size: int) -> list[Case]:
    text = "x" * size
    octets = text.encode()
    lists = ValidationRules(Mode.ENFORCE, publish=("/queue/*", "/topic/**"), from_client=None)
    mqtt = attrs.evolve(lists, publish=("a/+", "b/#"))
    schema = attrs.evolve(lists, publish=None, from_client=compile_schema(_json(_SCHEMA), "x"))
    remaining = _remaining(5 + size)
    pack = (("json", _json), ("msgpack", msgpack.packb), ("cbor", cbor2.dumps))
    event = [36, 1, 2, {}, [text]]
    sip = (
        b"MESSAGE sip:b@x SIP/2.0\r\nVia: SIP/2.0/WSS a;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n"
        b"To: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\n"
        b"Content-Type: text/plain\r\n\r\n"
    )
    return [
        Case("v12.stomp", ((C, b"CONNECT\naccept-version:1.2\n\n\0"),),
             b"SEND\ndestination:/queue/a\ncontent-length:%d\n\n%s\0" % (size, octets), rules=lists),
        Case("mqtt", ((C, b"\x10\x0e\0\4MQTT\4\2\0\0\0\2me"),),
             b"\x30" + remaining + b"\0\3a/b" + octets, binary=True, rules=mqtt),
        Case("amqp (0-9-1)", _amqp(), b"".join(
            frame.marshal(one, 1) for one in (
                commands.Basic.Publish(0, "", "q"), header.ContentHeader(body_size=size),
                body.ContentBody(octets))), binary=True),
        *(Case(f"wamp.2.{name}", ((C, write(_HELLO)), (S, write([2, 1, {"roles": {"broker": {}}}]))),
               write(event), binary=name != "json") for name, write in pack),
        Case("xmpp", ((C, _OPEN), (S, _OPEN)),
             b'<message xmlns="jabber:client" to="a"><body>' + octets + b"</body></message>"),
        Case("graphql-transport-ws",
             ((C, b'{"type":"connection_init"}'), (S, b'{"type":"connection_ack"}'),
              (C, _json({"type": "subscribe", "id": "1", "payload": _QUERY}))),
             _json({"type": "next", "id": "1", "payload": {"data": {"a": text}}})),
        Case("jsonrpc", (), _json({"jsonrpc": "2.0", "method": "m", "params": [text], "id": 1})),
        Case("sip", (), sip + octets),
        Case("app.v1 (JSON Schema)", (), _json({"kind": "say", "text": text}), rules=schema),
    ]  # fmt: skip


_FROM_SERVER = ("wamp", "graphql")


def _rows(clock: Clock, size: int) -> list[list[str]]:
    rows = []
    for case in _cases(size):
        inspection = inspection_for(case.name.partition(" ")[0], case.rules)
        assert inspection is not None
        inspection.begin(0)
        way = S if case.name.startswith(_FROM_SERVER) else C
        for sender, payload in case.before:
            found = inspection.inspect(Message(sender, payload, case.binary), 0)
            assert found.verdict is None, (case.name, found)
        message = Message(way, case.message, case.binary)
        assert inspection.inspect(message, 0).verdict is None, case.name
        micros = clock.each(lambda: inspection.inspect(message, 0))  # noqa: B023
        rate = figures.number(len(case.message) / micros)
        rows.append([case.name, f"{len(case.message)}", figures.number(micros), f"{rate} MB/s"])
    return rows


def run(options: Options) -> None:
    """Measure and print."""
    clock = Clock(options.seconds(0.2, 0.05))
    header = ["subprotocol", "octets", "us per message", "rate"]
    for size in _SIZES:
        figures.table(f"Subprotocol validators, {size} octets inside", header, _rows(clock, size))
