"""What becomes of each field, and why: the table of docs/rewriting.md is made from this.

``python -m tests.rewrite.header_table`` prints it.  A row: the field, an example of the
site's (or browser's) value, what goes on (None: nothing), and the reason.
"""

from __future__ import annotations

import attrs

from tests.rewrite import SECURE, WILDCARD, collapsed

OTHER = "https://other.example"
MAPPED = collapsed(OTHER)


@attrs.frozen
class Row:
    """One field; ``out`` None: dropped.  ``more``: what the context of a response is besides."""

    name: str
    value: str
    out: str | None
    why: str
    more: tuple[tuple[str, object], ...] = ()
    when: str = ""


_EDITED = (("edited", True),)
_PRIVATE = (("edited", True), ("private", True))
_SCRIPT = (("by_script", True),)


def _same(name: str, value: str, why: str) -> Row:
    return Row(name, value, value, why)


_ONE_SITE = "would act on the one site that all sites are to the browser"
_BEFORE = "for a server before the site's own, as one may stand before this gateway"

RESPONSE = (
    Row("Location", f"{OTHER}/p?u={OTHER}/", f"{MAPPED}/p?u={OTHER}/", "where the browser goes"),
    Row("Content-Location", f"{OTHER}/p", f"{MAPPED}/p", "mapped as every URL of a field"),
    Row("Refresh", f"0; url={OTHER}/p", f"0; url={MAPPED}/p", "where the browser goes"),
    Row("Link", f"<{OTHER}/a.js>; rel=preload", f"<{MAPPED}/a.js>; rel=preload",
        "what the browser fetches; image candidates, too"),
    Row("Link", f"<{OTHER}/p2>; rel=next", f"<{OTHER}/p2>; rel=next",
        "script reads it, and what it fetches is mapped then", _SCRIPT, "fetched by script"),
    Row("SourceMap", f"{OTHER}/a.map", f"{MAPPED}/a.map", "what developers' tools fetch"),
    Row("X-SourceMap", f"{OTHER}/a.map", f"{MAPPED}/a.map", "the same"),
    Row("Service-Worker-Allowed", "https://shop.example.com/", collapsed("https://shop.example.com/"),
        "a URL of the site itself"),
    Row("Access-Control-Allow-Origin", OTHER, MAPPED, "origins are what browsers call them"),
    Row("Timing-Allow-Origin", f"{OTHER}, *", f"{MAPPED}, *", "the same"),
    Row("Permissions-Policy", f'camera=(self "{OTHER}")', f'camera=(self "{MAPPED}")', "the same"),
    Row("Permissions-Policy", 'camera=("https://*.other.example")',
        'camera=("https://*.other.example")',
        "no collapsed name says it, and the wildcard of all sites would give rights away: "
        "such frames have none", when="wildcards"),
    Row("Permissions-Policy-Report-Only", f'usb=("{OTHER}")', f'usb=("{MAPPED}")', "the same"),
    Row("Feature-Policy", f"camera 'self' {OTHER}; usb *", f"camera 'self' {MAPPED}; usb *",
        "its older form"),
    Row("Content-Security-Policy-Report-Only", f"img-src {OTHER}; connect-src wss://other.example",
        f"img-src {MAPPED}; connect-src https{MAPPED[5:]} wss{MAPPED[5:]}",
        "sources mapped, each wss: with its https: twin; a wildcard of hosts becomes that of all "
        "sites (a collapsed name cannot say more, and no request tells which page's policy it is "
        "under)"),
    Row("Content-Security-Policy", "img-src *.other.example",
        f"img-src https://{WILDCARD} wss://{WILDCARD}",
        "the same, and the containment policy beside it"),
    Row("X-Frame-Options", "DENY", None, f"becomes frame-ancestors {SECURE}"),
    Row("Set-Cookie", "a=b", None, "goes into the jar"),
    Row("Set-Cookie2", "a=b", None, "nobody reads it"),
    Row("Clear-Site-Data", '"*"', '"cache", "storage"',
        "cookies are cleared in the jar; passed on it would end the session"),
    Row("Clear-Site-Data", '"prefetchCache", "prerenderCache"', '"prefetchCache", "prerenderCache"',
        "the site's own"),
    Row("Strict-Transport-Security", "max-age=1", None,
        "remembered in the jar and applied to the site's plain addresses; ours goes out"),
    Row("Alt-Svc", 'h3=":443"', None, "leads past the gateway"),
    Row("Expect-CT", "max-age=1", None, "about certificates that the browser never sees"),
    Row("Public-Key-Pins", "x", None, "the same"),
    Row("Public-Key-Pins-Report-Only", "x", None, "the same"),
    Row("NEL", '{"report_to":"x"}', None, "about connections that are ours"),
    Row("Report-To", "{}", None, "becomes an endpoint of the gateway's, which passes reports on"),
    Row("Reporting-Endpoints", f'a="{OTHER}/r"', None, "the same"),
    Row("Origin-Agent-Cluster", "?0", "?1", "two sites must not meet by document.domain"),
    Row("X-DNS-Prefetch-Control", "on", "off", "a look-up of a real name leaks it"),
    Row("Speculation-Rules", '"/r.json"', None, "prefetches past the tokens of pages"),
    Row("Cross-Origin-Resource-Policy", "same-site", "same-origin",
        "all hosts are one site to the browser: judged here", when="asked by another site"),
    Row("Cross-Origin-Resource-Policy", "same-site", "same-site", "the same", (("same_site", True),),
        "asked by its own site"),
    _same("Cross-Origin-Opener-Policy", 'same-origin; report-to="x"', "names no origin"),
    _same("Cross-Origin-Embedder-Policy", "require-corp", "names no origin"),
    _same("Document-Policy", "unsized-media=?0", "names no origin"),
    _same("Require-Document-Policy", "unsized-media=?0", "names no origin"),
    _same("No-Vary-Search", 'params=("x")', "about the site's own parameters"),
    _same("Accept-CH", "Sec-CH-UA-Model", "hints go up as they come"),
    _same("Critical-CH", "Sec-CH-UA-Model", "the same"),
    _same("Referrer-Policy", "no-referrer", "the page's own choice; without a Referer it is nobody's page"),
    _same("X-Content-Type-Options", "nosniff", "bodies keep their types"),
    _same("Origin-Trial", "token", "for the real origin: browsers ignore it here"),
    _same("Server-Timing", "a;dur=1", "text"),
    _same("WWW-Authenticate", 'Basic realm="x"', "the site's own sign-in"),
    _same("Content-Disposition", "attachment", "as it is"),
    Row("Set-Login", "logged-in", None, f"FedCM {_ONE_SITE}"),
    Row("Activate-Storage-Access", "load", None, "cookies are the jar's"),
    *[
        Row(name, '(ES256);path="x"', None, "device-bound sessions wait for cookies; those are the jar's")
        for name in ("Secure-Session-Registration", "Secure-Session-Challenge",
                     "Sec-Session-Registration", "Sec-Session-Challenge")
    ],
    Row("Observe-Browsing-Topics", "?1", None, _ONE_SITE),
    *[
        Row(f"Attribution-Reporting-{name}", "{}", None, _ONE_SITE)
        for name in ("Register-Source", "Register-Trigger", "Register-OS-Source",
                     "Register-OS-Trigger", "Info")
    ],
    *[
        Row(name, "x", None, _ONE_SITE)
        for name in ("Shared-Storage-Write", "Ad-Auction-Signals", "Ad-Auction-Result",
                     "X-Allow-FLEDGE", "Sec-Private-State-Token", "Supports-Loading-Mode")
    ],
    *[
        Row(name, "/etc/passwd", None, _BEFORE)
        for name in ("X-Accel-Redirect", "X-Accel-Buffering", "X-Sendfile", "Surrogate-Control",
                     "CDN-Cache-Control", "Edge-Control")
    ],
    Row("X-Gateway-Anything", "x", None, "only the gateway may speak so"),
    Row("Connection", "close", None, "of one connection (RFC 9110, 7.6.1)"),
    Row("ETag", '"x"', None, "in ours: origin's validator, session, cookies, version", _EDITED,
        "of an edited body"),
    *[
        Row(name, "x", None, "of octets that are not those that go out", _EDITED,
            "of an edited body")
        for name in ("Last-Modified", "Accept-Ranges", "Content-MD5", "Digest", "Content-Digest",
                     "Repr-Digest", "Unencoded-Digest", "Signature", "Signature-Input",
                     "Use-As-Dictionary", "Content-Range")
    ],
    _same("ETag", '"x"', "passes with what is not edited"),
    _same("Content-Digest", "x", "the same"),
    _same("Use-As-Dictionary", 'match="/*"', "the same"),
    Row("Cache-Control", "max-age=60", "private, no-cache", "a page holds what is one person's",
        _PRIVATE, "of a page"),
    Row("Cache-Control", "no-store, max-age=60", "no-store", "the site's wish", _PRIVATE, "of a page"),
    _same("Cache-Control", "max-age=60, no-transform",
          "passes with what is not edited; pages are edited all the same, or they would leave"),
    Row("Expires", "x", None, "its Cache-Control is ours", _PRIVATE, "of a page"),
)  # fmt: skip

