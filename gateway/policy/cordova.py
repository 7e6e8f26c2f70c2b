"""A Cordova ``config.xml`` as rules: allow-navigation, allow-intent and access.

Two flavours.  Current: the three elements mean what the tables here mean.  Legacy (Cordova
3, cordova-plugin-legacy-whitelist): only ``access``, which opens navigation too.  XML is
read without a tree; a document type is refused, so that no entity is ever expanded.
"""

from __future__ import annotations

from typing import NoReturn
from xml.etree import ElementTree as ET

import attrs

from gateway.policy.imported import LARGEST, Imported, Unreadable, shown

CURRENT, LEGACY = "current", "legacy"
_NAMESPACES = (
    "",
    "http://www.w3.org/ns/widgets",
    "http://cordova.apache.org/ns/1.0",
    "http://phonegap.com/ns/1.0",
)
_TLS = {"TLSv1.0": "1.0", "TLSv1": "1.0", "TLSv1.1": "1.1", "TLSv1.2": "1.2", "TLSv1.3": "1.3"}
_KNOWN = {
    "allow-navigation": ("href",),
    "allow-intent": ("href",),
    "access": (
        "origin",
        "subdomains",
        "launch-external",
        "minimum-tls-version",
        "requires-forward-secrecy",
    ),
    "content": ("src",),
}


@attrs.frozen
class _Element:
    name: str
    given: dict[str, str]
    platform: str

    @property
    def about(self) -> str:
        """The element as a person finds it again."""
        given = "".join(f' {key}="{value}"' for key, value in self.given.items())
        where = f" for {self.platform}" if self.platform else ""
        return f"<{self.name}{given}>{where}"


class _Collector:
    """What the XML parser tells; remembers only elements that matter."""

    def __init__(self) -> None:
        self.found: list[_Element] = []
        self.root = ""
        self._platforms: list[str] = []

    def doctype(self, name: str, public: str | None, system: str | None) -> NoReturn:
        """No entity can be declared without one."""
        del name, public, system
        raise Unreadable("has a document type, which a config.xml has no use for")

    def start(self, tag: str, given: dict[str, str]) -> None:
        """Keep an element of a name and namespace that we know."""
        space, _, name = tag.rpartition("}")
        if space.lstrip("{") not in _NAMESPACES:
            name = ""
        self.root = self.root or name or tag
        before = self._platforms[-1] if self._platforms else ""
        self._platforms.append(given.get("name", "") if name == "platform" else before)
        if name in _KNOWN:
            self.found.append(_Element(name, given, before))

    def end(self, tag: str) -> None:
        """Leave an element."""
        del tag
        self._platforms.pop()

    def close(self) -> list[_Element]:
        """All that was found."""
        return self.found


def read_cordova(source: bytes, name: str, flavour: str = "") -> Imported:
    """Read a ``config.xml``; ``flavour`` empty: told by what is in it.

    Raises ``Unreadable`` for what is none.
    """
    elements = _elements(source)
    rules = {element.name for element in elements} - {"content"}
    flavour = flavour or (LEGACY if rules == {"access"} else CURRENT)
    found = Imported(f"From {name} (Cordova, {flavour} flavour)")
    for element in elements:
        _import(element, found, legacy=flavour == LEGACY)
    if flavour == LEGACY:
        found.note("legacy flavour: each access opens navigation too")
    if any(entry.table == "access" for entry in found.entries):
        found.note('access opens its origin to every page; narrow it with from = "<pattern>"')
    if not found.entries:
        found.note("there is no rule in it: nothing is opened")
    return found


def _elements(source: bytes) -> list[_Element]:
    if len(source) > LARGEST:
        raise Unreadable(f"is larger than {LARGEST} octets")
    collector = _Collector()
    parser = ET.XMLParser(target=collector)  # noqa: S314 (the collector refuses document types)
    try:
        parser.feed(source)
        parser.close()
    except Unreadable:
        raise
    except (ET.ParseError, ValueError, LookupError) as error:
        raise Unreadable(f"is not XML that can be read: {error}") from None
    if collector.root != "widget":
        raise Unreadable(f"is no config.xml: its root is {shown(collector.root)}, not 'widget'")
    return collector.found


def _import(element: _Element, found: Imported, *, legacy: bool) -> None:
    about, given = element.about, element.given
    key = _KNOWN[element.name][0]
    text = given.get(key, "").strip()
    if element.name == "content":
        if "://" in text:
            found.add("allow-navigation", about, {"href": text})
            _warn_plain(text, about, found)
        return
    for name in given:
        if name not in _KNOWN[element.name]:
            found.note(f"{about}: {name} has no equivalent")
    if not text:
        found.note(f"{about}: left out: it has no {key}")
    elif element.name == "allow-intent":
        found.add("allow-intent", about, {"href": text})
    elif element.name == "allow-navigation":
        found.add("allow-navigation", about, {"href": text})
        if text == "*":
            found.note(f"{about}: data: URLs are no navigation here")
        _warn_plain(text, about, found)
    else:
        _access(element, text, found, legacy=legacy)


def _warn_plain(text: str, about: str, found: Imported) -> None:
    if text.lower().startswith("http:"):
        found.note(f"{about}: plain http also needs an [[access]] with allow-insecure-http = true")


def _access(element: _Element, text: str, found: Imported, *, legacy: bool) -> None:
    about, given = element.about, element.given
    wide = _flag(element, "subdomains", found) is True
    if "launch-external" in given:
        found.add("allow-intent", about, {"href": _widened(text) if wide else text})
        if given["launch-external"].lower() not in {"yes", "true"}:
            found.note(f"{about}: launch-external counts whatever its value is, as in Cordova")
        return
    values: dict[str, str | bool] = {"origin": text}
    if wide and text != "*":
        values["subdomains"] = True
    version = given.get("minimum-tls-version")
    if version is not None:
        if version in _TLS:
            values["minimum-tls"] = _TLS[version]
        else:
            found.note(f"{about}: minimum-tls-version: no such version, left at the default")
    secrecy = _flag(element, "requires-forward-secrecy", found)
    if secrecy is not None:
        values["forward-secrecy"] = secrecy
    if text.lower().startswith("http:"):
        values["allow-insecure-http"] = True
    if not found.add("access", about, values):
        return
    if values.get("allow-insecure-http"):
        found.note(f"{about}: allow-insecure-http = true, for it names plain http")
    elif not text.lower().startswith("https:"):
        found.note(f"{about}: opens plain http only with allow-insecure-http = true")
    if legacy:
        found.add("allow-navigation", about, {"href": _widened(text) if wide else text})


def _flag(element: _Element, name: str, found: Imported) -> bool | None:
    text = element.given.get(name)
    if text is None:
        return None
    if text.strip().lower() not in {"true", "false"}:
        found.note(
            f"{element.about}: {name}: found {shown(text)}, expected true or false: left out"
        )
        return None
    return text.strip().lower() == "true"


def _widened(text: str) -> str:
    """The pattern with its host's subdomains."""
    before, slashes, rest = text.rpartition("://")
    return text if rest.startswith("*") else f"{before}{slashes}*.{rest}"
