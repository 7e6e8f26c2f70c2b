"""Origins, labels, and the map between URLs and collapsed URLs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import origins
from gateway.errors import LabelError
from gateway.origins import (
    Codec,
    HostKind,
    Origin,
    collapse,
    expand,
    is_long,
    long_label,
    parse,
    parse_origin,
)

DOMAIN = "gateway.example"
SUFFIX = f".0.{DOMAIN}"
ODD = "https://a_b.example"
ODD_LABEL = long_label(Origin("https", "a_b.example", 443))
DOT_LABEL = long_label(Origin("https", "a.", 443))
ODD_MARK = "__gwo=https%3A%2F%2Fa_b.example"
VECTORS = Path(__file__).with_name("vectors") / "url.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text("utf-8"))["cases"]
WEB_PORTS = {"http:": 80, "ws:": 80, "https:": 443, "wss:": 443}

# (origin, label): protocols, section 2, and the edges of the short form.
LABELS = (
    ("https://example.com", "https-example-com"),
    ("http://my-site.org:8080", "http8080-my--site-org"),
    ("https://xn--bcher-kva.example", "https-xn----bcher--kva-example"),
    ("https://localhost", "https-localhost"),
    ("https://a.example:80", "https80-a-example"),
    ("http://a.example:443", "http443-a-example"),
    ("http://a.example:0", "http0-a-example"),
    ("http://a.example:65535", "http65535-a-example"),
    ("http://127.0.0.1", "http-127-0-0-1"),
    ("https://a--b.c", "https-a----b-c"),
    ("https://" + "a" * 57, "https-" + "a" * 57),
)
LONG_HOSTS = (
    "a_b.example",
    "-a.example",
    "a-.example",
    "a..example",
    "a.example.",
    "[::1]",
    "[2001:db8::8]",
    "a!b.example",
    "a" * 59,
    "-".join(["a"] * 30),
)
NO_LABELS = (
    "https443-x https80x http80-x HTTPS-x Https-x https-X https-a---b https-a-----b https--x "
    "https---x https-x- https-x-- https-----a http- https- http8080- http8080 https080-x http00-x "
    "http65536-x http99999-x http100000-x https-0x7f-1 https-2130706433 https-017700000001 "
    "https-127-1 https-127-0-0-01 https-a-1 https-1-2-3-4-5 https-a_b https-a.b https-a/b "
    "https-a@b https-a:80 https-a%41 https-a?b https-\u00e4 https-\uff41 https\uff11-a "
    "https-a\u00ad ws-a wss-a ftp-a xhttps-a x-abc www https"
)


def _origin(text: str) -> Origin:
    found = parse(text)
    if found is None:
        raise AssertionError(f"{text!r} does not parse")
    return found[0]


def _short_labels() -> st.SearchStrategy[str]:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    inner = st.text(letters + "-", max_size=12)
    edge = st.sampled_from(letters)
    return st.one_of(edge, st.builds("".join, st.tuples(edge, inner, edge)))


def _hosts() -> st.SearchStrategy[str]:
    odd = st.text("abcxyz019-_.!~", min_size=1, max_size=70)
    v6 = st.ip_addresses(v=6).map(lambda address: f"[{address}]")
    v4 = st.ip_addresses(v=4).map(str)
    short = st.lists(_short_labels(), min_size=1, max_size=8).map(".".join)
    return st.one_of(short, short, short.map(lambda host: host + "."), odd, v4, v6)


def _url_origins() -> st.SearchStrategy[Origin]:
    schemes = st.sampled_from(["http", "https", "ws", "wss"])
    ports = st.one_of(st.sampled_from([0, 80, 443, 8080, 65535]), st.integers(0, 65535))
    texts = st.builds("{}://{}:{}/".format, schemes, _hosts(), ports)
    return texts.filter(parse).map(_origin)


def _label_like() -> st.SearchStrategy[str]:
    heads = st.sampled_from(["http", "https", "https", "http", "HTTP", "ws", "x", ""])
    digits = st.one_of(
        st.just(""), st.sampled_from(["0", "080", "80", "443"]), st.integers(0, 70000).map(str)
    )
    atoms = ["a", "b1", "7", "0", "0x7f", "017", "xn", "kva", "-", "--", "----", "_", ".", "A"]
    rest = st.lists(st.sampled_from(atoms), max_size=9).map("".join)
    return st.builds("{}{}-{}".format, heads, digits, rest)


class ParseTests(SynchronousTestCase):
    """``parse`` and ``parse_origin``: the WHATWG parser and nothing else."""

    def test_vectors(self) -> None:
        """Scheme, host and port agree with the standard's test data."""
        for case in CASES:
            if "xn--" in case["input"].lower() and "protocol" not in case:
                continue  # test_invalid_punycode
            found = parse(case["input"], case.get("base"))
            expected = None
            if case.get("protocol") in WEB_PORTS:
                port = WEB_PORTS[case["protocol"]]
                scheme = "https" if port == 443 else "http"
                expected = Origin(scheme, case["hostname"], int(case["port"] or port))
            self.assertEqual(found and found[0], expected, case)

    def test_invalid_punycode(self) -> None:
        """A host that fails domain-to-ASCII in a browser has no origin here."""
        accepted = [
            case["input"]
            for case in CASES
            if "xn--" in case["input"].lower()
            and "protocol" not in case
            and parse(case["input"], case.get("base")) is not None
        ]
        self.assertEqual(accepted, [])

    def test_serialised_origins_only(self) -> None:
        """``parse_origin`` takes exactly what an Origin header may hold."""
        for text in ("https://a.example", "http://a.example:8080", "https://[::1]:0"):
            self.assertEqual(str(parse_origin(text)), text)
        bad = "null https://a.example/ https://A.example https://a.example:443 http://a.example:80"
        worse = "ws://a.example //a.example https://u@a.example https:a.example https://0x7f.1 *"
        for text in [*f"{bad} {worse} https://a.example#".split(), "", " https://a.example"]:
            self.assertIsNone(parse_origin(text), text)

    def test_parts(self) -> None:
        """The views of an origin: netloc, hostname, secure."""
        origin = _origin("wss://[::1]:8443/x")
        self.assertEqual((origin.netloc, origin.hostname), ("[::1]:8443", "::1"))
        self.assertTrue(origin.secure)
        self.assertEqual(_origin("ws://a.example/").netloc, "a.example")
        self.assertFalse(_origin("ws://a.example/").secure)


