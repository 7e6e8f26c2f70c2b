"""Speed of the rewriters over real pages and sheets, and how soon they give something out."""

from __future__ import annotations

import itertools
import statistics
import time
import zlib
from functools import partial
from typing import TYPE_CHECKING

import attrs
import brotli

from bench import common, corpus, figures, heavy, pages, scripts
from bench.common import Options
from bench.corpus import Corpus
from gateway.origins import Codec, Origin
from gateway.rewrite import native
from gateway.rewrite.coding import ZstdEncoder, decoder_for, encoder_for
from gateway.rewrite.css import CssRewriter
from gateway.rewrite.html import HtmlRewriter
from gateway.rewrite.inject import payload_markup
from gateway.rewrite.media import Kind
from gateway.rewrite.pipeline import BodyPlan, Pipeline, Place
from gateway.rewrite.urls import UrlMap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gateway.rewrite.native import PassHtml

_CHUNK = 64 * 1024
_URL = "https://www.shop.example/a/b.html"
_ORIGIN = Origin("https", "www.shop.example", 443)
_LEAST_SECONDS = 0.1
_FIRST = 4096
_PAGE = 20_000
_RATIO = 10_000
_SAMPLE = 3_000_000
_MARKUP = payload_markup(
    {"v": 1, "origin": str(_ORIGIN), "cookie": "a=1; b=2"}, "payload", "/-/inner.js", "sha256-x"
)


def _closed(encoder: ZstdEncoder, data: bytes) -> bytes:
    return encoder.feed(data) + encoder.close()


_CODED: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": lambda data: zlib.compress(data, 6, 31),
    "br": lambda data: brotli.compress(data, quality=5),
    "zstd": lambda data: _closed(ZstdEncoder(), data),
}


def codec() -> Codec:
    """A gateway's map of URLs."""
    return Codec(common.DOMAIN, 8443)


def chunks(data: bytes) -> list[bytes]:
    """What a body comes in."""
    return [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]


@attrs.define
class Race:
    """Functions over octets, timed in turn; the best of several rounds counts, in CPU time."""

    rounds: int
    best: dict[str, float] = attrs.field(factory=dict)

    def run(self, functions: dict[str, tuple[int, Callable[[], object]]]) -> dict[str, float]:
        """MB/s of each, from the octets that one call deals with."""
        for _, function in functions.values():
            function()  # caches are warm
        for _ in range(self.rounds):
            for name, (size, function) in functions.items():
                self._once(name, size, function)
        return self.best

    def _once(self, name: str, size: int, function: Callable[[], object]) -> None:
        calls, began = 0, time.process_time()
        while (took := time.process_time() - began) < _LEAST_SECONDS:
            function()
            calls += 1
        self.best[name] = max(self.best.get(name, 0.0), size * calls / took / 1e6)


def _deflated(bodies: Iterable[Sequence[bytes]]) -> None:
    for body in bodies:
        encoder = encoder_for("gzip")
        if encoder is not None:
            for chunk in body:
                encoder.feed(chunk)
            encoder.close()


def _html(
    bodies: Iterable[Sequence[bytes]], gateway: Codec, passes: PassHtml | None = native.pass_html
) -> list[bytes]:
    out = []
    for body in bodies:
        rewriter = HtmlRewriter(UrlMap(gateway, _URL), _ORIGIN)
        rewriter._passes = passes
        out.append(b"".join([rewriter.feed(chunk) for chunk in body]) + rewriter.close())
    return out


def _css(bodies: Iterable[Sequence[bytes]], gateway: Codec) -> list[bytes]:
    out = []
    for body in bodies:
        rewriter = CssRewriter(UrlMap(gateway, _URL).url)
        out.append(b"".join([rewriter.feed(chunk) for chunk in body]) + rewriter.close())
    return out


def _all(
    name: str, corpora: Sequence[Corpus], speeds: dict[str, float], base: dict[str, float]
) -> list[str]:
    """All octets of some corpora in the sum of their times."""
    size = sum(one.size for one in corpora)
    speed, other = (
        size / sum(one.size / some[one.name] for one in corpora) for some in (speeds, base)
    )
    return [name, *_size(corpora), f"{speed:.0f}", figures.times(speed / other), ""]


