"""Mode ``basic``: what of a start tag or a sheet could run script, and what stands there instead.

Two invariants make a result inert in every parser, however it reads the document (with
scripting or without, HTML or foreign content, raw text or markup):

1. ``<`` stands before a letter, ``/``, ``!`` or ``?`` only where a token begins that was judged
   here.  Within attribute values, comments and raw text it is written as a reference, an
   escape, or not at all, so that no reader can begin a tag where none was judged.
2. Each tag is judged without regard to where it stands: what would be active in any
   vocabulary goes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.rewrite import tokens
from gateway.rewrite.css import LIMIT, CssRewriter, map_css
from gateway.rewrite.references import escape_attribute, unescape_attribute, unescape_xml
from gateway.rewrite.urls import Map

ALONE = frozenset(
    (
        b"noscript", b"object", b"embed", b"applet", b"portal", b"fencedframe", b"param",
        b"handler",
    )
)  # fmt: skip
"""Elements whose tags go, and whose content stays."""
WITH_CONTENT = frozenset((b"script", b"noembed", b"noframes"))
"""Elements that go with their content."""
SCRIPTS_OF_XML = frozenset((b"script", b"handler", b"listener"))
"""The same in XML, by their local names (SVG Tiny 1.2 has handlers)."""

# --- URLs ----------------------------------------------------------------------------

# What browsers drop from a URL, or once did, before they look at its scheme.
_JUNK = (
    "(?>[\\x00-\\x20\\x7f-\\xa0\\xad\\u034f\\u061c\\u1680\\u180e\\u2000-\\u200f\\u2028-\\u202f"
    "\\u205f-\\u206f\\u3000\\ufeff\\ufffd]*+)"
)
_SCRIPT_SCHEMES = (
    "javascript", "vbscript", "jscript", "livescript", "mocha", "vbs", "mhtml", "filesystem",
    "blob",
)  # fmt: skip
_WRAPPERS = ("feed", "view-source", "jar", "pcast", "wyciwyg")


def _words(words: tuple[str, ...]) -> str:
    spelled = [_JUNK.join(re.escape(letter) for letter in word) for word in words]
    return "(?>" + "|".join(spelled) + ")" + _JUNK + ":"


_SCRIPT_URL = re.compile(
    f"{_JUNK}(?>{_words(_WRAPPERS)}{_JUNK})*+(?:({_words(('data',))})|{_words(_SCRIPT_SCHEMES)})",
    re.IGNORECASE | re.ASCII,
)
_SCRIPT_ANYWHERE = re.compile(
    "(?<![a-z0-9])" + _words((*_SCRIPT_SCHEMES, "data")), re.IGNORECASE | re.ASCII
)
_PASSIVE = re.compile(
    r"(?:image/(?:png|jpe?g|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon)"
    r"|(?:audio|video|font)/[a-z0-9.+-]+|text/(?:plain|css|csv))?[\t\n\r ]*[;,]",
    re.IGNORECASE | re.ASCII,
)
_SOURCES = frozenset((b"src", b"srcset", b"poster", b"lowsrc", b"dynsrc", b"href", b"imagesrcset"))
_SHOWS_DATA = frozenset(
    (b"img", b"image", b"feimage", b"source", b"audio", b"video", b"track", b"input", b"link")
)
"""Elements that run nothing of what they load."""


def is_active_url(url: str, *, shown: bool = False) -> bool:
    """Whether a URL would run script, in any spelling that some browser accepts.

    A ``data:`` URL is harmless where it is only ``shown`` (as an image), and elsewhere
    where its type is.
    """
    found = _SCRIPT_URL.match(url)
    if found is None:
        return False
    return found.group(1) is None or not (shown or _PASSIVE.match(url, found.end()))


# --- style sheets -----------------------------------------------------------------------


def _letter(character: str) -> str:
    """A letter in CSS: either case, escaped, and as IE took it, in full width."""
    if not character.isalpha():
        return rf"(?>{re.escape(character)}|\\0{{0,4}}{ord(character):x}[ \t\r\n\f]?)"
    codes = f"(?>{ord(character):x}|{ord(character.upper()):x})"
    plain = rf"\\?[{character}{character.upper()}]"
    if character in "abcdef":
        plain = plain[3:]  # a hexadecimal digit: escaped it is another character
    wide = [chr(ord(character) + 0xFEE0), chr(ord(character.upper()) + 0xFEE0)]
    octets = "|".join(one.encode("utf-8").decode("latin-1") for one in wide)
    return rf"(?>{plain}|\\0{{0,4}}{codes}[ \t\r\n\f]?|[{''.join(wide)}]|{octets})"


_BETWEEN = r"(?>/\*[^*]{0,40}\*/)?"
_GAP = r"(?>[ \t\r\n\f]{1,40}|/\*[^*]{0,40}\*/){0,4}"
_ACTIVE_CSS = (
    _BETWEEN.join(_letter(one) for one in "expression") + _GAP + r"(?P<call>\()"
    "|(?:"
    + "|".join(
        _BETWEEN.join(_letter(one) for one in word)
        for word in (
            "-moz-binding",
            "-o-link-source",
            "-o-link",
            "-ms-behavior",
            "javascript",
            "vbscript",
        )
    )
    + r"|(?<![-\w\\])"
    + _BETWEEN.join(_letter(one) for one in "behavior")
    + ")"
    + _GAP
    + ":"
)
_STYLE = re.compile(_ACTIVE_CSS, re.ASCII)
# In HTML the sheet must hold no markup either; what hides it in polyglots goes, too.
_SHEET = re.compile(rf"<!--|<!\[CDATA\[|\]\]>|<(?P<odd>[a-zA-Z/!?])|{_ACTIVE_CSS}", re.ASCII)
_LONGEST = 1536
"""Longer than any match of these."""


def _defuse(found: re.Match[str]) -> str:
    text = found.group()
    if text[0] == "<" or text == "]]>":
        odd = found.groupdict().get("odd")
        return " " * len(text) if odd is None else f"<\\{ord(odd):x} "
    return "x(" if found["call"] else "x:"


def safe_css(text: str) -> str:
    """A ``style`` attribute's text without what ran script; the same object if nothing does."""
    text = map_css(text, _safe_url)
    return _STYLE.sub(_defuse, text) if _STYLE.search(text) else text


