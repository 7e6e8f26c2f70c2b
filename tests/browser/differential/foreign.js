const tried = (run) => {
  try {
    return run();
  } catch (error) {
    return error.name;
  }
};
// What a foreign frame hears that is addressed so.
const heard = async (...ways) => {
  const { contentWindow: w } = await framed(B + AGENT);
  await ask(w, "self.got = []; addEventListener('message', ({ data, origin, ports }) => data.id || got.push([data, origin, ports.length]))");
  const thrown = ways.map((way) => tried(() => way(w) ?? "sent"));
  return [thrown, await ask(w, "return got")];
};

add("one window on every access", async () => {
  const frame = await framed(B + AGENT, { name: "kept" });
  const w = frame.contentWindow;
  w.focus();
  return [
    w === frame.contentWindow, w === document.querySelector("iframe").contentWindow, w === frames[frames.length - 1], w === frames.kept, w === window.frames["kept"],
    w === window.kept, w === w.self, w === w.window, w === w.frames, w.parent === window, new Set([w, frame.contentWindow, frames.kept]).size, Object.is(w, w.self), "kept" in window,
  ];
});
add("who sent a message, and who answers", async () => {
  const frame = await framed(B + AGENT);
  const first = messages(2);
  await ask(frame.contentWindow, "parent.postMessage(1, '*'); parent.postMessage(2, '*')");
  const [one, two] = await first;
  return [
    one.source === frame.contentWindow, one.source === two.source,
    await ask(one.source, "return [event.source === parent, event.source === window.parent, parent === parent.self, parent === window.parent.window]"),
  ];
});
add("a frame whose window is taken before it loads", async () => {
  const frame = make("iframe", { src: B + AGENT });
  document.body.append(frame);
  const w = frame.contentWindow;
  const blank = [w.location.href, w.document.body.innerHTML, w.length, w.document.URL, w.closed];
  await once(frame, "load");
  const first = messages(1);
  await ask(w, "parent.postMessage(1, '*')", B);
  return [blank, w === frame.contentWindow, (await first)[0].source === w, tried(() => w.document)];
});
add("a blank frame that is led to another origin", async () => {
  const frame = put("iframe");
  const w = frame.contentWindow;
  const loaded = once(frame, "load");
  frame.src = B + AGENT;
  await loaded;
  const first = messages(1);
  await ask(w, "parent.postMessage(1, '*')");
  return [w === frame.contentWindow, (await first)[0].source === w, tried(() => w.document), await Promise.race([ask(w, "return document.title", B), tick(300).then(() => "nothing")])];
});
add("a window of its own origin that goes elsewhere", async () => {
  const frame = await framed(AGENT);
  const w = frame.contentWindow;
  const title = w.document.title;
  const loaded = once(frame, "load");
  frame.src = B + AGENT;
  await loaded;
  const first = messages(1);
  await ask(w, "parent.postMessage(1, '*')");
  return [title, w === frame.contentWindow, (await first)[0].source === w, tried(() => w.document)];
});
add("a foreign window that comes home", async () => {
  const frame = await framed(B + AGENT);
  const w = frame.contentWindow;
  const before = tried(() => w.document);
  const loaded = once(frame, "load");
  frame.src = AGENT;
  await loaded;
  w.mark = 1;
  return [
    before, w === frame.contentWindow, w.document.title, w.mark, "mark" in w, w.eval("mark + 1"), w.eval("[]") instanceof w.Array, new w.Array(3).length, w.Array === w.eval("Array"), w.getComputedStyle(w.document.body).display,
    path(w.location.href), w.self === w, w.parent === window, Object.prototype.toString.call(w), typeof w.setTimeout(() => {}, 1), delete w.mark, w.mark, w.document.querySelector("title").textContent, await ask(w, "return document.title"), w.origin === origin,
  ];
});
add("a foreign window that is taken out", async () => {
  const frame = await framed(B + AGENT);
  const w = frame.contentWindow;
  const before = [w.closed, w.length, w.parent === window];
  frame.remove();
  return [before, w.closed, w.parent, w.length, frame.contentWindow, tried(() => w.postMessage("x", B) ?? "sent"), tried(() => w.postMessage("x", "nowhere") ?? "sent")];
});
add("what kind of thing it is", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  return [
    typeof w, Object.prototype.toString.call(w), tried(() => `${w}`), tried(() => JSON.stringify(w)), w instanceof Window, w instanceof Object, w instanceof EventTarget, Object.getPrototypeOf(w), Array.isArray(w), Boolean(w), w == null, w === window,
    tried(() => Number(w)), tried(() => w.toString()), tried(() => [].concat(w).length), tried(() => w instanceof Function),
  ];
});
add("its symbols, and then", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  const waited = await Promise.resolve(w);
  return [waited === w, w.then, w[Symbol.toStringTag], w[Symbol.hasInstance], w[Symbol.isConcatSpreadable], tried(() => w[Symbol.iterator]), tried(() => w[Symbol.toPrimitive]), tried(() => [...w]), tried(() => w[Symbol("own")])];
});
add("its members one by one", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  const names = "window self location closed frames length top opener parent postMessage blur focus close then 0 document name origin history navigator status event onmessage addEventListener dispatchEvent setTimeout alert open external customElements constructor __proto__".split(" ");
  return names.map((name) => [name, tried(() => typeof w[name])]);
});
add("what may be set", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  return ["name", "opener", "parent", "closed", "length", "postMessage", "window", "onmessage", "own", "then", "0"].map((name) => [name, tried(() => (w[name] = 1)), tried(() => Reflect.set(w, name, 1))]);
});
add("its names listed", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  await ask(w, "document.body.append(document.createElement('iframe'))");
  return [Object.keys(w), Object.getOwnPropertyNames(w), Reflect.ownKeys(w).length, tried(() => Object.entries(w).map(([name, one]) => [name, one === w[0]])), tried(() => Object.values({ ...w })[0] === w[0])];
});
add("its names in a loop", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  await ask(w, "document.body.append(document.createElement('iframe'))");
  const listed = [];
  for (const name in w) listed.push(name);
  return listed;
});
add("whether names are in it", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  return ["postMessage", "location", "document", "own", 0, Symbol.toStringTag].map((name) => [tried(() => name in w), tried(() => Object.hasOwn(w, name)), tried(() => Reflect.has(w, name))]);
});
add("descriptors of a foreign window's members", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  const told = (name) => tried(() => {
    const found = Object.getOwnPropertyDescriptor(w, name);
    return found && Object.entries(found).map(([key, value]) => [key, typeof value]).sort();
  });
  const { get } = Object.getOwnPropertyDescriptor(w, "closed");
  return [["postMessage", "location", "closed", "window", "then", "document", "own"].map(told), get.call(w), Object.getOwnPropertyDescriptor(w, "postMessage").value === w.postMessage];
});
add("objects' own operations on it", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  return [
    tried(() => Object.defineProperty(w, "x", { value: 1 })), tried(() => delete w.x), tried(() => delete w.postMessage), tried(() => Object.preventExtensions(w)), tried(() => Reflect.preventExtensions(w)), Object.isExtensible(w),
    tried(() => Object.setPrototypeOf(w, null) === w), tried(() => Object.setPrototypeOf(w, {})), tried(() => Object.freeze(w)), tried(() => Object.isFrozen(w)), tried(() => Object.assign(w, { x: 1 })), tried(() => w.hasOwnProperty("x")),
  ];
});
add("errors of what is denied", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  const told = (run) => {
    try {
      return run();
    } catch (error) {
      return [error.name, error.code, error instanceof DOMException, error.constructor === DOMException, error.message.replace(/"[^"]*"/g, "ORIGIN")];
    }
  };
  return [told(() => w.document), told(() => (w.x = 1)), told(() => w.location.href), told(() => w.location.x), told(() => (w.location.hash = "x")), told(() => w.location.assign), told(() => w.frameElement), told(() => delete w.x)];
});
add("its functions", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  const own = ({ name, length, prototype }) => [name, length, typeof prototype];
  return [
    ["postMessage", "focus", "blur", "close"].map((name) => [w[name] === w[name], own(w[name]), typeof w[name], `${w[name]}`.includes("[native code]"), w[name] instanceof Function]),
    w.postMessage === window.postMessage, tried(() => new w.postMessage()), tried(() => w.focus()), tried(() => w.blur.call(w)), tried(() => w.close()), w.closed,
  ];
});
add("messages by other ways to call", () => heard(
  (w) => w.postMessage.call(w, "call", B),
  (w) => w.postMessage.apply(w, ["apply", B, []]),
  (w) => w.postMessage.bind(w, "bound")(B),
  (w) => Reflect.apply(w.postMessage, w, ["reflect", { targetOrigin: B }]),
  (w) => w["postMessage"]("computed", B),
  (w) => w.self.window.frames.postMessage("self", B),
  (w) => w.postMessage("more", B, undefined),
  (w) => w.postMessage("too many", B, [], 1),
));
add("targets in options", () => {
  class Options {
    get targetOrigin() {
      return B;
    }
  }
  return heard(
    (w) => w.postMessage("plain", { targetOrigin: B }),
    (w) => w.postMessage("frozen", Object.freeze({ targetOrigin: `${B}/path` })),
    (w) => w.postMessage("class", new Options()),
    (w) => w.postMessage("inherited", Object.create({ targetOrigin: B })),
    (w) => w.postMessage("converted", { targetOrigin: { toString: () => B } }),
    (w) => w.postMessage("wrong", { targetOrigin: A }),
    (w) => w.postMessage("any", { targetOrigin: "*" }),
    (w) => w.postMessage("slash", { targetOrigin: "/" }),
    (w) => w.postMessage("none", {}),
    (w) => w.postMessage("undefined", { targetOrigin: undefined }),
    (w) => w.postMessage("null", { targetOrigin: null }),
    (w) => w.postMessage("invalid", { targetOrigin: "b.test" }),
    (w) => w.postMessage("symbol", { targetOrigin: Symbol() }),
    (w) => w.postMessage("throws", { get targetOrigin() { throw new RangeError("x"); } }),
  );
});
add("options and targets that are something else", () => heard(
  (w) => w.postMessage("null", null),
  (w) => w.postMessage("undefined", undefined),
  (w) => w.postMessage("number", 1),
  (w) => w.postMessage("boolean", true),
  (w) => w.postMessage("symbol", Symbol()),
  (w) => w.postMessage("array", [B]),
  (w) => w.postMessage("a URL", new URL(B)),
  (w) => w.postMessage("a URL, and a list", new URL(B), []),
  (w) => w.postMessage("a text object", new String(B)),
  (w) => w.postMessage("a text object, and a list", new String(B), []),
  (w) => w.postMessage("a function", () => B),
  (w) => w.postMessage("null, and a list", null, []),
  (w) => w.postMessage("any, and null", "*", null),
));
add("invalid targets and their errors", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  return ["b.test", "//b.test", "/path", "", " ", "null", "**", "https:", "https://", "https://b.test:99999", "https://[", "javascript:1", "data:,x", "about:blank", "file:///x", "mailto:x@y.z", "B.TEST:443", "?", "#", " https://b.test "].map((to) => {
    try {
      return w.postMessage("x", to) ?? "sent";
    } catch (error) {
      return [error.name, error.code, error.message, error instanceof DOMException];
    }
  });
});
add("too few arguments, and what cannot be cloned", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  const gone = new ArrayBuffer(1);
  structuredClone(gone, { transfer: [gone] });
  return [
    tried(() => w.postMessage()), tried(() => w.postMessage(() => {}, B)), tried(() => w.postMessage(document.body, B)), tried(() => w.postMessage(Symbol(), "nowhere")), tried(() => w.postMessage(1, B, [{}])), tried(() => w.postMessage(1, B, 1)),
    tried(() => w.postMessage(1, B, [gone])), tried(() => w.postMessage(1, { targetOrigin: B, transfer: [gone] })), tried(() => w.postMessage(w, B)), tried(() => structuredClone(w)), tried(() => history.replaceState(w, "")), tried(() => structuredClone({ w: [w] })),
  ];
});
add("transfers with a real origin", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  await ask(w, "self.got = []; addEventListener('message', ({ data, ports }) => { if (data.id) return; got.push([data.byteLength ?? data, ports.length]); ports[0]?.postMessage('by port') })");
  const [one, two] = [new ArrayBuffer(8), new ArrayBuffer(9)];
  const { port1, port2 } = new MessageChannel();
  w.postMessage(one, B, [one]);
  w.postMessage(two, { targetOrigin: B, transfer: [two] });
  const back = once(port1, "message");
  port1.start();
  w.postMessage("port", B, [port2]);
  const lost = new ArrayBuffer(7);
  w.postMessage(lost, A, [lost]);
  return [one.byteLength, two.byteLength, lost.byteLength, (await back).data, await ask(w, "return got")];
});
add("messages for other origins are not heard", () => heard(
  (w) => w.postMessage("own", A), (w) => w.postMessage("sub", "https://sub.b.test"), (w) => w.postMessage("port", `${B}:8443`), (w) => w.postMessage("plain", "http://b.test"), (w) => w.postMessage("socket", "wss://b.test"),
  (w) => w.postMessage("unknown", "https://unknown.test"), (w) => w.postMessage("long", `https://${"a".repeat(60)}.test`), (w) => w.postMessage("right", B),
));
add("a message event of it", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  const got = once(window, "message");
  const one = new MessageEvent("message", { data: "own", source: w, origin: B });
  dispatchEvent(one);
  const old = document.createEvent("MessageEvent");
  old.initMessageEvent("message", false, false, "old", B, "", w, []);
  return [one.source === w, (await got).source === w, old.source === w, old.data, tried(() => new MessageEvent("x", { source: {} }).source), new MessageEvent("x", { source: null }).source, tried(() => new MessageEvent("x", { source: window }).source === window)];
});
add("a message event of it, by those who did nothing with it yet", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  return tried(() => new MessageEvent("message", { source: w }).source === w);
});
add("events that it is to be the view of", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  w.focus();
  const told = (Kind) => tried(() => new Kind("x", { view: w }).view === w);
  return [told(UIEvent), told(MouseEvent), told(KeyboardEvent), tried(() => new UIEvent("x", { view: {} })), new UIEvent("x", { view: window }).view === window];
});
add("keys of maps", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  const [map, weak, set] = [new Map([[w, 1]]), new WeakMap([[w, 2]]), new WeakSet([w])];
  const first = messages(1);
  await ask(w, "parent.postMessage(1, '*')");
  const [{ source }] = await first;
  return [map.get(source), weak.get(source), set.has(source), [w].includes(source), [w].indexOf(source), new WeakRef(w).deref() === source];
});
add("its location", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  const { location } = w;
  return [
    typeof location, location === w.location, Object.prototype.toString.call(location), Reflect.ownKeys(location).map(String), Object.getPrototypeOf(location), location instanceof Location, location.then, tried(() => `${location}`), tried(() => "href" in location),
    tried(() => location.href), tried(() => location.reload()), tried(() => location.assign("x")), tried(() => (location.search = "x")), location.replace === location.replace, location.replace.name, location.replace.length, tried(() => location.replace()), tried(() => location.replace("http://[")), tried(() => (location.href = "http://[")),
  ];
});
for (const [name, code] of Object.entries({
  "an assigned location": "w.location = to",
  "an assigned location.href": "w.location.href = to",
  "location.replace": "w.location.replace(to)",
  "a location that is an object": "w.location = new URL(to)",
  "Reflect.set": "Reflect.set(w, 'location', to)",
  "location.replace of its own": "const { location } = w; location.replace.call(location, to)",
})) add(`a foreign window is led by ${name}`, async (t) => {
  const { contentWindow: w } = await framed(B + AGENT);
  new Function("w", "to", code)(w, `${C}${AGENT}?case=${t.slug}`);
  const where = () => Promise.race([ask(w, "return location.href"), tick(200).then(() => "nothing")]);
  return until(async () => /case=/.test(await where()) && where());
});
add("a foreign window is led by a relative address", async (t) => {
  const frame = await framed(B + AGENT);
  const loaded = once(frame, "load");
  frame.contentWindow.location = `../landed?case=${t.slug}`;
  await loaded;
  return path(frame.contentWindow.location.href);
});
add("a foreign window is led by open with its name", async (t) => {
  const frame = await framed(B + AGENT, { name: "led" });
  const loaded = once(frame, "load");
  const got = open(`${C}${AGENT}?case=${t.slug}`, "led");
  await loaded;
  return [got === frame.contentWindow, await until(() => Promise.race([ask(got, "return location.href"), tick(200)]))];
});
add("frames of a foreign frame", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  await ask(w, `const frame = document.createElement("iframe"); frame.src = "${C}${AGENT}"; frame.name = "inner"; document.body.append(frame); await new Promise((done) => (frame.onload = done))`);
  const first = messages(1);
  const seen = [w.length, w[0] === w.frames[0], w[0].parent === w, w[0] === w[0].self, tried(() => w[1]), tried(() => w.inner === w[0]), tried(() => w.frames.inner === w[0]), w[0].length];
  w[0].postMessage({ id: 7, code: "parent.parent.postMessage('deep', 'https://a.test'); return event.origin === 'https://a.test'" }, C);
  const [{ data, origin, source }] = await first;
  return [seen, data, origin, source === w[0]];
});
add("messages over two frames for their origins", async () => there(B + AGENT, `
  const frame = document.createElement("iframe"); frame.src = "https://c.test/agents/page"; document.body.append(frame);
  await new Promise((done) => (frame.onload = done));
  const answer = new Promise((done) => addEventListener("message", ({ data, origin, source }) => data.id === "inner" && done([data.result, origin, source === frame.contentWindow])));
  frame.contentWindow.postMessage({ id: "inner", code: "return [event.origin, event.source === parent]" }, "https://c.test");
  return answer`));
