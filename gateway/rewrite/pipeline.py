"""A response body's way: decoder, transcoder, rewriter, encoder; or nothing at all.

``BodyPlan`` is a value that ``exchange`` decides on; ``pipeline_for`` turns it into an
object with ``feed`` and ``close`` that ``net`` drives chunk by chunk.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

import attrs

from gateway.errors import UpstreamFault, UpstreamTooLarge
from gateway.rewrite import manifest
from gateway.rewrite.basic import SafeSheet
from gateway.rewrite.basic_html import BasicRewriter
from gateway.rewrite.coding import decoder_for, encoder_for
from gateway.rewrite.css import LIMIT, CssRewriter
from gateway.rewrite.dash import DashRewriter
from gateway.rewrite.encoding import Found, Transcoder, find, find_css
from gateway.rewrite.hls import HlsRewriter
from gateway.rewrite.html import HtmlRewriter
from gateway.rewrite.inject import Injector
from gateway.rewrite.js_body import WEIGHT, InPage, ScriptBody, ScriptMemory
from gateway.rewrite.media import Kind
from gateway.rewrite.urls import UrlMap, with_whole_host
from gateway.rewrite.worker import WorkerScript
from gateway.rewrite.xslt import XsltRewriter

if TYPE_CHECKING:
    from gateway.origins import Codec, Origin
    from gateway.rewrite.csp import RuntimeSource


@attrs.frozen
class Place:
    """Where a body stands: its own URL, and the map to the gateway's.

    ``runtime`` is what policies within the body must admit, where it is put in.
    """

    codec: Codec
    origin: Origin
    url: str = attrs.field(repr=False)
    runtime: RuntimeSource | None = None


@attrs.frozen
class BodyPlan:
    """What is to be done to a body.

    ``kind`` untouched: it passes to the octet.  Else it is decoded from ``coding`` (with
    the expansion limit ``ratio``), read in the encoding that ``charset`` or its own text
    tells, rewritten, and encoded as ``coding_out``.  ``markup`` goes into the document's
    head, ``frame_markup`` into documents within it, ``preamble`` before a worker's
    script; ``module_preamble`` where that is a module.  ``basic``: whatever could run the
    site's script goes, and ``markup`` is all that may; ``opens`` says which links may lead
    to the device (``tel:``), without it all.  ``form_token`` goes into where
    forms are sent with POST.  ``integrity``: digests of which
    the body as it came must have one (Subresource Integrity).  ``token_bytes`` bounds
    what is held back of one token.  ``scripts``: scripts are edited, and remembered there;
    none of more than ``script_bytes``; ``hashed``: those in a page only where a nonce admits them.
    """

    kind: Kind = Kind.UNTOUCHED
    place: Place | None = None
    markup: bytes = attrs.field(default=b"", repr=False)
    frame_markup: bytes = attrs.field(default=b"", repr=False)
    preamble: bytes = attrs.field(default=b"", repr=False)
    module_preamble: bytes = attrs.field(default=b"", repr=False)
    basic: bool = False
    opens: Callable[[str], bool] | None = attrs.field(default=None, repr=False, eq=False)
    form_token: str = attrs.field(default="", repr=False)
    coding: str | None = None
    coding_out: str = "identity"
    charset: str | None = None
    integrity: str = ""
    ratio: int = 200
    token_bytes: int = LIMIT
    scripts: ScriptMemory | None = attrs.field(default=None, repr=False, eq=False)
    script_bytes: int = LIMIT
    hashed: bool = False

    @property
    def edits(self) -> bool:
        """Whether the body may change, so that its length and digests no longer hold."""
        return self.kind is not Kind.UNTOUCHED


class Rewriter(Protocol):
    """Chunks of a plain body in, chunks of the rewritten one out."""

    def feed(self, data: bytes) -> bytes:
        """Take a chunk, give what can already go out."""
        ...

    def close(self) -> bytes:
        """Give the rest."""
        ...


class _Text:
    """A body whose encoding its first octets tell: held until they do, then rewritten."""

    def __init__(self, plan: BodyPlan, place: Place) -> None:
        self._plan = plan
        self._place = place
        self._head = b""
        self._transcoder: Transcoder | None = None
        self._rewriter: Rewriter | None = None

    def _find(self, head: bytes, *, whole: bool) -> Found | None:
        raise NotImplementedError

    def _make(self, found: Found, codec: str) -> Rewriter:
        """The rewriter of octets in ``codec``, which is not ``found``'s where it is transcoded."""
        raise NotImplementedError

    def feed(self, data: bytes) -> bytes:
        if self._rewriter is None:
            self._head += data
            return self._begin(whole=False)
        return self._pass(data, final=False)

    def close(self) -> bytes:
        out = self._begin(whole=True) if self._rewriter is None else b""
        return out + self._pass(b"", final=True)

    def _begin(self, *, whole: bool) -> bytes:
        found = self._find(self._head, whole=whole)
        if found is None:
            return b""
        data, self._head = self._head, b""
        codec = found.codec
        if found.is_transcoded:
            codec = "utf-8"
            self._transcoder = Transcoder(found)
        self._rewriter = self._make(found, codec)
        return self._pass(data, final=False)

    def _pass(self, data: bytes, *, final: bool) -> bytes:
        if self._transcoder is not None:
            data = self._transcoder.read(data, final=final)
        if self._rewriter is None:
            return data
        out = self._rewriter.feed(data) if data else b""
        if final:
            out += self._rewriter.close()
        return out if self._transcoder is None else self._transcoder.write(out, final=final)


