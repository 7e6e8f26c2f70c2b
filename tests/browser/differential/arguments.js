// Arguments that a page can watch: how often and in which order they are read, and in whose words
// and by which way (at once, or by a promise) what is none is refused.
const shows = (value) => (value === null || !/object|function/.test(typeof value) ? own(String(value)) : Object.prototype.toString.call(value));
const outcome = async (run) => {
  let given;
  try {
    given = run();
  } catch (error) {
    return ["thrown", error?.name ?? error, error?.message && own(error.message)];
  }
  if (!(given instanceof Promise)) return ["given", shows(given)];
  return given.then((value) => ["fulfilled", shows(value)], (error) => ["rejected", error?.name ?? error, error?.message && own(error.message)]);
};
// An object with a text that says when it is asked for.
const watched = (log, name, text) => ({
  toString() {
    log.push(name);
    return text;
  },
});
const throwing = (log) => ({
  toString() {
    log.push("asked");
    throw "its own";
  },
});
// Has one argument in all the ways that a page can give it; `run` uses it.
const ways = async (t, run, own = t.own("text"), foreign = t.to("text")) => {
  const found = {};
  for (const [name, text] of Object.entries({ own, foreign })) {
    const log = [];
    const told = await outcome(() => run(watched(log, "text", text)));
    // Browsers name addresses in their own words.
    found[name] = [/thrown|rejected/.test(told[0]) ? told.slice(0, 2) : told, log.length];
  }
  const log = [];
  const [how, what] = await outcome(() => run(throwing(log)));
  found.throws = [how, what, log.length];
  found.symbol = await outcome(() => run(Symbol("x")));
  found["a symbol that reads as an address"] = await outcome(() => run(Symbol("//b.test/")));
  found["no text"] = await outcome(() => run(Object.create(null)));
  return found;
};
const closing = (one, value) => (one.close?.(), one.terminate?.(), one.port?.close(), value);
const inFrame = (run) => {
  const frame = put("iframe");
  try {
    return run(frame.contentWindow, frame.contentDocument);
  } finally {
    frame.remove();
  }
};

each({
  fetch: (one) => fetch(one).then(({ url }) => url),
  "fetch in a blank frame": (one) => Promise.resolve(put("iframe").contentWindow.fetch(one)).then(({ url }) => url),
  Request: (one) => new Request(one).url,
  "XMLHttpRequest.open": (one) => new XMLHttpRequest().open("GET", one),
  EventSource: (one) => ((made) => closing(made, made.url))(new EventSource(one)),
  Audio: (one) => new Audio(one).src,
  sendBeacon: (one) => navigator.sendBeacon(one),
  "serviceWorker.getRegistration": (one) => navigator.serviceWorker.getRegistration(one),
  "serviceWorker.register": (one) => navigator.serviceWorker.register(one).catch((error) => Promise.reject({ name: error?.name ?? error })),
  "caches.match": (one) => caches.match(one),
  "getEntriesByName": (one) => performance.getEntriesByName(one).length,
  Worker: (one) => ((made) => closing(made, "made"))(new Worker(one)),
  SharedWorker: (one) => ((made) => closing(made, "made"))(new SharedWorker(one)),
  "URL.revokeObjectURL": (one) => URL.revokeObjectURL(one),
  "document.baseURI's base": (one) => ((base) => ((base.href = one), base.getAttribute("href")))(make("base")),
}, "an address for", (t, run) => ways(t, run));
add("an address for a WebSocket", (t) =>
  // With a protocol that is none, so that nothing is asked for.
  ways(t, (one) => new WebSocket(one, "a b"), "wss://a.test/none", "wss://b.test/none"));
