"""What a document says, told by turbohtml: its tree as a flat list, with its URLs mapped.

The oracle of the HTML tests: ``tree(input, mapped) == tree(output)``.  Which attribute of
which element holds what is written down here a second time, element by element, from the
HTML and SVG standards; only the map of one URL is the project's own.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import turbohtml

from gateway.origins import parse, parse_origin
from gateway.rewrite.csp import map_policies
from tests.rewrite.sheets import Either, sheet, unmapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.origins import Codec

HTML, SVG, MATHML = "html", "svg", "mathml"
_SPACE = "\t\n\f\r "
_CELLS = "body table thead tbody tfoot tr td th"
# HTML standard, "Attributes", and chapter 16 for what is obsolete.
_URLS = {
    "href": "a area link base",
    "src": "img script iframe frame embed source track audio video input",
    "action": "form",
    "formaction": "button input",
    "cite": "blockquote q del ins",
    "poster": "video",
    "data": "object",
    "background": _CELLS,
    "longdesc": "img frame iframe",
    "manifest": "html",
    "profile": "head",
    "codebase": "object applet",
    "classid": "object",
    "lowsrc": "img",
    "dynsrc": "img",
}
_LISTS = {"ping": "a area", "archive": "object applet", "attributionsrc": "a area img script"}
_SETS = {"srcset": "img source", "imagesrcset": "link"}
STANDARD = {name: frozenset(tags.split()) for name, tags in _URLS.items()}
LISTS = {name: frozenset(tags.split()) for name, tags in _LISTS.items()}
SETS = {name: frozenset(tags.split()) for name, tags in _SETS.items()}
_MORE = frozenset({"icon", "usemap", "xlink:href"})
"""URLs on elements that no standard has any more, or on the wrong ones."""
_PAINT = frozenset(
    [
        "fill",
        "stroke",
        "filter",
        "mask",
        "clip-path",
        "marker",
        "marker-start",
        "marker-mid",
        "marker-end",
        "cursor",
    ]
)
_ANIMATED = frozenset({"from", "to", "by", "values"})
_REFRESH = re.compile(
    rf"(?s)[{_SPACE}]*(?=[0-9.])([0-9]*[0-9.]*)"
    rf"(?:(?=[;,{_SPACE}])[{_SPACE}]*[;,]?[{_SPACE}]*(?:[uU][rR][lL][{_SPACE}]*=[{_SPACE}]*)?"
    rf"(?:\"([^\"]*)|'([^']*)|(.*)))?"
)


class Expected:
    """Reads documents at ``url``, seen through ``codec``; without a codec as they are."""

    def __init__(self, codec: Codec | None = None, url: str = "") -> None:
        self.codec = codec
        self.url = self.base = url
        self._based = False

    def tree(self, markup: str) -> list[Any]:
        """The document's tree: opening, text, comment and closing, in order."""
        document = turbohtml.parse(markup, scripting=True, positions=False)
        out: list[Any] = []
        waiting: list[tuple[Any, Iterator[Any], bool]] = [(None, iter(document.children), False)]
        while waiting:
            owner, children, in_template = waiting[-1]
            node = next(children, None)
            if node is None:
                waiting.pop()
                if owner is not None:
                    out.append(("close",))
            elif isinstance(node, turbohtml.Text):
                self._text(out, owner, node.data)
            elif isinstance(node, turbohtml.Element):
                out.append(self._open(node, in_template))
                inside = in_template or node.tag == "template"
                if node.shadow_root is not None:
                    out.append(("shadow",))
                    waiting.append(
                        (node, iter([*node.shadow_root.children, *node.children]), inside)
                    )
                else:
                    waiting.append((node, iter(node.children), inside))
            elif isinstance(node, turbohtml.DocumentFragment):
                waiting.append((node, iter(node.children), True))
                out.append(("content",))
            elif isinstance(node, turbohtml.Doctype):
                out.append(("doctype", node.name, node.public_id, node.system_id))
            else:
                out.append((type(node).__name__, node.data))
        return out

    def _map(self, url: str) -> str:
        return url if self.codec is None else self.codec.collapse_url(url, self.base)

    @property
    def _mapper(self) -> Any:
        return unmapped if self.codec is None else self._map

    # --- text ------------------------------------------------------------------------

    def _text(self, out: list[Any], owner: Any, data: str) -> None:
        tag = owner.tag if isinstance(owner, turbohtml.Element) else ""
        if tag == "style":
            mapped = sheet(data, self._mapper)
            out.append(
                ("style", Either((sheet(data), mapped)) if _kind(owner) == MATHML else mapped)
            )
        elif tag == "script" and _kind(owner) == HTML:
            out.append(("script", self._script(owner, data)))
        else:
            out.append(("text", data))

    def _script(self, owner: Any, data: str) -> Any:
        kind = (owner.attr("type") or "").strip(_SPACE).lower()
        if kind == "importmap":
            try:
                return import_map(json.loads(data), self._mapper)
            except ValueError:
                return data
        return "{}" if kind == "speculationrules" and self.codec is not None else data

    # --- elements --------------------------------------------------------------------

    def _open(self, node: Any, in_template: bool) -> Any:
        space, tag = _kind(node), node.tag
        values = {name: node.attr(name) or "" for name in node.attrs}
        special: dict[str, Any] = {}
        if space == HTML and tag in {"base", "meta", "link", "iframe"}:
            special = getattr(self, "_" + tag)(values, in_template)
        elif space == SVG and tag in {"animate", "set"}:
            special = self._animation(values)
        mapped = {
            name: special[name] if name in special else self._value(space, tag, name, value)
            for name, value in values.items()
        }
        return ("open", space, tag, mapped)

    def _value(self, space: str, tag: str, name: str, value: str) -> Any:
        if name == "style":
            return sheet(value, self._mapper)
        if space == HTML:
            if tag in STANDARD.get(name, ()):
                return self._map(value)
            if tag in LISTS.get(name, ()):
                return [self._map(one) for one in _words(value)]
            if tag in SETS.get(name, ()):
                return [(self._map(url), rest) for url, rest in candidates(value)]
            return self._odd(name, value)
        if name in {"href", "xlink:href"}:
            return self._map(value)
        if name in _PAINT and space == SVG:
            return sheet(value, self._mapper)
        if name == "data" and tag == "object":
            return Either((value, self._map(value)))
        return self._odd(name, value)

    def _odd(self, name: str, value: str) -> Any:
        """An attribute of a URL's name on an element that has none such."""
        if name == "data":
            return value
        if name in STANDARD or name in _MORE or name.endswith(":href"):
            return Either((value, self._map(value)))
        if name in LISTS:
            return Either((_words(value), [self._map(one) for one in _words(value)]))
        if name in SETS:
            one, two = candidates(value), [(self._map(u), rest) for u, rest in candidates(value)]
            return Either((one, two))
        if name in _PAINT:
            return Either((sheet(value), sheet(value, self._mapper)))
        return value

    def _base(self, values: dict[str, str], in_template: bool) -> dict[str, Any]:
        if "href" not in values or self._based or in_template or self.codec is None:
            return {"href": Either((values.get("href", ""), self._map(values.get("href", ""))))}
        self._based = True
        mapped = self.codec.collapse_url(values["href"], self.url)
        found = parse(values["href"], self.url)
        self.base = self.url if found is None else found[1].href
        return {"href": mapped}

    def _meta(self, values: dict[str, str], _: bool) -> dict[str, Any]:
        kind, content = values.get("http-equiv", "").lower(), values.get("content", "")
        if kind == "refresh":
            return {"content": refresh(content, self._mapper)}
        if self.codec is None:
            return {}
        if kind == "x-dns-prefetch-control":
            return {"content": "off"}
        if kind.startswith("content-security-policy"):
            return {"content": self._policies(content)}
        return {}

    def _policies(self, text: str) -> str:
        found = parse(self.url)
        assert found is not None
        assert self.codec is not None
        return ", ".join(map_policies([text], found[0], self.codec, None).policies)

    def _link(self, values: dict[str, str], _: bool) -> dict[str, Any]:
        kinds = {word.lower() for word in _words(values.get("rel", ""))}
        if self.codec is None:
            return {"rel": _words(values.get("rel", ""))}
        words = _words(values.get("rel", ""))
        out: dict[str, Any] = {"rel": [word for word in words if word.lower() != "dns-prefetch"]}
        is_style = "stylesheet" in kinds or (
            kinds & {"preload", "modulepreload"} and values.get("as", "").lower() == "style"
        )
        if is_style and values.get("integrity", "").strip(_SPACE):
            path, mark, fragment = self._map(values.get("href", "")).partition("#")
            digest = values["integrity"].strip(_SPACE)
            joint = "&" if "?" in path else "?"
            out["href"] = f"{path}{joint}__gwi={digest}{mark}{fragment}"
            out["integrity"] = ""
        return out

    def _iframe(self, values: dict[str, str], _: bool) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if "srcdoc" in values:
            out["srcdoc"] = Expected(self.codec, self.base).tree(values["srcdoc"])
        if self.codec is not None and "allow" in values:
            out["allow"] = re.sub(r"https?://[^ ;']+", self._origin, values["allow"])
        if self.codec is not None and "csp" in values:
            out["csp"] = self._policies(values["csp"])
        return out

    def _origin(self, found: re.Match[str]) -> str:
        origin = parse_origin(found.group())
        assert self.codec is not None
        return found.group() if origin is None else self.codec.collapse_origin(origin)

    def _animation(self, values: dict[str, str]) -> dict[str, Any]:
        target = next(
            (value for name, value in values.items() if name.lower() == "attributename"), ""
        )
        if target.strip(_SPACE) not in {"href", "xlink:href"}:
            return {}
        return {
            name: [self._map(one.strip(_SPACE)) for one in value.split(";")]
            for name, value in values.items()
            if name in _ANIMATED
        }


