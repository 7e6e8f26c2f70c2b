"""Regular expressions of the HTML tokenizer (HTML standard, section 13.2.5), on octets.

Every character that matters to the tokenizer is ASCII and never a trail octet of an
ASCII-compatible encoding, so nothing is decoded.  Groups are possessive or atomic:
hostile markup costs linear time.

One expression, ``SKIP``, passes over every token that cannot need work; Python only
sees the rest.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.rewrite.urls import Map

WS = rb"\t\n\f\r "
_NAME = rb"[^" + WS + rb"/>][^" + WS + rb"/>=]*+"
_EQUALS = rb"[" + WS + rb"]*+=[" + WS + rb"]*+"
_VALUE = rb"(?>\"[^\"]*+\"|'[^']*+'|(?=>)|[^\"'" + WS + rb">][^" + WS + rb">]*+)"
# An equals sign whose value is not there yet must not be taken for a name.
_ATTRIBUTE = _NAME + rb"(?>" + _EQUALS + _VALUE + rb"|(?!" + _EQUALS + rb"))"
_TAG_REST = rb"((?>[" + WS + rb"/]*+" + _ATTRIBUTE + rb"|[" + WS + rb"/]++)*+)>"

START_TAG = re.compile(rb"<([a-zA-Z][^" + WS + rb"/>]*+)" + _TAG_REST)
END_TAG = re.compile(rb"</([a-zA-Z][^" + WS + rb"/>]*+)" + _TAG_REST)
ATTRIBUTE = re.compile(
    rb"("
    + _NAME
    + rb")(?>"
    + _EQUALS
    + rb"(?>\"([^\"]*+)\"|'([^']*+)'|(?=>|\Z)|([^\"'"
    + WS
    + rb">][^"
    + WS
    + rb">]*+)))?+"
)
"""Groups: name, value in double quotes, in single quotes, unquoted."""

RAW_TEXT = frozenset(
    (
        b"script", b"style", b"title", b"textarea", b"xmp", b"iframe", b"noembed", b"noframes",
        b"noscript", b"plaintext",
    )
)  # fmt: skip
"""Elements whose content is no markup, where scripting is enabled."""

URL_ATTRIBUTES = frozenset(
    (
        b"href", b"src", b"action", b"formaction", b"poster", b"data", b"background", b"cite",
        b"longdesc", b"manifest", b"profile", b"codebase", b"classid", b"icon",
        b"lowsrc", b"dynsrc", b"xlink:href",
    )
)  # fmt: skip
LIST_ATTRIBUTES = frozenset((b"ping", b"archive", b"attributionsrc"))
SRCSET_ATTRIBUTES = frozenset((b"srcset", b"imagesrcset"))
PAINT_ATTRIBUTES = frozenset(
    (
        b"fill", b"stroke", b"filter", b"mask", b"clip-path", b"marker", b"marker-start",
        b"marker-mid", b"marker-end", b"cursor",
    )
)  # fmt: skip
"""SVG presentation attributes that hold CSS with URLs."""
ANIMATION_ATTRIBUTES = frozenset((b"from", b"to", b"by", b"values"))

# Elements that always need a look: their attributes are judged together.
_HOT_ELEMENTS = (*RAW_TEXT, b"svg", b"math", b"base", b"meta", b"link", b"object")
# Start tags in foreign content that end it (HTML standard, 13.2.6.5).
BREAKOUT = frozenset(
    (
        b"b", b"big", b"blockquote", b"body", b"br", b"center", b"code", b"dd", b"div", b"dl",
        b"dt", b"em", b"embed", b"h1", b"h2", b"h3", b"h4", b"h5", b"h6", b"head", b"hr", b"i",
        b"img", b"li", b"listing", b"menu", b"meta", b"nobr", b"ol", b"p", b"pre", b"ruby", b"s",
        b"small", b"span", b"strong", b"strike", b"sub", b"sup", b"table", b"tt", b"u", b"ul",
        b"var",
    )
)  # fmt: skip
CLOSING = frozenset(
    (
        b"div", b"section", b"article", b"main", b"header", b"footer", b"nav", b"aside",
        b"figure", b"table", b"tbody", b"tr", b"td", b"th", b"li", b"ul", b"ol", b"button",
        b"form", b"label", b"body", b"html", b"span", b"h1", b"h2", b"h3", b"h4", b"h5", b"h6",
        b"p", b"br",
    )
)  # fmt: skip
"""End tags that close an HTML ancestor, and the foreign content within it; no element of
SVG or MathML has these names."""
SVG_POINTS = frozenset((b"foreignobject", b"desc", b"title"))
MATH_POINTS = frozenset((b"mi", b"mo", b"mn", b"ms", b"mtext"))

_POINTS = (b"svg", b"math", *SVG_POINTS, *MATH_POINTS, b"annotation-xml")
_SAFE_NAMES = (b"href", b"src", b"action", b"cite", b"poster", b"longdesc", b"style")
_HOT_NAMES = (
    *_SAFE_NAMES, b"formaction", b"background", b"manifest", b"profile", b"codebase", b"classid",
    b"icon", b"lowsrc", b"dynsrc", b"xlink:href", *SRCSET_ATTRIBUTES, *LIST_ATTRIBUTES,
)  # fmt: skip


def _any_of(*words: bytes) -> bytes:
    """One of some words in any case, as a trie: ten times faster than ``(?i:a|b|c)`` here."""
    tree: dict[int, list[bytes]] = {}
    for word in words:
        tree.setdefault(word[0] if word else -1, []).append(word[1:])
    branches = []
    for first, rests in sorted(tree.items(), reverse=True):
        if first < 0:
            branches.append(b"")
            continue
        letter = bytes([first])
        both = b"[" + letter + letter.upper() + b"]" if letter.isalpha() else re.escape(letter)
        branches.append(both + _any_of(*rests))
    return branches[0] if len(branches) == 1 else b"(?>" + b"|".join(branches) + b")"


# A value that stays on its origin however it is decoded: a path from the root whose
# second character is plain, a query, a fragment, or a relative path without a colon.
_PATH = rb"[A-Za-z0-9_.~%@+-]"


def _safe(end: bytes) -> bytes:
    return (
        rb"(?>[#?]|/(?>" + _PATH + rb"|(?=" + end + rb"))|[A-Za-z0-9_.~%-]++(?>[/?#]|(?="
        + end + rb")))"
    )  # fmt: skip


_SAFE_VALUE = (
    rb"(?>\"(?>" + _safe(rb"\"") + rb"|(?=\"))[^\"]*+\""
    rb"|'(?>" + _safe(rb"'") + rb"|(?='))[^']*+'"
    rb"|(?![\"'])" + _safe(rb"[" + WS + rb">]") + rb"[^" + WS + rb">]*+)"
)  # fmt: skip
_PLAIN_STYLE = rb"(?>\"[^\"&\\(@]*+\"|'[^'&\\(@]*+')"


# The commonest attributes in their commonest spelling, tried first.
_COMMON_LINK = rb"href=\"(?>#|[A-Za-z0-9_.~%-]++(?>[/?#]|(?=\")))[^\"]*+\""


def _rest(names: bytes, safe: bytes = rb"(?>type|rel)=\"[^\"]*+\"") -> bytes:
    """The rest of a start tag that has no attribute with these names but harmless ones."""
    common = rb" (?>(?>class|id|name|title)=\"[^\"]*+\"|" + _COMMON_LINK + rb"|" + safe + rb")"
    cold = (
        rb"(?>(?!" + names + rb"[" + WS + rb"/>=])" + _ATTRIBUTE
        + rb"|" + _any_of(*_SAFE_NAMES[:-1]) + rb"=" + _SAFE_VALUE
        + rb"|" + _any_of(b"style") + rb"=" + _PLAIN_STYLE + rb")"
    )  # fmt: skip
    return rb"(?>>|(?>" + common + rb"|[" + WS + rb"/]*+" + cold + rb"|[" + WS + rb"/]++)*+>)"


def _past_raw(name: bytes) -> bytes:
    """Raw text up to its end tag; what ``<!--`` hides from it in scripts needs a look."""
    end = _any_of(name) + rb"[" + WS + rb"/>]"
    text, escaped = rb"/" + end, b""
    if name == b"script":
        escaped = rb"(?><!--(?>[^<]++|<(?!/?" + end + rb"))*+)?+"
        text += rb"|!--"
    return rb"(?>[^<]++|<(?!" + text + rb"))*+" + escaped + rb"(?=</" + end + rb")"


def _head(names: bytes, *, scripts: bool) -> bytes:
    """What heads of HTML documents are made of, as far as it needs no look."""

    def start(name: bytes, rest: bytes) -> bytes:
        return _any_of(name) + rb"(?=[" + WS + rb"/>])" + rest

    def element(name: bytes, hot: tuple[bytes, ...], safe: bytes) -> bytes:
        return start(name, _rest(rb"(?>" + names + rb"|" + _any_of(*hot) + rb")", safe))

    plain = rb"rel=\"[^\"&-]*+\"|type=\"[^\"]*+\""
    kinds = [
        element(b"meta", (b"http-equiv",), rb"http-equiv=\"" + _any_of(b"content-type") + rb"\""),
        element(b"link", (b"rel", b"integrity"), plain),
        start(b"title", _rest(names)) + _past_raw(b"title"),
    ]
    if scripts:
        script = element(b"script", (b"type",), rb"type=\"text/javascript\"")
        kinds.append(script + _past_raw(b"script"))
    comment = rb"--(?>-?>|(?>[^-]++|-(?!-!?>))*+--!?>)"
    return rb"|".join((*kinds, rb"!(?>" + comment + rb"|[dD][^>]*+>)", rb"\?[^>]*+>"))


def _skip(
    common: bytes, elements: bytes, names: bytes, ends: bytes, more: bytes = rb"(?!)"
) -> re.Pattern[bytes]:
    """Skip tokens but these elements, attributes with these names, and these end tags.

    ``common`` elements, spelled in lower case, are never among the others; ``more`` are
    tokens that are skipped, too.
    """
    rest = _rest(names)
    end = rb"/(?!" + ends + rb"[" + WS + rb"/>])" if ends else rb"/"
    return re.compile(
        rb"(?>[^<]*+<(?>" + end + rb"[a-zA-Z][^" + WS + rb"/>]*+[" + WS + rb"]*+>"
        rb"|(?>" + common + rb")(?>>|(?= )" + rest + rb")"
        rb"|(?!" + elements + rb"[" + WS + rb"/>])[a-zA-Z][^" + WS + rb"/>]*+" + rest
        + rb"|" + more + rb"|(?=[^a-zA-Z/!?])))*+[^<]*+"
    )  # fmt: skip


_HTML = rb"a|p|span|li|div|code|td|dd|dt|em|strong|h[1-4]"
_HOT_HTML = _any_of(*_HOT_NAMES)
SKIP = _skip(_HTML, _any_of(*_HOT_ELEMENTS), _HOT_HTML, b"", _head(_HOT_HTML, scripts=True))
"""In HTML content with no foreign content around it."""
SKIP_POINT = _skip(_HTML, _any_of(*_HOT_ELEMENTS), _HOT_HTML, _any_of(*_POINTS))
"""In HTML content inside an integration point of foreign content."""
_FOREIGN = rb"path|g|circle|rect|defs"
_HOT_IN_FOREIGN = _any_of(*_HOT_ELEMENTS, *_POINTS, *BREAKOUT, b"font", b"animate", b"set")
SKIP_FOREIGN = _skip(
    _FOREIGN,
    _HOT_IN_FOREIGN,
    _any_of(*_HOT_NAMES, *PAINT_ATTRIBUTES),
    _any_of(*_POINTS, *CLOSING),
)
"""In SVG and MathML."""
_PREFIX = rb"(?:[a-zA-Z0-9_.-]++:)?"
_HOT_IN_XML = (
    b"script", b"style", b"base", b"meta", b"link", b"object", b"iframe", b"animate", b"set",
)  # fmt: skip
_XML = rb"a|p|span|li|div|path|g|circle|rect|defs"
_HOT_NAMES_IN_XML = (
    rb"(?>" + _any_of(*_HOT_NAMES, *PAINT_ATTRIBUTES, b"srcdoc", b"formmethod")
    + rb"|[a-zA-Z0-9_.-]++:" + _any_of(b"href") + rb")"
)  # fmt: skip
SKIP_XML = _skip(_XML, _PREFIX + _any_of(*_HOT_IN_XML), _HOT_NAMES_IN_XML, b"")
"""In XML."""


@cache
def skips(*, forms: bool = False, handlers: bool = False) -> tuple[re.Pattern[bytes], ...]:
    """``SKIP``, ``SKIP_POINT``, ``SKIP_FOREIGN`` and ``SKIP_XML``; what else needs a look."""
    if not forms and not handlers:
        return SKIP, SKIP_POINT, SKIP_FOREIGN, SKIP_XML
    more = (b"form",) if forms else ()
    elements = _any_of(*_HOT_ELEMENTS, *more)
    handler = rb"[oO][nN][^" + WS + rb"/>=]++" if handlers else rb"(?!)"
    names = rb"(?>" + _any_of(*_HOT_NAMES, b"formmethod") + rb"|" + handler + rb")"
    foreign = rb"(?>" + _any_of(*_HOT_NAMES, *PAINT_ATTRIBUTES) + rb"|" + handler + rb")"
    in_xml = rb"(?>" + _HOT_NAMES_IN_XML + rb"|" + handler + rb")"
    return (
        _skip(_HTML, elements, names, b"", _head(names, scripts=not handlers)),
        _skip(_HTML, elements, names, _any_of(*_POINTS)),
        _skip(_FOREIGN, _HOT_IN_FOREIGN, foreign, _any_of(*_POINTS, *CLOSING)),
        _skip(_XML, _PREFIX + _any_of(*_HOT_IN_XML, *more), in_xml, b""),
    )


_BESIDE = rb"(?> (?>class|id|title|rel|name|target)=\"[^\"]*+\")*+"
PLAIN_LINK = re.compile(
    rb"<a" + _BESIDE + rb" href=\"(https?://[A-Za-z0-9._~:/?#\[\]@!$'()*+,;=%-]++)\""
    + _BESIDE + rb">"
)  # fmt: skip
"""The commonest tag that is edited, in its commonest spelling."""


def pass_plain(
    text: bytes, at: int, out: list[bytes], map_url: Map, skip: re.Pattern[bytes]
) -> int:
    """What ``native.pass_html`` does, by expressions: where the token to be judged begins."""
    done = at
    while (found := skip.match(text, at)) is not None:
        at = found.end()
        link = PLAIN_LINK.match(text, at)
        if link is None:
            break
        start, end = link.span(1)
        out += (text[done:start], map_url(link.group(1).decode("ascii")).encode("ascii"))
        done, at = end, link.end()
    if at > done:
        out.append(text[done:at])
    return at


def is_self_closing(text: bytes, tag: re.Match[bytes]) -> bool:
    """Whether a start tag ends with a slash of its own."""
    if text[tag.end() - 2] != ord("/"):
        return False
    end = tag.end(1)
    for found in ATTRIBUTE.finditer(text, *tag.span(2)):
        end = found.end()
    return end < tag.end() - 1  # else the slash belongs to an unquoted value


SCRIPT_STEP = re.compile(rb"<!(?=--)|-->|<(/?)script(?=[" + WS + rb"/>])", re.IGNORECASE)
"""What matters within script data (HTML standard, 13.2.5.17 and on)."""


def end_of_raw_text(name: bytes) -> re.Pattern[bytes]:
    """What ends the raw text of an element."""
    return re.compile(rb"</" + re.escape(name) + rb"(?=[" + WS + rb"/>])", re.IGNORECASE)


# --- XML alone ---------------------------------------------------------------------

_NAME_IN_XML = rb"[^" + WS + rb"/>!?=\"'<][^" + WS + rb"/>]*+"
START_TAG_IN_XML = re.compile(rb"<(" + _NAME_IN_XML + rb")" + _TAG_REST)
END_TAG_IN_XML = re.compile(rb"</(" + _NAME_IN_XML + rb")" + _TAG_REST)
DOCTYPE_IN_XML = re.compile(
    rb"<!DOCTYPE[^>\[]*+(?:\[(?>[^\]\"']++|\"[^\"]*+\"|'[^']*+')*+\][^>]*+)?>"
)
STYLESHEET_PI = re.compile(
    rb"<\?xml-stylesheet\b[^>]*?\bhref[\t\n\r ]*=[\t\n\r ]*(?:\"([^\"<]*)\"|'([^'<]*)')"
)