add("an address for a cache", async (t) => {
  const cache = await caches.open(t.slug);
  const found = {};
  for (const name of ["match", "matchAll", "keys", "delete"]) found[name] = await ways(t, (one) => cache[name](one));
  found.put = await ways(t, (one) => cache.put(one, new Response("x")));
  found.add = await ways(t, (one) => cache.add(one));
  found.addAll = await ways(t, (one) => cache.addAll([one]));
  await caches.delete(t.slug);
  return found;
});
each({ pushState: 0, replaceState: 0 }, "an address for history:", async (t, _, name) => {
  const { href } = location;
  const found = await ways(t, (one) => (history[name](null, "", one), location.pathname), "/run/there");
  history.replaceState(null, "", href);
  return found;
});
add("an address for a worklet", async (t) => {
  const context = new OfflineAudioContext(1, 1, 8000);
  return ways(t, (one) => context.audioWorklet.addModule(one).catch((error) => Promise.reject({ name: error?.name ?? error })));
});
add("an address and an origin for other windows", async (t) => {
  const inner = (await t.frame({ src: t.to("blank") })).contentWindow;
  return {
    message: await ways(t, (one) => inner.postMessage("x", one), A, B),
    options: await ways(t, (one) => inner.postMessage("x", { targetOrigin: one }), A, B),
    assign: await outcome(() => inner.location.assign(Symbol("x"))),
    replace: await outcome(() => inner.location.replace(throwing([]))),
    href: await outcome(() => (inner.location.href = Symbol("x"))),
    location: await outcome(() => (inner.location = Symbol("x"))),
  };
});
add("an address, a name and features for window.open", async (t) => {
  await t.frame({ name: "opened" });
  const frame = window.frames.opened;
  const found = {
    address: await ways(t, (one) => open(one, "opened") === frame, "about:blank#own", "about:blank#other"),
    name: await ways(t, (one) => open("about:blank#x", one) === frame, "opened", "opened"),
  };
  const log = [];
  open(watched(log, "address", "about:blank#z"), watched(log, "name", "opened"), watched(log, "features", ""));
  return { ...found, log };
});

const PROPERTIES = {
  "a.href": ["a", "href"], "a.ping": ["a", "ping"], "area.href": ["area", "href"], "link.href": ["link", "href"], "link.integrity": ["link", "integrity"],
  "link.imageSrcset": ["link", "imageSrcset"], "img.src": ["img", "src"], "img.srcset": ["img", "srcset"], "iframe.src": ["iframe", "src"], "iframe.srcdoc": ["iframe", "srcdoc"],
  "form.action": ["form", "action"], "button.formAction": ["button", "formAction"], "input.formAction": ["input", "formAction"], "input.src": ["input", "src"],
  "object.data": ["object", "data"], "embed.src": ["embed", "src"], "video.poster": ["video", "poster"], "video.src": ["video", "src"], "source.srcset": ["source", "srcset"],
  "script.src": ["script", "src"], "track.src": ["track", "src"], "q.cite": ["q", "cite"], "body.background": ["body", "background"],
};
each(PROPERTIES, "a text for", async (t, [name, property]) => {
  const found = await ways(t, (one) => {
    const made = make(name);
    made[property] = one;
    return made[property];
  });
  if (/src|poster|data|background/.test(property)) return found; // which loads something
  const made = make(name);
  made[property] = null;
  found.null = own(`${made[property]}`);
  made[property] = undefined;
  found.undefined = own(`${made[property]}`);
  return found;
});
each({
  "setAttribute's value": (one) => ((made) => (made.setAttribute("href", one), made.getAttribute("href")))(make("a")),
  "setAttribute's name": (one) => ((made) => (made.setAttribute(one, "/x"), made.outerHTML))(make("a")),
  "setAttributeNS' value": (one) => ((made) => (made.setAttributeNS(null, "href", one), made.getAttribute("href")))(make("a")),
  "setAttributeNS' name": (one) => ((made) => (made.setAttributeNS(null, one, "/x"), made.outerHTML))(make("a")),
  "Attr.value": (one) => ((made) => ((made.attributes[0].value = one), made.getAttribute("href")))(make("a", { href: "x" })),
  "Attr.nodeValue": (one) => ((made) => ((made.attributes[0].nodeValue = one), made.getAttribute("href")))(make("a", { href: "x" })),
  "Attr.textContent": (one) => ((made) => ((made.attributes[0].textContent = one), made.getAttribute("href")))(make("a", { href: "x" })),
  "an animated text": (one) => ((made) => ((made.href.baseVal = one), made.href.baseVal))(document.createElementNS("http://www.w3.org/2000/svg", "a")),
}, "a text for", (t, run, name) => (/name/.test(name) ? ways(t, run, "href", "SRC") : ways(t, run)));
each({
  "setAttribute": (one) => make("a").setAttribute(one),
  "setAttributeNS": (one) => make("a").setAttributeNS(null, one),
  "getAttribute's name": (one) => make("a", { href: "/x" }).getAttribute(one),
  "getAttributeNS' name": (one) => make("a", { href: "/x" }).getAttributeNS(null, one),
  "getAttribute's name, with more behind it": (one) => make("a", { href: `${B}/x`, title: "t" }).getAttribute(one, 0, ["title"]),
}, "a name for", (t, run) => ways(t, run, "href", "href"));
add("attributes by a list of their names", () => {
  const link = make("a", { href: `${B}/x`, title: "t" });
  return ["href", "title"].map(link.getAttribute, link);
});

