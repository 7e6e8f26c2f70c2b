"""What origins answer to a handshake, and what becomes of it (RFC 6455, section 4.1)."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from tests.net.harness import WS
from tests.net.peers import SocketCase
from tests.net.raw import Origin
from tests.net.test_websocket import handshake

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.net.raw import Message

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


def _accept(seen: Message) -> bytes:
    digest = hashlib.sha1(seen.get(b"sec-websocket-key") + _GUID).digest()  # type: ignore[operator]
    return base64.b64encode(digest)


def answer(
    *more: bytes,
    status: bytes = b"HTTP/1.1 101 Switching Protocols",
    upgrade: bytes = b"Upgrade: websocket",
    connection: bytes = b"Connection: Upgrade",
    accept: Callable[[bytes], bytes] = lambda right: b"Sec-WebSocket-Accept: " + right,
    before: bytes = b"",
) -> Callable[[Message], bytes]:
    """What makes an answer; fields that are empty are left out."""

    def made(seen: Message) -> bytes:
        lines = (status, upgrade, connection, accept(_accept(seen)), *more)
        return before + b"\r\n".join(filter(None, lines)) + b"\r\n\r\n"

    return made


SOUND = {
    "plain": answer(),
    "other letters": answer(upgrade=b"UPGRADE: WebSocket", connection=b"connection: a, upgrade"),
    "space": answer(accept=lambda right: b"Sec-WebSocket-Accept: \t" + right + b" "),
    "no phrase": answer(status=b"HTTP/1.1 101"),
    "no extension": answer(b"Sec-WebSocket-Extensions: "),
    "100 before": answer(before=b"HTTP/1.1 100 Continue\r\n\r\n"),
    "many before": answer(before=_EARLY * 9),
    "fields of a body": answer(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
}
ODD = {
    "no Upgrade": answer(upgrade=b""),
    "another Upgrade": answer(upgrade=b"Upgrade: h2c"),
    "two of Upgrade": answer(upgrade=b"Upgrade: websocket\r\nUpgrade: websocket"),
    "no Connection": answer(connection=b""),
    "Connection: close": answer(connection=b"Connection: close"),
    "no key": answer(accept=lambda _: b""),
    "another key": answer(accept=lambda _: b"Sec-WebSocket-Accept: AAAA"),
    "letters of the key": answer(accept=lambda right: b"Sec-WebSocket-Accept: " + right.swapcase()),
    "two keys": answer(accept=lambda right: (b"Sec-WebSocket-Accept: " + right + b"\r\n") * 2),
    "HTTP/1.0": answer(status=b"HTTP/1.0 101 Switching Protocols"),
    "no status": lambda _: b"\0\xff\r\n\r\n",
    "nothing": lambda _: b"\r\n\r\n",
    "an extension": answer(b"Sec-WebSocket-Extensions: x-other"),
    "two choices": answer(b"Sec-WebSocket-Protocol: a, b"),
    "two fields of a choice": answer(b"Sec-WebSocket-Protocol: a", b"Sec-WebSocket-Protocol: a"),
    "too many before": answer(before=_EARLY * 2000),
}
REFUSED = {
    b"HTTP/1.1 404 No": 404,
    b"HTTP/1.1 503 No": 503,
    b"HTTP/1.1 200 OK": 502,
    b"HTTP/1.1 302 Found": 502,
    b"HTTP/1.1 999 Odd": 502,
    b"HTTP/1.1 1010 Odd": 502,
}


class AnswerTests(SocketCase):
    """One gateway for a table."""

    timeout = 60

    async def test_table(self) -> None:
        """What is sound is 101, what is odd 502 and told as what it is, a refusal its status."""
        answers: list[Any] = []
        origin = Origin(lambda seen: answers[-1](seen))
        gateway = await self.gateway({WS: origin}, response_header_bytes=16 * 1024)
        rows = [(name, 101, made) for name, made in SOUND.items()]
        rows += [(name, 502, made) for name, made in ODD.items()]
        rows += [(repr(line), status, answer(status=line)) for line, status in REFUSED.items()]
        for name, status, made in rows:
            answers.append(made)
            gateway.telemetry.events.clear()
            client = await gateway.connect()
            offer = b"Sec-WebSocket-Protocol: a, b"
            client.write(handshake(gateway.with_token("/"), gateway.cookie, offer))
            found = (await client.response(bodyless=True)).status
            self.assertEqual(found, status, name)
            told = [event["detail"] for event in gateway.telemetry.events]
            if name in ODD:
                self.assertEqual(told, [f"{WS}: what it answered is no WebSocket handshake"], name)
        self.assertEqual(self.flushLoggedErrors(), [])