def _kind(node: Any) -> str:
    return str(node.namespace).rpartition(".")[2].lower()


def _words(text: str) -> list[str]:
    return re.findall(rf"[^{_SPACE}]+", text)


def refresh(text: str, map_url: Any) -> Any:
    """Seconds and URL (HTML standard, "shared declarative refresh steps")."""
    found = _REFRESH.match(text)
    if found is None or (found.end() == found.end(1) and found.end() < len(text)):
        return text
    url = next((one for one in found.groups()[1:] if one), None)
    return (found[1], None if url is None else map_url(url))


def candidates(text: str) -> list[tuple[str, str]]:
    """The URLs of a ``srcset`` and their descriptors, letter by letter as the standard says."""
    out = []
    at, size = 0, len(text)
    while True:
        while at < size and text[at] in _SPACE + ",":
            at += 1
        if at == size:
            return out
        start = at
        while at < size and text[at] not in _SPACE:
            at += 1
        url, descriptors = text[start:at], ""
        if url.endswith(","):
            url = url.rstrip(",")
        else:
            start, nested = at, False
            while at < size and (nested or text[at] != ","):
                nested = (nested or text[at] == "(") and text[at] != ")"
                at += 1
            descriptors = " ".join(_words(text[start:at]))
        out.append((url, descriptors))


def import_map(content: Any, map_url: Any) -> Any:
    """An import map as the browser must see it: URLs lead to their collapsed twins."""
    if not isinstance(content, dict):
        return content

    def specifiers(table: Any, *, values: bool) -> Any:
        if not isinstance(table, dict):
            return table
        out: dict[str, Any] = {}
        for key, value in table.items():
            out[key] = map_url(value) if values and isinstance(value, str) else value
        for key in table:
            if map_url(key) not in table:
                out[map_url(key)] = out[key]
        return out

    out = dict(content)
    if "imports" in out:
        out["imports"] = specifiers(out["imports"], values=True)
    if "integrity" in out:
        out["integrity"] = specifiers(out["integrity"], values=False)
    if isinstance(out.get("scopes"), dict):
        out["scopes"] = {
            map_url(scope): specifiers(inner, values=True) for scope, inner in out["scopes"].items()
        }
    return out
