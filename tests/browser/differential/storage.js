for (const kind of ["localStorage", "sessionStorage"]) {
  add(`${kind}: its methods`, () => {
    const store = window[kind];
    store.clear();
    store.setItem("one", 1);
    store.two = "zwei ä";
    store["three"] = { toString: () => "drei" };
    const seen = [store.length, store.getItem("one"), store.getItem("none"), store.two, [...Array(3).keys()].map((at) => store.key(at)).sort(), store.key(9), Object.keys(store).sort(), "two" in store, JSON.stringify(store).length];
    store.removeItem("one");
    delete store.two;
    return [...seen, store.length, store.undefined ?? "none", Object.entries(store)];
  });
  add(`${kind}: its class`, () => {
    const store = window[kind];
    return [store instanceof Storage, `${store}`, Object.getOwnPropertyNames(Storage.prototype).sort(), store === window[kind], Object.getPrototypeOf(store) === Storage.prototype];
  });
  add(`${kind}: more than it holds`, async () => {
    const store = window[kind];
    store.clear();
    const seen = [await failing(() => store.setItem("big", "x".repeat(6_000_000))), store.length];
    store.setItem("fits", "x".repeat(5_000_000));
    seen.push(store.fits.length);
    store.clear();
    return seen;
  });
  add(`${kind}: odd names`, () => {
    const store = window[kind];
    store.clear();
    for (const name of ["", "length", "getItem", "__proto__", "\0", "ä 😀", "__gw", "gw", "0"]) store.setItem(name, `of ${name}`);
    const seen = [store.length, store.getItem("length"), store.getItem("__proto__"), store.getItem(""), store.getItem("__gw"), store[0], typeof store.getItem];
    store.clear();
    return seen;
  });
  add(`${kind}: in a blank frame and in an own one`, async () => {
    window[kind].setItem("shared", "yes");
    const frame = await framed(AGENT);
    return [put("iframe").contentWindow[kind].shared, frame.contentWindow[kind].shared];
  });
}
add("storage events in another frame", async () => {
  localStorage.clear();
  const { contentWindow: w } = await framed(AGENT);
  const seen = [];
  const all = new Promise((done) => {
    w.addEventListener("storage", (event) => {
      seen.push([event.key, event.oldValue, event.newValue, path(event.url), event.storageArea === w.localStorage]);
      if (seen.length === 4) done();
    });
  });
  localStorage.a = "1";
  localStorage.a = "2";
  localStorage.a = "2";
  localStorage.removeItem("a");
  localStorage.b = "3";
  localStorage.clear();
  await all;
  return seen;
});
add("storage events of sessionStorage", async () => {
  sessionStorage.clear();
  const { contentWindow: w } = await framed(AGENT);
  const heard = once(w, "storage");
  sessionStorage.s = "1";
  const event = await heard;
  return [event.key, event.newValue, event.storageArea === w.sessionStorage];
});
add("no storage event where it was written", async () => {
  let heard = 0;
  const listener = () => heard++;
  addEventListener("storage", listener);
  localStorage.own = "x";
  await tick(80);
  removeEventListener("storage", listener);
  return heard;
});
add("storage of a foreign frame is its own", async () => {
  localStorage.place = "a";
  const { contentWindow: w } = await framed(B + AGENT);
  return [await ask(w, "const before = localStorage.place ?? null; localStorage.place = 'b'; return before"), localStorage.place, await ask(w, "return localStorage.place")];
});
add("storage of another port is its own", async () => {
  localStorage.place = "a";
  return there("https://a.test:8443" + AGENT, "return localStorage.place ?? null");
});
add("the names that a foreign frame's store has", async () => there(B + AGENT, "localStorage.clear(); sessionStorage.clear(); localStorage.x = 1; return [Object.keys(localStorage), Object.keys(sessionStorage)]"));
add("a page's stores hold nothing of others", () => {
  localStorage.clear();
  sessionStorage.clear();
  return [Object.keys(localStorage), Object.keys(sessionStorage)];
});
const db = (name, version, upgrade = () => 0) => new Promise((done, fail) => {
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = (event) => upgrade(request.result, event);
  request.onsuccess = () => done(request.result);
  request.onerror = () => fail(request.error);
});
const result = (request) => new Promise((done, fail) => {
  request.onsuccess = () => done(request.result);
  request.onerror = () => fail(request.error);
});
add("IndexedDB: stores, keys and indexes", async () => {
  const base = await db("plain", 2, (base, { oldVersion, newVersion }) => {
    base.versions = [oldVersion, newVersion];
    base.createObjectStore("things", { keyPath: "id", autoIncrement: true }).createIndex("name", "name", { unique: true });
  });
  const store = base.transaction("things", "readwrite").objectStore("things");
  const keys = [await result(store.add({ name: "one" })), await result(store.put({ name: "two", id: 9 })), await result(store.add({ name: "three" }))];
  const found = await result(store.index("name").get("two"));
  const many = await result(store.getAll(IDBKeyRange.lowerBound(2)));
  const twice = await failing(() => result(base.transaction("things", "readwrite").objectStore("things").add({ name: "one" })));
  base.close();
  return [base.versions, keys, found, many, twice, base.version, [...base.objectStoreNames]];
});
add("IndexedDB: cursors", async () => {
  const base = await db("cursors", 1, (base) => base.createObjectStore("s"));
  const store = base.transaction("s", "readwrite").objectStore("s");
  for (let at = 0; at < 5; at++) store.put(`v${at}`, at);
  const seen = [];
  const request = store.openCursor(null, "prev");
  await new Promise((done) => (request.onsuccess = () => {
    const cursor = request.result;
    if (!cursor) return done();
    seen.push([cursor.key, cursor.value]);
    cursor.key === 4 ? cursor.advance(2) : cursor.continue();
  }));
  base.close();
  return seen;
});
add("IndexedDB: values that are cloned", async () => {
  const base = await db("clones", 1, (base) => base.createObjectStore("s"));
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, false, ["encrypt"]);
  const store = () => base.transaction("s", "readwrite").objectStore("s");
  await result(store().put({ blob: new Blob(["text"], { type: "text/x" }), map: new Map([[1, 2]]), key, file: new File(["f"], "n.txt"), buffer: new Uint8Array([1, 2]) }, "k"));
  const found = await result(store().get("k"));
  base.close();
  return [await found.blob.text(), found.blob.type, [...found.map], found.key.type, found.key.extractable, found.file.name, [...found.buffer]];
});
add("IndexedDB: an aborted transaction", async () => {
  const base = await db("aborts", 1, (base) => base.createObjectStore("s"));
  const transaction = base.transaction("s", "readwrite");
  transaction.objectStore("s").put(1, "k");
  transaction.abort();
  await once(transaction, "abort");
  const found = await result(base.transaction("s").objectStore("s").get("k"));
  base.close();
  return [found ?? "nothing", transaction.error];
});
add("IndexedDB: a newer version in another frame", async () => {
  const base = await db("versions", 1);
  const heard = once(base, "versionchange");
  const { contentWindow: w } = await framed(AGENT);
  const opened = ask(w, "return new Promise((done) => { const request = indexedDB.open('versions', 3); request.onsuccess = () => { const { version } = request.result; request.result.close(); done(version) } })");
  const { oldVersion, newVersion } = await heard;
  base.close();
  return [oldVersion, newVersion, await opened, await failing(() => db("versions", 2))];
});
add("IndexedDB: what there is, and what is deleted", async () => {
  for (const { name } of await indexedDB.databases()) await result(indexedDB.deleteDatabase(name));
  (await db("listed", 4)).close();
  const seen = await indexedDB.databases();
  await result(indexedDB.deleteDatabase("listed"));
  return [seen, await indexedDB.databases()];
});
add("IndexedDB: a foreign frame has its own", async () => {
  (await db("mine", 1)).close();
  return there(B + AGENT, "return (await indexedDB.databases()).map(({ name }) => name).includes('mine')");
});
add("a cache of own answers", async () => {
  await caches.delete("own");
  const cache = await caches.open("own");
  await cache.add("/text");
  await cache.put("/made", new Response("made", { headers: { "X-Made": "yes" }, status: 201 }));
  await cache.put(`${location.origin}/whole`, new Response("whole"));
  const found = await cache.match("/text");
  const made = await cache.match("/made");
  return [
    [found.status, await found.text(), path(found.url), found.type, found.headers.get("content-type")],
    [made.status, made.headers.get("x-made"), made.url],
    (await cache.keys()).map((one) => path(one.url)), await caches.has("own"), (await caches.keys()).includes("own"),
  ];
});
add("a cache: how it matches", async () => {
  const cache = await caches.open("matching");
  await cache.put("/x?a=1", new Response("1", { headers: { Vary: "X-Own" } }));
  const text = async (...args) => (await cache.match(...args))?.text() ?? null;
  const with_ = new Request("/x?a=1", { headers: { "X-Own": "y" } });
  return [await text("/x?a=1"), await text("/x"), await text("/x", { ignoreSearch: true }), await text(with_), await text(with_, { ignoreVary: true }), await text(new Request("/x?a=1", { method: "HEAD" })), (await cache.matchAll()).length, await cache.delete("/x"), await cache.delete("/x", { ignoreSearch: true })];
});
add("a cache: what it refuses", async () => {
  const cache = await caches.open("refusing");
  return [
    await failing(() => cache.put(new Request("/x", { method: "POST" }), new Response("x"))), await failing(() => cache.add("/agents/status?code=404")), await failing(() => cache.put("/x", new Response("x", { headers: { Vary: "*" } }))),
    await failing(() => cache.put("ftp://x.example/", new Response("x"))), await failing(() => cache.addAll(["/text", "/agents/status?code=500"])), (await cache.keys()).length,
  ];
});
add("a cache of foreign answers", async (t) => {
  const cache = await caches.open("foreign");
  await cache.add(t.to("echo"));
  const opaque = await fetch(t.to("pixel.png"), { mode: "no-cors" });
  await cache.put(t.to("pixel.png"), opaque.clone());
  const [found, image] = [await cache.match(t.to("echo")), await cache.match(t.to("pixel.png"))];
  return [found?.url, found?.type, image?.type, image?.status, opaque.type, (await cache.keys()).map((one) => one.url)];
});
add("a cache is the same in a frame and a worker", async () => {
  await (await caches.open("both")).put("/both", new Response("here"));
  const code = "return (await caches.match('/both'))?.text()";
  return [await there(AGENT, code), await ask(new Worker("/agents/agent.js"), code), await there(B + AGENT, "return (await caches.match('/both')) === undefined")];
});
add("the origin's private files", async () => {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle("folder", { create: true });
  const file = await folder.getFileHandle("ä.txt", { create: true });
  const stream = await file.createWritable();
  await stream.write("hello");
  await stream.write({ type: "write", position: 1, data: "E" });
  await stream.close();
  const names = [];
  for await (const [name, handle] of folder) names.push([name, handle.kind]);
  const text = await (await file.getFile()).text();
  await root.removeEntry("folder", { recursive: true });
  return [text, names, root.name, await root.resolve(file), await failing(() => root.getDirectoryHandle("folder")), await failing(() => root.removeEntry("none"))];
});
add("the origin's private files in a worker", async () => ask(new Worker("/agents/agent.js"), `
  const root = await navigator.storage.getDirectory();
  const handle = await (await root.getFileHandle("w", { create: true })).createSyncAccessHandle();
  handle.truncate(0);
  const written = handle.write(new TextEncoder().encode("sync"), { at: 2 });
  const into = new Uint8Array(6);
  handle.read(into, { at: 0 });
  const size = handle.getSize();
  handle.close();
  await root.removeEntry("w");
  return [written, [...into], size]`));