class LabelTests(SynchronousTestCase):
    """``collapse`` and ``expand`` are a bijection."""

    def test_examples(self) -> None:
        """The published pairs hold in both directions."""
        for url, label in LABELS:
            self.assertEqual(collapse(_origin(url)), label, url)
            self.assertEqual(str(expand(label)), url, label)

    def test_websocket_shares_the_label(self) -> None:
        """``wss`` has the label of ``https``, ``ws`` that of ``http``."""
        for socket, twin in (("wss://a.example", "https-a-example"), ("ws://a:1", "http1-a")):
            self.assertEqual(collapse(_origin(socket)), twin)

    def test_long_labels(self) -> None:
        """Hosts that the short form cannot hold get a digest, one for each origin."""
        labels = set()
        for host in LONG_HOSTS:
            for scheme in ("http", "https"):
                label = collapse(_origin(f"{scheme}://{host}/"))
                self.assertTrue(is_long(label) and len(label) == 34, host)
                self.assertRaises(LabelError, expand, label)
                labels.add(label)
        self.assertEqual(len(labels), 2 * len(LONG_HOSTS))
        self.assertEqual(ODD_LABEL, "x-s2nuuwdtyy7nj7c44uv5avqcjiaqzdvi")

    def test_is_long(self) -> None:
        """Only the exact shape of a digest is one."""
        bad = ("https-a", "x-abc", ODD_LABEL + "a", ODD_LABEL.upper(), ODD_LABEL[:-1] + "1")
        for label in (*bad, ODD_LABEL + "\n"):
            self.assertFalse(is_long(label), label)

    def test_labels_of_no_origin(self) -> None:
        """Every other spelling of an origin is refused."""
        too_long = ["https-" + "a" * 58, "http-" + "a-" * 29 + "a"]
        for label in [*NO_LABELS.split(), *too_long, "https-a\n", "https-a b", ""]:
            try:
                origin = expand(label)
            except LabelError:
                continue
            self.fail(f"{label!r} expands to {origin}")

    def test_labels_with_invalid_punycode(self) -> None:
        """A label whose host no browser accepts belongs to no origin."""
        accepted = []
        for label in ("https-xn----", "https-xn----a", "https-a-xn----pokxncvks"):
            try:
                accepted.append(str(expand(label)))
            except LabelError:
                continue
        self.assertEqual(accepted, [])

    @settings(deadline=None)
    @given(_url_origins())
    def test_every_origin_returns(self, origin: Origin) -> None:
        """expand(collapse(o)) == o; a digest is proved by the parameter instead."""
        label = collapse(origin)
        self.assertLessEqual(len(label), 63)
        if is_long(label):
            codec = Codec(DOMAIN)
            shown = codec.collapse_url(f"{origin}/p")
            self.assertTrue(shown.startswith(f"https://{label}{SUFFIX}/p?__gwo="), shown)
            self.assertEqual(codec.expand_url(shown), f"{origin}/p")
        else:
            self.assertEqual(expand(label), origin)

    @settings(deadline=None, max_examples=400)
    @given(_label_like())
    @example("https80-a----b-c")
    def test_every_label_returns(self, label: str) -> None:
        """collapse(expand(l)) == l for all that decodes at all."""
        try:
            origin = expand(label)
        except LabelError:
            return
        self.assertEqual(collapse(origin), label)


