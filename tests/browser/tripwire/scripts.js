// Ways by which script names a foreign host; each section is the body of an async function.
// What stands before the first section is in scope everywhere on a page.

const into = (parent, child) => (parent.append(child), child);
const add = (markup) => into(document.body, document.createRange().createContextualFragment(markup));
const make = (tag, values, from = document) => Object.assign(from.createElement(tag), values);
const at = (tag, values) => into(document.body, make(tag, values));
const spot = (id) => at("i", {id, textContent: "x"});
const sheet = () => into(document.head, make("style")).sheet;
const svg = (tag) => {
  const space = "http://www.w3.org/2000/svg";
  return into(into(document.body, document.createElementNS(space, "svg")), document.createElementNS(space, tag));
};

const press = (link) => link.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}));
const parsed = (text, type = "text/html") => new DOMParser().parseFromString(text, type);
const blob = (text, type = "text/javascript") => URL.createObjectURL(new Blob([text], {type}));

// A realm in which nothing was changed yet, and one of the site's own.
const blank = () => at("iframe", {}).contentWindow;
const shown = async (src) => {
  const frame = make("iframe", {src});
  const loaded = new Promise((done) => frame.addEventListener("load", done, {once: true}));
  document.body.append(frame);
  await loaded;
  return frame.contentWindow;
};

const calls = [];  // a connection that nobody holds ends early
const call = async (server, realm = window) => {
  const urls = server ? [{urls: server, username: "x", credential: "x"}] : [];
  const it = new realm.RTCPeerConnection({iceServers: urls});
  calls.push(it);
  it.createDataChannel("x");
  await it.setLocalDescription();
  return it;
};

// A document that makes a call as soon as it is there.
const CALLING = (urls) => `<script>window.it = new RTCPeerConnection({iceServers: [{urls: "${urls}", username: "x", credential: "x"}]});
it.createDataChannel("x"); it.setLocalDescription()<\/script>`;

const serve = async (name, options = {}, ending = "js") => {
  const scope = `/s/${name}/`;
  const script = `/s/${name}.${ending}`;
  const made = await navigator.serviceWorker.register(script, {scope, ...options});
  const it = made.installing ?? made.waiting ?? made.active;
  while (it.state !== "activated") {
    await new Promise((done) => it.addEventListener("statechange", done, {once: true}));
  }
  return made;
};

//: image
new Image().src = "@URL@";

//: image-srcset
new Image().srcset = "@URL@ 1x";

//: set-attribute
document.createElement("img").setAttribute("src", "@URL@");

//: set-attribute-upper
document.createElement("img").setAttribute("SRC", "HTTPS://@HOST@/w/@NAME@");

//: set-attribute-ns
svg("image").setAttributeNS(null, "href", "@URL@");

//: set-attribute-xlink
svg("image").setAttributeNS("http://www.w3.org/1999/xlink", "xlink:href", "@URL@");

//: attr-value
const i = new Image();
i.setAttribute("src", "");
i.attributes[0].value = "@URL@";

//: attr-node-value
const i = new Image();
i.setAttribute("src", "");
i.attributes[0].nodeValue = "@URL@";

//: attr-node
const a = document.createAttribute("src");
a.value = "@URL@";
new Image().setAttributeNode(a);

//: href-base-val
svg("image").href.baseVal = "@URL@";

//: inner-html
at("div", {innerHTML: "<img src='@URL@'>"});

//: outer-html
at("p", {}).outerHTML = "<img src='@URL@'>";

//: insert-adjacent-html
document.body.insertAdjacentHTML("beforeend", "<img src='@URL@'>");

//: set-html-unsafe
at("p", {}).setHTMLUnsafe("<img src='@URL@'>");

//: contextual-fragment
const range = document.createRange();
document.body.append(range.createContextualFragment("<img src='@URL@'>"));

//: exec-command
const field = at("div", {contentEditable: true});
field.focus();
getSelection().selectAllChildren(field);
document.execCommand("insertHTML", false, "<img src='@URL@'>");