add("how much there is to store", async () => {
  const { quota, usage } = await navigator.storage.estimate();
  return [quota > 1e6, usage >= 0, await navigator.storage.persisted()];
});
add("storage buckets", async () => {
  if (!navigator.storageBuckets) return "none";
  const bucket = await navigator.storageBuckets.open("one", { durability: "relaxed" });
  const seen = [bucket.name, await navigator.storageBuckets.keys(), await bucket.persisted()];
  await navigator.storageBuckets.delete("one");
  return [...seen, await navigator.storageBuckets.keys()];
});
add("document.hasStorageAccess", async () => [await document.hasStorageAccess(), await failing(() => document.requestStorageAccess())]);
const clear = () => document.cookie.split("; ").forEach((one) => {
  const [name] = one.includes("=") ? one.split("=") : [""];
  for (const more of ["", "; domain=a.test"]) for (const path of ["/", "/run"]) document.cookie = `${name}${name && "="}; max-age=0; secure; path=${path}${more}`;
});
const sorted = () => document.cookie.split("; ").sort();
const sent = async () => (await (await fetch("/echo")).json()).Cookie.split("; ").sort().join("; ");
for (const [name, texts] of Object.entries({
  "plain ones": ["a=1", "b=2"],
  "one over another": ["a=1", "a=2"],
  "with a path": ["root=1; path=/", "deep=1; path=/none", "here=1; path=/run"],
  "with a domain": ["whole=1; domain=a.test", "wrong=1; domain=b.test", "above=1; domain=test", "dotted=1; domain=.a.test"],
  "that end": ["gone=1; max-age=0", "past=1; expires=Thu, 01 Jan 1970 00:00:00 GMT", "stays=1; max-age=100", "bad=1; max-age=x"],
  "with prefixes": ["__Secure-a=1; secure", "__Secure-b=1", "__Host-c=1; secure; path=/", "__Host-d=1; secure; path=/x", "__Host-e=1; secure; path=/; domain=a.test"],
  "that script must not see": ["h=1; httponly"],
  "with odd texts": ["sp ace=a b", "=noname", "novalue", "q=\"quoted\"", "uml=ä", "eq=a=b=c", " trimmed = x ", ";empty"],
  "with SameSite": ["strict=1; samesite=strict", "lax=1; samesite=lax", "none=1; samesite=none; secure", "noneinsecure=1; samesite=none"],
  "that are partitioned": ["part=1; partitioned; secure", "bare=1; partitioned"],
})) {
  add(`cookies: ${name}`, async () => {
    clear();
    for (const one of texts) document.cookie = one;
    const read = document.cookie.split("; ").sort().join("; ");
    const seen = [read, await sent()];
    clear();
    return seen;
  });
}
add("cookies: of an answer", async () => {
  clear();
  await fetch("/agents/set?cookie=" + encodeURIComponent("answered=1; path=/"));
  await fetch("/agents/set?cookie=" + encodeURIComponent("secret=1; httponly; path=/"));
  const seen = [document.cookie.split("; ").sort().join("; "), await sent()];
  await fetch("/agents/set?cookie=" + encodeURIComponent("secret=; max-age=0; path=/"));
  await fetch("/agents/set?cookie=" + encodeURIComponent("answered=; max-age=0; path=/"));
  return [...seen, sorted()];
});
add("cookies: in a frame and back", async () => {
  clear();
  const { contentDocument: inner } = await framed(AGENT);
  inner.cookie = "framed=1; path=/";
  await until(() => document.cookie.includes("framed=1"), 1000);
  const seen = [document.cookie.includes("framed=1"), inner.cookie.includes("framed=1")];
  document.cookie = "framed=; max-age=0; path=/";
  await until(() => !inner.cookie.includes("framed=1"), 1000);
  return [...seen, inner.cookie.includes("framed=1")];
});
add("cookies: the property", () => {
  const { get, set, enumerable, configurable } = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  return [typeof get, typeof set, enumerable, configurable, Object.hasOwn(document, "cookie"), navigator.cookieEnabled, `${get}`.includes("native")];
});
add("the cookie store", async () => {
  if (!window.cookieStore) return "none";
  clear();
  await cookieStore.set("cs", "1");
  await cookieStore.set({ name: "other", value: "2", path: "/", sameSite: "lax" });
  const one = await cookieStore.get("cs");
  const seen = [one && of(one, "name value path sameSite secure"), (await cookieStore.getAll()).map(({ name }) => name).sort(), document.cookie.split("; ").sort(), await sent()];
  await cookieStore.delete("cs");
  await cookieStore.delete("other");
  return [...seen, await cookieStore.get("cs"), sorted()];
});
add("changes of the cookie store", async () => {
  if (!window.cookieStore) return "none";
  clear();
  await tick(50);
  const heard = once(cookieStore, "change");
  document.cookie = "changing=1; path=/";
  const { changed, deleted } = await heard;
  const again = once(cookieStore, "change");
  document.cookie = "changing=; max-age=0; path=/";
  const event = await again;
  return [changed.map(({ name, value }) => [name, value]), deleted.length, event.changed.length, event.deleted.map(({ name }) => name)];
});
add("a channel between frames", async () => {
  const channel = new BroadcastChannel("one");
  const { contentWindow: w } = await framed(AGENT);
  await ask(w, "self.channel = new BroadcastChannel('one'); channel.onmessage = ({ data, origin, source }) => channel.postMessage(['heard', data, origin === self.origin, source === null])");
  const heard = once(channel, "message");
  channel.postMessage({ map: "x" });
  const { data, origin } = await heard;
  channel.close();
  return [data, origin === location.origin, channel.name, await failing(() => channel.postMessage(1))];
});
add("a channel does not reach other origins", async () => {
  const channel = new BroadcastChannel("two");
  let heard = 0;
  channel.onmessage = () => heard++;
  await there(B + AGENT, "const channel = new BroadcastChannel('two'); channel.postMessage('x'); await new Promise((done) => setTimeout(done, 60))");
  channel.close();
  return heard;
});
add("a channel to a worker and itself", async () => {
  const [one, two] = [new BroadcastChannel("three"), new BroadcastChannel("three")];
  const heard = Promise.all([once(one, "message"), once(two, "message")]);
  ask(new Worker("/agents/agent.js"), "new BroadcastChannel('three').postMessage('of a worker'); await new Promise((done) => setTimeout(done, 300))");
  const seen = (await heard).map(({ data }) => data);
  one.close();
  two.close();
  return seen;
});
add("locks", async () => {
  const order = [];
  const first = navigator.locks.request("l", async (lock) => {
    order.push([lock.name, lock.mode]);
    await tick(30);
  });
  const second = navigator.locks.request("l", () => order.push("second"));
  const { held, pending } = await navigator.locks.query();
  const now = await navigator.locks.request("l", { ifAvailable: true }, (lock) => lock);
  await Promise.all([first, second]);
  return [order, held.map(({ name, mode }) => [name, mode]), pending.length, now];
});
add("locks over frames", async () => {
  const { contentWindow: w } = await framed(AGENT);
  await ask(w, "navigator.locks.request('held', () => new Promise((done) => (self.free = done))); await new Promise((done) => setTimeout(done, 20))");
  const taken = await navigator.locks.request("held", { ifAvailable: true }, (lock) => lock);
  const waiting = navigator.locks.request("held", (lock) => lock.name);
  await ask(w, "free()");
  return [taken, await waiting, await there(B + AGENT, "return navigator.locks.request('held', { ifAvailable: true }, (lock) => lock && lock.name)")];
});
add("locks: shared, stolen and given up", async () => {
  const both = await navigator.locks.request("s", { mode: "shared" }, () => navigator.locks.request("s", { mode: "shared", ifAvailable: true }, (lock) => lock?.mode));
  const robbed = navigator.locks.request("r", () => tick(2000)).catch((error) => error.name);
  const thief = await navigator.locks.request("r", { steal: true }, (lock) => lock.name);
  const signal = AbortSignal.timeout(20);
  const waiting = navigator.locks.request("w", () => navigator.locks.request("w", { signal }, () => 1).catch((error) => error.name));
  return [both, await robbed, thief, await waiting];
});
add("Clear-Site-Data of storage", async () => {
  localStorage.cleared = "no";
  document.cookie = "kept=1; path=/";
  await fetch("/agents/clear?what=" + encodeURIComponent('"storage"'));
  const seen = [localStorage.cleared ?? "gone", document.cookie.includes("kept=1")];
  await fetch("/agents/clear?what=" + encodeURIComponent('"cookies"'));
  return [...seen, await sent()];
});