class HostTests(SynchronousTestCase):
    """Which of the gateway's hosts a name is."""

    def test_names(self) -> None:
        """The names that the configuration gives rise to."""
        codec = Codec(DOMAIN, 8443, "i.example")
        self.assertEqual(codec.portal_origin, "https://gateway.example:8443")
        self.assertEqual(codec.secure_origin, "https://www.0.gateway.example:8443")
        self.assertEqual(codec.wildcard, "*.0.i.example:8443")
        self.assertEqual(
            codec.collapse_origin(_origin("https://a.b/")), "https://https-a-b.0.i.example:8443"
        )
        self.assertEqual(Codec(DOMAIN).secure_origin, "https://www.0.gateway.example")

    def test_classify(self) -> None:
        """Portal, secure, rewrite or none, whatever the case and the port."""
        portal, secure = (HostKind.PORTAL, ""), (HostKind.SECURE, "")
        unknown = (HostKind.UNKNOWN, "")
        table = (
            ("gateway.example", portal),
            ("GATEWAY.example:8443", portal),
            ("www.0.gateway.example", secure),
            ("WWW.0.gateway.example:443", secure),
            ("https-a-b.0.gateway.example", (HostKind.REWRITE, "https-a-b")),
            ("HTTPS-a-b.0.gateway.example:8443", (HostKind.REWRITE, "https-a-b")),
            (ODD_LABEL + SUFFIX, (HostKind.REWRITE, ODD_LABEL)),
            ("a.b" + SUFFIX, unknown),
            (SUFFIX, unknown),
            (SUFFIX[1:], unknown),
            ("x.gateway.example", unknown),
            ("https-a.0.gateway.example.evil.example", unknown),
            ("https-a.0.gateway.example@evil.example", unknown),
            ("https-a.0.evilgateway.example", unknown),
            ("evilgateway.example", unknown),
            ("127.0.0.1", unknown),
            ("[::1]:8443", unknown),
            ("gateway.example:x", unknown),
            ("", unknown),
        )
        for host, expected in table:
            self.assertEqual(Codec(DOMAIN).classify(host), expected, host)

    def test_classify_with_a_rewrite_domain(self) -> None:
        """Rewrite hosts move to the other domain; the secure host does not."""
        codec = Codec(DOMAIN, rewrite_domain="i.example")
        self.assertEqual(codec.classify("http-a.0.i.example"), (HostKind.REWRITE, "http-a"))
        self.assertEqual(codec.classify("www.0.gateway.example")[0], HostKind.SECURE)
        self.assertEqual(codec.classify("www.0.i.example"), (HostKind.SETTLE, ""))
        for host in ("http-a.0.gateway.example", "i.example", "0.i.example", "x.www.0.i.example"):
            self.assertEqual(codec.classify(host)[0], HostKind.UNKNOWN, host)

    def test_ports_are_ascii_digits(self) -> None:
        """Other digits of Unicode are no port."""
        for port in ("\u00b2", "\u0663"):
            kind, _ = Codec(DOMAIN).classify(f"gateway.example:{port}")
            self.assertEqual(kind, HostKind.UNKNOWN, ascii(port))

    def test_is_own(self) -> None:
        """Both domains and all below them, with a trailing dot too."""
        codec = Codec(DOMAIN, rewrite_domain="i.example")
        for host in ("gateway.example", "i.example", "x.gateway.example", "http-a.0.i.example"):
            self.assertTrue(codec.is_own(host), host)
            self.assertTrue(codec.is_own(host + "."), host)
        for host in ("evilgateway.example", "ii.example", "example", "gateway.example.com"):
            self.assertFalse(codec.is_own(host), host)


