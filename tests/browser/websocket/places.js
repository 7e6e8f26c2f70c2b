// Workers of every kind, and documents that go away.
const SMALL = `
const talk = (url) => new Promise((done) => {
  const log = [];
  const s = new WebSocket(url);
  log.push(s.readyState, s instanceof WebSocket);
  s.onopen = () => { log.push("open"); s.send("x"); };
  s.onmessage = ({ data }) => { log.push(data); s.close(3000, "done"); };
  s.onerror = () => log.push("error");
  s.onclose = ({ code, reason, wasClean }) => done([...log, code, reason, wasClean]);
});
`;
const DEDICATED = `${SMALL} onmessage = async ({ data }) => postMessage(await talk(data));`;
const asked = (worker, url) => new Promise((done) => {
  worker.onmessage = ({ data }) => done(data);
  worker.onerror = (event) => done(`error: ${event.message}`);
  worker.postMessage(url);
});
const blob = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
const DEDICATED_WORKERS = {
  "from an address": () => new Worker("/small.js"), "from a blob": () => new Worker(blob(DEDICATED)), "from data": () => new Worker(`data:text/javascript,${encodeURIComponent(DEDICATED)}`),
  "a module": () => new Worker("/small.js", { type: "module" }), "a module from a blob": () => new Worker(blob(DEDICATED), { type: "module" }),
};
each(DEDICATED_WORKERS, "a worker", async (t, make) => {
  const worker = make();
  const told = await asked(worker, t.to());
  worker.terminate();
  return [told, await t.heard()];
}, "page");
add("a worker of a worker", async (t) => {
  const worker = new Worker(blob(`onmessage = ({ data }) => { const inner = new Worker(${JSON.stringify(`${WEB}/small.js`)}); inner.onmessage = ({ data }) => postMessage(data); inner.postMessage(data); }`));
  return asked(worker, t.to());
}, "page");
add("a shared worker", async (t) => {
  const worker = new SharedWorker("/shared.js");
  const port = worker.port;
  port.start();
  return asked(port, t.to());
}, "page");
add("a shared worker from a blob", async (t) => {
  const worker = new SharedWorker(blob(`${SMALL} onconnect = ({ ports: [port] }) => { port.onmessage = async ({ data }) => port.postMessage(await talk(data)); };`));
  return asked(worker.port, t.to());
}, "page");
add("a service worker", async (t) => {
  const registration = await navigator.serviceWorker.register("/service.js", { scope: "/service/" });
  const worker = registration.active ?? registration.installing ?? registration.waiting;
  await until(() => worker.state === "activated");
  // Its first request takes what the gateway asks for; a socket cannot wait for that.
  const talk = () => new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => done(data);
    worker.postMessage(t.to(), [port2]);
  });
  let told;
  for (let left = 5; left-- && (told = await talk())[2] === "error"; ) await tick(100);
  return told;
}, "page");
add("a service worker hears nothing of a page's sockets", async (t) => {
  const registration = await navigator.serviceWorker.register("/watching.js", { scope: "/watched/" });
  const worker = registration.active ?? registration.installing ?? registration.waiting;
  await until(() => worker.state === "activated");
  const frame = Object.assign(document.createElement("iframe"), { src: "/watched/page" });
  document.body.append(frame);
  await once(frame, "load");
  await frame.contentWindow.fetch("/watched/asked");
  const s = new frame.contentWindow.WebSocket(t.to());
  await once(s, "open");
  s.send("x");
  const [data] = await t.messages(s, 1);
  s.close();
  await once(s, "close");
  const { port1, port2 } = new MessageChannel();
  const told = new Promise((done) => (port1.onmessage = ({ data }) => done(data)));
  worker.postMessage("what", [port2]);
  return [data, await told];
}, "page");
add("a worker that is ended closes its sockets", async (t) => {
  const worker = new Worker(blob(`onmessage = ({ data }) => { const s = new WebSocket(data); s.onopen = () => postMessage("open"); };`));
  const told = await asked(worker, t.to());
  worker.terminate();
  const heard = await t.heard();
  return [told, heard.length, heard.flat().map(([kind, code]) => [kind, code])];
}, "page");
add("a worker that closes itself", async (t) => {
  const worker = new Worker(blob(`onmessage = ({ data }) => { const s = new WebSocket(data); s.onopen = () => { postMessage("open"); close(); }; };`));
  const told = await asked(worker, t.to());
  const heard = await t.heard();
  return [told, heard.length];
}, "page");
const frameWith = async (path) => {
  const frame = Object.assign(document.createElement("iframe"), { src: path });
  document.body.append(frame);
  await once(frame, "load");
  return frame;
};
each({
  "to another page": (frame) => (frame.contentWindow.location = "/blank?2"), "to about:blank": (frame) => (frame.contentWindow.location = "about:blank"), "by reloading": (frame) => frame.contentWindow.location.reload(),
  "by another src": (frame) => (frame.src = "/blank?3"), "by being removed": (frame) => frame.remove(),
  "by a srcdoc": (frame) => (frame.srcdoc = "<p>other"),
}, "a frame goes", async (t, go) => {
  const frame = await frameWith("/blank");
  const s = new frame.contentWindow.WebSocket(t.to());
  await once(s, "open");
  s.send("x");
  await t.messages(s, 1);
  const events = [];
  s.onclose = ({ code, wasClean }) => events.push(["close", code, wasClean]);
  s.onerror = () => events.push("error");
  go(frame);
  const heard = await t.heard();
  await tick(50);
  return [heard.map((one) => one.map(([kind, code]) => [kind, code])), s.readyState, events];
}, "page");
each({
  "while connecting": (frame, t) => { const s = new frame.contentWindow.WebSocket(t.to("", { hang: 1 })); return s; },
}, "a frame goes", async (t, make) => {
  const frame = await frameWith("/blank");
  const s = make(frame, t);
  for (let left = 100; left-- && !(await t.handshakes()); ) await tick(20);
  frame.contentWindow.location = "/blank?2";
  await once(frame, "load");
  return [(await t.heard()).length, s.readyState];
}, "page");
each({
  "in unload": "unload", "in pagehide": "pagehide", "in beforeunload": "beforeunload",
}, "a socket made", async (t, type) => {
  const frame = await frameWith("/blank");
  const found = [];
  const url = t.to();
  frame.contentWindow.addEventListener(type, () => {
    try {
      found.push(new frame.contentWindow.WebSocket(url).readyState);
    } catch (error) {
      found.push(error.name);
    }
  });
  frame.contentWindow.location = "/blank?2";
  await once(frame, "load");
  return found;
}, "page");
each({
  "in pagehide": "pagehide", "in unload": "unload",
}, "sent", async (t, type) => {
  const frame = await frameWith("/blank");
  const s = new frame.contentWindow.WebSocket(t.to());
  await once(s, "open");
  frame.contentWindow.addEventListener(type, () => s.send("last"));
  frame.contentWindow.location = "/blank?2";
  const heard = await t.heard();
  return heard.flat().filter(([kind]) => kind === "text");
}, "page");
each({
  "in pagehide": "pagehide", "in unload": "unload",
}, "closed", async (t, type) => {
  const frame = await frameWith("/blank");
  const s = new frame.contentWindow.WebSocket(t.to());
  await once(s, "open");
  frame.contentWindow.addEventListener(type, () => s.close(3000, "leaving"));
  frame.contentWindow.location = "/blank?2";
  const heard = await t.heard();
  return heard.flat().map(([kind, code]) => [kind, code]);
}, "page");
add("a page's policy forbids it", async (t) => {
  const frame = await frameWith("/strict");
  const violated = [];
  frame.contentWindow.addEventListener("securitypolicyviolation", ({ effectiveDirective, disposition }) => violated.push([effectiveDirective, disposition]));
  const s = new frame.contentWindow.WebSocket(t.to("", {}, B));
  const log = t.log(s);
  await once(s, "error");
  await tick(100);
  return [log, s.readyState, violated];
}, "page");
add("a page's policy allows it", async (t) => {
  const frame = await frameWith("/strict");
  const s = new frame.contentWindow.WebSocket(t.to("close:1000"));
  return t.story(s);
}, "page");
add("a sandboxed frame", async (t) => {
  const frame = Object.assign(document.createElement("iframe"), { src: "/sandboxed", sandbox: "allow-scripts" });
  const told = new Promise((done) => addEventListener("message", ({ data, source }) => source === frame.contentWindow && done(data)));
  document.body.append(frame);
  await once(frame, "load");
  frame.contentWindow.postMessage(t.to("told|close:1000"), "*");
  const [log, data] = await told;
  return [log, data && JSON.parse(data).Origin];
}, "page");
