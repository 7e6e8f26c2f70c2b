"""The streaming HTML rewriter: tokenizes by the standard, edits URL tokens, keeps every octet.

It follows the tokenizer (HTML standard, section 13.2.5) through raw text, script data
and comments, and of the tree construction only what the tokenizer depends on: where
foreign content begins and ends.  Nothing is parsed into a tree and nothing is written
out anew.  First octets leave at once; what is held back is one unfinished tag at most,
and one that grows beyond its bound is left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.rewrite import native, scripts, tokens
from gateway.rewrite.attributes import TagEditor
from gateway.rewrite.css import LIMIT, CssRewriter
from gateway.rewrite.foreign import ForeignContent
from gateway.rewrite.inject import Injector
from gateway.rewrite.references import escape_attribute, unescape_xml
from gateway.rewrite.urls import UrlMap

if TYPE_CHECKING:
    from gateway.origins import Origin
    from gateway.rewrite.csp import RuntimeSource
    from gateway.rewrite.js_body import InPage

_DEEPEST_SRCDOC = 8
_PATIENCE = 4096
_TAIL = 16
"""Longer than any token that matters within raw text."""
_COMMENT_END = re.compile(rb"--!?>")
_BOGUS_END = re.compile(rb">")
_PI_END = re.compile(rb"\?>")
_CDATA_END = re.compile(rb"\]\]>")
_STYLESHEET = b"<?xml-stylesheet"
_CDATA = b"<![CDATA["
_QUOTE_AFTER = re.compile(rb"[\t\n\f\r ]*=[\t\n\f\r ]*([\"'])")
_QUOTE_OR_END = re.compile(rb"=[\t\n\f\r ]*[\"']|>")
_EQUALS_AT_END = re.compile(rb"=[\t\n\f\r ]*\Z")
_RAW_END = {name: tokens.end_of_raw_text(name) for name in tokens.RAW_TEXT}
_XML_STYLE_END = re.compile(rb"</(?:[A-Za-z0-9_.-]+:)?style[\t\n\r ]*>")


class HtmlRewriter:
    """Rewrites one document, fed in chunks of octets in an ASCII-compatible encoding.

    ``urls`` maps its URLs, ``encoding`` is its Python codec, ``xml`` says that it is
    XHTML or SVG.  ``limit`` bounds what is held back, in octets.
    """

    def __init__(  # noqa: PLR0913 (all that a document is edited by)
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
        """Make a rewriter for one document.

        ``frame_markup`` goes into each ``srcdoc``.  ``runtime`` is admitted by policies in
        ``meta`` elements.  ``form_token`` goes into where forms are sent with POST.
        ``in_page`` edits its scripts.
        """
        self._frame_markup = frame_markup
        self._urls = urls
        self._origin = origin
        self._encoding = encoding
        self._xml = xml
        self._limit = limit
        self._nesting = 0
        self._runtime = runtime
        self._editor = TagEditor(
            urls, origin, self._srcdoc,
            encoding=encoding, xml=xml, runtime=runtime, form_token=form_token, scripts=in_page,
        )  # fmt: skip
        self._form_token = form_token
        self._skips = tokens.skips(forms=bool(form_token), handlers=in_page is not None)
        self._scripts = in_page
        self._passes = native.pass_html
        self._pending = b""
        self._wanted = 0
        self._out: list[bytes] = []
        self._last = False
        self._stalled = False
        # What the scanner is in the middle of; None: in data.
        self._until: re.Pattern[bytes] | None = None
        self._raw, self._escaped = b"", 0
        self._css: CssRewriter | None = None
        self._held: scripts.Held | None = None
        self._dropping, self._quote, self._opening = False, b"", False
        # The text of a style element of SVG within HTML, up to the next markup.
        self._sheet: CssRewriter | None = None
        self._in_cdata = False
        self._foreign = ForeignContent()

    # --- the way in and out ---------------------------------------------------------

    def feed(self, data: bytes) -> bytes:
        """Take a chunk, give what can already go out."""
        self._pending = self._pending + data if self._pending else data
        if len(self._pending) < self._wanted:
            return b""
        return self._run(last=False)

    def close(self) -> bytes:
        """Give the rest at the end of the document."""
        return self._run(last=True)

    def _run(self, *, last: bool) -> bytes:
        self._last = last
        text, at = self._pending, 0
        size = len(text)
        self._stalled = False
        while at < size and not self._stalled:
            reached = self._step(text, at)
            if reached is None:
                break
            at = reached
        if last:
            self._end(text[at:])
            self._pending = b""
        else:
            self._pending = text[at:]
            waiting = size - at
            # A long token is looked at again when it has doubled, so that time is linear.
            self._wanted = 2 * waiting if waiting > _PATIENCE else 0
            if waiting > self._limit:
                self._give_up()
        out, self._out = self._out, []
        return b"".join(out)

    def _end(self, rest: bytes) -> None:
        """The document ends within a token; browsers drop an unfinished tag."""
        css = self._css or self._sheet
        if css is not None:
            self._out.append(css.feed(rest) + css.close())
        elif self._held is not None:
            self._finish_held(rest)
        elif not self._dropping:
            self._out.append(rest)

    def _give_up(self) -> None:
        """A token is longer than it may be: nothing of it goes out."""
        text, self._pending, self._wanted = self._pending, b"", 0
        if self._held is not None:
            return
        self._dropping = True
        self._quote = b""
        self._opening = _EQUALS_AT_END.search(text) is not None
        for found in tokens.ATTRIBUTE.finditer(text, 1):
            unclosed = _QUOTE_AFTER.match(text, found.end()) if found.lastindex == 1 else None
            if unclosed is not None:
                self._quote = unclosed.group(1)
                break

    def _step(self, text: bytes, at: int) -> int | None:
        """One step from ``at``; None: more is needed."""
        if self._until is not None:
            return self._pass_until(text, at)
        if self._raw:
            return self._pass_raw(text, at)
        if self._dropping:
            return self._drop(text, at)
        return self._data(text, at)

    # --- data ------------------------------------------------------------------------

    def _data(self, text: bytes, at: int) -> int | None:
        if self._sheet is not None:
            return self._pass_sheet(self._sheet, text, at)
        in_html, at_point, in_foreign, in_xml = self._skips
        if self._xml:
            skip = in_xml
        elif self._foreign.is_empty:
            skip = in_html
        else:
            skip = in_foreign if self._foreign.is_foreign else at_point
        if self._passes is not None and skip is in_html and len(text) - at <= self._limit:
            start = self._passes(
                text, at, self._out, self._urls.url,
                forms=bool(self._form_token), handlers=self._scripts is not None,
            )  # fmt: skip
        else:
            start = tokens.pass_plain(text, at, self._out, self._urls.url, skip)
        if self._foreign.at_point and text.find(b"<", at, start) >= 0:
            self._foreign.at_point = False
        if start == len(text):
            return start
        following = text[start + 1 : start + 2]
        if following not in b"!?/":
            reached = self._start_tag(text, start)
        else:
            reached = self._markup(text, start, following) if following else None
        return self._wait(start) if reached is None else reached

    def _pass_sheet(self, sheet: CssRewriter, text: bytes, at: int) -> int:
        """Text of a style element of SVG: up to the next markup, CDATA sections included."""
        mark = b"]]>" if self._in_cdata else b"<"
        end = text.find(mark, at)
        if end < 0:
            # Half of what ends a section may stand last.
            end = len(text) if self._last or not self._in_cdata else max(at, len(text) - 2)
            self._out.append(sheet.feed(text[at:end]))
            return end if end == len(text) else self._wait(end)
        if self._in_cdata or text.startswith(_CDATA, end):
            self._in_cdata = not self._in_cdata
            end += 3 if mark == b"]]>" else len(_CDATA)
            self._out.append(sheet.feed(text[at:end]))
            return end
        if not self._last and _CDATA.startswith(text[end:]):
            self._out.append(sheet.feed(text[at:end]))
            return self._wait(end)
        self._out.append(sheet.feed(text[at:end]) + sheet.close())
        self._sheet = None
        return end

    def _sheet_url(self, text: str) -> str:
        """A URL in a sheet whose text is markup: references stand for what they name."""
        if "&" not in text:
            return self._urls.url(text)
        given = unescape_xml(text)
        quote = given[0] if given[:1] in {'"', "'"} and given[:1] == given[-1:] else ""
        inner = given[1:-1] if quote else given
        mapped = self._urls.url(inner)
        return text if mapped == inner else escape_attribute(f"{quote}{mapped}{quote}")

    def _markup(self, text: bytes, at: int, following: bytes) -> int | None:
        if following == b"/" and text[at + 2 : at + 3].isalpha():
            return self._end_tag(text, at)
        if following != b"/" and len(text) - at < 10 and not self._last and b">" not in text[at:]:
            return None  # too little to tell a comment from the rest
        if text.startswith(b"<!--", at):
            if not self._xml and text.startswith((b"<!-->", b"<!--->"), at):
                return self._emit(text, at, text.index(b">", at) + 1)
            self._until = _COMMENT_END
            return self._emit(text, at, at + 4)
        if text.startswith(_CDATA, at) and self._allows_cdata():
            self._until = _CDATA_END
            return self._emit(text, at, at + 9)
        if self._xml:
            return self._xml_declaration(text, at, following)
        if following == b"/" and len(text) - at < 3 and not self._last:
            return None
        self._until = _BOGUS_END  # a doctype or a bogus comment
        return self._emit(text, at, at + 2)

    def _allows_cdata(self) -> bool:
        return self._xml or self._foreign.is_foreign or self._foreign.at_point

    def _xml_declaration(self, text: bytes, at: int, following: bytes) -> int | None:
        if following == b"?":
            end = text.find(b"?>", at)
            if (
                end < 0
                and not self._last
                and _STYLESHEET.startswith(text[at : at + len(_STYLESHEET)])
            ):
                return None
            if end >= 0 and (found := tokens.STYLESHEET_PI.match(text, at, end + 2)):
                href = found.group(found.lastindex or 2).decode("latin-1").replace("&amp;", "&")
                mapped = self._urls.url(href)
                if mapped != href:
                    start, stop = found.span(found.lastindex or 2)
                    escaped = mapped.replace("&", "&amp;").encode("latin-1")
                    self._out += (text[at:start], escaped)
                    return self._emit(text, stop, end + 2)
            self._until = _PI_END
            return self._emit(text, at, at + 2)
        found = tokens.DOCTYPE_IN_XML.match(text, at)
        if found is not None:
            return self._emit(text, at, found.end())
        if not self._last and text.startswith(b"<!DOCTYPE", at):
            return None
        self._until = _BOGUS_END
        return self._emit(text, at, at + 2)

    def _emit(self, text: bytes, start: int, end: int) -> int:
        self._out.append(text[start:end])
        return end

    def _pass_until(self, text: bytes, at: int) -> int | None:
        """A comment, doctype, processing instruction or CDATA section streams to its end."""
        pattern = self._until or _BOGUS_END
        found = pattern.search(text, at)
        if found is not None:
            self._until = None
            return self._emit(text, at, found.end())
        if self._last:
            return self._emit(text, at, len(text))
        return self._wait(self._emit(text, at, max(at, len(text) - 3)))

    def _wait(self, at: int) -> int:
        """Everything before ``at`` is out; the rest waits for the next chunk."""
        self._stalled = True
        return at

    # --- tags ------------------------------------------------------------------------

    def _start_tag(self, text: bytes, at: int) -> int | None:
        self._foreign.at_point = False
        tag = tokens.START_TAG.match(text, at)
        if tag is None:
            return None
        if tag.end() - at > self._limit:
            return tag.end()
        name = tag.group(1).lower()
        if self._foreign.is_foreign and self._breaks_out(name, text, tag):
            self._foreign.break_out()
        kind = "xml" if self._xml else self._foreign.kind
        self._out.append(self._editor.edit(text, tag, name, kind))
        if self._xml:
            if not tokens.is_self_closing(text, tag) and name.rpartition(b":")[2] == b"style":
                self._begin_raw(b"style", text, tag)
        elif kind != "html":
            if not tokens.is_self_closing(text, tag):
                self._enter_foreign(name, kind, text, tag)
        elif name in tokens.RAW_TEXT:
            self._begin_raw(name, text, tag)
        elif name in {b"svg", b"math"} and not tokens.is_self_closing(text, tag):
            self._foreign.begin(name)
        return tag.end()

    def _breaks_out(self, name: bytes, text: bytes, tag: re.Match[bytes]) -> bool:
        if name == b"font":
            names = {one.name for one in self._editor.attributes(text, *tag.span(2))}
            return bool(names & {b"color", b"face", b"size"})
        return name in tokens.BREAKOUT

    def _enter_foreign(self, name: bytes, kind: str, text: bytes, tag: re.Match[bytes]) -> None:
        if name == b"style" and kind == "svg":
            self._sheet = CssRewriter(self._sheet_url, self._encoding, self._limit)
            self._in_cdata = False
        attributes = self._editor.attributes(text, *tag.span(2)) if b"-" in name else ()
        self._foreign.enter(name, {one.name: one.value for one in attributes})

    def _end_tag(self, text: bytes, at: int) -> int | None:
        tag = tokens.END_TAG.match(text, at)
        if tag is None:
            return None
        self._foreign.at_point = False
        if not self._foreign.is_empty:
            self._foreign.leave(tag.group(1).lower())
        return self._emit(text, at, tag.end())

    def _drop(self, text: bytes, at: int) -> int | None:
        """Leave out the rest of a tag that was too long."""
        if self._quote:
            end = text.find(self._quote, at)
            if end < 0:
                return len(text)
            self._quote = b""
            return end + 1
        if self._opening:
            return self._drop_before_value(text, at)
        found = _QUOTE_OR_END.search(text, at)
        if found is None:
            # An equals sign may stand last: only a quote after it opens a value.
            held = _EQUALS_AT_END.search(text, at)
            return self._wait(held.start()) if held and not self._last else len(text)
        if found.group() == b">":
            self._dropping = False
        else:
            self._quote = found.group()[-1:]
        return found.end()

    def _drop_before_value(self, text: bytes, at: int) -> int:
        """After an equals sign, only a quote makes what follows a quoted value."""
        while at < len(text) and text[at] in b"\t\n\f\r ":
            at += 1
        if at < len(text):
            self._opening = False
            if text[at : at + 1] in {b'"', b"'"}:
                self._quote = text[at : at + 1]
                at += 1
        return at

    # --- raw text --------------------------------------------------------------------

    def _begin_raw(self, name: bytes, text: bytes, tag: re.Match[bytes]) -> None:
        self._raw = name
        self._escaped = 0
        if name == b"style":
            map_url = self._sheet_url if self._xml else self._urls.url
            self._css = CssRewriter(map_url, self._encoding, self._limit)
        elif name == b"script" and (
            self._scripts is not None or scripts.MAYBE_HELD.search(text, *tag.span(2))
        ):
            attributes = self._editor.attributes(text, *tag.span(2))
            edit = None if self._scripts is None else self._edit_script
            needs = self._scripts is not None and self._scripts.needs_nonce
            self._held = scripts.held(
                attributes, self._limit, self._out[-1], edit, needs_nonce=needs
            )
            if self._held is not None and self._held.holds_tag:
                self._out.pop()

    def _edit_script(self, text: bytes) -> bytes:
        if self._scripts is None:
            return text
        return self._scripts.element(text, self._encoding, self._urls)

    def _pass_raw(self, text: bytes, at: int) -> int | None:
        if self._raw == b"plaintext":
            return self._emit(text, at, len(text))
        end, safe = self._find_raw_end(text, at)
        if end >= 0:
            self._content(text[at:end])
            self._finish_raw()
            return end
        if self._last:
            self._content(text[at:])
            return len(text)
        self._content(text[at:safe])
        return self._wait(safe)

    def _content(self, data: bytes) -> None:
        if self._css is not None:
            self._out.append(self._css.feed(data))
        else:
            self._out.append(data if self._held is None else self._held.add(data))

    def _finish_raw(self) -> None:
        if self._css is not None:
            self._out.append(self._css.close())
            self._css = None
        else:
            self._finish_held(b"")
        self._raw = b""

    def _finish_held(self, rest: bytes) -> None:
        if self._held is not None:
            self._out.append(self._held.finish(rest, self._urls.url, self._encoding))
            self._held = None

    def _find_raw_end(self, text: bytes, at: int) -> tuple[int, int]:
        """Where the content ends (-1: not here), and up to where it is content for sure."""
        safe = max(at, len(text) - _TAIL)
        if self._raw != b"script":
            pattern = _XML_STYLE_END if self._xml else _RAW_END[self._raw]
            found = pattern.search(text, at)
            return (found.start() if found else -1), safe
        for found in tokens.SCRIPT_STEP.finditer(text, at):
            what = found.group()
            if what == b"<!":
                self._escaped = self._escaped or 1
            elif what == b"-->":
                self._escaped = 0
            elif not found.group(1):
                self._escaped = 2 if self._escaped else 0
            elif self._escaped == 2:
                self._escaped = 1
            else:
                return found.start(), safe
            safe = max(safe, found.end())  # what was counted is not seen again
        return -1, safe

    # --- documents within attributes ---------------------------------------------------

    def _srcdoc(self, markup: str) -> str:
        """A ``srcdoc`` is a document of its own; beyond a depth it is left out."""
        if self._nesting >= _DEEPEST_SRCDOC:
            return ""
        inner = type(self)(
            UrlMap(self._urls.codec, self._urls.base),
            self._origin,
            limit=self._limit,
            frame_markup=self._frame_markup,
            runtime=self._runtime,
            form_token=self._form_token,
            in_page=self._scripts,
        )
        inner._nesting = self._nesting + 1
        return self._nested(inner, markup.encode("utf-8", "replace")).decode("utf-8", "replace")

    def _nested(self, inner: HtmlRewriter, data: bytes) -> bytes:
        """A document within this one, rewritten."""
        if self._frame_markup:
            injector = Injector(self._frame_markup)
            data = injector.feed(data) + injector.close()
        return inner.feed(data) + inner.close()
