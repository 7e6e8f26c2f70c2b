"""Browsers' reports read, and the site's own names put back into them.

Both forms: ``application/csp-report`` (CSP 2) and ``application/reports+json`` (Reporting
API), of whatever type.  What a page's browser sends may be anything; nothing here raises.
"""

from __future__ import annotations

import functools
import json
import math
import re
from typing import TYPE_CHECKING, Any

import attrs

from gateway import wire
from gateway.origins import HostKind, Origin, is_long, parse
from gateway.rewrite.csp_grammar import DIRECTIVES
from gateway.rewrite.media import media_type
from gateway.rewrite.parameters import strip_own_parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.origins import Codec
    from gateway.rewrite.reporting import Originals

CSP_REPORT = "application/csp-report"
REPORTS_JSON = "application/reports+json"
TYPES = frozenset({CSP_REPORT, REPORTS_JSON, "application/json"})
VIOLATION = "csp-violation"
KINDS = frozenset(
    (
        VIOLATION, "csp-hash", "deprecation", "intervention", "crash", "coop", "coep",
        "network-error", "permissions-policy-violation", "document-policy-violation",
        "integrity-violation",
    )
)  # fmt: skip
OTHER = "other"
_DEPTH = 12
_LONGEST = 300
_URLS = re.compile(r"(?:https?|wss?)://[^\s\"'<>()\[\]{}\\;,|^`]+", re.IGNORECASE)
_PARAMETERS = (
    wire.TOKEN_PARAMETER, wire.ORIGIN_PARAMETER, wire.INTEGRITY_PARAMETER, wire.PROOF_PARAMETER,
    wire.LED_PARAMETER,
)  # fmt: skip
_OWN_PARAMETER = re.compile(rf"[?&](?:{'|'.join(_PARAMETERS)})=[^&#\s\"']*")
_SOCKET = re.compile(r"\A\s*ws(?=s?:)", re.IGNORECASE)
_WORD = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")
_BLANK = re.compile(r"[\s\"'<>()\[\]{}\\;,|^`]")
# Older and newer spellings of one member.
_POLICY = ("original-policy", "originalPolicy")
_DOCUMENT = ("document-uri", "documentURL")
_BLOCKED = ("blocked-uri", "blockedURL")
_DIRECTIVE = ("effective-directive", "effectiveDirective", "violated-directive")
_SOURCE = ("source-file", "sourceFile")
_LINES = ("line-number", "column-number", "lineNumber", "columnNumber")
_SAMPLE = ("script-sample", "sample")
_ADDRESSES = ("server_ip",)
"""What a report tells of the gateway itself."""


@attrs.frozen
class Report:
    """One report; ``content`` is what a site's endpoint is sent, as the browser wrote it."""

    kind: str
    content: dict[str, Any] = attrs.field(repr=False)
    body: dict[str, Any] = attrs.field(repr=False)


