// Scripts' cookies: what a page's own copy of the rules makes of a text.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dateOf, encode, keyOf, parse, put, shown } from "../src/shared/cookies.js";
import { bodiesOf } from "../src/rare/cookie.js";

const writer = {
  host: "a.site.test",
  secure: true,
  path: "/dir/page",
  write: { "a.site.test": "one", "site.test": "two" },
};
const made = (text, more = {}) => parse(text, { ...writer, ...more });

test("names, values and attributes", () => {
  const table = {
    "a=1": ["a", "1", "", "/dir", null, 0, "lax", 0],
    " a = 1 ; path=/ ; SECURE": ["a", "1", "", "/", null, 1, "lax", 0],
    "a": ["", "a", "", "/dir", null, 0, "lax", 0],
    "=a": ["", "a", "", "/dir", null, 0, "lax", 0],
    "a=b=c; Domain=.Site.Test": ["a", "b=c", "site.test", "/dir", null, 0, "lax", 0],
    "a=1; SameSite=None; Secure; Partitioned; Path=/x": ["a", "1", "", "/x", null, 1, "none", 1],
    "a=1; SameSite=strict; Max-Age=0": ["a", "1", "", "/dir", 0, 0, "strict", 0],
    "__Host-a=1; Secure; Path=/": ["__Host-a", "1", "", "/", null, 1, "lax", 0],
    "a=1; Path=/x; Path=": ["a", "1", "", "/dir", null, 0, "lax", 0],
    "a=\ud800": ["a", "\ufffd", "", "/dir", null, 0, "lax", 0],
  };
  for (const [text, row] of Object.entries(table)) assert.deepEqual(made(text)?.row, row, text);
});

test("what is refused", () => {
  const refused = [
    "", "=", " ; a=1", "=a=b", "a=b\tc", "a=b\nc", "a=\0", "a=1; HttpOnly", "a=1; SameSite=None", "a=1; Partitioned",
    "a=1; Domain=test", "a=1; Domain=other.test", "a=1; Domain=b.site.test", "a=1; Domain=.", "a=1; Domain=constructor",
    "__Host-a=1; Secure", "__Host-a=1; Path=/", "__Host-a=1; Secure; Path=/; Domain=a.site.test", "__Secure-a=1",
    "__Http-a=1; Secure", "__HOST-HTTP-a=1; Secure; Path=/", "=__Host-a", "a=" + "x".repeat(4096), "a=" + "ü".repeat(2048),
  ];
  for (const text of refused) assert.equal(made(text), undefined, text.slice(0, 40));
  assert.equal(made("a=1; Secure", { secure: false }), undefined);
  assert.equal(made("a=1", { write: {} }), undefined);
  assert.ok(made("a=" + "x".repeat(4095)));
});

test("the path and the token that go with it", () => {
  assert.equal(made("a=1")?.text, "a=1; Path=/dir");
  assert.equal(made("a=1; Path=/x")?.text, "a=1; Path=/x");
  assert.equal(made("a=1", { path: "/x" })?.text, "a=1; Path=/");
  assert.equal(made("a=1; Path=/" + "x".repeat(1024))?.row[3], "/dir");
  assert.equal(made("a=1")?.token, "one");
  assert.equal(made("a=1; Domain=site.test")?.token, "two");
});

test("times", () => {
  const now = Math.floor(Date.now() / 1000);
  const near = (/** @type {any} */ got, /** @type {number} */ wanted) => assert.ok(Math.abs(got - wanted) < 2, `${got}`);
  near(made("a=1; Max-Age=100")?.row[4], now + 100);
  near(made("a=1; Max-Age=99999999999")?.row[4], now + 400 * 86400);
  near(made("a=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT")?.row[4], now + 400 * 86400);
  assert.equal(made("a=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT; Max-Age=-1")?.row[4], 0);
  assert.equal(made("a=1; Max-Age=x; Expires=never")?.row[4], null);
  const dates = {
    "Wed, 09 Nov 1999 23:12:40 GMT": 942189160,
    "Sunday, 06-Nov-94 08:49:37 GMT": 784111777,
    "Sun Nov  6 08:49:37 1994": 784111777,
    "01 Jan 69 0:0:0": Date.UTC(2069, 0, 1) / 1000,
    "01 Jan 1601 00:00:00": 0,
    "01 Jan 1600 00:00:00": undefined,
    "31 Feb 2020 00:00:00": undefined,
    "01 Jan 2020 24:00:00": undefined,
    "01 Jan 2020": undefined,
    "": undefined,
  };
  for (const [text, wanted] of Object.entries(dates)) assert.equal(dateOf(text), wanted, text);
});

test("rows: order, replacement, paths, time", () => {
  /** @type {any[]} */
  const rows = [];
  const row = (name, path = "/", expires = null, value = "1") => [name, value, "", path, expires, 0, "lax", 0];
  put(rows, row("a"));
  put(rows, row("b", "/dir"));
  put(rows, row("c"));
  put(rows, row("d", "/dir"));
  assert.deepEqual(rows.map(([name]) => name).join(""), "bdac");
  put(rows, row("a", "/", null, "2"));
  assert.deepEqual(rows[2], row("a", "/", null, "2"));
  put(rows, row("d", "/dir", 0));
  assert.equal(rows.length, 3);
  assert.notEqual(keyOf(row("a")), keyOf(row("a", "/x")));
  const names = (path) => shown(rows, path).map(([name]) => name).join("");
  assert.deepEqual(["/", "/dir", "/dir/x", "/dirx"].map(names), ["ac", "bac", "bac", "ac"]);
  rows.push(row("old", "/", 1));
  assert.equal(names("/"), "ac");
});

test("carriers are octets that cookies may have", () => {
  const text = "a=1; x \"q\", %3B ü€😀\\";
  assert.match(encode(text), /^[!-:<-~]+$/);
  assert.equal(decodeURIComponent(encode(text)), text);
});

test("what is flushed goes in bodies of whole lines, few and short", () => {
  const of = (/** @type {string[]} */ ...lines) => bodiesOf(new Map(lines.map((line, at) => [at, line])));
  const sizes = (/** @type {number[]} */ ...lengths) => of(...lengths.map((length) => "x".repeat(length))).map((one) => one.length);
  // What has a carrier needs no line, but a request to go with.
  assert.deepEqual(of(), [""]);
  assert.deepEqual(of("", ""), [""]);
  assert.deepEqual(of("a", "", "b"), ["a\nb\n"]);
  const many = Array.from({ length: 50 }, (_, at) => `line ${at}`);
  assert.deepEqual(of(...many).map((one) => one.split("\n").length - 1), [24, 24, 2]);
  assert.equal(of(...many).join(""), many.join("\n") + "\n");
  assert.deepEqual(of(...many.slice(0, 24), "").length, 1);
  assert.deepEqual(sizes(7499, 7499), [15000]);
  assert.deepEqual(sizes(7499, 7500), [7500, 7501]);
  assert.deepEqual(sizes(7000, 7000, 7000, 100), [14002, 7102]);
  // One that is longer goes alone: the gateway says what it takes.
  assert.deepEqual(sizes(15000), [15001]);
  assert.deepEqual(sizes(10, 16000, 10), [11, 16001, 11]);
});