const MARKUP = "<a href=/x>x</a>";
const foreignMarkup = `<a href="${B}/x">x</a>`;
each({
  innerHTML: (one) => ((made) => ((made.innerHTML = one), made.innerHTML))(make("p")),
  outerHTML: (one) => ((made) => (made.append(make("i")), (made.firstChild.outerHTML = one), made.innerHTML))(make("p")),
  "ShadowRoot.innerHTML": (one) => ((root) => ((root.innerHTML = one), root.innerHTML))(make("p").attachShadow({ mode: "open" })),
  setHTMLUnsafe: (one) => ((made) => (made.setHTMLUnsafe(one), made.innerHTML))(make("p")),
  insertAdjacentHTML: (one) => ((made) => (made.insertAdjacentHTML("beforeend", one), made.innerHTML))(make("p")),
  "insertAdjacentHTML's place": (one) => make("p").insertAdjacentHTML(one, "//"),
  createContextualFragment: (one) => document.createRange().createContextualFragment(one).childNodes.length,
  parseFromString: (one) => new DOMParser().parseFromString(one, "text/html").body.innerHTML,
  parseHTMLUnsafe: (one) => Document.parseHTMLUnsafe(one).body.innerHTML,
  execCommand: (one) => ((made) => (made.focus(), document.execCommand("insertHTML", false, one), made.innerHTML))(put("p", { contentEditable: "true" })),
  "execCommand's name": (one) => document.execCommand(one, false, "//"),
  "document.write": (one) => inFrame((_, inner) => (inner.write(one), inner.close(), inner.body.innerHTML)),
  "document.write's second": (one) => inFrame((_, inner) => (inner.write("a", one), inner.close(), inner.body.innerHTML)),
  "document.writeln": (one) => inFrame((_, inner) => (inner.writeln(one), inner.close(), inner.body.innerHTML)),
  "iframe.srcdoc": (one) => make("iframe", { srcdoc: one }).srcdoc,
}, "markup for", (t, run) => ways(t, run, MARKUP, foreignMarkup));
each({
  insertRule: (one) => ((sheet) => (sheet.insertRule(one), sheet.cssRules[0].cssText))(new CSSStyleSheet()),
  replaceSync: (one) => ((sheet) => (sheet.replaceSync(one), sheet.cssRules[0]?.cssText))(new CSSStyleSheet()),
  replace: (one) => new CSSStyleSheet().replace(one).then(({ cssRules: [rule] }) => rule?.cssText),
  "a style's textContent": (one) => ((made) => ((made.textContent = one), made.textContent))(make("style")),
  "a style's append": (one) => ((made) => (made.append(one), made.textContent))(make("style")),
  "a style's data": (one) => ((made) => (made.append("x"), (made.firstChild.data = one), made.textContent))(make("style")),
}, "rules for", (t, run) => ways(t, run, "p { background: url('/x') }", `p { background: url("${B}/x") }`));
each({
  cssText: (one) => ((made) => ((made.style.cssText = one), made.style.cssText))(make("p")),
  "style": (one) => ((made) => ((made.style = one), made.getAttribute("style")))(make("p")),
}, "a declaration for", (t, run) => ways(t, run, "background-image: url(/x)", `background-image: url("${B}/x")`));
each({
  setProperty: (one) => ((made) => (made.style.setProperty("background-image", one), made.style.cssText))(make("p")),
  backgroundImage: (one) => ((made) => ((made.style.backgroundImage = one), made.style.cssText))(make("p")),
  "attributeStyleMap": (one) => ((made) => (made.attributeStyleMap.set("background-image", one), made.style.cssText))(make("p")),
  "an animation": (one) => ((made) => made.effect.getKeyframes()[0].backgroundImage)(make("p").animate([{ backgroundImage: one }, { backgroundImage: "none" }], 10)),
  "FontFace": (one) => new FontFace("x", one).family,
}, "a style for", (t, run) => ways(t, run, "url('/x')", `url("${B}/x")`));
add("a cookie", async () => {
  const found = await ways({ own: () => "given=1", to: () => "given=2" }, (one) => ((document.cookie = one), document.cookie));
  document.cookie = "given=; max-age=0";
  return found;
});
add("fields of an answer", async () => {
  const answer = await fetch("/text");
  const found = {};
  for (const name of ["get", "has"]) found[name] = await ways({ own: () => "content-type", to: () => "none" }, (one) => answer.headers[name](one));
  return found;
});
add("a field of a request's answer", async () => {
  const request = new XMLHttpRequest();
  request.open("GET", "/text");
  request.send();
  await once(request, "load");
  return ways({ own: () => "content-type", to: () => "none" }, (one) => request.getResponseHeader(one));
});

