"""Templates and assets to answers.

Read once at start, in every language.  Every page has a strict Content-Security-Policy
of its own; assets are immutable and named by their content.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

import attrs

from gateway import wire
from gateway.exchange.messages import Page
from gateway.pages.hints import hint
from gateway.pages.languages import DEFAULT, direction
from gateway.pages.texts import Texts, all_texts
from gateway.rewrite.coding import best_for, packed

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
    _packed: dict[str, bytes] = attrs.field(factory=dict, init=False, repr=False, eq=False)

    def packed(self, accept_encoding: str | None) -> Rendered:
        """The same in the coding that the client likes best; each is made once."""
        coding = best_for(accept_encoding)
        if coding not in self._packed:
            self._packed[coding] = packed(coding, self.body)
        body = self._packed[coding]
        fields = [(name, value) for name, value in self.fields if name != b"Vary"]
        vary = [value for name, value in self.fields if name == b"Vary"]
        fields.append((b"Vary", b", ".join((*vary, b"Accept-Encoding"))))
        if coding != "identity":
            fields.append((b"Content-Encoding", coding.encode("ascii")))
        return Rendered(tuple(fields), body)


def _template(name: str, language: str, texts: Texts) -> Template:
    """A template with its texts in one language; ``$name`` places are left open."""
    text = (resources.files("gateway.pages") / "templates" / name).read_text("utf-8")
    page = Template(texts.fill(text))
    own = {"language": language, "direction": direction(language)}
    return Template(page.safe_substitute(own))


def _oops(language: str, texts: Texts, *, framed: bool) -> Template:
    """The page of refusals; what is hidden on it is left out, for text browsers would show it."""
    places = {"framed": "" if framed else "hidden", "topmost": "hidden" if framed else ""}
    text = _template("oops.html", language, texts).safe_substitute(places)
    return Template(re.sub(r"<p hidden>.*?</p>\n", "", text))


class Pages:
    """All pages of one gateway; raises ``FileNotFoundError`` if it was built without."""

    def __init__(self, codec: Codec, apart: Codec | None = None, *, login: bool = False) -> None:
        """Read templates and assets; ``apart`` for browsers without localStorage.

        ``login``: people sign in, so that the outer frame asks for its session's login first.
        """
        self._login = login
        self._codec = codec
        wildcards = [one.wildcard for one in (codec, apart) if one is not None]
        self._rewrite_hosts = " ".join(f"https://{one}" for one in wildcards)
        self._apart = apart.suffix if apart is not None else ""
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
            "settings": codec.secure_origin + wire.SETTINGS_PATH,
        }
        self._common = {key: html.escape(value) for key, value in common.items()}
        self._texts = all_texts()
        self._pages = {
            (page, language): self._page(page, language, manifest)
            for page in Page
            for language in self._texts
        }
        self._oops = {
            (language, framed): _oops(language, texts, framed=framed)
            for language, texts in self._texts.items()
            for framed in (False, True)
        }

    def inherit(self, old: Pages) -> None:
        """Keep what ``old`` has encoded already, where it is the same."""
        self._assets |= {
            name: its for name, its in old._assets.items() if self._assets.get(name) == its
        }
        self._pages |= {key: its for key, its in old._pages.items() if self._pages.get(key) == its}

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

    def _page(self, page: Page, language: str, manifest: dict[str, dict[str, str]]) -> Rendered:
        """One of the fixed pages in one language."""
        script = manifest.get(page.value)
        values = {
            "open": self._codec.portal_origin + wire.OPEN_PATH,
            "forget": wire.FORGET_PATH,
            "basic": wire.BASIC_PATH,
            "allow": _PERMISSIONS,
            "apart": self._apart,
            "login": "1" if self._login else "",
            "secure": self._codec.secure_origin,
            "start": wire.LOGIN_START_PATH,
            "script": wire.ASSET_PATH + script["file"] if script else "",
            "integrity": script["integrity"] if script else "",
        }
        escaped = {key: html.escape(value) for key, value in values.items()}
        texts = self._texts[language]
        # The portal says it by itself: text browsers know no style that would hide it.
        told = page is Page.FORGOTTEN
        escaped["told"] = _template("forgotten.html", language, texts).template if told else ""
        name = "portal" if told else page.value
        template = _template(f"{name}.html", language, texts)
        body = template.substitute({**self._common, **escaped}).encode("utf-8")
        policy = _policy(page, self._codec, self._rewrite_hosts)
        fields = _page_fields(policy, b"no-cache", language, b"Accept-Language")
        isolated = page in {Page.OUTER, Page.SETTINGS, Page.LOGIN}
        return Rendered((*fields, *_ISOLATED) if isolated else fields, body)

    def page(self, page: Page, language: str = DEFAULT) -> Rendered:
        """One of the fixed pages."""
        return self._pages[page, language]

    def asset(self, name: str) -> Rendered | None:
        """An asset by its hashed name."""
        return self._assets.get(name)

    def refusal(
        self,
        status: int,
        title: str,
        request_id: str,
        accept: str,
        language: str = DEFAULT,
        *,
        framed: bool = False,
    ) -> Rendered:
        """The Oops page, or problem details (RFC 9457) where no HTML is asked for.

        Neither holds any of the site's content, nor anything internal.  ``framed``: it is
        shown inside the outer frame, whose sandbox lets no link lead out of it.
        """
        texts = self._texts[language]
        vary = b"Accept, Accept-Language"
        if "text/html" not in accept:
            content = {
                "title": texts.text(title),
                "status": status,
                "instance": f"urn:request:{request_id}",
            }
            fields = (
                (b"Content-Type", b"application/problem+json"),
                (b"Content-Language", language.encode("ascii")),
                (b"Vary", vary),
                (b"Cache-Control", b"no-store"),
                (b"X-Content-Type-Options", b"nosniff"),
            )
            return Rendered(fields, json.dumps(content).encode("utf-8"))
        values = {
            **self._common,
            "title": html.escape(texts.text(title)),
            "hint": html.escape(texts.text(hint(status, title))),
            "status": str(status),
            "request": html.escape(request_id),
        }
        body = self._oops[language, framed].substitute(values).encode("utf-8")
        policy = _oops_policy(self._codec, self._rewrite_hosts)
        return Rendered(_page_fields(policy, b"no-store", language, vary), body)


_ISOLATED: Fields = (
    (b"X-Frame-Options", b"DENY"),
    (b"Cross-Origin-Opener-Policy", b"same-origin"),
)
"""What pages of the secure host carry besides; nobody frames them."""


def _policy(page: Page, codec: Codec, sites: str) -> str:
    """The Content-Security-Policy of a fixed page: from nothing to what it needs."""
    # A form's redirect is judged by form-action, too: without script it leads to a site.
    portal = f"img-src 'self'; form-action 'self' {codec.secure_origin} {sites}"
    more = {
        Page.PORTAL: portal,
        Page.FORGOTTEN: portal,
        Page.OUTER: f"script-src 'self'; img-src 'self' {sites}; connect-src 'self'; "
        f"frame-src {sites}; form-action 'self' {codec.portal_origin} {sites}; {_TRUSTED}",
        Page.SETTINGS: "script-src 'self'; img-src 'self'; connect-src 'self'; "
        f"frame-src {sites}; form-action 'self' {codec.portal_origin}; {_TRUSTED}",
    }
    more[Page.LOGIN] = "script-src 'self'; img-src 'self'; form-action 'none'; " + _TRUSTED
    if page is Page.SETTLE:
        return (
            f"default-src 'none'; base-uri 'none'; frame-ancestors {codec.secure_origin}; "
            f"script-src 'self'; connect-src 'self'; form-action 'none'; {_TRUSTED}"
        )
    return (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        + more[page]
    )


_TRUSTED = "require-trusted-types-for 'script'; trusted-types 'none'"


def _oops_policy(codec: Codec, sites: str) -> str:
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"form-action 'none'; frame-ancestors {codec.secure_origin} {sites}"
    )


def _page_fields(policy: str, cache: bytes, language: str, vary: bytes) -> Fields:
    return (
        (b"Content-Type", b"text/html; charset=utf-8"),
        (b"Content-Language", language.encode("ascii")),
        (b"Vary", vary),
        (b"Content-Security-Policy", policy.encode("ascii")),
        (b"Cache-Control", cache),
        (b"Referrer-Policy", b"strict-origin"),
        (b"X-Content-Type-Options", b"nosniff"),
        (b"Permissions-Policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    )
