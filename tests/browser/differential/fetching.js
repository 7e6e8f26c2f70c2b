// fetch, XMLHttpRequest and CORS in every mode.
const told = async (response) => [response.status, response.type, own(response.url), await response.text().then((text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text.slice(0, 200);
  }
})];
const cors = (t, more) => t.to("fetching/cors", more);
const OPTIONS = {
  "credentials omit": { credentials: "omit" },
  "credentials same-origin": { credentials: "same-origin" },
  "credentials include": { credentials: "include" },
  "mode same-origin": { mode: "same-origin" },
  "mode no-cors": { mode: "no-cors" },
  "mode no-cors and credentials": { mode: "no-cors", credentials: "include" },
  "a simple POST": { method: "POST", body: "x" },
  "a POST of JSON": { method: "POST", body: "{}", headers: { "Content-Type": "application/json" } },
  "own fields": { headers: { "X-Own": "a", "X-Other": "b, c" } },
  "PUT": { method: "PUT", body: "x" },
  "DELETE": { method: "DELETE" },
  "PATCH": { method: "PATCH", body: "x" },
  "HEAD": { method: "HEAD" },
  "OPTIONS": { method: "OPTIONS" },
  "a method of its own": { method: "QUERY", body: "q" },
  "lower case": { method: "post", body: "x" },
  "no referrer": { referrerPolicy: "no-referrer" },
  "referrer origin": { referrerPolicy: "origin" },
  "referrer unsafe-url": { referrerPolicy: "unsafe-url" },
  "referrer same-origin": { referrerPolicy: "same-origin" },
  "a referrer of its own": { referrer: "/some/page?x", referrerPolicy: "unsafe-url" },
  "about:client": { referrer: "about:client" },
  "an empty referrer": { referrer: "" },
  "keepalive": { keepalive: true, method: "POST", body: "kept" },
  "priority": { priority: "low" },
  "Range": { headers: { Range: "bytes=0-3" } },
  "Accept": { headers: { Accept: "text/x-own", "Accept-Language": "tlh" } },
  "forbidden fields": { headers: { Cookie: "x=1", Host: "c.test", Origin: "x", Referer: "x", "Sec-Fetch-Site": "none", "Proxy-X": "1" } },
  "Authorization": { headers: { Authorization: "Bearer x" } },
  "integrity": { integrity: "sha256-wrong" },
};
for (const cache of ["default", "no-store", "reload", "no-cache", "force-cache"]) OPTIONS[`cache ${cache}`] = { cache };
each(OPTIONS, "the own origin", (t, options) => failed(fetch(t.own("echo"), options).then(told)));
each(OPTIONS, "another origin", (t, options) => failed(fetch(t.to("echo"), options).then(told)));
const RULES = {
  "any": "*", "the page's": A, "another": B, "null": "null", "none": "", "two": `${A}, ${B}`, "upper case": A.toUpperCase(), "a slash too many": A + "/", "the page's host": "a.test",
};
each(RULES, "allowed for", (t, allow) => failed(fetch(cors(t, `&allow=${encodeURIComponent(allow)}`)).then(told)));
each(RULES, "with credentials, allowed for", (t, allow) => failed(fetch(cors(t, `&credentials=true&allow=${encodeURIComponent(allow)}`), { credentials: "include" }).then(told)));
each(RULES, "allowed timing for", async (t, allow) => {
  await fetch(cors(t, `&allow=*&timing=${encodeURIComponent(allow)}`)).then((one) => one.text());
  const [entry] = performance.getEntriesByType("resource").filter((one) => one.name.includes(`case=${t.slug}&`));
  return [entry.requestStart > 0, entry.transferSize > 0, entry.decodedBodySize > 0];
});
add("credentials that are not allowed", (t) => failed(fetch(cors(t, `&allow=${A}`), { credentials: "include" })));
const PREFLIGHTS = {
  "no methods": ["&headers=x-own", { method: "PUT", headers: { "X-Own": "1" } }],
  "no fields": ["&methods=PUT", { method: "PUT", headers: { "X-Own": "1" } }],
  "both": ["&methods=PUT&headers=x-own", { method: "PUT", headers: { "X-Own": "1" } }],
  "any": ["&methods=*&headers=*", { method: "PUT", headers: { "X-Own": "1" } }],
  "any with credentials": ["&methods=*&headers=*&credentials=true", { method: "PUT", credentials: "include" }],
  "a status that is none": ["&methods=PUT&status=500", { method: "PUT" }],
  "a redirect": ["&methods=PUT&status=302", { method: "PUT" }],
  "Authorization and any": ["&headers=*", { headers: { Authorization: "x" } }],
};
each(PREFLIGHTS, "a preflight that allows", (t, [more, options]) => failed(fetch(cors(t, `&allow=${A}&preflight=1${more}`), options).then(told)));
add("a preflight that is kept", async (t) => {
  const once = () => fetch(cors(t, `&allow=${A}&preflight=1&methods=PUT&age=60`), { method: "PUT" }).then((one) => one.status);
  return [await once(), await once()];
});
add("exposed fields", async (t) => {
  const response = await fetch(cors(t, `&allow=${A}&expose=X-One,%20Set-Cookie`));
  return [...response.headers].filter(([name]) => !/^(date|vary)$/.test(name));
});
add("names of timing entries", async (t) => {
  await fetch(cors(t, "&allow=*")).then((one) => one.text());
  return performance.getEntriesByType("resource").map((one) => one.name).filter((one) => one.includes(`case=${t.slug}&`));
});
const FIELDS = ["age", "content-language", "content-length", "content-type", "etag", "last-modified", "link", "retry-after", "server", "server-timing", "via", "www-authenticate", "x-empty", "x-latin", "x-powered-by", "x-same", "set-cookie", "x-none"];
add("fields of the own origin by their names", async (t) => {
  const { headers } = await fetch(t.own("fetching/fields"));
  return FIELDS.map((one) => headers.get(one));
});
add("fields of the own origin by XMLHttpRequest", (t) => new Promise((done) => {
  const request = new XMLHttpRequest();
  request.open("GET", t.own("fetching/fields"));
  request.onload = () => done(FIELDS.map((one) => request.getResponseHeader(one)));
  request.send();
}));
add("a Location that is read", async (t) => (await fetch(t.own("fetching/fields"))).headers.get("location"));
add("all fields of the own origin", async (t) => {
  const response = await fetch(t.own("fetching/fields"));
  return [...response.headers].filter(([name]) => name !== "date");
});
add("a resource policy same-origin", (t) => failed(fetch(t.to("fetching/corp", "&policy=same-origin"), { mode: "no-cors" }).then((one) => one.type)));
add("a resource policy same-site, another site", (t) => failed(fetch(t.to("fetching/corp", "&policy=same-site"), { mode: "no-cors" }).then((one) => one.type)));
add("a resource policy same-site, a sibling", (t) => failed(fetch(t.to("fetching/corp", "&policy=same-site", SUB), { mode: "no-cors" }).then((one) => one.type)));
add("a resource policy cross-origin", (t) => failed(fetch(t.to("fetching/corp", "&policy=cross-origin"), { mode: "no-cors" }).then((one) => one.type)));
for (const status of [200, 201, 204, 205, 206, 300, 400, 401, 403, 404, 410, 418, 429, 500, 502, 503, 511, 599]) {
  add(`status ${status}`, async (t) => {
    const response = await fetch(t.own("fetching/status", `&status=${status}`));
    return [response.status, response.ok, await response.text(), response.headers.get("retry-after")];
  });
}
add("opaque", async (t) => {
  const response = await fetch(t.to("fetching/cors"), { mode: "no-cors" });
  return [response.type, response.status, response.url, (await response.blob()).size, [...response.headers]];
});
add("a body by pieces", async (t) => {
  const response = await fetch(t.own("fetching/pieces"));
  const pieces = [];
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  for (let at = 0; ; at++) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(decoder.decode(value));
    await fetch(`/open?gate=${t.slug}${at}`);
  }
  return pieces;
});
add("a body that is read twice", async (t) => {
  const response = await fetch(t.own("text"));
  const copy = response.clone();
  return [await response.text(), await copy.text(), response.bodyUsed, await failed(response.text())];
});
add("a body that ends early", async (t) => {
  const response = await fetch(t.own("fetching/cut"));
  return [response.status, await failed(response.text())];
});
add("a body that ends early, by pieces", async (t) => {
  const response = await fetch(t.own("fetching/cut", "&chunked=1"));
  return [response.status, await failed(response.text())];
});
add("aborted before", (t) => failed(fetch(t.own("echo"), { signal: AbortSignal.abort() })));
add("aborted by a reason", (t) => failed(fetch(t.own("echo"), { signal: AbortSignal.abort(new RangeError("why")) })));
add("aborted meanwhile", async (t) => {
  const control = new AbortController();
  const response = await fetch(t.own("fetching/pieces"), { signal: control.signal });
  const reader = response.body.getReader();
  await reader.read();
  control.abort();
  return failed(reader.read());
});
add("a timeout", (t) => failed(fetch(t.own("fetching/never"), { signal: AbortSignal.timeout(100) })));
add("Response.json, error and redirect", async () => [await Response.json({ a: 1 }).text(), Response.error().type, own(Response.redirect("/x").headers.get("location"))]);
add("a Request's parts", (t) => {
  const request = new Request(t.to("echo"), { method: "POST", body: "x", cache: "reload", credentials: "include", integrity: "sha256-x", keepalive: true, mode: "cors", redirect: "error", referrerPolicy: "origin" });
  return ["method", "url", "cache", "credentials", "destination", "integrity", "keepalive", "mode", "redirect", "referrer", "referrerPolicy", "duplex"].map((name) => request[name]);
});
add("a fetch of blob and data addresses", async () => [
  await fetch(URL.createObjectURL(new Blob(["b"], { type: "text/x" }))).then(async (one) => [one.status, one.headers.get("content-type"), await one.text()]),
  await fetch("data:text/y;base64,eA==").then(async (one) => [one.status, one.headers.get("content-type"), await one.text(), one.url]),
]);
add("a fetch of other schemes", (t) => Promise.all(["ftp://b.test/", "file:///etc/passwd", "about:blank", "javascript:1", "mailto:x@y", "chrome://version"].map((one) => failed(fetch(one)))));
add("sendBeacon", (t) => [navigator.sendBeacon(t.to("echo"), "text"), navigator.sendBeacon(t.own("echo"), new Blob(["{}"], { type: "application/json" })), navigator.sendBeacon(t.to("echo"), new URLSearchParams({ a: "1" }))]);
add("a ping", async (t) => {
  const link = put("a", { href: "#ping", ping: t.to("echo"), textContent: "x" });
  link.click();
  await tick(200);
  return link.ping;
});
// XMLHttpRequest
const xhr = (address, { method = "GET", body, before = () => {}, type = "", sync = false } = {}) => new Promise((done) => {
  const request = new XMLHttpRequest();
  const states = [];
  request.onreadystatechange = () => states.at(-1) !== request.readyState && states.push(request.readyState);
  const end = ({ type: how }) => done([how, request.status, own(request.responseURL), type ? String(request.response) : request.responseText.slice(0, 600), states, request.getResponseHeader("content-type")]);
  for (const how of ["load", "error", "abort", "timeout"]) request[`on${how}`] = end;
  try {
    request.open(method, address, !sync);
    if (!sync) request.responseType = type;
    before(request);
    request.send(body);
    if (sync) end({ type: "sync" });
  } catch (error) {
    done(error.name);
  }
});
const XHRS = {
  "GET": {}, "POST": { method: "POST", body: "täxt" }, "PUT": { method: "PUT", body: "x" },
  "with credentials": { before: (one) => { one.withCredentials = true; } },
  "own fields": { before: (one) => { one.setRequestHeader("X-Own", "a"); one.setRequestHeader("x-own", "b"); } },
  "synchronous": { sync: true }, "synchronous POST": { sync: true, method: "POST", body: "x" },
  "a blob": { type: "blob" }, "a buffer": { type: "arraybuffer" }, "JSON": { type: "json" },
  "a document as body": { method: "POST", body: new DOMParser().parseFromString("<p>ä</p>", "text/html") },
  "a wrong method": { method: "TRACE" },
};
each(XHRS, "XMLHttpRequest of the own origin", (t, options) => xhr(t.own("echo"), options));
each(XHRS, "XMLHttpRequest of another origin", (t, options) => xhr(t.to("echo"), options));
add("XMLHttpRequest, not allowed", (t) => xhr(t.to("fetching/cors")));
add("XMLHttpRequest, aborted", (t) => xhr(t.own("fetching/never"), { before: (one) => { setTimeout(() => one.abort(), 50); } }));
add("XMLHttpRequest, too late", (t) => xhr(t.own("fetching/never"), { before: (one) => { one.timeout = 100; } }));
add("XMLHttpRequest with user and password", (t) => new Promise((done) => {
  const request = new XMLHttpRequest();
  request.onloadend = () => done([request.status, own(request.responseURL)]);
  request.open("GET", t.own("fetching/login"), true, "user", "word");
  request.send();
}));
add("XMLHttpRequest, progress", (t) => new Promise((done) => {
  const request = new XMLHttpRequest();
  const seen = [];
  request.onprogress = ({ lengthComputable, total }) => seen.push([lengthComputable, total]);
  request.onload = () => done([seen.at(-1), request.responseText.length]);
  request.open("GET", t.own("fetching/long"));
  request.send();
}));
