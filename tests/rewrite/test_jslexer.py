"""What in a script is a name, by Python and by C: tables, a real parser, and any text at all."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time
from unittest import SkipTest, mock

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite import js, jslexer

try:
    from gateway.rewrite import _native
except ImportError:  # pragma: no cover (make test builds it)
    _native = None

ROOT = Path(__file__).resolve().parent.parent.parent
TRUTH = Path(__file__).parent / "acorn_truth.mjs"
MODULES = ROOT / "gateway" / "runtime" / "node_modules"
ACORN = MODULES / "acorn" / "dist" / "acorn.mjs"

# ``§`` before a name: it is renamed, and nothing else is.
RENAMED = (
    "§location.href", "window.§location = §location", "a.b.§location.c", "a?.§location?.b",
    "var §location = 1, §top = §location", "function §location(§parent, {a: §top}) {}",
    "class §location extends §parent {}", "(§location) => §location", "§location => { §location }",
    "x = {location: §location, top: 1, 'parent': 2, [§top]: 3, location() {}, get top() {return §top}}",
    "x = {async location() {}, *top() {}, async *parent() {}, set location(§top) {}, ...§location}",
    "x = {location() {}, top: §parent}", "class A { location = §location; static top = §top\nparent\nlocation = 1 }",
    "class A { location() { §location } get top() {} static { §top = 1 } #location = §top; [§top]() {} }",
    "class A { a = () => {}\nlocation = §top\n'b' = 1\nparent() {} }", "this.#location.§location",
    "class A extends B { f() { super.location; this.§location } }", "x = class { location; }",
    "class A { static { a } location = §top }",
    "location: for (;;) { break location; continue location }", "a ? §location : §top",
    "{ location: §top }", "location:\nparent: 1", "break\n§location", "a = b\nlocation: 1",
    "switch (a) { case §location: §top; default: §parent; case b ? c : §top: location: 1 }",
    "a ? {location: §top} : {top: §parent}", "return {top: 1}", "return\n{ top: §parent; §location }",
    "delete a.location", "delete a.§location.b", "delete a.§location[0]", "delete a?.location", "delete §location",
    "delete a.location, b.§location", "delete a.b\nc.§location", "delete a.location ? b.§location : 1",
    "document.§domain", "window.document.§domain", "x.domain", "domain", "a.document.§domain = 1",
    "window.§top", "self.§parent", "globalThis.§top.§parent", "a.top", "a.window.top", "§parent.§top.a.top", "frames.§parent",
    "/location/.test(§location) / §top / §location", "a = b / §location / c", "if (a) /location/.test(b)",
    "a = {}\n/§location/b", "f(function() {} / §location / 1)", "function f() {} /location/.test(a)",
    "x++ / §location / 1", "++/location/.lastIndex", "a = () => {}\n/location/.test(b)",
    "typeof /location/", "(a) / §location / 1", "while (a) /location/.exec(b)", "[] / §location / 1",
    "`location ${§location} top ${`${§top}`} parent`", "`${{location: `${§location}`}}` / §top / 1",
    "'location' + \"location\" + 'a\\'location' // location\n/* location */ + §location",
    "for (const §location of §parent) {}", "for (const a of /location/g) {}", "for await (const a of §top) {}",
    "for (var of of §top);", "l\u006fc = 1; §loc\\u0061tion", "a.§loc\\u{61}tion; \\u0070arent", "x = {loc\\u0061tion: §top}",
    "<!-- location\n§location\n--> location\n§top", "a<!--location\n§top", "a-->§location", "/* a\n*/ --> location",
    "function* f() { yield /location/ }", "function f() { yield / §location / 1 }", "async () => { await /location/ }",
    "x = function*() { yield\n§location }", "let §location = 1", "let {a: §location} = §top", "let / §location / 1", "let\n§top",
    "0xe+§location", "1.5e-3/§location/1", "1..§location", "1.5.§location", "a?.5:§location", "1_0n/§location/2",
    "new.target.§location", "a.if.§location", "a.catch(§location => 1)", "a = {if: 1, function: 2, class: §top}",
    "x = {get: 1, set: §top, async: 1, static: 2}", "x = {get, set, async: §top}", "async function §location() {}",
    "a = async function() {} / §location / 1", "#!location\n§location", "a\u2028/§location/g", "a\u00a0/§location/1",
    "try { §location } catch { §top } finally { §parent }", "try {} catch ({message: §location}) {}",
    "do /location/.test(a); while (b) /location/.test(c)", "if (a) {} else /location/", "with (§location) §top",
    "a = b ? function() {} : §location", "x = a => ({location: §top})", "label: { §location }", "a ?? §location ??= 1",
    "import { location as §location0 } from 'x'".replace("§location0", "l"), "import {a as §location} from 'x'",
    "import §location, {b} from 'x'", "import * as §location from 'x'", "export {a as location}",
    "export {§location as a}", "export {location, top as parent} from 'x'", "export * as location from 'x'",
    "export default §location", "export default function §top() {}", "export default class {}\nlocation: 1",
    "import x from 'x' with {type: 'json'}\n§location", "import {'location' as x} from 'y'", "import {default as §top} from 'y'",
    "export const a = §location", "export const a = 1\nf(b, §top)", "export {}\n§location", "x = eval; a.eval(§top)",
    "function eval(a) {}", "x = {eval(a) {}}",
)  # fmt: skip
# What changes otherwise: before, after.
OTHERS = {
    "x = {location}": "x = {location:__gw_location}",
    "x = {a, location, top,}": "x = {a, location:__gw_location, top:__gw_top,}",
    "({location = 1, parent}) => 1": "({location:__gw_location = 1, parent:__gw_parent}) => 1",
    "const {location} = a": "const {location:__gw_location} = a",
    "import {location} from 'x'": "import {location as __gw_location} from 'x'",
    "import {a, top,} from 'x'": "import {a, top as __gw_top,} from 'x'",
    "export {location}": "export {__gw_location as location}",
    "export const a = 1, top = 2; b": (
        "export const a = 1, __gw_top = 2; b\nexport{__gw_top as top};"
    ),
    "export function location() {}": (
        "export function __gw_location() {}\nexport{__gw_location as location};"
    ),
    "export async function top() {} // x": (
        "export async function __gw_top() {} // x\nexport{__gw_top as top};"
    ),
    "export class parent {}": "export class __gw_parent {}\nexport{__gw_parent as parent};",
    "import(a)": "import(__gw_import(a))",
    "import(f(a, b), {c: [d, e]})": "import(__gw_import(f(a, b)), {c: [d, e]})",
    "import /* ( */ (a,)": "import /* ( */ (__gw_import(a),)",
    "import.defer(a)": "import.defer(__gw_import(a))",
    "import.meta.url": "__gw_meta(import.meta).url",
    "new import . meta.X()": "new (__gw_meta(import.meta)).X()",
    "eval(a)": "eval(__gw_eval(a))",
    "eval (a, b)": "eval (__gw_eval(a), b)",
    "eval(eval(a))": "eval(__gw_eval(eval(__gw_eval(a))))",
    "(0, eval)(a)": "(0, eval)(a)",
    "eval?.(a)": "eval?.(a)",
    "import 'https://b.test/x.js'": "import '[https://b.test/x.js]'",
    "import a from './x.js'; export * from \"//b.test\"": (
        "import a from './x.js'; export * from \"[//b.test]\""
    ),
}
# What does not add up stays as it is.
LOST = (
    "location }", "(location", "location + 'open", "`${location}", "location /* open", "a = /location",
    "location ]", "f(location}", "{ location )", "@location class A {}", "location \\ 1", "a.+location",
    "import location from 'x'\n<!-- a", "export const {location} = a", "export const [a = location] = b",
    "{ import location from 'x' }", "function f() location", "# location",
    "location\n}`${", "if (a { location }", 'a\n"line\nlocation"', "class A { location, b }", "x = {[location: 1}",
)  # fmt: skip


def edited(text: str, find: object) -> str | None:
    """The script after its edit, with one of the two."""
    with mock.patch.object(js, "find", find):
        out = js.edit(text.encode(), lambda url: f"[{url}]")
    return None if out is None else out.decode()


def both() -> dict[str, object]:
    """Python's, and C's where it is built."""
    return {"python": jslexer.find} | ({"c": _native.find_js} if _native is not None else {})


class TableTests(SynchronousTestCase):
    """By hand: what is renamed, what else changes, and what is given up."""

    def test_renamed(self) -> None:
        """Each name that is marked, and no other."""
        for kind, find in both().items():
            for text in RENAMED:
                wanted = text.replace("§", "__gw_")
                wanted = wanted.replace("__gw_loc\\u0061tion", "__gw_location")
                wanted = wanted.replace("__gw_loc\\u{61}tion", "__gw_location")
                wanted = wanted.replace("\\u0070arent", "__gw_parent")
                self.assertEqual(edited(text.replace("§", ""), find), wanted, f"{kind}: {text}")

    def test_others(self) -> None:
        """Shorthands, imports and exports, calls."""
        for kind, find in both().items():
            for text, wanted in OTHERS.items():
                self.assertEqual(edited(text, find), wanted, f"{kind}: {text}")

    def test_lost(self) -> None:
        """Nothing is edited by halves."""
        for kind, find in both().items():
            for text in LOST:
                self.assertIsNone(edited(text, find), f"{kind}: {text}")

    def test_what_comes_out_is_edited_no_more(self) -> None:
        """The new names are none of the old ones."""
        for text in RENAMED:
            once = edited(text.replace("§", ""), jslexer.find)
            if once is not None and "export" not in text and "import" not in text:
                self.assertEqual(edited(once, jslexer.find), once)


class HostileTests(SynchronousTestCase):
    """Made to hurt: linear, and bounded."""

    def test_linear(self) -> None:
        """Two million octets of anything take a moment in C, and not for ever in Python."""
        pieces = ("(", "/*", '"', "`${", "{", "a", "/", "a/", "<!--", "-->", "location:", "location\n",
                  "delete a.location", "let ", "import ", "\\u0061", "?", "eval(", "{location", "}", "[/",
                  "\u00a0", "\u2028", "e", "\xe2", "class A{", "x=>", "0x", ".", "#", "async ")  # fmt: skip
        for kind, find in both().items():
            size = 2_000_000 if kind == "c" else 30_000
            for piece in pieces:
                for begin in ("", "location/**/", "import.", "x = {location"):
                    data = (begin + piece * (size // len(piece))).encode()
                    started = process_time()
                    find(data)
                    took = process_time() - started
                    self.assertLess(took, 2, f"{kind}: {begin} {piece}")

    def test_deep(self) -> None:
        """Deeper than anybody writes is lost."""
        for find in both().values():
            self.assertIsNone(find(b"(" * 30_000 + b")" * 30_000))
            self.assertEqual(find(b"(" * 9_000 + b"location" + b")" * 9_000), [(9_000, 9_008, 1)])


PIECES = (
    "location", "top", "parent", "document", "domain", "window", ".", "?.", "?", ":", ",", ";", "=", "=>",
    "(", ")", "[", "]", "{", "}", "`", "${", "/", "*", "//", "/*", "*/", "'", '"', "\\", "\n", " ", "<!--", "-->",
    "++", "--", "+", "...", "#a", "1", ".5", "0x1", "1e+", "a", "let", "const", "var", "function", "class",
    "extends", "return", "break", "case", "default", "if", "else", "for", "of", "in", "new", "delete", "typeof",
    "async", "await", "yield", "get", "static", "import", "export", "from", "as", "meta", "eval", "super",
    "try", "catch", "\\u0061", "\\u{6c}ocation", "é", "\u00a0", "\u2028", "\ufeff", "\xe2", "??", "@", "#!",
    "with", "self", "frames", "defer", "<", ">", "!", "&&", "export default ", "import.meta", "{location}",
)  # fmt: skip


class SameTests(SynchronousTestCase):
    """Python and C find the same in anything."""

    def setUp(self) -> None:
        """Without the extension there is nothing to compare."""
        if _native is None:
            raise SkipTest("the extension is not built: python setup.py build_ext --inplace")

    @settings(max_examples=800, deadline=None)
    @given(st.lists(st.sampled_from(PIECES), max_size=25), st.sampled_from(["", " "]))
    def test_pieces(self, pieces: list[str], between: str) -> None:
        """Tokens in any order."""
        data = between.join(pieces).encode()
        self.assertEqual(jslexer.find(data), _native.find_js(data), data)

    @settings(max_examples=150, deadline=None)
    @given(st.binary(max_size=60))
    def test_octets(self, data: bytes) -> None:
        """Octets in any order."""
        self.assertEqual(jslexer.find(data), _native.find_js(data), data)

    @settings(max_examples=400, deadline=None)
    @given(st.sampled_from(RENAMED), st.integers(0, 60), st.integers(0, 4), st.sampled_from(PIECES))
    def test_broken(self, text: str, at: int, gone: int, piece: str) -> None:
        """Real spellings with a piece put in or taken out."""
        data = (text[:at] + piece + text[at + gone :]).replace("§", "").encode()
        self.assertEqual(jslexer.find(data), _native.find_js(data), data)

    def test_chains(self) -> None:
        """Properties of properties, which C takes without going round its loop."""
        heads = ("a", "this", "window", "document", "super", "f()", "b[1]", "new", "top", "é")
        names = (
            "a", "$0", "location", "parent", "document", "domain", "top", "window", "self", "let",
            "instanceof", "l\\u006fcation", "x\\u0061", "ö", "tö", "#a", "1", "",
        )  # fmt: skip
        around = ("§", "delete §", "`${§}`", "class A { b = § }", "{ § }\nlocation", "({§: 1})")
        for head, one, two in itertools.product(heads, names, names):
            for within in around:
                data = within.replace("§", f"{head}.{one}.{two}").encode()
                self.assertEqual(jslexer.find(data), _native.find_js(data), data)
        chain = (
            b"window.a.bc.parent.d.e.location.f.document.g.domain.document.domain.h.location(i.j)"
        )
        self.assertEqual(len(jslexer.find(chain) or ()), 3)
        self.assertEqual(jslexer.find(chain), _native.find_js(chain))


def _scripts() -> list[Path]:
    """Real ones: an application's, libraries'; what ``make test`` installs anyway."""
    lab = Path(sys.prefix) / "share" / "jupyter" / "lab" / "static"
    some = [
        *sorted(lab.glob("*.js"))[::2],
        *MODULES.glob("axe-core/*.js"),
        *MODULES.glob("acorn/dist/*.*js"),
    ]
    some += [*MODULES.glob("terser/**/*.js"), *MODULES.glob("source-map*/**/*.js")]
    return [path for path in sorted(some) if path.is_file() and path.stat().st_size > 2000]


class TruthTests(SynchronousTestCase):
    """Against acorn, a parser that builds the tree."""

    def _truth(self, paths: list[Path]) -> list[list[list[int]] | None]:
        node = shutil.which("node")
        if node is None or not ACORN.is_file():
            raise SkipTest("no acorn: npm ci in gateway/runtime")
        done = subprocess.run(
            [node, "--stack-size=4000", str(TRUTH), str(ACORN)],
            input="".join(f"{path}\n" for path in paths), capture_output=True, text=True, check=True,
        )  # fmt: skip
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_real_scripts(self) -> None:
        """None missed, none too many, none lost."""
        paths = _scripts()
        if len(paths) < 20:
            raise SkipTest("no real scripts: make test installs them")
        find = jslexer.find if _native is None else _native.find_js
        hits = size = 0
        for path, wanted in zip(paths, self._truth(paths), strict=True):
            data = path.read_bytes()
            if wanted is None:
                continue
            found = find(data)
            self.assertIsNotNone(found, path)
            self.assertEqual({tuple(one) for one in wanted}, set(found), path)
            if _native is not None and len(data) < 100_000:
                self.assertEqual(jslexer.find(data), found, path)
            hits += len(wanted)
            size += len(data)
        self.assertGreater(hits, 150)
        self.assertGreater(size, 5_000_000)

    def test_table(self) -> None:
        """The tables themselves are scripts, and the parser agrees with each that it takes."""
        texts = [text.replace("§", "") for text in RENAMED] + list(OTHERS)
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        paths = []
        for number, text in enumerate(texts):
            paths.append(folder / f"{number}.js")
            paths[-1].write_text(text, "utf-8")
        taken = 0
        for text, wanted in zip(texts, self._truth(paths), strict=True):
            if wanted is None:
                continue
            taken += 1
            found = jslexer.find(text.encode())
            self.assertEqual({tuple(one) for one in wanted}, set(found or ()), text)
        self.assertGreater(taken, 100)
