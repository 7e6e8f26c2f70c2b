"""Pages of 100 KB with absolute links, edited on their way, beside nginx with ``sub_filter``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from bench import common, corpus, figures, http, nginx
from bench.common import BenchError, Options, Served, Workplace
from bench.figures import Rate
from gateway.origins import Codec, Origin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.corpus import Corpus

AS_DOCUMENT = {
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "iframe",
    "Sec-Fetch-Site": "same-origin",
}
AS_SCRIPT = {
    "Accept": "*/*",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Site": "same-origin",
}
_NAME, _LINKED = "page.html", "linked.html"
_GZIP = {"Accept-Encoding": "gzip"}
_COOKIES = 20
_NGINX = "nginx, sub_filter"


def with_session(work: Workplace, files: Mapping[str, bytes | int]) -> tuple[Served, Served, str]:
    """An origin with some files, a gateway before it, and the cookies of a session."""
    cookies = [f"name{at}=value-of-some-length-{at}; Path=/" for at in range(_COOKIES)]
    origin = nginx.static_origin(work, files, cookies)
    gateway = common.gateway(work, {common.ORIGIN_HOST: origin.port})
    return origin, gateway, http.session_cookie(work, gateway)


def collapsed_origins(page: bytes, port: int) -> dict[str, str]:
    """What each origin that a page links to becomes."""
    codec = Codec(common.DOMAIN, port)
    out = {}
    for text in corpus.origins(page):
        scheme, _, host = text.partition("://")
        origin = Origin(scheme, host, 443 if scheme == "https" else 80)
        out[text] = codec.collapse_origin(origin)
    return out


@attrs.frozen
class Case:
    """One way of asking for one page, and what it must become."""

    served: Served
    fields: dict[str, str]
    name: str
    page: bytes
    became: tuple[str, ...]
    base: str


def _check(work: Workplace, case: Case) -> int:
    """One request that must be right, before many are counted; its length."""
    served = case.served
    extra = {name.replace("-", "_"): value for name, value in case.fields.items()}
    status, _, body = common.request(work, served, f"/{case.name}", **extra)
    if status != 200:
        raise BenchError(f"{served.host} answered {status}")
    if "Accept-Encoding" in case.fields:
        return len(body)
    if not case.became and body != case.page:
        raise BenchError(f"{served.host} changed what script asked for")
    missing = [one for one in case.became if f'"{one}'.encode("ascii") not in body]
    if missing:
        raise BenchError(f"{served.host} left {missing[0]} out of {len(case.became)}")
    return len(body)


def _cases(work: Workplace, page: bytes, linked: bytes) -> dict[str, Case]:
    origin, gateway, cookie = with_session(work, {_NAME: page, _LINKED: linked})
    became = collapsed_origins(linked, gateway.port)
    beside = nginx.proxy(work, origin, nginx.replacing(became))
    session = {"Cookie": cookie}
    out = {}
    for name, text, coding in (
        (_NAME, page, {}),
        (_NAME, page, _GZIP),
        (_LINKED, linked, {}),
        (_LINKED, linked, _GZIP),
    ):
        what = ", ".join(
            ["as it is" if text is page else "links made absolute", *(["gzip"] if coding else [])]
        )
        wanted = tuple(became[one] for one in corpus.origins(text))
        base = f"{_NGINX}: {what}"
        out[base] = Case(beside, AS_DOCUMENT | coding, name, text, wanted, base)
        fields = AS_DOCUMENT | session | coding
        out[f"gateway: {what}"] = Case(gateway, fields, name, text, wanted, base)
    first = next(iter(out))
    out["gateway: not edited"] = Case(gateway, AS_SCRIPT | session, _NAME, page, (), first)
    return out


def run(options: Options, corpora: Sequence[Corpus]) -> None:
    """Measure and print."""
    common.tool("wrk")
    page = corpus.linked_page(corpora)
    linked = corpus.absolute(page)
    rates: dict[str, list[Rate]] = {}
    faults: set[str] = set()
    with Workplace() as work:
        cases = _cases(work, page, linked)
        lengths = {}
        for name, case in cases.items():
            lengths[name] = _check(work, case)
            http.wrk(case.served, f"/{case.name}", case.fields, 1)
        for _ in range(options.count(3, 1)):
            for name, case in cases.items():
                seconds = options.seconds(3, 1)
                rate, fault = http.wrk(case.served, f"/{case.name}", case.fields, seconds)
                rates.setdefault(name, []).append(rate)
                faults |= {f"{name}: {fault}"} if fault else set()
    chosen = {name: figures.middle(rates[name]) for name in cases}
    rows = []
    for name, rate in chosen.items():
        base = chosen[cases[name].base]
        rows.append(
            [
                name,
                f"{lengths[name]:,}",
                figures.number(rate.per_second),
                figures.number(rate.per_cpu_second),
                figures.number(rate.micros / 1000),
                figures.times(rate.per_cpu_second / base.per_cpu_second),
                f"{rate.busy:.2f}",
            ]
        )
    counts = f"{corpus.links(page)} absolute links ({corpus.links(linked)} when made absolute)"
    title = f"rewrite: a page of {len(page):,} octets with {counts}, over TLS"
    header = ["page", "octets", "pages/s", "pages/CPU-s", "CPU ms/page", "x nginx", "cores used"]
    figures.table(title, header, rows)
    figures.warn_if_idle(chosen)
    for fault in sorted(faults):
        print(f"wrk: {fault}")
