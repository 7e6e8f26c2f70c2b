// Workers of every kind: each says what became of what it tried.
const given = (name) => `${B}/PATH?case=${encodeURIComponent(name)}`;
const text = async (path) => (await fetch(path)).text();
const ask = (worker, name) => new Promise((done) => {
  worker.onmessage = ({ data }) => done(data);
  worker.onerror = (event) => done(`error ${event.message ?? ""}`);
  worker.postMessage(given(name));
});
const blob = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
const data = (text) => `data:text/javascript,${encodeURIComponent(text)}`;
add("a worker", (to, name) => ask(new Worker("/classic.js"), name));
add("a worker by the own name", (to, name) => ask(new Worker(`${A}/classic.js`, { name: "x" }), name));
add("a worker by a URL object", (to, name) => ask(new Worker(new URL("/classic.js", location.href)), name));
add("a module worker", (to, name) => ask(new Worker("/module-worker.js", { type: "module" }), name));
add("a module worker that imports", (to, name) => ask(new Worker("/importing.js", { type: "module" }), name));
add("a blob worker", async (to, name) => ask(new Worker(blob(await text("/classic.js"))), name));
add("a blob module worker", async (to, name) => ask(new Worker(blob(await text("/module-worker.js")), { type: "module" }), name));
add("a blob worker whose URL is revoked", async (to, name) => {
  const address = blob(await text("/classic.js"));
  const worker = new Worker(address);
  URL.revokeObjectURL(address);
  return ask(worker, name);
});
add("a worker of a URL that was revoked", async () => {
  const address = blob("postMessage(1)");
  URL.revokeObjectURL(address);
  const worker = new Worker(address);
  return (await once(worker, "message", "error")).type;
});
add("a blob worker in strict mode", () => new Promise((done) => {
  const worker = new Worker(blob(`"use strict"; let seen = ""; try { undeclared = 1 } catch (error) { seen = error.name } postMessage(seen)`));
  worker.onmessage = (event) => done(event.data);
}));
add("a blob worker's location", () => new Promise((done) => {
  const worker = new Worker(blob("postMessage([location.protocol, location.href.split('/').length, self.origin, location.origin])"));
  worker.onmessage = (event) => done(event.data);
}));
add("a blob worker's errors", () => new Promise((done) => {
  const worker = new Worker(blob("\n\nthrow new Error('x')"));
  worker.onerror = ({ message, lineno, colno }) => done([message, lineno, colno]);
}));
add("a data worker", async (to, name) => ask(new Worker(data(await text("/classic.js"))), name));
add("a data worker in base64", async (to, name) => ask(new Worker(`data:text/javascript;base64,${btoa(await text("/classic.js"))}`), name));
add("a data worker with other letters", () => new Promise((done) => {
  const octets = Array.from(new TextEncoder().encode("postMessage('grüß 你好 %41')"), (one) => String.fromCharCode(one)).join("");
  const worker = new Worker(`data:text/javascript;charset=utf-8;base64,${btoa(octets)}`);
  worker.onmessage = (event) => done(event.data);
  worker.onerror = () => done("error");
}));
add("a data worker with signs", () => new Promise((done) => {
  const worker = new Worker("data:text/javascript,postMessage('50%25 ' + 1%2B1 + ' ' + '%c3%bc')");
  worker.onmessage = (event) => done(event.data);
  worker.onerror = () => done("error");
}));
add("a data module worker", async (to, name) => ask(new Worker(data(await text("/module-worker.js")), { type: "module" }), name));
add("a worker's own addresses", () => new Promise((done) => {
  const worker = new Worker("/place.js");
  worker.onmessage = (event) => done(event.data);
}));
add("a nested worker", (to, name) => ask(new Worker("/nesting.js"), name));
add("a nested blob worker", (to, name) => ask(new Worker("/nesting.js?blob"), name));
add("a worker nested in a blob worker", (to, name) => ask(new Worker(blob(
  `onmessage = ({ data }) => { const inner = new Worker("${A}/classic.js"); inner.onmessage = (event) => postMessage(event.data); inner.postMessage(data); }`)), name));
