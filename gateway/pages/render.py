"""Templates and assets to answers.

Read once at start.  Every page has a strict Content-Security-Policy of its own; assets
are immutable and named by their content.
"""

from __future__ import annotations

import hashlib
import html
import json
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

import attrs

from gateway import wire
from gateway.exchange.messages import Page

if TYPE_CHECKING:
    from gateway.origins import Codec
    from gateway.rewrite.headers import Fields

_PERMISSIONS = "autoplay *; clipboard-write *; fullscreen *"
_TYPES = {"js": b"text/javascript", "css": b"text/css", "svg": b"image/svg+xml"}


@attrs.frozen
class Rendered:
    """A page or asset as it is answered."""

    fields: Fields
    body: bytes = attrs.field(repr=False)


def _template(name: str) -> Template:
    text = (resources.files("gateway.pages") / "templates" / name).read_text("utf-8")
    return Template(text)


class Pages:
    """All pages of one gateway; raises ``FileNotFoundError`` if it was built without."""

    def __init__(self, codec: Codec, apart: Codec | None = None) -> None:
        """Read templates and assets; ``apart`` for browsers without localStorage."""
        self._codec = codec
        wildcards = [one.wildcard for one in (codec, apart) if one is not None]
        self._rewrite_hosts = " ".join(f"https://{one}" for one in wildcards)
        self._assets: dict[str, Rendered] = {}
        built = resources.files("gateway.runtime") / "built"
        manifest = json.loads((built / "manifest.json").read_text("utf-8"))
        for entry in manifest.values():
            self._add_asset(entry["file"], (built / entry["file"]).read_bytes())
        style = self._add_hashed("gateway.css")
        icon = self._add_hashed("gateway.svg")
        self.runtime_path = wire.ASSET_PATH + manifest["inner"]["file"]
        self.runtime_digest: str = manifest["inner"]["integrity"]
        self.rare_path = wire.ASSET_PATH + manifest["rare"]["file"]
        self.rare_digest: str = manifest["rare"]["integrity"]
        self.worker_path = wire.ASSET_PATH + manifest["worker"]["file"]
        self.worker_source = (built / manifest["worker"]["file"]).read_bytes().rstrip(b"\n")
        common = {
            "style": wire.ASSET_PATH + style,
            "icon": wire.ASSET_PATH + icon,
            "portal": codec.portal_origin + "/",
        }
        self._common = {key: html.escape(value) for key, value in common.items()}
        script = wire.ASSET_PATH + manifest["outer"]["file"]
        self._pages = {
            Page.PORTAL: self._page("portal.html", {"open": wire.OPEN_PATH}, self._portal_policy()),
            Page.OUTER: self._page(
                "outer.html",
                {
                    "script": script,
                    "integrity": manifest["outer"]["integrity"],
                    "allow": _PERMISSIONS,
                    "apart": apart.suffix if apart is not None else "",
                },
                self._outer_policy(),
                (
                    (b"X-Frame-Options", b"DENY"),
                    (b"Cross-Origin-Opener-Policy", b"same-origin"),
                ),
            ),
            Page.SETTLE: self._page(
                "settle.html",
                {
                    "script": wire.ASSET_PATH + manifest["settle"]["file"],
                    "integrity": manifest["settle"]["integrity"],
                    "secure": codec.secure_origin,
                },
                self._settle_policy(),
            ),
        }
        self._oops = _template("oops.html")

    def _add_hashed(self, name: str) -> str:
        body = (resources.files("gateway.pages") / "assets" / name).read_bytes()
        stem, _, kind = name.partition(".")
        hashed = f"{stem}-{hashlib.sha256(body).hexdigest()[:16]}.{kind}"
        self._add_asset(hashed, body)
        return hashed

    def _add_asset(self, name: str, body: bytes) -> None:
        fields = (
            (b"Content-Type", _TYPES[name.rpartition(".")[2]] + b"; charset=utf-8"),
            (b"Cache-Control", b"public, max-age=31536000, immutable"),
            (b"X-Content-Type-Options", b"nosniff"),
            # A sandboxed frame has an opaque origin, and needs the runtime no less.
            (b"Cross-Origin-Resource-Policy", b"cross-origin"),
            (b"Access-Control-Allow-Origin", b"*"),
        )
        self._assets[name] = Rendered(fields, body)

    def _portal_policy(self) -> str:
        return (
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
            f"form-action 'self' {self._codec.secure_origin}; frame-ancestors 'none'"
        )

    def _outer_policy(self) -> str:
        return (
            "default-src 'none'; script-src 'self'; style-src 'self'; "
            f"img-src 'self' {self._rewrite_hosts}; connect-src 'self'; "
            f"frame-src {self._rewrite_hosts}; base-uri 'none'; "
            f"form-action 'self' {self._rewrite_hosts}; frame-ancestors 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )

    def _settle_policy(self) -> str:
        return (
            "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; "
            f"form-action 'none'; frame-ancestors {self._codec.secure_origin}; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )

    def _oops_policy(self) -> str:
        codec = self._codec
        return (
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
            f"form-action 'none'; frame-ancestors {codec.secure_origin} {self._rewrite_hosts}"
        )

    def _page(
        self,
        name: str,
        values: dict[str, str],
        policy: str,
        fields: Fields = (),
        cache: bytes = b"no-cache",
    ) -> Rendered:
        escaped = {key: html.escape(value) for key, value in values.items()}
        body = _template(name).substitute({**self._common, **escaped}).encode("utf-8")
        return Rendered((*_page_fields(policy, cache), *fields), body)

    def page(self, page: Page) -> Rendered:
        """One of the fixed pages."""
        return self._pages[page]

    def asset(self, name: str) -> Rendered | None:
        """An asset by its hashed name."""
        return self._assets.get(name)

    def refusal(self, status: int, title: str, request_id: str, accept: str) -> Rendered:
        """The Oops page, or problem details (RFC 9457) where no HTML is asked for.

        Neither holds any of the site's content, nor anything internal.
        """
        if "text/html" not in accept:
            content = {"title": title, "status": status, "instance": f"urn:request:{request_id}"}
            fields = (
                (b"Content-Type", b"application/problem+json"),
                (b"Cache-Control", b"no-store"),
                (b"X-Content-Type-Options", b"nosniff"),
            )
            return Rendered(fields, json.dumps(content).encode("utf-8"))
        values = {
            **self._common,
            "title": html.escape(title),
            "hint": html.escape(_HINTS.get(status, "")),
            "status": str(status),
            "request": html.escape(request_id),
        }
        body = self._oops.substitute(values).encode("utf-8")
        return Rendered(_page_fields(self._oops_policy(), b"no-store"), body)


_HINTS = {
    400: "Check the address and try again.",
    403: "The operator of this gateway has not opened this address.",
    404: "Check the address: it may be misspelled.",
    421: "This name does not lead to a site on this gateway.",
    502: "The site may be down, or its connection is not safe. Try again later.",
    503: "Wait a moment and try again.",
    504: "The site may be busy. Try again in a moment.",
}


def _page_fields(policy: str, cache: bytes) -> Fields:
    return (
        (b"Content-Type", b"text/html; charset=utf-8"),
        (b"Content-Security-Policy", policy.encode("ascii")),
        (b"Cache-Control", cache),
        (b"Referrer-Policy", b"strict-origin"),
        (b"X-Content-Type-Options", b"nosniff"),
        (b"Permissions-Policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    )
