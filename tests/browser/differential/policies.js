// Policies of pages are in force: what they block is blocked, what they allow is allowed.
const E = encodeURIComponent;
let digested;
const digests = { then: (...then) => (digested ??= fetch("/policies/digests").then((one) => one.json())).then(...then) };
const heard = (frame) => new Promise((done) => {
  const take = ({ source, data }) => {
    if (source !== frame.contentWindow) return;
    removeEventListener("message", take);
    done(data);
  };
  addEventListener("message", take);
  setTimeout(done, 4000, "nothing heard");
});
const POLICIES = {
  "none at all": "",
  "nonce": "script-src 'nonce-abc'",
  "self": "default-src 'self' 'nonce-abc'",
  "another origin": `default-src 'nonce-abc' ${B}`,
  "hosts without schemes": "default-src 'nonce-abc' b.test",
  "a wildcard": "default-src 'nonce-abc' https://*.test",
  "a wildcard of another site": "default-src 'nonce-abc' https://*.c.test",
  "a scheme": "default-src 'nonce-abc' https:",
  "a path": `script-src 'nonce-abc' ${B}/policies/; img-src ${B}/none/`,
  "a wrong path": `script-src 'nonce-abc' ${B}/policies; img-src ${B}/pixel.png`,
  "a port": "default-src 'nonce-abc' https://b.test:443",
  "another port": "default-src 'nonce-abc' https://b.test:8443",
  "any port": "default-src 'nonce-abc' https://b.test:*",
  "strict-dynamic": "script-src 'nonce-abc' 'strict-dynamic'",
  "strict-dynamic with fallbacks": "script-src 'nonce-abc' 'strict-dynamic' 'unsafe-inline' https: http:; object-src 'none'; base-uri 'none'",
  "unsafe-inline": "script-src 'unsafe-inline'; style-src 'unsafe-inline'",
  "unsafe-eval": "script-src 'nonce-abc' 'unsafe-eval'",
  "unsafe-hashes": "script-src 'nonce-abc' 'unsafe-hashes' 'sha256-h7Ve1L9l6AC+JsCmGvUqMRDRzXNd9UjFhKB/MYPFg6M='",
  "data": "script-src 'nonce-abc' data:; img-src data:",
  "blob": "script-src 'nonce-abc'; worker-src blob:",
  "blob of workers alone": "default-src 'self' 'nonce-abc'; worker-src blob:",
  "blob of scripts alone": "default-src 'self'; script-src 'nonce-abc' blob:",
  "images": `img-src ${B}; script-src 'nonce-abc' 'self'`,
  "images, none": "img-src 'none'; script-src 'nonce-abc'",
  "frames": `frame-src ${B}`, "frames, none": "frame-src 'none'; child-src *",
  "connections": `connect-src ${B}`, "connections, self": "connect-src 'self'", "connections, none": "connect-src 'none'",
  "styles": "style-src 'nonce-abc'", "style elements": `style-src-elem 'nonce-abc' ${B}; style-src-attr 'unsafe-inline'`, "style attributes": "style-src-attr 'none'",
  "script elements": `script-src-elem 'nonce-abc' ${B}; script-src 'none'`, "script attributes": "script-src 'nonce-abc'; script-src-attr 'unsafe-inline'",
  "base": "base-uri 'self'", "base, another": `base-uri ${B}`, "base, none": "base-uri 'none'",
  "two policies": `script-src 'nonce-abc' ${B}|script-src 'nonce-abc' 'self'`,
  "two in one": `script-src 'nonce-abc' ${B}, script-src 'nonce-abc' 'self'`,
  "only reported": "?default-src 'nonce-abc'",
  "one of each": `?script-src 'nonce-abc'|img-src ${B}`,
  "upper case": "SCRIPT-SRC 'NONCE-abc' 'SELF'; IMG-SRC HTTPS://B.TEST",
  "what is unknown": "unknown-src x; script-src 'nonce-abc' 'unknown' foo",
  "twice": "script-src 'nonce-abc'; script-src *",
  "sandboxed with scripts": "sandbox allow-scripts",
  "upgrade-insecure-requests": "upgrade-insecure-requests",
  "Trusted Types": "require-trusted-types-for 'script'; script-src 'nonce-abc' 'self'",
};
each(POLICIES, "a policy", async (t, policy) => {
  const frame = put("iframe", { src: t.own("policies/tries", `&policy=${E(policy)}`) });
  return heard(frame);
});
for (const name of ["nonce", "self", "another origin", "images", "connections, self", "strict-dynamic", "base, none"]) {
  add(`a policy in markup: ${name}`, (t) => heard(put("iframe", { src: t.own("policies/tries", `&policy=&meta=${E(POLICIES[name])}`) })));
}
add("a policy by a hash", async (t) => {
  const { inline } = await digests;
  return heard(put("iframe", { src: t.own("policies/tries", `&policy=${E(`script-src 'nonce-abc' '${inline}'`)}`) }));
});
// Integrity of what is loaded, edited here or not.
const FILES = ["/policies/script.js", "/policies/plain.css", "/policies/module.js"];
for (const path of FILES) for (const origin of [A, B]) for (const good of [true, false]) {
  add(`integrity of ${path.slice(10)} of ${origin === A ? "the own origin" : "another origin"}, ${good ? "right" : "wrong"}`, async (t) => {
    const integrity = good ? (await digests)[path] : "sha256-" + "A".repeat(43) + "=";
    const css = path.endsWith(".css");
    const made = make(css ? "link" : "script", { integrity, crossOrigin: "anonymous" });
    if (css) Object.assign(made, { rel: "stylesheet", href: origin + t.own(path.slice(1)) });
    else Object.assign(made, { src: origin + t.own(path.slice(1)), type: path.includes("module") ? "module" : "" });
    const ends = once(made, "load", "error");
    window.seen = [];
    document.head.append(made);
    const { type } = await ends;
    if (css && !good) await tick(150); // it may be asked for again
    return [type, made.integrity === integrity, made.getAttribute("integrity") === integrity, window.seen];
  });
}
add("integrity of an edited sheet in markup made by script", async (t) => {
  const integrity = (await digests)["/policies/edited.css"];
  const frame = await t.frame({ srcdoc: `<link rel=stylesheet href="${t.own("policies/edited.css")}" integrity="${integrity}"><p class=edited>x</p>` });
  const width = () => getComputedStyle(frame.contentDocument.querySelector("p")).width;
  await until(() => width() === "9px", 400);
  // The sheet's image is asked for when the sheet counts.
  await until(() => frame.contentWindow.performance.getEntriesByType("resource").some(({ name }) => name.includes("pixel.png")), 400);
  return width();
});
for (const good of [true, false]) {
  add(`integrity of a fetch, ${good ? "right" : "wrong"}`, async (t) => failed(fetch(t.to("policies/script.js"), { integrity: good ? (await digests)["/policies/script.js"] : "sha384-x" }).then((one) => one.status)));
  add(`integrity of a preload, ${good ? "right" : "wrong"}`, async (t) => {
    const integrity = good ? (await digests)["/policies/script.js"] : "sha256-" + "A".repeat(43) + "=";
    window.seen = [];
    document.head.append(make("link", { rel: "preload", as: "script", href: t.own("policies/script.js"), integrity }));
    await tick(50);
    const script = make("script", { src: t.own("policies/script.js"), integrity });
    const ends = once(script, "load", "error");
    document.head.append(script);
    return [(await ends).type, window.seen];
  });
}
add("integrity without CORS", async (t) => {
  const script = make("script", { src: t.to("policies/script.js"), integrity: (await digests)["/policies/script.js"] });
  const ends = once(script, "load", "error");
  document.head.append(script);
  return (await ends).type;
});
const HEADERS = {
  "X-Frame-Options: DENY": ["X-Frame-Options", "DENY"], "X-Frame-Options: SAMEORIGIN": ["X-Frame-Options", "SAMEORIGIN"], "X-Frame-Options that is none": ["X-Frame-Options", "ALLOWALL"],
  "frame-ancestors none": ["Content-Security-Policy", "frame-ancestors 'none'"], "frame-ancestors self": ["Content-Security-Policy", "frame-ancestors 'self'"],
  "frame-ancestors the page's": ["Content-Security-Policy", `frame-ancestors ${A}`], "frame-ancestors another": ["Content-Security-Policy", `frame-ancestors ${B}`],
  "nosniff": ["X-Content-Type-Options", "nosniff"],
};
for (const origin of [A, B]) each(HEADERS, `a frame of ${origin === A ? "the own" : "another"} origin with`, async (t, [name, value]) => {
  const frame = await t.frame({ src: origin + t.own("policies/header", `&name=${name}&value=${E(value)}`) });
  try {
    return frame.contentDocument?.body?.textContent ?? "not ours";
  } catch (error) {
    return error.name;
  }
});
add("referrer policies of elements", async (t) => {
  const out = [];
  for (const referrerPolicy of ["no-referrer", "origin", "unsafe-url", "same-origin", "strict-origin", "no-referrer-when-downgrade"]) {
    const image = make("img", { referrerPolicy, src: t.to("pixel.png", `&policy=${referrerPolicy}`) });
    await once(image, "load", "error");
    out.push(image.naturalWidth);
  }
  return out;
});
for (const policy of ["no-referrer", "origin", "unsafe-url", "same-origin", "strict-origin-when-cross-origin"]) {
  add(`Referrer-Policy: ${policy}`, async (t) => {
    const frame = await t.frame({ src: t.own("policies/header", `&name=Referrer-Policy&value=${policy}`) });
    await frame.contentWindow.fetch(t.to("echo"));
    return (await frame.contentWindow.fetch(t.own("echo"))).status;
  });
}
add("Permissions-Policy", async (t) => {
  const frame = await t.frame({ src: t.own("policies/header", `&name=Permissions-Policy&value=${E(`geolocation=(), fullscreen=(self "${B}"), autoplay=*`)}`) });
  const { featurePolicy } = frame.contentDocument;
  return featurePolicy && ["geolocation", "fullscreen", "autoplay"].map((one) => featurePolicy.allowsFeature(one));
});
add("features that people are asked about", () => ["camera", "microphone", "geolocation", "payment"].map((one) => document.featurePolicy?.allowsFeature(one)));
