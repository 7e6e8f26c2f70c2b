// The settle frame obeys the outer frame alone: who else speaks to it is not heard.
import assert from "node:assert/strict";
import { test } from "node:test";

const SECURE = "https://www.0.gw.test:8443";
let loaded = 0;

/**
 * The page's script in a window of its own.
 * @param {{place?: "framed" | "alone" | "deeper", answers?: Record<string, unknown>}} how
 */
async function page({ place = "framed", answers = {} } = {}) {
  const told = [];
  const asked = [];
  const hears = [];
  const outer = { postMessage: (data, origin) => told.push([data, origin]) };
  const globals = {
    document: { body: { dataset: { secure: SECURE } } },
    self: {},
    addEventListener: (kind, hear) => hears.push([kind, hear]),
    fetch: async (path, options) => {
      asked.push([path, options.method, JSON.parse(options.body)]);
      const answer = answers[path];
      if (answer instanceof Error) throw answer;
      return { json: async () => answer };
    },
  };
  globals.parent = place === "alone" ? globals.self : outer;
  globals.top = place === "deeper" ? {} : globals.parent;
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  await import(`../src/settle/main.js?${++loaded}`);
  const say = async (data, more = {}) => {
    for (const [, hear] of hears) await hear({ source: outer, origin: SECURE, data, ...more });
  };
  return { told, asked, hears, say };
}

const YES = { "/.gateway/settle": { ok: true }, "/.gateway/check": { ok: true } };
const OFFER = { gw: 1, type: "settle", n: 3, text: "t", nonce: "o", ickt: "i" };

test("an offer is brought and the cookies are checked", async () => {
  const { told, asked, say } = await page({ answers: YES });
  assert.deepEqual(told, [[{ gw: 1, type: "settling" }, SECURE]]);
  await say(OFFER);
  assert.deepEqual(asked, [
    ["/.gateway/settle", "POST", { text: "t", nonce: "o" }],
    ["/.gateway/check", "POST", { ickt: "i" }],
  ]);
  assert.deepEqual(told[1], [{ gw: 1, type: "settled", n: 3, ok: true, kept: true }, SECURE]);
});

test("refusals, failures and odd answers are no", async () => {
  for (const no of [{ ok: false }, { ok: 1 }, {}, null, new Error("away")]) {
    const refused = await page({ answers: { ...YES, "/.gateway/settle": no } });
    await refused.say(OFFER);
    assert.deepEqual(refused.told[1][0], { gw: 1, type: "settled", n: 3, ok: false, kept: false });
    assert.equal(refused.asked.length, 1);
    const lost = await page({ answers: { ...YES, "/.gateway/check": no } });
    await lost.say(OFFER);
    assert.deepEqual(lost.told[1][0], { gw: 1, type: "settled", n: 3, ok: true, kept: false });
  }
});

test("a check alone", async () => {
  const { told, asked, say } = await page({ answers: YES });
  await say({ gw: 1, type: "check", n: 1, ickt: "i" });
  assert.deepEqual(asked, [["/.gateway/check", "POST", { ickt: "i" }]]);
  assert.deepEqual(told[1][0], { gw: 1, type: "settled", n: 1, ok: true, kept: true });
});

test("it forgets", async () => {
  for (const [answer, gone] of [[{ ok: true }, true], [{ ok: false }, false], [{}, false], [new Error("away"), false]]) {
    const { told, asked, say } = await page({ answers: { "/.gateway/forget": answer } });
    await say({ gw: 1, type: "forget", n: 2 });
    assert.deepEqual(asked, [["/.gateway/forget", "POST", {}]]);
    assert.deepEqual(told[1], [{ gw: 1, type: "settled", n: 2, ok: gone, kept: !gone }, SECURE]);
  }
});

test("nobody else is heard", async () => {
  const { told, asked, say } = await page({ answers: YES });
  await say(OFFER, { source: {} });
  await say(OFFER, { source: null });
  for (const origin of ["https://evil.test", "null", "", SECURE + "/", "https://https-a.0.i.test:8443"]) {
    for (const said of [OFFER, { gw: 1, type: "forget", n: 2 }]) await say(said, { origin });
  }
  for (const data of [null, "settle", 1, {}, { ...OFFER, gw: 2 }, { ...OFFER, n: "1" }, { ...OFFER, type: "restore" }]) {
    await say(data);
  }
  assert.deepEqual([told.length, asked], [1, []]);
});

test("it is silent where it does not stand in the outer frame", async () => {
  for (const place of ["alone", "deeper"]) {
    const { told, hears } = await page({ place, answers: YES });
    assert.deepEqual([told, hears], [[], []], place);
  }
});
