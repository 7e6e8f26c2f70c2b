"""The admin listener: health, readiness, metrics, and the operator's page.

On loopback by default; it has no authentication of its own yet, and says so when it is
opened wider.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable
from importlib import resources
from ipaddress import ip_address
from string import Template
from typing import TYPE_CHECKING, Any, TypeVar

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred
from twisted.web.pages import notFound
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from gateway import __version__
from gateway.net.drive import watch
from gateway.net.ledger import Ledger
from gateway.ops.admin_websockets import Closing, SocketsView
from gateway.ops.explaining import KINDS
from gateway.ops.moments import moment

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from gateway.ops.metrics import Telemetry

_T = TypeVar("_T")
_POLICY = (
    b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; "
    b"frame-ancestors 'none'"
)


class _Plain(Resource):
    isLeaf = True

    def __init__(self, render: Callable[[Request], bytes | int]) -> None:
        super().__init__()
        self._render = render

    def render_GET(self, request: Request) -> bytes | int:
        return _checked(self._render)(request)


def _checked(render: Callable[[Request], _T]) -> Callable[[Request], _T | bytes]:
    """Answer nobody who asks for another machine; nothing of an answer is kept."""

    def answer(request: Request) -> _T | bytes:
        if not _names_this_machine(request):
            request.setResponseCode(421)
            return b"this listener is asked by address\n"
        request.setHeader(b"Cache-Control", b"no-store")
        request.setHeader(b"X-Content-Type-Options", b"nosniff")
        return render(request)

    return answer


def _names_this_machine(request: Request) -> bool:
    """Whether a loopback listener is asked as what it is: a name may have been rebound."""
    here: Any = request.getHost()
    if not _is_loopback(getattr(here, "host", "")):
        return True
    name = request.getRequestHostname().decode("latin-1").strip("[]")
    return name == "localhost" or isIPAddress(name) or isIPv6Address(name)


def exposed(descriptions: Iterable[str], ports: Iterable[Any]) -> list[str]:
    """What there is to say of admin listeners that other machines can reach.

    By where each listens: what a description says of that can be read in many ways.
    """
    hosts = [getattr(port.getHost(), "host", None) for port in ports]  # a Unix socket has none
    return [
        f"admin.listen: {description!r} has no authentication"
        for description, host in zip(descriptions, hosts, strict=True)
        if host is not None and not _is_loopback(host)
    ]


def _is_loopback(host: str) -> bool:
    """Whether an address is, IPv4's as a listener of both families has it included."""
    try:
        found = ip_address(host)
    except ValueError:
        return False  # a Unix socket has none
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_loopback)