def _safe_url(url: str) -> str:
    return "about:invalid" if is_active_url(url, shown=True) else url


class Substitution:
    """Replaces matches in a stream; every chunking gives the same.

    No match may be longer than ``longest``; a look back sees one character.
    """

    def __init__(
        self, pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str], longest: int = 4
    ) -> None:
        """Octets are seen as Latin-1: all that matters is ASCII."""
        self._pattern = pattern
        self._replace = replace
        self._longest = longest
        self._text = ""
        self._done = 0

    def feed(self, data: bytes, *, final: bool = False) -> bytes:
        """Take a chunk, give what can go out; all of it at the end."""
        text = self._text + data.decode("latin-1")
        at = self._done
        limit = len(text) if final else max(at, len(text) - self._longest)
        out: list[str] = []
        while (found := self._pattern.search(text, at)) is not None and found.start() < limit:
            out += (text[at : found.start()], self._replace(found))
            at = found.end()
        if at < limit:
            out.append(text[at:limit])
            at = limit
        keep = max(0, at - 1)
        self._text, self._done = text[keep:], at - keep
        return "".join(out).encode("latin-1")


def without_markup() -> Substitution:
    """For comments, and for text in which references count: nothing in it looks like markup."""
    return Substitution(_MARKUP, lambda _: "&lt;")


def as_text() -> Substitution:
    """For what is to be shown as it stands."""
    return Substitution(_SPECIAL, lambda found: "&lt;" if found.group() == "<" else "&amp;")


_MARKUP = re.compile("<(?=[a-zA-Z/!?])")
_SPECIAL = re.compile("[<&]")


class SafeSheet(CssRewriter):
    """A style sheet without what runs script; ``inline`` in HTML without markup, too."""

    def __init__(
        self, map_url: Map, encoding: str = "utf-8", limit: int = LIMIT, *, inline: bool = False
    ) -> None:
        """Make a rewriter for one sheet."""
        super().__init__(lambda url: map_url(_safe_url(url)), encoding, limit)
        self._filter = Substitution(_SHEET if inline else _STYLE, _defuse, _LONGEST)

    def feed(self, data: bytes) -> bytes:
        """Take a chunk, give what can already go out."""
        return self._filter.feed(super().feed(data))

    def close(self) -> bytes:
        """Give the rest at the end of the sheet."""
        return self._filter.feed(super().close(), final=True)


