"""A response body's way: stylesheets, manifests, workers' scripts, integrity."""

from __future__ import annotations

import base64
import hashlib
import json
from time import perf_counter
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


OURS, MODULE = b"/*ours*/;", b'import"/ours.js";'


class WorkerTests(SynchronousTestCase):
    """Workers' scripts."""

    def _edit(self, *chunks: bytes) -> bytes:
        return pour(pipeline(Kind.WORKER, preamble=OURS, module_preamble=MODULE), chunks)

    def _check(self, script: bytes, wanted: bytes) -> None:
        self.assertEqual(self._edit(script), wanted, script)
        self.assertEqual(self._edit(*octets(script)), wanted, script)

    def test_classic(self) -> None:
        """Before everything else, on its first line, so that line numbers stay."""
        for script in (
            b"", b"x", b"self.onmessage = 1;\n", b"// use strict\nx", b"/* 'use strict' */ x",
            b"importScripts('a.js')", b"import('a.js')", b"import ('a.js')", b"import.meta.url",
            b"importing = 1", b"import$ = 1", b"exports = 1", b"/* import x */ y", b"//import x\ny",
            b"`use strict`", b"x; import 'a'", b"\xff\xfe\0", b"/* open", b"// open",
        ):  # fmt: skip
            self._check(script, OURS + script)

    def test_strict(self) -> None:
        """A strict script stays strict: the directive comes first again."""
        for script in (
            b'"use strict";x', b"'use strict'\nx", b" \n\t'use strict';", b"//a\n//b\n'use strict'",
            b"/* a\n * b **/ 'use strict'", b'/***/\n"use strict"',
        ):  # fmt: skip
            self._check(script, b'"use strict";' + OURS + script)

    def test_modules(self) -> None:
        """Before static imports an import of ours, since imports run before all else."""
        for script in (
            b"import 'a.js'", b"import x from 'a.js'", b"import{x}from'a'", b"import*as x from 'a'",
            b'import"a"', b"export default 1", b"export{x}", b"export * from 'a'",
            b"// a\nimport 'a.js'", b"/* a */ import 'a.js'", b"\n\n import\n'a.js'",
            b"import/**/'a'",
        ):  # fmt: skip
            self._check(script, MODULE + script)

    def test_a_byte_order_mark(self) -> None:
        """It stays first, for nowhere else is it none."""
        for script, ours in ((b"x", OURS), (b"import 'a'", MODULE),
                             (b"'use strict'", b'"use strict";' + OURS)):  # fmt: skip
            self._check(UTF_8 + script, UTF_8 + ours + script)

    def test_lone_carriage_returns(self) -> None:
        """They end a comment's line as well."""
        script = b"// a\r'use strict'\rx"
        self._check(script, b'"use strict";' + OURS + script)

    def test_a_directive_before(self) -> None:
        """ "use strict" counts anywhere among the directives at the beginning."""
        script = b"'use client'; 'use strict'; x"
        self._check(script, b'"use strict";' + OURS + script)

    def test_it_streams(self) -> None:
        """After 16 KiB the rest leaves as it comes."""
        way = pipeline(Kind.WORKER, preamble=OURS)
        script = b"x;" * 8192
        self.assertEqual(b"".join(way.feed(script)), OURS + script)
        self.assertEqual(b"".join(way.feed(b"more")), b"more")

    def test_codings(self) -> None:
        """In every coding, in and out."""
        for name in (None, *READABLE):
            way = pipeline(Kind.WORKER, preamble=OURS, coding=name, coding_out="br")
            found = pour(way, octets(coded(name, b"x\n" * 20_000), 9))
            self.assertEqual(decoded("br", found), OURS + b"x\n" * 20_000)

    def test_time(self) -> None:
        """What comes before a script is read in linear time."""
        for piece in (b"/*", b"/**/", b"//\n", b"/", b" ", b"*/", b"/* *", b"//", b"\n/*a*/"):
            script = piece * (60_000 // len(piece))
            start = perf_counter()
            self.assertEqual(self._edit(script), OURS + script)
            self.assertLess(perf_counter() - start, 1.0, piece)
