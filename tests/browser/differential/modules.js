// Documents of modules are frames of their own, for an import map holds for a document.
const script = (text, more = {}) => new Promise((done) => {
  window.told = done;
  const one = make("script", { type: "module", textContent: text, ...more });
  one.onerror = () => done("error event");
  document.head.append(one);
});
const mapped = (map, code) => {
  const heard = messages(1);
  const text = `<!doctype html><base href="${location.origin}/deep/"><script type=importmap>${JSON.stringify(map)}</scr` + `ipt><script type=module>const own = (one) => one.replace(parent.location.origin, ""); const tried = (run) => run().then((one) => one, (error) => error.name); parent.postMessage(await (async () => { ${code} })(), "*")</scr` + "ipt>";
  put("iframe", { srcdoc: text });
  return Promise.race([heard, tick(1200).then(() => [{ data: "nothing" }])]).then(([{ data }]) => data);
};
add("an inline module", () => script("told([import.meta.url === document.baseURI, typeof this, document.currentScript, (() => { try { undeclared = 1 } catch (error) { return error.name } })()])"));
add("static imports", () => script("import one, { named, address } from '/agents/values.js'; import * as all from './../agents/values.js'; told([one, named, address.replace(location.origin, ''), Object.keys(all), all.default])"));
add("an import without effects of its name", () => script("import '/agents/effect.js'; told(globalThis.effect)"));
add("imports are once", () => script("import { count } from '/agents/counting.js'; const again = await import('/agents/counting.js'); const other = await import('/agents/counting.js?2'); told([count === again.count, other.count - count])"));
add("imports by whole addresses, in scripts that script makes", async (t) => {
  const never = () => tick(600).then(() => "never");
  return [
    await Promise.race([script(`import one from "${A}/agents/values.js"; told(one)`), never()]), await Promise.race([script(`import one from "${t.to("module.js")}"; told(one)`), never()]),
    await failing(async () => (await import(`${A}/agents/values.js`)).default), await failing(async () => (await import(t.to("module.js"))).default),
    await failing(async () => (await import(URL.createObjectURL(new Blob([`export { default } from "${t.to("module.js")}"`], { type: "text/javascript" })))).default),
  ];
});
add("import() of a relative address", async () => [(await import("/agents/values.js")).default, (await import("../agents/values.js")).address === `${location.origin}/agents/values.js`]);
add("import() that fails", async () => [await failing(() => import("/agents/none.js")), await failing(() => import("/agents/page")), await failing(() => import("/agents/broken.js")), await failing(() => import("bare")), await failing(() => import("/agents/throwing.js")), await failing(() => import("/text"))]);
add("import() in texts that run", async () => {
  setTimeout("window.timed = import('/agents/values.js')");
  const button = put("button");
  button.setAttribute("onclick", "this.found = import('/agents/values.js')");
  button.click();
  await tick(20);
  return [(await eval("import('/agents/values.js')")).default, (await new Function("return import('/agents/values.js')")()).default, (await timed).default, (await button.found).default];
});
add("a circle of imports", () => script("import { one, two } from '/agents/circle-one.js'; told([one(), two()])"));
add("live bindings", () => script("import { live, grow } from '/agents/live.js'; const before = live; grow(); told([before, live])"));
add("await at the top, and its order", () => script("import { order } from '/agents/slow.js'; order.push('main'); told(order)"));
add("modules that fail while they run", () => script("import('/agents/throwing.js').catch((error) => import('/agents/throwing.js').catch((again) => told([error.message, error === again])))"));
add("import.meta", () => script("import { meta } from '/agents/values.js'; told([Object.keys(import.meta).sort(), meta.replace(location.origin, ''), import.meta.resolve('./x').replace(location.origin, ''), import.meta.resolve('/y?z').replace(location.origin, '')])"));
add("import.meta of another host's module", async (t) => {
  const one = put("script", { type: "module", src: t.to("meta.js") });
  await once(one, "load", "error");
  return [window.foreign, one.src];
});
add("another host's module and what it imports", async (t) => {
  const one = put("script", { type: "module", src: t.to("importing.js") });
  const { type } = await once(one, "load", "error");
  return [type, window.importing];
});
add("a module by src", async (t) => {
  const one = put("script", { type: "module", src: `/agents/effect.js?case=${t.slug}` });
  return [(await once(one, "load", "error")).type, one.src === location.origin + one.getAttribute("src")];
});
add("a module with credentials", async (t) => {
  const one = put("script", { type: "module", crossOrigin: "use-credentials", src: t.to("effect.js") });
  return (await once(one, "load", "error")).type;
});
add("modules that are missing or no script", async () => {
  const seen = [];
  for (const src of ["/agents/none.js", "/agents/page", "/text"]) seen.push((await once(put("script", { type: "module", src }), "load", "error")).type);
  return seen;
});
add("a module that does not parse", async () => {
  const heard = once(window, "error");
  const loaded = once(put("script", { type: "module", src: "/agents/broken.js" }), "load", "error");
  const event = await heard;
  event.preventDefault();
  return [(await loaded).type, event.message, path(event.filename), event.lineno];
});
add("a module by a redirect", () => script("import { address } from '/redirect?to=/agents/values.js?redirected'; told(address.replace(location.origin, ''))"));
add("a module by a redirect to another host", () => script(`import { address } from '/redirect?to=${encodeURIComponent(B + "/agents/values.js?there")}'; told(address)`));
add("JSON and style modules", () => script("import data from '/agents/data.json' with { type: 'json' }; import sheet from '/agents/sheet-module.css' with { type: 'css' }; told([data, sheet.constructor.name, sheet.cssRules.length, sheet.cssRules[0].style.width])"));
add("JSON modules of other kinds", async () => [await failing(() => import("/agents/values.js", { with: { type: "json" } })), await failing(() => import("/agents/data.json")), await failing(() => import("/agents/data.json", { with: { type: "wrong" } })), (await import("/agents/data.json", { with: { type: "json" } })).default]);
add("a style module that names other hosts", async (t) => {
  const { default: sheet } = await import(`/agents/foreign-module.css`, { with: { type: "css" } });
  document.adoptedStyleSheets = [sheet];
  const one = put("i", { className: "foreign" });
  await tick(150);
  const seen = getComputedStyle(one).width;
  document.adoptedStyleSheets = [];
  return seen;
});
add("modules in blob: and data:", async () => {
  const address = URL.createObjectURL(new Blob(["export const url = import.meta.url; export default 'blob'"], { type: "text/javascript" }));
  const found = await import(address);
  return [found.default, found.url === address, (await import("data:text/javascript,export default 'data'")).default, await failing(() => import(URL.createObjectURL(new Blob(["import './x.js'"], { type: "text/javascript" }))))];
});
add("a blob module that imports its site's", async () => {
  const address = URL.createObjectURL(new Blob([`import one from "${location.origin}/agents/values.js"; export default one`], { type: "text/javascript" }));
  return (await import(address)).default;
});
add("nomodule and old types", async () => {
  window.ran_ = [];
  const add_ = (more) => put("script", { textContent: `ran_.push(${JSON.stringify(more.at)})`, ...more });
  for (const one of [{ at: "nomodule", noModule: true }, { at: "classic" }, { at: "text", type: "text/plain" }, { at: "js", type: "application/javascript" }, { at: "jscript", type: "text/jscript" }, { at: "version", type: "text/javascript; version=1" }, { at: "capitals", type: "TEXT/JavaScript" }]) add_(one);
  await script("told()");
  return ran_;
});
add("the order of scripts in a document", async () => (await framed("/agents/order.html")).contentWindow.order);
add("a module that is waited for by load", async () => (await framed("/agents/loads.html")).contentWindow.loads);
add("modulepreload", async (t) => {
  const link = document.head.appendChild(make("link", { rel: "modulepreload", href: `/agents/values.js?preloaded&case=${t.slug}` }));
  const { type } = await once(link, "load", "error");
  const again = await import(link.getAttribute("href"));
  return [type, again.default];
});
add("integrity of a module", async () => {
  const seen = [];
  for (const integrity of ["sha256-wrong", "sha384-", (await (await fetch("/agents/digest?of=effect")).text())]) {
    seen.push((await once(put("script", { type: "module", integrity, src: `/agents/effect.js?${seen.length}` }), "load", "error")).type);
  }
  return seen;
});
add("integrity of another host's script", async (t) => {
  const integrity = await (await fetch("/agents/digest?of=effect")).text();
  const good = await once(put("script", { crossOrigin: "anonymous", integrity, src: t.to("effect.js") }), "load", "error");
  const bad = await once(put("script", { crossOrigin: "anonymous", integrity: "sha256-AAAA" + integrity.slice(11), src: t.to("effect.js") }), "load", "error");
  return [good.type, bad.type];
});
add("an import map: bare names", () => mapped({ imports: { one: "/agents/values.js", two: "../agents/values.js?two", "deep/": "/agents/", none: null } }, "return [(await import('one')).default, own((await import('two')).address), own((await import('deep/values.js')).address), await tried(() => import('none')), await tried(() => import('unknown')), own(import.meta.resolve('one'))]"));
add("an import map: scopes", () => mapped({ imports: { one: "/agents/values.js?outer" }, scopes: { "/deep/": { one: "/agents/values.js?deep" }, "/other/": { one: "/agents/values.js?other" } } }, "return [own((await import('one')).address)]"));
add("an import map: own addresses", () => mapped({ imports: { "/agents/values.js": "/agents/values.js?remapped", [`${location.origin}/agents/live.js`]: "/agents/values.js?live" } }, "return [own((await import('/agents/values.js')).address), own((await import('/agents/live.js')).address)]"));
add("an import map: addresses of its own site", () => mapped({ imports: { one: `${A}/agents/values.js?whole` } }, "return own((await import('one')).address)"));
add("an import map: addresses of other hosts", () => mapped({ imports: { one: `${B}/agents/values.js?foreign`, "lib/": `${B}/agents/` } }, "return [(await import('one')).default, (await import('lib/values.js?lib')).named]"));
add("an import map: other hosts by their address", () => mapped({ imports: { [`${B}/agents/values.js`]: "/agents/values.js?instead" } }, `return own((await import("${B}/agents/values.js")).address)`));
add("an import map: integrity", async () => mapped({ imports: { good: "/agents/effect.js?good", bad: "/agents/effect.js?bad" }, integrity: { "/agents/effect.js?good": await (await fetch("/agents/digest?of=effect")).text(), "/agents/effect.js?bad": "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" } }, "return [await tried(() => import('good').then(() => 'loaded')), await tried(() => import('bad').then(() => 'loaded'))]"));
add("an import map: integrity of other hosts", async () => mapped({ imports: { good: `${B}/agents/effect.js?good`, bad: `${B}/agents/effect.js?bad` }, integrity: { [`${B}/agents/effect.js?good`]: await (await fetch("/agents/digest?of=effect")).text(), [`${B}/agents/effect.js?bad`]: "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" } }, "return [await tried(() => import('good').then(() => 'loaded')), await tried(() => import('bad').then(() => 'loaded'))]"));
add("an import map that is wrong", async () => {
  const one = put("script", { type: "importmap", textContent: "{ not json" });
  const heard = once(window, "error");
  const two = make("script", { type: "importmap", textContent: "[]" });
  document.head.append(two);
  const event = await heard;
  event.preventDefault();
  return [event.error?.name ?? event.message];
});
add("an import map that script puts in", async () => {
  document.head.append(make("script", { type: "importmap", textContent: JSON.stringify({ imports: { "by-script": "/agents/values.js?by-script", "by-script-foreign": `${B}/agents/values.js?by-script` } }) }));
  return [path((await import("by-script")).address), (await import("by-script-foreign")).address];
});
add("an import map as src", async () => (await once(put("script", { type: "importmap", src: "/agents/map.json" }), "error", "load")).type);
add("HTMLScriptElement.supports", () => ["classic", "module", "importmap", "speculationrules", "none"].map((one) => HTMLScriptElement.supports(one)));
add("the referrer of imports", async (t) => {
  await import(`/agents/values.js?case=${t.slug}`);
  await import(`/agents/nested.js?case=${t.slug}`);
});
add("imports by whole addresses, in a page of the server's", async () => {
  const { contentWindow: w } = await framed("/agents/whole.html");
  return until(() => w.whole, 1500);
});
