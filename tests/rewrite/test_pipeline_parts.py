"""A response body's way: stylesheets, manifests, integrity."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import UpstreamFault, UpstreamTooLarge
from gateway.rewrite import manifest
from gateway.rewrite.coding import READABLE
from gateway.rewrite.media import Kind
from gateway.rewrite.pipeline import has_integrity
from tests.rewrite import cut, octets, pour
from tests.rewrite.test_pipeline import MAPPED, coded, decoded, pipeline

SHEET = b"@import 'https://cdn.example/a.css';\nb { background: url(https://cdn.example/b) }\n"
MAPPED_SHEET = SHEET.replace(b"https://cdn.example/", MAPPED.encode())
UTF_8 = b"\xef\xbb\xbf"


def _integrity(data: bytes, algorithm: str = "sha256") -> str:
    found = base64.b64encode(hashlib.new(algorithm, data).digest()).decode()
    return f"{algorithm}-{found}"


class SheetTests(SynchronousTestCase):
    """Stylesheets."""

    def test_codings(self) -> None:
        """In every coding, in and out."""
        for name in (None, *READABLE):
            for out in ("identity", "br", "zstd", "gzip"):
                way = pipeline(Kind.CSS, coding=name, coding_out=out)
                found = pour(way, octets(coded(name, SHEET), 10))
                self.assertEqual(decoded(out, found), MAPPED_SHEET, (name, out))

    def test_encodings(self) -> None:
        """By mark, header or its own word; each is written as it came."""
        text = SHEET.decode() + "a::before { content: '日本' }"
        wanted = MAPPED_SHEET.decode() + "a::before { content: '日本' }"
        for name, label in (("utf-16-le", "utf-16"), ("utf-16-be", "utf-16be"),
                            ("iso2022_jp", "iso-2022-jp")):  # fmt: skip
            found = pour(pipeline(Kind.CSS, charset=label), octets(text.encode(name), 3))
            self.assertEqual(found, wanted.encode(name), label)
        for mark, name in (
            (UTF_8, "utf-8"),
            (b"\xfe\xff", "utf-16-be"),
            (b"\xff\xfe", "utf-16-le"),
        ):
            found = pour(pipeline(Kind.CSS, charset="koi8-r"), octets(mark + text.encode(name), 3))
            self.assertEqual(found, mark + wanted.encode(name), name)
        for head in ('@charset "shift_jis";', ""):
            data, charset = (head + text).encode("cp932"), None if head else "shift_jis"
            found = pour(pipeline(Kind.CSS, charset=charset), octets(data, 3))
            self.assertEqual(found, (head + wanted).encode("cp932"), head)

    @settings(deadline=None)
    @given(
        st.lists(st.integers(0, 200), max_size=6),
        st.sampled_from(("utf-8", "utf-16-le", "cp932")),
        st.booleans(),
    )
    def test_any_chunks(self, places: list[int], name: str, checked: bool) -> None:
        """The same for any chunks."""
        label = {"utf-16-le": "utf-16", "cp932": "shift_jis"}.get(name, name)
        data = SHEET.decode().encode(name)
        more: dict[str, Any] = {"charset": label}
        if checked:
            more["integrity"] = _integrity(data)
        whole = pour(pipeline(Kind.CSS, **more), [data])
        self.assertEqual(pour(pipeline(Kind.CSS, **more), cut(data, places)), whole)
        self.assertNotIn(b"https://cdn", whole)

    def test_it_streams(self) -> None:
        """Rules leave as they come."""
        way = pipeline(Kind.CSS)
        found = b"".join(way.feed(b"a { color: red }\n" * 100))
        self.assertIn(b"a { color: red }\n" * 90, found)


class IntegrityTests(SynchronousTestCase):
    """Digests that the gateway verifies since the browser no longer can."""

    def test_metadata(self) -> None:
        """Subresource Integrity, 3.3: the strongest algorithm counts, any of its digests."""
        data, other = b"a{}", b"b{}"
        url_safe = _integrity(data).replace("+", "-").replace("/", "_")
        table = {
            "": True,
            " \n": True,
            "nonsense": True,
            "md5-x": True,
            "sha1-x": True,
            _integrity(data): True,
            _integrity(data, "sha384"): True,
            _integrity(data, "sha512"): True,
            _integrity(data).rstrip("="): True,
            f"sha256-{url_safe.partition('-')[2]}": True,
            _integrity(data).replace("sha", "SHA"): True,
            _integrity(data) + "?ct=x": True,
            _integrity(other): False,
            _integrity(data)[:-3]: False,
            f"{_integrity(other)} {_integrity(data)}": True,
            f"\t{_integrity(data)}\n{_integrity(other)} ": True,
            f"md5-x {_integrity(other)}": False,
            f"{_integrity(data)} {_integrity(other, 'sha512')}": False,
            f"{_integrity(other)} {_integrity(data, 'sha384')}": True,
            f"{_integrity(data, 'sha256')} {_integrity(other, 'sha384')}": False,
            "sha256-é": False,
        }
        for metadata, wanted in table.items():
            self.assertEqual(has_integrity(data, metadata), wanted, metadata)

    @settings(deadline=None)
    @given(st.text(max_size=40) | st.text(max_size=20).map(lambda text: "sha256-" + text))
    def test_any_metadata(self, metadata: str) -> None:
        """Any text is an answer, never a fault of the gateway's own."""
        self.assertIn(has_integrity(b"x", metadata), {True, False})

    def test_right(self) -> None:
        """Of the body as the origin meant it: decoded, not mapped."""
        for name in (None, *READABLE):
            way = pipeline(Kind.CSS, coding=name, integrity=_integrity(SHEET, "sha384"))
            self.assertEqual(pour(way, octets(coded(name, SHEET), 9)), MAPPED_SHEET, name)
        data = SHEET.decode().encode("utf-16")
        way = pipeline(Kind.CSS, integrity=_integrity(data))
        self.assertEqual(pour(way, [data]), MAPPED_SHEET.decode().encode("utf-16"))

    def test_wrong(self) -> None:
        """Not one octet of it leaves."""
        for integrity in (_integrity(b"other"), _integrity(MAPPED_SHEET), "sha512-x"):
            way = pipeline(Kind.CSS, integrity=integrity)
            self.assertEqual(b"".join(b"".join(way.feed(one)) for one in octets(SHEET, 5)), b"")
            with self.assertRaises(UpstreamFault, msg=integrity):
                list(way.close())

    def test_too_large(self) -> None:
        """What has to be held whole is bounded."""
        for size, fits in ((1000, True), (1001, False)):
            data = b" " * size
            way = pipeline(Kind.CSS, integrity=_integrity(data), token_bytes=1000)
            if fits:
                self.assertEqual(pour(way, octets(data, 100)), data)
                continue
            with self.assertRaises(UpstreamTooLarge):
                pour(way, octets(data, 100))