//: dom-parser
document.body.append(parsed("<img src='@URL@'>").body.firstChild);

//: parse-html-unsafe
document.body.append(Document.parseHTMLUnsafe("<img src='@URL@'>").body.firstChild);

//: xml-parser
const xml = "<img xmlns='http://www.w3.org/1999/xhtml' src='@URL@'/>";
document.body.append(document.importNode(parsed(xml, "text/xml").documentElement, true));

//: xslt
const sheet = `<x:stylesheet version="1.0" xmlns:x="http://www.w3.org/1999/XSL/Transform">
  <x:template match="/"><img src="@URL@"/></x:template></x:stylesheet>`;
const processor = new XSLTProcessor();
processor.importStylesheet(parsed(sheet, "text/xml"));
document.body.append(processor.transformToFragment(parsed("<a/>", "text/xml"), document));

//: template-clone
const t = document.createElement("template");
t.innerHTML = "<img src='@URL@'>";
document.body.append(t.content.cloneNode(true));

//: shadow-inner-html
at("div", {}).attachShadow({mode: "closed"}).innerHTML = "<img src='@URL@'>";

//: inert-document
const d = document.implementation.createHTMLDocument();
d.body.innerHTML = "<img src='@URL@'>";
document.body.append(document.adoptNode(d.body.firstChild));

//: script-src-set
at("script", {src: "@URL@"});

//: script-src-fresh
document.body.append(make("script", {src: "@URL@"}, blank().document));

//: iframe-src-set
at("iframe", {src: "@URL@"});

//: iframe-srcdoc-set
at("iframe", {srcdoc: "<img src='@URL@'>"});

//: iframe-location
blank().location = "@URL@";

//: iframe-location-href
blank().location.href = "@URL@";

//: iframe-indexed
blank();
frames[frames.length - 1].location.replace("@URL@");

//: iframe-inside
(await shown("/blank")).eval("location = '@URL@'");

//: iframe-named-open
at("iframe", {name: "@NAME@"});
window.open("@URL@", "@NAME@");

//: iframe-named-link
at("iframe", {name: "@NAME@"});
at("a", {href: "@URL@", target: "@NAME@"}).click();

//: iframe-named-form
at("iframe", {name: "@NAME@"});
at("form", {action: "@URL@", target: "@NAME@", method: "post"}).submit();

//: iframe-parent
const w = blank();
w.document.write("<a href='@URL@'>x</a>");
w.document.links[0].click();

//: object-data-set
at("object", {data: "@URL@"});

//: embed-src-set
at("embed", {src: "@URL@"});

//: video-poster-set
at("video", {poster: "@URL@"});

//: audio-new
at("div", {}).sound = new Audio("@URL@");

//: input-image-set
at("input", {type: "image", src: "@URL@"});

//: link-stylesheet-set
at("link", {rel: "stylesheet", href: "@URL@"});

//: link-prefetch-set
at("link", {rel: "prefetch", href: "@URL@"});

//: link-preload-property
at("link", {rel: "preload", as: "image", href: "@URL@"});

//: link-preconnect-set connection
at("link", {rel: "preconnect", href: "@URL@"});

//: link-preconnect-list connection
const l = at("link", {href: "@URL@"});
l.relList.add("preconnect");

//: link-preconnect-html connection
at("div", {innerHTML: "<link rel=preconnect href='@URL@'>"});

//: link-prerender-set none
at("link", {rel: "prerender", href: "@URL@"});

//: ping-set
at("a", {href: "#", ping: "@URL@"}).click();

//: ping-event
press(at("a", {href: "#", ping: "@URL@"}));

//: css-insert-rule
spot("@NAME@");
sheet().insertRule("#@NAME@ { background: url(@URL@) }");

//: css-replace-sync
spot("@NAME@");
const s = new CSSStyleSheet();
s.replaceSync("#@NAME@ { background: url(@URL@) }");
document.adoptedStyleSheets.push(s);

