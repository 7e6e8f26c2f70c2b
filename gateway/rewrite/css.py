"""URLs in CSS, found by the token rules of css-syntax-3; nothing else changes.

``url()`` bare and quoted, ``@import``, ``image-set()`` and ``src()``, in any spelling
that a browser accepts; strings, comments and ``@namespace`` stay.  The scanner works on
chunks: one expression passes over everything that cannot need work, an unfinished token
waits for the next chunk, and one that grows beyond its bound is left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.rewrite.urls import Map

# A hexadecimal escape takes one white space with it, also a newline.
_IN_STRING = r"\\(?>[0-9a-fA-F]{1,6}(?>\r\n|[ \t\r\n\f])?|\r\n|[\s\S])"
_DOUBLE = rf"\"(?>[^\"\\\n\r\f]++|{_IN_STRING})*+"
_SINGLE = rf"'(?>[^'\\\n\r\f]++|{_IN_STRING})*+"
# A string that a newline breaks off ends before it; one that the text breaks off is not
# matched, for more may come.
_STRING = rf"(?>{_DOUBLE}(?>\"|(?=[\n\r\f]))|{_SINGLE}(?>'|(?=[\n\r\f])))"
_COMMENT = r"/\*(?>[^*]++|\*(?!/))*+\*/"
_IDENT_CHARACTER = r"[-_a-zA-Z0-9\u0080-\U0010ffff]"
_ESCAPE = r"\\(?>[0-9a-fA-F]{1,6}(?>\r\n|[ \t\r\n\f])?|[^0-9a-fA-F\n\r\f])"
# An escape matters only where its identifier is a function's name.
_PLAIN_ESCAPE = rf"{_ESCAPE}(?>{_IDENT_CHARACTER}++|{_ESCAPE})*+(?=[^(\\])"
_COLD = rf"[^(\"'/\\@]++|{_PLAIN_ESCAPE}|{_STRING}|{_COMMENT}|/(?=[^*])"
_SKIP = re.compile(rf"(?>{_COLD}|(?<!(?i:url))(?<!(?i:-set))(?<!(?i:src))\(|@(?!(?i:i|n|\\)|\Z))*+")
_SKIP_IN_SET = re.compile(rf"(?>[^()\"'/\\@]++|{_COMMENT}|/(?=[^*])|@)*+")
_STRING_TOKEN = re.compile(_STRING)
# One with escapes is met at its first backslash, so that none need be looked back over.
_IDENT_BEFORE = re.compile(rf"{_IDENT_CHARACTER}*+\Z")
_IDENT_AHEAD = re.compile(rf"(?>{_IDENT_CHARACTER}|{_ESCAPE})*+")
_DECODE = re.compile(r"\\(?>([0-9a-fA-F]{1,6})(?>\r\n|[ \t\r\n\f])?|(\r\n|[\n\r\f])|([\s\S]))")
_SPACE = re.compile(r"[ \t\r\n\f]*+")
_SPACE_OR_COMMENT = re.compile(rf"(?>[ \t\r\n\f]++|{_COMMENT})*+")
_BARE = re.compile(rf"(?>[^\"'()\\ \t\r\n\f\x00-\x08\x0b\x0e-\x1f\x7f]++|{_ESCAPE})*+")
_BAD = re.compile(r"(?>[^)\\]++|\\[\s\S])*+\)")
_NAMESPACE = re.compile(rf"(?>[^;{{}}\"'/\\]++|{_STRING}|{_COMMENT}|/(?=[^*])|\\[\s\S])*+[;{{}}]")
_UNSAFE_BARE = re.compile(r"[\"'()\\ \t\r\n\f]")
_TAIL = 64
"""How much of an identifier is kept back at a chunk's end, and looked back for."""
LIMIT = 4 * 1024 * 1024
"""How long a token of CSS or HTML may be unless somebody says otherwise, in octets."""
_PATIENCE = 4096

# Encodings whose second octet may look like a backslash or an at sign.
_TWO_OCTETS = frozenset(
    {"shift_jis", "cp932", "gbk", "gb18030", "gb2312", "big5", "big5hkscs", "cp949", "euc_kr"}
)
_PAIR = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]")
_LEAD_AT_END = re.compile(rb"(?:[^\x81-\xfe]|\A)(?:[\x81-\xfe][\x81-\xfe])*([\x81-\xfe])\Z")


