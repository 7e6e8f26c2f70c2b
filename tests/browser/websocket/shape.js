// The interface itself: descriptors, constants, accessors, what it is an instance of.
const plain = (descriptor) => descriptor && {
  ...Object.fromEntries(Object.entries(descriptor).map(([key, value]) => [key, typeof value === "function" ? `${value.name}/${value.length}` : typeof value === "symbol" ? "symbol" : value])),
};
const MEMBERS = "url readyState bufferedAmount onopen onerror onclose extensions protocol onmessage binaryType close send constructor CONNECTING OPEN CLOSING CLOSED".split(" ");
for (const name of MEMBERS) {
  add(`member: ${name}`, () => plain(Object.getOwnPropertyDescriptor(WebSocket.prototype, name)));
  add(`text: ${name}`, () => {
    const { get, set, value } = Object.getOwnPropertyDescriptor(WebSocket.prototype, name);
    return [get, set, value].map((one) => (typeof one === "function" ? Function.prototype.toString.call(one).replace(/\s+/g, " ") : null));
  });
}
add("members of the prototype", () => Object.getOwnPropertyNames(WebSocket.prototype));
add("symbols of the prototype", () => Object.getOwnPropertySymbols(WebSocket.prototype).map(String));
add("members of the constructor", () => Object.getOwnPropertyNames(WebSocket).sort());
add("the constructor", () => [WebSocket.name, WebSocket.length, typeof WebSocket, `${WebSocket}`.replace(/\s+/g, " "), plain(Object.getOwnPropertyDescriptor(globalThis, "WebSocket"))]);
add("the constructor's prototype", () => [Object.getPrototypeOf(WebSocket) === EventTarget, plain(Object.getOwnPropertyDescriptor(WebSocket, "prototype")).writable]);
for (const name of ["CONNECTING", "OPEN", "CLOSING", "CLOSED"]) {
  add(`constant: ${name}`, () => [WebSocket[name], WebSocket.prototype[name], plain(Object.getOwnPropertyDescriptor(WebSocket, name)), Reflect.set(WebSocket, name, 9), Reflect.deleteProperty(WebSocket, name), WebSocket[name]]);
}
add("the tag", () => [plain(Object.getOwnPropertyDescriptor(WebSocket.prototype, Symbol.toStringTag)), Object.prototype.toString.call(WebSocket.prototype)]);
each({
  "url": (s) => s.url, "readyState": (s) => s.readyState, "bufferedAmount": (s) => s.bufferedAmount, "extensions": (s) => s.extensions,
  "protocol": (s) => s.protocol, "binaryType": (s) => s.binaryType, "onopen": (s) => s.onopen,
}, "of no socket", (_, read) => [thrown(() => read(WebSocket.prototype)), thrown(() => read(Object.create(WebSocket.prototype)))]);
each({
  "send": (proto) => proto.send.call({}, "x"), "close": (proto) => proto.close.call({}),
  "binaryType": (proto) => Object.getOwnPropertyDescriptor(proto, "binaryType").set.call({}, "blob"),
}, "called on no socket", (_, act) => thrown(() => act(WebSocket.prototype)));