class _Document(_Text):
    """HTML or XML: markup put in, URLs mapped."""

    def _find(self, head: bytes, *, whole: bool) -> Found | None:
        return find(head, self._plan.charset, xml=self._plan.kind is Kind.XML, whole=whole)

    def _make(self, found: Found, codec: str) -> Rewriter:
        plan, place = self._plan, self._place
        xml = plan.kind is Kind.XML
        html = (BasicRewriter if plan.basic else HtmlRewriter)(
            UrlMap(place.codec, place.url),
            place.origin,
            encoding=codec,
            xml=xml,
            limit=plan.token_bytes,
            frame_markup=plan.frame_markup,
            runtime=place.runtime,
            form_token=plan.form_token,
            in_page=_in_page(plan),
        )
        if isinstance(html, BasicRewriter):
            html.let_leave(plan.opens)
        if not plan.markup:
            return html
        injector = Injector(_declared(found) + plan.markup, xml=xml)
        return _Chain(html, injector) if plan.basic else _Chain(injector, html)


def _in_page(plan: BodyPlan) -> InPage | None:
    """How scripts in a document are edited."""
    if plan.scripts is None or plan.basic:
        return None
    return InPage(plan.scripts, needs_nonce=plan.hashed)


class _Chain:
    """What one rewriter gives is what the next one takes."""

    def __init__(self, first: Rewriter, second: Rewriter) -> None:
        self._first = first
        self._second = second

    def feed(self, data: bytes) -> bytes:
        data = self._first.feed(data)
        return self._second.feed(data) if data else b""

    def close(self) -> bytes:
        data = self._first.close()
        return (self._second.feed(data) if data else b"") + self._second.close()


class _XmlText(_Text):
    """Small languages in XML, and XML that shows as a tree: URLs mapped, nothing put in."""

    def _find(self, head: bytes, *, whole: bool) -> Found | None:
        return find(head, self._plan.charset, xml=True, whole=whole)

    def _make(self, found: Found, codec: str) -> Rewriter:
        del found
        plan, place = self._plan, self._place
        urls, limit = UrlMap(place.codec, place.url), plan.token_bytes
        if plan.kind is Kind.DASH:
            return DashRewriter(urls.url, codec, limit)
        if plan.kind is Kind.XSLT:
            urls = _SheetUrls(place.codec, place.url)
        shown = HtmlRewriter(urls, place.origin, encoding=codec, xml=True, limit=limit)
        if plan.kind is Kind.PLAIN_XML:
            return shown
        return _Chain(XsltRewriter(urls.url, codec, limit), shown)


class _SheetUrls(UrlMap):
    """The URLs of a template: ``https://{@host}/`` stays."""

    def url(self, text: str) -> str:
        return with_whole_host(super().url)(text)


class _Sheet(_Text):
    """A stylesheet: URLs mapped."""

    def _find(self, head: bytes, *, whole: bool) -> Found | None:
        return find_css(head, self._plan.charset, whole=whole)

    def _make(self, found: Found, codec: str) -> Rewriter:
        del found
        urls = UrlMap(self._place.codec, self._place.url)
        made = SafeSheet if self._plan.basic else CssRewriter
        return made(urls.url, codec, self._plan.token_bytes)


def _declared(found: Found) -> bytes:
    """The document's own declaration again: ours pushes it out of where browsers look."""
    if not found.label or not re.fullmatch(r"[A-Za-z0-9._:-]+", found.label):
        return b""
    return f'<meta charset="{found.label}">'.encode("ascii")


