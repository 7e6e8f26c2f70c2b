"""Links that leave the gateway: how they are read, and which patterns open them."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.policy.intents import NEVER, opens, parse_intent, read_intent

# (pattern, URLs that it opens, URLs that it does not); URLs are parted by " | ".
TABLE = (
    (
        "tel:*",
        "tel:+4512345678 | TEL:112 | tel: | te\tl:1 |  tel:1 ",
        "sms:1 | telx:1 | https://tel/",
    ),
    ("sms:", "sms:+1?body=hello there | sms:", "smsto:1 | mms:1"),
    ("geo:*", "geo:1.5,2 | geo:0,0?q=here", "geologist:1"),
    ("mailto:*", "mailto:a@b?subject=x&cc=y | mailto:?to=a@b", "https://mailto/"),
    (
        "mailto:*@shop.example",
        "mailto:a@shop.example | mailto:x,a@shop.example | mailto:a@shop.example#x",
        "mailto:a@shop.example?cc=e@vil | mailto:a@shop.example.evil | mailto:a@other",
    ),
    ("tel:+45*", "tel:+45 | tel:+4511223344", "tel:+46 | tel:45 | tel:0+45"),
    ("tel:112", "tel:112", "tel:1120 | tel:0112 | tel:112;ext=1"),
    ("market:*", "market://details?id=x | market:search?q=x | market:///x", "market2://details"),
    ("market://details", "market://details?id=x | MARKET://Details/x", "market://search?q=x"),
    ("market://details/*", "market://details?id=x", "market:details"),
    ("https://*", "https://a.b/x?y#z | https://a.b:8443/", "http://a.b/ | wss://a.b/ | tel:1"),
    ("https://*.a.b/x*", "https://a.b/x | https://c.a.b/xy", "https://a.b/y | https://xa.b/x"),
    ("a.b", "https://a.b/ | http://a.b/", "tel:1 | foo://a.b/"),
    ("a.b:81", "https://a.b:81/ | http://a.b:81/x", "https://a.b/"),
    ("*://a.b", "foo://a.b/x | https://a.b/", "foo://c.b/ | ws://a.b/ | tel:1"),
    (
        "*://www.apache.org/*",
        "ftp://www.apache.org/ | foo://www.apache.org/ | https://www.apache.org/x",
        "file://www.apache.org/ | content://www.apache.org/ | http://www.apache.com/",
    ),
    ("com.shop.app:*", "com.shop.app:/back | com.shop.app://x", "com.shop:/x"),
    (
        "*",
        "tel:1 | https://a.b/ | http://[::1]/ | whatsapp://send?text=x | market:x",
        (
            "javascript:alert(1) | java\nscript:x | JavaScript:x | data:text/html,x | "
            "blob:https://a.b/x | file:///etc/passwd | vbscript:x | about:blank | "
            "filesystem:https://a.b/t/x | ws://a.b/ | wss://a.b/ | view-source:https://a.b/ |  | "
            "a.b | //a.b/ | /x | https:// | https://a b/ | https://xn--a/ | :tel:1 | 1tel:1"
        ),
    ),
)


class PatternTests(SynchronousTestCase):
    """Patterns asked about URLs."""

    def test_table(self) -> None:
        """Each pattern opens what it should, and nothing else."""
        for text, yes, no in TABLE:
            pattern = parse_intent(text)
            self.assertEqual(pattern.text, text)
            for urls, expected in ((yes, True), (no, False)):
                for url in urls.split(" | "):
                    found = opens(pattern, read_intent(url).target)
                    self.assertEqual(found, expected, (text, url))

    def test_never(self) -> None:
        """A rule that would open what is never an intent is a fault, however it is spelled."""
        for scheme in NEVER:
            for text in (f"{scheme}:*", f"{scheme}:", f"{scheme.upper()}:x", f"{scheme}:///*"):
                with self.assertRaises(ValueError) as caught:
                    parse_intent(text)
                self.assertIn(f"{scheme}: is never an intent", str(caught.exception), text)

    def test_faults(self) -> None:
        """What is no pattern says so."""
        for text in ("", "tel: 1", "https:*", "http:a.b", "://x", "a b", "*.", "https://"):
            with self.assertRaises(ValueError, msg=text):
                parse_intent(text)


class ReadingTests(SynchronousTestCase):
    """URLs as browsers read them."""

    def test_href(self) -> None:
        """One spelling, safe to hand on; nothing for what is no URL."""
        for url, href in (
            ("\x01 tel:\t1\n", "tel:1"),
            ("HTTPS://A.b", "https://a.b/"),
            ("https:a.b", "https://a.b/"),
            ("mailto:a b", "mailto:a b"),
            ("https://bank.example@a.b/x@y", "https://a.b/x@y"),
            ("http://u:p@a.b:8080", "http://a.b:8080/"),
            ("https://:p@a.b/?q#f", "https://a.b/?q#f"),
            ("foo://u@a.b/", "foo://u@a.b/"),
            ("a.b", ""),
            ("https://xn--a/", ""),
            ("tel:\ud800", ""),
        ):
            self.assertEqual(read_intent(url).href, href, url)

    def test_origin(self) -> None:
        """Web URLs have one, others none."""
        for url, origin in (("https://a.b:8443/x", "https://a.b:8443"), ("tel:1", "None")):
            self.assertEqual(str(read_intent(url).origin), origin)

    @settings(deadline=None, max_examples=300)
    @given(
        st.text(max_size=30) | st.builds("{}:{}".format, st.sampled_from(sorted(NEVER)), st.text())
    )
    @example("\x00")
    def test_any_text(self, url: str) -> None:
        """No text raises, and what is never an intent is opened by nothing."""
        read = read_intent(url)
        found = opens(parse_intent("*"), read.target)
        self.assertEqual(found, bool(read.href) and read.target.scheme not in NEVER)
        if found:
            self.assertEqual(read_intent(read.href).target, read.target)
