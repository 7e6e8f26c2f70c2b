// Redirects of every code, along chains and over origins.
const E = encodeURIComponent;
const hop = (t, status, to, origin = "") => `${origin}/redirect?case=${t.slug}&status=${status}&to=${E(to)}`;
const told = async (response) => [response.status, own(response.url), response.redirected, response.type, await response.text().then((text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
})];
for (const status of [301, 302, 303, 307, 308]) {
  add(`GET over ${status}`, async (t) => told(await fetch(hop(t, status, t.own("echo")))));
  add(`POST over ${status}`, async (t) => told(await fetch(hop(t, status, t.own("echo")), { method: "POST", body: "body" })));
  add(`PUT over ${status} to another origin`, async (t) => told(await fetch(hop(t, status, t.to("echo")), { method: "PUT", body: "body", headers: { "X-Own": "1" } })));
  add(`a frame over ${status} to another origin and back`, async (t) => {
    const frame = await t.frame({ src: hop(t, status, hop(t, status, A + t.own("landed"), B)) });
    return [t.landed(frame), own(frame.contentWindow.location.href), frame.contentDocument.referrer && own(frame.contentDocument.referrer)];
  });
}
for (const status of [300, 304, 305, 306, 399]) add(`a Location that is none: ${status}`, async (t) => {
  const response = await fetch(t.own("redirects/say", `&status=${status}&to=${E(t.own("echo"))}`));
  return [response.status, response.redirected, response.headers.has("location")];
});
const TARGETS = {
  "a path": (t) => t.own("echo"),
  "a relative path": () => "../echo?relative",
  "a relative path upwards": () => "../echo",
  "a query": (t) => `?case=${t.slug}&to=/echo&status=200`,
  "the scheme's own": (t) => t.to("echo").slice(6),
  "backslashes": (t) => t.to("echo").replace("https://", "https:\\\\"),
  "upper case": (t) => t.to("echo").replace("https://b", "HTTPS://B"),
  "a fragment": (t) => t.to("echo") + "#frag",
  "another port": (t) => t.to("echo", "", PORT),
  "octets that are not ASCII": (t) => t.to("echo") + "&x=ä日",
  "spaces": (t) => t.to("echo") + "&x=a b",
  "a name that is not ASCII": (t) => t.to("echo", "", "https://bücher.test"),
  "an encoded name": (t) => t.to("echo", "", "https://xn--bcher-kva.test"),
  "an address within": (t) => t.to("echo") + `&x=${C}/y`,
  "nothing": () => "",
  "no address": () => "https://",
  "a data address": () => "data:text/plain,x",
  "user and password": (t) => t.to("echo").replace("//", "//user:word@"),
};
each(TARGETS, "a Location of", async (t, to) => {
  const address = t.own("redirects/say", `&status=302&to=${E(to(t))}`);
  return failed(fetch(address).then(told));
});
each(TARGETS, "a frame led to", async (t, to, name) => {
  if (name.startsWith("a data") || name.startsWith("no") || name.startsWith("user")) return "not asked";
  const frame = await t.frame({ src: t.own("redirects/say", `&status=302&to=${E(to(t).replace("/echo", "/landed"))}`) });
  try {
    return own(frame.contentWindow.location.href);
  } catch (error) {
    return error.name;
  }
});
const CHAINS = {
  "own, other, own": [A, B, A],
  "other, third, own": [B, C, A],
  "own, other, third": [A, B, C],
  "other, other": [B, B],
};
each(CHAINS, "fetch along", (t, origins) => {
  const last = origins.at(-1) + t.own("echo");
  return failed(fetch(origins.slice(0, -1).reduceRight((to, origin) => hop(t, 307, to, origin), last), { method: "POST", body: "x" }).then(told));
});
each(CHAINS, "with credentials along", (t, origins) => {
  const last = origins.at(-1) + t.own("echo");
  return failed(fetch(origins.slice(0, -1).reduceRight((to, origin) => hop(t, 302, to, origin), last), { credentials: "include" }).then(told));
});
each(CHAINS, "an image along", async (t, origins) => {
  const last = origins.at(-1) + t.own("pixel.png");
  const image = make("img", { src: origins.slice(0, -1).reduceRight((to, origin) => hop(t, 302, to, origin), last) });
  await once(image, "load", "error");
  return image.naturalWidth;
});
add("fetch along: siblings", (t) => fetch(hop(t, 302, SUB + t.own("echo"), SUB)).then(told));
add("fetch along: a sibling and back", (t) => fetch(hop(t, 302, hop(t, 302, A + t.own("echo"), SUB))).then(told));
add("nineteen hops", (t) => fetch(t.own("redirects/count", "&n=19")).then(told));
add("a loop", (t) => failed(fetch(t.own("redirects/count", "&n=99")).then(told)));
for (const redirect of ["manual", "error"]) {
  add(`mode ${redirect}`, (t) => failed(fetch(hop(t, 302, t.own("echo")), { redirect }).then((one) => [one.status, one.type, own(one.url), [...one.headers]])));
  add(`mode ${redirect}, another origin`, (t) => failed(fetch(hop(t, 302, t.own("echo"), B), { redirect }).then((one) => [one.status, one.type, one.url])));
}
add("a frame keeps its fragment", async (t) => {
  const frame = await t.frame({ src: hop(t, 302, t.own("landed")) + "#kept" });
  return own(frame.contentWindow.location.href);
});
add("a frame's fragment is replaced", async (t) => {
  const frame = await t.frame({ src: hop(t, 302, t.own("landed") + "#new") + "#old" });
  return own(frame.contentWindow.location.href);
});
add("Refresh", async (t) => {
  const frame = await t.frame({ src: t.own("redirects/refresh", `&to=${E(t.own("landed"))}`) });
  await until(() => frame.contentDocument?.querySelector("pre"));
  return [t.landed(frame), own(frame.contentWindow.location.href)];
});
add("Refresh to another origin", async (t) => {
  const frame = make("iframe", { src: t.own("redirects/refresh", `&to=${E(t.to("landed"))}`) });
  let loads = 0;
  frame.onload = () => loads++;
  document.body.append(frame);
  await until(() => loads === 2);
  return loads;
});
add("a worker's script", async (t) => {
  const worker = new Worker(hop(t, 302, t.own("redirects/worker.js")));
  return new Promise((done) => { worker.onmessage = ({ data }) => done(own(data)); worker.onerror = ({ type }) => done(type); });
});
add("a stylesheet's base", async (t) => {
  const link = put("link", { rel: "stylesheet", href: hop(t, 302, t.to("redirects/sheet.css")) });
  await once(link, "load", "error");
  const box = put("div", { className: "redirected", textContent: "x" });
  await tick(100);
  return [link.href && own(link.href), box.offsetHeight];
});
add("a script", async (t) => {
  const script = make("script", { src: hop(t, 302, t.to("script.js")) });
  document.head.append(script);
  await once(script, "load", "error");
  return [globalThis.ran, own(script.src)];
});
add("performance entries", async (t) => {
  const address = hop(t, 302, t.own("echo"));
  await fetch(address).then((one) => one.text());
  const [entry] = performance.getEntriesByType("resource").filter((one) => one.name.includes(`case=${t.slug}`));
  return [own(entry.name), entry.redirectStart > 0, entry.initiatorType];
});