# --- tags ---------------------------------------------------------------------------------

_URLS = tokens.URL_ATTRIBUTES | {
    b"base", b"usemap", b"code", b"object", b"folder", b"implementation", b"namespace",
}  # fmt: skip
_DROPPED = frozenset(
    (b"ping", b"attributionsrc", b"archive", b"handler", b"datasrc", b"datafld", b"dataformatas")
)
_AS_SCRIPT = frozenset(
    ("script", "worker", "sharedworker", "serviceworker", "audioworklet", "paintworklet")
)
_ACTIVE_LINKS = frozenset(("import", "modulepreload", "serviceworker", "prerender"))
_ACTIVE_META = frozenset(("refresh", "link", "set-cookie"))
_CONTROLS = bytes(range(0x20)) + b"\x7f"
_CANDIDATES = re.compile(r"[\s,]+")
_LIKE_MARKUP = re.compile(rb"<(?=[a-zA-Z/!?])")
_UTF_7 = re.compile(r"utf-?7", re.IGNORECASE)
_UNANIMATED = re.compile(r"\s*(?:[^\s:]*:)?(?:on|innerhtml)", re.IGNORECASE)
_SCHEME = re.compile(r"[\x00-\x20]*([A-Za-z][A-Za-z0-9+.-]*):")
_BLANKS = re.compile(r"[\t\n\r]+")
# A scheme of its own has nothing to do with a host, as those of the web have.
_SHOWN_SCHEMES = frozenset(("http", "https", "ws", "wss", "data", "about", "cid"))
_REFRESH = re.compile(r"[;,\s]\s*(?:url\s*=\s*)?['\"]?", re.IGNORECASE)
_LEADING = {
    b"a": frozenset((b"href",)), b"area": frozenset((b"href",)),
    b"form": frozenset((b"action",)), b"iframe": frozenset((b"src",)),
    b"frame": frozenset((b"src",)), b"link": frozenset[bytes](), b"base": frozenset((b"href",)),
}  # fmt: skip
_LEADING_ANYWHERE = frozenset((b"formaction",))
_OF_LINKS = frozenset((b"rel", b"href", b"imagesrcset"))
_OF_META = frozenset((b"content", b"charset"))