def map_css(text: str, map_url: Map) -> str:
    """Map the URLs of a whole text (a ``style`` attribute); the same object if none changes."""
    if "(" not in text and "@" not in text and "\\" not in text:
        return text

    def mapped(start: int, end: int) -> str | None:
        given = _decode(text[start:end])
        value = map_url(given)
        return None if value == given else value

    scanner = _Scanner(mapped)
    edits = scanner.scan(text, 0, final=True)
    if not edits:
        return text
    out: list[str] = []
    done = 0
    for start, end, value in edits:
        out += (text[done:start], value)
        done = end
    return "".join(out) + text[done:]


def _decode(token: str) -> str:
    """The value of a string's or URL token's content (css-syntax-3, 4.3.7)."""
    return _DECODE.sub(_decode_escape, token) if "\\" in token else token


def _decode_escape(found: re.Match[str]) -> str:
    digits, newline, other = found.groups()
    if digits is not None:
        number = int(digits, 16)
        if number == 0 or number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
            return "\ufffd"
        return chr(number)
    return "" if newline is not None else other or ""


def _encode(value: str, quote: str) -> str:
    if not quote:
        return _UNSAFE_BARE.sub(lambda found: f"\\{ord(found.group()):x} ", value)
    for character in ("\\", quote):
        value = value.replace(character, "\\" + character)
    return re.sub(r"[\n\r\f]", lambda found: f"\\{ord(found.group()):x} ", value)


