"""The table of ways by which a page could reach a foreign host.

Most stand in files beside this one, in sections: a line ``//: name signal`` (in HTML
``<!--: name -->``, in CSS ``/*: name */``) begins a way, a line ``//> file`` what the site serves
for it as ``/s/<name>.js``.  ``@URL@`` is the way's own URL at the foreign host, ``@HOST@`` that
host, ``@NAME@`` the way's name and ``@PORT@`` the port where the tripwire listens.  A text that
names ``/r/<name>`` gets a redirect to the URL there.
"""

from __future__ import annotations

import re
from pathlib import Path

import attrs

ZONE = "foreign.test"
_SECTION = re.compile(r"^(?://|<!--|/\*): ([\w-]+)(?: (\w+))?(?: -->| \*/)?\n", re.MULTILINE)
_FILE = re.compile(r"^(?://|<!--)> file(?: -->)?\n", re.MULTILINE)


@attrs.frozen
class Way:
    """One way.

    ``signal`` is what the tripwire gets of it without a gateway: a ``request``, a bare
    ``connection``, a datagram (``stun``, a peer's ``check``, ``quic``), or ``none`` in the
    browser of today.  ``page`` is where it is tried; ``fields`` are header fields of that page.
    """

    name: str
    kind: str
    text: str
    page: str
    signal: str = "request"
    file: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    media: str = "text/html"

    @property
    def host(self) -> str:
        """Its own host name, so that a connection without a request tells the way, too."""
        return f"{self.name}.{ZONE}"

    @property
    def url(self) -> str:
        """Where it leads."""
        return f"https://{self.host}/w/{self.name}"

    @property
    def redirects(self) -> bool:
        """Whether the site itself leads there."""
        return "/r/@NAME@" in self.text

    def fill(self, text: str, port: int) -> str:
        """A text of this way with its names in place."""
        names = {"URL": self.url, "HOST": self.host, "NAME": self.name, "PORT": str(port)}
        for name, value in names.items():
            text = text.replace(f"@{name}@", value)
        return text


def _read(name: str) -> list[str]:
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    return _SECTION.split(text)


def _ways(name: str, kind: str, page: str = "") -> list[Way]:
    """The sections of a file; each has a page of its own unless ``page`` is named."""
    _, *parts = _read(name)
    made = []
    for way, signal, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        text, file, *_ = [*_FILE.split(body), ""]
        made.append(Way(way, kind, text.strip(), page or way, signal or "request", file.strip()))
    return made


# What begins every page's script, and every service worker's.
HELPERS = _read("scripts.js")[0]
WORKER_HELPERS = _read("service-workers.js")[0]

_SVG = '<svg xmlns="http://www.w3.org/2000/svg">'
_XHTML = '<html xmlns="http://www.w3.org/1999/xhtml"><body>'
_DOCUMENTS = (
    ("svg-image", "image/svg+xml", f'{_SVG}<image href="@URL@" width="9" height="9"/></svg>'),
    ("svg-import", "image/svg+xml", f'{_SVG}<style>@import "@URL@";</style></svg>'),
    ("svg-sheet", "image/svg+xml", f'<?xml-stylesheet href="@URL@"?>{_SVG}</svg>'),
    ("xhtml-image", "application/xhtml+xml", f'{_XHTML}<img src="@URL@"/></body></html>'),
    (
        "xhtml-sheet",
        "application/xhtml+xml",
        f'<?xml-stylesheet href="@URL@" type="text/css"?>{_XHTML}</body></html>',
    ),
)
_POLICY = "Content-Security-Policy"
_GROUP = '{"group": "x", "max_age": 9999, "endpoints": [{"url": "@URL@"}]}'
_ERRORS = '{"report_to": "x", "max_age": 9999, "success_fraction": 1.0}'
_HEADERS = (
    ("header-preload", "request", ("Link", "<@URL@>; rel=preload; as=image")),
    ("header-list", "request", ("Link", "</none>; rel=preload; as=image, <@URL@>; rel=prefetch")),
    ("header-modulepreload", "request", ("Link", "<@URL@>; rel=modulepreload")),
    ("header-prefetch", "request", ("Link", "<@URL@>; rel=prefetch")),
    ("header-preconnect", "connection", ("Link", "<@URL@>; rel=preconnect")),
    ("header-set", "none", ("Link", "</none>; rel=preload; as=image; imagesrcset='@URL@ 1x'")),
    ("header-refresh", "request", ("Refresh", "0; url=@URL@")),
    ("header-rules", "request", ("Speculation-Rules", '"@URL@"')),
    ("header-report-uri", "request", (_POLICY, "img-src 'none'; report-uri @URL@")),
    (
        "header-report-only",
        "request",
        (f"{_POLICY}-Report-Only", "img-src 'none'; report-uri @URL@"),
    ),
    (
        "header-endpoints",
        "request",
        ("Reporting-Endpoints", 'x="@URL@"'),
        (_POLICY, "img-src 'none'; report-to x"),
    ),
    ("header-errors", "request", ("Report-To", _GROUP), ("NEL", _ERRORS)),
)

WAYS = (
    *_ways("markup.html", "html", "markup"),
    *_ways("styles.css", "css", "styles"),
    *_ways("documents.html", "html"),
    *(Way("document-" + name, "html", text, name, media=media) for name, media, text in _DOCUMENTS),
    *(
        # An image that a policy of theirs forbids gives cause for a report.
        Way(name, "header", "<img src=/none>", name, signal, fields=fields)
        for name, signal, *fields in _HEADERS
    ),
    *_ways("scripts.js", "js", "scripts"),
    *_ways("workers.js", "worker", "workers"),
    *_ways("service-workers.js", "sw", "service-workers"),
    *_ways("navigations.js", "js"),
    # Last, for the browser speculates for the tab alone that is in front.
    *_ways("rules.html", "html", "rules"),
)
PAGES = tuple(dict.fromkeys(way.page for way in WAYS))
