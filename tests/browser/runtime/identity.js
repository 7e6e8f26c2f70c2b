// What a page can find out about where it is: each is the same string as directly.
const OTHER = "https://b.test";
const later = (target, type, start) => new Promise((done) => {
  target.addEventListener(type, done, { once: true });
  start();
});
const framed = (set) => new Promise((done) => {
  const frame = document.createElement("iframe");
  set(frame);
  frame.onload = () => done(frame);
  document.body.append(frame);
});
const linked = (name, value) => Object.assign(document.createElement(name), value);
const message = async (to, options) => {
  const got = later(window, "message", () => window.postMessage("own", to));
  const { origin, source } = await Promise.race([got, new Promise((done) => setTimeout(done, 500, {}))]);
  return [origin, source === window, options];
};
const said = (worker) => new Promise((done) => {
  worker.onmessage = ({ data }) => done(data);
  worker.onerror = (event) => done(event.message);
});
const failing = (run) => {
  try {
    return [run()];
  } catch (error) {
    return [error.name, error instanceof DOMException];
  }
};
const shape = (descriptor) => descriptor && JSON.stringify(Object.keys(descriptor).map((key) => [key, typeof descriptor[key]]));
const native = () => window.location;

const OBSERVED = {
  // --- location itself
  "location.href": () => location.href,
  "window.location.href": () => window.location.href,
  "document.location.href": () => document.location.href,
  "self.location.origin": () => self.location.origin,
  "globalThis.location.host": () => globalThis.location.host,
  "location.protocol": () => location.protocol,
  "location.host": () => location.host,
  "location.hostname": () => location.hostname,
  "location.port": () => location.port,
  "location.pathname": () => location.pathname,
  "location.search": () => location.search,
  "location.hash": () => location.hash,
  "location.toString": () => location.toString(),
  "location as text": () => `${location}`,
  "location + ''": () => location + "",
  "location as a key": () => ({ [location.href]: 1, [location]: 2 })[location.href],
  "location.valueOf": () => location.valueOf() === location,
  "locations are one": () => [location === window.location, location === document.location, self.location === globalThis.location],
  "location's kind": () => [typeof location, Object.prototype.toString.call(location), location instanceof Location, location.constructor === Location],
  "location's prototype": () => Object.getPrototypeOf(location) === Location.prototype,
  "location's members": () => Object.getOwnPropertyNames(location),
  "location's symbols": () => Object.getOwnPropertySymbols(location).map(String),
  "location's keys": () => Object.keys(location),
  "location in for": () => { const keys = []; for (const key in location) keys.push(key); return keys; },
  "location's descriptors": () => Object.entries(Object.getOwnPropertyDescriptors(location)).map(([key, one]) => [key, one.enumerable, one.configurable, one.writable, shape(one)]),
  "location's functions": () => Object.entries(Object.getOwnPropertyDescriptors(location)).flatMap(([, one]) => [one.get, one.set, one.value]).filter((one) => typeof one === "function").map((one) => [`${one}`, one.name, one.length]),
  "location has": () => ["href" in location, "nothing" in location, location.hasOwnProperty("href"), delete location.extra],
  "location's expando": () => { location.mine = 3; const seen = window.location.mine; delete location.mine; return [seen, location.mine]; },
  "location frozen parts": () => failing(() => { "use strict"; delete location.href; }),
  "location as JSON": () => JSON.stringify(location),
  "location cloned": () => failing(() => structuredClone(location)),
  "ancestorOrigins": () => [location.ancestorOrigins.length, location.ancestorOrigins[0], location.ancestorOrigins.item(0), location.ancestorOrigins.contains("x"), `${location.ancestorOrigins}`],
  "assign without an argument": () => failing(() => location.assign()),
  "assign of no URL": () => failing(() => location.assign("https://:no")),
  "href of no URL": () => failing(() => { location.href = "https://:no"; }),
  "a protocol that is none": () => failing(() => { location.protocol = "1:"; }),
  "location of a document that is not shown": () => new DOMParser().parseFromString("<p>x", "text/html").location,
  "location of objects": () => {
    class Router { get location() { return "got"; } }
    const one = { location: 1 };
    one.location += 2;
    const { location: renamed } = one;
    return [one.location, renamed, new Router().location, "text".location, [].location, JSON.stringify(one), "location" in one, Object.keys(one)];
  },
  "location of a parameter": () => ((location) => location.href)({ href: "given" }),
  "location of a variable": () => { const location = "var"; return location; },
  "location destructured": () => { const { location, document: { location: inner } } = window; return [location.href, inner.host]; },
  "location's own destructured": () => { const { origin, pathname, href } = location; return [origin, pathname, href]; },
  "location through a proxy": () => {
    const asked = [];
    const one = new Proxy({ location: "in" }, { get: (of, key, self) => (asked.push(key === "location"), Reflect.get(of, key, self)) });
    return [one.location, asked.at(-1)];
  },
  // --- hash, history
  "hash set": async () => { await later(window, "hashchange", () => { location.hash = "set"; }); return [location.href, location.hash, document.URL]; },
  "hashchange": async () => { const event = await later(window, "hashchange", () => { location.hash = "again"; }); return [event.oldURL, event.newURL]; },
  "href set to a hash": async () => { await later(window, "hashchange", () => { location.href = location.href.split("#")[0] + "#whole"; }); return location.href; },
  "replace by a hash": async () => { await later(window, "hashchange", () => location.replace("#replaced")); return [location.href, history.length > 0]; },
  "pushState": () => { history.pushState({ a: 1 }, "", location.pathname + "?pushed#x"); return [location.href, document.URL, history.state]; },
  "pushState with an address": () => { history.pushState(null, "", location.origin + "/routed/1?q"); return [location.href, location.pathname]; },
  "replaceState with a URL": () => { history.replaceState(null, "", new URL("/look?a=b#c", location)); return location.href; },
  "pushState elsewhere": () => failing(() => history.pushState(null, "", OTHER + "/x")),
  "popstate": async () => {
    history.pushState(null, "", "/look?one");
    history.pushState(null, "", "/look?two");
    await later(window, "popstate", () => history.back());
    return location.href;
  },
  "navigation.currentEntry": () => navigation.currentEntry.url,
  "navigate event": async () => {
    const seen = await new Promise((done) => {
      navigation.addEventListener("navigate", (event) => done([event.destination.url, event.hashChange, event.canIntercept]), { once: true });
      location.hash = "navigated";
    });
    return seen;
  },
  // --- the document
  "document.URL": () => document.URL,
  "document.documentURI": () => document.documentURI,
  "document.baseURI": () => document.baseURI,
  "element.baseURI": () => document.body.baseURI,
  "document.domain": () => document.domain,
  "document.domain set": () => { document.domain = document.domain; return document.domain; },
  "document.domain set elsewhere": () => failing(() => { document.domain = "b.example"; }),
  "document.referrer": () => document.referrer,
  "document.currentScript": () => window.loadedFrom,
  "document.scripts": () => [...document.scripts].map((one) => one.src),
  "document.styleSheets": () => [...document.styleSheets].map((one) => one.href),
  "self.origin": () => [self.origin, window.origin, origin],
  "isSecureContext": () => isSecureContext,
  "top and parent": () => [top === self, parent === self, window.top === window.self, window.parent === window, top === parent, top.location.href],
  "frameElement": () => [window.frameElement, window.length, opener],
  // --- URLs
  "new URL by location": () => new URL("x?y", location).href,
  "new URL by document.baseURI": () => new URL("../x", document.baseURI).href,
  "same origin by URL": () => new URL("/x", location.href).origin === location.origin,
  "a link's parts": () => { const a = linked("a", { href: "/p?q#h" }); return [a.href, a.origin, a.protocol, a.host, a.hostname, a.port, a.pathname, a.search, a.hash, `${a}`]; },
  "a link with the own address": () => { const a = linked("a", { href: location.href }); return [a.href === location.href, a.host === location.host, a.getAttribute("href")]; },
  "a link to another": () => { const a = linked("a", { href: OTHER + "/x" }); return [a.href, a.origin, a.host]; },
  "a link's host compared": () => [...document.querySelectorAll("#links a")].map((one) => [one.host === location.host, one.href, one.getAttribute("href"), one.hostname]),
  "an area's parts": () => { const one = linked("area", { href: "/p" }); return [one.href, one.origin, one.host]; },
  "a form's action": () => [linked("form", {}).action, linked("form", { action: "/send" }).action, document.querySelector("form").action, linked("button", { formAction: "/x" }).formAction],
  "an image's address": () => [linked("img", { src: "/pixel.png" }).src, linked("img", { src: location.origin + "/pixel.png" }).getAttribute("src")],
  "an SVG link": () => { const one = document.createElementNS("http://www.w3.org/2000/svg", "a"); one.setAttribute("href", location.origin + "/x"); return [one.href.baseVal, one.getAttribute("href")]; },
  "innerHTML": () => { const one = linked("div", { innerHTML: `<a href="${location.origin}/x">x</a><img src="/y">` }); return [one.innerHTML, one.firstChild.href, one.lastChild.src]; },
  "outerHTML of what the server sent": () => document.querySelector("#links").outerHTML,
  "a style's address": () => { const one = linked("div", {}); one.style.backgroundImage = `url(${location.origin}/x.png)`; return [one.style.backgroundImage, one.getAttribute("style")]; },
  "a computed style": () => getComputedStyle(document.querySelector("#styled")).backgroundImage,
  // --- what was fetched
  "Response.url": async () => { const one = await fetch("/echo"); return [one.url, new URL(one.url).host === location.host, one.type]; },
  "fetch of the own address": async () => { const one = await fetch(location.origin + "/echo?own"); return [one.status, one.url, one.type]; },
  "fetch by location": async () => (await fetch(location)).url,
  "Request.url": () => [new Request("/x").url, new Request(location.href).url, new Request(new URL("/z", location)).url],
  "responseURL": async () => { const one = new XMLHttpRequest(); one.open("GET", location.origin + "/echo?xhr"); await later(one, "load", () => one.send()); return one.responseURL; },
  "performance entries": async () => {
    await fetch("/echo?timed");
    const found = performance.getEntriesByType("resource").filter((one) => one.name.includes("timed"));
    return [found.map((one) => one.name), JSON.parse(JSON.stringify(found[0])).name, performance.getEntriesByName(location.origin + "/echo?timed").length];
  },
  "navigation timing": () => performance.getEntriesByType("navigation")[0].name,
  "WebSocket by location": () => { const one = new WebSocket((location.protocol === "https:" ? "wss://" : "ws://") + location.host + "/socket"); const { url } = one; one.close(); return url; },
  "EventSource": () => { const one = new EventSource("/events"); const { url } = one; one.close(); return url; },
  // --- messages and storage
  "message to oneself": () => message(location.origin),
  "message to any": () => message("*"),
  "message to another": () => message(OTHER),
  "storage event": async () => {
    const frame = await framed((one) => { one.src = "/blank"; });
    const event = await later(window, "storage", () => frame.contentWindow.localStorage.setItem("k", `${Math.random()}`));
    return event.url;
  },
  // --- frames
  "a frame's location": async () => { const frame = await framed((one) => { one.src = "/blank?f"; }); return [frame.contentWindow.location.href, frame.contentDocument.URL, frame.src, frame.contentWindow.origin, frame.contentWindow.parent === window, frame.contentWindow.location.ancestorOrigins[0]]; },
  "a frame's own view": async () => (await framed((one) => { one.src = "/within"; })).contentWindow.told,
  "a blank frame": async () => { const frame = document.body.appendChild(linked("iframe", {})); const inner = frame.contentWindow; return [inner.location.href, inner.document.baseURI, inner.origin, inner.parent.location.href, inner.document.URL]; },
  "a srcdoc frame": async () => { const frame = await framed((one) => { one.srcdoc = "<p>x"; }); return [frame.contentWindow.location.href, frame.contentDocument.baseURI, frame.contentWindow.origin]; },
  "an image's document": async () => { const frame = await framed((one) => { one.src = "/pixel.png"; }); return frame.contentWindow.location.href; },
  "another's frame": async () => { const frame = await framed((one) => { one.src = OTHER + "/frame"; }); return [frame.src, ...failing(() => frame.contentWindow.document)]; },
  "a message of another's frame": async () => {
    const frame = await framed((one) => { one.src = OTHER + "/frame"; });
    const event = await later(window, "message", () => frame.contentWindow.postMessage("hello", "*"));
    return [event.origin, event.data.origin, event.data.referrer, event.source === frame.contentWindow];
  },
  "a frame that is led on": async () => {
    const frame = await framed((one) => { one.src = "/blank?1"; });
    await later(frame, "load", () => { frame.contentWindow.location = "/blank?2"; });
    await later(frame, "load", () => frame.contentWindow.location.replace(location.origin + "/blank?3"));
    return frame.contentWindow.location.href;
  },
  // --- workers
  "a worker's place": () => said(new Worker("/placed.js?w")),
  "a worker by location": () => said(new Worker(new URL("/placed.js", location))),
  "a module worker's place": () => said(new Worker("/placed-module.js", { type: "module" })),
  "a worker of a blob": () => said(new Worker(URL.createObjectURL(new Blob(["postMessage([self.origin, location.protocol, location.origin])"])))),
  "a worker of a function": () => said(new Worker(URL.createObjectURL(new Blob([`(${() => postMessage([location.origin, self.origin, new URL("/x", self.origin).href])})()`])))),
  "a shared worker's place": () => said(new SharedWorker("/shared-placed.js?s").port),
  "a service worker's place": async () => {
    const registration = await navigator.serviceWorker.register("/served-placed.js", { scope: location.origin + "/served/" });
    const { port1, port2 } = new MessageChannel();
    const worker = registration.installing ?? registration.waiting ?? registration.active;
    const told = said(port1);
    worker.postMessage("where", [port2]);
    const out = [await told, registration.scope, worker.scriptURL, (await navigator.serviceWorker.getRegistration("/served/")) === registration];
    await registration.unregister();
    return out;
  },
  "a worker's fetches": () => said(new Worker("/fetching.js")),
  "a worker's stack": () => said(new Worker("/failing.js")).then((text) => text.replace(/:\d+:\d+/, "")), // a column counts the preamble
  // --- modules
  "import.meta.url": async () => (await import(location.origin + "/meta.js")).url,
  "import.meta.resolve": async () => (await import("/meta.js")).resolved,
  "import of another's": async () => (await import(OTHER + "/module.js")).default,
  // --- text that becomes script
  "Function": () => [new Function("return location.href")(), Function("a", "return a + location.host")("x"), (() => {}).constructor("return window.location.origin")()],
  "Function's parameter": () => new Function("location", "return location.href")({ href: "given" }),
  "Function's text": () => `${new Function("location", "return location.href")}`,
  "eval": () => { const within = 1; return eval("[location.href, within, window.top === window]"); },
  "a timer's text": () => new Promise((done) => { window.timed = done; setTimeout("timed(location.href)"); }),
  "an async function's text": () => Object.getPrototypeOf(async () => {}).constructor("return location.host")(),
  "a handler's text": () => { const one = linked("button", {}); one.setAttribute("onclick", "window.clicked = location.href"); one.click(); return [window.clicked, one.getAttribute("onclick")]; },
  "a handler in markup": () => { const one = linked("div", { innerHTML: "<b onclick='window.clicked = [location.host, document.location.hash]'>x</b>" }); document.body.append(one); one.firstChild.click(); return window.clicked; },
  "a script's text": () => { const one = linked("script", { text: "window.scripted = location.href" }); document.head.append(one); return [window.scripted, one.text]; },
  "a script's text node": () => { const one = document.createElement("script"); one.append("window.scripted = [location.host]"); document.head.append(one); return [window.scripted, one.textContent]; },
  "with": () => new Function("o", "with (o) { return [typeof location, location.href ?? location] }")({ location: "own" }),
  "with nothing of its own": () => new Function("o", "with (o) { return location.href }")({}),
  "a function's text": () => `${function (location) { return location.href; }}`,
  // --- errors
  "an error's stack": () => new Error("x").stack.split("\n").map((one) => /https?:\/\/[^\s)]*\//.exec(one)?.[0] ?? "").filter(Boolean)[0],
  "an error event": async () => {
    const event = await later(window, "error", () => { const one = linked("script", { src: "/broken.js" }); document.head.append(one); });
    return [event.filename, event.message];
  },
  // --- what pages do with it
  "a check of the host": () => (/(^|\.)a\.test$/.test(location.hostname) ? "ours" : "a copy"),
  "a redirect address": () => { const to = new URL("https://b.test/authorize"); to.searchParams.set("redirect_uri", location.origin + "/back"); return to.href; },
  "cookies by host": () => { document.cookie = `here=1; domain=${location.hostname}; path=/; Secure`; return document.cookie.includes("here=1"); },
  "cookieStore's address": async () => { await cookieStore.set("stored", "1"); return (await cookieStore.get("stored")).value; },
};

async function observed() {
  const out = {};
  for (const [name, look] of Object.entries(OBSERVED)) {
    try {
      history.replaceState(null, "", "/look?a=b#c");
      out[name] = (await Promise.race([(async () => look())(), new Promise((done) => setTimeout(done, 4000, "too late"))])) ?? null;
    } catch (error) {
      out[name] = `${error.name}: ${error.message}`;
    }
  }
  return JSON.parse(JSON.stringify(out));
}
