// What a page sees of an emulated WebSocket, and what carries it: over a network of the test's own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { facesOf } from "../src/socket/face.js";
import { RECONNECT, TEXT, joined, message } from "../src/socket/frames.js";

const text = (words) => new TextEncoder().encode(words);

/** Tasks in their order, without a channel that keeps the process. */
class Channel {
  constructor() {
    this.port1 = {};
    this.port2 = { postMessage: () => setImmediate(() => this.port1.onmessage()) };
  }
}
class Closed extends Event {
  constructor(kind, how) {
    super(kind);
    Object.assign(this, how);
  }
}
const unreadable = new WeakSet();
class Some extends Blob {
  get size() {
    return super.size;
  }
  arrayBuffer() {
    return unreadable.has(this) ? Promise.reject(new DOMException("gone", "NotReadableError")) : super.arrayBuffer();
  }
}
class Native extends EventTarget {
  get binaryType() {
    return "arraybuffer";
  }
}
const pause = () => new Promise((go) => setImmediate(go));
const until = async (found) => {
  for (let turn = 0; turn < 1000; turn++) {
    if (found()) return;
    await pause();
  }
  assert.fail(`never: ${found}`);
};

/** A socket whose requests `answer(what, number, body)` answers; time stands still. */
async function stage(answer) {
  const timers = new Map();
  let timed = 0;
  const asked = [];
  const w = {
    AbortController, ArrayBuffer, Blob: Some, CloseEvent: Closed, DOMException, Event, EventTarget, MessageChannel: Channel, MessageEvent, Promise,
    TextDecoder, TextEncoder, URL, Uint8Array,
    setTimeout: (call, after) => (timers.set(++timed, { call, after }), timed),
    clearTimeout: (at) => timers.delete(at),
  };
  const fetch = async (url, { method = "GET", headers, body, signal }) => {
    const what = url.includes("/;e/c") ? "create" : method === "POST" ? "up" : "down";
    asked.push(what);
    if (what === "create") {
      return new Response("https://a.test/;e/ubm/1\nhttps://a.test/;e/dbm/1\n", { status: 201, headers: { "Content-Type": "text/plain;charset=utf-8", "X-WebSocket-Extensions": "x-gw-close, x-gw-retry" } });
    }
    return answer(what, +headers["X-Sequence-No"], body, signal);
  };
  const socket = new Native();
  const heard = [];
  for (const kind of ["open", "message", "error", "close"]) socket.addEventListener(kind, (event) => heard.push(kind === "close" ? `close ${event.code}` : kind === "message" ? `message ${event.data}` : kind));
  const face = facesOf(w, Native, fetch)(socket, "wss://a.test/", [], false, () => {});
  await until(() => face.state === 1);
  const fire = (milliseconds) => {
    const [at, { call }] = [...timers].find(([, one]) => one.after === milliseconds);
    timers.delete(at);
    call();
  };
  const waits = () => [...timers.values()].map((one) => one.after);
  return { face, heard, asked, fire, waits };
}
/** A response that goes on for ever, after these octets. */
const stream = (octets, signal) =>
  new Response(
    new ReadableStream({
      start(into) {
        into.enqueue(octets);
        signal.addEventListener("abort", () => into.error(signal.reason));
      },
    }),
    { headers: { "Content-Type": "application/octet-stream" } },
  );

test("too many requests: the next is asked when the answer says so, and not before", async () => {
  let refuse = true;
  const s = await stage((what, number, body, signal) =>
    what === "up" ? new Response("") : refuse ? new Response("later", { status: 429, headers: { "Retry-After": "7" } }) : stream(message(TEXT, text("hi")), signal));
  await until(() => s.waits().includes(7000));
  for (let turn = 0; turn < 20; turn++) await pause();
  assert.deepEqual(s.waits().filter((one) => one < 100), []);
  assert.equal(s.asked.filter((one) => one === "down").length, 1);
  refuse = false;
  s.fire(7000);
  await until(() => s.heard.includes("message hi"));
  s.face.close();
});

test("a Blob that cannot be read fails the connection, as the browser's own does", async () => {
  const sent = [];
  const s = await stage((what, number, body, signal) => (what === "up" ? (sent.push(body), new Response("")) : stream(new Uint8Array(), signal)));
  s.face.send(new Some(["good"]));
  await until(() => sent.length === 1);
  const broken = new Some(["x"]);
  unreadable.add(broken);
  s.face.send(broken);
  s.face.send("after");
  await until(() => s.heard.at(-1) === "close 1006");
  assert.deepEqual(s.heard, ["open", "error", "close 1006"]);
});
