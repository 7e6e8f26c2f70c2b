"""Collapsed addresses in what pages send: found at every level of encoding, and nothing else."""

from __future__ import annotations

import base64
import time
from urllib.parse import quote, unquote

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import collapse, long_label
from gateway.rewrite.outgoing import TextMapper, map_text, names_any, names_coded
from tests.rewrite import SUFFIX, codec, collapsed, cut, origin, run

SHOP = "https://shop.example.com"
PLAIN = "http://old-shop.example.com:8080"
LONG = "https://under_score.example.com"
OURS = collapsed(SHOP)
HOST = OURS.removeprefix("https://")
PORT = OURS + ":8443"


def mapped(text: str, port: int = 443) -> str:
    """The text as an origin gets it."""
    return map_text(text.encode("utf-8"), codec(port))[0].decode("utf-8")


class MappingTests(SynchronousTestCase):
    """What becomes of a text."""

    def test_table(self) -> None:
        """URLs, hosts, encodings, and what only looks like one."""
        plain = collapsed(PLAIN)
        twice = quote(quote(plain + "/p", safe=""), safe="")
        table = [
            (OURS, SHOP),
            (f"{OURS}/p?q=1#f", f"{SHOP}/p?q=1#f"),
            (OURS.upper() + "/P", "HTTPS://shop.example.com/P"),
            (plain + "/", PLAIN + "/"),
            (f"wss://{HOST}/s", "wss://shop.example.com/s"),
            (f"wss://{plain[8:]}/s", "ws://old-shop.example.com:8080/s"),
            (f"//{HOST}/p", "//shop.example.com/p"),
            (f"//{plain[8:]}/p", "//old-shop.example.com:8080/p"),
            (HOST, "shop.example.com"),
            (plain[8:], "old-shop.example.com:8080"),
            (f"me@{HOST}.", "me@shop.example.com."),
            # Encoded once, twice, three times, in either case of its digits.
            (f"u={quote(OURS + '/p?a=1', safe='')}&v", f"u={quote(SHOP + '/p?a=1', safe='')}&v"),
            (quote(plain, safe=""), quote(PLAIN, safe="")),
            (quote(plain, safe="").lower(), "http%3a%2f%2fold-shop.example.com%3A8080"),
            (twice, quote(quote(PLAIN + "/p", safe=""), safe="")),
            (quote(twice, safe=""), quote(quote(quote(PLAIN + "/p", safe=""), safe=""), safe="")),
            (f"%22{HOST}%22", "%22shop.example.com%22"),
            (f"%2522{HOST}%2522", "%2522shop.example.com%2522"),
            (f"next=%2F%2F{HOST}%2Fx", "next=%2F%2Fshop.example.com%2Fx"),
            # JSON, its escapes, and JSON in JSON.
            (f'{{"u":"{OURS}/p"}}', f'{{"u":"{SHOP}/p"}}'),
            (f'"https:\\/\\/{HOST}\\/p"', '"https:\\/\\/shop.example.com\\/p"'),
            (f'"{{\\"u\\":\\"https:\\\\/\\\\/{HOST}\\"}}"',
             '"{\\"u\\":\\"https:\\\\/\\\\/shop.example.com\\"}"'),
            (f'"https:\\u002F\\u002f{HOST}"', '"https:\\u002F\\u002fshop.example.com"'),
            (f'"\\n{HOST}"', '"\\nshop.example.com"'),
            (f'"\\u0022{HOST}"', '"\\u0022shop.example.com"'),
            # Two beside each other, and one in another.
            (f"{OURS} {plain}", f"{SHOP} {PLAIN}"),
            (f"{OURS}?u={quote(plain, safe='')}", f"{SHOP}?u={quote(PLAIN, safe='')}"),
            # The page's own arithmetic: that host, this port, and the label's own security.
            (f"{OURS}:15674/ws", f"{SHOP}:15674/ws"),
            (f"ws://{HOST}:15674/ws", "wss://shop.example.com:15674/ws"),
            (f"http://{HOST}/", f"{SHOP}/"),
            (f"{HOST}:8080", "shop.example.com:8080"),
            (f"{OURS}:443/", f"{SHOP}/"),
            (f"https%3A%2F%2F{HOST}%3A99%2F", "https%3A%2F%2Fshop.example.com%3A99%2F"),
            # What is none of ours, or no name that a label stands for.
            (f"https://www{SUFFIX}/", None),
            (f"https://x{SUFFIX}/", None),
            (f"https://https-{SUFFIX}/", None),
            (f"https://{long_label(origin(LONG))}{SUFFIX}/", None),
            (f"a.{HOST}", None),
            (f"x{HOST}", None),
            (f"-{HOST}", None),
            (f"{HOST}x", None),
            (f"{HOST}.evil.example", None),
            (f"{HOST}-x", None),
            (f"https://https-{'a' * 70}{SUFFIX}/", None),
            (f"https://https-a---b{SUFFIX}/", None),
            (f"https://https443-a-b{SUFFIX}/", None),
            ("https://shop.example.com/", None),
            (SUFFIX, None),
            ("", None),
        ]  # fmt: skip
        for text, wanted in table:
            self.assertEqual(mapped(text), text if wanted is None else wanted, text)
            around = mapped(f'["{text}" {text}]')
            self.assertEqual(around, f'["{wanted or text}" {wanted or text}]', text)

    def test_a_port_in_urls(self) -> None:
        """Where the gateway's URLs have a port, a host without one is a host name alone."""
        other = collapsed(PLAIN)
        for text, wanted in (
            (f"{PORT}/p", f"{SHOP}/p"),
            (f"{other}:8443/p", f"{PLAIN}/p"),
            (f"{other[8:]}:8443", "old-shop.example.com:8080"),
            (other[8:], "old-shop.example.com"),
            (f"{other}/p", "http://old-shop.example.com/p"),
            (f"{other}:443/p", "http://old-shop.example.com:443/p"),
            (quote(f"{other}:8443", safe=""), quote(PLAIN, safe="")),
            (f"{OURS}:84430/", f"{SHOP}:84430/"),
            (f"{OURS}:844300/", f"{SHOP}:844300/"),
        ):
            self.assertEqual(mapped(text, 8443), wanted, text)

    def test_parameters_of_ours(self) -> None:
        """They go, at each level, wherever they stand in a URL that is mapped."""
        token = "__gw=AbC-_9"
        for level in range(3):
            for before, after in (
                (f"/p?{token}", "/p"),
                (f"/p?a=1&{token}", "/p?a=1"),
                (f"/p?{token}&a=1", "/p?a=1"),
                (f"/p?a=1&{token}&__gwp=x&b=2#f", "/p?a=1&b=2#f"),
                (f"/p?{token}&__gwi=sha256-a%3D#f", "/p#f"),
                (f"/p?x{token}", f"/p?x{token}"),
                (f"/p?u={quote(OURS, safe='')}&{token}", f"/p?u={quote(SHOP, safe='')}"),
                (f"/p?{token}&u={quote(PORT, safe='')}", f"/p?u={quote(SHOP + ':8443', safe='')}"),
                ("/p#__gw=1", "/p#__gw=1"),
            ):
                text, wanted = OURS + before, SHOP + after
                for _ in range(level):
                    text, wanted = quote(text, safe=""), quote(wanted, safe="")
                self.assertEqual(mapped(text), wanted)
                self.assertEqual(mapped(f'"{text}" {token}'), f'"{wanted}" {token}')
        text = f'{{"u":"https:\\/\\/{HOST}\\/p?{token}","x":"?{token}"}}'
        self.assertEqual(mapped(text), f'{{"u":"https:\\/\\/shop.example.com\\/p","x":"?{token}"}}')

    def test_long_labels(self) -> None:
        """A digest is expanded by the parameter that proves it, or once it was proved."""
        url = collapsed(LONG + "/p?q=1")
        for level in range(4):
            text, wanted = url, LONG + "/p?q=1"
            for _ in range(level):
                text, wanted = quote(text, safe=""), quote(wanted, safe="")
            self.assertEqual(mapped(f"{text} x"), f"{wanted} x", level)
        forged = url.replace("under", "other")
        self.assertEqual(mapped(forged), forged)
        known = codec()
        known.learn(origin(LONG))
        bare = f"https://{long_label(origin(LONG))}{SUFFIX}/p".encode()
        self.assertEqual(map_text(bare, known)[0], LONG.encode() + b"/p")
        v6 = "http://[2001:db8::1]:81"
        text = quote(collapsed(v6 + "/p"), safe="")
        self.assertEqual(mapped(text), quote(v6 + "/p", safe=""))

    @settings(deadline=None)
    @given(
        st.lists(
            st.sampled_from(
                [
                    OURS, PORT, collapsed(PLAIN), HOST, "https%3A%2F%2F", "//", "\\/\\/", SUFFIX,
                    "?__gw=a", "%3F__gw%3Da%26", "&__gwo=x", "/", ":", "%", "x", "-", ".", '"',
                    ":8443", "%3A8443", "http:", "wss://", " ", "é", "a" * 200,
                    collapsed(LONG + "/"), "\\", "p?q=1",
                ]
            ),
            max_size=20,
        ).map("".join),
        st.lists(st.integers(0, 9999), max_size=30),
    )  # fmt: skip
    @example(OURS + "?" + "a" * 3000 + "&__gw=a", [5, 30, 2000, 2100])
    def test_any_chunks(self, text: str, places: list[int]) -> None:
        """However it comes, what goes out is the same, and mapping that again changes nothing."""
        data = text.encode("utf-8")
        whole, _ = map_text(data, codec(8443))
        self.assertEqual(run(TextMapper(codec(8443)), cut(data, places)), whole)

    @settings(deadline=None)
    @given(st.binary(max_size=400), st.binary(max_size=400))
    def test_other_octets(self, before: bytes, after: bytes) -> None:
        """Whatever stands around an address comes out as it was."""
        data = before + b" " + OURS.encode() + b" " + after
        wanted = before + b" " + SHOP.encode() + b" " + after
        if not names_any(before, codec()) and not names_any(after, codec()):
            self.assertEqual(map_text(data, codec())[0], wanted)

    @settings(deadline=None)
    @given(
        st.sampled_from(["https", "http"]),
        st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{2,5}){1,2}", fullmatch=True),
        st.integers(1, 65535),
        st.integers(0, 3),
    )
    def test_round_trip(self, scheme: str, host: str, port: int, level: int) -> None:
        """What the rewriter makes of any URL comes back as it was."""
        url = f"{scheme}://{host}:{port}/p"
        try:
            wanted = str(origin(url)) + "/p"
        except AssertionError:
            return  # no URL: an A-label that decodes to nothing
        text = codec(8443).collapse_url(url)
        self.assertNotEqual(text, url)
        for _ in range(level):
            text = quote(text, safe="")
        found = mapped(text, 8443)
        for _ in range(level):
            found = unquote(found)
        self.assertEqual(found, wanted)

    def test_little_is_held_back(self) -> None:
        """An upload streams, whatever is in it."""
        for pattern in (b"a", OURS.encode() + b"/", b"//", SUFFIX.encode(), b"%"):
            mapper, given_, out = TextMapper(codec()), 0, 0
            for _ in range(50):
                chunk = (pattern * 1000)[:1000]
                given_ += len(chunk)
                out += len(mapper.feed(chunk))
                self.assertLess(len(mapper._rest), 4096)
            del given_, out

    def test_hostile_texts_are_linear(self) -> None:
        """All hosts, all slashes, all tails: a megabyte takes no second."""
        for pattern in (
            f"//{HOST}/", f"//{HOST}?__gw=x", SUFFIX, "https://" * 3 + HOST, "%25" * 30, "\\/" * 9,
            "a-" * 30 + SUFFIX,
        ):  # fmt: skip
            data = (pattern * (2**20 // len(pattern))).encode()
            began = time.process_time()
            mapper = TextMapper(codec())
            run(mapper, cut(data, range(0, len(data), 65536)))
            self.assertLessEqual(mapper._spent, 9 * len(data) + 2**17)
            self.assertLess(time.process_time() - began, 5, pattern)


class NamesTests(SynchronousTestCase):
    """The quick look at a body."""

    def test_names_any(self) -> None:
        """As a text in any case, or in base64 at any place."""
        for text, wanted in (
            (OURS, True), (OURS.upper(), True), (SHOP, False), ("", False), ("gw.example.org", False),
        ):  # fmt: skip
            self.assertIs(names_any(text.encode(), codec()), wanted, text)

    @settings(deadline=None)
    @given(st.binary(max_size=20), st.binary(max_size=20))
    def test_names_coded(self, before: bytes, after: bytes) -> None:
        """base64 of anything that holds a host is found in both alphabets."""
        data = before + HOST.encode() + after
        self.assertTrue(names_coded(base64.b64encode(data), codec()))
        self.assertTrue(names_coded(base64.urlsafe_b64encode(data).rstrip(b"="), codec()))
        self.assertFalse(names_coded(base64.b64encode(before), codec()))


assert collapse(origin(SHOP)) in OURS
