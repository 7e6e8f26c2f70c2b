"""Header fields on their way through: rewriting, "Headers", row by row."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.origins import long_label
from gateway.rewrite.headers import (
    Elsewhere,
    Initiator,
    OuterFrame,
    Page,
    Unknown,
    get,
    get_all,
    initiator,
    is_page_of_ours,
    request_fields,
    sec_fetch_site,
    strip_own_parameters,
    without_hop_by_hop,
)
from tests.cookies import SUFFIXES
from tests.rewrite import DOMAIN, SECURE, SUFFIX, codec, collapsed, origin

SITE = "https://shop.example.com"
TARGET = origin(SITE)
OURS = collapsed(SITE)
OTHER = collapsed("https://other.example")
LONG = origin("https://under_score.example")
LONG_HOST = f"https://{long_label(LONG)}{SUFFIX}"
WITHIN = wire.WITHIN_COOKIE.decode() + "=1"
OPAQUE = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"}


def _fields(**fields: str) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(
        (name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in fields.items()
    )


def _request(
    *,
    cookie: bytes = b"",
    edits: bool = False,
    condition: tuple[bytes, bytes] | None = None,
    led: bool = False,
    **fields: str,
) -> dict[str, str]:
    out = request_fields(
        _fields(**fields),
        TARGET,
        codec(),
        SUFFIXES,
        cookie=cookie,
        edits_body=edits,
        accept_encoding=b"gzip, deflate",
        condition=condition,
        led=led,
    )
    assert len({name.lower() for name, _ in out}) == len(out), out
    return {name.decode().lower(): value.decode("latin-1") for name, value in out}


class LookUpTests(SynchronousTestCase):
    """Fields by name."""

    def test_get(self) -> None:
        """The first or all values, whatever the case of the name."""
        fields = ((b"A", b"1"), (b"b", b"\xe9"), (b"a", b"3"))
        self.assertEqual(
            (get(fields, b"a"), get(fields, b"b"), get(fields, b"c")), ("1", "é", None)
        )
        self.assertEqual(get_all(fields, b"a"), [b"1", b"3"])

    def test_hop_by_hop(self) -> None:
        """The known ones and those that Connection names, in any spelling."""
        kept = ((b"Accept", b"x"), (b"Content-Type", b"y"))
        gone = (
            (b"Connection", b"close, X-One"), (b"connection", b"x-TWO"), (b"X-One", b"1"),
            (b"x-two", b"2"), (b"Keep-Alive", b"5"), (b"TE", b"trailers"), (b"Trailer", b"x"),
            (b"Transfer-Encoding", b"chunked"), (b"Upgrade", b"h2c"), (b"HTTP2-Settings", b"x"),
            (b"Proxy-Connection", b"x"), (b"Proxy-Authorization", b"x"),
            (b"Proxy-Authenticate", b"x"),
        )  # fmt: skip
        self.assertEqual(without_hop_by_hop([kept[0], *gone, kept[1]]), list(kept))


class InitiatorTests(SynchronousTestCase):
    """Who made a request: it fails closed."""

    def test_table(self) -> None:
        """Origin unless null, else Referer, else Sec-Fetch-Site: same-origin."""
        page, shop = Page(origin("https://other.example")), Page(TARGET)
        table: list[tuple[dict[str, str], Initiator]] = [
            ({}, Unknown()),
            ({"origin": "null"}, Unknown()),
            ({"origin": OTHER}, page),
            ({"origin": OURS}, shop),
            ({"origin": SECURE}, OuterFrame()),
            ({"origin": "https://evil.example"}, Elsewhere("https://evil.example")),
            ({"origin": "https://other.example"}, Elsewhere("https://other.example")),
            (
                {"origin": OTHER.replace("https:", "http:")},
                Elsewhere(OTHER.replace("https:", "http:")),
            ),
            ({"origin": f"{OTHER}:8443"}, Elsewhere(f"{OTHER}:8443")),
            ({"origin": f"{OTHER}/"}, Elsewhere(f"{OTHER}/")),
            ({"origin": LONG_HOST}, Elsewhere(LONG_HOST)),
            ({"origin": f"https://{DOMAIN}"}, Elsewhere(f"https://{DOMAIN}")),
            ({"origin": ""}, Elsewhere("")),
            ({"origin": f"{SECURE}:8443"}, Elsewhere(f"{SECURE}:8443")),
            ({"origin": f"{SECURE}.evil.example"}, Elsewhere(f"{SECURE}.evil.example")),
            ({"origin": "null", "referer": f"{OTHER}/p?q"}, page),
            (
                {"origin": "https://evil.example", "referer": f"{OTHER}/"},
                Elsewhere("https://evil.example"),
            ),
            ({"referer": f"{OTHER}/deep/p?q#f"}, page),
            ({"referer": f"{SECURE}/"}, OuterFrame()),
            ({"referer": "https://evil.example/"}, Elsewhere("https://evil.example")),
            ({"referer": "junk"}, Unknown()),
            ({"referer": "junk", "sec_fetch_site": "same-origin"}, shop),
            ({"sec_fetch_site": "same-origin"}, shop),
            ({"origin": "null", "sec_fetch_site": "same-origin"}, shop),
            ({"referer": f"{OTHER}/", "sec_fetch_site": "same-origin"}, page),
            ({"sec_fetch_site": "same-site"}, Unknown()),
            ({"sec_fetch_site": "none"}, Unknown()),
            ({"sec_fetch_site": "cross-site"}, Unknown()),
        ]
        for fields, wanted in table:
            self.assertEqual(initiator(_fields(**fields), TARGET, codec()), wanted, fields)

    def test_a_proved_digest(self) -> None:
        """A long label names a page once its digest was proved."""
        known = codec()
        known.learn(LONG)
        self.assertEqual(initiator(_fields(origin=LONG_HOST), TARGET, known), Page(LONG))

    @settings(deadline=None)
    @given(st.text(st.characters(max_codepoint=255), max_size=30))
    def test_any_origin(self, text: str) -> None:
        """No text that is not a collapsed origin makes a page."""
        found = initiator(_fields(origin=text, referer=text), TARGET, codec())
        self.assertNotIsInstance(found, Page | OuterFrame)

    def test_is_page_of_ours(self) -> None:
        """The Origin or Referer of a gateway host, or what the browser says."""
        table: list[tuple[dict[str, str], bool]] = [
            ({}, False),
            ({"origin": OTHER}, True),
            ({"origin": SECURE}, True),
            ({"origin": LONG_HOST}, True),
            ({"referer": f"{OTHER}/x"}, True),
            ({"origin": "null", "referer": f"{OTHER}/x"}, True),
            ({"origin": "null"}, False),
            ({"origin": "https://evil.example"}, False),
            ({"origin": "https://evil.example", "referer": f"{OTHER}/"}, False),
            ({"origin": OTHER.replace("https:", "http:")}, False),
            ({"origin": f"{OTHER}:8443"}, False),
            ({"origin": OTHER.replace("https:", "http:") + ":443"}, False),
            ({"referer": f"https://x.y{SUFFIX}/"}, False),
            ({"referer": f"https://evil.example/{OTHER}"}, False),
            ({"referer": f"https://gw{SUFFIX}.evil.example/"}, False),
            ({"sec_fetch_site": "same-origin"}, True),
            ({"sec_fetch_site": "same-site"}, True),
            ({"sec_fetch_site": "cross-site"}, False),
            ({"sec_fetch_site": "none"}, False),
            ({**OPAQUE, "cookie": WITHIN}, True),
            ({**OPAQUE, "cookie": "a=b;" + WITHIN, "origin": "null"}, True),
            (OPAQUE, False),
            ({**OPAQUE, "cookie": WITHIN, "sec_fetch_mode": "navigate"}, False),
            ({**OPAQUE, "cookie": WITHIN, "referer": "https://evil.example/"}, False),
            ({**OPAQUE, "cookie": "a=" + WITHIN}, False),
            ({"cookie": WITHIN}, False),
            ({"sec_fetch_site": "Same-Origin"}, False),
        ]
        for fields, wanted in table:
            self.assertEqual(is_page_of_ours(_fields(**fields), codec()), wanted, fields)

    def test_sec_fetch_site(self) -> None:
        """Computed between the real sites: scheme and registrable domain."""
        table: list[tuple[Initiator, bytes]] = [
            (OuterFrame(), b"none"),
            (Unknown(), b"cross-site"),
            (Elsewhere("x"), b"cross-site"),
            (Page(TARGET), b"same-origin"),
            (Page(origin("https://www.example.com")), b"same-site"),
            (Page(origin("https://shop.example.com:8443")), b"same-site"),
            (Page(origin("http://shop.example.com")), b"cross-site"),
            (Page(origin("https://example.org")), b"cross-site"),
        ]
        for who, wanted in table:
            self.assertEqual(sec_fetch_site(who, TARGET, SUFFIXES), wanted, who)
        blog = Page(origin("https://a.github.io"))
        self.assertEqual(
            sec_fetch_site(blog, origin("https://b.github.io"), SUFFIXES), b"cross-site"
        )


class RequestTests(SynchronousTestCase):
    """What an origin gets to see of the browser."""

    def test_host(self) -> None:
        """The origin's own, with its port unless it is the default; once."""
        self.assertEqual(_request(host=f"x{SUFFIX}")["host"], "shop.example.com")
        fields = request_fields(
            (), origin("http://h.example:81"), codec(), SUFFIXES,
            cookie=b"", edits_body=False, accept_encoding=b"",
        )  # fmt: skip
        self.assertEqual(fields, [(b"Host", b"h.example:81")])

    def test_origin_and_referer(self) -> None:
        """Expanded; ours become null or nothing; others pass."""
        table = [
            ("origin", OTHER, "https://other.example"),
            ("origin", "null", "null"),
            ("origin", "https://evil.example", "https://evil.example"),
            ("origin", SECURE, "null"),
            ("origin", f"https://{DOMAIN}", "null"),
            ("origin", LONG_HOST, "null"),
            ("referer", f"{OTHER}/p/a?q=1&r=2", "https://other.example/p/a?q=1&r=2"),
            ("referer", f"{OTHER}/?a=1&__gw=T&b=2", "https://other.example/?a=1&b=2"),
            ("referer", f"{SECURE}/", None),
            ("referer", f"https://{DOMAIN}/open?url=x", None),
            ("referer", f"{LONG_HOST}/p", None),
            ("referer", "https://evil.example/x", "https://evil.example/x"),
        ]
        for name, value, wanted in table:
            self.assertEqual(_request(**{name: value}).get(name), wanted, (name, value))

    def test_cookies(self) -> None:
        """From the jar only; the browser's never pass, not even without a jar."""
        self.assertNotIn("cookie", _request(cookie=b"", Cookie="__Http-ick=secret; a=b"))
        self.assertEqual(_request(cookie=b"j=1", Cookie="a=b")["cookie"], "j=1")

    def test_sec_fetch(self) -> None:
        """The site is recomputed where it was sent; a topmost frame is a document."""
        sibling = collapsed("https://www.example.com")
        sent = {"sec_fetch_site": "same-site"}
        self.assertEqual(_request(origin=sibling, **sent)["sec-fetch-site"], "same-site")
        self.assertEqual(_request(origin=OTHER, **sent)["sec-fetch-site"], "cross-site")
        self.assertEqual(_request(**sent)["sec-fetch-site"], "cross-site")
        self.assertNotIn("sec-fetch-site", _request(origin=OTHER))
        self.assertEqual(_request(origin=OURS, **sent, led=True)["sec-fetch-site"], "cross-site")
        self.assertEqual(_request(origin=sibling, **sent, led=True)["sec-fetch-site"], "cross-site")
        for more, wanted in (
            ({}, "same-site"),
            ({"sec_fetch_mode": "navigate"}, "cross-site"),
            ({"sec_fetch_dest": "empty"}, "same-site"),
            # A sheet of the site's that another site's page shows loads it.
            ({"sec_fetch_dest": "image"}, "cross-site"),
        ):
            found = _request(origin=OURS, **sent, **more)["sec-fetch-site"]
            self.assertEqual(found, wanted, f"led on: {more}")
        own = {"sec_fetch_site": "same-origin"}
        self.assertEqual(_request(origin=OURS, **own)["sec-fetch-site"], "same-origin")
        for dest in ("style", "image", "font"):
            sheet = _request(referer=f"{OTHER}/sheet.css", sec_fetch_dest=dest, **own)
            self.assertEqual(sheet["sec-fetch-site"], "same-origin", "its document asks")
        for dest in ("iframe", "report", "empty", "script"):
            led = _request(referer=f"{OTHER}/page", sec_fetch_dest=dest, **own)
            self.assertEqual(led["sec-fetch-site"], "cross-site", dest)
        frame = {"sec_fetch_dest": "iframe"}
        self.assertEqual(_request(referer=f"{SECURE}/", **frame)["sec-fetch-dest"], "document")
        self.assertEqual(_request(referer=f"{OTHER}/", **frame)["sec-fetch-dest"], "iframe")

    def test_ping(self) -> None:
        """A followed link's two addresses are the sites' own ones, or go nowhere."""
        for name in ("ping-from", "ping-to"):
            given = {name: f"{OTHER}/a?b&__gw=x#c"}
            self.assertEqual(_request(**given)[name], "https://other.example/a?b#c")
            self.assertNotIn(name, _request(**{name: f"{SECURE}/"}))

    def test_storage_access(self) -> None:
        """Resources of another site that are asked for with cookies are told so, nothing else."""
        name = "sec-fetch-storage-access"
        other = {"origin": OTHER, "sec_fetch_site": "same-site", "sec_fetch_mode": "cors"}
        ick = {"Cookie": "a=b; __Http-ick=secret"}
        self.assertEqual(_request(**other, **ick)[name], "active")
        sheets = {**other, **ick, "origin": OURS, "sec_fetch_dest": "font"}
        self.assertEqual(_request(**sheets)[name], "active", "of a sheet of its own host")
        self.assertNotIn(name, _request(**sheets, led=True))
        self.assertNotIn(name, _request(**{**sheets, "sec_fetch_dest": "empty"}))
        for fields in (
            other,
            {**other, "Cookie": "a=b"},
            {**other, **ick, "origin": OURS, "sec_fetch_site": "same-origin"},
            {**other, **ick, "sec_fetch_site": "same-origin"},
            {**other, **ick, "sec_fetch_mode": "navigate"},
            {**other, "Sec-Fetch-Storage-Access": "inactive"},
        ):
            self.assertNotIn(name, _request(**fields), fields)

    def test_dropped(self) -> None:
        """Hop-by-hop, forwarding, framing and handshake fields do not pass."""
        for name in (
            "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
            "proxy-authorization", "proxy-connection", "http2-settings", "content-length", "expect",
            "forwarded", "via", "x-forwarded-for", "X-Forwarded-Host", "x-forwarded-anything",
            "x-real-ip", "true-client-ip", "cf-connecting-ip", "x-client-ip", "max-forwards",
            "sec-websocket-key",
        ):  # fmt: skip
            self.assertNotIn(name.lower(), _request(**{name.replace("-", "_"): "x"}), name)
        self.assertNotIn("x-secret", _request(connection="X-Secret", x_secret="1"))

    def test_the_rest_passes(self) -> None:
        """Octet for octet, in order."""
        fields = (
            (b"User-Agent", b"a"),
            (b"X-Odd", b"\xe9;"),
            (b"Accept", b"*/*"),
            (b"X-Odd", b"2"),
        )
        out = request_fields(
            fields, TARGET, codec(), SUFFIXES,
            cookie=b"", edits_body=False, accept_encoding=b"gzip",
        )  # fmt: skip
        self.assertEqual(out, [(b"Host", b"shop.example.com"), *fields])

    def test_conditions(self) -> None:
        """A body to be edited comes whole and decodable; others as the client asks."""
        sent = {
            "accept_encoding": "br, zstd", "if_none_match": '"x"', "range": "bytes=1-",
            "if_modified_since": "x", "if_range": "x", "if_match": "x", "if_unmodified_since": "x",
        }  # fmt: skip
        plain = _request(**sent)
        self.assertEqual(plain, {"host": "shop.example.com"} | {
            name.replace("_", "-"): value for name, value in sent.items()
        })  # fmt: skip
        edited = {"host": "shop.example.com", "accept-encoding": "gzip, deflate"}
        self.assertEqual(_request(edits=True, **sent), edited)
        self.assertEqual(_request(edits=True), edited)
        for name, value in ((b"If-None-Match", b'"o"'), (b"If-Modified-Since", b"y")):
            found = _request(edits=True, condition=(name, value), **sent)
            self.assertEqual(found, edited | {name.decode().lower(): value.decode()})

    def test_the_token_parameter(self) -> None:
        """It is stripped wherever it stands; the rest stays byte for byte."""
        table = {
            "/p": "/p",
            "/p?__gw=1": "/p",
            "/p?__gw=1#f": "/p#f",
            "/p?a&__gw=1": "/p?a",
            "/p?__gw=1&a=b&&c": "/p?a=b&&c",
            "/p?__gwo=1&__gwx=2&x__gw=3": "/p?__gwo=1&__gwx=2&x__gw=3",
            "/p#?__gw=1": "/p#?__gw=1",
            "/__gw=1?": "/__gw=1?",
            "https://a/?__gw=1&__gw=2": "https://a/",
            "/p?__gwi=sha256-x%3D&a": "/p?a",
            "/p?a&__gw=1&__gwi=x#f": "/p?a#f",
        }
        for given_url, wanted in table.items():
            self.assertEqual(strip_own_parameters(given_url), wanted, given_url)