class ApartTests(SynchronousTestCase):
    """Two codecs of one gateway: each keeps its pages on their domain."""

    def setUp(self) -> None:
        """Both."""
        self.near, self.far = Codec(DOMAIN, 8443).apart("i.example")

    def test_names(self) -> None:
        """Outer frame and portal are the same; suffix, settle host and cookies are not."""
        near, far = self.near, self.far
        self.assertEqual(
            (near.secure_origin, near.portal_origin), (far.secure_origin, far.portal_origin)
        )
        self.assertEqual((near.is_apart, near.settle_origin), (False, ""))
        self.assertEqual((far.is_apart, far.settle_origin), (True, "https://www.0.i.example:8443"))
        self.assertEqual((near.suffix, far.suffix), (f".0.{DOMAIN}", ".0.i.example"))
        self.assertEqual((near.cookie_domain, far.cookie_domain), (DOMAIN, "i.example"))
        self.assertEqual(far.wildcard, "*.0.i.example:8443")

    def test_each_knows_its_own_hosts(self) -> None:
        """A rewrite host belongs to one; neither is ever an upstream of the other."""
        for host, kinds in {
            f"https-a.0.{DOMAIN}": (HostKind.REWRITE, HostKind.UNKNOWN),
            "https-a.0.i.example": (HostKind.UNKNOWN, HostKind.REWRITE),
            f"www.0.{DOMAIN}": (HostKind.SECURE, HostKind.SECURE),
            "www.0.i.example": (HostKind.UNKNOWN, HostKind.SETTLE),
            DOMAIN: (HostKind.PORTAL, HostKind.PORTAL),
            "i.example": (HostKind.UNKNOWN, HostKind.UNKNOWN),
        }.items():
            self.assertEqual((self.near.classify(host)[0], self.far.classify(host)[0]), kinds, host)
            self.assertTrue(self.near.is_own(host) and self.far.is_own(host), host)
        self.assertFalse(self.near.is_own("j.example") or self.far.is_own("j.example"))

    def test_urls_stay(self) -> None:
        """A URL becomes one of the codec's own domain, and only that is taken back."""
        for codec, other in ((self.near, self.far), (self.far, self.near)):
            shown = codec.collapse_url("https://a.example/b?c#d")
            self.assertEqual(shown, f"https://https-a-example{codec.suffix}:8443/b?c#d")
            self.assertEqual(codec.expand_url(shown), "https://a.example/b?c#d")
            self.assertIsNone(other.expand_url(shown))
            self.assertIsNone(other.expand_origin(shown.partition("/b")[0]))
            self.assertEqual(codec.collapse_url("https://a.example/b?c#d"), shown)

    def test_long_labels_are_learned_together(self) -> None:
        """What was proved to one is known to both, whichever it was."""
        for teacher, pupil in ((self.near, self.far), (self.far, self.near)):
            found = parse(f"https://under_score.{teacher.cookie_domain}.example/")
            assert found is not None
            label = collapse(found[0])
            self.assertFalse(pupil.knows(label))
            teacher.learn(found[0])
            self.assertTrue(pupil.knows(label))
            self.assertEqual(pupil.expand_label(label), found[0])