def read_reports(content_type: str | None, body: bytes, most: int) -> list[Report]:
    """The reports of one body, at most ``most``; what is none counts as one without content."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if media_type(content_type) == CSP_REPORT or (
        isinstance(found, dict) and "csp-report" in found
    ):
        inner = found.get("csp-report") if isinstance(found, dict) else None
        if isinstance(inner, dict):
            return [Report(VIOLATION, {"csp-report": inner}, inner)]
        return [Report(OTHER, {}, {})]
    reports = []
    for one in (found if isinstance(found, list) else [found])[:most]:
        inner = one.get("body") if isinstance(one, dict) else None
        if isinstance(one, dict) and isinstance(inner, dict):
            kind = one.get("type")
            known = kind if isinstance(kind, str) and kind in KINDS else OTHER
            reports.append(Report(known, one, inner))
        else:
            reports.append(Report(OTHER, {}, {}))
    return reports


def written(content_type: str | None, reports: Iterable[Report]) -> list[bytes]:
    """The bodies that bring these reports to a site, of the type that they came in."""
    contents = [one.content for one in reports if one.content]
    single = media_type(content_type) == CSP_REPORT or any("csp-report" in one for one in contents)
    bodies: list[Any] = contents if single else [contents] if contents else []
    return [json.dumps(one, separators=(",", ":")).encode("ascii") for one in bodies]


def labels_in(reports: Iterable[Report], codec: Codec, most: int = 8) -> list[str]:
    """Labels that are digests and that nobody proved yet: only the store may know them."""
    found: dict[str, None] = {}
    hosts = _hosts(codec)
    for text in (text for report in reports for text in _texts(report.content, 0)):
        for matched in hosts.finditer(text):
            label = matched["label"].lower()
            if is_long(label) and not codec.knows(label):
                found[label] = None
    return list(found)[:most]


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth < _DEPTH:
        if isinstance(value, dict):
            value = value.values()
        if not isinstance(value, str | int | float | bool | None):
            for one in value:
                yield from _texts(one, depth + 1)


@attrs.frozen
class Names:
    """Puts original names into reports about pages of ``origin``.

    ``ours``: sources that the gateway adds to a site's policies, as they stand there.
    """

    origin: Origin
    codec: Codec
    originals: Originals
    ours: frozenset[str] = frozenset()

    def expanded(self, report: Report) -> Report:
        """A report as the site's own address would have brought it about."""
        if not report.content:
            return report
        if report.body is report.content.get("csp-report"):
            body = self._body(report.body)
            return Report(report.kind, {"csp-report": body}, body)
        content = {key: self._value(key, value, 1) for key, value in report.content.items()}
        content["body"] = body = self._body(report.body)
        return Report(report.kind, content, body)

    def is_own_doing(self, report: Report) -> bool:
        """Whether what a report tells of is the gateway's own request, and no site's business.

        ``report`` as the browser sent it.
        """
        blocked = _text(report.body, _BLOCKED)
        return bool(blocked) and self._is_ours(blocked)

    def _body(self, body: dict[str, Any]) -> dict[str, Any]:
        # What the runtime called for a page has no line in the page.
        source = _text(body, _SOURCE)
        hidden: tuple[str, ...] = _ADDRESSES
        if source and self._is_ours(source):
            hidden += (*_SOURCE, *_LINES)
        return {key: self._value(key, value, 1) for key, value in body.items() if key not in hidden}

    def _value(self, key: str, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self._policy(value) if key in _POLICY else self.text(value)
        if depth >= _DEPTH:
            return None if isinstance(value, dict | list) else value
        if isinstance(value, dict):
            return {
                self.text(name): self._value(name, one, depth + 1) for name, one in value.items()
            }
        if isinstance(value, list):
            return [self._value("", one, depth + 1) for one in value]
        # JSON has no such numbers, though Python reads them.
        return None if isinstance(value, float) and not math.isfinite(value) else value

    def _is_ours(self, url: str) -> bool:
        """Whether a URL is a page, script or endpoint of the gateway itself."""
        found = parse(url)
        if found is None or not self.codec.is_own(found[0].host):
            return False
        if self.codec.classify(found[0].host)[0] is not HostKind.REWRITE:
            return True
        return found[1].pathname.startswith(wire.GATEWAY_PATH)

    def text(self, text: str) -> str:
        """A text with every name of the gateway's in it put back or taken out."""
        if self.codec.cookie_domain not in text.lower() and self.codec.domain not in text.lower():
            return _OWN_PARAMETER.sub("", text) if wire.TOKEN_PARAMETER in text else text
        if not _BLANK.search(text) and parse(text) is not None:
            return self._url(text)
        text = _URLS.sub(lambda found: self._url(found.group()), text)
        text = _OWN_PARAMETER.sub("", text)
        return _hosts(self.codec).sub(self._host, text)

    def _url(self, url: str) -> str:
        expanded = self.codec.expand_url(url)
        if expanded is not None:
            return strip_own_parameters(expanded)
        found = parse(url)
        if found is not None and self.codec.is_own(found[0].host):
            return ""
        return url

    def _host(self, found: re.Match[str]) -> str:
        expanded = self.codec.expand_url(f"https://{found.group().lower()}/")
        parsed = parse(expanded) if expanded is not None else None
        return "" if parsed is None else parsed[0].netloc

    def _policy(self, mapped: str) -> str:
        """What the site wrote; what is known no more, as near as names lead back."""
        known = self.originals.find(mapped.strip())
        if known is not None:
            return known
        directives = []
        for part in mapped.split(";"):
            name, *values = part.split() or [""]
            if not name:
                continue
            kept = [
                self._source(one) for one in values if one not in self.ours and not self._added(one)
            ]
            directives.append(
                " ".join([self.text(name), *dict.fromkeys(one for one in kept if one)])
            )
        return "; ".join(directives)

    def _added(self, source: str) -> bool:
        return source.lower().startswith("wss://*.") or self._is_ours(source)

    def _source(self, source: str) -> str:
        return "*" if source.lower() == f"https://{self.codec.wildcard}" else self.text(source)


@functools.lru_cache(maxsize=8)
def _pattern(suffix: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![a-z0-9_.-])(?P<label>[a-z0-9_*-]{{1,63}}){re.escape(suffix)}(?::[0-9]{{1,5}})?"
        r"(?![a-z0-9_-]|\.[a-z0-9])",
        re.IGNORECASE,
    )