//: css-text
spot("@NAME@").style.cssText = "background: url(@URL@)";

//: css-property
spot("@NAME@").style.backgroundImage = "url(@URL@)";

//: css-set-property
spot("@NAME@").style.setProperty("background", "u\\72l(@URL@)");

//: css-rule-property
spot("@NAME@");
const s = sheet();
s.insertRule("#@NAME@ {}");
s.cssRules[0].style.background = "url(@URL@)";

//: css-style-map
const value = CSSStyleValue.parse("background-image", "url(@URL@)");
spot("@NAME@").attributeStyleMap.set("background-image", value);

//: css-style-content
spot("@NAME@");
at("style", {textContent: "#@NAME@ { background: url(@URL@) }"});

//: css-style-import
at("style", {textContent: "@import '@URL@'"});

//: css-node-data
spot("@NAME@");
at("style", {textContent: " "}).firstChild.data = "#@NAME@ { background: url(@URL@) }";

//: css-animate
const step = {backgroundImage: "url(@URL@)"};
spot("@NAME@").animate([step, step], 9000);

//: font-face
const f = new FontFace("@NAME@", "url(@URL@)");
document.fonts.add(f);
f.load().catch(() => 0);

//: paint-worklet
CSS.paintWorklet.addModule("@URL@").catch(() => 0);

//: audio-worklet
await new AudioContext().audioWorklet.addModule("@URL@");

//: audio-worklet-import
await new AudioContext().audioWorklet.addModule("/s/@NAME@.js");
//> file
import "@URL@";

//: shared-storage-worklet none
await sharedStorage.worklet.addModule("@URL@");

//: import
await import("@URL@");

//: import-own
await import("/s/@NAME@.js");
//> file
import "@URL@";

//: import-data
await import("data:text/javascript,import '@URL@'");

//: import-json
await import("@URL@", {with: {type: "json"}});

//: import-blob
await import(blob("fetch('@URL@')"));

//: fetch
await fetch("@URL@", {mode: "no-cors"});

//: fetch-relative
await fetch("//@HOST@/w/@NAME@");

//: fetch-credentials
await fetch("@URL@", {credentials: "include", method: "PUT", body: "x"});

//: fetch-keepalive
await fetch("@URL@", {keepalive: true, method: "POST", body: "x"});

//: fetch-request
await fetch(new Request("@URL@"));

//: fetch-later
fetchLater("@URL@", {activateAfter: 0});

//: fetch-fresh
await blank().fetch("@URL@");

//: fetch-fresh-request
await fetch(new (blank().Request)("@URL@"));

//: fetch-fresh-eval
blank().eval("fetch('@URL@')");

//: fetch-fresh-timer
blank().setTimeout("fetch('@URL@')");

//: xhr
const x = new XMLHttpRequest();
x.open("GET", "@URL@");
x.send();

//: xhr-sync
const x = new XMLHttpRequest();
x.open("GET", "@URL@", false);
x.send();

//: xhr-fresh
const x = new (blank().XMLHttpRequest)();
x.open("GET", "@URL@");
x.send();

//: event-source
new EventSource("@URL@").onerror = (e) => e.target.close();

//: send-beacon
navigator.sendBeacon("@URL@", "x");

//: send-beacon-fresh
blank().navigator.sendBeacon("@URL@");

//: web-socket
new WebSocket("wss://@HOST@/w/@NAME@");

//: web-socket-https
new WebSocket("@URL@");

//: web-socket-fresh
new (blank().WebSocket)("wss://@HOST@/w/@NAME@");

//: web-socket-stream
new WebSocketStream("wss://@HOST@/w/@NAME@").opened.catch(() => 0);

//: web-transport quic
new WebTransport("https://@HOST@:@PORT@/w/@NAME@").ready.catch(() => 0);

//: cache-add
await (await caches.open("x")).add("@URL@");