// The order of what is read, and dictionaries.
const reads = (log, more) => new Proxy(more, { get: (target, key) => (typeof key === "string" && log.push(key), target[key]), has: (target, key) => (typeof key === "string" && log.push(`has ${key}`), key in target) });
add("what fetch reads, in its order", async (t) => {
  const log = [];
  await fetch(watched(log, "address", t.to("text")), reads(log, { method: "GET" }));
  await fetch(watched(log, "address", t.own("text")), reads(log, { method: watched(log, "the method", "POST") }));
  new Request(watched(log, "address", t.own("text")), reads(log, {}));
  return log;
});
add("what XMLHttpRequest.open reads, in its order", (t) => {
  const log = [];
  new XMLHttpRequest().open(watched(log, "method", "POST"), watched(log, "address", t.own("text")), true, watched(log, "user", "u"), watched(log, "password", "p"));
  new XMLHttpRequest().open(watched(log, "method", "GET"), watched(log, "address", t.to("text")));
  return log;
});
each({ "of fetch": (one) => fetch("/text", { method: one }).then(({ status }) => status), "of a Request": (one) => new Request("/text", { method: one }).method, "of XMLHttpRequest": (one) => new XMLHttpRequest().open(one, "/text") }, "a method", (t, run) => ways(t, run, "get", "b d"));
add("what is no dictionary", async (t) => {
  const found = {};
  for (const [name, value] of Object.entries({ number: 1, text: "x", symbol: Symbol("x"), null: null, function: () => 0 })) {
    found[name] = [
      await outcome(() => fetch(t.own("text"), value).then(({ status }) => status)),
      await outcome(() => new Request(t.own("text"), value).method),
      await outcome(() => navigator.serviceWorker.register("/none.js", value).catch((error) => Promise.reject({ name: error.name }))),
      await outcome(() => typeof new IntersectionObserver(() => 0, value)),
      await outcome(() => typeof make("p").animate(value, 1)),
      await outcome(() => new MessageEvent("x", value).type),
      await outcome(() => typeof new MutationObserver(value)),
    ];
  }
  return found;
});
add("a dictionary that inherits", () => {
  const observer = new IntersectionObserver(() => 0, Object.create({ rootMargin: "1px", threshold: 0.5 }));
  return [observer.thresholds, observer.rootMargin];
});
add("a worker's options that inherit", async () => {
  const options = Object.create({ scope: "/arguments/inherited", updateViaCache: "all" });
  try {
    const made = await navigator.serviceWorker.register("/agents/agent.js?arguments", options);
    const found = [own(made.scope), made.updateViaCache];
    await made.unregister();
    return found;
  } catch (error) {
    return error.name;
  }
});
const KEYFRAMES = {
  "with an object that goes round": () => ((one) => ((one.self = one), [one, { opacity: 1 }]))({ opacity: 0 }),
  "with a big number": () => ({ opacity: [0n, 1n] }),
  "of a generator": () => (function* () { yield { backgroundImage: `url("${B}/x")` }; yield { opacity: 1 }; })(),
  "of a Set": () => new Set([{ opacity: 0 }, { opacity: 1 }]),
  "with a text of its own": () => [{ opacity: 0, toJSON() { throw new Error("asked"); } }, { opacity: 1 }],
  "that inherit": () => [Object.create({ opacity: 0 }), { opacity: 1 }],
  "by property": () => ({ backgroundImage: [`url("${B}/x")`, "none"], opacity: "0" }),
};
each(KEYFRAMES, "keyframes", (t, make_) => {
  fetch(t.to("text")).catch(() => 0); // a foreign address: from now on they are looked at
  return make("p").animate(make_(), 10).effect.getKeyframes().map(({ backgroundImage, opacity, offset }) => [backgroundImage, opacity, offset]);
});
add("how often keyframes are read", () => {
  const log = [];
  const reading = { get opacity() { return log.push("read"), watched(log, "text", "0"); }, get other() { return log.push("other"); } };
  make("p").animate(reading, 10);
  make("p").animate([reading, { opacity: 1 }], 10);
  return log;
});
add("too few arguments", async () => {
  const calls = {
    fetch: () => fetch(), Request: () => new Request(), open: () => new XMLHttpRequest().open("GET"), EventSource: () => new EventSource(), Worker: () => new Worker(),
    WebSocket: () => new WebSocket(), setAttribute: () => make("a").setAttribute("href"), getAttribute: () => make("a").getAttribute(), insertAdjacentHTML: () => make("a").insertAdjacentHTML("beforeend"),
    insertRule: () => new CSSStyleSheet().insertRule(), setProperty: () => make("a").style.setProperty("background"), register: () => navigator.serviceWorker.register(), postMessage: () => postMessage(),
    pushState: () => history.pushState(null), write: () => inFrame((_, inner) => inner.write()), FontFace: () => new FontFace("x"), parseFromString: () => new DOMParser().parseFromString(""), execCommand: () => document.execCommand(),
    match: () => caches.match(), sendBeacon: () => navigator.sendBeacon(), createObjectURL: () => URL.createObjectURL(), revokeObjectURL: () => URL.revokeObjectURL(), attachShadow: () => make("p").attachShadow(),
  };
  const found = {};
  for (const [name, call] of Object.entries(calls)) found[name] = await outcome(call);
  return found;
});
add("what is called as another's", async () => {
  const calls = {
    href: () => Reflect.set(HTMLAnchorElement.prototype, "href", "//b.test/"), getHref: () => HTMLAnchorElement.prototype.href, setAttribute: () => Element.prototype.setAttribute.call({}, "href", "//b.test/"),
    innerHTML: () => Object.getOwnPropertyDescriptor(Element.prototype, "innerHTML").set.call({}, "//"), fetch: () => fetch.call({}, "/text").then(({ status }) => status), open: () => XMLHttpRequest.prototype.open.call({}, "GET", "//b.test/"),
    cookie: () => Object.getOwnPropertyDescriptor(Document.prototype, "cookie").get.call({}), write: () => document.write.call({}, "x"), url: () => Request.prototype.url, source: () => MessageEvent.prototype.source,
    contentWindow: () => HTMLIFrameElement.prototype.contentWindow, nodeValue: () => Node.prototype.nodeValue, textContent: () => (Node.prototype.textContent = "x"), get: () => Headers.prototype.get.call({}, "x"),
    Worker: () => Worker("x"), WebSocket: () => WebSocket("x"), Request: () => Request("x"), attachShadow: () => Element.prototype.attachShadow.call({}, { mode: "open" }), setProperty: () => CSSStyleDeclaration.prototype.setProperty.call({}, "background", "//"),
    submit: () => HTMLFormElement.prototype.submit.call({}),
  };
  const found = {};
  for (const [name, call] of Object.entries(calls)) found[name] = await outcome(call);
  return found;
});
add("a font of octets", async () => {
  const octets = new Uint8Array(8);
  octets.toString = () => { throw new Error("asked"); };
  const face = new FontFace("x", octets);
  return [face.family, (await face.loaded.catch((error) => error)).name];
});
each({ textContent: (made, text) => (made.textContent = text), innerHTML: (made, text) => (made.innerHTML = text), append: (made, text) => made.append(text) }, "a style that reads as it was set by", (t, set) => {
  const made = document.head.appendChild(make("style"));
  set(made, `p { background: url("${B}/x") }`);
  const found = [made.textContent, made.innerHTML, made.outerHTML, made.sheet.cssRules[0].cssText];
  made.remove();
  return found;
});