class TagCleaner:
    """Judges the start tags of one document; ``encoding`` is a Python codec."""

    def __init__(self, encoding: str, *, xml: bool) -> None:
        """Make a judge for one document."""
        self._encoding = encoding
        self._xml = xml
        self.opens: Callable[[str], bool] | None = None
        """Says which links to the device stay; None: every one."""

    def clean(self, markup: bytes, tag: re.Match[bytes], element: bytes) -> bytes:
        """The tag without what could run script; the same octets if there is nothing.

        ``element`` is the name in lower case, without its prefix in XML.
        """
        given = [
            (found.group(1).lower(), self._value(found), found)
            for found in tokens.ATTRIBUTE.finditer(markup, *tag.span(2))
        ]
        values: dict[bytes, str] = {}
        for name, value, _ in given:
            values.setdefault(name, value)
        kept: list[bytes] = []
        seen: set[bytes] = set()
        changed = False
        for name, value, found in given:
            raw = found.group() if found.lastindex != 1 else found.group(1)
            key = found.group(1) if self._xml else name
            # Of equal names the first counts: once it goes, another must not take its place.
            safe = None if key in seen else self._attribute(element, name, value, values)
            seen.add(key)
            if safe is None:
                changed = True
                continue
            if safe is not value and safe != value:
                escaped = escape_attribute(safe).encode(self._encoding, "xmlcharrefreplace")
                raw = found.group(1) + b'="' + escaped + b'"'
                changed = True
            elif _LIKE_MARKUP.search(raw):
                raw = _LIKE_MARKUP.sub(b"&lt;", raw)
                changed = True
            kept.append(raw)
        if not changed:
            return tag.group()
        end = b" />" if tokens.is_self_closing(markup, tag) else b">"
        return b" ".join([b"<" + tag.group(1), *kept]) + end

    def _value(self, found: re.Match[bytes]) -> str:
        group = found.lastindex or 1
        raw = found.group(group) if group > 1 else b""
        text = raw.decode("ascii" if raw.isascii() else self._encoding, "replace")
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return unescape_xml(text) if self._xml else unescape_attribute(text)

    def _attribute(
        self, element: bytes, name: bytes, value: str, values: dict[bytes, str]
    ) -> str | None:
        """What the value is to be; None: the attribute goes."""
        local = name.rpartition(b":")[2]
        if b"<" in name or name[:1] == b"=" or local in _DROPPED:
            return None
        if local.translate(None, _CONTROLS)[:2] == b"on" or name.startswith(b"ev:"):
            return None
        if local == b"srcdoc":
            return value if element == b"iframe" and name == local else None
        if local == b"style" or local in tokens.PAINT_ATTRIBUTES:
            return safe_css(value)
        is_active = (
            (element == b"link" and name in _OF_LINKS and _is_active_link(values))
            or (element == b"meta" and name in _OF_META and _is_active_meta(values, value))
            or (local == b"attributename" and _UNANIMATED.match(value) is not None)
            or self._is_active(element, local, value)
            or self._leaves(element, local, value, values)
        )
        return None if is_active else value

    def _leaves(self, element: bytes, name: bytes, value: str, values: dict[bytes, str]) -> bool:
        """Whether the value would lead to the device, and no rule says that it may."""
        if self.opens is None:
            return False
        if element == b"meta":
            kind = values.get(b"http-equiv", "").strip().lower()
            url = _refreshed(value) if name == b"content" and kind == "refresh" else ""
        elif name in _LEADING.get(element, _LEADING_ANYWHERE):
            url = value
        elif name in tokens.ANIMATION_ATTRIBUTES:
            url = value if values.get(b"attributename", "").strip().endswith("href") else ""
        else:
            return False
        # What else stands there in XML is the same letters: references to them are read as such.
        readings = [url, unescape_attribute(url)] if self._xml else [url]
        if element in {b"a", b"area"}:
            return not all(self.opens(one) for one in readings if _leads_out(one))
        # Elsewhere no person chooses to follow it.
        return any(_leads_out(one) for text in readings for one in text.split(";"))

    def _is_active(self, element: bytes, name: bytes, value: str) -> bool:
        shown = name == b"background" or (name in _SOURCES and element in _SHOWS_DATA)
        readings = [value]
        if self._xml and "&" in value:
            # With a doctype of XHTML, browsers know the entities of HTML in XML, too.
            readings.append(unescape_attribute(value))
        if name in tokens.SRCSET_ATTRIBUTES:
            # More than the standard's parser takes for a URL: descriptors look like none.
            words = [word for reading in readings for word in _CANDIDATES.split(reading)]
            return any(is_active_url(word, shown=shown) for word in words)
        if name in tokens.ANIMATION_ATTRIBUTES:
            parts = [part for reading in readings for part in reading.split(";")]
            return any(is_active_url(part) for part in parts)
        if name in _URLS:
            return any(is_active_url(reading, shown=shown) for reading in readings)
        return False


def _leads_out(url: str) -> bool:
    """Whether a URL has a scheme that no page of ours is shown under."""
    found = _SCHEME.match(_BLANKS.sub("", url))
    return found is not None and found.group(1).lower() not in _SHOWN_SCHEMES


def _refreshed(content: str) -> str:
    """Where a ``meta`` refresh leads, as far as its scheme goes."""
    found = _REFRESH.search(content)
    return content[found.end() :] if found is not None else ""


def _is_active_link(values: dict[bytes, str]) -> bool:
    kinds = set(values.get(b"rel", "").lower().split())
    is_script = values.get(b"as", "").strip().lower() in _AS_SCRIPT
    return bool(kinds & _ACTIVE_LINKS) or ("preload" in kinds and is_script)


def _is_active_meta(values: dict[bytes, str], value: str) -> bool:
    kind = values.get(b"http-equiv", "").strip().lower()
    if kind == "refresh":
        return _SCRIPT_ANYWHERE.search(value) is not None
    return kind in _ACTIVE_META or _UTF_7.search(value) is not None
