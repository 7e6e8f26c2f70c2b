const working = (code, ...how) => {
  const worker = new Worker("/agents/agent.js", ...how);
  return ask(worker, code).finally(() => worker.terminate());
};
const blob = (text, type = "text/javascript") => URL.createObjectURL(new Blob([text], { type }));
const said_ = async (worker) => {
  const event = await once(worker, "message", "error");
  worker.terminate?.();
  return event.type === "message" ? event.data : ["error", event.message ?? "", event.lineno ?? 0];
};
add("a worker's location", async () => working("const { href, origin, host, hostname, port, protocol, pathname, search, hash } = location; return [href, origin === self.origin, host === new URL(href).host, protocol, pathname, search, hash, `${location}` === href]"));
add("a worker's query and fragment", async () => {
  const worker = new Worker("/agents/agent.js?x=ä&y#part");
  return ask(worker, "return [location.pathname, location.search, location.hash]");
});
add("a worker's global object", async () => working("return [self.constructor.name, name, isSecureContext, crossOriginIsolated, typeof window, typeof document, typeof localStorage, typeof indexedDB, typeof caches, typeof XMLHttpRequest, navigator.onLine, typeof importScripts]", { name: "n" }));
add("a worker's referrers", async () => working("const { Referer, Origin, ...rest } = await (await fetch('/echo')).json(); return [Referer.replace('https://a.test', '<own>'), Origin, rest['Sec-Fetch-Site'], rest['Sec-Fetch-Dest']]"));
add("how a worker's script is asked for", async (t) => {
  const worker = new Worker(`/agents/agent.js?case=${t.slug}`);
  await ask(worker, "1");
  worker.terminate();
});
add("what a worker sends", async () => working("const { method, body, Cookie, ...rest } = await (await fetch('/echo', { method: 'POST', body: 'ä', headers: { 'X-Own': '1' } })).json(); return [method, body, rest['X-Own'], rest['Content-Type']]"));
add("a worker's XMLHttpRequest, at once", async () => working("const request = new XMLHttpRequest(); request.open('GET', '/text', false); request.send(); return [request.responseText, request.responseURL, request.status]"));
add("a worker's XMLHttpRequest of another host", async (t) => working(`const request = new XMLHttpRequest(); request.open('GET', ${JSON.stringify(t.to("echo"))}, false); request.send(); const { Host, Origin } = JSON.parse(request.responseText); return [Host, Origin, request.responseURL]`));
add("importScripts", async () => working("importScripts('/agents/ran.js?1', '../agents/ran.js?2', location.origin + '/agents/ran.js?3'); return self.runs"));
add("importScripts of another host", async (t) => working(`importScripts(${JSON.stringify(t.to("script.js"))}); return self.ran`));
add("importScripts that fails", async () => working("const tried = (address) => { try { importScripts(address); return 'ran' } catch (error) { return error.name } }; return [tried('/agents/none.js'), tried('/text'), tried('/agents/broken.js'), tried('https://'), tried('/agents/throwing.js')]"));
add("importScripts of blob: and data:", async () => working("importScripts(URL.createObjectURL(new Blob(['self.one = 1'])), 'data:text/javascript,self.two=2'); return [one, two]"));
add("importScripts in a module worker", async () => {
  const worker = new Worker(blob("try { importScripts('/agents/ran.js') } catch (error) { postMessage(error.name) }"), { type: "module" });
  return said_(worker);
});
add("import() in a classic worker", async () => working("const found = await import('/agents/values.js'); return [found.default, found.named, found.address]"));
add("a module worker's imports", async () => {
  const worker = new Worker("/agents/module-agent.js", { type: "module" });
  return ask(worker, "return [self.early, await import('./values.js').then(({ default: found }) => found), self.meta]");
});
add("a module worker with credentials", async (t) => {
  const worker = new Worker(`/agents/module-agent.js?case=${t.slug}`, { type: "module", credentials: "include" });
  return ask(worker, "return self.early");
});
add("a worker whose script is missing", async () => said_(new Worker("/agents/none.js")).then(([type, message]) => [type, message]));
add("a worker whose script is not script", async () => said_(new Worker("/agents/page")).then(([type]) => type));
add("a worker whose script does not parse", async () => said_(new Worker("/agents/broken.js")));
add("a worker that throws", async () => {
  const worker = new Worker("/agents/throwing.js");
  const event = await once(worker, "error");
  event.preventDefault();
  return [event.message, path(event.filename), event.lineno, event.colno, event.error];
});
add("a worker that throws later", async () => {
  const worker = new Worker("/agents/agent.js");
  const heard = once(worker, "error");
  ask(worker, "setTimeout(() => { throw new TypeError('later') })");
  const event = await heard;
  event.preventDefault();
  return [event.message, path(event.filename)];
});
add("a worker's own onerror", async () => working("const heard = new Promise((done) => (self.onerror = (message, file, line) => (done([message, file]), true))); setTimeout(() => { throw new Error('x') }); return heard"));
add("a worker's rejections", async () => working("const heard = new Promise((done) => addEventListener('unhandledrejection', (event) => (event.preventDefault(), done([event.reason.message, event.type])))); Promise.reject(new Error('r')); return heard"));
add("errors' stacks in a worker", async () => working("return new Error('x').stack.split('\\n').length > 1"));
add("a worker by a redirect", async () => {
  const worker = new Worker("/redirect?to=/agents/agent.js?redirected");
  return ask(worker, "return [location.pathname, location.search]");
});
add("a worker by a redirect to another host", async () => said_(new Worker(`/redirect?to=${encodeURIComponent(B + "/agents/agent.js")}`)).then(([type]) => type));
add("a worker of another host", async () => failing(() => said_(new Worker(`${B}/agents/agent.js`)).then(([type]) => type)));
add("a worker's text is UTF-8", async () => said_(new Worker("/agents/latin-worker.js")));
add("messages with what is transferred", async () => {
  const worker = new Worker("/agents/agent.js");
  await ask(worker, "self.got = new Promise((done) => addEventListener('message', ({ data, ports }) => data.big && (ports[0].postMessage('through'), done([data.big.byteLength, ports.length]))))");
  const { port1, port2 } = new MessageChannel();
  const big = new ArrayBuffer(1e6);
  worker.postMessage({ big }, [big, port2]);
  port1.start();
  const { data } = await once(port1, "message");
  return [data, big.byteLength, await ask(worker, "return got")];
});
add("a worker that closes itself", async () => said_(new Worker(blob("postMessage('last'); close(); postMessage('after')"))));
add("a worker that is ended", async () => {
  const worker = new Worker(blob("setInterval(() => postMessage(1), 5)"));
  await once(worker, "message");
  worker.terminate();
  let count = 0;
  worker.onmessage = () => count++;
  await tick(40);
  return count;
});
add("a worker in a worker", async () => working("const inner = new Worker('/agents/agent.js'); return new Promise((done) => { inner.onmessage = ({ data }) => done(data.result); inner.postMessage({ id: 1, code: 'return [location.pathname, self.constructor.name]' }) })"));
add("a worker of a frame", async () => there(AGENT, "const inner = new Worker('agent.js'); return new Promise((done) => { inner.onmessage = ({ data }) => done(data.result); inner.postMessage({ id: 1, code: 'return location.href' }) })"));
add("a worker of a foreign frame", async () => there(B + AGENT, "const inner = new Worker('/agents/agent.js'); return new Promise((done) => { inner.onmessage = ({ data }) => done(data.result); inner.postMessage({ id: 1, code: 'return [location.href, (await (await fetch(\"/echo\")).json()).Host]' }) })"));
add("a worker of a blank frame", async () => {
  const { contentWindow: w } = put("iframe");
  return said_(new w.Worker(new w.URL("/agents/hello.js", location.href)));
});
add("a worker's events", async () => working(`const events = new EventSource('/agents/events'); return new Promise((done) => { events.onmessage = ({ data, origin }) => { events.close(); done([data, origin, events.url]) }; events.onerror = () => done('error') })`));
add("IndexedDB and locks in a worker", async () => working("const request = indexedDB.open('of a worker', 1); await new Promise((done) => (request.onsuccess = done)); request.result.close(); return [request.result.name, await navigator.locks.request('w', (lock) => lock.mode)]"));
add("files read at once in a worker", async () => working("return [new FileReaderSync().readAsText(new Blob(['sync'])), new FileReaderSync().readAsDataURL(new Blob(['x'], { type: 'a/b' }))]"));
add("object URLs of a worker", async () => {
  const worker = new Worker("/agents/agent.js");
  const [starts, name] = await ask(worker, "self.url = URL.createObjectURL(new Blob(['of the worker'])); return [url.startsWith('blob:' + origin), url.split('/').at(-1)]");
  return [starts, await (await fetch(`blob:${location.origin}/${name}`)).text()];
});
add("requests and answers in a worker", async (t) => working(`const request = new Request(${JSON.stringify(t.to("echo"))}, { method: "PUT", headers: { a: "b" } }); const answer = await fetch(${JSON.stringify(t.to("echo"))}); return [request.url, request.method, answer.url, answer.type, new Request("/x").url, answer.redirected]`));
add("timing of a worker", async () => working("await fetch('/text'); return performance.getEntriesByType('resource').map(({ name, initiatorType }) => [name, initiatorType]).filter(([name]) => name.endsWith('/text'))"));
add("a canvas in a worker", async () => {
  const worker = new Worker("/agents/agent.js");
  await ask(worker, "self.got = new Promise((done) => addEventListener('message', ({ data }) => data.canvas && done(data.canvas)))");
  const canvas = make("canvas", { width: 4, height: 4 }).transferControlToOffscreen();
  worker.postMessage({ canvas }, [canvas]);
  return ask(worker, "const canvas = await got; const context = canvas.getContext('2d'); context.fillStyle = '#010203'; context.fillRect(0, 0, 4, 4); return [...context.getImageData(0, 0, 1, 1).data]");
});
add("an own image in a worker's canvas", async () => working("const image = await createImageBitmap(await (await fetch('/pixel.png')).blob()); const canvas = new OffscreenCanvas(3, 2); canvas.getContext('2d').drawImage(image, 0, 0); return [image.width, image.height, (await canvas.convertToBlob()).type]"));
add("WebAssembly in a worker", async () => working("const { instance } = await WebAssembly.instantiateStreaming(fetch('/agents/add.wasm')); return instance.exports.add(2, 3)"));
add("digests in a worker", async () => working("return [...new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array([1])))].slice(0, 4)"));
add("a blob worker's relative addresses", async () => said_(new Worker(blob("fetch('/text').then(() => postMessage('fetched'), (error) => postMessage(error.name))"))));
add("a blob worker's own addresses", async () => said_(new Worker(blob(`fetch(self.origin + '/text').then((answer) => answer.text()).then(postMessage, (error) => postMessage(error.name))`))));
add("a blob worker imports its site's scripts", async () => said_(new Worker(blob("importScripts(self.origin + '/agents/ran.js'); postMessage([self.runs, location.protocol])"))));
add("a blob worker imports another host's script", async (t) => said_(new Worker(blob(`importScripts(${JSON.stringify(t.to("script.js"))}); postMessage(self.ran)`))));
add("a blob worker's source starts where it starts", async () => said_(new Worker(blob("'use strict'; let seen; try { undeclared = 1 } catch (error) { seen = error.name } postMessage([seen, typeof this])"))));
add("a worker under its own policy", async (t) => {
  const worker = new Worker("/agents/policed.js");
  return ask(worker, `const tried = (address) => fetch(address).then(() => "fetched", (error) => error.name); return [await tried("/text"), await tried(${JSON.stringify(t.to("echo"))}), (() => { try { return eval("1 + 1") } catch (error) { return error.name } })()]`);
});
const shared = (address, code, how) => {
  const { port } = new SharedWorker(address, how);
  port.start();
  return ask(port, code);
};
add("a shared worker's global object", async () => shared("/agents/agent.js", "return [self.constructor.name, name, location.href, isSecureContext]", "its name"));
add("a shared worker is one", async () => {
  const code = "return (self.count = (self.count ?? 0) + 1)";
  return [await shared("/agents/agent.js?one", code), await shared("/agents/agent.js?one", code), await shared("/agents/agent.js?one", code, "other"), await shared("/agents/agent.js?two", code)];
});
add("a shared worker over frames", async () => {
  await shared("/agents/agent.js?frames", "self.mark = 'here'");
  const code = "const { port } = new SharedWorker('/agents/agent.js?frames'); port.start(); port.postMessage({ id: 1, code: 'return self.mark ?? null' }); return new Promise((done) => (port.onmessage = ({ data }) => done(data.result)))";
  return [await there(AGENT, code), await there(B + AGENT, code)];
});
add("a shared worker that is missing", async () => (await once(new SharedWorker("/agents/none.js"), "error")).type);
add("a shared worker of another host", async () => failing(async () => (await once(new SharedWorker(`${B}/agents/agent.js`), "error")).type));
add("a shared worker's requests", async (t) => shared("/agents/agent.js?asks", `const { Host, Origin, Referer } = await (await fetch(${JSON.stringify(t.to("echo"))})).json(); const own = await (await fetch("/echo")).json(); return [Host, Origin, own.Host, own["Sec-Fetch-Site"]]`));
add("a shared worker's cookies", async () => {
  document.cookie = "w=1; path=/";
  return shared("/agents/agent.js?cookies", "return (await (await fetch('/echo')).json()).Cookie.includes('w=1')");
});
add("an audio worklet", async () => {
  const context = new OfflineAudioContext(1, 128, 44100);
  await context.audioWorklet.addModule("/agents/worklet.js");
  return new AudioWorkletNode(context, "own").constructor.name;
});
add("an audio worklet that is missing", async () => {
  const context = new OfflineAudioContext(1, 128, 44100);
  return failing(() => context.audioWorklet.addModule("/agents/none.js"));
});
add("an audio worklet of another host", async (t) => {
  const context = new OfflineAudioContext(1, 128, 44100);
  await context.audioWorklet.addModule(t.to("agents/worklet.js"));
  return new AudioWorkletNode(context, "own").numberOfInputs;
});
add("a worker's class", () => [Worker.name, Worker.length, `${Worker}`.includes("native"), Object.getOwnPropertyNames(Worker.prototype).sort(), SharedWorker.name, SharedWorker.length]);
add("a worker with no address", async () => [await failing(() => new Worker()), await failing(() => new Worker("https://[")), await failing(() => Worker("/x")), await failing(() => new Worker("/x", { type: "wrong" }))]);