class CollapseUrlTests(SynchronousTestCase):
    """URLs of pages on their way to the browser."""

    def test_tails_stay(self) -> None:
        """Path, query and fragment stay byte for byte, cached or not."""
        codec = Codec(DOMAIN)
        tails = (
            "",
            "/",
            "?",
            "#",
            "/?#",
            "/%7e%zz/../\u00e4?a=b&amp;c#//x",
            "?//x",
            "\\x",
            "/ a b/c",
        )
        for scheme in ("https", "http", "wss", "ws"):
            label = "https-a--b-c" if scheme in {"https", "wss"} else "http-a--b-c"
            shown = "https" if scheme.startswith("http") else "wss"
            for tail in tails * 2:
                url = f"{scheme}://a-b.c{tail}"
                self.assertEqual(codec.collapse_url(url), f"{shown}://{label}{SUFFIX}{tail}", url)

    def test_forms(self) -> None:
        """References in every form that can name another host."""
        table = (
            ("//a.b/x", "//http-a-b.0.gateway.example/x"),
            ("/\\a.b/x", "//http-a-b.0.gateway.example/x"),
            ("/\t/a.b/x", "//http-a-b.0.gateway.example/x"),
            ("https:a.b/x", "https://https-a-b.0.gateway.example/x"),
            ("http:x?y", "https://http-doc-example.0.gateway.example/p/x?y"),
            (" \x00hTTps:\\\\A.b:0443/x\n", "https://https-a-b.0.gateway.example/x"),
            ("https://u:p@a.b:8/", "https://u:p@https8-a-b.0.gateway.example/"),
            ("https://u@v@a.b/", "https://u@v@https-a-b.0.gateway.example/"),
            ("https://a.b\\@c.d/", "https://https-a-b.0.gateway.example\\@c.d/"),
            ("https://0x7f.1/", "https://https-127-0-0-1.0.gateway.example/"),
            (f"{ODD}/x?#f", f"https://{ODD_LABEL}{SUFFIX}/x?&{ODD_MARK}#f"),
            ("https://a./x", f"https://{DOT_LABEL}{SUFFIX}/x?__gwo=https%3A%2F%2Fa."),
            (f"{ODD}#f?", f"https://{ODD_LABEL}{SUFFIX}?{ODD_MARK}#f?"),
        )
        codec = Codec(DOMAIN)
        for url, expected in table * 2:
            self.assertEqual(codec.collapse_url(url, "http://doc.example/p/q"), expected, url)

    def test_left_alone(self) -> None:
        """Relative URLs, other schemes, broken URLs and our own hosts."""
        relative = (
            "x /x ./x:y ?//a.b #//a.b foo//bar a?b:c // https:// https://a.b:99999/ https://[/"
        )
        others = (
            "javascript:x data:,//a.b mailto:a@b.c tel:1 blob:https://a.b/x about:blank ftp://a.b/"
        )
        own = "https://gateway.example/ http://x.gateway.example./ //www.0.gateway.example/x"
        codec = Codec(DOMAIN)
        for url in ["", *f"{relative} {others} {own}".split()]:
            self.assertEqual(codec.collapse_url(url, "https://doc.example/p"), url)

    def test_public_port(self) -> None:
        """The port that browsers see is in every collapsed URL."""
        codec = Codec(DOMAIN, 8443)
        for _ in range(2):
            self.assertEqual(
                codec.collapse_url("http://a.b:81/x"), "https://http81-a-b.0.gateway.example:8443/x"
            )

    def test_vectors(self) -> None:
        """No reference resolves to a host that is not the gateway's, with the right label."""
        for case in CASES:
            url, base = case["input"], case.get("base")
            shown = Codec(DOMAIN).collapse_url(url, base)
            port = WEB_PORTS.get(case.get("protocol", ""))
            if port is None:
                if "protocol" in case or "xn--" not in url.lower():
                    self.assertEqual(shown, url, case)
                continue
            scheme = "https" if port == 443 else "http"
            origin = Origin(scheme, case["hostname"], int(case["port"] or port))
            found = parse(shown, base and Codec(DOMAIN).collapse_url(base))
            original = parse(url, base)
            if found is None or original is None:
                self.fail(f"{case} became {shown!r}")
            here, there = found[1], original[1]
            self.assertEqual(found[0], Origin("https", collapse(origin) + SUFFIX, 443), case)
            self.assertEqual((here.pathname, here.hash), (there.pathname, there.hash), case)
            if not is_long(collapse(origin)):
                self.assertEqual(here.search, there.search, case)

    def test_userinfo_without_slashes(self) -> None:
        """A user name survives in the forms that lack the two slashes."""
        for url in ("http:u:p@a.b/x", "http:/u:p@a.b/x"):
            shown = Codec(DOMAIN).collapse_url(url)
            self.assertEqual(shown, "https://u:p@http-a-b.0.gateway.example/x", url)

    def test_cache_is_invisible(self) -> None:
        """A second call, or a call for another document, does not change the answer."""
        extra = ("https://a.b/x \n", "https://a.b/x\ty", "//a.b/x\n")
        cases = [(case["input"], case.get("base")) for case in CASES]
        cases += [(url, "https://doc.example/") for url in extra]
        warm = Codec(DOMAIN)
        for url, base in cases:
            warm.collapse_url(url, base)
        different = [
            (url, base)
            for url, base in cases
            if warm.collapse_url(url, base) != Codec(DOMAIN).collapse_url(url, base)
        ]
        self.assertEqual(different, [])

    def test_cache_knows_the_base(self) -> None:
        """A scheme-relative URL takes the scheme of its own document."""
        codec = Codec(DOMAIN)
        for scheme in ("https", "http", "https"):
            shown = codec.collapse_url("//a.b/", f"{scheme}://doc.example/")
            self.assertEqual(shown, f"//{scheme}-a-b.0.gateway.example/")

    def test_cache_needs_the_base(self) -> None:
        """Without a base a scheme-relative URL stays, whatever was asked before."""
        codec = Codec(DOMAIN)
        codec.collapse_url("//a.b/", "https://doc.example/")
        self.assertEqual(codec.collapse_url("//a.b/"), Codec(DOMAIN).collapse_url("//a.b/"))

    @settings(deadline=None)
    @given(_url_origins(), st.text(max_size=20))
    def test_expansion_returns(self, origin: Origin, text: str) -> None:
        """expand_url(collapse_url(u)) == u for serialised origins and any tail."""
        assume(not any(char <= " " or "\ud800" <= char <= "\udfff" for char in text))
        assume(not Codec(DOMAIN).is_own(origin.host))
        url = f"{origin}/{text}"
        codec = Codec(DOMAIN)
        self.assertEqual(codec.expand_url(codec.collapse_url(url)), url)


