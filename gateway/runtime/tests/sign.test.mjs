// What a page without the runtime sends through its site's service worker gets a token.
import assert from "node:assert/strict";
import { test } from "node:test";
import { signerOf } from "../src/worker/sign.js";

const sign = (url) => (url.startsWith("https://a.test") && !url.includes("__gw=") ? `${url}?__gw=t` : url);

/** A worker's globals, and what comes of an event that its site does not answer. */
function worker() {
  const sent = [];
  class FetchEvent extends Event {
    constructor(request) { super("fetch"); this.request = request; }
    respondWith(given) { this.given = given; }
  }
  const w = Object.assign(new EventTarget(), {
    EventTarget, Request, FetchEvent,
    fetch: async (request) => sent.push([request.method, request.url, await request.text(), request.headers.get("x")]),
  });
  const last = signerOf(w, sign);
  const pass = async (request, ...listeners) => {
    for (const one of listeners) w.addEventListener("fetch", one);
    last();
    const event = new FetchEvent(request);
    w.dispatchEvent(event);
    await event.given;
    return sent.splice(0);
  };
  return { pass, last };
}

const post = (url, more) => new Request(url, { method: "POST", body: "text", headers: { x: "1" }, ...more });

test("what the site's worker lets pass is sent with a token, whole", async () => {
  const { pass, last } = worker();
  last();
  assert.deepEqual(await pass(post("https://a.test/x")), [["POST", "https://a.test/x?__gw=t", "text", "1"]]);
  assert.deepEqual(await pass(new Request("https://a.test/x", { method: "DELETE" })), [["DELETE", "https://a.test/x?__gw=t", "", null]]);
});

test("nothing else is", async () => {
  const { pass } = worker();
  assert.deepEqual(await pass(new Request("https://a.test/x")), []);
  assert.deepEqual(await pass(post("https://a.test/x?__gw=own")), []);
  assert.deepEqual(await pass(post("https://elsewhere.test/x")), []);
  const navigation = post("https://a.test/x");
  Object.defineProperty(navigation, "mode", { value: "navigate" });
  assert.deepEqual(await pass(navigation), []);
});

test("what the site's worker answers is its own, though it listens later", async () => {
  const { pass, last } = worker();
  last();
  assert.deepEqual(await pass(post("https://a.test/x"), (event) => event.respondWith(Promise.resolve("mine"))), []);
});
