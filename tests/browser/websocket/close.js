// close(): codes, reasons, states; and the ways in which servers end a connection.
const CODES = {
  "1000": [1000], "3000": [3000], "4999": [4999], "3456 and a reason": [3456, "why"], "1000 and a reason": [1000, "bye"], "none": [],
  "undefined": [undefined], "undefined and undefined": [undefined, undefined], "1000 and undefined": [1000, undefined], "1000 and null": [1000, null], "text": ["1000"], "a broken number": [3000.7],
  "a reason that is not ASCII": [1000, "é€\u{1f600}"], "a reason of 123 octets": [1000, "x".repeat(123)], "a reason of 123 octets in three": [1000, "€".repeat(41)], "a lone surrogate": [1000, "a\ud800"],
  "an empty reason": [3000, ""], "a number as reason": [3000, 12],
};
each(CODES, "close", async (t, args) => {
  const s = await t.open();
  const story = t.story(s);
  s.close(...args);
  const state = s.readyState;
  return [state, await story, await t.heard()];
});
const BAD = {
  "0": [0], "999": [999], "1001": [1001], "1002": [1002], "1004": [1004], "1005": [1005], "1006": [1006], "1011": [1011], "1015": [1015], "2999": [2999], "5000": [5000], "-1": [-1], "65536 and 1000": [66536], "NaN": [NaN], "null": [null],
  "words": ["bye"], "a reason alone": [undefined, "x".repeat(124)], "a reason alone, short": [undefined, "x"], "124 octets": [1000, "x".repeat(124)], "126 octets in three": [1000, "€".repeat(42)], "a symbol": [Symbol("x")],
  "a reason that throws": [1000, { toString() { throw new RangeError("mine"); } }], "a bad code with a bad reason": [1001, "x".repeat(124)], "a huge number": [2 ** 40], "a bigint": [1000n],
};
each(BAD, "close of", async (t, args) => {
  const s = await t.open();
  return [thrown(() => s.close(...args)), s.readyState];
});
each(BAD, "close while connecting of", (t, args) => {
  const s = t.made();
  return [thrown(() => s.close(...args)), s.readyState];
});
each(BAD, "close again of", async (t, args) => {
  const s = await t.open();
  s.close();
  await once(s, "close");
  return [thrown(() => s.close(...args)), s.readyState];
}, "page");
add("close while connecting", async (t) => {
  const s = t.made();
  const story = t.story(s);
  s.close();
  return [s.readyState, await story];
});
add("close while connecting with a code", async (t) => {
  const s = t.made();
  const story = t.story(s);
  s.close(3000, "early");
  return [s.readyState, await story];
});
add("close while the server hesitates", async (t) => {
  const s = t.made("", { hang: 1 });
  const story = t.story(s);
  await tick(60);
  s.close();
  return [s.readyState, await story];
});
add("close twice", async (t) => {
  const s = await t.open();
  const story = t.story(s);
  s.close(3001, "one");
  s.close(3002, "two");
  return [s.readyState, await story, await t.heard()];
});
add("close, later again", async (t) => {
  const s = await t.open();
  s.close(3001, "one");
  const story = await t.story(s);
  s.close(3002);
  await tick(30);
  return [s.readyState, story];
});
add("close in its own event", async (t) => {
  const s = await t.open();
  let count = 0;
  s.onclose = () => (count++, s.close(), s.close(3000));
  s.close();
  await once(s, "close");
  await tick(30);
  return [count, s.readyState];
});
add("close in onopen", async (t) => {
  const s = t.made();
  s.onopen = () => s.close(3000, "open");
  return [await t.story(s), await t.heard()];
});
add("close in onmessage", async (t) => {
  const s = t.made("send:a|send:b|sleep:30");
  s.onmessage = () => s.close();
  const story = await t.story(s);
  return [story.filter(([type]) => type !== "message"), s.readyState];
});
add("close in onerror", async (t) => {
  const s = t.made("", { status: 500 });
  s.onerror = () => s.close();
  return t.story(s);
});
add("readyState is CLOSING until the close comes", async (t) => {
  const s = await t.open();
  const found = [s.readyState];
  s.close();
  found.push(s.readyState);
  await Promise.resolve();
  found.push(s.readyState);
  await once(s, "close");
  found.push(s.readyState);
  return found;
});
add("messages that come while closing", async (t) => {
  const s = await t.open("wait|send:late|sleep:20");
  const log = t.log(s);
  s.send("go");
  s.close();
  await once(s, "close");
  return log.filter(([type]) => type === "close");
});
add("a frame whose socket closes as it goes", async (t) => {
  const frame = document.body.appendChild(document.createElement("iframe"));
  const s = new frame.contentWindow.WebSocket(t.to(""));
  await once(s, "open");
  frame.remove();
  const heard = await t.heard();
  return [heard.map((one) => one.map(([kind, code]) => [kind, code])), s.readyState];
}, "page");