add("a shake of hands by origins alone", async () => {
  const frame = await framed(B + AGENT);
  await ask(frame.contentWindow, `addEventListener("message", ({ data, origin, source, ports: [port] }) => {
    if (data === "syn" && origin === "${A}" && source === parent) { source.postMessage("ack", { targetOrigin: origin }); port.postMessage("by port") }
  })`);
  const first = messages(1);
  const { port1, port2 } = new MessageChannel();
  const port = once(port1, "message");
  port1.start();
  frame.contentWindow.postMessage("syn", new URL(frame.src).origin, [port2]);
  const [{ data, origin, source }] = await first;
  return [data, origin === new URL(frame.src).origin, source === frame.contentWindow, (await port).data];
});
add("frames as a list of their own", async () => {
  await framed(B + AGENT, { name: "listed" });
  window.global = 1;
  frames.another = 2;
  const seen = [frames.length === length, frames.document === document, frames.global, window.another, typeof frames.setTimeout(() => {}, 0), frames.self === window, frames.nothing, "listed" in frames, frames instanceof Window, Object.prototype.toString.call(frames), frames.Array === Array, frames.location === location];
  delete window.global;
  delete window.another;
  return seen;
});
add("a frame in an object", async () => {
  const object = put("object", { data: B + AGENT, type: "text/html" });
  await once(object, "load");
  const w = object.contentWindow;
  return [w === object.contentWindow, await ask(w, "return [document.title, event.origin === 'https://a.test']", B), tried(() => w.document)];
});
add("a sandboxed window", async () => {
  const { contentWindow: w } = await framed("/agents/inline", { sandbox: "allow-scripts" });
  const first = messages(1);
  await ask(w, "self.got = []; addEventListener('message', ({ data }) => data.id || got.push(data)); parent.postMessage(1, 'https://a.test')");
  const [{ origin, source }] = await first;
  const thrown = ["https://a.test", "/", "null", "*"].map((to) => tried(() => w.postMessage(to, to) ?? "sent"));
  return [origin, source === w, thrown, await ask(w, "return got"), tried(() => w.document)];
});
add("a name that a script declares", async () => {
  const frame = await framed(B + AGENT, { name: "declared" });
  const w = frame.contentWindow;
  w.focus();
  const before = window.declared === w;
  (0, eval)("var declared = 5");
  const seen = [before, window.declared, frames.declared];
  window.declared = undefined;
  return seen;
});
add("a blank frame's window and its document's", async () => {
  const frame = put("iframe");
  const w = frame.contentWindow;
  return [w === frame.contentDocument.defaultView, w === w.document.defaultView, w instanceof w.Window, w === w.document.defaultView.self, frames[frames.length - 1] === w];
});
add("a message over the window of a parent of the same origin", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  await ask(w, `const frame = document.createElement("iframe"); frame.src = "${AGENT}"; document.body.append(frame); await new Promise((done) => (frame.onload = done))`);
  const first = messages(1);
  await ask(w, `frames[0].eval("parent.parent.postMessage('deep', '${A}')")`);
  const [{ data, origin, source }] = await first;
  return [data, origin, source === w[0], source === w];
});