class _Whole:
    """Collects a small body to its end; a larger one fails."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        self._size += len(data)
        if self._size > self._limit:
            raise UpstreamTooLarge(f"more than {self._limit} octets to be read whole")
        self._chunks.append(data)
        return b""

    def whole(self) -> bytes:
        return b"".join(self._chunks)


class _Manifest(_Whole):
    def __init__(self, place: Place) -> None:
        super().__init__(manifest.LIMIT)
        self._map = UrlMap(place.codec, place.url).url

    def close(self) -> bytes:
        body = self.whole()
        text = body.decode("utf-8-sig", "replace")  # browsers take a byte order mark off
        mapped = manifest.map_manifest(text, self._map)
        return body if mapped == text else mapped.encode("utf-8", "replace")


class _Verified(_Whole):
    """A body whose digest the gateway verifies because the browser no longer can."""

    def __init__(self, integrity: str, limit: int, inner: Rewriter) -> None:
        super().__init__(limit)
        self._integrity = integrity
        self._inner = inner

    def close(self) -> bytes:
        body = self.whole()
        if not has_integrity(body, self._integrity):
            raise UpstreamFault("the body has none of the digests that its page demands")
        return self._inner.feed(body) + self._inner.close()


def has_integrity(body: bytes, metadata: str) -> bool:
    """Whether a body matches integrity metadata (Subresource Integrity, 3.3.4).

    Of the algorithms named the strongest counts; with none that is known, all is well.
    """
    given: dict[str, set[bytes]] = {}
    for word in metadata.split():
        algorithm, _, rest = word.partition("-")
        if algorithm.lower() in {"sha256", "sha384", "sha512"}:
            digest = rest.partition("?")[0].replace("-", "+").replace("_", "/")
            given.setdefault(algorithm.lower(), set()).add(digest.rstrip("=").encode())
    for algorithm in ("sha512", "sha384", "sha256"):
        if algorithm in given:
            found = base64.b64encode(hashlib.new(algorithm, body).digest()).rstrip(b"=")
            return found in given[algorithm]
    return True


def _script(plan: BodyPlan, place: Place, memory: ScriptMemory) -> Rewriter:
    urls, limit = UrlMap(place.codec, place.url), plan.script_bytes
    body = ScriptBody(urls, memory, plan.charset, limit)
    if plan.kind is Kind.WORKER:
        return _Chain(body, WorkerScript(plan))
    return _Verified(plan.integrity, limit, body) if plan.integrity else body


def _rewriter(plan: BodyPlan) -> Rewriter:
    place = plan.place
    if plan.kind in _OF_SCRIPT and plan.scripts is not None and place is not None:
        return _script(plan, place, plan.scripts)
    if plan.kind is Kind.WORKER:
        return WorkerScript(plan)
    if place is None:
        raise ValueError("a plan that maps URLs needs a place")
    if plan.kind is Kind.CSS:
        sheet = _Sheet(plan, place)
        return _Verified(plan.integrity, plan.token_bytes, sheet) if plan.integrity else sheet
    if plan.kind is Kind.HLS:
        return HlsRewriter(UrlMap(place.codec, place.url).url, plan.token_bytes)
    if plan.kind in {Kind.DASH, Kind.XSLT, Kind.PLAIN_XML}:
        return _XmlText(plan, place)
    return _Manifest(place) if plan.kind is Kind.MANIFEST else _Document(plan, place)


_OF_SCRIPT = frozenset({Kind.SCRIPT, Kind.WORKER})


class Pipeline:
    """One body's way; pieces come out one by one, bounded in size.

    ``held``: what waits to be edited at its end; ``weight``: what editing an octet costs,
    in octets of plain markup.
    """

    def __init__(self, plan: BodyPlan) -> None:
        """Raises ``UpstreamFault`` for a content coding that was not asked for."""
        decoder = decoder_for(plan.coding, plan.ratio)
        if decoder is None:
            raise UpstreamFault(f"content coding {plan.coding!r} was not asked for")
        self._decoder = decoder
        self._rewriter = _rewriter(plan)
        self.weight = 1 if plan.scripts is None else WEIGHT
        self.held = 0
        self._holds = plan.scripts is not None and plan.kind in _OF_SCRIPT
        self._encoder = encoder_for(plan.coding_out)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take a chunk of the upstream's body, give pieces for the client."""
        for piece in self._decoder.feed(data):
            if self._holds:
                self.held += len(piece) * self.weight
            out = self._rewriter.feed(piece)
            if out:
                yield out if self._encoder is None else self._encoder.feed(out)

    def close(self) -> Iterator[bytes]:
        """Give the rest; raises ``UpstreamFault`` for a body that ended wrongly."""
        self._decoder.close()
        out = self._rewriter.close()
        if self._encoder is None:
            yield out
        else:
            yield self._encoder.feed(out) + self._encoder.close()


def pipeline_for(plan: BodyPlan) -> Pipeline | None:
    """The pipeline of a plan; None where the body passes as it is."""
    return Pipeline(plan) if plan.edits else None
