"""Scripts as bodies and in pages: read whole, edited, and remembered by what they are.

What was edited once is kept under its digest, within a bound of memory: the same text gives
the same result to everybody.  Nothing of whose it was is kept.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote_to_bytes

from gateway.rewrite import js, native
from gateway.rewrite.encoding import codec_for

if TYPE_CHECKING:
    from gateway.rewrite.urls import UrlMap

OUTCOMES: Final = ("edited", "unchanged", "lost", "too-large", "remembered")
"""What becomes of a script: ``lost`` ones cannot be understood, and pass as they are."""
_SMALLEST = 2048
"""Octets of a script that is worth remembering."""
_EACH = 200
"""What an entry costs besides its text."""


class ScriptMemory:
    """What scripts became, for the whole process; ``counts`` says how often by outcome."""

    def __init__(self, limit: int) -> None:
        """``limit`` octets are kept at most, 0: none."""
        self.limit = limit
        self.size = 0
        self.counts = dict.fromkeys(OUTCOMES, 0)
        # None: it stays as it is.  Threads share it: every step of theirs is one of Python's own.
        self._kept: dict[bytes, bytes | None] = {}

    def edited(self, text: bytes, codec: str, urls: UrlMap) -> bytes:
        """A script with its names changed; the same object where it stays as it is."""
        if not self.limit or len(text) < _SMALLEST:
            return self._edit(text, codec, urls)[0]
        key = self._key(text, codec, urls)
        missing = b""
        kept = self._kept.get(key, missing)
        if kept is not missing:
            self.counts["remembered"] += 1
            if self._kept.pop(key, missing) is not missing:
                self._kept[key] = kept  # the one that is asked for last goes last
            return text if kept is None else kept
        out, _ = self._edit(text, codec, urls)
        self._keep(key, None if out is text else out)
        return out

    def _edit(self, text: bytes, codec: str, urls: UrlMap) -> tuple[bytes, str]:
        out = js.edit_encoded(text, codec, urls.url)
        outcome = "lost" if out is None else "unchanged" if out is text else "edited"
        self.counts[outcome] += 1
        return (text if out is None else out), outcome

    @staticmethod
    def _key(text: bytes, codec: str, urls: UrlMap) -> bytes:
        """Its digest, and what else the result depends on: how addresses are mapped."""
        digest = hashlib.sha256(text)
        scheme = urls.base.partition(":")[0]
        digest.update(
            f"\0{codec}\0{scheme}\0{urls.codec.suffix}\0{urls.codec.public_port}".encode()
        )
        return digest.digest()

    def _keep(self, key: bytes, out: bytes | None) -> None:
        size = _EACH + len(out or b"")
        if size > self.limit:
            return
        self._kept[key] = out
        self.size += size
        while self.size > self.limit:
            try:
                oldest = next(iter(self._kept))
                gone = self._kept.pop(oldest)
            except (StopIteration, RuntimeError, KeyError):
                return  # another thread is at it
            self.size -= _EACH + len(gone or b"")


class ScriptBody:
    """One script's way, whole: one that is longer than it may be passes as it is."""

    def __init__(self, urls: UrlMap, memory: ScriptMemory, charset: str | None, limit: int) -> None:
        """``charset`` is what the answer says; ``limit`` bounds what is held, in octets."""
        self._urls = urls
        self._memory = memory
        self._charset = charset
        self._limit = limit
        self._chunks: list[bytes] = []
        self._passes = False
        self.held = 0

    def feed(self, data: bytes) -> bytes:
        """Take a chunk; nothing goes out before the end."""
        if self._passes:
            return data
        self._chunks.append(data)
        self.held += len(data)
        if self.held <= self._limit:
            return b""
        self._memory.counts["too-large"] += 1
        self._passes, self.held = True, 0
        return self._whole()

    def close(self) -> bytes:
        """The script, edited."""
        if self._passes:
            return b""
        whole = self._whole()
        mark = codecs.BOM_UTF8 if whole.startswith(codecs.BOM_UTF8) else b""
        text = whole[len(mark) :]
        codec = "utf-8" if mark else self._codec(text)
        if codec is None:
            self._memory.counts["lost"] += 1
            return whole
        out = self._memory.edited(text, codec, self._urls)
        return whole if out is text else mark + out

    def _whole(self) -> bytes:
        whole = b"".join(self._chunks)
        self._chunks = []
        return whole

    def _codec(self, text: bytes) -> str | None:
        """The encoding, where it can be told: without a word of the answer only UTF-8 can."""
        if self._charset is not None:
            found = codec_for(self._charset)
            if found is not None:
                return found
        if text.isascii():
            return "ascii"
        try:
            text.decode("utf-8")
        except UnicodeDecodeError:
            return None
        return "utf-8"


class InPage:
    """Scripts in a document: elements, handlers, ``javascript:`` URLs.

    ``needs_nonce``: the page's policy knows scripts by their digests; only what a nonce
    admits is edited then.
    """

    def __init__(self, memory: ScriptMemory, *, needs_nonce: bool = False) -> None:
        """Edit with one memory."""
        self._memory = memory
        self.needs_nonce = needs_nonce

    def element(self, text: bytes, codec: str, urls: UrlMap) -> bytes:
        """The text of a ``script``; one that would end it sooner stays as it is."""
        return self._memory.edited(text, codec, urls)

    def handler(self, text: str, urls: UrlMap) -> str:
        """The text of an ``on…`` attribute."""
        if self.needs_nonce or js.MAYBE.search(text) is None:
            return text
        given = text.encode("utf-8", "surrogatepass")
        out = self._memory.edited(given, "utf-8", urls)
        return text if out is given else out.decode("utf-8", "surrogatepass")

    def url(self, text: str, urls: UrlMap) -> str:
        """A URL, edited if it is ``javascript:``: its script is what percent-decoding gives."""
        found = _JAVASCRIPT.match(text)
        if found is None or self.needs_nonce or js.MAYBE.search(text) is None:
            return text
        script = unquote_to_bytes(text[found.end() :])
        out = self._memory.edited(script, "utf-8", urls)
        return text if out is script else found.group() + quote(out, safe=_IN_URL)


_JAVASCRIPT = re.compile("[\\x00-\\x20]*" + "[\\t\\n\\r]*".join("javascript:"), re.IGNORECASE)
_IN_URL = "!$&'()*+,-./:;=?@[]_~<>{}|^`\\ "
WEIGHT: Final = 1 if native.KIND == "compiled" else 16
"""What editing an octet weighs, in octets of markup: Python alone takes longer."""
