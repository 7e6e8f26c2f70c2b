// Other names for a script's variables leave the script what it was.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { renamed, scopesOf, search } from "../names.mjs";

const SCRIPT = `((list) => {
  let total = 0, key = "a";
  var seen = [];
  for (let one of list) { let { a, [key]: b = one.b, ...rest } = one; total += a + b; seen.push(rest); }
  for (const one in { x: 1 }) seen.push(one);
  try { missing(); } catch { try { throw { key } } catch (error) { seen.push(error.key); } }
  function inner(first, ...more) { return first ? more.length + total : inner(1, first, key); }
  const key2 = (total) => ({ total, key: inner(0) + total });
  return JSON.stringify([total, seen, key2(7)]);
})([{ a: 1, c: 2 }, { a: 3, d: 4 }])`;

test("what is found runs as before, and packs no worse", () => {
  const run = (/** @type {string} */ code) => (0, eval)(code);
  const out = renamed(SCRIPT, search(SCRIPT, 2000));
  assert.notEqual(out, SCRIPT);
  assert.equal(run(out), run(SCRIPT));
  assert.ok(gzipSync(out).length <= gzipSync(SCRIPT).length);
});

test("the same script always gets the same names", () => {
  assert.deepEqual(search(SCRIPT, 500), search(SCRIPT, 500));
});

test("two variables do not become one, nor one a global's", () => {
  const cases = {
    "let a=1;(b=>f(a,b))()": ["c", "c"],
    "let a=1;{let b=2;f(a)}": ["c", "c"],
    "let a=1;f(a)": ["f"],
    "(a=>{try{f(a)}catch(b){g(a)}})()": ["b", "b"],
  };
  for (const [code, names] of Object.entries(cases)) assert.throws(() => renamed(code, names), /have become one/, code);
  assert.throws(() => renamed("let a=1,b=2;f(a,b)", ["c", "c"]), SyntaxError);
  assert.equal(renamed("let a=1;(b=>f(b))()", ["c", "c"]), "let c=1;(c=>f(c))()");
});

test("a property keeps its name", () => {
  assert.equal(renamed("(({a,b=1})=>({a,b}))()", ["x", "y"]), "(({a:x,b:y=1})=>({a:x,b:y}))()");
});

test("names of another script are refused, and what it does not know", () => {
  assert.throws(() => renamed("let a=1;f(a)", ["x", "y"]), /another script/);
  assert.throws(() => scopesOf("class A {}"), /no names are found for/);
});
