// The service worker of the cases: what it does is said by its query and the paths that are asked.
const mode = location.search.slice(1).split("&")[0];
const heard = [];
const plain = (text) => `${text}`.replaceAll(self.origin, "<own>");
if (mode === "imports") importScripts("/agents/ran.js?1", `${self.origin}/agents/ran.js?2`, "/agents/ran.js?1");
const offline = ["/service/offline/kept?n=1", "/agents/agent.js"];
addEventListener("install", (event) => {
  skipWaiting();
  if (mode === "fails") event.waitUntil(Promise.reject(new Error("no")));
  if (mode === "offline") event.waitUntil(caches.open("offline").then((cache) => cache.addAll(offline)));
  if (mode === "routes") event.waitUntil(Promise.resolve(event.addRoutes?.({ condition: { urlPattern: new URLPattern({ pathname: "/told/network" }) }, source: "network" })));
});
addEventListener("activate", (event) => mode === "claims" && event.waitUntil(clients.claim()));
addEventListener("message", (event) => event.waitUntil((async () => {
  const { data, source, ports: [port] } = event;
  const answer = (what) => (port ?? source).postMessage(what);
  const tell = ({ url, frameType, type, visibilityState, focused }) => ({ url: plain(url).replace(/\?.*/, ""), frameType, type, visibilityState });
  if (data === "who") answer(["me", event.origin === self.origin, source.frameType, plain(source.url)]);
  if (data === "port") answer("by port");
  if (data === "clients") answer((await clients.matchAll({ includeUncontrolled: false })).map(tell));
  if (data === "count") answer((await clients.matchAll()).length);
  if (data === "place") answer([plain(location.href), plain(registration.scope), serviceWorker.state, plain(serviceWorker.scriptURL), self.origin === location.origin, isSecureContext, typeof localStorage, typeof XMLHttpRequest]);
  if (data === "imported") answer([self.runs, (() => { try { importScripts("/agents/none.js"); return "ran" } catch (error) { return error.name } })()]);
  if (data === "cache") {
    const cache = await caches.open("worker's");
    await cache.addAll(["/text", new Request("/agents/values.js")]);
    await cache.put("/put", new Response("put"));
    answer([(await cache.keys()).map(({ url }) => plain(url)), await (await caches.match("/put")).text(), plain((await cache.match("/text")).url)]);
  }
})()));
const made = {
  status: () => new Response("made", { status: 418, statusText: "Own" }),
  headers: () => new Response("made", { headers: { "X-Made": "yes", "Content-Type": "text/x" } }),
  stream: () => new Response(new ReadableStream({ start: (control) => { for (const one of ["a", "b"]) control.enqueue(new TextEncoder().encode(one)); control.close() } })),
  json: () => Response.json({ made: 1 }),
  empty: () => new Response(null, { status: 204 }),
  redirect: () => Response.redirect("/text?redirected", 302),
  error: () => Response.error(),
  nothing: () => undefined,
  throws: () => { throw new Error("x") },
  rejects: () => Promise.reject(new Error("x")),
  late: () => new Promise((done) => setTimeout(done, 30, new Response("late"))),
  clone: async () => (await fetch("/text")).clone(),
  cached: async () => { const cache = await caches.open("answers"); await cache.put("/kept", new Response("kept")); return cache.match("/kept") },
};
addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname, search, searchParams, origin } = new URL(request.url);
  const { method, mode: how, destination, credentials, redirect, referrer, url, isReloadNavigation } = request;
  const told = { method, url: plain(url), how, destination, credentials, redirect, referrer: plain(referrer), own: request.headers.get("x-own"), kind: request.headers.get("content-type"), client: event.clientId !== "", resulting: event.resultingClientId !== "", isReloadNavigation };
  if (pathname.startsWith("/told/") || pathname.endsWith("told/frame")) {
    heard.push(told);
    if (mode === "routes") return;
    return event.respondWith(new Response("", { headers: { "Content-Type": "text/javascript" } }));
  }
  if (pathname.endsWith("/told")) return event.respondWith(Promise.resolve(method === "POST" ? request.text() : "").then((body) => new Response(JSON.stringify({ ...told, body }), { headers: { "Content-Type": "text/plain" } })));
  if (pathname === "/heard") return event.respondWith(Response.json(heard));
  if (pathname.startsWith("/made/")) return event.respondWith(made[pathname.slice(6)]());
  if (pathname.endsWith("/page")) return event.respondWith(new Response("<!doctype html><html><head><title>made</title></head><body><p>of a worker</p></body></html>", { headers: { "Content-Type": "text/html; charset=utf-8" } }));
  if (pathname.endsWith("/away")) return event.respondWith(Response.redirect("agent?redirected"));
  if (pathname === "/onward") return event.respondWith(request.text().then((body) => fetch("/echo", { method, body, headers: request.headers })));
  if (pathname === "/ask") return event.respondWith(fetch(searchParams.get("of")));
  if (pathname.endsWith("/preloaded")) return event.respondWith(Promise.resolve(event.preloadResponse).then((found) => found ?? new Response("no preload")));
  if (mode === "offline" && pathname.startsWith("/service/offline/")) return event.respondWith(caches.match(request).then((found) => found ?? fetch(request)));
  if (pathname.endsWith("/agents/page") || origin !== self.origin) return event.respondWith(fetch(request));
});
