"""Documents, scripts and sheets in many character sets and codings."""

from __future__ import annotations

import gzip
import zlib

import brotli
from backports import zstd

from tests.browser.differential.common import JS
from tests.browser.differential.server import Answer, Asked, cors

TITLE = "Encodings"
_JA, _RU, _FR = "日本語ソ能表", "Привет мир", "é ü ß"


def _page(text: str, head: str = "") -> str:
    link = "<a href='https://b.test/x?q=" + text[:2] + "'>link</a>"
    return f"<!doctype html>{head}<title>{text}</title><p>{text}</p>{link}"


def _meta(name: str) -> str:
    return f"<meta charset={name}>"


_HTML = "text/html"
_PAGES: dict[str, tuple[bytes, str]] = {
    "utf8": (_page(_JA + _FR, _meta("utf-8")).encode(), _HTML),
    "utf8-header": (_page(_JA + _FR).encode(), _HTML + "; charset=utf-8"),
    "bom": (("\ufeff" + _page(_JA)).encode(), _HTML),
    "latin1-header": (_page(_FR).encode("latin-1"), _HTML + ";charset=ISO-8859-1"),
    "latin1-meta": (_page(_FR, _meta("latin1")).encode("latin-1"), _HTML),
    "latin1-none": (_page(_FR).encode("latin-1"), _HTML),
    "windows-1251": (_page(_RU, _meta("windows-1251")).encode("cp1251"), _HTML),
    "sjis-meta": (_page(_JA, _meta("Shift_JIS")).encode("shift_jis"), _HTML),
    "sjis-header": (_page(_JA).encode("shift_jis"), _HTML + '; charset="shift_jis"'),
    "eucjp": (_page(_JA, _meta("euc-jp")).encode("euc-jp"), _HTML),
    "gbk": (_page("中文字符", _meta("gbk")).encode("gbk"), _HTML),
    "big5": (_page("中文許功蓋", _meta("big5")).encode("big5"), _HTML),
    "euckr": (_page("한국어", _meta("euc-kr")).encode("euc-kr"), _HTML),
    "iso2022jp": (_page(_JA, _meta("iso-2022-jp")).encode("iso-2022-jp"), _HTML),
    "utf16le-bom": (("\ufeff" + _page(_JA)).encode("utf-16-le"), _HTML),
    "utf16be-bom": (("\ufeff" + _page(_JA)).encode("utf-16-be"), _HTML),
    "utf16-header": (_page(_JA).encode("utf-16-le"), _HTML + "; charset=utf-16le"),
    "header-beats-meta": (_page(_FR, _meta("utf-8")).encode("latin-1"), _HTML + "; charset=latin1"),
    "bom-beats-header": (("\ufeff" + _page(_FR)).encode(), _HTML + "; charset=latin1"),
    "meta-late": (_page(_RU, "<!--" + "x" * 900 + "-->" + _meta("koi8-r")).encode("koi8-r"), _HTML),
    "meta-equiv": (
        _page(
            _RU, "<meta http-equiv=content-type content='text/html; charset=windows-1251'>"
        ).encode("cp1251"),
        _HTML,
    ),
    "unknown-label": (_page(_FR, _meta("klingon")).encode("latin-1"), _HTML + "; charset=vulcan"),
    "xhtml-declaration": (
        (
            '<?xml version="1.0" encoding="iso-8859-1"?><html xmlns="http://www.w3.org/1999/xhtml">'
            f"<head><title>{_FR}</title></head><body><p>{_FR}</p></body></html>"
        ).encode("latin-1"),
        "application/xhtml+xml",
    ),
    "text-plain": (_FR.encode("latin-1"), "text/plain; charset=latin1"),
    "broken-utf8": (_page("a\udcffb", _meta("utf-8")).encode("utf-8", "surrogateescape"), _HTML),
    "koi8": (_page(_RU, _meta("koi8-r")).encode("koi8-r"), _HTML),
    "utf7": (_page("+ADw-b+AD4-", _meta("utf-7")).encode(), _HTML),
    "replacement": (_page("x", _meta("hz-gb-2312")).encode(), _HTML),
}  # fmt: skip


def _script(kind: str) -> Answer:
    text = "globalThis.said_ = 'é';"
    if kind == "bom":
        return Answer(("\ufeff" + text).encode(), JS + "; charset=latin1")
    given = {"latin1": "; charset=iso-8859-1", "unknown": "; charset=none"}.get(kind, "")
    coded = text.encode("latin-1" if kind in {"latin1", "attribute"} else "utf-8")
    return Answer(coded, JS + given)


def _sheet(kind: str, *, edited: bool) -> Answer:
    text = ".coded::before { content: 'é日' } .é { color: red }"
    if edited:
        text += " .x { background: url(https://b.test/é.png) }"
    if kind == "charset":
        return Answer(
            ('@charset "shift_jis";' + text.replace("é", "能")).encode("shift_jis"), "text/css"
        )
    if kind == "header":
        return Answer(text.replace("é", "能").encode("shift_jis"), "text/css; charset=Shift_JIS")
    return Answer((("\ufeff" if kind == "bom" else "") + text).encode(), "text/css")


def _coded(asked: Asked) -> Answer:
    body = b"<!doctype html><p>" + b"text " * 2000 + b"</p>"
    coding = asked.query["coding"]
    for one in coding.split(", "):
        if one in {"gzip", "x-gzip"}:
            body = gzip.compress(body, mtime=0)
        elif one == "br":
            body = brotli.compress(body)
        elif one == "deflate":
            body = zlib.compress(body)
        elif one == "zstd":
            body = zstd.compress(body)
    return Answer(body, asked.query["kind"], (("Content-Encoding", coding), *cors(asked)))


def answer(asked: Asked, _site) -> Answer | None:
    """A page, a script, a sheet."""
    if asked.path.startswith("/encodings/page/"):
        return Answer(*_PAGES[asked.path.rpartition("/")[2]])
    if asked.path == "/encodings/script.js":
        return _script(asked.query["kind"])
    if asked.path == "/encodings/sheet.css":
        return _sheet(asked.query["kind"], edited="edited" in asked.query)
    if asked.path == "/encodings/coded":
        return _coded(asked)
    return None