class OriginParameterTests(SynchronousTestCase):
    """The parameter that proves a long label."""

    def test_split(self) -> None:
        """It is taken out wherever it stands; the rest stays byte for byte."""
        table = (
            (f"/x?{ODD_MARK}", "/x"),
            (f"/x?&{ODD_MARK}", "/x?"),
            (f"/x?a=1&{ODD_MARK}", "/x?a=1"),
            (f"/x?a=1&&{ODD_MARK}", "/x?a=1&"),
            (f"/x?{ODD_MARK}&a=%7e", "/x?a=%7e"),
            (f"/x?a&{ODD_MARK}&b", "/x?a&b"),
            (f"/x?a&{ODD_MARK}#f", "/x?a#f"),
            (f"/?{ODD_MARK}&{ODD_MARK}", f"/?{ODD_MARK}"),
            (f"/?{ODD_MARK}&a&{ODD_MARK}", f"/?{ODD_MARK}&a"),
            (f"/?__gwo=1&{ODD_MARK}&__gwo=2", "/?__gwo=1&__gwo=2"),
        )
        for target, rest in table:
            found = Codec(DOMAIN).split_origin_parameter(ODD_LABEL, target)
            self.assertEqual(found, (rest, _origin(ODD)), target)

    def test_lookalikes_stay(self) -> None:
        """A site's own parameter of that name is not touched."""
        for value in ("https%3A%2F%2Fc_d.example", ODD + "/", "null", "%ff", "", "a_b.example"):
            target = f"/x?__gwo={value}&a"
            found = Codec(DOMAIN).split_origin_parameter(ODD_LABEL, target)
            self.assertEqual(found, (target, None))
        for target in (f"/x?x{ODD_MARK}", "/x", "", "/?__GWO=1"):
            found = Codec(DOMAIN).split_origin_parameter(ODD_LABEL, target)
            self.assertEqual(found, (target, None))

    def test_only_in_the_query(self) -> None:
        """A path or a fragment that looks like it does not disturb the round trip."""
        codec = Codec(DOMAIN)
        urls = (f"{ODD}/p#?{ODD_MARK}", f"{ODD}/p&{ODD_MARK}", f"{ODD}/p&{ODD_MARK}?q")
        broken = [url for url in urls if codec.expand_url(codec.collapse_url(url)) != url]
        self.assertEqual(broken, [])


