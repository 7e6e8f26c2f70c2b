// Links that only connect are taken out of what service workers make up, however it is cut.
import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutHints } from "../src/worker/hints.js";

const octets = (text) => new TextEncoder().encode(text);

/** A text piece by piece, and what comes out. */
function passed(text, size) {
  const out = [];
  const to = { enqueue: (piece) => out.push(...piece) };
  const { transform, flush } = withoutHints({ Uint8Array });
  const all = octets(text);
  for (let at = 0; at < all.length; at += size) transform(all.subarray(at, at + size), to);
  flush(to);
  return new TextDecoder().decode(Uint8Array.from(out));
}

test("what connects does nothing, and all else is as it was", () => {
  const table = {
    "<link rel=preconnect href=https://x>": "<meta rel=preconnect href=https://x>",
    "<LINK title='>' REL = 'x DNS-prefetch' href=https://x>y": "<meta title='>' REL = 'x DNS-prefetch' href=https://x>y",
    "<link/rel=pre&#99;onnect href=x>": "<meta/rel=pre&#99;onnect href=x>",
    "<link rel=stylesheet href='a?b&amp;preconnect'>": 0,
    "<linker rel=preconnect>": 0,
    "<p title='<li'>\u00e9\u65e5<link rel=icon href=x><": 0,
    "<link rel=stylesheet": 0,
    "": 0,
  };
  for (const [text, wanted] of Object.entries(table)) {
    for (const size of [1, 2, 3, 7, 999]) assert.equal(passed(text, size), wanted || text, `${text} by ${size}`);
  }
});

test("an element without an end is not waited for without end", () => {
  const endless = "<link a" + "b".repeat(200000);
  const out = passed(endless, 5000);
  assert.equal(out, "<meta a" + "b".repeat(200000));
  const before = performance.now();
  passed("<li".repeat(100000) + '<link a="' + "<link ".repeat(50000), 4096);
  assert.ok(performance.now() - before < 5000);
});
