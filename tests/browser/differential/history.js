// Histories of frames; those of whole tabs are led from outside (history.py).
const place = () => framed(AGENT);
const left = (w, run) => new Promise((done) => {
  w.frameElement.addEventListener("load", () => done(path(w.location.href)), { once: true });
  run();
});
const popped = (w, run) => new Promise((done) => {
  w.addEventListener("popstate", ({ state }) => done([state, path(w.location.href)]), { once: true });
  run();
});
add("pushState and replaceState", async () => {
  const { contentWindow: w } = await place();
  const before = w.history.length;
  w.history.pushState({ at: 1 }, "", "/pushed?x#y");
  const seen = [path(w.location.href), w.history.state, w.history.length - before];
  w.history.replaceState({ at: 2 }, "", "replaced");
  return [...seen, path(w.location.href), w.history.state, w.history.length - before, path(w.document.URL), path(w.document.baseURI)];
});
add("pushState without an address", async () => {
  const { contentWindow: w } = await place();
  w.history.pushState({ a: [1, new w.Date(5)] }, "");
  return [path(w.location.href), w.history.state.a[1] instanceof w.Date];
});
for (const [name, to] of Object.entries({ "by its whole address": `${A}/pushed`, "by the scheme's own": "//a.test/pushed", "another host": `${B}/x`, "another port": "https://a.test:8443/x", "another scheme": "http://a.test/x", "no address": "https://[", "a hash": "#only", "a query": "?only", "an empty text": "", "data": "data:text/html,x", "javascript": "javascript:1" })) {
  add(`pushState of ${name}`, async () => {
    const { contentWindow: w } = await place();
    return [await failing(() => w.history.pushState(1, "", to) ?? "pushed"), path(w.location.href)];
  });
}
add("back and forward over states", async () => {
  const { contentWindow: w } = await place();
  w.history.replaceState("zero", "");
  w.history.pushState("one", "", "#one");
  w.history.pushState("two", "", "/two");
  const seen = [await popped(w, () => w.history.back()), await popped(w, () => w.history.back()), await popped(w, () => w.history.go(2))];
  return [...seen, w.history.state];
});
add("hashes and their events", async () => {
  const { contentWindow: w } = await place();
  const heard = () => new Promise((done) => w.addEventListener("hashchange", ({ oldURL, newURL }) => done([path(oldURL), path(newURL)]), { once: true }));
  let next = heard();
  w.location.hash = "one";
  const seen = [await next];
  next = heard();
  w.location.replace(`${w.location.pathname}#two ä`);
  seen.push(await next);
  return [...seen, w.location.hash];
});
add("a hash that is the same", async () => {
  const { contentWindow: w } = await place();
  w.location.hash = "x";
  const before = w.history.length;
  w.location.hash = "#x";
  return [w.history.length - before, w.location.hash];
});
for (const [name, run] of Object.entries({
  "location.search": (w) => (w.location.search = "?searched"), "location.pathname": (w) => (w.location.pathname = "/agents/inline"), "location.assign": (w) => w.location.assign("/agents/inline?assigned"), "location.replace": (w) => w.location.replace("/agents/inline?replaced"),
  "location.href": (w) => (w.location.href = "/agents/inline?href"), "location": (w) => (w.location = "/agents/inline?location"), "document.location": (w) => (w.document.location = "/agents/inline?document"), "reload": (w) => w.location.reload(),
  "open with its own name": (w) => w.open("/agents/inline?self", "_self"), "a link": (w) => Object.assign(w.document.body.appendChild(w.document.createElement("a")), { href: "/agents/inline?link" }).click(),
  "a form": (w) => { const form = w.document.body.appendChild(w.document.createElement("form")); form.action = "/agents/inline"; form.innerHTML = "<input name=q value='ä b'>"; form.submit(); },
  "a refresh": (w) => { const one = w.document.createElement("meta"); one.httpEquiv = "refresh"; one.content = "0;url=/agents/inline?refreshed"; w.document.head.append(one); },
  "javascript:": (w) => (w.location = "javascript:location='/agents/inline?script'"), "the whole own address": (w) => (w.location = `${A}/agents/inline?whole`), "navigation.navigate": (w) => void w.navigation.navigate("/agents/inline?navigated"),
  "the frame's src": (w) => (w.frameElement.src = "/agents/inline?src"), "a base": (w) => { w.document.head.innerHTML = "<base href=/agents/deep/>"; w.location = "../inline?based"; },
})) {
  add(`leaving by ${name}`, async () => {
    const { contentWindow: w } = await place();
    const before = w.history.length;
    const seen = await left(w, () => run(w));
    return [seen, w.document.title, path(w.document.referrer), w.history.length - before];
  });
}
add("leaving for another host", async () => {
  const frame = await place();
  const loaded = once(frame, "load");
  frame.contentWindow.location = B + AGENT;
  await loaded;
  return [await ask(frame.contentWindow, "return [location.href, document.referrer, history.length >= 1]"), await failing(() => frame.contentWindow.location.href)];
});
add("what unload is told", async () => {
  const { contentWindow: w } = await place();
  const seen = [];
  for (const type of ["beforeunload", "pagehide", "visibilitychange", "unload", "pageshow", "freeze"]) w.addEventListener(type, (event) => seen.push([type, event.persisted ?? null, event.cancelable]));
  await left(w, () => (w.location = AGENT + "?gone"));
  return seen;
});
add("a beacon while a page goes", async (t) => {
  const { contentWindow: w } = await place();
  w.addEventListener("pagehide", () => w.navigator.sendBeacon(t.to("text"), "bye"));
  await left(w, () => (w.location = AGENT + "?gone"));
  await tick(150);
});
add("the Navigation API's entries", async () => {
  const { contentWindow: w } = await place();
  w.history.pushState(1, "", "#one");
  w.navigation.updateCurrentEntry({ state: { own: 1 } });
  const { entries, currentEntry } = { entries: w.navigation.entries(), currentEntry: w.navigation.currentEntry };
  return [entries.length, path(currentEntry.url), currentEntry.index, currentEntry.sameDocument, currentEntry.getState(), w.navigation.canGoBack, w.navigation.canGoForward, typeof currentEntry.key];
});
add("navigations that are intercepted", async () => {
  const { contentWindow: w } = await place();
  const seen = [];
  w.navigation.addEventListener("navigate", (event) => {
    seen.push([event.navigationType, path(event.destination.url), event.canIntercept, event.hashChange, event.userInitiated, event.formData?.get("q") ?? null, event.downloadRequest, event.info ?? null]);
    if (event.canIntercept) event.intercept({ handler: async () => seen.push("handled") });
  });
  await w.navigation.navigate("/intercepted", { state: 1, info: "why" }).finished;
  Object.assign(w.document.body.appendChild(w.document.createElement("a")), { href: "/by-link" }).click();
  await tick(30);
  w.location.href = "/by-location";
  await tick(30);
  w.history.pushState(0, "", "/by-state");
  return [seen, path(w.location.href), path(w.document.URL)];
});
add("navigations that are refused", async () => {
  const { contentWindow: w } = await place();
  w.navigation.addEventListener("navigate", (event) => event.preventDefault());
  const found = w.navigation.navigate("/refused");
  return [await failing(() => found.committed), await failing(() => found.finished), path(w.location.href)];
});
add("navigations to another host as they are told", async () => {
  const { contentWindow: w } = await place();
  const seen = [];
  w.navigation.addEventListener("navigate", (event) => {
    seen.push([event.navigationType, event.destination.url, event.canIntercept, event.cancelable, event.destination.sameDocument]);
    event.preventDefault();
  });
  w.location.href = `${B}/told`;
  await tick(50);
  return [seen, path(w.location.href)];
});
add("going back by the Navigation API", async () => {
  const { contentWindow: w } = await place();
  const { key } = w.navigation.currentEntry;
  w.history.pushState(1, "", "#one");
  w.history.pushState(2, "", "#two");
  await w.navigation.traverseTo(key).finished;
  return [path(w.location.href), w.navigation.currentEntry.index - w.navigation.entries()[0].index, w.navigation.entries().length - 2 > 0];
});
add("where a page is scrolled to", async () => {
  const { contentWindow: w } = await framed("/history/long");
  await until(() => w.document.documentElement.ariaDisabled === null, 500);
  w.history.scrollRestoration = "manual";
  const seen = [w.history.scrollRestoration];
  w.history.scrollRestoration = "auto";
  w.location.hash = "end";
  await tick(60);
  return [...seen, w.scrollY > 1000, w.document.querySelector(":target")?.id ?? null];
});
add("a target and a text fragment", async () => {
  const { contentWindow: w } = await framed("/history/long#end");
  return [w.document.querySelector(":target")?.id, w.location.hash, w.document.fragmentDirective !== undefined];
});
add("location's own parts", () => {
  const { protocol, pathname, search, hash } = location;
  const names = Reflect.ownKeys(location).map(String).sort();
  return [protocol, pathname, search, hash, location.toString() === location.href, `${location}` === location.href, names, Object.getOwnPropertyDescriptor(location, "href").configurable, location.valueOf() === location, location.constructor.name];
});
add("location that cannot be replaced", () => [failing(() => Object.defineProperty(window, "location", { value: 1 })), Object.getOwnPropertyDescriptor(window, "location").configurable, location.ancestorOrigins instanceof DOMStringList].slice(1));
add("addresses that are made", () => [path(new URL("x?y#z", location).href), new URL("//b.test/x", location).href, path(new URL("", document.baseURI).href), URL.canParse("/x", location.href), new URLSearchParams("a=1&b=ä").toString(), new URL(`${B}:443/x`).origin]);
add("history's class", async () => [history.constructor.name, Object.getOwnPropertyNames(History.prototype).sort(), history.pushState.length, `${history.pushState}`.includes("native"), await failing(() => history.pushState(() => 1, ""))]);
