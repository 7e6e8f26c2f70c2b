"""What a site asks to be told by browsers, asked by way of the gateway.

``Reporting-Endpoints`` and ``Report-To`` (Reporting API) keep the site's names; the
addresses in them become the gateway's own endpoint on the page's host, which knows the
site's (``exchange.reports``).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import attrs

from gateway.origins import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.origins import Origin

MAX_HEADER = 16 * 1024
MAX_NAMES = 32
_MAX_AGE = 400 * 86400
# RFC 9651: a dictionary's members, whose values and parameters may be of every kind.
_STRING = r'"(?>[^"\\\x00-\x1f\x7f-\xff]|\\["\\])*"'
_ITEM = (
    rf"(?>{_STRING}|-?[0-9]{{1,15}}(?:\.[0-9]{{1,3}})?|@-?[0-9]{{1,15}}"
    r"|[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*|:[A-Za-z0-9+/=]*:|\?[01]"
    r'|%"(?>[\x20!#$&-~]|%[0-9a-f]{2})*")'
)
_KEY = r"[a-z*][a-z0-9_.*-]*"
_PARAMETERS = rf"(?>;[ ]*{_KEY}(?:={_ITEM})?)*"
_INNER = rf"\((?>[ ]*{_ITEM}{_PARAMETERS}(?=[ )]))*[ ]*\)"
_MEMBER = re.compile(
    rf"({_KEY})(?>=(?>({_STRING})|{_ITEM}|{_INNER}))?{_PARAMETERS}[ \t]*(,[ \t]*(?=[^ \t])|\Z)"
)
_ESCAPED = re.compile(r"\\(.)")


@attrs.define
class Originals:
    """Policies as sites wrote them, by what browsers got and quote in reports; bounded."""

    most: int = 256
    longest: int = 8192
    _known: dict[str, str] = attrs.field(factory=dict, init=False, repr=False)

    def learn(self, mapped: str, original: str) -> None:
        """Remember one; the one that was learned first goes when there are too many."""
        if mapped in self._known or len(mapped) > self.longest or len(original) > self.longest:
            return
        while len(self._known) >= self.most:
            self._known.pop(next(iter(self._known)))
        self._known[mapped] = original

    def find(self, mapped: str) -> str | None:
        """What the site wrote; None if that is not known here."""
        return self._known.get(mapped)


@attrs.frozen
class Reporting:
    """How what a policy or header asks for is asked of the browser.

    ``base`` is the response's URL; ``address`` makes of the site's endpoints the one that
    the browser is told.  ``always``: a policy that names no endpoint is told of, too.
    """

    origin: Origin
    base: str = attrs.field(repr=False)
    address: Callable[[tuple[str, ...]], str] = attrs.field(repr=False)
    originals: Originals = attrs.field(factory=Originals, repr=False)
    always: bool = False

    def endpoint(self, text: str) -> str | None:
        """One endpoint as a serialised URL; None where a browser would not report to it."""
        found = parse(text, self.base)
        if found is None or found[1].protocol not in {"http:", "https:"}:
            return None
        origin, url = found
        if (self.origin.secure and not origin.secure) or url.username or url.password:
            return None
        return url.href.partition("#")[0]

    def addresses(self, texts: list[str]) -> list[str]:
        """What becomes of the endpoints of a ``report-uri``: one address for all, or none."""
        urls = tuple(dict.fromkeys(one for one in map(self.endpoint, texts) if one is not None))
        return [self.address(urls)] if urls or self.always else []


def map_reporting_endpoints(value: str, reporting: Reporting) -> str:
    """``Reporting-Endpoints``: empty where a browser would read nothing in it."""
    found: dict[str, str | None] = {}
    value, end = value.strip(" "), 0
    if len(value) > MAX_HEADER or not reporting.origin.secure:
        return ""
    while end < len(value):
        member = _MEMBER.match(value, end)
        if member is None:
            return ""  # a dictionary with a fault is none (RFC 9651, section 4.2)
        end = member.end()
        # What is no string names no endpoint, nor does what it was named before.
        found[member[1]] = member[2]
    names: list[str] = []
    for name, text in found.items():
        endpoint = reporting.endpoint(_ESCAPED.sub(r"\1", text[1:-1])) if text else None
        if endpoint is not None and endpoint.startswith("https:") and len(names) < MAX_NAMES:
            names.append(f'{name}="{reporting.address((endpoint,))}"')
    return ", ".join(names)


def map_report_to(value: str, reporting: Reporting) -> str:
    """``Report-To``, the older form: JSON objects with commas between them."""
    if len(value) > MAX_HEADER or not reporting.origin.secure:
        return ""
    try:
        groups = json.loads(f"[{value}]")
    except (ValueError, RecursionError):
        return ""
    mapped = [_map_group(group, reporting) for group in groups[:MAX_NAMES]]
    return ", ".join(json.dumps(group) for group in mapped if group is not None)


def _map_group(group: Any, reporting: Reporting) -> dict[str, Any] | None:
    if not isinstance(group, dict) or not isinstance(group.get("endpoints"), list):
        return None
    age, name = group.get("max_age"), group.get("group", "default")
    if isinstance(age, bool) or not isinstance(age, int) or age < 0 or not isinstance(name, str):
        return None
    endpoints = []
    for given in group["endpoints"][:MAX_NAMES]:
        text = given.get("url") if isinstance(given, dict) else None
        url = reporting.endpoint(text) if isinstance(text, str) else None
        if url is None or not url.startswith("https:"):
            continue
        endpoint: dict[str, Any] = {"url": reporting.address((url,))}
        for key in ("priority", "weight"):
            number = given.get(key)
            if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**31:
                endpoint[key] = number
        endpoints.append(endpoint)
    # Other hosts of the site are no subdomains here.
    return {"group": name, "max_age": min(age, _MAX_AGE), "endpoints": endpoints}
