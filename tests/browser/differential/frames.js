const INLINE = "/agents/inline";
add("the address and origin of a srcdoc document", async () => {
  const frame = put("iframe", { srcdoc: "<p>x" });
  await once(frame, "load");
  const { contentWindow: w, contentDocument: inner } = frame;
  return [w.location.href, w.location.origin, w.origin === origin, inner.URL, inner.documentURI, path(inner.baseURI), path(inner.referrer)];
});
add("relative addresses in a srcdoc document", async () => {
  const frame = put("iframe", { srcdoc: "<a href=x></a><a href=/y></a><a href=#z></a><img src=pixel.png>" });
  await once(frame, "load");
  return [...frame.contentDocument.links].map((one) => path(one.href)).concat(path(frame.contentDocument.images[0].currentSrc));
});
add("a base in a srcdoc document", async (t) => {
  const frame = put("iframe", { srcdoc: `<base href="${B}/deep/"><a href=x></a><img src=../pixel.png?case=${t.slug}>` });
  await once(frame, "load");
  const inner = frame.contentDocument;
  return [inner.baseURI, inner.links[0].href, await width(inner.images[0])];
});
add("a srcdoc document within another", async () => {
  const frame = put("iframe", { srcdoc: "<iframe srcdoc='<iframe srcdoc=deep></iframe>'></iframe>" });
  await once(frame, "load");
  const second = frame.contentDocument.querySelector("iframe").contentDocument;
  const third = second.querySelector("iframe").contentDocument;
  return [third.body.textContent, path(third.baseURI), third.defaultView.parent.parent.parent === window];
});
add("a srcdoc that changes", async () => {
  const frame = put("iframe", { srcdoc: "<p>one" });
  await once(frame, "load");
  const first = frame.contentWindow;
  frame.srcdoc = "<p>two";
  await once(frame, "load");
  const seen = [frame.contentDocument.body.innerHTML, first === frame.contentWindow];
  frame.removeAttribute("srcdoc");
  await once(frame, "load");
  return [...seen, frame.contentWindow.location.href];
});
add("srcdoc before src", async () => {
  const frame = make("iframe", { src: AGENT, srcdoc: "<p>doc" });
  document.body.append(frame);
  await once(frame, "load");
  return [frame.contentDocument.body.textContent, path(frame.src), frame.getAttribute("src")];
});
add("markup of a srcdoc document", async () => {
  const text = `<!doctype html><html lang=de><head><title>t</title><!-- a --></head><body class="x"><p>&lt;&amp;<script>document.write("<i>w</i>")</scr` + `ipt></body></html>`;
  const frame = put("iframe", { srcdoc: text });
  await once(frame, "load");
  return [frame.contentDocument.documentElement.outerHTML, frame.srcdoc === text, frame.contentDocument.doctype?.name];
});
add("the initial blank document", () => {
  const frame = put("iframe");
  const { contentWindow: w, contentDocument: inner } = frame;
  return [w.location.href, inner.readyState, inner.compatMode, inner.documentElement.outerHTML, inner.contentType, inner.characterSet, w.name, w.length, w.frameElement === frame, inner.referrer === location.href, w.history.length === history.length, path(inner.baseURI)];
});
add("listeners on the initial blank document stay", async () => {
  const frame = put("iframe");
  const w = frame.contentWindow;
  w.mark = 1;
  await tick(30);
  return [w.mark, frame.contentWindow === w, frame.contentWindow.mark];
});
add("an own document takes the place of the blank one", async () => {
  const frame = make("iframe", { src: AGENT });
  document.body.append(frame);
  const w = frame.contentWindow;
  const blank = frame.contentDocument.URL;
  w.mark = 1;
  await once(frame, "load");
  return [blank, w === frame.contentWindow, typeof w.mark, path(w.location.href)];
});
add("names of frames", async () => {
  const frame = await framed(AGENT, { name: "first" });
  const seen = [frame.contentWindow.name, window.first === frame.contentWindow, frames.first === frame.contentWindow];
  frame.name = "second";
  seen.push(frame.contentWindow.name, "second" in window);
  frame.contentWindow.name = "third";
  return [...seen, frame.name, window.third === frame.contentWindow];
});
add("the name of a foreign frame", async () => {
  const frame = await framed(B + AGENT, { name: "kept" });
  return [await ask(frame.contentWindow, "return [name, window.length, frameElement === null, self === window]"), window.kept === frame.contentWindow];
});
for (const sandbox of ["", "allow-scripts", "allow-scripts allow-same-origin", "allow-same-origin", "allow-scripts allow-forms allow-popups allow-modals"]) {
  add(`a frame with sandbox="${sandbox}"`, async () => {
    const frame = await framed(INLINE, { sandbox });
    const access = await failing(() => frame.contentWindow.document.title);
    const inside = sandbox.includes("scripts") && await ask(frame.contentWindow, `
      const tried = (run) => { try { return run() } catch (error) { return error.name } };
      return [origin, tried(() => localStorage.length >= 0), tried(() => document.cookie.includes("never")), tried(() => parent.document.title),
        tried(() => sessionStorage.length >= 0), await tried(() => indexedDB.open("x") && "opened")]`);
    return [access, inside, frame.sandbox.value, frame.sandbox.length, frame.contentDocument === null];
  });
}
add("messages of a sandboxed frame have no origin", async () => {
  const frame = await framed(INLINE, { sandbox: "allow-scripts" });
  const heard = messages(1);
  await ask(frame.contentWindow, "parent.postMessage('x', '*')");
  const [one] = await heard;
  return [one.data, one.origin, one.source === frame.contentWindow];
});
add("a form in a sandboxed frame without leave to send", async () => there(INLINE, `
  const form = document.body.appendChild(document.createElement("form"));
  form.action = "/landed?never"; form.submit();
  await new Promise((done) => setTimeout(done, 100));
  return location.pathname`, { sandbox: "allow-scripts" }));