// An open socket, and one that is closed.
const both = (name, look) => {
  add(`open: ${name}`, async (t) => look(await t.open(), t));
  add(`closed: ${name}`, async (t) => {
    const socket = await t.open();
    socket.close();
    await once(socket, "close");
    return look(socket, t);
  });
};
both("what it is", (s) => [s instanceof WebSocket, s instanceof EventTarget, s.constructor === WebSocket, Object.getPrototypeOf(s) === WebSocket.prototype, `${s}`, Object.prototype.toString.call(s)]);
both("own properties", (s) => [Object.getOwnPropertyNames(s), Object.getOwnPropertySymbols(s).length, Object.keys(s), JSON.stringify(s)]);
both("names that are enumerated", (s) => {
  const found = [];
  for (const name in s) found.push(name);
  return found;
});
both("constants", (s) => [s.CONNECTING, s.OPEN, s.CLOSING, s.CLOSED, s.readyState]);
both("read-only attributes", (s) => {
  const before = [own(s.url), s.readyState, s.bufferedAmount, s.protocol, s.extensions.split(";")[0].replace(/^permessage-deflate$/, "")];
  for (const name of ["url", "readyState", "bufferedAmount", "protocol", "extensions"]) s[name] = "other";
  return [before, [own(s.url), s.readyState, s.bufferedAmount, s.protocol].join() === [before[0], before[1], before[2], before[3]].join()];
});
both("read-only attributes, strictly", (s) => {
  "use strict";
  return ["url", "readyState", "bufferedAmount", "protocol", "extensions", "OPEN"].map((name) => thrown(() => { s[name] = 1; }).slice(0, 2));
});
add("what is said of writing a read-only attribute", (t) => {
  "use strict";
  return thrown(() => { t.made().url = "x"; });
}, "page");
both("deleting an attribute", (s) => [delete s.readyState, s.readyState, delete s.url, typeof s.url, delete s.CONNECTING, s.CONNECTING]);
both("binaryType", (s) => {
  const found = [s.binaryType];
  for (const one of ["arraybuffer", "blob", "other", "ArrayBuffer", "", null, undefined, "arraybuffer"]) {
    s.binaryType = one;
    found.push(s.binaryType);
  }
  return found;
});
both("a clone", (s) => thrown(() => structuredClone(s)));
both("an own property", (s) => {
  s.mine = 1;
  Object.defineProperty(s, "readyState", { value: "mine", configurable: true });
  const found = [s.mine, s.readyState, delete s.readyState, s.readyState];
  return found;
});
both("frozen", (s) => (Object.freeze(s), [Object.isFrozen(s), thrown(() => { "use strict"; s.x = 1; })]));
both("handlers as attributes", (s) => {
  const act = () => {};
  const found = [s.onopen, s.onmessage, s.onerror, s.onclose];
  for (const name of ["onopen", "onmessage", "onerror", "onclose"]) {
    s[name] = act;
    found.push(s[name] === act);
    s[name] = 7;
    found.push(s[name]);
    s[name] = act;
    s[name] = null;
    found.push(s[name]);
    const object = { handleEvent() {} };
    s[name] = object;
    found.push(s[name] === object);
  }
  return found;
});
add("connecting: what is read", (t) => {
  const s = t.made();
  return [s.readyState, s.bufferedAmount, s.protocol, s.extensions, s.binaryType, s.onopen, own(s.url) === A + "/ws?id=" + t.id + "&run=echo"];
});
add("a subclass", async (t) => {
  class Mine extends WebSocket {
    #count = 0;
    constructor(url) { super(url, "chat"); this.own = "x"; this.addEventListener("message", () => this.#count++); }
    get count() { return this.#count; }
    send(data) { super.send(`mine ${data}`); }
    get readyState() { return super.readyState + 10; }
  }
  const s = t.keep(new Mine(t.to()));
  const log = t.log(s);
  await once(s, "open");
  s.send("a");
  await once(s, "message");
  const found = [s instanceof Mine, s instanceof WebSocket, s.constructor === Mine, Mine.OPEN, s.own, s.count, s.readyState, s.protocol, `${s}`];
  WebSocket.prototype.close.call(s);
  await once(s, "close");
  return [found, log];
});
add("an old-fashioned subclass", async (t) => {
  function Old(url) { return Reflect.construct(WebSocket, [url], Old); }
  Old.prototype = Object.create(WebSocket.prototype, { constructor: { value: Old } });
  const s = t.keep(new Old(t.to()));
  await once(s, "open");
  return [s instanceof Old, s.readyState, own(s.url) !== ""];
});
add("a replaced method", async (t) => {
  const { send } = WebSocket.prototype;
  const seen = [];
  WebSocket.prototype.send = function (data) { seen.push(data); return send.call(this, data); };
  try {
    const s = await t.open();
    s.send("x");
    const [data] = await t.messages(s, 1);
    return [seen.includes("x"), data];
  } finally {
    WebSocket.prototype.send = send;
  }
}, "page");
add("a replaced constructor", async (t) => {
  const Native = WebSocket;
  const made = [];
  globalThis.WebSocket = new Proxy(Native, { construct: (target, args, by) => { made.push(`${args[0]}`); return Reflect.construct(target, args, by); } });
  try {
    const url = t.to();
    const s = t.keep(new WebSocket(url));
    await once(s, "open");
    return [made[0] === url, s.readyState, s instanceof Native];
  } finally {
    globalThis.WebSocket = Native;
  }
}, "page");
add("a socket of a frame's", async (t) => {
  const frame = document.body.appendChild(document.createElement("iframe"));
  const s = t.keep(new frame.contentWindow.WebSocket(t.to()));
  await once(s, "open");
  const found = [s instanceof WebSocket, s instanceof frame.contentWindow.WebSocket, s.readyState, own(s.url).startsWith(A),
    Object.getOwnPropertyDescriptor(WebSocket.prototype, "readyState").get.call(s)];
  s.send("x");
  const [data] = await t.messages(s, 1);
  frame.remove();
  return [...found, data, s.readyState];
}, "page");
add("reflection", (t) => {
  const s = t.made();
  return [Reflect.has(s, "send"), Reflect.ownKeys(s), s.hasOwnProperty("url"), "onopen" in s, typeof s.addEventListener, WebSocket.prototype.isPrototypeOf(s)];
});
