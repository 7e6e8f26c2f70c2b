"""Response fields on their way to the browser: rewriting, "Headers", row by row."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.rewrite.csp import RuntimeSource
from gateway.rewrite.headers import ResponseContext, own_fields, response_fields
from tests.rewrite import SECURE, WILDCARD, codec, collapsed, origin

SITE = "https://shop.example.com"
TARGET = origin(SITE)
OTHER = collapsed("https://other.example")
REPORTS = f"; report-uri {wire.REPORT_PATH}"
EVERYONE = f"frame-ancestors https://{WILDCARD} {SECURE}{REPORTS}"


def _fields(**fields: str) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(
        (name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in fields.items()
    )


def _context(**more: Any) -> ResponseContext:
    return ResponseContext(TARGET, f"{SITE}/dir/page?q", codec(), **more)


def _response(context: ResponseContext | None = None, **fields: str) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for name, value in response_fields(_fields(**fields), context or _context()):
        out.setdefault(name.decode().lower(), []).append(value.decode("latin-1"))
    return out


def _mapped(name: str, value: str, **context: Any) -> str | None:
    found = _response(_context(**context), **{name: value}).get(name.replace("_", "-"), [None])
    assert len(found) == 1, found
    return found[0]


class ResponseTests(SynchronousTestCase):
    """What the browser gets to see of the origin."""

    def test_urls(self) -> None:
        """Absolute and scheme-relative ones are collapsed, relative ones stay."""
        host = OTHER.partition(":")[2]
        for name in ("location", "content_location", "sourcemap", "x_sourcemap"):
            for value, wanted in {
                "https://other.example/p?q#f": f"{OTHER}/p?q#f",
                "//other.example/p": f"{host}/p",
                "/p?u=https://other.example/": "/p?u=https://other.example/",
                "p/../q": "p/../q",
                "?x": "?x",
                "": "",
                "mailto:a@b.example": "mailto:a@b.example",
                "https://other.example/\xe9": f"{OTHER}/\xe9",
            }.items():
                self.assertEqual(_mapped(name, value), wanted, (name, value))

    def test_urls_that_script_reads(self) -> None:
        """Other sites' names stay where the browser does not go there; the own one is mapped."""
        other, own = "https://other.example/p", f"{SITE}/p"
        for name in ("location", "content_location"):
            self.assertEqual(_mapped(name, other, by_script=True, redirects=False), other)
            mine = _mapped(name, own, by_script=True, redirects=False)
            self.assertEqual(mine, f"{collapsed(SITE)}/p")
        self.assertEqual(_mapped("location", other, by_script=True), f"{OTHER}/p")
        self.assertEqual(_mapped("location", other, redirects=False), f"{OTHER}/p")

    def test_refresh(self) -> None:
        """The URL in any of its spellings; the time and quotes stay."""
        for value, wanted in {
            "5": "5",
            "0; url=https://other.example/p": f"0; url={OTHER}/p",
            "0;URL = https://other.example": f"0;URL = {OTHER}",
            "1, https://other.example/": f"1, {OTHER}/",
            "0; url=/p": "0; url=/p",
            "0; url='https://other.example/p'": f"0; url='{OTHER}/p'",
            '0; url="https://other.example/p"': f'0; url="{OTHER}/p"',
        }.items():
            self.assertEqual(_mapped("refresh", value), wanted, value)

    def test_location_in_utf_8(self) -> None:
        """A host that is not ASCII is read as browsers read it; what is no UTF-8 passes."""
        value = "https://bücher.example/ü".encode()
        given = [(b"Location", value), (b"Content-Location", b"/\xfc")]
        mapped = dict(response_fields(tuple(given), _context()))
        host = b"https-xn----bcher--kva-example"
        self.assertTrue(mapped[b"Location"].startswith(b"https://" + host), mapped)
        self.assertTrue(mapped[b"Location"].endswith("/ü".encode()))
        self.assertEqual(mapped[b"Content-Location"], b"/\xfc")

    def test_refresh_with_a_bare_quoted_origin(self) -> None:
        """The closing quote is no part of the host."""
        for quote in "'\"":
            value = f"0; url={quote}https://other.example{quote}"
            self.assertEqual(_mapped("refresh", value), f"0; url={quote}{OTHER}{quote}")

    def test_link(self) -> None:
        """Every target is collapsed; what script fetched is left to it."""
        value = "<https://other.example/a>; rel=preload, </b>; rel=x, <//other.example/c>"
        wanted = f"<{OTHER}/a>; rel=preload, </b>; rel=x, <{OTHER.partition(':')[2]}/c>"
        self.assertEqual(_mapped("link", value), wanted)
        self.assertEqual(_mapped("link", value, by_script=True), value)

    def test_origins(self) -> None:
        """In CORS, timing and permission fields."""
        for name in ("access_control_allow_origin", "timing_allow_origin"):
            for value, wanted in {
                "*": "*",
                "null": "null",
                "https://other.example": OTHER,
                "http://other.example:81": collapsed("http://other.example:81"),
            }.items():
                self.assertEqual(_mapped(name, value), wanted, (name, value))
        both = "https://other.example, *"
        self.assertEqual(_mapped("timing_allow_origin", both), f"{OTHER}, *")
        self.assertEqual(
            _mapped("permissions_policy", 'camera=(self "https://other.example"), usb=()'),
            f'camera=(self "{OTHER}"), usb=()',
        )

    def test_policies(self) -> None:
        """The site's are mapped, each a field of its own; the containment is always the last."""
        value = "img-src https://other.example, font-src 'self'"
        found = _response(content_security_policy=value)["content-security-policy"]
        self.assertEqual(found[:-1], [f"img-src {OTHER}", "font-src 'self'"])
        self.assertIn("default-src https://*", found[-1])
        (only,) = _response()["content-security-policy"]
        self.assertTrue(only.endswith(EVERYONE), only)
        report = _response(content_security_policy_report_only="img-src https://other.example")
        self.assertEqual(report["content-security-policy-report-only"], [f"img-src {OTHER}"])
        self.assertEqual(len(report["content-security-policy"]), 1)

    def test_the_runtime_is_admitted(self) -> None:
        """In both kinds of policy, when it is injected."""
        context = _context(
            runtime=RuntimeSource(
                "https://h/r.js", "sha256-x", "https://h/s.js", "sha256-y", "https://h/.gateway/"
            )
        )
        values = {"content_security_policy": "script-src a:"}
        values["content_security_policy_report_only"] = "script-src b:"
        found = _response(context, **values)
        for name in values:
            self.assertIn("https://h/r.js", found[name.replace("_", "-")][0], name)

    def test_framing(self) -> None:
        """X-Frame-Options never passes; it becomes frame-ancestors unless a policy has them."""
        table: list[tuple[dict[str, str], str]] = [
            ({"x_frame_options": "DENY"}, f"frame-ancestors {SECURE}{REPORTS}"),
            ({"x_frame_options": "SAMEORIGIN"}, f"frame-ancestors 'self' {SECURE}{REPORTS}"),
            ({"x_frame_options": "DENY", "content_security_policy": "frame-ancestors *"}, EVERYONE),
            (
                {
                    "x_frame_options": "DENY",
                    "content_security_policy_report_only": "frame-ancestors *",
                },
                f"frame-ancestors {SECURE}{REPORTS}",
            ),
        ]
        for fields, wanted in table:
            found = _response(**fields)
            self.assertNotIn("x-frame-options", found)
            self.assertTrue(found["content-security-policy"][-1].endswith(wanted), fields)

    def test_dropped(self) -> None:
        """Fields that would reach beyond the page, frame the body, or speak for the gateway."""
        for name in (
            "set-cookie", "set-cookie2", "Set-Cookie", "alt-svc", "public-key-pins",
            "public-key-pins-report-only", "expect-ct", "report-to", "nel", "reporting-endpoints",
            "content-length", "transfer-encoding", "connection", "keep-alive", "trailer", "upgrade",
            "speculation-rules", "x-gateway-anything", "X-Gateway-Origin",
        ):  # fmt: skip
            found = _response(**{name.replace("-", "_"): "x"})
            self.assertNotIn(name.lower(), found, name)

    def test_own_fields(self) -> None:
        """HSTS, origin agent clusters and no DNS prefetch, whatever the site says; once each."""
        own = {name.decode().lower(): [value.decode()] for name, value in own_fields()}
        self.assertEqual(own["origin-agent-cluster"], ["?1"])
        self.assertEqual(own["x-dns-prefetch-control"], ["off"])
        self.assertIn("includeSubDomains", own["strict-transport-security"][0])
        found = _response(**{name.replace("-", "_"): "0" for name in own})
        self.assertEqual({name: found[name] for name in own}, own)

    def test_connection_cannot_drop_ours(self) -> None:
        """A site cannot name a policy of its own or of ours away."""
        value = "content-security-policy, x-frame-options, origin-agent-cluster"
        found = _response(
            connection=value, x_frame_options="DENY", content_security_policy="img-src 'none'"
        )
        self.assertEqual(found["content-security-policy"][0], "img-src 'none'")
        self.assertTrue(
            found["content-security-policy"][1].endswith(f"frame-ancestors {SECURE}{REPORTS}")
        )
        self.assertEqual(found["origin-agent-cluster"], ["?1"])

    def test_clear_site_data(self) -> None:
        """Cookies never pass, since they would be the session's; the star is the rest."""
        for value, wanted in {
            '"cookies"': None,
            '"cache"': '"cache"',
            '"cache", "cookies","storage"': '"cache", "storage"',
            '"*"': '"cache", "storage"',
            '"*", "cookies"': '"cache", "storage"',
            '"clientHints", "executionContexts"': None,
            "": None,
        }.items():
            self.assertEqual(_mapped("clear_site_data", value), wanted, value)

    HOLDS = (
        "etag", "last-modified", "accept-ranges", "content-md5", "digest", "content-digest",
        "repr-digest", "content-encoding",
    )  # fmt: skip
    CACHING = ("cache-control", "expires", "age", "pragma")

    def test_edited_bodies(self) -> None:
        """Length, digests, validators and coding no longer hold; how long to keep it does."""
        names = (*self.HOLDS, *self.CACHING, "content-type", "vary")
        sent = {name.replace("-", "_"): "x" for name in names}
        edited = _response(_context(edited=True), **sent)
        self.assertEqual(set(self.HOLDS) & set(edited), set())
        for name in (*self.CACHING, "content-type"):
            self.assertEqual(edited[name], ["x"], name)
        plain = _response(**sent)
        for name in (*self.HOLDS, *self.CACHING):
            self.assertEqual(plain[name], ["x"], name)

    def test_codings(self) -> None:
        """The coding of an edited body is ours; of any other the origin's."""
        for coding in ("gzip", "br", "zstd"):
            found = _response(_context(edited=True, coding=coding), content_encoding="deflate")
            self.assertEqual(found["content-encoding"], [coding])
        found = _response(_context(edited=True), content_encoding="deflate")
        self.assertNotIn("content-encoding", found)
        for coding in ("identity", "br"):
            found = _response(_context(coding=coding), content_encoding="x-odd")
            self.assertEqual(found["content-encoding"], ["x-odd"])

    def test_validators(self) -> None:
        """Ours in place of the origin's, once."""
        ours = b'W/"gw-x"'
        found = _response(_context(edited=True, etag=ours), etag='"a"', last_modified="x")
        self.assertEqual(found["etag"], [ours.decode()])
        self.assertNotIn("last-modified", found)

    def test_private_bodies(self) -> None:
        """What holds one person's cookies is kept by no one else, and asked for each time."""
        table: dict[str | None, str] = {
            None: "private, no-cache",
            "max-age=99, public": "private, no-cache",
            "no-cache": "private, no-cache",
            "no-store": "no-store",
            "No-Store, max-age=0": "no-store",
            "private, no-store": "no-store",
        }
        for value, wanted in table.items():
            sent = dict.fromkeys(("expires", "age", "pragma"), "x")
            if value is not None:
                sent["cache_control"] = value
            found = _response(_context(edited=True, private=True), **sent)
            self.assertEqual(found["cache-control"], [wanted], value)
            self.assertEqual(set(sent) & set(found), set())
        both = [(b"Cache-Control", b"max-age=1"), (b"cache-control", b"no-store")]
        fields = response_fields(tuple(both), _context(edited=True, private=True))
        kept = [value for name, value in fields if name.lower() == b"cache-control"]
        self.assertEqual(kept, [b"no-store"])

    @settings(deadline=None)
    @given(
        st.sampled_from((
            "location", "refresh", "link", "permissions_policy", "content_security_policy",
            "access_control_allow_origin", "clear_site_data", "x_frame_options", "x_other",
        )),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40),
    )  # fmt: skip
    def test_any_value(self, name: str, value: str) -> None:
        """Any octets of a site can be mapped, and stay one line."""
        for values in _response(**{name: value}).values():
            for one in values:
                self.assertNotRegex(one, r"[\r\n]")
