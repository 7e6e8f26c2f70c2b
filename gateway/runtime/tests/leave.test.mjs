// Links that leave the gateway: a refusal is seen, whoever asks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { leavingOf } from "../src/outer/leave.js";
import { originBehind } from "../src/outer/address.js";

/** The module in an outer frame of its own; the gateway opens what `opens` says. */
function outer(opens) {
  const parts = {};
  const told = [];
  const asked = [];
  const globals = {
    document: { getElementById: (id) => (parts[id] ??= { focus() {} }) },
    addEventListener: () => {},
    navigator: { userActivation: { isActive: true } },
    performance: { now: () => 1e6 },
    fetch: async (_, { body }) => (asked.push(JSON.parse(body)), { json: async () => opens }),
  };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  const dialog = { open: false, dataset: { refused: "No:", by: "By" }, showModal: () => (dialog.open = true), close() {} };
  const leaving = leavingOf({ dialog, tell: (text) => told.push(text), offer: () => assert.fail() });
  return { leaving, told, asked, dialog, parts };
}

test("a page whose origin nobody knows is told no, and nothing is asked for it", async () => {
  const { leaving, told, asked, dialog } = outer({ open: true, url: "tel:1" });
  await leaving.ask("tel:1", null);
  assert.deepEqual([told, asked, dialog.open], [["No: \u2068tel:\u2069"], [], false]);
});

test("opaque documents and labels that are digests have no origin that is known", () => {
  const place = { suffix: ".0.gw.test", port: "" };
  for (const origin of ["null", `https://x-${"a".repeat(32)}.0.gw.test`]) assert.equal(originBehind(origin, place), null, origin);
});

test("a known page is asked about and the person with it", async () => {
  const { leaving, told, asked, dialog, parts } = outer({ open: true, url: "tel:1" });
  await leaving.ask("tel:1", "https://a.test");
  assert.deepEqual([told, asked, dialog.open], [[], [{ url: "tel:1", page: "https://a.test" }], true]);
  assert.match(parts["leave-by"].textContent, /https:\/\/a\.test/);
  const { leaving: closed, told: refused } = outer({ open: false, url: "" });
  await closed.ask("tel:1", "https://a.test");
  assert.deepEqual(refused, ["No: \u2068tel:\u2069"]);
});