class ManifestTests(SynchronousTestCase):
    """Web app manifests."""

    def test_mapped(self) -> None:
        """In any chunks and codings."""
        text = '{"name": "日本", "start_url": "https://cdn.example/x"}'
        wanted = text.replace("https://cdn.example/", MAPPED)
        for name in (None, *READABLE):
            way = pipeline(Kind.MANIFEST, coding=name, coding_out="br")
            found = decoded("br", pour(way, octets(coded(name, text.encode()), 3)))
            self.assertEqual(json.loads(found), json.loads(wanted))

    def test_untouched(self) -> None:
        """Octets stay where nothing is mapped, also such as are no text."""
        for data in (b"", b"{}", b'{"name": "\xff"}', b"\xff\xfe{\0}\0", b'{"src": "/x"}\n'):
            self.assertEqual(pour(pipeline(Kind.MANIFEST), octets(data)), data)

    def test_a_byte_order_mark(self) -> None:
        """Browsers take it off and read on; what it stands before is mapped, too."""
        data = UTF_8 + b'{"start_url": "https://cdn.example/x"}'
        found = pour(pipeline(Kind.MANIFEST), [data])
        self.assertEqual(json.loads(found.decode("utf-8-sig"))["start_url"], f"{MAPPED}x")

    def test_too_large(self) -> None:
        """What is read whole is bounded."""
        data = b" " * manifest.LIMIT
        self.assertEqual(pour(pipeline(Kind.MANIFEST), [data]), data)
        with self.assertRaises(UpstreamTooLarge):
            pour(pipeline(Kind.MANIFEST), octets(data + b" ", 4096))