def _speeds(
    corpora: Sequence[Corpus],
    rewrite: Callable[[list[list[bytes]], Codec], list[bytes]],
    options: Options,
) -> tuple[dict[str, float], dict[str, float]]:
    """MB/s of rewriting each corpus, and of compressing it with gzip as an unit to compare."""
    gateway = codec()
    bodies = {one.name: [chunks(data) for data in one.files] for one in corpora}
    runs: dict[str, tuple[int, Callable[[], object]]] = {}
    for one in corpora:
        body = bodies[one.name]
        runs[one.name] = one.size, partial(rewrite, body, gateway)
        runs[f"gzip {one.name}"] = one.size, partial(_deflated, body)
    best = Race(options.count(7, 2)).run(runs)
    return best, {one.name: best[f"gzip {one.name}"] for one in corpora}


def html_table(corpora: list[Corpus], options: Options) -> None:
    """The HTML rewriter alone."""
    some = corpora[min(1, len(corpora) - 1)]
    linked = Corpus(
        f"{some.name}, links made absolute", tuple(corpus.absolute(page) for page in some.files)
    )
    every = [*corpora, linked]
    speeds, deflate = _speeds(every, _html, options)
    pure, beside = _speeds(every, partial(_html, passes=None), options)
    rows = []
    for one in every:
        after = _html([chunks(data) for data in one.files], codec())
        counts = [corpus.tags(*pair) for pair in zip(one.files, after, strict=True)]
        total, edited = sum(count[0] for count in counts), sum(count[1] for count in counts)
        rows.append(_row(one, speeds, deflate, f"{100 * edited / total:.2f} %"))
        rows[-1].insert(4, f"{pure[one.name]:.0f}")
    rows.append(_all("all but the last", corpora, speeds, deflate))
    rows[-1].insert(4, _all("", corpora, pure, beside)[3])
    header = ["HTML", "files", "MB", "MB/CPU-s", "Python alone", "x gzip out", "tags edited"]
    figures.table(f"rewrite: HTML, in chunks of 64 KiB, loops: {native.KIND}", header, rows)


def _size(corpora: Sequence[Corpus]) -> list[str]:
    size = sum(one.size for one in corpora)
    return [f"{sum(len(one.files) for one in corpora):,}", f"{size / 1e6:.2f}"]


def _row(one: Corpus, speeds: dict[str, float], base: dict[str, float], last: str) -> list[str]:
    speed = speeds[one.name]
    ratio = figures.times(speed / base[one.name])
    return [one.name, *_size([one]), f"{speed:.0f}", ratio, last]


def css_table(options: Options) -> None:
    """The CSS rewriter alone."""
    corpora = corpus.sheets(quick=options.quick)
    some = corpora[min(1, len(corpora) - 1)]
    name = f"{some.name}, URLs made absolute"
    linked = Corpus(name, tuple(map(corpus.absolute_sheet, some.files)))
    every = [*corpora, linked]
    speeds, deflate = _speeds(every, _css, options)
    rows = []
    for one in every:
        after = _css([chunks(data) for data in one.files], codec())
        edited = sum(data.count(common.DOMAIN.encode("ascii")) for data in after)
        rows.append(_row(one, speeds, deflate, f"{edited:,}"))
    rows.append(_all("all but the last", corpora, speeds, deflate))
    header = ["CSS", "files", "MB", "MB/CPU-s", "x gzip out", "URLs edited"]
    figures.table("rewrite: CSS, in chunks of 64 KiB", header, rows)


def _plan(gateway: Codec, coding: str, coding_out: str) -> BodyPlan:
    return BodyPlan(
        Kind.HTML,
        place=Place(gateway, _ORIGIN, _URL),
        markup=_MARKUP,
        frame_markup=_MARKUP,
        coding=None if coding == "identity" else coding,
        coding_out=coding_out,
        ratio=_RATIO,
    )