//: fresh-image
new (blank().Image)().src = "@URL@";

//: fresh-write
blank().document.write("<img src='@URL@'>");

//: fresh-element
document.body.append(make("img", {src: "@URL@"}, blank().document));

//: frame-javascript
at("iframe", {src: "javascript:\"<img src='@URL@'>\""});

//: frame-blob
at("iframe", {src: blob("<img src='@URL@'>", "text/html")});

//: frame-blob-script
at("iframe", {src: blob("<script>fetch('@URL@')<\/script>", "text/html")});

//: frame-data
at("iframe", {src: "data:text/html,<img src='@URL@'>"});

//: frame-own-attribute
const w = await shown("/blank");
w.document.body.innerHTML = "<img src='@URL@'>";

//: frame-own-open
const w = await shown("/blank");
w.document.open();
w.document.write("<img src='@URL@'>");
w.document.close();

//: fedcm
// Asks the person, so that nobody waits for it.
const providers = [{configURL: "@URL@", clientId: "x", nonce: "x"}];
navigator.credentials.get({identity: {providers}}).catch(() => 0);

//: payment
const total = {label: "x", amount: {currency: "EUR", value: "1"}};
new PaymentRequest([{supportedMethods: "@URL@"}], {total}).canMakePayment().catch(() => 0);

//: rtc-stun stun
await call("stun:@HOST@:@PORT@");

//: rtc-stun-address stun
await call("stun:127.0.0.1:@PORT@");

//: rtc-turn-tls connection
await call("turns:@HOST@:@PORT@?transport=tcp");

//: rtc-turn-fresh connection
await call("turns:@HOST@:@PORT@?transport=tcp", blank());

//: rtc-candidate check
const [one, other] = [await call(), new RTCPeerConnection()];
calls.push(other);
await other.setRemoteDescription(one.localDescription);
await other.setLocalDescription();
await one.setRemoteDescription(other.localDescription);
const candidate = "candidate:1 1 udp 2113937151 127.0.0.1 @PORT@ typ host";
await one.addIceCandidate({candidate, sdpMid: "0"});

//: rtc-old-name connection
calls.push(new webkitRTCPeerConnection({iceServers: [{urls: "turns:@HOST@:@PORT@?transport=tcp", username: "x", credential: "x"}]}));
calls.at(-1).createDataChannel("x");
await calls.at(-1).setLocalDescription();

//: rtc-frame-data connection
at("iframe", {src: `data:text/html,${encodeURIComponent(CALLING("turns:@HOST@:@PORT@?transport=tcp"))}`});

//: rtc-frame-data-base64 connection
at("iframe", {src: `data:text/html;base64,${btoa(CALLING("turns:@HOST@:@PORT@?transport=tcp"))}`});

//: rtc-frame-blob connection
at("iframe", {src: blob(CALLING("turns:@HOST@:@PORT@?transport=tcp"), "text/html")});

//: rtc-frame-blob-sandboxed connection
at("iframe", {sandbox: "allow-scripts", src: blob(CALLING("turns:@HOST@:@PORT@?transport=tcp"), "text/html")});

//: rtc-frame-srcdoc connection
at("iframe", {srcdoc: CALLING("turns:@HOST@:@PORT@?transport=tcp")});

//: rtc-frame-srcdoc-sandboxed connection
at("iframe", {sandbox: "allow-scripts", srcdoc: CALLING("turns:@HOST@:@PORT@?transport=tcp")});

//: rtc-frame-javascript connection
at("iframe", {src: `javascript:${JSON.stringify(CALLING("turns:@HOST@:@PORT@?transport=tcp"))}`});

//: rtc-frame-written connection
const w = blank();
w.document.open();
w.document.write(CALLING("turns:@HOST@:@PORT@?transport=tcp"));
w.document.close();

//: frame-data-preconnect connection
at("iframe", {src: "data:text/html,<link rel=preconnect href='@URL@'>"});