def _hosts(codec: Codec) -> re.Pattern[str]:
    return _pattern(codec.suffix)


@attrs.frozen
class Seen:
    """What an operator is shown of a report: no query, no fragment, and no sample unasked."""

    kind: str
    directive: str = ""
    disposition: str = ""
    page: str = ""
    blocked: str = ""
    source: str = ""
    line: int = 0
    sample: str = ""


def seen(report: Report, *, samples: bool = False) -> Seen:
    """What of an expanded report is counted, and shown to the operator."""
    body = report.body
    line = next((body[key] for key in _LINES if isinstance(body.get(key), int)), 0)
    sample = _text(body, _SAMPLE) if samples else ""
    return Seen(
        report.kind,
        directive_of(report),
        "report" if _text(body, ("disposition",)) in {"report", "reporting"} else "enforce",
        _bare(_text(body, _DOCUMENT) or _text(report.content, ("url",))),
        _bare(_text(body, _BLOCKED)),
        _bare(_text(body, _SOURCE)),
        line if 0 <= line < 2**31 else 0,
        "".join(one if one.isprintable() else " " for one in sample[:_LONGEST]),
    )


def foreign_host(report: Report, codec: Codec) -> str:
    """The host past the gateway that a violation kept a page from; empty if it was none.

    ``report`` as the browser sent it: what goes through the gateway bears the gateway's names.
    """
    if report.kind not in {VIOLATION, OTHER}:
        return ""
    blocked = _text(report.body, _BLOCKED)
    # Such a policy stops those around the page, which they are of.
    if directive_of(report) == "frame-ancestors":
        return ""
    # The parser knows origins of the web; a socket's is the same host.
    found = parse(_SOCKET.sub("http", blocked, count=1))
    return found[0].host if found is not None and not codec.is_own(found[0].host) else ""


def directive_of(report: Report) -> str:
    """The directive that a violation names (CSP 3, section 5.3); empty for other types."""
    if report.kind not in {VIOLATION, OTHER}:
        return ""
    words = _text(report.body, _DIRECTIVE).split()
    return words[0].lower() if words and words[0].lower() in DIRECTIVES else OTHER


def _text(body: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = body.get(name)
        if isinstance(value, str):
            return value
    return ""


def _bare(text: str) -> str:
    """A URL without user, query and fragment; a keyword such as ``inline``; else its scheme."""
    found = parse(text)
    if found is not None:
        return f"{found[0]}{found[1].pathname}"[:_LONGEST]
    word = text.partition(":")[0].lower()
    return word if _WORD.match(word) else ""
