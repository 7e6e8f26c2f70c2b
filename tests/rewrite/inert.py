"""What could run script in a document, told by parsers that are not the project's own.

``findings`` is empty where a browser would run nothing.  The rules are written down here a
second time, from the standards; the trees are turbohtml's and html5ever's (by nh3).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import nh3
import turbohtml

if TYPE_CHECKING:
    from collections.abc import Iterator

_ELEMENTS = frozenset({"script", "object", "embed", "applet", "portal", "fencedframe", "handler"})
_URLS = frozenset(
    [
        "href",
        "src",
        "action",
        "formaction",
        "data",
        "xlink:href",
        "background",
        "cite",
        "longdesc",
        "manifest",
        "poster",
        "profile",
        "codebase",
        "classid",
        "usemap",
        "lowsrc",
        "dynsrc",
        "code",
        "xml:base",
        "base",
        "from",
        "to",
        "by",
        "icon",
    ]
)
_NAVIGATES = frozenset(
    [
        "a",
        "area",
        "form",
        "button",
        "iframe",
        "frame",
        "base",
        "use",
        "math",
        "maction",
        "set",
        "animate",
        "html",
        "svg",
    ]
)
_PASSIVE = re.compile(
    r"data:(?:image/(?!svg)[a-z0-9.+-]+|text/(?:plain|css|csv)|audio/\S+|video/\S+)?[;,]", re.ASCII
)
CONTEXTS = (
    "", "<svg>", "<svg><title>", "<svg><desc>", "<svg><style>", "<math>", "<math><mtext>",
    "<math><annotation-xml encoding=text/html>", "<title>", "<textarea>", "<style>", "<xmp>", "<iframe>",
    "<noembed>", "<noframes>", "<noscript>", "<!--", "<?", "<svg><![CDATA[", "<select>", "<select><option>",
    "<table>", "<table><colgroup>", "<frameset>", "<template>", "<head><noscript>", "<p></p x='",
)  # fmt: skip
"""What may stand before a document, so that a parser reads it in another state."""


def findings(markup: str, *, contexts: tuple[str, ...] = ("",)) -> list[str]:
    """What is active in a document, with scripting on and off, in each of these contexts."""
    out = []
    for context in contexts:
        for scripting in (False, True):
            document = turbohtml.parse(context + markup, scripting=scripting, positions=False)
            found = [f"{context} {scripting}: {one}" for one in _of_tree(document)]
            # After an unclosed sheet all is a sheet, which no browser runs.
            out += [one for one in found if not (context and ": sheet" in one)]
    return out


def _nodes(document: Any) -> Iterator[Any]:
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, turbohtml.Element):
            yield node
            if node.shadow_root is not None:
                waiting.append(node.shadow_root)
        waiting += getattr(node, "children", ())


def _of_tree(document: Any) -> Iterator[str]:
    for node in _nodes(document):
        values = {name: node.attr(name) or "" for name in node.attrs}
        yield from of_element(node.tag, values)
        if node.tag == "style":
            text = "".join(one.data for one in node.children if isinstance(one, turbohtml.Text))
            yield from (f"sheet {text[:80]!r}" for _ in active_css(text))


def of_element(tag: str, values: dict[str, str]) -> Iterator[str]:
    """What is active in one element."""
    tag = tag.lower().rpartition(":")[2]
    if tag in _ELEMENTS:
        yield f"<{tag}>"
    for name, value in values.items():
        lower = name.lower()
        if lower.startswith("on"):
            yield f"<{tag} {name}>"
        elif lower == "srcdoc":
            yield from findings(value)
        elif lower == "style":
            yield from (f"<{tag} style={value!r}>" for _ in active_css(value))
        elif lower in {"srcset", "imagesrcset", "values"}:
            if any(is_script(one, tag) for one in re.split(r"[\s,;]+", value)):
                yield f"<{tag} {name}={value!r}>"
        elif (lower in _URLS and is_script(value, tag)) or (
            lower == "attributename" and value.strip().lower().startswith("on")
        ):
            yield f"<{tag} {name}={value!r}>"
    kinds = set(values.get("rel", "").lower().split())
    if tag == "link" and kinds & {"import", "modulepreload", "serviceworker"}:
        yield f"<link rel={kinds}>"
    if tag == "link" and "preload" in kinds and values.get("as", "").lower() == "script":
        yield "<link rel=preload as=script>"
    if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
        url = re.sub(r"(?i)^[\s\d.]*[;,\s]?\s*(?:url\s*=)?\s*[\"']?", "", values.get("content", ""))
        if is_script(url, "iframe"):
            yield f"<meta refresh {url!r}>"


def is_script(url: str, tag: str) -> bool:
    """Whether a URL as the parser gives it runs script (URL standard, 4.4)."""
    url = re.sub("[\t\n\r]", "", url.strip("".join(map(chr, range(0x21))))).lower()
    if url.startswith("data:"):
        return tag in _NAVIGATES and _PASSIVE.match(url) is None
    return url.startswith(("javascript:", "vbscript:"))


def active_css(text: str) -> list[str]:
    """What ran script in sheets, its escapes decoded and its comments taken out."""
    text = re.sub(
        r"\\([0-9a-fA-F]{1,6})\s?|\\(.)",
        lambda found: chr(int(found[1], 16) % 0x10FFFF or 1) if found[1] else found[2],
        re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL),
    )
    return re.findall(
        r"(?i)expression\s*\(|(?<![-\w])(?:-ms-)?behavior\s*:|-moz-binding\s*:|javascript\s*:", text
    )


_TAGS = frozenset(
    [
        "a",
        "abbr",
        "address",
        "animate",
        "applet",
        "area",
        "article",
        "aside",
        "audio",
        "b",
        "base",
        "blockquote",
        "body",
        "br",
        "button",
        "caption",
        "center",
        "code",
        "col",
        "colgroup",
        "dd",
        "desc",
        "details",
        "div",
        "dl",
        "dt",
        "em",
        "embed",
        "fieldset",
        "font",
        "footer",
        "form",
        "frame",
        "frameset",
        "g",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "head",
        "header",
        "hr",
        "html",
        "i",
        "iframe",
        "image",
        "img",
        "input",
        "label",
        "li",
        "link",
        "main",
        "map",
        "marquee",
        "math",
        "menu",
        "meta",
        "mi",
        "mtext",
        "nav",
        "object",
        "ol",
        "optgroup",
        "option",
        "p",
        "param",
        "path",
        "pre",
        "rect",
        "section",
        "select",
        "set",
        "slot",
        "small",
        "source",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "svg",
        "table",
        "tbody",
        "td",
        "template",
        "text",
        "textarea",
        "tfoot",
        "th",
        "thead",
        "title",
        "tr",
        "track",
        "u",
        "ul",
        "use",
        "var",
        "video",
        "xmp",
        "script",
        "style",
        "noscript",
    ]
)


def by_html5ever(markup: str) -> list[str]:
    """What html5ever's tree, walked by an allow-list sanitizer, has that is active."""
    out: list[str] = []

    def look(tag: str, name: str, value: str) -> str:
        out.extend(of_element(tag, {name: value}))
        return value

    attributes = {one.lower() for one in re.findall(r"[A-Za-z][A-Za-z0-9:-]*", markup)}
    # With every scheme allowed, the sanitizer leaves all the judging to us.
    schemes = {one.lower() for one in re.findall(r"([A-Za-z][A-Za-z0-9+.-]*):", markup)}
    clean = nh3.clean(
        markup.replace("\0", "\ufffd"),
        tags=set(_TAGS),
        clean_content_tags=set(),
        attributes={"*": attributes - {"rel"}},
        attribute_filter=look,
        url_schemes=schemes | {"javascript", "data", "vbscript"},
        link_rel=None,
        strip_comments=True,
    )
    out += re.findall(r"(?i)<(?:script|object|embed|applet)\b[^>]*", clean)
    return out
