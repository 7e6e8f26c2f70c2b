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
from gateway.exchange.messages import Page, Scripts
from gateway.pages.hints import hint
from gateway.pages.languages import DEFAULT, direction
from gateway.pages.portal import Asked, section
from gateway.pages.texts import Texts, all_texts
from gateway.policy.catalogue import Catalogue
from gateway.rewrite.coding import best_for, encoder_for, packed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.resources.abc import Traversable

    from gateway.origins import Codec
    from gateway.policy.catalogue import Icon
    from gateway.rewrite.headers import Fields

_FOREVER = b"public, max-age=31536000, immutable"
_PERMISSIONS = "autoplay *; clipboard-write *; fullscreen *"
_TYPES = {
    "js": b"text/javascript",
    "css": b"text/css",
    "svg": b"image/svg+xml",
    "ts": b"text/plain",
}
_NAMED = {"websocket.js": "websocket", "websocket.d.ts": ""}
"""Assets that others link to keep their names; of a built file, its entry in the manifest."""


@attrs.frozen
class Rendered:
    """A page or asset as it is answered; ``once``: to nobody else."""

    fields: Fields
    body: bytes = attrs.field(repr=False)
    once: bool = False
    _packed: dict[str, bytes] = attrs.field(factory=dict, init=False, repr=False, eq=False)

    def packed(self, accept_encoding: str | None) -> Rendered:
        """The same in the coding that the client likes best; each is made once."""
        coding = best_for(accept_encoding)
        if coding not in self._packed:
            encoder = encoder_for(coding) if self.once else None
            self._packed[coding] = (
                encoder.feed(self.body) + encoder.close() if encoder else packed(coding, self.body)
            )
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
    return Template(re.sub(r"<p hidden[ >].*?</p>\n", "", text))


def _identity(manifest: dict[str, dict[str, str]], built: Traversable) -> Scripts:
    """The runtime of pages that read their own address."""
    inner, rare, worker = (manifest[f"{name}-location"] for name in ("inner", "rare", "worker"))
    return Scripts(
        wire.ASSET_PATH + inner["file"],
        inner["integrity"],
        wire.ASSET_PATH + rare["file"],
        rare["integrity"],
        wire.ASSET_PATH + worker["file"],
        (built / worker["file"]).read_bytes().rstrip(b"\n"),
    )


def _without_addresses(text: str) -> str:
    """A template without what asks for an address."""
    return re.sub(r"<!--typed-->.*?<!--/typed-->", "", text, flags=re.DOTALL)


