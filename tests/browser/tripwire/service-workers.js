// Ways by which a service worker names a foreign host, or makes up what does.
// What stands before the first section begins every service worker's script.

const page = (body, fields) => new Response(body, {headers: {"Content-Type": "text/html", ...fields}});
// A handler that returns false would cancel the request, so that it must not be one expression.
const answer = (mode, make) => {
  onfetch = (event) => {
    if (event.request.mode === mode) event.respondWith(make(event));
  };
};
const shows = (body, fields) => answer("navigate", () => page(body, fields));

//: sw-fetch
await serve("@NAME@");
//> file
oninstall = (event) => event.waitUntil(fetch("@URL@", {mode: "no-cors"}).catch(() => 0));

//: sw-import-scripts
await serve("@NAME@");
//> file
importScripts("@URL@");

//: sw-import
await serve("@NAME@", {type: "module"});
//> file
import "@URL@";

//: sw-socket
await serve("@NAME@");
//> file
oninstall = () => new WebSocket("wss://@HOST@/w/@NAME@");

//: sw-cache
await serve("@NAME@");
//> file
const add = async () => (await caches.open("x")).add("@URL@").catch(() => 0);
oninstall = (event) => event.waitUntil(add());

//: sw-answer
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
onfetch = (event) => event.respondWith(
  fetch("@URL@", {mode: "no-cors"}).catch(() => new Response("")),
);

//: sw-redirect
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
onfetch = (event) => event.respondWith(Response.redirect("@URL@"));

//: sw-document
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<img src="@URL@">`);

//: sw-document-fetch
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<script>fetch("@URL@", {mode: "no-cors"}).catch(() => 0)</script>`);

//: sw-document-link connection
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<link rel=preconnect href="@URL@">`);

//: sw-document-refresh
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows("x", {Refresh: "0; url=@URL@"});

//: sw-document-report
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows("<img src=/none>", {"Content-Security-Policy": "img-src 'none'; report-uri @URL@"});

//: sw-document-cached
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
const keep = async (url) => {
  const cache = await caches.open("x");
  await cache.put(url, page(`<img src="@URL@">`));
  return cache.match(url);
};
answer("navigate", (event) => keep(event.request.url));

//: sw-own-worker
await serve("@NAME@");
(await shown("/s/@NAME@/page")).eval("new Worker('/s/@NAME@/work.js')");
//> file
const code = `fetch("@URL@", {mode: "no-cors"}).catch(() => 0)`;
answer("same-origin", () => page(code, {"Content-Type": "text/javascript"}));

//: sw-navigate
await serve("@NAME@");
const within = await shown("/s/@NAME@/page");
within.navigator.serviceWorker.controller.postMessage("go");
//> file
onmessage = (event) => event.source.navigate("@URL@").catch(() => 0);

//: sw-background none
const made = await serve("@NAME@");
await made.backgroundFetch.fetch("x", "@URL@");
//> file
onbackgroundfetchfail = () => 0;

//: sw-document-rtc connection
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<script>window.it = new RTCPeerConnection({iceServers: [{urls: "turns:@HOST@:@PORT@?transport=tcp", username: "x", credential: "x"}]});
it.createDataChannel("x"); it.setLocalDescription()</script>`);

//: sw-document-preconnect-entity connection
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<p><LINK title=">" rel='x &#112;reconnect' href="@URL@">`);

//: sw-document-preconnect-added connection
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<script>document.head.append(Object.assign(document.createElement("link"), {rel: "preconnect", href: "@URL@"}))</script>`);

//: sw-document-location
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<script>location = "@URL@"</script>`);

//: sw-document-meta-refresh
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<meta http-equiv=refresh content="0;url=@URL@">`);

//: sw-document-frame
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<iframe src="@URL@"></iframe>`);

//: sw-document-rules none
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<script type=speculationrules>{"prefetch": [{"urls": ["@URL@"], "eagerness": "immediate"}]}</script>`);

//: sw-document-headers
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows("x", {Link: "<@URL@>; rel=preload; as=image"});

//: sw-document-sheet
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<style>body { background: url(@URL@) }</style>x`);

//: sw-document-socket
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<script>new WebSocket("wss://@HOST@/w/@NAME@")</script>`);

//: sw-document-beacon
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<script>navigator.sendBeacon("@URL@")</script>`);

//: sw-document-form
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<form action="@URL@"></form><script>document.forms[0].submit()</script>`);

//: sw-document-svg
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<svg xmlns="http://www.w3.org/2000/svg"><image href="@URL@" width="9" height="9"/></svg>`, {"Content-Type": "image/svg+xml"});

//: sw-document-xml-sheet
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<?xml-stylesheet href="@URL@" type="text/css"?><x/>`, {"Content-Type": "text/xml"});

//: sw-notification none
const made = await serve("@NAME@");
await made.showNotification("x", {icon: "@URL@"});
//> file
onfetch = () => 0;

//: sw-sync
const made = await serve("@NAME@");
await made.sync.register("x");
//> file
onsync = (event) => event.waitUntil(fetch("@URL@", {mode: "no-cors"}).catch(() => 0));

//: sw-navigate-redirect
await serve("@NAME@");
at("iframe", {src: "/s/@NAME@/page"});
//> file
onfetch = (event) => event.respondWith(Response.redirect("https://@HOST@/w/@NAME@", 307));

//: sw-document-old-type
await serve("@NAME@", {}, "jscript");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<img src="@URL@">`);

//: sw-document-two-types
await serve("@NAME@", {}, "two");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<img src="@URL@">`);

//: sw-document-coded-twice
await serve("@NAME@", {}, "twice");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<img src="@URL@">`);

//: sw-document-part
await serve("@NAME@", {}, "part");
at("iframe", {src: "/s/@NAME@/page"});
//> file
shows(`<img src="@URL@">`);

//: sw-document-text-import
await serve("@NAME@", {type: "module"});
at("iframe", {src: "/s/@NAME@/page"});
//> file
import "data:text/javascript,const Page = Response, answers = FetchEvent.prototype.respondWith, {apply} = Reflect; const page = () => new Page('<img src=@URL@>', {headers: {'Content-Type': 'text/html'}}); addEventListener('fetch', (event) => event.request.mode === 'navigate' && apply(answers, event, [page()]))";