//: frame-data-preconnect-added connection
at("iframe", {src: "data:text/html,<script>document.head.append(Object.assign(document.createElement('link'), {rel: 'preconnect', href: '@URL@'}))<\/script>"});

//: frame-blob-preconnect connection
at("iframe", {src: blob("<link rel=preconnect href='@URL@'>", "text/html")});

//: frame-data-location
at("iframe", {src: "data:text/html,<script>location = '@URL@'<\/script>"});

//: frame-data-open
at("iframe", {src: "data:text/html,<script>open('@URL@', '_self')<\/script>"});

//: frame-data-link
at("iframe", {src: "data:text/html,<a href='@URL@'>x</a><script>document.links[0].click()<\/script>"});

//: frame-data-refresh
at("iframe", {src: "data:text/html,<meta http-equiv=refresh content='0;url=@URL@'>"});

//: frame-data-frame
at("iframe", {src: "data:text/html,<iframe src='@URL@'></iframe>"});

//: frame-data-form
at("iframe", {src: "data:text/html,<form action='@URL@'></form><script>document.forms[0].submit()<\/script>"});

//: frame-blob-location
at("iframe", {src: blob("<script>location = '@URL@'<\/script>", "text/html")});

//: frame-srcdoc-sandboxed-location
at("iframe", {sandbox: "allow-scripts", srcdoc: "<script>location = '@URL@'<\/script>"});

//: frame-srcdoc-sandboxed-preconnect connection
at("iframe", {sandbox: "allow-scripts", srcdoc: "<script>document.head.append(Object.assign(document.createElement('link'), {rel: 'preconnect', href: '@URL@'}))<\/script>"});

//: set-html
at("p", {}).setHTML("<img src='@URL@'>", {sanitizer: {}});

//: shadow-set-html
at("p", {}).attachShadow({mode: "open"}).setHTML("<img src='@URL@'>", {sanitizer: {}});

//: parse-html
document.body.append(Document.parseHTML("<img src='@URL@'>", {sanitizer: {}}).body.firstChild);

//: exec-command-image
const field = at("div", {contentEditable: true});
field.focus();
getSelection().selectAllChildren(field);
document.execCommand("insertImage", false, "@URL@");

//: attr-text-content
const i = new Image();
i.setAttribute("src", "");
i.attributes[0].textContent = "@URL@";

//: attr-named-item
const a = document.createAttributeNS(null, "src");
a.value = "@URL@";
new Image().attributes.setNamedItemNS(a);

//: xml-entity
const xml = `<!DOCTYPE x [<!ENTITY h "https:/"><!ENTITY g "/@HOST@/w/@NAME@">]><img xmlns="http://www.w3.org/1999/xhtml" src="&h;&g;"/>`;
document.body.append(document.importNode(parsed(xml, "text/xml").documentElement, true));

//: xml-external none
parsed(`<!DOCTYPE x [<!ENTITY h SYSTEM "@URL@"><!ENTITY % p SYSTEM "@URL@"> %p;]><x>&h;</x>`, "text/xml");

//: xml-sheet none
parsed(`<?xml-stylesheet href="@URL@" type="text/xsl"?><x/>`, "text/xml");

//: css-effect
const step = {backgroundImage: "url(@URL@)"};
new Animation(new KeyframeEffect(spot("@NAME@"), [step, step], 9000)).play();

//: css-effect-set
const effect = new KeyframeEffect(spot("@NAME@"), null, 9000);
effect.setKeyframes({backgroundImage: ["url(@URL@)", "url(@URL@)"]});
new Animation(effect).play();

//: css-typed-variable
spot("@NAME@").style.setProperty("--x", "url(@URL@)");
document.getElementById("@NAME@").style.backgroundImage = "var(--x)";

//: css-registered none
CSS.registerProperty({name: "--@NAME@", syntax: "<image>", inherits: false, initialValue: "none"});
spot("@NAME@").style.cssText = "--@NAME@: url(@URL@); background: var(--@NAME@)";