add("a worker of another site", (to) => {
  const worker = new Worker(to("script.js"));
  return once(worker, "error").then((event) => event.type);
});
const shared = (worker, name) => new Promise((done) => {
  worker.port.onmessage = (event) => done(event.data);
  worker.onerror = () => done("error");
  worker.port.postMessage(given(name));
});
add("a shared worker", (to, name) => shared(new SharedWorker("/shared.js"), name));
add("a shared worker by the own name", (to, name) => shared(new SharedWorker(`${A}/shared.js`, "named"), name));
add("a shared module worker", (to, name) => shared(new SharedWorker("/shared-module.js", { type: "module", name: "m" }), name));
add("a shared blob worker", async (to, name) => shared(new SharedWorker(blob(await text("/shared.js"))), name));
add("a shared blob worker by one URL twice", async (to, name) => {
  const address = blob("let count = 0; onconnect = ({ ports: [port] }) => port.postMessage(++count)");
  const count = () => new Promise((done) => (new SharedWorker(address).port.onmessage = (event) => done(event.data)));
  return [await count(), await count()];
});
add("a shared data worker", async (to, name) => shared(new SharedWorker(data(await text("/shared.js"))), name));
add("a worker's classes", () => {
  class Mine extends Worker {}
  const made = new Mine("/place.js");
  made.terminate();
  return [made instanceof Worker, made.constructor === Mine, Worker.prototype.constructor === Worker];
});
const active = async (registration) => {
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  while (worker.state !== "activated") await once(worker, "statechange");
  return worker;
};
add("a service worker", async (to, name) => {
  const registration = await navigator.serviceWorker.register(`${A}/sw.js`, { scope: "/scope/" });
  const worker = await active(registration);
  const heard = new Promise((done) => (navigator.serviceWorker.onmessage = (event) => done(event.data)));
  navigator.serviceWorker.startMessages();
  worker.postMessage(given(name));
  return [own(worker.scriptURL), own(registration.scope), await heard];
});
add("a service worker with an absolute scope", async () => {
  const registration = await navigator.serviceWorker.register("/sw.js", { scope: `${A}/absolute/` });
  return [own(registration.scope), own((await navigator.serviceWorker.getRegistration(`${A}/absolute/x`)).scope), await registration.unregister()];
});
add("a document of a service worker", async (to) => {
  await active(await navigator.serviceWorker.register("/sw.js", { scope: "/scope/" }));
  const frame = put("iframe", { src: "/scope/page" });
  await once(frame, "load");
  return [frame.contentDocument.body.textContent, frame.contentDocument.scripts.length];
});
add("a service worker that leads a page", async () => {
  const worker = await active(await navigator.serviceWorker.register("/sw.js", { scope: "/scope/" }));
  await once(put("iframe", { src: "/scope/page" }), "load");
  const heard = new Promise((done) => (navigator.serviceWorker.onmessage = (event) => done(event.data)));
  worker.postMessage("navigate");
  return heard;
});
add("a service worker that passes on", async (to) => {
  await active(await navigator.serviceWorker.register("/sw.js", { scope: "/scope/" }));
  const frame = put("iframe", { src: "/scope/pass" });
  await once(frame, "load");
  const w = frame.contentWindow;
  const echo = await (await w.fetch(to("echo"))).json();
  return [w.document.title, echo.Host, w.document.scripts.length, (await w.fetch(to("made"))).status];
});
add("a module service worker", async (to, name) => {
  const registration = await navigator.serviceWorker.register("/sw-module.js", { scope: "/other/", type: "module" });
  const worker = await active(registration);
  const heard = new Promise((done) => (navigator.serviceWorker.onmessage = (event) => done(event.data)));
  worker.postMessage(given(name));
  return heard;
});
add("a service worker of another site", async (to) => navigator.serviceWorker.register(to("script.js")).catch((error) => error.name));
add("a page's cache", async (to) => {
  const cache = await caches.open("page");
  await cache.add(to("echo"));
  await cache.put(to("put"), new Response("put"));
  const found = [await cache.match(to("echo")), await caches.match(to("put"))];
  const keys = (await cache.keys()).map((one) => one.url);
  return [found.map((one) => one?.url ?? "absent"), keys, await cache.delete(to("put"))];
});
add("a paint worklet", async (to) => (await CSS.paintWorklet.addModule(to("paint.js"))) ?? "added");