add("alert in a sandboxed frame without leave", async () => there(INLINE, "return [alert('x') ?? 'nothing', confirm('x'), prompt('x')]", { sandbox: "allow-scripts" }));
add("popups of a sandboxed frame without leave", async () => there(INLINE, "return open('/agents/page') === null", { sandbox: "allow-scripts" }));
add("a sandboxed srcdoc document", async () => {
  const heard = messages(1);
  put("iframe", { sandbox: "allow-scripts", srcdoc: "<script>parent.postMessage([origin, location.href, document.body === null, document.documentElement.outerHTML], '*')</script>" });
  const [{ data, origin }] = await heard;
  return [data, origin];
});
add("a document that its header sandboxes", async () => {
  const frame = await framed("/agents/sandboxed");
  return [frame.contentDocument === null, await ask(frame.contentWindow, "return [origin, document.title]")];
});
add("a frame of a third within a foreign frame", async () => there(B + AGENT, `
  const frame = document.createElement("iframe"); frame.src = "https://a.test/agents/page"; document.body.append(frame);
  await new Promise((done) => (frame.onload = done));
  const answer = new Promise((done) => addEventListener("message", (event) => event.data.id === "inner" && done(event.data.result)));
  frame.contentWindow.postMessage({ id: "inner", code: "return [parent.parent.document.title, parent.parent.origin === origin, parent === parent.parent]" }, "*");
  return answer`));
