"""Mode ``basic``: the streaming rewriter that lets nothing through that could run script.

The tokenizer is ``html``'s, the decisions are ``basic``'s.  Every start tag is judged; what
is no tag goes out so that nobody can take it for one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.rewrite import basic, tokens
from gateway.rewrite.css import LIMIT
from gateway.rewrite.html import HtmlRewriter
from gateway.rewrite.inject import Injector
from gateway.rewrite.references import unescape_xml

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.origins import Origin
    from gateway.rewrite.csp import RuntimeSource
    from gateway.rewrite.js_body import InPage
    from gateway.rewrite.urls import UrlMap

_CDATA = b"<![CDATA["
_STYLESHEET = b"<?xml-stylesheet"
_LEFT_ALONE_IN_FOREIGN = frozenset((b"xmp", b"plaintext", b"noembed", b"noframes"))
_TEXT = re.compile(rb"[^<]*+(?><(?=[^a-zA-Z/!?])[^<]*+)*+")
_TEXT_IN_XML = re.compile(rb"[^<]*+")
# The commonest tags in their commonest spelling.
_QUIET = re.compile(
    rb"(?>[^<]*+<(?>/(?>a|p|span|li|ul|ol|div|code|td|tr|dd|dt|em|strong|b|i|h[1-6])>"
    rb"|(?>a|p|span|li|ul|ol|div|code|td|tr|dd|dt|em|strong|b|i|h[1-6])"
    rb"(?> (?>class|id|title)=\"[^\"<]*+\""
    rb"|(?> href=\"(?>#|/[A-Za-z0-9_.~-]|[A-Za-z0-9_.~-]++(?>[/?#]|(?=\")))[^\"<]*+\"))*+>"
    rb"|(?=[^a-zA-Z/!?])))*+[^<]*+"
)
_DOCTYPE = re.compile(
    rb"(<!DOCTYPE(?>[^>\[\"']++|\"[^\"]*+\"|'[^']*+')*+)"
    rb"(?:\[((?>[^\]\"'<]++|\"[^\"]*+\"|'[^']*+'|<!--(?>[^-]++|-(?!->))*+-->|<(?!!--))*+)\][\t\n\r ]*+)?>"
)
# Entities that Adobe's programs name namespaces with; every other one may hold markup.
_ENTITY = re.compile(
    rb"<!ENTITY[\t\n\r ]++[A-Za-z0-9_.-]++[\t\n\r ]++"
    rb"(?>\"https?://[^\"<&%']*+\"|'https?://[^'<&%\"]*+')[\t\n\r ]*+>"
)


class BasicRewriter(HtmlRewriter):
    """Rewrites one document for mode ``basic``; made and fed as ``HtmlRewriter`` is."""

    def __init__(  # noqa: PLR0913 (as its base's)
        self,
        urls: UrlMap,
        origin: Origin,
        *,
        encoding: str = "utf-8",
        xml: bool = False,
        limit: int = LIMIT,
        frame_markup: bytes = b"",
        runtime: RuntimeSource | None = None,
        form_token: str = "",
        in_page: InPage | None = None,
    ) -> None:
        """Make a rewriter for one document; markup of ours is to be put in behind it."""
        del in_page  # no script is left to be edited
        super().__init__(
            urls, origin, encoding=encoding, xml=xml, limit=limit, frame_markup=frame_markup,
            runtime=runtime, form_token=form_token,
        )  # fmt: skip
        self._cleaner = basic.TagCleaner(encoding, xml=xml)
        self._skips = (_QUIET, _TEXT, _TEXT, _TEXT_IN_XML)
        self._passes = None  # what is to go is found by Python alone
        self._start, self._ending = tokens.START_TAG, tokens.END_TAG
        if xml:
            self._start, self._ending = tokens.START_TAG_IN_XML, tokens.END_TAG_IN_XML
        self._filter: basic.Substitution | None = None
        self._swallows = False
        # An element of XML that goes with its content: its name, how deep we are in it, and
        # what went out before it.
        self._muted = b""
        self._depth = 0
        self._kept: list[bytes] = []

    def let_leave(self, opens: Callable[[str], bool] | None) -> None:
        """Say which links to the device (``tel:``) stay; without it all do."""
        self._cleaner.opens = opens

    # --- the way in and out ---------------------------------------------------------

    def _run(self, *, last: bool) -> bytes:
        out = super()._run(last=last)
        if self._muted:
            out, self._kept = b"".join(self._kept), []
        return out

    def _end(self, rest: bytes) -> None:
        self._flush()
        css = self._css or self._sheet
        if css is not None:
            self._out.append(css.close())
        if len(rest) == 1:  # "<"; more of it is an unfinished tag, which browsers drop
            self._out.append(rest)

    def _flush(self) -> None:
        if self._filter is not None:
            self._out.append(self._filter.feed(b"", final=True))
            self._filter = None

    # --- what is no tag --------------------------------------------------------------

    def _markup(self, text: bytes, at: int, following: bytes) -> int | None:
        if self._xml:
            if following == b"/":
                return self._end_tag(text, at)
            return super()._markup(text, at, following)
        if text.startswith(_CDATA, at) and self._allows_cdata():
            # The same as text: who takes it for a bogus comment sees no more of it.
            self._until = re.compile(rb"\]\]>")
            self._swallows = True
            self._filter = basic.as_text()
            return at + len(_CDATA)
        reached = super()._markup(text, at, following)
        if self._until is not None:
            self._filter = basic.without_markup()
        return reached

    def _xml_declaration(self, text: bytes, at: int, following: bytes) -> int | None:
        if following == b"?":
            head = text[at : at + len(_STYLESHEET)]
            if _STYLESHEET.startswith(head) and head != _STYLESHEET and not self._last:
                return None
            self._until = re.compile(rb"\?>")
            if head == _STYLESHEET:
                self._swallows = True
                return at + len(_STYLESHEET)
            return self._emit(text, at, at + 2)
        if text.startswith(b"<!DOCTYPE", at):
            found = _DOCTYPE.match(text, at)
            if found is None:
                return len(text) if self._last else None
            kept = b"".join(_ENTITY.findall(found.group(2) or b""))
            self._out.append(found.group(1) + (b"[" + kept + b"]>" if kept else b">"))
            return found.end()
        if not self._last and b"<!DOCTYPE".startswith(text[at:]):
            return None
        self._until = re.compile(b">")  # no document may hold anything else like this
        self._swallows = True
        return at + 2

    def _pass_until(self, text: bytes, at: int) -> int | None:
        """A comment and its like, with nothing in it that looks like markup."""
        pattern = self._until
        found = pattern.search(text, at) if pattern is not None else None
        if found is not None:
            self._between(text[at : found.start()])
            self._flush()
            if not self._swallows:
                self._out.append(found.group())
            self._until, self._swallows = None, False
            return found.end()
        end = len(text) if self._last else max(at, len(text) - 3)
        self._between(text[at:end])
        return end if self._last else self._wait(end)

    def _between(self, data: bytes) -> None:
        if self._filter is not None:
            self._out.append(self._filter.feed(data))
        elif not self._swallows:
            self._out.append(data)

    # --- tags ------------------------------------------------------------------------

    def _start_tag(self, text: bytes, at: int) -> int | None:
        tag = self._start.match(text, at)
        if tag is None:
            return None
        name = tag.group(1).lower()
        closes = tokens.is_self_closing(text, tag)
        if tag.end() - at > self._limit or b"<" in name or b"\0" in name:
            return tag.end()  # some browsers take a NUL out, and see another name
        if self._xml:
            self._xml_tag(text, tag, name, closes=closes)
            return tag.end()
        foreign = self._foreign.is_foreign
        if self._is_removed(name, closes=closes):
            return tag.end()
        self._foreign.at_point = False
        if foreign and self._breaks_out(name, text, tag):
            self._foreign.break_out()
        kind = self._foreign.kind
        edited = self._edited(text, tag, name, kind)
        if edited is None:
            return tag.end()
        if name in {b"xmp", b"plaintext"}:
            # Shown as they stand, but where references count; a first newline would be lost.
            edited = b"<pre" + edited[1 + len(name) :] + b"\n"
        self._out.append(edited)
        if kind != "html":
            if not closes:
                self._foreign_tag(name, kind, text, tag)
        elif name in tokens.RAW_TEXT:
            self._begin(name)
        elif name in {b"svg", b"math"} and not closes:
            self._foreign.begin(name)
        return tag.end()

    def _is_removed(self, name: bytes, *, closes: bool) -> bool:
        """Whether the element goes, alone or (from here on) with its content."""
        foreign = self._foreign.is_foreign
        if name in basic.ALONE or (foreign and name in _LEFT_ALONE_IN_FOREIGN):
            return True
        if name not in basic.WITH_CONTENT:
            return False
        self._foreign.at_point = False
        if not (foreign and closes):
            self._begin(name)
        return True

    def _edited(self, text: bytes, tag: re.Match[bytes], name: bytes, kind: str) -> bytes | None:
        """The tag, cleaned and its URLs mapped; None: it goes."""
        local = name.rpartition(b":")[2] if self._xml else name
        cleaned = self._cleaner.clean(text, tag, local)
        again = self._start.fullmatch(cleaned)
        if again is None or (kind not in {"html", "xml"} and local == b"iframe"):
            return None
        return self._editor.edit(cleaned, again, name, kind)

    def _foreign_tag(self, name: bytes, kind: str, text: bytes, tag: re.Match[bytes]) -> None:
        if name == b"style":
            self._begin(name)
        else:
            self._enter_foreign(name, kind, text, tag)

    def _xml_tag(self, text: bytes, tag: re.Match[bytes], name: bytes, *, closes: bool) -> None:
        local = name.rpartition(b":")[2]
        if self._muted:
            self._depth += tag.group(1) == self._muted and not closes
        elif local in basic.SCRIPTS_OF_XML:
            if not closes:
                self._muted, self._depth = tag.group(1), 1
                self._kept, self._out = self._out, []
        elif local not in basic.ALONE:
            edited = self._edited(text, tag, name, "xml")
            if edited is None:
                return
            self._out.append(edited)
            if local == b"style" and not closes:
                self._sheet = basic.SafeSheet(self._sheet_url, self._encoding, self._limit)
                self._in_cdata = False

    def _end_tag(self, text: bytes, at: int) -> int | None:
        tag = self._ending.match(text, at)
        if tag is None:
            # Without a name it is a bogus comment in HTML, and an error in XML.
            return len(text) if self._last else None
        name = tag.group(1).lower()
        if self._xml:
            self._xml_end(tag, name.rpartition(b":")[2])
            return tag.end()
        if name in basic.ALONE or name in basic.WITH_CONTENT:
            return tag.end()
        if name in _LEFT_ALONE_IN_FOREIGN:
            if name == b"xmp" and not self._foreign.is_foreign:
                self._out.append(b"</pre>")
            return tag.end()
        self._foreign.at_point = False
        if not self._foreign.is_empty:
            self._foreign.leave(name)
        if b"<" not in name:
            plain = b"<" not in tag.group(2)
            self._out.append(tag.group() if plain else b"</" + tag.group(1) + b">")
        return tag.end()

    def _xml_end(self, tag: re.Match[bytes], local: bytes) -> None:
        if self._muted:
            self._depth -= tag.group(1) == self._muted
            if not self._depth:
                self._muted, self._out, self._kept = b"", self._kept, []
        elif local not in basic.ALONE and local not in basic.SCRIPTS_OF_XML:
            self._out.append(tag.group())

    # --- raw text --------------------------------------------------------------------

    def _begin(self, name: bytes) -> None:
        self._raw, self._escaped = name, 0
        if name == b"style":
            self._css = basic.SafeSheet(self._urls.url, self._encoding, self._limit, inline=True)
        elif name in {b"title", b"textarea"}:
            self._filter = basic.without_markup()
        elif name in {b"xmp", b"plaintext"}:
            self._filter = basic.as_text()

    def _pass_raw(self, text: bytes, at: int) -> int | None:
        if self._raw == b"plaintext":
            self._content(text[at:])
            return len(text)
        return super()._pass_raw(text, at)

    def _content(self, data: bytes) -> None:
        if self._css is not None:
            self._out.append(self._css.feed(data))
        elif self._filter is not None:
            self._out.append(self._filter.feed(data))

    def _finish_raw(self) -> None:
        self._flush()
        super()._finish_raw()

    def _sheet_url(self, text: str) -> str:
        if basic.is_active_url(unescape_xml(text), shown=True):
            return "about:invalid"
        return super()._sheet_url(text)

    # --- documents within attributes ---------------------------------------------------

    def _nested(self, inner: HtmlRewriter, data: bytes) -> bytes:
        if isinstance(inner, BasicRewriter):
            inner.let_leave(self._cleaner.opens)
        data = inner.feed(data) + inner.close()
        if not self._frame_markup:
            return data
        injector = Injector(self._frame_markup)
        return injector.feed(data) + injector.close()
