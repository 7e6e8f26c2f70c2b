// Each registration has a scope of its own; what it serves are frames and their fetches.
const register = async (scope, more = {}, script = "/service/served.js") => {
  const registration = await navigator.serviceWorker.register(script, { scope, ...more });
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  while (!["activated", "redundant"].includes(worker.state)) await once(worker, "statechange");
  return registration;
};
const inScope = async (scope, address = `${scope}page`) => {
  const registration = await register(scope);
  return [await framed(address), registration];
};
const w = (frame, code) => ask(frame.contentWindow, code);
const text = "const text = async (...args) => (await fetch(...args)).text();";
add("a registration", async () => {
  const one = await register("/service/one/");
  return [path(one.scope), one.active.state, path(one.active.scriptURL), one.installing, one.waiting, one.updateViaCache, (await navigator.serviceWorker.getRegistration("/service/one/x")) === one, await navigator.serviceWorker.getRegistration("/elsewhere") ?? "none", await one.unregister(), await one.unregister()];
});
add("the scope by default", async () => {
  const one = await navigator.serviceWorker.register("/service/default/served.js");
  return [path(one.scope), await one.unregister()];
});
add("a scope that is too wide", async () => failing(() => navigator.serviceWorker.register("/service/deep/served.js", { scope: "/service/" })));
add("a scope that the answer widens", async () => {
  const one = await navigator.serviceWorker.register("/service/deep/served.js?allowed=/service/wide/", { scope: "/service/wide/" });
  return [path(one.scope), await one.unregister()];
});
add("a scope that the answer widens by a whole address", async () => {
  const one = await navigator.serviceWorker.register("/service/deep/served.js?allowed=https://a.test/service/whole/", { scope: "/service/whole/" });
  return [path(one.scope), await one.unregister()];
});
for (const [name, address] of Object.entries({
  "that is missing": "/agents/none.js", "that is no script": "/agents/page", "that does not parse": "/agents/broken.js", "that throws": "/agents/throwing.js", "of another host": `${B}/service/served.js`, "behind a redirect": "/redirect?to=/service/served.js",
  "in a blob": URL.createObjectURL(new Blob(["1"], { type: "text/javascript" })), "in a data: address": "data:text/javascript,1",
})) add(`a script ${name}`, () => failing(async () => path((await navigator.serviceWorker.register(address, { scope: "/service/failing/" })).scope)));
add("a scope with an encoded slash", () => failing(() => navigator.serviceWorker.register("/service/served.js", { scope: "/service%2fx/" })));
add("how its script is asked for", async (t) => {
  const one = await navigator.serviceWorker.register(`/service/served.js?case=${t.slug}`, { scope: "/service/asked/" });
  await once(one.installing ?? one.waiting ?? one.active, "statechange");
  return one.unregister();
});
add("an installation that fails", async () => {
  const one = await navigator.serviceWorker.register("/service/served.js?fails", { scope: "/service/fails/" });
  const worker = one.installing;
  while (worker.state !== "redundant") await once(worker, "statechange");
  return [worker.state, (await navigator.serviceWorker.getRegistration("/service/fails/")) ?? "none"];
});
add("the states that a worker goes through", async () => {
  const one = await navigator.serviceWorker.register("/service/served.js?states", { scope: "/service/states/" });
  const worker = one.installing;
  const seen = [worker.state];
  while (worker.state !== "activated") {
    await once(worker, "statechange");
    seen.push(worker.state);
  }
  return [...seen, one.active === worker];
});
add("what passes through", async () => {
  const [frame] = await inScope("/service/pass/", "/service/pass/agent");
  return w(frame, `${text} return [await text("/text"), navigator.serviceWorker.controller !== null, navigator.serviceWorker.controller.scriptURL, document.title]`);
});
add("a made document", async () => {
  const [frame] = await inScope("/service/made/");
  const { contentDocument: inner } = frame;
  return [inner.title, inner.documentElement.outerHTML, path(inner.URL), inner.characterSet, inner.contentType];
});
add("what a fetch event tells", async () => {
  const [frame] = await inScope("/service/tells/", "/service/tells/agent");
  return w(frame, `const told = await (await fetch("/told?x=1#part", { method: "POST", body: "body", headers: { "X-Own": "y", "Content-Type": "text/x" } })).json(); return told`);
});
add("what a fetch event tells of a navigation", async () => {
  const [frame] = await inScope("/service/navigates/", "/service/navigates/told");
  return JSON.parse(frame.contentDocument.body.textContent.replaceAll(location.origin, "<own>"));
});
for (const [name, code] of Object.entries({
  "an image": "const one = new Image(); one.src = '/told/pixel'; await new Promise((done) => (one.onload = one.onerror = done)); return",
  "a script": "const one = document.createElement('script'); one.src = '/told/script'; document.head.append(one); await new Promise((done) => (one.onload = one.onerror = done)); return",
  "a style": "const one = document.createElement('link'); one.rel = 'stylesheet'; one.href = '/told/style'; document.head.append(one); await new Promise((done) => (one.onload = one.onerror = done)); return",
  "a frame": "const one = document.createElement('iframe'); one.src = 'told/frame'; document.body.append(one); await new Promise((done) => (one.onload = done)); return",
  "an XMLHttpRequest": "const one = new XMLHttpRequest(); one.open('PUT', '/told/xhr'); one.setRequestHeader('X-Own', '1'); one.send('x'); await new Promise((done) => (one.onloadend = done)); return",
  "a module": "await import('/told/module').catch(() => 0); return",
  "an event source": "const one = new EventSource('/told/events'); await new Promise((done) => (one.onerror = one.onopen = done)); one.close(); return",
  "a worker": "const one = new Worker('/told/worker'); await new Promise((done) => (one.onmessage = one.onerror = done)); return",
  "another host's image": "const one = new Image(); one.src = 'https://b.test/told/foreign'; await new Promise((done) => (one.onload = one.onerror = done)); return",
  "another host's fetch": "await fetch('https://b.test/told/cross', { headers: { 'X-Own': '1' }, credentials: 'include' }).catch(() => 0); return",
  "a beacon": "navigator.sendBeacon('/told/beacon', 'x'); await new Promise((done) => setTimeout(done, 100)); return",
})) {
  add(`a fetch event of ${name}`, async () => {
    const scope = `/service/of/${name.replaceAll(" ", "-").replaceAll("'", "")}/`;
    const [frame] = await inScope(scope, `${scope}agent`);
    return w(frame, `await (async () => { ${code} })(); return (await (await fetch("/heard")).json()).filter(({ url }) => url.includes("told"))`);
  });
}
add("answers of every kind", async () => {
  const [frame] = await inScope("/service/answers/", "/service/answers/agent");
  return w(frame, `const seen = [];
    for (const kind of ["status", "headers", "stream", "json", "empty", "redirect", "error", "nothing", "throws", "rejects", "late", "clone", "cached"]) {
      try {
        const answer = await fetch("/made/" + kind);
        seen.push([kind, answer.status, kind === "status" && answer.statusText, answer.type, answer.redirected, answer.url, answer.headers.get("x-made"), (await answer.text()).slice(0, 30)]);
      } catch (error) { seen.push([kind, error.name]) }
    }
    return seen`);
});
add("a redirect to an own address", async () => {
  const [frame] = await inScope("/service/redirects/", "/service/redirects/away");
  return [path(frame.contentWindow.location.href), frame.contentDocument.title];
});
add("a body that is read and sent on", async () => {
  const [frame] = await inScope("/service/bodies/", "/service/bodies/agent");
  return w(frame, "const { body, method, ...rest } = await (await fetch('/onward', { method: 'POST', body: 'ä body', headers: { 'X-Own': '2' } })).json(); return [body, method, rest['X-Own'], rest['Content-Type']]");
});
add("another host's answers through it", async (t) => {
  const [frame] = await inScope("/service/foreign/", "/service/foreign/agent");
  return w(frame, `const answer = await fetch(${JSON.stringify(t.to("echo"))}); const { Host, Origin } = await answer.json();
    const opaque = await fetch(${JSON.stringify(t.to("pixel.png"))}, { mode: "no-cors" }); return [Host, Origin, answer.url, answer.type, opaque.type, opaque.status]`);
});
add("what the worker itself asks of another host", async (t) => {
  const [frame] = await inScope("/service/asks/", "/service/asks/agent");
  return w(frame, `const { Host, Origin, ...rest } = await (await fetch("/ask?of=" + encodeURIComponent(${JSON.stringify(t.to("echo"))}))).json(); return [Host, Origin, rest["Sec-Fetch-Site"], rest["Sec-Fetch-Mode"], rest["Sec-Fetch-Dest"]]`);
});
add("messages to and from it", async () => {
  const [frame] = await inScope("/service/messages/", "/service/messages/agent");
  return w(frame, `const { serviceWorker } = navigator;
    const heard = new Promise((done) => (serviceWorker.onmessage = ({ data, origin, source }) => done([data, origin, source === serviceWorker.controller])));
    serviceWorker.controller.postMessage("who");
    const { port1, port2 } = new MessageChannel();
    serviceWorker.controller.postMessage("port", [port2]);
    return [await heard, await new Promise((done) => (port1.onmessage = ({ data }) => done(data)))]`);
});
add("its clients", async () => {
  const [frame] = await inScope("/service/clients/", "/service/clients/agent");
  return w(frame, "const { serviceWorker } = navigator; const heard = new Promise((done) => (serviceWorker.onmessage = ({ data }) => done(data))); serviceWorker.controller.postMessage('clients'); return heard");
});
add("its own place", async () => {
  const [frame] = await inScope("/service/place/", "/service/place/agent");
  return w(frame, "const { serviceWorker } = navigator; const heard = new Promise((done) => (serviceWorker.onmessage = ({ data }) => done(data))); serviceWorker.controller.postMessage('place'); return heard");
});
add("a page that is taken over", async () => {
  const frame = await framed("/service/claim/agent");
  const changed = w(frame, "return new Promise((done) => (navigator.serviceWorker.oncontrollerchange = () => done(navigator.serviceWorker.controller.state)))");
  await register("/service/claim/", {}, "/service/served.js?claims");
  return [["activating", "activated"].includes(await changed)];
});
add("ready", async () => {
  await register("/service/ready/");
  return there("/service/ready/agent", "const one = await navigator.serviceWorker.ready; return [one.scope, one.active.state]");
});
add("an update", async () => {
  const one = await register("/service/updates/", {}, "/service/changing.js");
  const found = once(one, "updatefound");
  await one.update();
  await found;
  const next = one.installing ?? one.waiting ?? one.active;
  while (next.state !== "activated") await once(next, "statechange");
  const { data } = await new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    one.active.postMessage("version", [port2]);
  });
  return [data > 1, one.waiting];
});
add("an update that changes nothing", async () => {
  const one = await register("/service/same/");
  let found = 0;
  one.onupdatefound = () => found++;
  const again = await one.update();
  await tick(100);
  return [found, again === one];
});
add("an update of a script that is gone", async () => {
  const one = await register("/service/gone/", {}, "/service/once.js?of=gone");
  return [await failing(() => one.update()), one.active?.state];
});
add("what waits, and what goes on", async () => {
  const one = await register("/service/waits/", {}, "/service/changing.js?waits");
  const frame = await framed("/service/waits/agent");
  await one.update();
  while (!one.waiting) await tick(20);
  const seen = [one.waiting.state, one.active !== one.waiting];
  const changed = w(frame, "return new Promise((done) => (navigator.serviceWorker.oncontrollerchange = () => done('changed')))");
  one.waiting.postMessage("skip");
  return [...seen, await changed];
});
add("importScripts in it", async () => {
  const one = await register("/service/imports/", {}, "/service/served.js?imports");
  const { data } = await new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    one.active.postMessage("imported", [port2]);
  });
  return data;
});
add("a module as its script", async () => {
  const one = await register("/service/module/", { type: "module" }, "/service/served-module.js");
  const { data } = await new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    one.active.postMessage("imported", [port2]);
  });
  return data;
});
add("navigation preload", async () => {
  const one = await register("/service/preload/", {}, "/service/served.js?preloads");
  await one.navigationPreload.enable();
  await one.navigationPreload.setHeaderValue("own");
  const state = await one.navigationPreload.getState();
  const frame = await framed("/service/preload/preloaded");
  return [state, frame.contentDocument.body.textContent];
});
add("offline from its cache", async () => {
  await register("/service/offline/", {}, "/service/served.js?offline");
  const first = await framed("/service/offline/kept?n=1");
  await fetch("/service/switch?off");
  try {
    const again = await framed("/service/offline/kept?n=1");
    const plain = await w(again, `return fetch("/service/offline/kept?n=1").then((one) => one.text()).then((one) => one.length > 0)`);
    return [first.contentDocument.title, again.contentDocument.title, plain];
  } finally {
    await fetch("/service/switch?on");
  }
});
add("caches of its own", async () => {
  const [frame] = await inScope("/service/caches/", "/service/caches/agent");
  return w(frame, "const { serviceWorker } = navigator; const heard = new Promise((done) => (serviceWorker.onmessage = ({ data }) => done(data))); serviceWorker.controller.postMessage('cache'); return heard");
});
add("routes that need no worker", async () => {
  await register("/service/routes/", {}, "/service/served.js?routes");
  const frame = await framed("/service/routes/agent");
  return w(frame, `${text} return [await text("/told/network").then((one) => one.slice(0, 20)), (await (await fetch("/heard")).json()).filter(({ url }) => url.includes("told/network")).length]`);
});
add("a frame that is gone is no client", async () => {
  const [frame, registration] = await inScope("/service/leaves/", "/service/leaves/agent");
  frame.remove();
  await tick(50);
  const { data } = await new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    registration.active.postMessage("count", [port2]);
  });
  return data;
});
add("after it is unregistered", async () => {
  const registration = await register("/service/ends/");
  const before = (await framed("/service/ends/page")).contentDocument.title;
  await registration.unregister();
  document.querySelectorAll("iframe").forEach((one) => one.remove());
  await tick(50);
  return [before, (await framed("/service/ends/agent")).contentDocument.title, (await framed("/service/ends/page")).contentDocument.title];
});
add("registrations of this origin alone", async () => {
  await there(B + "/agents/page", "await navigator.serviceWorker.register('/service/served.js', { scope: '/service/b/' })");
  await register("/service/listed/");
  const scopes = (await navigator.serviceWorker.getRegistrations()).map((one) => path(one.scope));
  return [scopes.includes("/service/listed/"), scopes.includes("/service/b/")];
});
add("without a service worker for a foreign address", async () => failing(() => navigator.serviceWorker.getRegistration(`${B}/x`)));
add("the container's class", () => [navigator.serviceWorker instanceof ServiceWorkerContainer, Object.getOwnPropertyNames(ServiceWorkerContainer.prototype).sort(), navigator.serviceWorker.controller]);
add("offline, what is not kept", async () => {
  await register("/service/offline/", {}, "/service/served.js?offline");
  const frame = await framed("/service/offline/kept?n=1");
  await fetch("/service/switch?off");
  try {
    return await w(frame, `return fetch("/service/offline/unknown").then((one) => one.status, (error) => error.name)`);
  } finally {
    await fetch("/service/switch?on");
  }
});