//: css-font-rule
const s = sheet();
s.insertRule("@font-face { font-family: @NAME@; src: local(none) }");
s.cssRules[0].style.src = "url(@URL@)";
spot("@NAME@").style.fontFamily = "@NAME@";

//: canvas-filter none
const c = document.createElement("canvas").getContext("2d");
c.filter = "url(@URL@#f)";
c.fillRect(0, 0, 9, 9);

//: fonts-load
sheet().insertRule("@font-face { font-family: @NAME@; src: url(@URL@) }");
document.fonts.load("9px @NAME@").catch(() => 0);

//: view-transition
sheet().insertRule("::view-transition { background: url(@URL@) }");
await document.startViewTransition(() => 0).ready.catch(() => 0);

//: media-metadata none
navigator.mediaSession.metadata = new MediaMetadata({artwork: [{src: "@URL@"}]});

//: protocol-handler none
navigator.registerProtocolHandler("web+x", "@URL@?%s");

//: share none
navigator.share({url: "@URL@"}).catch(() => 0);

//: notification none
new Notification("x", {icon: "@URL@", image: "@URL@"});

//: presentation none
new PresentationRequest("@URL@").getAvailability().catch(() => 0);

//: related-origin
navigator.credentials.get({publicKey: {challenge: new Uint8Array(9), rpId: "@HOST@"}}).catch(() => 0);

//: interest-group none
navigator.joinAdInterestGroup({owner: "https://@HOST@", name: "x", biddingLogicURL: "@URL@"}, 9).catch(() => 0);

//: auction none
navigator.runAdAuction({seller: "https://@HOST@", decisionLogicURL: "@URL@", interestGroupBuyers: ["https://@HOST@"]}).catch(() => 0);

//: storage-access none
document.requestStorageAccessFor("https://@HOST@").catch(() => 0);

//: fetch-attribution none
await fetch("/none?@NAME@", {attributionReporting: {eventSourceEligible: true, triggerEligible: false}});

//: fetch-later-post
fetchLater("@URL@", {method: "POST", body: "x", activateAfter: 0});

//: fetch-stream
await fetch("@URL@", {method: "POST", body: new Blob(["x"]).stream(), duplex: "half"});

//: fetch-integrity
await fetch("@URL@", {integrity: "sha256-x", mode: "cors"});

//: fetch-redirect-manual none
await fetch("/r/@NAME@", {redirect: "manual"});

//: event-source-redirect
new EventSource("/r/@NAME@").onerror = (e) => e.target.close();

//: xhr-redirect
const x = new XMLHttpRequest();
x.open("GET", "/r/@NAME@");
x.send();

//: worker-options none
new Worker("/none", {name: "@URL@"});

//: link-prefetch-list
const l = at("link", {href: "@URL@"});
l.rel = "prefetch";

//: link-dns-prefetch-set none
at("link", {rel: "dns-prefetch", href: "@URL@"});

//: link-image-set
const l = make("link", {rel: "preload", as: "image"});
l.imageSrcset = "@URL@ 1x";
document.head.append(l);

//: iframe-srcdoc-attribute
const f = make("iframe");
f.setAttributeNS(null, "srcdoc", "<img src='@URL@'>");
document.body.append(f);

//: import-map-added
const map = make("script", {type: "importmap"});
map.textContent = JSON.stringify({imports: {"@NAME@": "@URL@"}});
document.head.append(map);
await import("@NAME@");

//: script-text
at("script", {text: "new Image().src = '@URL@'"});

//: function-constructor
new Function("new Image().src = '@URL@'")();

//: timer-text
setTimeout("new Image().src = '@URL@'");

//: handler-text
at("i", {}).setAttribute("onclick", "new Image().src = '@URL@'");
document.body.lastChild.click();

//: print none
at("style", {media: "print", textContent: "@page { @top-left { content: url(@URL@) } }"});
