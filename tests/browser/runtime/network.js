// Where script names a host to the network, and what it reads of it.
add("fetch", async (to) => (await fetch(to("echo"))).json());
add("fetch of a URL object", async (to) => (await fetch(new URL(to("echo")))).json());
add("fetch with the page's scheme", async (to) => (await fetch(to("echo").replace("https:", ""))).json());
add("fetch with backslashes", async (to) => (await fetch(to("echo").replace("https://", "\\\\"))).json());
add("fetch with a body and a preflight", async (to) => {
  const options = { method: "POST", body: "text", headers: { "X-Own": "1", "Content-Type": "text/x-own" } };
  return (await fetch(to("echo"), options)).json();
});
add("fetch with credentials", async (to) => (await fetch(to("echo"), { credentials: "include" })).json());
add("fetch of the own origin by its name", async (to) => {
  const response = await fetch(to("echo").replace(B, A));
  return [own(response.url), await response.json()];
});
add("fetch on another port", async (to) => {
  const response = await fetch(to("echo").replace(B, PORT));
  return [response.url, await response.json()];
});
add("fetch without CORS", async (to) => (await fetch(to("echo"), { mode: "no-cors" })).type);
add("fetch over a redirect", async (to) => {
  const response = await fetch(`/redirect?to=${encodeURIComponent(to("echo"))}`);
  return [response.url, response.redirected, await response.json()];
});
add("fetch over a redirect to the own origin", async (to) => {
  const target = encodeURIComponent(to("echo").replace(B, A));
  const response = await fetch(`${to("redirect")}&to=${target}`);
  return [own(response.url), response.redirected, await response.json()];
});
add("fetchLater", (to) => typeof fetchLater === "function" && fetchLater(to("echo"), { activateAfter: 0 }).activated);
add("Request", async (to) => {
  const request = new Request(to("echo"), { method: "POST", body: "x" });
  return [request.url, request.clone().url, await (await fetch(request)).json()];
});
add("Request of a Request", async (to) => {
  const request = new Request(new Request(to("echo")), { headers: { "X-Own": "2" } });
  return [request.url, await (await fetch(request)).json()];
});
add("Request of the own origin", () => [own(new Request("/x").url), own(new Request(`${A}/x`).url), own(new Request("").url)]);
add("Request with a referrer", async (to) => {
  const request = new Request(to("echo"), { referrer: location.href, referrerPolicy: "unsafe-url" });
  return [own(request.referrer), await (await fetch(request)).json()];
});
add("a subclass of Request", (to) => {
  class Mine extends Request {}
  const made = new Mine(to("echo"));
  return [made.url, made instanceof Mine, made.constructor === Mine];
});
add("XMLHttpRequest", (to) => xhr(to("echo")));
add("XMLHttpRequest, synchronous", (to) => xhr(to("echo"), true));
add("XMLHttpRequest of a URL object", (to) => xhr(new URL(to("echo"))));
add("XMLHttpRequest of the own origin", async (to) => {
  const [address, echo] = await xhr(to("echo").replace(B, A));
  return [own(address), echo];
});
add("XMLHttpRequest over a redirect", (to) => xhr(`/redirect?to=${encodeURIComponent(to("echo"))}`));
add("EventSource", (to) => new Promise((done) => {
  const source = new EventSource(to("events"), { withCredentials: true });
  source.onmessage = ({ data, origin }) => {
    done([data, origin, source.url, source.withCredentials]);
    source.close();
  };
  source.onerror = () => done("error");
}));
add("EventSource of the own origin", () => {
  const source = new EventSource("/events");
  source.close();
  return own(source.url);
});
add("sendBeacon", (to) => navigator.sendBeacon(to("echo"), "text"));
add("WebSocket", (to) => socket(to("socket").replace("https", "wss")));
add("WebSocket by https", (to) => socket(to("socket")));
add("WebSocket of a URL object", (to) => socket(new URL(to("socket").replace("https", "wss"))));
add("WebSocket on another port", (to) => socket(to("socket").replace(B, PORT).replace("https", "wss")));
add("WebSocket by the own host name and a port", async (to, name) => {
  const [, , told] = await socket(`wss://${location.hostname}:8443/socket?case=${name}`);
  return told;
});
add("WebSocket by the own host", async (to, name) => {
  const [address, , told] = await socket(`wss://${location.host}/socket?case=${name}`);
  return [new URL(address).host === location.host, told];
});
add("WebSocket by a path", async (to, name) => {
  const [address, , told] = await socket(`/socket?case=${name}`);
  return [new URL(address).host === location.host, told];
});
add("a subclass of WebSocket", async (to) => {
  class Mine extends WebSocket {}
  const made = new Mine(to("socket"));
  await once(made, "open", "error");
  made.close();
  return [made instanceof Mine, made.constructor === Mine, made.url, Mine.OPEN, made instanceof WebSocket];
});
add("WebSocketStream", async (to) => {
  const stream = new WebSocketStream(to("socket").replace("https", "wss"));
  const { readable } = await stream.opened;
  const { value } = await readable.getReader().read();
  stream.close();
  return [stream.url, JSON.parse(value)];
});
add("Audio", async (to) => {
  const audio = new Audio(to("sound.wav"));
  await once(audio, "error");
  return audio.src;
});
add("Worklet.addModule", async (to) => {
  const context = new OfflineAudioContext(1, 1, 44100);
  await context.audioWorklet.addModule(to("worklet.js"));
  return new AudioWorkletNode(context, "own").numberOfOutputs;
});
add("import()", async (to) => (await import(to("module.js"))).default);
add("a module's import", async (to) => {
  const text = `import one from ${JSON.stringify(to("module.js"))}; globalThis.imported = one; dispatchEvent(new Event("imported"))`;
  const heard = once(window, "imported");
  put("script", { type: "module", textContent: text });
  await heard;
  return window.imported;
});
add("history.pushState by the own name", () => {
  const before = location.href;
  history.pushState({ at: 1 }, "", `${A}/pushed?x#y`);
  const seen = [location.pathname + location.search + location.hash, own(document.URL), history.state];
  history.replaceState(null, "", `${A}/replaced`);
  seen.push(location.pathname);
  history.replaceState(null, "", new URL(before));
  return [...seen, location.pathname];
});
add("history.pushState elsewhere", () => {
  const tries = [`${B}/x`, "https://unknown.test/", "//b.test/x"].map((one) => {
    try {
      history.pushState(null, "", one);
    } catch (error) {
      return error.name;
    }
    return "done";
  });
  return [...tries, location.pathname];
});
add("own messages reach their own name", async () => {
  const seen = [];
  const listen = (event) => seen.push([event.data, event.origin === location.origin, event.source === window]);
  addEventListener("message", listen);
  window.postMessage(1, A);
  window.postMessage(2, "/");
  window.postMessage(3, location.origin);
  self.postMessage(5, `${A}/with/a/path`);
  window.postMessage(6, B);
  window.postMessage(7, "*", []);
  await new Promise((done) => addEventListener("message", ({ data }) => data === 7 && done()));
  removeEventListener("message", listen);
  return seen;
});
add("messages of a frame of the same site", async () => {
  const frame = put("iframe", { src: "/inner" });
  await once(frame, "load");
  const heard = once(window, "message");
  frame.contentDocument.body.append(Object.assign(frame.contentDocument.createElement("script"), { text: "parent.postMessage(7, '*')" }));
  const { data, origin, source } = await heard;
  return [data, origin === location.origin, source === frame.contentWindow, source === window];
});
add("own messages reach their own name in a dictionary", () => new Promise((done) => {
  const late = setTimeout(done, 100, "end"); // no message, which the next case would hear
  addEventListener("message", ({ data }) => data === "dictionary" && done(data, clearTimeout(late)));
  window.postMessage("dictionary", { targetOrigin: A });
}));
add("postMessage refuses what is no origin", () => {
  const refusal = (act) => {
    try {
      act();
    } catch (error) {
      return error.name;
    }
    return "done";
  };
  return [refusal(() => postMessage(1, "nonsense")), refusal(() => postMessage(1, "http://")), refusal(() => postMessage())];
});
add("messages between sites", async (to) => {
  const frame = put("iframe", { src: to("frame") });
  await once(frame, "load");
  const heard = once(window, "message");
  frame.contentWindow.postMessage("hello", "*");
  const event = await heard;
  return [event.origin, event.source === frame.contentWindow, event.data];
});
add("messages of a port", async () => {
  const { port1, port2 } = new MessageChannel();
  const heard = new Promise((done) => (port2.onmessage = done));
  port1.postMessage("x");
  const event = await heard;
  return [event.origin, event.data, new MessageEvent("message", { origin: "https://b.test" }).origin];
});
const CALLS = {
  fetch: () => fetch(), Request: () => new Request(), WebSocket: () => new WebSocket(), EventSource: () => new EventSource(),
  "WebSocket without new": () => WebSocket("wss://b.test"), open: () => new XMLHttpRequest().open("GET"), sendBeacon: () => navigator.sendBeacon(),
  setAttribute: () => document.body.setAttribute("title"), setAttributeNS: () => document.body.setAttributeNS(null, "x"),
  getAttribute: () => document.body.getAttribute(), getAttributeNS: () => document.body.getAttributeNS(null),
  insertAdjacentHTML: () => document.body.insertAdjacentHTML("beforeend"), parseFromString: () => new DOMParser().parseFromString(),
  setProperty: () => document.body.style.setProperty("color"), FontFace: () => new FontFace("x"), Worker: () => new Worker(),
  SharedWorker: () => new SharedWorker(), createObjectURL: () => URL.createObjectURL(), pushState: () => history.pushState(null),
  insertRule: () => new CSSStyleSheet().insertRule(), replaceSync: () => new CSSStyleSheet().replaceSync(),
  parseHTMLUnsafe: () => Document.parseHTMLUnsafe(), setHTMLUnsafe: () => document.body.setHTMLUnsafe(), postMessage: () => postMessage(),
  "fetch of no address": () => fetch("https://"), "WebSocket of no address": () => new WebSocket("nonsense://"),
  "innerHTML of no element": () => Object.getOwnPropertyDescriptor(Element.prototype, "innerHTML").get.call({}),
  "src of no element": () => Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src").set.call({}, "x"),
  "setAttribute of no element": () => Element.prototype.setAttribute.call({}, "href", "x"),
  "appendChild of text": () => Node.prototype.appendChild.call(document.body, "x"),
  "contentWindow of no frame": () => Object.getOwnPropertyDescriptor(HTMLIFrameElement.prototype, "contentWindow").get.call({}),
  "cookie of no document": () => Object.getOwnPropertyDescriptor(Document.prototype, "cookie").get.call({}),
  "a symbol": () => document.body.setAttribute("href", Symbol("x")), "a symbol as an address": () => (make("img").src = Symbol("x")),
  "what throws": () => (make("img").src = { toString() { throw new RangeError("own"); } }),
};
for (const [name, act] of Object.entries(CALLS)) {
  add(`a wrong call: ${name}`, async () => `${await act()}`);
}
