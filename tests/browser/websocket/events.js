// Events: what they are, when and in which order they come, to whom.
const members = (event, names) => Object.fromEntries(names.map((name) => [name, event[name]]));
const COMMON = ["type", "bubbles", "cancelable", "composed", "defaultPrevented", "eventPhase"];
const next = async (t, type, run = "send:x|close:4000:why", more) => {
  const s = t.made(run, more);
  const event = await new Promise((done) => s.addEventListener(type, (one) => done({
    common: members(one, COMMON), target: one.target === s, current: one.currentTarget === s, source: one.srcElement === s, path: one.composedPath().length, kind: one.constructor.name, text: `${one}`, proto: Object.getPrototypeOf(one) === globalThis[one.constructor.name].prototype, event: one,
  })));
  return [s, event];
};
for (const type of ["open", "message", "close"]) {
  add(`the event ${type}`, async (t) => {
    const [, { event, ...told }] = await next(t, type);
    return [told, Object.getOwnPropertyNames(event)];
  });
}
add("the event error", async (t) => {
  const [, { event, ...told }] = await next(t, "error", "", { status: 500 });
  return [told, Object.getOwnPropertyNames(event)];
});
for (const type of ["open", "message", "close"]) {
  add(`the event ${type} is trusted`, async (t) => (await next(t, type))[1].event.isTrusted, "page");
}
add("the event error is trusted", async (t) => (await next(t, "error", "", { status: 500 }))[1].event.isTrusted, "page");
add("a message's members", async (t) => {
  const [, { event }] = await next(t, "message");
  return [event.data, own(event.origin), event.lastEventId, event.source, event.ports];
});
add("a message's origin, of another host", async (t) => {
  const s = t.made("send:x", {}, undefined, B);
  const event = await once(s, "message");
  return event.origin;
});
add("a message's origin, of another port", async (t) => {
  const s = t.made("send:x", {}, undefined, "wss://a.test:8443");
  const event = await once(s, "message");
  return event.origin;
});
add("a close's members", async (t) => {
  const [, { event }] = await next(t, "close");
  return [event.code, event.reason, event.wasClean];
});
add("members are read only", async (t) => {
  const [, { event }] = await next(t, "close");
  event.code = 1;
  event.reason = "x";
  event.wasClean = false;
  return [event.code, event.reason, event.wasClean];
});
const BINARY_TYPES = { "blob": "blob", "arraybuffer": "arraybuffer", "the default": null };
each(BINARY_TYPES, "binaryType", async (t, type) => {
  const s = t.made("binary:10");
  if (type) s.binaryType = type;
  const [data] = await t.messages(s, 1);
  return [shown(data), data instanceof Blob ? data.type : null, data instanceof Blob, data instanceof ArrayBuffer, await hash(data)];
});
add("binaryType changed between messages", async (t) => {
  const s = t.made("binary:1|wait|binary:2|wait|binary:3");
  const found = [];
  for (const type of ["arraybuffer", "blob", "arraybuffer"]) {
    s.binaryType = type;
    found.push(shown((await t.messages(s, 1))[0]));
    s.send("go");
  }
  return found;
});
add("an empty binary message", async (t) => {
  const s = t.made("raw:8200");
  s.binaryType = "arraybuffer";
  return shown((await t.messages(s, 1))[0]);
});
add("an empty Blob message", async (t) => shown((await t.messages(t.made("raw:8200"), 1))[0]));
add("data of one message is the same each time", async (t) => {
  const s = t.made("binary:4");
  const event = await once(s, "message");
  return event.data === event.data;
});
add("open comes before messages", async (t) => (await t.story(t.made("send:a|send:b|close:1000"))));
add("no event before the constructor returns", async (t) => {
  const log = [];
  const s = t.made("send:x");
  log.push("made");
  s.onopen = () => log.push("open");
  await tick();
  s.onmessage = () => log.push("message");
  await until(() => log.includes("message"));
  return log;
});
add("handlers added late still hear the open", async (t) => {
  const s = t.made();
  await Promise.resolve();
  const log = t.log(s);
  await once(s, "open");
  return log;
});
add("messages come each in a task of its own", async (t) => {
  const s = t.made("raw:810161810162810163|sleep:50");
  const log = [];
  s.onmessage = ({ data }) => {
    log.push(data);
    Promise.resolve().then(() => log.push(`then ${data}`));
  };
  await until(() => log.length === 6);
  return log;
});
add("the order of listeners and handlers", async (t) => {
  const s = t.made("send:x");
  const log = [];
  s.addEventListener("message", () => log.push("first"));
  s.onmessage = () => log.push("handler");
  s.addEventListener("message", () => log.push("last"));
  s.addEventListener("message", () => log.push("capturing"), true);
  s.addEventListener("message", { handleEvent: () => log.push("object") });
  await once(s, "message");
  return log;
});
add("a handler keeps its place", async (t) => {
  const s = t.made("send:x");
  const log = [];
  s.onmessage = () => log.push("old");
  s.addEventListener("message", () => log.push("listener"));
  s.onmessage = () => log.push("new");
  await once(s, "message");
  return log;
});
add("a handler's this", async (t) => {
  const s = t.made("send:x");
  const found = [];
  s.onopen = function (event) { found.push(this === s, event.type); };
  s.onmessage = function (event) { found.push(this === s, event.type); };
  s.onclose = function (event) { found.push(this === s, event.type); s.done = true; };
  await once(s, "message");
  s.close();
  await until(() => s.done);
  return found;
});
add("a handler that is taken away", async (t) => {
  const s = t.made("send:x");
  let count = 0;
  s.onmessage = () => count++;
  s.onmessage = null;
  const listener = () => count++;
  s.addEventListener("message", listener);
  s.removeEventListener("message", listener);
  await once(s, "message");
  return count;
});
add("once and signal", async (t) => {
  const s = t.made("send:a|send:b|send:c|close:1000");
  const found = [];
  const stop = new AbortController();
  s.addEventListener("message", ({ data }) => found.push(`once ${data}`), { once: true });
  s.addEventListener("message", ({ data }) => (found.push(`until ${data}`), data === "b" && stop.abort()), { signal: stop.signal });
  await once(s, "close");
  return found;
});
add("stopImmediatePropagation", async (t) => {
  const s = t.made("send:x|sleep:20|close:1000");
  const found = [];
  s.addEventListener("message", (event) => (found.push(1), event.stopImmediatePropagation()));
  s.addEventListener("message", () => found.push(2));
  s.onmessage = () => found.push(3);
  await once(s, "close");
  return found;
});
add("preventDefault", async (t) => {
  const event = await once(t.made("send:x"), "message");
  event.preventDefault();
  return event.defaultPrevented;
});
add("a handler that throws", async (t) => {
  const s = t.made("send:a|send:b");
  const found = [];
  const errors = [];
  const listen = (event) => { errors.push(`${event.message}`.replace(/^Uncaught /, "")); event.preventDefault(); };
  addEventListener("error", listen);
  s.onmessage = ({ data }) => { found.push(data); throw new Error("mine"); };
  await until(() => found.length === 2);
  removeEventListener("error", listen);
  return [found, errors.filter((one) => one.includes("mine")).length, s.readyState];
}, "page");
add("an event of the page's own", async (t) => {
  const s = await t.open();
  const found = [];
  s.onmessage = (event) => found.push([event.data, event.isTrusted]);
  s.onclose = (event) => found.push([event.code, event.isTrusted]);
  s.onerror = (event) => found.push([event.type, event.isTrusted]);
  s.dispatchEvent(new MessageEvent("message", { data: "mine" }));
  s.dispatchEvent(new CloseEvent("close", { code: 4000 }));
  s.dispatchEvent(new Event("error"));
  return [[...found], s.readyState];
});
add("an event of the page's own while connecting", async (t) => {
  const s = t.made();
  const found = [];
  s.addEventListener("error", () => found.push("error"));
  s.addEventListener("close", () => found.push("close"));
  s.dispatchEvent(new Event("error"));
  s.dispatchEvent(new CloseEvent("close"));
  await once(s, "open");
  return [found, s.readyState];
});
add("a message while the page is busy", async (t) => {
  const s = t.made("send:a|send:b|send:c");
  const got = t.messages(s, 3);
  await once(s, "open");
  const end = performance.now() + 60;
  while (performance.now() < end);
  return got;
});
add("a hundred messages", async (t) => {
  const s = t.made(Array.from({ length: 100 }, (_, at) => `send:${at}`).join("|"));
  return (await t.messages(s, 100)).every((one, at) => one === `${at}`);
});
add("a socket that nobody holds still tells", async (t) => {
  const found = [];
  (() => { const s = new WebSocket(t.to("sleep:50|send:x|close:1000")); s.onmessage = ({ data }) => found.push(data); s.onclose = () => found.push("close"); })();
  await until(() => found.length === 2);
  return found;
});
add("CloseEvent", () => {
  const e = new CloseEvent("close", { code: 3000, reason: "r", wasClean: true });
  return [CloseEvent.length, e.code, e.reason, e.wasClean, new CloseEvent("x").code, thrown(() => new CloseEvent())];
});
// What the origin sees.
add("the handshake's fields", async (t) => {
  const [data] = await t.messages(t.made("told"), 1);
  const { target, Cookie, ...told } = JSON.parse(data);
  return told;
});
add("the handshake's fields, at another host", async (t) => {
  const [data] = await t.messages(t.made("told", {}, undefined, B), 1);
  const { target, Cookie, ...told } = JSON.parse(data);
  return told;
});
add("cookies", async (t) => {
  await fetch(`${WEB}/cookie?set=c-${PLACE}%3D1%3B+Secure&id=cookies`, { credentials: "include" });
  const [data] = await t.messages(t.made("told"), 1);
  return JSON.parse(data).Cookie.split("; ").includes(`c-${PLACE}=1`);
});
add("cookies that the handshake sets", async (t) => {
  await t.messages(t.made("told", { field: `Set-Cookie:h-${PLACE}=2; Secure; Path=/` }), 1);
  const [data] = await t.messages(t.made("told"), 1);
  return JSON.parse(data).Cookie.split("; ").includes(`h-${PLACE}=2`);
});
add("cookies of another host", async (t) => {
  await t.messages(t.made("told", { field: `Set-Cookie:o-${PLACE}=3; Secure; SameSite=None; Path=/` }, undefined, B), 1);
  const [data] = await t.messages(t.made("told", {}, undefined, B), 1);
  return JSON.parse(data).Cookie.split("; ").includes(`o-${PLACE}=3`);
});
add("ten sockets at once", async (t) => {
  const all = Array.from({ length: 10 }, () => t.made());
  await Promise.all(all.map((s) => once(s, "open", "close")));
  all.forEach((s, at) => s.send(`${at}`));
  return (await Promise.all(all.map((s) => t.messages(s, 1)))).flat();
});