class _Incomplete(Exception):
    """A token reaches the end of the text: it begins at ``start``."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self.start = start


class _Scanner:
    """Finds the edits in a text; ``end`` is how far it got."""

    def __init__(self, mapped: Callable[[int, int], str | None]) -> None:
        """``mapped`` maps the URL between two places; None: it stays as it is."""
        self._mapped = mapped
        self._depth = 0
        self.end = 0

    def scan(self, text: str, at: int, *, final: bool) -> list[tuple[int, int, str]]:
        """Scan from ``at``; edits are ``(start, end, new text)``."""
        edits: list[tuple[int, int, str]] = []
        self._text, self._edits, self._final = text, edits, final
        size = len(text)
        try:
            while at < size:
                skip = _SKIP_IN_SET if self._depth else _SKIP
                found = skip.match(text, at)
                at = found.end() if found else at
                if at < size:
                    at = self._hot(at)
            self.end = at
            if not final:
                # An identifier may go on in the next chunk.
                tail = _IDENT_BEFORE.search(text, max(0, size - _TAIL))
                self.end = min(at, tail.start() if tail else size)
                held = text[max(0, self.end - 2) : self.end]
                self.end -= len(held) - len(held.rstrip("@#<!"))
        except _Incomplete as stop:
            self.end = size if final else stop.start
        return edits

    def _hot(self, at: int) -> int:
        character = self._text[at]
        if character == "(":
            return self._open(at)
        if character == ")":
            self._depth -= 1
            return at + 1
        if character == "\\":
            return self._escaped(at)
        if character == "@":
            return self._at_rule(at, at + 1)
        if character in "\"'":
            if self._depth:
                return self._string(at, at)
            return len(self._text) if self._final else self._unfinished(at)
        return self._unfinished(at)  # a comment without its end

    def _unfinished(self, start: int) -> int:
        raise _Incomplete(start)

    def _ident_start(self, at: int) -> int:
        """Where the identifier that ends before ``at`` begins; ``at`` if it is no name.

        A hash and an at-keyword are tokens of their own, and ``<!--`` ends before a name.
        """
        text = self._text
        before = _IDENT_BEFORE.search(text, max(0, at - _TAIL), at)
        start = before.start() if before else at
        if text[start - 1 : start] in {"#", "@"}:
            return at
        if text.startswith("--", start) and text[max(0, start - 2) : start] == "<!":
            return start + 2
        return start

    def _open(self, at: int) -> int:
        """A parenthesis: of a function that takes URLs, or of another one."""
        return self._function(self._ident_start(at), at)

    def _function(self, start: int, at: int) -> int:
        name = _decode(self._text[start:at]).lower()
        if name == "url":
            return self._url(start, at + 1)
        if name in {"image-set", "-webkit-image-set"}:
            self._depth += 1
            return at + 1
        if name == "src":
            space = _SPACE_OR_COMMENT.match(self._text, at + 1)
            inside = space.end() if space else at + 1
            rest = self._text[inside : inside + 2]
            if rest in {"", "/*"} or (rest == "/" and not self._final):
                return self._unfinished(start)
            if self._text[inside] in "\"'":
                inside = self._string(start, inside)
            if self._depth:
                self._depth += 1
            return inside
        if self._depth:
            self._depth += 1
        return at + 1

    def _url(self, start: int, at: int) -> int:
        text = self._text
        space = _SPACE.match(text, at)
        at = space.end() if space else at
        if at >= len(text):
            return self._unfinished(start)
        if text[at] in "\"'":
            after = self._string(start, at)
            if self._depth:
                self._depth += 1
            return after
        bare = _BARE.match(text, at)
        end = bare.end() if bare else at
        space = _SPACE.match(text, end)
        close = space.end() if space else end
        if close >= len(text):
            if not self._final:
                return self._unfinished(start)
        elif text[close] != ")":
            bad = _BAD.match(text, close)
            return bad.end() if bad else self._unfinished(start)
        self._edit(at, end, "")
        return min(close + 1, len(text))

    def _string(self, start: int, at: int) -> int:
        """Map a string token; ``start`` is where to wait if it has no end yet."""
        text = self._text
        found = _STRING_TOKEN.match(text, at)
        if found is None:
            if not self._final:
                return self._unfinished(start)
            self._edit(at + 1, len(text), text[at])  # the end of the text closes it
            return len(text)
        end = found.end()
        if text[end - 1] == text[at] and end - 1 > at:
            self._edit(at + 1, end - 1, text[at])
        return end

    def _edit(self, start: int, end: int, quote: str) -> None:
        value = self._mapped(start, end)
        if value is not None:
            self._edits.append((start, end, _encode(value, quote)))

    def _escaped(self, at: int) -> int:
        """A backslash: part of an identifier that may spell ``url``."""
        text = self._text
        before = _IDENT_BEFORE.search(text, max(0, at - _TAIL), at)
        first = before.start() if before else at
        if text.startswith("--", first) and text[max(0, first - 2) : first] == "<!":
            first += 2
        ahead = _IDENT_AHEAD.match(text, at)
        end = ahead.end() if ahead else at
        if end >= len(text) - 6 and not self._final and end - first < _TAIL:
            return self._unfinished(first - (text[first - 1 : first] in {"@", "#"}))
        if end == at:
            return at + 1  # a backslash before a newline is a delimiter
        if text[first - 1 : first] == "@" and not self._depth:
            return self._at_rule(first - 1, first)
        if text[end : end + 1] != "(" or text[first - 1 : first] in {"#", "@"}:
            return end
        return self._function(self._ident_start(at), end)

    def _at_rule(self, start: int, at: int) -> int:
        text = self._text
        ahead = _IDENT_AHEAD.match(text, at)
        end = ahead.end() if ahead else at
        if text[end : end + 2] in {"", "\\"} and not self._final:
            return self._unfinished(start)  # a backslash that stands last may go on with it
        name = _decode(text[at:end]).lower()
        if name == "namespace":
            found = _NAMESPACE.match(text, end)
            return found.end() if found else self._unfinished(start)
        if name != "import":
            return end + 1 if text[end : end + 1] == "(" else max(end, at)
        space = _SPACE_OR_COMMENT.match(text, end)
        inside = space.end() if space else end
        rest = text[inside : inside + 2]
        if rest in {"", "/*"} or (rest == "/" and not self._final):
            return self._unfinished(start)
        return self._string(start, inside) if text[inside] in "\"'" else inside


_COMMENT_END = re.compile(rb"\*/")
_TOKEN_ENDS = {
    b'"': re.compile(rb'(?<!\\)"|\n'),
    b"'": re.compile(rb"(?<!\\)'|\n"),
    b"": re.compile(rb"(?<!\\)\)"),
}
_OPENING = re.compile(rb"[^\"'(]*+(?:\([ \t\r\n\f]*+)?([\"']?)")


def _end_of(token: bytes) -> re.Pattern[bytes]:
    """What will end a token that has only begun: a string, or a URL without quotes."""
    found = _OPENING.match(token)
    return _TOKEN_ENDS[found.group(1) if found else b""]


class CssRewriter:
    """A stylesheet in chunks of octets.

    ``encoding`` is a Python codec.  A token longer than ``limit`` octets is left out.
    """

    def __init__(self, map_url: Map, encoding: str = "utf-8", limit: int = LIMIT) -> None:
        """Make a rewriter for one sheet."""
        self._map_url = map_url
        self._encoding = encoding
        self._limit = limit
        self._paired = encoding.replace("-", "_").lower() in _TWO_OCTETS
        self._pending = b""
        self._wanted = 0
        # What ends a token that passes unread (a long comment) or is left out.
        self._until: re.Pattern[bytes] | None = None
        self._keeps = False
        self._scanner = _Scanner(self._mapped)

    def feed(self, data: bytes) -> bytes:
        """Take a chunk, give what can already go out."""
        self._pending += data
        if len(self._pending) < self._wanted:
            return b""
        return self._scan(final=False)

    def close(self) -> bytes:
        """Give the rest at the end of the sheet."""
        return self._scan(final=True)

    def _scan(self, *, final: bool) -> bytes:
        source, passed = self._pending, b""
        if self._until is not None:
            passed, source = self._pass_until(source, self._until, final=final)
            if self._until is not None:
                self._pending = source
                return passed
        shadow, rest = source, b""
        if self._paired:
            if not final and (lead := _LEAD_AT_END.search(source, max(0, len(source) - 1024))):
                rest = source[lead.start(1) :]
                source = source[: lead.start(1)]
            shadow = _PAIR.sub(b"\x80\x80", source)
        text = shadow.decode("latin-1")
        self._source = source
        edits = self._scanner.scan(text, 0, final=final)
        end = len(source) if final else self._scanner.end
        out = [passed]
        done = 0
        for start, stop, value in edits:
            out += (source[done:start], self._encode(value))
            done = stop
        out.append(source[done:end])
        self._pending = source[end:] + rest
        # A long token is looked at again when it has doubled, so that time is linear.
        self._wanted = 2 * len(self._pending) if len(self._pending) > _PATIENCE else 0
        if self._pending.startswith(b"/*") and len(self._pending) > min(_PATIENCE, self._limit):
            # Nothing in a comment is edited: it need not wait for its end.
            out.append(self._pending[:-1])
            self._pending, self._until, self._keeps = self._pending[-1:], _COMMENT_END, True
            self._wanted = 0
        elif len(self._pending) > self._limit:
            self._until, self._keeps = _end_of(self._pending), False
            self._pending, self._wanted = b"", 0
        return b"".join(out)

    def _pass_until(
        self, source: bytes, until: re.Pattern[bytes], *, final: bool
    ) -> tuple[bytes, bytes]:
        """The rest of a token that is not looked at (it passes, or is left out), and what follows."""
        found = until.search(source)
        if found is not None:
            self._until = None
            end = found.end()
        else:
            # An escape, or the first half of a comment's end, may stand last.
            end = len(source) if final else max(0, len(source) - 1)
        return (source[:end] if self._keeps else b""), source[end:]

    def _mapped(self, start: int, end: int) -> str | None:
        raw = self._source[start:end]
        try:
            given = _decode(raw.decode("ascii" if raw.isascii() else self._encoding))
        except UnicodeDecodeError:
            given = _decode(raw.decode("latin-1"))
        mapped = self._map_url(given)
        return None if mapped == given else mapped

    def _encode(self, value: str) -> bytes:
        try:
            return value.encode(self._encoding)
        except UnicodeEncodeError:
            return "".join(one if one.isascii() else f"\\{ord(one):x} " for one in value).encode(
                "ascii"
            )
