"""The pattern language of allow-lists: scheme, host, port and path with wildcards.

The semantics are those of cordova-plugin-whitelist (seed 001, the whitelist
worksheet): ``*`` alone opens every web URL; a pattern without a scheme means both
``http`` and ``https``; ``*.example.com`` includes ``example.com`` itself; in a path
``*`` stands for any characters; a pattern without a path opens all paths.

Two readings differ from the plugin on purpose, towards what a rule's author means:
``:443`` matches an ``https`` URL that leaves its port out, and ``ws``/``wss`` URLs are
asked by the name of their twins (one origin, one rule), while a pattern that names
``ws`` or ``wss`` opens WebSockets alone.  Text that the plugin takes for a scheme that
nobody has, as in ``localhost:81``, is a host and its port; what it drops in silence is an
error here.  Names and paths are compared as URLs spell them: ``bücher.example`` is its
A-label, ``/a b`` is ``/a%20b``; a query or fragment has no place.  tests/vectors/cordova-patterns.json has its published cases.
"""

from __future__ import annotations

import re
from urllib.parse import quote

import attrs

from gateway.origins import parse

_SHAPE = re.compile(
    # Without slashes only where the rest cannot be a port: "localhost:81" is a host.
    r"(?:(?P<scheme>\*|[A-Za-z][A-Za-z0-9+.-]*):(?://|(?![0-9*]|//)))?"
    r"(?P<host>\*|(?:\*\.)?(?:\[[0-9A-Fa-f:.]+\]|[^*/:\[\]?#@\s]+))?"
    r"(?::(?P<port>\*|[0-9]{1,5}))?"
    r"(?P<path>/.*)?\Z"
)
_TWINS = {"ws": "http", "wss": "https"}
_WEB = frozenset({"http", "https"})
_USUAL = frozenset({None, 80, 443})
_SPELT = "!$%&'()*+,/:;=@[]|"
"""What stands in a path as it is, besides what ``quote`` keeps (URL standard, path percent-encode set)."""


@attrs.frozen
class Target:
    """What a pattern is asked about: the parts of a URL, host in lower-case ASCII."""

    scheme: str
    host: str
    port: int
    path: str = "/"


@attrs.frozen
class Pattern:
    """One parsed pattern; ``text`` is what the configuration says.

    ``schemes`` None: any web scheme.  ``host`` None: any.  ``port`` None: any.
    ``path`` None: any.
    """

    text: str
    schemes: frozenset[str] | None
    host: str | None
    with_subdomains: bool
    port: int | None
    path: re.Pattern[str] | None
    segment: str | None = None
    """The first segment of every path that it opens, where the pattern fixes it whole."""

    @property
    def opens_everything(self) -> bool:
        """Whether the pattern is as dangerous as ``*``: every site at the ports that sites have."""
        return self.host is None and self.port in _USUAL and self.path is None

    def matches(self, target: Target) -> bool:
        """Whether the pattern opens ``target``."""
        return self.matches_origin(target) and (
            self.path is None or self.path.match(target.path) is not None
        )

    def matches_origin(self, target: Target) -> bool:
        """``matches`` but for the path: what is said of connections, not of resources."""
        twin = _TWINS.get(target.scheme, target.scheme)
        if self.schemes is None:
            if twin not in _WEB:
                return False
        elif target.scheme not in self.schemes and twin not in self.schemes:
            return False
        return self._authority_matches(target)

    def matches_place(self, target: Target) -> bool:
        """``matches`` but for the scheme, which intents ask in their own way."""
        return self._authority_matches(target) and (
            self.path is None or self.path.match(target.path) is not None
        )

    def _authority_matches(self, target: Target) -> bool:
        if self.host is not None and not self._host_matches(target.host):
            return False
        return self.port is None or self.port == target.port

    def _host_matches(self, host: str) -> bool:
        return host == self.host or (self.with_subdomains and host.endswith(f".{self.host}"))


def parse_pattern(text: str, *, subdomains: bool = False) -> Pattern:
    """Parse one pattern; ``subdomains`` widens its host as Cordova's attribute does.

    Raises ``ValueError`` with the reason for anything that the language lacks.
    """
    if text == "*":
        return Pattern(text, None, None, with_subdomains=False, port=None, path=None)
    matched = _SHAPE.match(text)
    if matched is None or not text:
        raise ValueError(f'{text!r} is not of the form "scheme://host:port/path" with wildcards')
    scheme, host, port, path = matched.group("scheme", "host", "port", "path")
    if host is None:
        raise ValueError(f"{text!r} names no host (write * for any)")
    if port not in {None, "*"} and int(port) > 65535:
        raise ValueError(f"{text!r}: {port} is not a port")
    if path is not None and (wrong := re.search(r"[?#\\]", path)):
        raise ValueError(f"{text!r}: a path has no {wrong[0]!r} (nor has a pattern a query)")
    path = path and quote(path, _SPELT)
    wide = host.startswith("*.")
    name = _ascii(text, host[2:] if wide else host)
    return Pattern(
        text,
        schemes=_WEB if scheme is None else None if scheme == "*" else frozenset({scheme.lower()}),
        host=None if host == "*" else name,
        with_subdomains=wide or subdomains,
        port=None if port in {None, "*"} else int(port),
        path=None if path in {None, "/*"} else path_pattern(path),
        segment=_segment(path or "/*"),
    )


def _ascii(text: str, name: str) -> str:
    if name.isascii():
        return name.lower()
    found = parse(f"https://{name}/")
    if found is None:
        raise ValueError(f"{text!r}: {name} is no host")
    return found[0].host


def _segment(path: str) -> str | None:
    fixed, star, _ = path.partition("*")
    segment, slash, _ = fixed[1:].partition("/")
    return segment if slash or not star else None


def path_pattern(path: str) -> re.Pattern[str]:
    """The expression for a path with ``*``."""
    # Each part is taken at its first occurrence and not given back: what the last part does
    # not find then, no other choice would let it find.  So a pattern cannot backtrack.
    first, *rest = [re.escape(part) for part in re.split(r"\*+", path)]
    if not rest:
        return re.compile(first + r"\Z", re.DOTALL)
    middle = "".join(f"(?>.*?{part})" for part in rest[:-1])
    return re.compile(f"{first}{middle}.*{rest[-1]}\\Z", re.DOTALL)
