// What is asked again, and how.
const KINDS = ["etag", "weak", "modified", "fresh", "no-store", "immutable", "vary", "expires", "private", "nothing", "stale"];
const texts = async (address, ...options) => {
  const out = [];
  for (const one of options) {
    const response = await fetch(address, one);
    out.push([response.status, await response.text()]);
  }
  return out;
};
for (const kind of KINDS) {
  add(`text twice: ${kind}`, (t) => texts(t.own(`caching/counted/text/${kind}`), {}, {}));
  add(`text of another origin twice: ${kind}`, (t) => texts(t.to(`caching/counted/text/${kind}`), {}, {}));
  add(`a sheet twice: ${kind}`, async (t) => {
    const out = [];
    for (let at = 0; at < 2; at++) {
      const frame = await t.frame({ srcdoc: `<link rel=stylesheet href="${t.own(`caching/counted/sheet/${kind}`)}"><p class=counted>x</p>` });
      out.push(getComputedStyle(frame.contentDocument.querySelector("p")).width);
    }
    return out;
  });
  if (!/immutable|vary|expires|private/.test(kind)) add(`a frame twice: ${kind}`, async (t) => {
    const out = [];
    for (let at = 0; at < 2; at++) out.push((await t.frame({ src: t.own(`caching/counted/page/${kind}`) })).contentDocument.title);
    return out;
  });
}
for (const cache of ["no-store", "reload", "no-cache", "force-cache", "only-if-cached"]) {
  add(`mode ${cache}`, (t) => texts(t.own("caching/counted/text/fresh"), {}, { cache, mode: "same-origin" }, {}));
}
add("a script twice", async (t) => {
  const out = [];
  for (let at = 0; at < 2; at++) {
    const script = make("script", { src: t.to("caching/counted/script/fresh") });
    document.head.append(script);
    await once(script, "load", "error");
    out.push(globalThis.counted);
  }
  return out;
});
add("own validators", (t) => texts(t.own("caching/counted/text/etag"), { headers: { "If-None-Match": '"v1"' } }, { headers: { "If-None-Match": '"v2"' } }, { headers: { "If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT" } }));
add("what varies", (t) => texts(t.own("caching/counted/text/vary"), { headers: { "X-Own": "1" } }, { headers: { "X-Own": "1" } }, { headers: { "X-Own": "2" } }));
add("a POST between", (t) => texts(t.own("caching/counted/text/fresh"), {}, { method: "POST", body: "x" }, {}));
add("a page's cache", async (t) => {
  const cache = await caches.open(t.slug);
  await cache.add(t.own("caching/counted/text/nothing"));
  const found = await cache.match(t.own("caching/counted/text/nothing"));
  return [await found.text(), found.status, await caches.has(t.slug), (await caches.keys()).includes(t.slug)];
});