class Admin:
    """What the admin listener shows; ``why_not_ready`` answers None when all is well."""

    def __init__(
        self,
        telemetry: Telemetry,
        why_not_ready: Callable[[], Deferred[str | None]],
        facts: Callable[[], dict[str, str]],
        reports: Callable[[], list[dict[str, Any]]] = list,
        explain: Callable[[dict[str, str]], list[str]] | None = None,
        leaks: Callable[[], list[dict[str, Any]]] = list,
        services: Callable[[], list[dict[str, Any]]] = list,
        sockets: Ledger | None = None,
    ) -> None:
        """``facts`` are the first lines of the operator's page; ``reports`` of browsers.

        ``leaks`` are those of the reports that the containment made, by site.  ``services``: all of them, with what is known of each.  ``explain`` answers a filled-in question (url, as, from, client, address) in lines.
        """
        self._telemetry = telemetry
        self._why_not_ready = why_not_ready
        self._facts = facts
        self._reports = reports
        self._explain = explain
        self._leaks = leaks
        self._services = services
        self._sockets = SocketsView(sockets or Ledger(lambda: 0))
        self._template = Template(
            (resources.files("gateway.ops") / "admin.html").read_text("utf-8")
        )

    def site(self, reactor: Any) -> Site:
        """The site that the admin listener serves."""
        root = Resource()
        root.putChild(b"", _Plain(self._page))
        root.putChild(b"healthz", _Plain(lambda _: b"ok\n"))
        root.putChild(b"readyz", _Plain(self._ready))
        root.putChild(b"metrics", _Plain(self._metrics))
        root.putChild(b"reports", _Plain(self._reports_json))
        root.putChild(b"leaks", _Plain(self._leaks_json))
        root.putChild(b"services", _Plain(self._services_json))
        root.putChild(b"status", _Plain(self._status))
        listed = Resource()
        listed.putChild(b"", _Plain(self._sockets.json))
        listed.putChild(b"close", Closing(_checked(self._sockets.close)))
        listed.render_GET = _Plain(self._sockets.json).render_GET  # type: ignore[attr-defined]
        root.putChild(b"websockets", listed)
        root.getChild = lambda *_: notFound()  # type: ignore[method-assign]
        site = Site(root, reactor=reactor)
        site.noisy = False
        site.displayTracebacks = False
        site.log = lambda request: None  # type: ignore[method-assign] # noqa: ARG005
        site.acceptableProtocols = lambda: [b"http/1.1"]  # type: ignore[method-assign]
        return site

    def _ready(self, request: Request) -> int:
        gone = []
        watch(request.notifyFinish().addErrback(lambda _: gone.append(True)))

        def answer(why: str | None) -> None:
            if gone:
                return
            request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
            if why is not None:
                request.setResponseCode(503)
            request.write(f"{why or 'ready'}\n".encode())
            request.finish()

        def failed(failure: Failure) -> None:
            answer(type(failure.value).__name__)

        watch(self._why_not_ready().addCallbacks(answer, failed))
        return NOT_DONE_YET

    def _metrics(self, request: Request) -> bytes:
        request.setHeader(b"Content-Type", CONTENT_TYPE_LATEST.encode("ascii"))
        return generate_latest(self._telemetry.registry)

    def _status(self, request: Request) -> bytes:
        request.setHeader(b"Content-Type", b"application/json")
        return json.dumps({"version": __version__, **self._facts()}).encode("ascii")

    def _reports_json(self, request: Request) -> bytes:
        request.setHeader(b"Content-Type", b"application/json")
        return json.dumps({"reports": self._reports()}).encode("ascii")

    def _services_json(self, request: Request) -> bytes:
        request.setHeader(b"Content-Type", b"application/json")
        return json.dumps({"services": self._services()}).encode("ascii")

    def _leaks_json(self, request: Request) -> bytes:
        request.setHeader(b"Content-Type", b"application/json")
        return json.dumps({"leaks": self._leaks()}).encode("ascii")

    def _leaks_table(self) -> str:
        rows = []
        for one in self._leaks():
            cells = (
                one["site"],
                one["count"],
                moment(one["last"]),
                *(
                    ", ".join(f"{name} ({count})" for name, count in one[what].items())
                    for what in ("directives", "hosts")
                ),
            )
            rows.append("".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells))
        empty = "<td colspan=5>No page tried to get past the gateway since the start.</td>"
        return "".join(f"<tr>{row}</tr>" for row in rows or [empty])

    def _services_table(self) -> str:
        rows = []
        for one in self._services():
            state = "up"
            if not one["up"]:
                state = f"down, asked again in {one['retry_seconds']} s: {one['last_fault']}"
            numbers = (one["open"], one["total"], one["failures"], one["prepared"])
            cells = (one["name"], one["accept"], one["connect"], state, *numbers)
            rows.append("".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells))
        empty = "<td colspan=8>There are none.</td>"
        return "".join(f"<tr>{row}</tr>" for row in rows or [empty])

    def _reports_table(self) -> str:
        rows = []
        for report in self._reports():
            where = f"{report['source']}:{report['line']}" if report["source"] else ""
            cells = (
                moment(report["last"]),
                report["count"],
                report["layer"],
                report["directive"] or report["kind"],
                report["page"],
                report["blocked"],
                f"{where} {report['sample']}".strip(),
                "yes" if report["told"] else "no",
            )
            rows.append("".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells))
        empty = "<td colspan=8>No browser reported anything since the start.</td>"
        return "".join(f"<tr>{row}</tr>" for row in rows or [empty])

    def _page(self, request: Request) -> bytes:
        request.setHeader(b"Content-Type", b"text/html; charset=utf-8")
        request.setHeader(b"Content-Security-Policy", _POLICY)
        facts = "".join(
            f"<tr><th scope=row>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
            for name, value in self._facts().items()
        )
        recent = "".join(
            "<tr>"
            + "".join(
                f"<td>{html.escape(str(event.get(key, '')))}</td>"
                for key in ("code", "host", "client", "step", "rule", "detail", "request")
            )
            + "</tr>"
            for event in self._telemetry.recent
        )
        empty = "<tr><td colspan=7>Nothing was refused since the start.</td></tr>"
        return self._template.substitute(
            version=html.escape(__version__),
            facts=facts,
            recent=recent or empty,
            reports=self._reports_table(),
            leaks=self._leaks_table(),
            services=self._services_table(),
            places=self._sockets.places(),
            sockets=self._sockets.connections(),
            **self._explained(request),
        ).encode("utf-8", "replace")

    def _explained(self, request: Request) -> dict[str, str]:
        """The question as it was filled in, and its answer."""
        given = {
            name: request.args.get(name.encode("ascii"), [b""])[0]
            .decode("utf-8", "replace")
            .strip()
            for name in ("url", "as", "from", "client", "address")
        }
        answer = self._explain(given) if given["url"] and self._explain is not None else []
        options = "".join(
            f"<option{' selected' if kind == given['as'] else ''}>{kind}</option>" for kind in KINDS
        )
        filled = {f"asked_{name}": html.escape(text) for name, text in given.items()}
        shown = f"<pre>{html.escape(chr(10).join(answer))}</pre>" if answer else ""
        return {**filled, "kinds": options, "answer": shown}
