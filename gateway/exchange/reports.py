"""The report collector: how pages are made to report here, and what becomes of a report.

A browser reports to ``/.gateway/report`` on the page's own host.  What the site's policies
asked for goes on to the site's endpoints with its own names, as a request of that page
without a session, where the policy opens them.  What only the gateway's own layers stopped
is counted and shown to the operator, and no site hears of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from gateway import events, wire
from gateway.exchange import steps
from gateway.exchange.messages import (
    Answer,
    Connect,
    Ending,
    NeedBody,
    NeedOrigin,
    Note,
    Refuse,
    ask,
)
from gateway.exchange.needs import Forward, MayReport, Reported
from gateway.origins import Origin, parse
from gateway.policy.content import policies_for
from gateway.policy.engine import Ask, Question
from gateway.rewrite import headers
from gateway.rewrite.media import media_type
from gateway.rewrite.parameters import parameter
from gateway.rewrite.reporting import Reporting
from gateway.rewrite.reports import (
    TYPES,
    Names,
    Report,
    foreign_host,
    labels_in,
    read_reports,
    seen,
    written,
)
from gateway.session.endpoints import Endpoints, Layer, open_endpoints, seal_endpoints

if TYPE_CHECKING:
    from gateway.exchange.messages import Context, RequestHead
    from gateway.exchange.steps import Addressed, Step

_BODY_LIMIT = "report-body-bytes"
_RETRY_SECONDS = b"60"
_PASSED = frozenset(
    (
        b"content-type", b"user-agent", b"accept", b"accept-language", b"origin", b"referer",
        b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest", b"sec-gpc", b"dnt",
    )
)  # fmt: skip
"""What of the browser's fields a site's endpoint gets; nothing of a session or a login."""


def reporting(layer: Layer, addressed: Addressed, context: Context) -> Reporting:
    """How the policies of a layer on a page are told of by the browser."""
    origin, keys, codec = addressed.origin, context.keys, context.codec

    def address(urls: tuple[str, ...]) -> str:
        text = seal_endpoints(keys, origin, Endpoints(layer, urls))
        return codec.collapse_url(f"{origin}{wire.REPORT_PATH}?{wire.REPORT_PARAMETER}={text}")

    return Reporting(
        origin, addressed.url, address, context.originals, always=layer is Layer.OPERATOR
    )


def operator_policies(addressed: Addressed, context: Context) -> tuple[tuple[str, bool], ...]:
    """The operator's policies for a page or worker, each with whether it only reports."""
    return policies_for(addressed.origin, context.settings.content)


def collect(head: RequestHead, context: Context) -> Step[Ending]:
    """``/.gateway/report``: a body of reports about pages of this host."""
    if head.method != b"POST":
        title = "This is not how this page is asked for"
        return Refuse(405, events.ORIGIN_DENIED, title, fields=((b"Allow", b"POST"),))
    kind = headers.get(head.fields, b"content-type")
    if media_type(kind) not in TYPES:
        # Nor could a page elsewhere send these without asking first.
        return Answer(415, ())
    if not (yield from ask(MayReport(), bool)):
        return Answer(429, ((b"Retry-After", _RETRY_SECONDS),))
    origin = (yield from steps.address(head, context)).origin
    endpoints = _endpoints(head, origin, context)
    if endpoints is None:
        title = "Nothing here asked for this report"
        return Refuse(403, events.REPORT_FORGED, title)
    body = yield from ask(NeedBody(_BODY_LIMIT), bytes)
    found = read_reports(kind, body, context.settings.reports_per_body)
    for label in labels_in(found, context.codec):
        known = yield NeedOrigin(label)
        if isinstance(known, Origin):
            context.codec.learn(known)
    names = Names(origin, context.codec, context.originals, _ours(origin, context))
    told = []
    for report in found:
        expanded = names.expanded(report)
        forwards = _is_told(report, endpoints, names, context)
        if forwards:
            told.append(expanded)
        shown = seen(expanded, samples=context.settings.report_samples)
        foreign = foreign_host(report, context.codec)
        yield Reported(endpoints.layer, shown, forwards, str(origin), foreign)
    for url in endpoints.urls:
        yield from _forward(url, told, head, origin, context)
    return Answer(204, ())


def _endpoints(head: RequestHead, origin: Origin, context: Context) -> Endpoints | None:
    text = parameter(head.target.decode("latin-1"), wire.REPORT_PARAMETER)
    if text is None:
        return Endpoints(Layer.CONTAINMENT)
    return open_endpoints(context.keys, origin, unquote(text))


def _is_told(report: Report, endpoints: Endpoints, names: Names, context: Context) -> bool:
    if not endpoints.urls or not report.content or not context.settings.forward_reports:
        return False
    return endpoints.layer is Layer.OPERATOR or not names.is_own_doing(report)


def _ours(origin: Origin, context: Context) -> frozenset[str]:
    runtime = context.runtime(origin)
    return frozenset(
        (runtime.url, runtime.rare_url, runtime.own, *(f"'{one}'" for one in runtime.digests))
    )


def _forward(
    url: str, told: list[Report], head: RequestHead, page: Origin, context: Context
) -> Step[None]:
    """To one endpoint, if the policy opens it to that page's requests."""
    found = parse(url)
    if found is None or not told:
        return
    target = f"{found[1].pathname}{found[1].search}".encode("latin-1", "replace")
    addressed = steps.Addressed(found[0], target)
    question = Question(addressed.origin, ask=Ask.ACCESS, page=page)
    decision = steps.policy_at(question, addressed, context)
    if not decision.allowed:
        detail = f"a report's endpoint: {decision.reason}"
        yield Note(decision.event, detail, decision.step, decision.rule)
        return
    fields = headers.request_fields(
        tuple((name, value) for name, value in head.fields if name.lower() in _PASSED),
        addressed.origin,
        context.codec,
        context.suffixes,
        cookie=b"",
        edits_body=False,
        accept_encoding=b"",
    )
    request = Connect(
        addressed.origin,
        decision.transport,
        b"POST",
        addressed.target,
        tuple(_referred(fields, page, addressed.origin)),
    )
    for body in written(headers.get(head.fields, b"content-type"), told):
        yield Forward(request, body)


def _referred(
    fields: list[tuple[bytes, bytes]], page: Origin, endpoint: Origin
) -> list[tuple[bytes, bytes]]:
    """``Referer`` as the browser's default would cut it on the way to another origin."""
    if page == endpoint:
        return fields
    own = f"{page}/".encode("ascii")
    return [(name, own if name.lower() == b"referer" else value) for name, value in fields]