class ExpandTests(SynchronousTestCase):
    """Collapsed URLs and origins on their way to the site."""

    def test_expand_url(self) -> None:
        """Only https and wss URLs of rewrite hosts at the public port have an original."""
        host = "https-a-b.0.gateway.example"
        table = (
            (f"https://{host}/p?q#a", "https://a.b/p?q#a"),
            (f"https://{host}", "https://a.b"),
            (f"https://{host}:443?x", "https://a.b?x"),
            (f"https://u:p@{host}/", "https://u:p@a.b/"),
            (f"wss://{host}/s", "wss://a.b/s"),
            (f"wss://http8-a{SUFFIX}/s", "ws://a:8/s"),
            (f"https://{ODD_LABEL}{SUFFIX}/x?&{ODD_MARK}#f", f"{ODD}/x?#f"),
            (f"https://{ODD_LABEL}{SUFFIX}/x", None),
            (f"https://{ODD_LABEL}{SUFFIX}/x?__gwo=https%3A%2F%2Fc_d.example", None),
            (f"http://{host}/", None),
            (f"http://{host}:443/", None),
            (f"ws://{host}/", None),
            (f"ws://{host}:443/", None),
            (f"https://{host}:8443/", None),
            (f"//{host}/", None),
            ("https://https-a-b.0.other.example/", None),
            ("https://https-a-b.0.gateway.example.evil.example/", None),
            ("https://https443-a.0.gateway.example/", None),
            ("https://gateway.example/", None),
            ("https://www.0.gateway.example/", None),
            ("https://a.b/", None),
            ("javascript:x", None),
            ("/x", None),
        )
        for url, expected in table:
            self.assertEqual(Codec(DOMAIN).expand_url(url), expected, url)

    def test_expand_url_at_another_port(self) -> None:
        """With a public port, that port alone is ours."""
        codec = Codec(DOMAIN, 8443)
        self.assertEqual(codec.expand_url(f"https://http-a{SUFFIX}:8443/x"), "http://a/x")
        self.assertIsNone(codec.expand_url(f"https://http-a{SUFFIX}/x"))

    def test_origin_at(self) -> None:
        """A Host header of a rewrite host, whatever its port; long forms are not known by it."""
        table = (
            ("https8-a-b.0.gateway.example", "https://a.b:8"),
            ("HTTP-a.0.gateway.example:8443", "http://a"),
            ("https443-a.0.gateway.example", None),
            (f"{ODD_LABEL}{SUFFIX}", None),
            ("gateway.example", None),
            ("www.0.gateway.example", None),
            ("https-a.0.other.example", None),
            ("", None),
        )
        for host, expected in table:
            found = Codec(DOMAIN).origin_at(host)
            self.assertEqual(None if found is None else str(found), expected, host)

    def test_expand_origin(self) -> None:
        """An Origin header of a rewrite host, and nothing else."""
        table = (
            ("https://https8-a-b.0.gateway.example", "https://a.b:8"),
            ("https://http-a.0.gateway.example", "http://a"),
            ("http://https-a.0.gateway.example", None),
            ("http://https-a.0.gateway.example:443", None),
            ("https://https-a.0.gateway.example:8443", None),
            ("https://https-a.0.gateway.example/", None),
            ("https://https-a.0.other.example", None),
            ("https://https443-a.0.gateway.example", None),
            (f"https://{ODD_LABEL}{SUFFIX}", None),
            ("https://gateway.example", None),
            ("https://www.0.gateway.example", None),
            ("wss://https-a.0.gateway.example", None),
            ("null", None),
        )
        for text, expected in table:
            origin = Codec(DOMAIN).expand_origin(text)
            self.assertEqual(origin and str(origin), expected, text)

    def test_origins_that_are_remembered(self) -> None:
        """What may be an origin is read once; what is longer than any is read each time."""
        text = "https://" + ".".join(["a" * 63] * 3 + ["b" * 61]) + ":65535"
        first = parse_origin(text)
        self.assertIsNotNone(first)
        self.assertIs(parse_origin(text), first)
        before = origins._origin.cache_info().currsize
        self.assertIsNone(parse_origin(f"{text}/{'x' * 1000}"))
        self.assertEqual(origins._origin.cache_info().currsize, before)
        self.assertIsNotNone(origins._origin.cache_info().maxsize)

    def test_learned_labels(self) -> None:
        """A digest that was proved once needs no parameter; another one still does."""
        codec, origin = Codec(DOMAIN), _origin(ODD)
        host = ODD_LABEL + SUFFIX
        self.assertFalse(codec.knows(ODD_LABEL))
        self.assertRaises(LabelError, codec.expand_label, ODD_LABEL)
        codec.learn(origin)
        self.assertTrue(codec.knows(ODD_LABEL) and codec.knows("https-a"))
        self.assertEqual(codec.expand_label(ODD_LABEL), origin)
        self.assertEqual(codec.expand_origin(f"https://{host}"), origin)
        self.assertEqual(codec.expand_url(f"https://{host}/x"), f"{ODD}/x")
        self.assertEqual(codec.expand_url(f"https://{host}/x?__gwo=1"), f"{ODD}/x?__gwo=1")
        self.assertFalse(codec.knows(long_label(_origin("https://c_d.example"))))

    def test_expand_label_caches_origins_only(self) -> None:
        """The cache gives what ``expand`` gives, errors included."""
        codec = Codec(DOMAIN)
        for _ in range(2):
            self.assertEqual(codec.expand_label("https-a-b"), expand("https-a-b"))
            self.assertRaises(LabelError, codec.expand_label, "https443-a")
