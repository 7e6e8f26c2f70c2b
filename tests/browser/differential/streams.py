"""Server-sent events, sound, captions, ranges."""

from __future__ import annotations

import io
import re
import wave

from tests.browser.differential.server import PATIENCE, Answer, Asked, cors

TITLE = "Server-sent events, media, Range"


def _sound() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(b"\x80" * 16000)
    return file.getvalue()


SOUND = _sound()
OCTETS = b"".join(b"%02d" % at for at in range(50))
_EVENTS = {
    "/streams/events": "retry: 99999\ndata: one\n\ndata: two\nid: 7\n\ndata: ä\n\n",
    "/streams/named": "retry: 99999\nid: 1\nevent: own\ndata: a\n\nevent: ä\ndata: b\n\n: comment\n\nid\ndata: c\n\n"
    "event: other\ndata: unheard\n\nid: x\0y\ndata: d\n\ndata\n\n",
    "/streams/lines": "\ufeffretry: 99999\r\ndata: a\r\ndata:b\r\ndata\r\n\r\ndata:  c\r\rdata: d\n\ndata:e\nfoo: bar\n\ndata: unfinished",
}  # fmt: skip


def _ranged(asked: Asked, body: bytes, kind: str, more=()) -> Answer:
    fields = (("Accept-Ranges", "bytes"), ("ETag", '"tag"'), *more)
    wanted = asked.fields.get("Range", "")
    if asked.fields.get("If-Range", '"tag"') != '"tag"':
        wanted = ""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted)
    if wanted.count(",") and wanted.startswith("bytes="):
        parts = re.findall(r"(\d+)-(\d+)", wanted)
        pieces = [
            b"--PART\r\nContent-Type: %s\r\nContent-Range: bytes %s-%s/%d\r\n\r\n%s\r\n"
            % (kind.encode(), a.encode(), b.encode(), len(body), body[int(a) : int(b) + 1])
            for a, b in parts
        ]
        return Answer(
            b"".join(pieces) + b"--PART--\r\n", "multipart/byteranges; boundary=PART", fields, 206
        )
    if not found:
        return Answer(body, kind, fields)
    start, end = found[1], found[2]
    if not start:
        first, last = len(body) - int(end), len(body) - 1
    else:
        first, last = int(start), min(int(end or len(body)), len(body) - 1)
    if first >= len(body):
        return Answer(b"", kind, (*fields, ("Content-Range", f"bytes */{len(body)}")), 416)
    told = ("Content-Range", f"bytes {first}-{last}/{len(body)}")
    return Answer(body[first : last + 1], kind, (*fields, told), 206)


def answer(asked: Asked, site) -> Answer | None:
    """Streams and media."""
    path, query = asked.path, asked.query
    event = "text/event-stream"
    if path in _EVENTS:
        return Answer(_EVENTS[path].encode(), event, cors(asked))
    if path == "/streams/again":
        number = site.count(asked.case)
        told = asked.fields.get("Last-Event-ID", "none")
        return Answer(f"retry: 10\nid: {number}\ndata: {number} after {told}\n\n".encode(), event)
    if path == "/streams/ended":
        return Answer(status=204)
    if path == "/streams/closed":
        return Answer(b"data: x\n\n", event)
    if path == "/streams/slowly":

        def body():
            for at in range(3):
                yield b"data: %d\n\n" % at
                if not site.gate(f"{asked.case}{at}").wait(PATIENCE):
                    return

        return Answer(body, event)
    if path == "/streams/sound.wav":
        more = cors(asked) if "allow" in query else ()
        if "ranges" in query:
            return _ranged(asked, SOUND, "audio/wav", more)
        return Answer(SOUND, "audio/wav", more)
    if path == "/streams/captions.vtt":
        text = "WEBVTT\n\n00:00.000 --> 00:09.000\ncaption ä\n"
        return Answer(text.encode(), "text/vtt", cors(asked))
    if path == "/streams/octets":
        more = [("Content-Encoding", "identity")] if "coded" in query else []
        return _ranged(asked, OCTETS, query.get("kind", "text/plain"), more)
    return None