// The server ends it.
const ENDS = { "without a code": "close" };
for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4404, 4999]) ENDS[`${code}`] = `close:${code}`;
each({
  ...ENDS, "a reason": "close:1000:done", "a reason that is not ASCII": "close:4000:é€", "a reason of 123 octets": `close:4000:${"x".repeat(123)}`,
  "a drop": "drop", "a drop after a message": "send:x|drop", "a drop in a message": "raw:8105616263|drop",
  "a drop in a fragmented message": "raw:0103616263|drop", "messages before it": "send:a|send:b|close:1000:c",
}, "the server ends with", async (t, run) => {
  const s = t.made(run);
  const story = t.story(s);
  return [await story, s.readyState];
}, "page");
each({ "1000": "close:1000:x", "4000": "close:4000", "none": "close" }, "the server hears the answer to", async (t, run) => {
  const s = await t.open(run);
  if (s.readyState < 3) await once(s, "close");
  return t.heard();
});
add("both close at once", async (t) => {
  const s = await t.open("wait|close:4001:server");
  s.send("go");
  const story = t.story(s);
  s.close(4002, "client");
  const found = await story;
  return [found.map(([type]) => type), s.readyState];
});
// Frames that must not be: the browser fails the connection.
const FRAMES = {
  "text that is no UTF-8": "8102c328", "a masked frame": "818100000000" + "61", "a reserved bit": "c10161", "a reserved opcode": "830161", "a reserved control opcode": "8b0161",
  "a fragmented ping": "090161", "a long ping": "897e0080" + "61".repeat(128), "a continuation of nothing": "800161", "a message within a message": "010161" + "810162", "a length of nine octets": "817f8000000000000001" + "61",
  "a short message with a long length": "817e000161",
};
const stories = async (t, runs) => {
  const found = {};
  for (const [name, run] of Object.entries(runs)) {
    const s = t.made(run);
    const log = t.log(s);
    await once(s, "close");
    found[name] = [...log];
  }
  return found;
};
add("frames that must not be", (t) => stories(t, Object.fromEntries(Object.entries(FRAMES).map(([name, hex]) => [name, `raw:${hex}|sleep:100`]))), "page");
add("codes that must not be sent", (t) => stories(t, Object.fromEntries([0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535].map((code) => [code, `close:${code}`]))), "page");
add("closings that are none", (t) => stories(t, { "one octet": "raw:880103|sleep:50", "a reason that is no UTF-8": "raw:880403e8c328|sleep:50", "a message after it": "raw:880203e8810161|sleep:50" }), "page");
const SOUND = {
  "fragments": "0101618001 62".replace(" ", ""), "fragments with a ping between": "010161" + "890170" + "800162", "many fragments": "010161" + "000162".repeat(20) + "800163", "empty fragments": "0100" + "0000" + "8000",
  "a pong that nobody asked for": "8a0161" + "810162", "a ping": "890161" + "810162", "binary fragments": "020101" + "800102", "a character cut in two": "0101c3" + "8001a9",
};
each(SOUND, "the server may send", async (t, hex) => {
  const s = t.made(`raw:${hex}|sleep:30|close:1000`);
  s.binaryType = "arraybuffer";
  return t.story(s);
}, "page");
// Handshakes that come to nothing.
const REFUSALS = {
  "a wrong accept": { accept: "bm90IHRoZSBrZXk=" }, "an upgrade to something else": { upgrade: "h2c" }, "an extension that nobody offered": { extension: "x-mine" }, "no answer but an end": { status: 101 },
};
for (const status of [200, 204, 301, 302, 307, 400, 401, 403, 404, 407, 426, 429, 500, 502, 503]) REFUSALS[`${status}`] = { status, field: "Location:/other" };
each(REFUSALS, "the handshake is answered with", async (t, more) => {
  const s = t.made("", more);
  const story = await t.story(s);
  return [story, s.readyState, s.protocol, s.extensions, await t.handshakes()];
}, "page");
each({ "a host that is not there": "wss://nowhere.test/ws", "another origin's refusal": `${B}/ws?status=403&id=x` }, "fails", async (t, url) => {
  const s = t.keep(new WebSocket(url));
  return [await t.story(s), s.url];
});