_PAGE = collapsed("https://page.example")
REQUEST = (
    Row("Host", "x", "shop.example.com", "the site's own name"),
    Row("Origin", _PAGE, "https://page.example", "the page's own origin"),
    Row("Origin", SECURE, "null", "the outer frame is no site's business"),
    Row("Referer", f"{_PAGE}/p?u={_PAGE}/&__gw=x", "https://page.example/p?u=https://page.example/",
        "the page's own URL, without parameters of ours"),
    Row("Cookie", "a=b", None, "comes from the jar alone"),
    Row("Sec-Fetch-Site", "same-site", "cross-site", "between the real sites"),
    _same("Sec-Fetch-Dest", "image", "as it is; the topmost document's is document"),
    Row("HX-Current-URL", f"{_PAGE}/p", "https://page.example/p",
        "an address in a field that script sets, whatever its name"),
    Row("X-Requested-From", f"{_PAGE}/p", "https://page.example/p", "the same"),
    Row("Ping-To", f"{_PAGE}/p", "https://page.example/p", "the same"),
    Row("Authorization", f"Bearer {_PAGE}", f"Bearer {_PAGE}", "a credential"),
    Row("DPoP", "eyJ", "eyJ", "signed by the page, over the URL as it knows it"),
    *[
        Row(name, "x", None, "tells who asks")
        for name in ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "True-Client-IP",
                     "CF-Connecting-IP", "Via", "Max-Forwards")
    ],
    Row("Forwarded", "for=x", None, "the same; [upstream] forwarded has the gateway write its own"),
    *[
        Row(name, "x", None, "of one connection (RFC 9110, 7.6.1)")
        for name in ("Connection", "Keep-Alive", "TE", "Upgrade", "Proxy-Authorization")
    ],
    *[
        Row(name, "x", None, "what the browser says of the gateway's site")
        for name in ("Sec-Browsing-Topics", "Attribution-Reporting-Eligible",
                     "Attribution-Reporting-Support", "Sec-Fetch-Storage-Access",
                     "Sec-Shared-Storage-Writable", "Secure-Session-Response",
                     "Sec-Secure-Session-Id", "Sec-Session-Response", "Sec-Session-Id")
    ],
    _same("Sec-CH-UA-Model", '"x"', "the browser's own"),
    _same("Sec-GPC", "1", "the person's own"),
    _same("DNT", "1", "the same"),
    _same("Accept-Encoding", "gzip, dcz", "as it is"),
    _same("Range", "bytes=0-1", "as it is"),
    _same("If-None-Match", '"x"', "as it is"),
    Row("Accept-Encoding", "gzip, dcz", "gzip", "what can be read here as well", _EDITED,
        "where the answer may be edited"),
    *[
        Row(name, "x", None, "of octets that the browser never had", _EDITED,
            "where the answer may be edited")
        for name in ("Range", "If-Range", "If-None-Match", "If-Modified-Since",
                     "Available-Dictionary")
    ],
)  # fmt: skip


def rendered() -> str:
    """The two tables in Markdown; rows of one decision stand together."""
    out = []
    for title, rows in (("Responses", RESPONSE), ("Requests", REQUEST)):
        out += [f"### {title}", "", "| field | what becomes of it | why |", "| --- | --- | --- |"]
        lines: dict[tuple[str, str], list[str]] = {}
        reason = ""
        for row in rows:
            reason = reason if row.why == "the same" else row.why
            what = (
                "dropped" if row.out is None else "as it is" if row.out == row.value else "mapped"
            )
            names = lines.setdefault((what, reason), [])
            name = f"`{row.name}`" + (f" ({row.when})" if row.when else "")
            if name not in names:
                names.append(name)
        out += [f"| {', '.join(names)} | {what} | {why} |" for (what, why), names in lines.items()]
        out.append("")
    return "\n".join(out)


if __name__ == "__main__":
    print(rendered())
