// Which documents the outer frame takes for the gateway's, whatever order their words come in.
import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeOf, proof } from "../src/outer/attest.js";

const ICKT = "an ickt";
const PAGE = "https://https-a-test.0.gw.test";

/** A judge, and a document that says what is true. */
function outer() {
  const judge = judgeOf(() => ICKT, (origin) => origin === PAGE);
  const source = {};
  const hello = async (nonce) => (await judge.hello({ nonce, proof: await proof(ICKT, "page", nonce, PAGE) }, PAGE, source)).challenge;
  const answer = async (nonce, challenge, ickt = ICKT) =>
    judge.answer({ nonce, answer: await proof(ickt, "answer", challenge, nonce, PAGE) }, PAGE, source);
  return { judge, source, hello, answer };
}

test("an answer is sound once", async () => {
  const { hello, answer } = outer();
  const challenge = await hello("one");
  assert.equal(await answer("one", challenge), "sound");
  assert.equal(await answer("one", challenge), "unasked");
  const next = await hello("two");
  const both = await Promise.all([answer("two", next), answer("two", next)]);
  assert.deepEqual(both.sort(), ["sound", "unasked"]);
});

test("another session's answer, or one to no challenge of this window, is a lie", async () => {
  for (const [ickt, other] of [["another", ""], [ICKT, "x"]]) {
    const { hello, answer } = outer();
    const challenge = await hello("one");
    assert.equal(await answer("one", challenge + other, ickt), "lied");
    assert.equal(await answer("one", challenge), "unasked", "a lie is not mended");
  }
});

test("what the document before was asked may reach the next one, which does not lie", async () => {
  const { hello, answer } = outer();
  const first = await hello("one");
  const second = await hello("two");
  assert.notEqual(first, second);
  assert.equal(await answer("one", first), "unasked");
  assert.equal(await answer("two", first), "unasked");
  assert.equal(await answer("two", second), "sound");
  assert.equal(await answer("two", first), "unasked");
});

test("the challenges of long ago are forgotten", async () => {
  const { hello, answer } = outer();
  const first = await hello("0");
  for (const nonce of ["1", "2", "3", "4"]) await hello(nonce);
  assert.equal(await answer("4", first), "lied");
});

test("a first word is judged by its proof", async () => {
  const { judge, source } = outer();
  const true_ = { nonce: "n", proof: await proof(ICKT, "page", "n", PAGE), own: PAGE };
  assert.equal((await judge.hello(true_, PAGE, source)).verdict, "challenge");
  assert.equal((await judge.hello(true_, "null", source)).verdict, "sandboxed");
  for (const [said, origin] of [[true_, "https://other.test"], [{ ...true_, nonce: "m" }, PAGE], [{ ...true_, proof: "" }, PAGE], [{ ...true_, own: "x" }, "null"]]) {
    assert.equal((await judge.hello(said, origin, source)).verdict, "lied");
  }
});