class Pages:
    """All pages of one gateway; raises ``FileNotFoundError`` if it was built without."""

    def __init__(
        self,
        codec: Codec,
        apart: Codec | None = None,
        catalogue: Catalogue | None = None,
        *,
        login: bool = False,
        strict: bool = False,
        passwords: bool = False,
    ) -> None:
        """Read templates and assets; ``apart`` for browsers without localStorage.

        ``login``: people sign in, so that the outer frame asks for its session's login first.
        ``passwords``: they may do so with a password though there is a provider.  ``strict``: it
        opens no windows for pages.
        """
        self._login = login
        self._passwords = passwords
        self._strict = strict
        self._codec = codec
        self._catalogue = Catalogue()
        self._templates: dict[tuple[str, str, bool, bool], Template] = {}
        wildcards = [one.wildcard for one in (codec, apart) if one is not None]
        self._rewrite_hosts = " ".join(f"https://{one}" for one in wildcards)
        self._apart = apart.suffix if apart is not None else ""
        self._assets: dict[str, Rendered] = {}
        built = resources.files("gateway.runtime") / "built"
        manifest = json.loads((built / "manifest.json").read_text("utf-8"))
        for entry in manifest.values():
            self._add_asset(entry["file"], (built / entry["file"]).read_bytes())
        for name, entry in _NAMED.items():
            file = manifest[entry]["file"] if entry else name
            self._add_asset(name, (built / file).read_bytes(), b"public, max-age=3600")
        style = self._add_hashed("gateway.css")
        icon = self._add_hashed("gateway.svg")
        self.runtime_path = wire.ASSET_PATH + manifest["inner"]["file"]
        self.runtime_digest: str = manifest["inner"]["integrity"]
        self.rare_path = wire.ASSET_PATH + manifest["rare"]["file"]
        self.rare_digest: str = manifest["rare"]["integrity"]
        self.socket_digest: str = manifest["socket"]["integrity"]
        self.worker_path = wire.ASSET_PATH + manifest["worker"]["file"]
        self.worker_source = (built / manifest["worker"]["file"]).read_bytes().rstrip(b"\n")
        self.identity = _identity(manifest, built)
        common = {
            "style": wire.ASSET_PATH + style,
            "icon": wire.ASSET_PATH + icon,
            "portal": codec.portal_origin + "/",
            "settings": codec.secure_origin + wire.SETTINGS_PATH,
        }
        self._common = {key: html.escape(value) for key, value in common.items()}
        self._texts = all_texts()
        self._manifest: dict[str, dict[str, str]] = manifest
        self._pages: dict[tuple[Page, str], Rendered] = {}
        self.use(catalogue or Catalogue())
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

    def use(self, catalogue: Catalogue) -> None:
        """Show this catalogue from now on; its icons are served beside those shown before."""
        for icon in (site.icon for site in catalogue.sites):
            if icon is not None:
                self._assets[icon.name] = _icon_asset(icon)
        self._catalogue = catalogue
        self._pages = {
            (page, language): self._page(page, language)
            for page in Page
            for language in self._texts
        }

    def _add_hashed(self, name: str) -> str:
        body = (resources.files("gateway.pages") / "assets" / name).read_bytes()
        stem, _, kind = name.partition(".")
        hashed = f"{stem}-{hashlib.sha256(body).hexdigest()[:16]}.{kind}"
        self._add_asset(hashed, body)
        return hashed

    def _add_asset(self, name: str, body: bytes, cache: bytes = _FOREVER) -> None:
        fields = (
            (b"Content-Type", _TYPES[name.rpartition(".")[2]] + b"; charset=utf-8"),
            (b"Cache-Control", cache),
            (b"X-Content-Type-Options", b"nosniff"),
            # A sandboxed frame has an opaque origin, and needs the runtime no less.
            (b"Cross-Origin-Resource-Policy", b"cross-origin"),
            (b"Access-Control-Allow-Origin", b"*"),
        )
        self._assets[name] = Rendered(fields, body)

    def _page(
        self, page: Page, language: str, asked: Asked | None = None, wanted: Sequence[str] = ()
    ) -> Rendered:
        """One of the pages in one language."""
        script = self._manifest.get(page.value)
        only = self._catalogue.only
        values = {
            "open": self._codec.portal_origin + wire.OPEN_PATH,
            "forget": wire.FORGET_PATH,
            "basic": wire.BASIC_PATH,
            "allow": _PERMISSIONS,
            "apart": self._apart,
            "login": "1" if self._login else "",
            "strict": "1" if self._strict else "",
            "secure": self._codec.secure_origin,
            "start": wire.LOGIN_START_PATH,
            "password": wire.PASSWORD_PATH,
            "typing": "" if self._passwords else "hidden",
            "script": wire.ASSET_PATH + script["file"] if script else "",
            "integrity": script["integrity"] if script else "",
            "typed": "hidden" if only else "",
        }
        escaped = {key: html.escape(value) for key, value in values.items()}
        texts = self._texts[language]
        # The portal says it by itself: text browsers know no style that would hide it.
        told = page is Page.FORGOTTEN
        escaped["told"] = _template("forgotten.html", language, texts).template if told else ""
        name = page.value
        if page in {Page.PORTAL, Page.FORGOTTEN}:
            name = "portal"
            entry = self._codec.portal_origin + wire.OPEN_PATH
            shown = section(self._catalogue, asked or Asked(), wanted or (language,), texts, entry)
            escaped["sites"] = shown
        template = self._templates.get((name, language, told, only))
        if template is None:
            text = _template(f"{name}.html", language, texts).template
            text = _without_addresses(text) if only else re.sub("<!--/?typed-->", "", text)
            self._templates[name, language, told, only] = template = Template(text)
        body = template.substitute({**self._common, **escaped}).encode("utf-8")
        policy = _policy(page, self._codec, self._rewrite_hosts)
        # What somebody searched for is kept nowhere.
        cache = b"no-store" if asked and asked.query else b"no-cache"
        fields = _page_fields(policy, cache, language, b"Accept-Language")
        isolated = page in {Page.OUTER, Page.SETTINGS, Page.LOGIN}
        once = asked is not None
        return Rendered((*fields, *_ISOLATED) if isolated else fields, body, once)

    def page(
        self,
        page: Page,
        language: str = DEFAULT,
        asked: Asked | None = None,
        wanted: Sequence[str] = (),
    ) -> Rendered:
        """One of the gateway's pages; of the portal, the part of the catalogue that is asked for.

        ``wanted`` are the person's languages: sites in them come first.
        """
        if page is Page.PORTAL and self._catalogue.sites and (asked or wanted):
            return self._page(page, language, asked or Asked(), wanted)
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
        outside: str = "",
        site: str = "",
    ) -> Rendered:
        """The Oops page, or problem details (RFC 9457) where no HTML is asked for.

        Neither holds any of the site's content, nor anything internal.  ``framed``: it is
        shown inside the outer frame, whose sandbox lets no link lead out of it: its script
        asks the outer frame.  ``outside``: an address that may be opened outside instead.
        ``site``: the origin that was asked for, where the request named one.
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
            "secure": html.escape(self._codec.secure_origin),
            "site": html.escape(site),
            "where": f'<p dir="ltr"><b>{html.escape(site)}</b></p>\n' if site else "",
            "script": self._script("oops") if framed else "",
            "outside": _outside(outside, texts, framed=framed),
        }
        body = self._oops[language, framed].substitute(values).encode("utf-8")
        policy = _oops_policy(self._codec, self._rewrite_hosts, framed=framed)
        return Rendered(_page_fields(policy, b"no-store", language, vary), body)

    def _script(self, name: str) -> str:
        """The element of one of the built scripts."""
        entry = self._manifest[name]
        source, digest = wire.ASSET_PATH + entry["file"], entry["integrity"]
        return f'<script src="{html.escape(source)}" integrity="{html.escape(digest)}" defer></script>\n'


def _outside(url: str, texts: Texts, *, framed: bool) -> str:
    """The way out of the gateway: a button for the outer frame, which warns; else a link."""
    if not url:
        return ""
    label = _text(texts, "Open it outside the gateway")
    if framed:
        return f'<p id="outside" data-label="{label}"></p>\n'
    link = html.escape(url)
    return (
        f'<p dir="ltr">{link}</p>\n<p><a class="button grave" href="{link}" target="_blank"'
        f' rel="noopener noreferrer">{label}</a></p>\n'
    )


def _text(texts: Texts, message: str) -> str:
    return html.escape(texts.text(message))


def _icon_asset(icon: Icon) -> Rendered:
    """A site's image: shown by the gateway's pages, and as nothing but an image."""
    fields = (
        (b"Content-Type", icon.kind.encode("ascii")),
        (b"Cache-Control", b"public, max-age=31536000, immutable"),
        (b"X-Content-Type-Options", b"nosniff"),
        (b"Cross-Origin-Resource-Policy", b"same-site"),
        # Opened by itself an SVG is a document.
        (b"Content-Security-Policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    )
    return Rendered(fields, icon.octets)


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


def _oops_policy(codec: Codec, sites: str, *, framed: bool) -> str:
    script = f"script-src 'self'; {_TRUSTED}; " if framed else ""
    return (
        f"default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; {script}"
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
