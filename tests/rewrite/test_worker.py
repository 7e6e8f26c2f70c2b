"""Workers' scripts: the runtime before them, whatever they import."""

from __future__ import annotations

from time import perf_counter

from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import UpstreamFault
from gateway.rewrite.coding import READABLE
from gateway.rewrite.media import Kind
from tests.rewrite import octets, pour
from tests.rewrite.test_pipeline import coded, decoded, pipeline

UTF_8 = b"\xef\xbb\xbf"
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
        """What comes before a script, or looks like an import, is read in linear time."""
        for piece in (
            b"/*", b"/**/", b"//\n", b"/", b" ", b"*/", b"/* *", b"//", b"\n/*a*/", b"'", b"'d",
            b"'\\", b"' ", b"\n'd", b"*/'d", b"import'", b"from\n'd",
        ):  # fmt: skip
            script = b"x" + piece * (60_000 // len(piece))
            start = perf_counter()
            self.assertEqual(self._edit(script), OURS + script)
            self.assertLess(perf_counter() - start, 1.0, piece)

    def test_modules_that_come_from_nowhere(self) -> None:
        """They would run before what stands in the text: so an import of ours stands there."""
        js = b"data:text/javascript,addEventListener('fetch',1)"
        for script in (
            b"0;import '%s'" % js,
            b'0;import"%s"' % js,
            b"0;import x from'%s'" % js,
            b"0;import{x}from '%s'" % js,
            b"0;export*from'%s'" % js,
            b"0;import\n\n '%s'" % js,
            b"0;import defer * as x from '%s'" % js,
            b"0;import/*x*/'%s'" % js,
            b"0;import/*%s*/'%s'" % (b"x" * 9000, js),
            b"0;import%s'%s'" % (b" " * 9000, js),
            b"0;import//x\n'%s'" % js,
            b"0;import//x\r'%s'" % js,
            b"0;import//x\n//y\n\n'%s'" % js,
            b"0;import//x\xe2\x80\xa8'%s'" % js,
            b"0;import\xc2\xa0'%s'" % js,
            b"0;import\xef\xbb\xbf'%s'" % js,
            b"0;import ' %s'" % js,
            b"0;import '\t\0%s'" % js,
            b"0;import 'DATA:%s'" % js[5:],
            b"0;import 'd\tat\ta:%s'" % js[5:],
            b"0;import '\\x64ata:%s'" % js[5:],
            b"0;import '\\u0064ata:%s'" % js[5:],
            b"0;import 'd\\u{0000061}ta:%s'" % js[5:],
            b"0;import '\\data:%s'" % js[5:],
            b"0;import 'da\\\nta:%s'" % js[5:],
            b"0;import 'da\\\r\nta:%s'" % js[5:],
            b"0;import 'da\\\xe2\x80\xa8ta:%s'" % js[5:],
            b"0;import '\\tdata:%s'" % js[5:],
            b"0;import 'data:text/java\\x73cript,'",
            b"0;import 'data: text/ecmascript;base64,MQ'",
            b"0;import 'data:text/jscript,'",
            b"0;import 'data:application/wasm;base64,MQ'",
            b"0;import 'data:%s%s'" % (b" " * 2000, js),
            b"0;import '%s%s'" % (b"\\t" * 2000, js),
            b"0;import 'blob:https://a.b/c'",
            b"\xc2\xa0import '%s'" % js,
            b"0;" + b"x;" * 3000 + b"import '%s'" % js,
        ):
            self._check(script, MODULE + script)

    def test_one_that_comes_late(self) -> None:
        """When the beginning is out, the script breaks off; no packets hide anything."""
        for before in (b"x;" * 20_000, b"//%s\n" % (b"x" * 40_000), b"/*%s*/0;" % (b"x" * 40_000)):
            for between in (
                b"",
                b" " * 9000,
                b"/*%s*/" % (b"x" * 20_000),
                b"//%s\n" % (b"x" * 9000),
            ):
                script = before + b"import" + between + b"'data:text/javascript,1';" + b"x" * 3000
                for size in (1, 1460, 16384):
                    with self.assertRaises(UpstreamFault, msg=(between[:9], size)):
                        self._edit(*octets(script, size))

    def test_what_is_none(self) -> None:
        """Texts that only look so, in scripts of every length."""
        for script in (
            b"import('data:text/javascript,1')", b"x='data:text/javascript,1'", b"f('blob:x')",
            b"//x\ny=['data:image/png;base64,AA']", b"x;import 'data:application/json,{}'",
            b"//x\n'data:image/png,'", b"/*x*/'data:image/png,'", b"x;import 'database'",
            b"x=['a', // b\n'blob:', // c\n'data:']", b"//x\n'donn\xc3\xa9es: x'",
            b"x;import './data:text/javascript'", b"x='https://a.b',y='data:text/javascript,1'",
            b"x='cannot import '+y+'\\n'", b"x='from \\'b\\''", b"x='import \"\\n\"'",
        ):  # fmt: skip
            self._check(script, OURS + script)
            long = b"x;" * 20_000 + script + b";" + b"y;" * 20_000
            for size in (1460, len(long)):
                self.assertEqual(self._edit(*octets(long, size)), OURS + long, script)
