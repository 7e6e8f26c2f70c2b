// send(): all types and sizes, the states, what is buffered, the order.
const NUMBERS = Uint8Array.from({ length: 256 }, (_, at) => at);
const TEXTS = {
  "empty": "", "a letter": "x", "ASCII": "Hello, world", "not ASCII": "äöü €", "beyond the BMP": "\u{1f600}\u{10ffff}",
  "NUL and controls": "a\0b\x01\x7f", "a byte order mark": "\ufeffx\ufeff", "a lone high surrogate": "a\ud800b", "a lone low surrogate": "a\udc00b",
  "surrogates the wrong way": "\udc00\ud800", "line ends": "a\r\nb\rc\nd", "JSON": JSON.stringify({ a: [1, "\"", null] }), "octets of frames": "\x01\x30\x31\xff\x80\x81\x89\x8a",
  "125 octets": "x".repeat(125), "126 octets": "x".repeat(126), "127 octets": "x".repeat(127), "128 octets": "x".repeat(128),
};
each(TEXTS, "text", async (t, text) => {
  const s = await t.open();
  s.send(text);
  const [data] = await t.messages(s, 1);
  return [typeof data, Array.from(data.slice(0, 40), (one) => one.codePointAt(0).toString(16)).join(" "), data.length];
});
const SIZES = { "127": 127, "128": 128, "16383": 16383, "16384": 16384, "65535": 65535, "65536": 65536, "70000": 70000, "300000": 300000, "900000": 900000 };
each(SIZES, "octets there and back", async (t, size) => {
  const s = await t.open();
  s.binaryType = "arraybuffer";
  const given = Uint8Array.from({ length: size }, (_, at) => (at * 7 + (at >> 8)) & 255);
  s.send(given);
  const [data] = await t.messages(s, 1);
  return [data.byteLength, (await hash(data)) === (await hash(given))];
}, "page");
each(SIZES, "characters there and back", async (t, size) => {
  const s = await t.open();
  const given = "0123456789é".repeat(Math.ceil(size / 11)).slice(0, size);
  s.send(given);
  const [data] = await t.messages(s, 1);
  return [data.length, data === given];
}, "page");
each({ "1": 1, "200": 200, "70000": 70000, "900000": 900000 }, "the server sends octets", async (t, size) => {
  const s = t.made(`binary:${size}`);
  s.binaryType = "arraybuffer";
  const [data] = await t.messages(s, 1);
  return hash(data);
});
const BINARY = {
  "an ArrayBuffer": () => NUMBERS.slice().buffer,
  "an empty ArrayBuffer": () => new ArrayBuffer(0),
  "a Uint8Array": () => NUMBERS.slice(),
  "a part of a buffer": () => NUMBERS.slice().subarray(3, 9),
  "a DataView": () => new DataView(NUMBERS.slice().buffer, 2, 5),
  "an Int8Array": () => Int8Array.from([-1, 0, 1]),
  "a Uint8ClampedArray": () => Uint8ClampedArray.from([1, 300]),
  "a Uint16Array": () => Uint16Array.from([1, 258]),
  "an Int32Array": () => Int32Array.from([-2]),
  "a Float32Array": () => Float32Array.from([1.5]),
  "a Float64Array": () => Float64Array.from([Math.PI]),
  "a BigInt64Array": () => BigInt64Array.from([-2n]),
  "a Blob": () => new Blob(["a", NUMBERS]),
  "an empty Blob": () => new Blob([]),
  "a Blob of a kind": () => new Blob(["text"], { type: "text/plain" }),
  "a slice of a Blob": () => new Blob([NUMBERS]).slice(5, 20),
  "a File": () => new File(["file"], "name"),
  "a resizable buffer's view": () => NUMBERS.slice(0, 4),
};
each(BINARY, "binary", async (t, given) => {
  const s = await t.open();
  s.binaryType = "arraybuffer";
  s.send(given());
  const [data] = await t.messages(s, 1);
  return [Object.prototype.toString.call(data), await hash(data)];
});
const STRINGS = {
  "a number": 12, "null": null, "undefined": undefined, "true": true, "an object": {}, "a list": [1, 2], "a list of lists": [[1], ["x"]],
  "an object with toString": { toString: () => "mine" }, "a String": new String("boxed"), "a URL": new URL("https://x.example/"), "NaN": NaN, "a bigint": 12n, "a function": Math.max,
};
each(STRINGS, "becomes text", async (t, given) => {
  const s = await t.open();
  s.send(given);
  const [data] = await t.messages(s, 1);
  return data;
}, "page");
const AMISS = {
  "nothing": (s) => s.send(), "a symbol": (s) => s.send(Symbol("x")), "what throws": (s) => s.send({ toString() { throw new RangeError("mine"); } }),
  "a SharedArrayBuffer": (s) => s.send(typeof SharedArrayBuffer === "function" ? new SharedArrayBuffer(1) : "none"),
};
each(AMISS, "send of", async (t, act) => {
  const s = await t.open();
  return [thrown(() => act(s)), s.readyState, s.bufferedAmount];
});
add("send while connecting", (t) => {
  const s = t.made();
  return ["x", "", new ArrayBuffer(1), new Blob(["x"])].map((one) => [thrown(() => s.send(one)), s.bufferedAmount]);
});
add("send of nothing while connecting", (t) => thrown(() => t.made().send()));
add("send returns nothing", async (t) => [(await t.open()).send("x") === undefined, (await t.open()).close() === undefined]);
add("a buffer that changes after it was sent", async (t) => {
  const s = await t.open();
  s.binaryType = "arraybuffer";
  const given = Uint8Array.from([1, 2, 3]);
  s.send(given);
  given.fill(9);
  const [data] = await t.messages(s, 1);
  return octets(data);
});
add("a buffer that is moved away after it was sent", async (t) => {
  const s = await t.open();
  s.binaryType = "arraybuffer";
  const given = Uint8Array.from([1, 2, 3]).buffer;
  s.send(given);
  structuredClone(given, { transfer: [given] });
  const [data] = await t.messages(s, 1);
  return octets(data);
});
add("order of kinds", async (t) => {
  const s = await t.open();
  s.binaryType = "arraybuffer";
  const got = t.messages(s, 6);
  s.send("1");
  s.send(new Blob(["2222"]));
  s.send("3");
  s.send(Uint8Array.of(52));
  s.send(new Blob([new Uint8Array(50000)]));
  s.send("6");
  return (await got).map((one) => (typeof one === "string" ? one : `${one.byteLength} octets`));
});
add("order of many", async (t) => {
  const s = await t.open();
  const got = t.messages(s, 500);
  for (let at = 0; at < 500; at++) s.send(`${at}`);
  const found = await got;
  return [found.length, found.every((one, at) => one === `${at}`)];
});
add("order of many over time", async (t) => {
  const s = await t.open();
  const got = t.messages(s, 60);
  for (let at = 0; at < 60; at++) {
    s.send(`${at}`);
    if (at % 7 === 0) await tick(3);
  }
  return (await got).map(Number).every((one, at) => one === at);
});
add("ping-pong", async (t) => {
  const s = await t.open();
  let last = "0";
  for (let at = 0; at < 20; at++) {
    s.send(`${+last + 1}`);
    [last] = await t.messages(s, 1);
  }
  return last;
});
add("what the server heard", async (t) => {
  const s = await t.open();
  s.send("text");
  s.send(Uint8Array.of(1, 2, 255));
  s.send("");
  s.send(new ArrayBuffer(0));
  s.send(new Blob(["blob"]));
  s.close(3001, "done");
  await once(s, "close");
  return t.heard();
});
add("sent before close is heard", async (t) => {
  const s = await t.open("");
  for (let at = 0; at < 5; at++) s.send("x".repeat(60000));
  s.send(new Blob(["last"]));
  s.close(1000);
  const story = await t.story(s);
  return [story, await t.heard()];
});
// bufferedAmount counts what was given until it has left.
const AMOUNTS = { "text": ["abc", 3], "not ASCII": ["é€\u{1f600}", 9], "a lone surrogate": ["\ud800", 3], "octets": [new Uint8Array(10), 10], "a Blob": [new Blob(["12345"]), 5], "nothing": ["", 0] };
each(AMOUNTS, "bufferedAmount", async (t, [given, size]) => {
  const s = await t.open();
  const before = s.bufferedAmount;
  s.send(given);
  const during = s.bufferedAmount;
  await t.messages(s, 1);
  await until(() => s.bufferedAmount === 0);
  return [before, during === size, s.bufferedAmount];
});
add("bufferedAmount of several", async (t) => {
  const s = await t.open();
  s.send("12");
  s.send(new Uint8Array(3));
  s.send(new Blob(["1234"]));
  const during = s.bufferedAmount;
  await until(() => s.bufferedAmount === 0);
  return [during, s.bufferedAmount];
});
add("bufferedAmount of a big message", async (t) => {
  const s = await t.open("");
  s.send("x".repeat(500000));
  const during = s.bufferedAmount;
  await until(() => s.bufferedAmount === 0);
  return [during, s.bufferedAmount];
});
add("bufferedAmount after close", async (t) => {
  const s = await t.open();
  s.close();
  const found = [s.bufferedAmount];
  s.send("abc");
  found.push(s.bufferedAmount);
  s.send(new ArrayBuffer(4));
  found.push(s.bufferedAmount);
  s.send(new Blob(["12345"]));
  found.push(s.bufferedAmount);
  await once(s, "close");
  found.push(s.bufferedAmount);
  s.send("é");
  return [...found, s.bufferedAmount];
});
add("bufferedAmount of a socket that never opened", async (t) => {
  const s = t.made("", { status: 404 });
  await once(s, "close");
  s.send("abc");
  return [s.bufferedAmount, thrown(() => s.send())];
});
add("bufferedAmount, the same task", async (t) => {
  const s = await t.open();
  const found = [];
  for (let at = 0; at < 3; at++) {
    s.send("ab");
    found.push(s.bufferedAmount);
  }
  await Promise.resolve();
  found.push(s.bufferedAmount);
  return found;
});