// Events of script's making, wherever they happen.
const heard = async (run) => {
  const errors = [];
  const hear = (event) => (errors.push(event.message), event.preventDefault());
  addEventListener("error", hear);
  const given = await run();
  await tick(20);
  removeEventListener("error", hear);
  return [given ?? null, errors];
};
for (const type of ["click", "submit", "visibilitychange", "message", "load", "pageshow"]) {
  add(`an event of script's making: ${type}`, () => heard(() => {
    const got = [];
    const targets = [window, document, document.body, put("p").appendChild(document.createTextNode("x")), new DocumentFragment(), new EventTarget()];
    for (const one of targets) {
      one.addEventListener(type, () => got.push(1), { once: true });
      one.dispatchEvent(new Event(type, { bubbles: true, cancelable: true }));
    }
    return got.length;
  }));
}
each({ "another frame": "led", "a new window": "_blank", "the page itself": "_self", "no target": "" }, "a submit event of script's making sends nothing to", async (t, target) => {
  const frame = await t.frame({ name: "led", src: t.own("blank") });
  const form = put("form", { action: t.own("landed"), method: "post", target });
  return heard(async () => {
    form.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    form.dispatchEvent(new SubmitEvent("submit", { bubbles: true, cancelable: true }));
    await tick(100);
    return [frame.contentDocument.title, form.getAttribute("action"), form.getAttribute("target"), form.outerHTML];
  });
});
add("a form with fields that are called as its own properties", async (t) => {
  const frame = await t.frame({ name: "clobbered" });
  const form = put("form", { action: t.own("landed"), method: "post", target: "clobbered" });
  for (const name of ["method", "target", "action", "submit", "elements"]) form.append(make("input", { name }));
  await t.loads(frame, () => HTMLFormElement.prototype.submit.call(form));
  return [t.landed(frame).method, t.landed(frame).body, form.getAttribute("action")];
});
add("a button's own way, of a form", async (t) => {
  const frame = await t.frame({ name: "led" });
  const form = put("form", { action: t.own("text"), target: "nobody" });
  const button = form.appendChild(make("button", { name: "b", value: "v" }));
  button.setAttribute("formmethod", "POST");
  button.setAttribute("formaction", t.own("landed"));
  button.setAttribute("formtarget", "led");
  await t.loads(frame, () => button.click());
  return [t.landed(frame).method, t.landed(frame).body, button.outerHTML.replace(/case=[^"]*/g, "")];
});
add("open with a name that is null", async (t) => {
  const frame = await t.frame({ name: "null" });
  return [open("about:blank#x", null) === frame.contentWindow, frames.null === frame.contentWindow];
});

// Pages that have put something of their own in the place of natives, as old libraries do.
const REPLACED = {
  "Array.from, which takes one argument": (w) => (w.Array.from = (given) => [].slice.call(given)),
  "what arrays are in JSON": (w) => (w.Array.prototype.toJSON = () => "an array"),
  "what texts are in JSON": (w) => (w.String.prototype.toJSON = () => "a text"),
  "a member `get` of all objects": (w) => (w.Object.prototype.get = () => "got"),
  "a member `value` of all objects": (w) => (w.Object.prototype.value = "valued"),
  "a member `toJSON` of all objects": (w) => (w.Object.prototype.toJSON = () => "none"),
  "a member of all arrays that is listed": (w) => (w.Array.prototype.extra = () => "extra"),
  "XMLHttpRequest, by what does nothing": (w) => (w.XMLHttpRequest = class { open() {} send() {} setRequestHeader() {} addEventListener() {} }),
  "fetch, by one that fails": (w) => ((w.kept = w.fetch.bind(w)), (w.fetch = () => w.Promise.reject(new Error("replaced")))),
  "Promise, by one of its own": (w) => (w.Promise = class extends w.Promise {}),
  "Symbol.iterator of arrays": (w) => (w.Array.prototype[Symbol.iterator] = function* () { for (let at = 0; at < this.length; at++) yield this[at]; }),
  "Node.appendChild, by a wrapper": (w) => ((native) => (w.Node.prototype.appendChild = function (...given) { return native.apply(this, given); }))(w.Node.prototype.appendChild),
  "Element.remove, by what does nothing": (w) => (w.Element.prototype.remove = () => {}),
  "Function.call and apply, by wrappers": (w) => ((call) => ((w.Function.prototype.call = function (self, ...given) { return Reflect.apply(this, self, given); }), call))(w.Function.prototype.call),
  "setTimeout, by one that never comes": (w) => (w.setTimeout = () => 0),
  "document.createElement, by a wrapper": (w) => ((native) => (w.Document.prototype.createElement = function (name) { return native.call(this, name); }))(w.Document.prototype.createElement),
  "JSON.stringify, by what says nothing": (w) => (w.JSON.stringify = () => undefined),
};
each(REPLACED, "where a page has replaced", async (t, replace) => {
  const { contentWindow: w, contentDocument: inner } = await t.frame({ src: t.own("blank") });
  const kept = w.fetch.bind(w);
  replace(w);
  const found = {};
  const tell = async (name, run) => {
    try {
      found[name] = await run();
    } catch (error) {
      found[name] = error?.name;
    }
  };
  await tell("link", () => {
    const link = inner.createElement("a");
    link.href = `${B}/x`;
    return [link.href, link.getAttribute("href"), link.host];
  });
  await tell("markup", () => {
    inner.body.innerHTML = `<a href="${B}/y">y</a>`;
    return inner.body.innerHTML;
  });
  await tell("rule", () => {
    const sheet = new w.CSSStyleSheet();
    sheet.replaceSync(`p { background: url("${B}/z") }`);
    return sheet.cssRules[0].cssText;
  });
  await tell("request", () => kept(t.to("echo")).then((answer) => answer.status));
  await tell("write of a cookie", () => {
    inner.cookie = "replaced=1; path=/";
    const seen = inner.cookie.includes("replaced=1");
    inner.cookie = "replaced=; path=/; max-age=0";
    return [seen, inner.cookie.includes("replaced=1")];
  });
  await tell("image", async () => {
    const image = new w.Image();
    image.src = t.to("pixel.png");
    await once(image, "load", "error");
    return image.naturalWidth;
  });
  return found;
});