def _piped(bodies: Iterable[Sequence[bytes]], plan: BodyPlan) -> None:
    for body in bodies:
        pipeline = Pipeline(plan)
        for chunk in body:
            b"".join(pipeline.feed(chunk))
        b"".join(pipeline.close())


def _codings_alone(bodies: Iterable[Sequence[bytes]], coding: str, coding_out: str) -> None:
    for body in bodies:
        decoder, encoder = decoder_for(coding, _RATIO), encoder_for(coding_out)
        if decoder is None:
            raise common.BenchError(f"{coding} is not read")
        for chunk in body:
            for piece in decoder.feed(chunk):
                if encoder is not None:
                    encoder.feed(piece)
        decoder.close()
        if encoder is not None:
            encoder.close()


def _sample(corpora: Sequence[Corpus], size: int) -> list[bytes]:
    """Pages of all corpora in turn, up to some size."""
    turns = itertools.zip_longest(*(one.files for one in corpora))
    some = [page for turn in turns for page in turn if page is not None and len(page) >= _PAGE]
    sizes = itertools.accumulate(map(len, some))
    return [page for page, until in zip(some, sizes, strict=True) if until <= size]


def pipeline_table(corpora: Sequence[Corpus], options: Options) -> None:
    """The whole way of a body, per coding in and out."""
    some = _sample(corpora, options.count(_SAMPLE, _SAMPLE // 3))
    size = sum(map(len, some))
    gateway = codec()
    ways = [(one, one) for one in _CODED] + [("identity", "br"), ("gzip", "br"), ("gzip", "zstd")]
    runs: dict[str, tuple[int, Callable[[], object]]] = {}
    for coding, coding_out in ways:
        bodies = [chunks(_CODED[coding](page)) for page in some]
        plan = _plan(gateway, coding, coding_out)
        name = f"{coding} in, {coding_out} out"
        runs[name] = size, partial(_piped, bodies, plan)
        runs[f"alone {name}"] = size, partial(_codings_alone, bodies, coding, coding_out)
    best = Race(options.count(5, 1)).run(runs)
    rows = []
    for name in (name for name in runs if not name.startswith("alone")):
        whole, alone = best[name], best[f"alone {name}"]
        share = "" if name.startswith("identity in, identity") else f"{100 * whole / alone:.0f} %"
        rows.append([name, f"{whole:.1f}", f"{alone:.1f}" if share else "", share])
    header = ["HTML", "MB/CPU-s", "codings alone", "their share of the time"]
    title = f"rewrite: the whole pipeline, {len(some)} pages of {_PAGE // 1000} KB and more"
    figures.table(f"{title} (MB of plain page)", header, rows)


def _readable(out: bytes, coding: str) -> int:
    """How many octets of plain page a browser can make of what it has."""
    decoder = decoder_for(coding, _RATIO)
    if decoder is None:
        raise common.BenchError(f"{coding} is not read")
    return sum(map(len, decoder.feed(out)))


def first_table(corpora: Sequence[Corpus]) -> None:
    """What is out when 4 KiB are in."""
    some = [page for one in corpora for page in one.files if len(page) >= _PAGE]
    gateway = codec()
    rows = []
    for coding in _CODED:
        counts = []
        for page in some:
            pipeline = Pipeline(_plan(gateway, "identity", coding))
            out = b"".join(pipeline.feed(page[:_FIRST]))
            counts.append(_readable(out, coding) - len(_MARKUP))
        middle = statistics.median(counts)
        rows.append([coding, f"{len(some):,}", f"{min(counts):,}", f"{middle:,.0f}"])
    header = ["coding out", "pages", "least", "median"]
    title = f"rewrite: octets of page that the browser has when {_FIRST:,} came from the origin"
    figures.table(title, header, rows)


def run(options: Options) -> None:
    """Measure and print."""
    corpora = corpus.pages(quick=options.quick)
    html_table(corpora, options)
    css_table(options)
    pipeline_table(corpora, options)
    first_table(corpora)
    scripts.run(options, Race, UrlMap(codec(), _URL))
    pages.run(options, corpora)
    heavy.run(options, corpora)