add("access to a foreign frame", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  const tried = (run) => {
    try {
      return `${run()}`;
    } catch (error) {
      return error.name;
    }
  };
  return [
    tried(() => w.document), tried(() => w.location.href), tried(() => w.location.toString()), tried(() => w.anything), tried(() => w.length), tried(() => w.closed),
    tried(() => w.self === w), tried(() => w.window === w), tried(() => w.parent === window), tried(() => w.opener), tried(() => Object.keys(w).join()), tried(() => w.then),
    tried(() => (w.x = 1)), tried(() => delete w.x), tried(() => Reflect.getPrototypeOf(w)), tried(() => w.frames === w), tried(() => w.name), tried(() => w.history),
    tried(() => typeof w.postMessage), tried(() => typeof w.focus), tried(() => typeof w.close), tried(() => "x" in w), tried(() => w.constructor),
  ];
});
add("own keys of a foreign window", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  return Reflect.ownKeys(w).map(String);
});
const posted = async (target) => {
  const { contentWindow: w } = await framed(B + AGENT);
  await ask(w, "self.got = []; addEventListener('message', ({ data, origin }) => data.id || got.push([data, origin]))");
  let thrown = "";
  try {
    target === undefined ? w.postMessage("x") : w.postMessage("x", target);
  } catch (error) {
    thrown = error.name;
  }
  return [thrown, await ask(w, "return got")];
};
add("a message to a foreign frame for its origin, in every spelling", async () => {
  const seen = [];
  for (const one of [B, `${B}/any?x#y`, `${B}:443`, "HTTPS://B.TEST", { targetOrigin: B }]) seen.push(await posted(one));
  return seen;
});
for (const [name, target] of Object.entries({
  "another origin": A, "another port": `${B}:8443`, "another scheme": "http://b.test", "the own origin as /": "/", "any": "*", "nothing": undefined, "no address": "b.test", "an empty text": "",
})) add(`a message to a foreign frame for ${name}`, () => posted(target));
add("messages to the parent for its origin", async () => {
  const heard = messages(3);
  await there(B + AGENT, `parent.postMessage("wrong", "${B}"); parent.postMessage("right", "${A}"); parent.postMessage("by referrer", new URL(document.referrer).origin); parent.postMessage("last", "*")`);
  return (await Promise.race([heard, tick(500).then(() => [])])).map(({ data, origin }) => [data, origin]);
});
add("an answer for the origin that asked", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  await ask(w, "addEventListener('message', (event) => event.data === 'please' && event.source.postMessage([event.origin === 'https://a.test', 'here'], event.origin))");
  const heard = messages(1);
  w.postMessage("please", "*");
  const [{ data, origin, source } = {}] = await Promise.race([heard, tick(500).then(() => [])]);
  return data ? [data[1], origin, source === w] : "nothing";
});
add("a message is from its frame", async () => {
  const [one, two] = [await framed(B + AGENT), await framed(`${B}:8443${AGENT}`)];
  const heard = messages(2);
  await ask(one.contentWindow, "parent.postMessage(1, '*')");
  await ask(two.contentWindow, "parent.postMessage(2, '*')");
  return (await heard).map(({ data, origin, source }) => [data, origin, source === one.contentWindow, source === two.contentWindow, source === frames[frames.length - 2]]);
});
add("messages between frames that are siblings", async () => {
  const [one, two] = [await framed(B + AGENT), await framed(AGENT)];
  await ask(two.contentWindow, "self.got = []; addEventListener('message', ({ data, origin, source }) => data.id || got.push([data, origin === 'https://b.test', source === parent[parent.length - 2]]))");
  await ask(one.contentWindow, "parent[parent.length - 1].postMessage('sibling', '*')");
  return ask(two.contentWindow, "return got");
});
add("ports over origins", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  await ask(w, "addEventListener('message', ({ ports: [port], origin, data }) => port && (port.onmessage = (event) => port.postMessage([event.data, event.origin, event.source === null, data])))");
  const { port1, port2 } = new MessageChannel();
  w.postMessage("with a port", "*", [port2]);
  port1.postMessage("hello");
  port1.start();
  return (await once(port1, "message")).data;
});
add("a port through two frames", async () => {
  const [one, two] = [await framed(B + AGENT), await framed(AGENT)];
  await ask(two.contentWindow, "addEventListener('message', ({ ports: [port] }) => port && port.postMessage('from two'))");
  await ask(one.contentWindow, "addEventListener('message', ({ ports: [port] }) => port && parent[parent.length - 1].postMessage('on', '*', [port]))");
  const { port1, port2 } = new MessageChannel();
  one.contentWindow.postMessage("take", "*", [port2]);
  port1.start();
  return (await once(port1, "message")).data;
});
add("transferred buffers and streams", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  const buffer = new ArrayBuffer(8);
  const stream = new ReadableStream({ start: (control) => (control.enqueue("chunk"), control.close()) });
  await ask(w, "self.got = new Promise((done) => addEventListener('message', ({ data }) => data.buffer && done([data.buffer.byteLength, data.stream.constructor.name, data.stream.getReader().read().then(({ value }) => value)])))");
  w.postMessage({ buffer, stream }, "*", [buffer, stream]);
  return [buffer.byteLength, stream.locked, await ask(w, "const [a, b, c] = await got; return [a, b, await c]")];
});
add("cloned values", async () => {
  const { contentWindow: w } = await framed(B + AGENT);
  await ask(w, "self.got = new Promise((done) => addEventListener('message', ({ data }) => data.map && done([[...data.map], [...data.set], data.date.getTime(), data.error.message, `${data.re}`, data.big.toString(), data.self === data, data.blob.size, data.nan])))");
  const value = { map: new Map([[1, { a: 2 }]]), set: new Set([3]), date: new Date(5), error: new RangeError("r"), re: /x/gi, big: 9n, blob: new Blob(["blob"]), nan: `${NaN}` };
  value.self = value;
  w.postMessage(value, "*");
  return ask(w, "return got");
});
add("what cannot be cloned", async () => {
  const { contentWindow: w } = await framed(AGENT);
  return [await failing(() => w.postMessage(() => 1, "*")), await failing(() => w.postMessage(document.body, "*")), await failing(() => w.postMessage(1, "*", [new ArrayBuffer(1), {}])), await failing(() => w.postMessage(1, { targetOrigin: "*", transfer: [] }) ?? "sent")];
});
add("postMessage to the own window", async () => {
  const heard = messages(3);
  window.postMessage("any", "*");
  postMessage("slash", "/");
  postMessage("own", location.origin);
  return (await heard).map(({ data, origin, source }) => [data, origin === location.origin, source === window]);
});
add("postMessage between frames of one origin", async () => {
  const { contentWindow: w } = await framed(AGENT);
  const got = new Promise((done) => w.addEventListener("message", (event) => done([event.data, event.origin === w.origin, event.source === window, event.isTrusted, event.constructor === w.MessageEvent])));
  w.postMessage("x", "/");
  return got;
});
add("a message event of a page's own", () => {
  const one = new MessageEvent("message", { data: 1, origin: "https://x.example", lastEventId: "2", source: window, ports: [] });
  return [one.data, one.origin, one.lastEventId, one.source === window, one.ports.length, one.isTrusted];
});
add("window.onmessage and its order", async () => {
  const seen = [];
  window.onmessage = ({ data }) => seen.push(["handler", data]);
  const listener = ({ data }) => seen.push(["listener", data]);
  addEventListener("message", listener);
  postMessage("x", "*");
  await once(window, "message");
  await tick();
  window.onmessage = null;
  removeEventListener("message", listener);
  return seen;
});
add("the order of messages and tasks", async () => {
  const { contentWindow: w } = await framed(AGENT);
  await ask(w, "self.got = []; addEventListener('message', ({ data }) => data.id || got.push(data))");
  for (let at = 0; at < 20; at++) w.postMessage(at, "*");
  return ask(w, "return got");
});
add("loading lazily", async () => {
  const div = put("div", { style: "height: 9000px" });
  const frame = make("iframe", { loading: "lazy", src: AGENT });
  document.body.append(frame);
  await tick(50);
  const before = frame.contentWindow.location.href;
  frame.loading = "eager";
  await once(frame, "load");
  div.remove();
  return [before, path(frame.contentWindow.location.href)];
});
add("a frame that fails to load", async () => {
  const frame = await framed("/agents/status?code=404");
  return [frame.contentDocument.body.textContent, path(frame.contentWindow.location.href)];
});
add("a frame without content", async () => {
  const frame = await framed(AGENT);
  frame.contentWindow.mark = 1;
  frame.src = "/agents/status?code=204";
  await tick(150);
  return [frame.contentWindow.mark, path(frame.contentWindow.location.href)];
});
add("a frame that may not be framed", async () => {
  const frame = await framed("/agents/denied?by=deny");
  return [frame.contentDocument === null, await failing(() => frame.contentWindow.location.href)];
});
add("a frame that its own site may frame", async () => (await framed("/agents/denied?by=sameorigin")).contentDocument?.title ?? null);
add("a foreign frame that only its own site may frame", async () => {
  const { contentWindow } = await framed(`${B}/agents/denied?by=sameorigin`);
  return Promise.race([ask(contentWindow, "return document.title"), tick(400).then(() => "refused")]);
});
add("frame-ancestors of this site", async () => {
  const { contentWindow } = await framed(`${B}/agents/ancestors?of=${encodeURIComponent(A)}`);
  return Promise.race([ask(contentWindow, "return document.title"), tick(400).then(() => "refused")]);
});
add("frame-ancestors of another site", async () => {
  const { contentWindow } = await framed(`${B}/agents/ancestors?of=${encodeURIComponent("https://c.test")}`);
  return Promise.race([ask(contentWindow, "return document.title"), tick(400).then(() => "refused")]);
});
add("a foreign frame comes home by its parent", async () => {
  const frame = await framed(B + AGENT);
  frame.contentWindow.location.replace(AGENT + "?home");
  await once(frame, "load");
  return failing(() => path(frame.contentWindow.location.href));
});
add("a foreign frame goes elsewhere by its parent", async () => {
  const frame = await framed(B + AGENT);
  await ask(frame.contentWindow, "self.hashes = []; onhashchange = () => hashes.push(location.hash)");
  frame.contentWindow.location.replace(B + AGENT + "#part");
  await tick(100);
  const hashes = await Promise.race([ask(frame.contentWindow, "return [hashes, location.hash]"), tick(500).then(() => "nothing")]);
  frame.contentWindow.location = B + AGENT + "?by=parent";
  // Its load event is told of the part, too.
  const where = () => Promise.race([ask(frame.contentWindow, "return location.href"), tick(200).then(() => "nothing")]);
  await until(async () => /parent$/.test(await where()));
  return [hashes, await where()];
});
add("referrers of frames", async () => [
  await there(AGENT, "return document.referrer"),
  (await there(B + AGENT, "return document.referrer")).replace(location.origin, A),
  (await there(B + AGENT, "return document.referrer", { referrerpolicy: "no-referrer" })),
  (await there(AGENT, "return document.referrer", { referrerpolicy: "origin" })),
]);
add("a frame taken out and put in again", async () => {
  const frame = await framed(AGENT);
  const w = frame.contentWindow;
  w.mark = 1;
  frame.remove();
  const gone = [w.closed, frame.contentWindow, w.parent];
  document.body.append(frame);
  await once(frame, "load");
  return [...gone, typeof frame.contentWindow.mark, frame.contentWindow === w];
});
add("events while a frame is left", async () => {
  const frame = await framed(AGENT);
  const seen = [];
  for (const type of ["beforeunload", "pagehide", "visibilitychange", "unload"]) frame.contentWindow.addEventListener(type, () => seen.push(type));
  frame.src = AGENT + "?next";
  await once(frame, "load");
  return seen;
});
add("an object and an embed as frames", async () => {
  const object = put("object", { data: AGENT, type: "text/html" });
  await once(object, "load");
  const embed = put("embed", { src: AGENT });
  await once(embed, "load");
  return [object.contentDocument.title, path(object.contentWindow.location.href), window.length > 1, object.data === location.origin + AGENT, path(embed.src)];
});
add("functions of another realm", async () => {
  const { contentWindow: w } = await framed(AGENT);
  return [w.Array !== Array, w.eval("[]") instanceof w.Array, w.eval("[]") instanceof Array, Array.isArray(w.eval("[]")), new w.Function("return this")() === w, w.document.createElement("a") instanceof w.HTMLAnchorElement, w.document instanceof Document];
});
add("a node that moves into a frame's document", async (t) => {
  const { contentDocument: inner } = await framed(AGENT);
  const image = make("img", { src: t.to("pixel.png") });
  const moved = inner.body.appendChild(image);
  return [moved.ownerDocument === inner, moved === image, moved.src, await width(moved), moved instanceof HTMLImageElement];
});
add("a timer of a frame that is gone", async () => {
  const frame = await framed(AGENT);
  let ran = 0;
  frame.contentWindow.setTimeout(() => ran++, 10);
  frame.remove();
  await tick(50);
  return ran;
});
add("document.domain", async () => {
  const before = document.domain === location.hostname;
  return [before, await failing(() => (document.domain = "test")), await failing(() => (document.domain = "elsewhere.example")), originAgentCluster];
});
add("credentialless and fenced", async () => {
  const frame = make("iframe");
  frame.credentialless = true;
  frame.src = "/echo";
  document.body.append(frame);
  await once(frame, "load");
  return [JSON.parse(frame.contentDocument?.body.textContent ?? "null")?.Cookie ?? null, frame.contentWindow.credentialless ?? null];
});
add("what a sandboxed frame asks", async (t) => {
  const frame = await framed(AGENT, { sandbox: "allow-scripts" });
  const script = await Promise.race([ask(frame.contentWindow, "return document.title"), tick(500).then(() => "no script")]);
  return [script, await there(INLINE, `
    const tried = (one) => new Promise((done) => { one.onload = () => done("loaded"); one.onerror = () => done("failed"); document.body.append(one) });
    const fetched = (address) => fetch(address).then((one) => one.json()).then((one) => [one.Origin, one.Host, one.Cookie, one["Sec-Fetch-Site"]], (error) => error.name);
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/sheet.css" });
    const inner = Object.assign(document.createElement("iframe"), { src: "/agents/inline" });
    return [await fetched("/echo"), await fetched(${JSON.stringify(t.to("echo"))}), await tried(Object.assign(new Image(), { src: "/pixel.png" })), await tried(link), await tried(inner)]`, { sandbox: "allow-scripts" })];
});
