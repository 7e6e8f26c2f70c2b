"""What a policy of an operator's may say."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.csp_grammar import DIRECTIVES, Malformed, check_directive, parse_policy


def _digest(size: int) -> str:
    return base64.b64encode(b"\xff" * size).decode()


class AcceptedTests(SynchronousTestCase):
    """Every directive and keyword of CSP 3."""

    def test_sources(self) -> None:
        """Each kind of source in each directive that has sources."""
        sources = (
            "'none'", "*", "'self'", "https:", "data:", "blob:", "a.example", "*.a.example",
            "https://a.example", "https://*.a.example:*", "a.example:8443/path/x.js", "*:*",
            "https://[::1]:8443", "wss://a.example", "localhost", "xn--bcher-kva.example",
            "'nonce-Ab+/_-9=='", f"'sha256-{_digest(32)}'", f"'SHA384-{_digest(48)}'",
            f"'sha512-{base64.urlsafe_b64encode(bytes(range(190, 254))).decode()}'",
            "'unsafe-inline'", "'UNSAFE-EVAL'", "'strict-dynamic'", "'unsafe-hashes'",
            "'report-sample'", "'wasm-unsafe-eval'", "'unsafe-allow-redirects'",
            "'inline-speculation-rules'", "'trusted-types-eval'", "'report-sha256'",
        )  # fmt: skip
        for source in sources:
            self.assertEqual(check_directive("script-src", [source]), (source,))
        for name in DIRECTIVES:
            if name.endswith("-src") or name in {"base-uri", "form-action", "frame-ancestors"}:
                self.assertEqual(check_directive(name, []), ())
                self.assertEqual(len(check_directive(name, ["'self'", "https://a.example"])), 2)

    def test_others(self) -> None:
        """What has values of its own."""
        for text in (
            "sandbox",
            "sandbox allow-scripts allow-same-origin Allow-Forms",
            "webrtc 'block'",
            "webrtc 'allow'",
            "upgrade-insecure-requests; block-all-mixed-content",
            "trusted-types",
            "trusted-types 'none'",
            "trusted-types a b#c 'allow-duplicates' *",
            "require-trusted-types-for 'script'",
            "report-uri https://a.example/x https://b.example/",
            "report-to group-1",
        ):
            self.assertEqual(str(parse_policy(text)), text)

    def test_text(self) -> None:
        """Names in lower case, one space, empty parts left out."""
        policy = parse_policy(" ;IMG-src\t'self'  https://A.example/P;; sandbox ; ")
        self.assertEqual(str(policy), "img-src 'self' https://A.example/P; sandbox")
        self.assertEqual(policy.get("sandbox"), ())
        self.assertIsNone(policy.get("script-src"))
        self.assertFalse(policy.has_nonce)
        self.assertTrue(parse_policy("script-src 'nonce-abc'").has_nonce)


class RefusedTests(SynchronousTestCase):
    """The fault names what is wrong."""

    def test_table(self) -> None:
        """One fault each."""
        table = {
            "": "no directive",
            " ; ;": "no directive",
            "image-src 'self'": '"image-src" is no directive',
            "img-src 'self', script-src 'none'": "a comma",
            "img-src a.example; IMG-SRC b.example": "img-src is there twice",
            "img-src self' ": '"self\'" is no source',
            "script-src 'slef'": "\"'slef'\" is no keyword",
            "script-src 'self": '"\'self" is no keyword',
            "img-src 'none' 'self'": "'none' stands alone",
            "img-src https://": '"https://" is no source',
            "img-src a..example": '"a..example" is no source',
            "img-src https://*.*.example": "is no source",
            "img-src a.example:99999": "is no source",
            "img-src a.example:http": "is no source",
            "img-src https://a.example/?q": "is no source",
            "img-src https://a.example/#f": "is no source",
            "script-src 'sha256-abc'": "is no digest of SHA-256",
            f"script-src 'sha512-{_digest(32)}'": "is no digest of SHA-512",
            f"script-src 'sha1-{_digest(20)}'": "is no keyword",
            "script-src 'nonce-'": "is no keyword",
            "frame-ancestors 'unsafe-inline'": "is no keyword",
            "frame-ancestors 'nonce-abc'": "is no keyword",
            "sandbox allow-everything": '"allow-everything" is no sandbox flag',
            "webrtc": "'allow' or 'block'",
            "webrtc 'block' 'allow'": "'allow' or 'block'",
            "upgrade-insecure-requests 1": "it has no value",
            "trusted-types 'none' a": "'none' stands alone",
            "trusted-types a<b": "is no name of a policy",
            "require-trusted-types-for 'style'": "expected 'script'",
            "report-uri": "names no address",
            "report-uri /relative": "is no absolute web address",
            "report-to": "expected one name",
            "report-to a b": "expected one name",
            "img-src b\u00fccher.example": "is not one word",
        }
        for text, wanted in table.items():
            with self.assertRaises(Malformed, msg=text) as caught:
                parse_policy(text)
            self.assertIn(wanted, str(caught.exception), text)

    def test_single_values(self) -> None:
        """A value given alone cannot smuggle another directive in."""
        for value in ("a; script-src *", "a,b", "a b", "", "a\nb", "x\x00"):
            with self.assertRaises(Malformed, msg=repr(value)):
                check_directive("img-src", [value])

    def test_shown_short(self) -> None:
        """A fault stays a line."""
        with self.assertRaises(Malformed) as caught:
            parse_policy("img-src '" + "x" * 5000)
        self.assertLess(len(str(caught.exception)), 200)

    @given(st.text("abc-src 'self;,*:/.[]\n\t", max_size=60))
    def test_any_text(self, text: str) -> None:
        """Malformed, or a policy that reads the same again."""
        try:
            policy = parse_policy(text)
        except Malformed:
            return
        self.assertEqual(parse_policy(str(policy)), policy)
