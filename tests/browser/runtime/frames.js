// Documents that no server sends: they have the runtime, and what their parent has.
const FETCHING = (address) => `fetch(${JSON.stringify(address)}).then((answer) => answer.json()).then((echo) => echo.Host, (error) => error.name).then(self.heard ?? parent.heard)`;
const heard = () => new Promise((done) => (window.heard = done));
const host = async (w, address) => (await (await w.fetch(address)).json()).Host;
const blank = () => put("iframe");
// First, for every frame that is put in makes the runtime look at all of them.
add("a page's own frame by its index", (to) => host(window[0], to("echo")));
add("contentWindow.fetch", (to) => host(blank().contentWindow, to("echo")));
add("contentDocument.defaultView", (to) => host(blank().contentDocument.defaultView, to("echo")));
add("frames by index", (to) => {
  blank();
  return host(frames[frames.length - 1], to("echo"));
});
add("frames by name", (to) => {
  put("iframe", { name: "named" });
  return host(window.named, to("echo"));
});
add("frames by index, long after", async (to) => {
  blank();
  const at = window.length - 1;
  await fetch("/echo");
  return host(window[at], to("echo"));
});
for (const [name, put] of Object.entries({
  appendChild: (frame) => document.body.appendChild(frame),
  insertBefore: (frame) => document.body.insertBefore(frame, null),
  append: (frame) => document.body.append(frame),
  prepend: (frame) => document.body.prepend(frame),
  before: (frame) => document.body.appendChild(make("p")).before(frame),
  after: (frame) => document.body.appendChild(make("p")).after(frame),
  replaceWith: (frame) => document.body.appendChild(make("p")).replaceWith(frame),
  replaceChildren: (frame) => document.body.appendChild(make("p")).replaceChildren(frame),
  replaceChild: (frame) => {
    const div = document.body.appendChild(make("p"));
    div.append("x");
    div.replaceChild(frame, div.firstChild);
  },
  insertAdjacentElement: (frame) => document.body.insertAdjacentElement("beforeend", frame),
  insertNode: (frame) => {
    const range = document.createRange();
    range.selectNodeContents(document.body);
    range.insertNode(frame);
  },
  surroundContents: (frame) => {
    const range = document.createRange();
    range.selectNodeContents(document.body.appendChild(make("p")));
    range.surroundContents(frame);
  },
  moveBefore: (frame) => {
    document.body.append(frame);
    document.body.moveBefore(frame, document.body.firstChild);
  },
})) {
  add(`a frame put in by ${name}`, (to) => {
    put(make("iframe", { name: `put in by ${name}` }));
    return host(window[`put in by ${name}`], to("echo"));
  });
}
for (const [name, put] of Object.entries({
  insertAdjacentHTML: (text) => document.body.insertAdjacentHTML("beforeend", text),
  innerHTML: (text) => (document.body.appendChild(make("div")).innerHTML = text),
  outerHTML: (text) => (document.body.appendChild(make("div")).appendChild(make("p")).outerHTML = text),
  setHTMLUnsafe: (text) => document.body.appendChild(make("div")).setHTMLUnsafe(text),
})) {
  add(`a frame of markup by ${name}, at once`, (to) => {
    const before = window.length;
    put("<iframe></iframe>");
    return host(window[before], to("echo"));
  });
  add(`a frame of markup by ${name}, a little later`, async (to) => {
    const before = window.length;
    put("<iframe></iframe>");
    await new Promise((done) => setTimeout(done));
    return host(window[before], to("echo"));
  });
}
add("a frame put in after another was taken out", (to) => {
  const frame = put("iframe");
  put("p");
  frame.remove();
  put("iframe", { name: "second" });
  return host(window.second, to("echo"));
});
add("a frame in a fragment", (to) => {
  const before = window.length;
  const fragment = document.createDocumentFragment();
  fragment.append(make("iframe"));
  document.body.append(fragment);
  return host(window[before], to("echo"));
});
add("a frame in a frame", (to) => {
  const inner = blank().contentDocument;
  const deep = inner.body.appendChild(inner.createElement("iframe"));
  return host(deep.contentWindow, to("echo"));
});
add("a frame in a frame by index", (to) => {
  const w = blank().contentWindow;
  w.document.body.append(w.document.createElement("iframe"));
  return host(w[0], to("echo"));
});
add("a frame in a shadow tree", (to) => {
  const root = put("div").attachShadow({ mode: "open" });
  root.innerHTML = "<iframe></iframe>";
  return host(root.firstChild.contentWindow, to("echo"));
});
const page = () => URL.createObjectURL(new Blob(["<p>x"], { type: "text/html" }));
for (const key of ["contentWindow", "contentDocument"]) {
  add(`an object's ${key}`, async (to) => {
    const object = put("object", { type: "text/html", data: page() });
    await once(object, "load");
    return host(object[key].defaultView ?? object[key], to("echo"));
  });
}
add("frames of a frameset", async () => {
  const frame = put("iframe", { src: "/frameset" });
  await once(frame, "load");
  return frame.contentWindow.early;
});
add("a blank frame by its address", async (to) => {
  const frame = put("iframe", { src: "about:blank" });
  await host(frame.contentWindow, to("echo"));
  return [frame.contentWindow.location.href, frame.contentDocument.URL, frame.contentDocument.baseURI === document.baseURI];
});
add("script in a blank frame", (to) => {
  const answer = heard();
  const inner = blank().contentDocument;
  inner.body.appendChild(inner.createElement("script")).textContent = FETCHING(to("echo"));
  return answer;
});
add("a document written into a frame", (to) => {
  const answer = heard();
  const inner = blank().contentDocument;
  inner.open();
  inner.write(`<!doctype html><script>${FETCHING(to("echo"))}</scr` + "ipt>");
  inner.close();
  return answer;
});
add("a document written into frames[n]", (to) => {
  const answer = heard();
  blank();
  frames[frames.length - 1].document.write(`<script>${FETCHING(to("echo"))}</scr` + "ipt>");
  return answer;
});
add("eval in a frame", (to) => host(blank().contentWindow.eval("window"), to("echo")));
add("parts of a frame's window", async (to) => {
  const w = blank().contentWindow;
  const request = new w.Request(to("x"));
  const link = Object.assign(w.document.createElement("a"), { href: to("x") });
  const image = new w.Image();
  image.src = to("pixel.png");
  return [request.url, link.href, link.host, await width(image), w.fetch !== fetch, w.Request !== Request];
});
add("own addresses in a blank frame", (to) => {
  const { document: inner } = blank().contentWindow;
  const link = Object.assign(inner.createElement("a"), { href: "/x" });
  return [own(link.href), link.host === location.host];
});
add("cookies and storage of a blank frame", () => {
  const { document: inner, localStorage: store, origin } = blank().contentWindow;
  localStorage.mark = "1";
  return [document.cookie, inner.cookie, store.mark, origin === location.origin, inner.referrer === location.href];
});
const srcdoc = (to) => `<!doctype html><title>x</title><p id=p>text</p><img src="${to("pixel.png")}"><script>${FETCHING(to("echo"))}</scr` + "ipt>";
const inside = async (frame) => {
  if (frame.contentDocument.readyState !== "complete") await once(frame, "load");
  const { document: inner } = frame.contentWindow;
  return [await widths(inner), inner.scripts.length, inner.head.children.length, inner.compatMode, inner.URL];
};
for (const [name, set] of Object.entries({
  "by property": (frame, text) => (frame.srcdoc = text),
  "by attribute": (frame, text) => frame.setAttribute("srcdoc", text),
})) {
  add(`srcdoc ${name}`, async (to) => {
    const answer = heard();
    const frame = make("iframe");
    set(frame, srcdoc(to));
    document.body.append(frame);
    const result = await answer;
    return [result, ...(await inside(frame))];
  });
}
add("srcdoc by script has the parent's cookies", async () => {
  const frame = put("iframe", { srcdoc: "<p>x" });
  await once(frame, "load");
  return [document.cookie, frame.contentDocument.cookie];
});
add("srcdoc in markup", async (to) => {
  const answer = heard();
  const div = put("div");
  div.innerHTML = `<iframe srcdoc="${srcdoc(to).replace(/&/g, "&amp;").replace(/"/g, "&quot;")}"></iframe>`;
  return [await answer, ...(await inside(div.firstChild))];
});
add("srcdoc in markup by setHTMLUnsafe", (to) => {
  const answer = heard();
  put("div").setHTMLUnsafe(`<iframe srcdoc="${srcdoc(to).replace(/&/g, "&amp;").replace(/"/g, "&quot;")}"></iframe>`);
  return answer;
});
add("srcdoc reads as it was set", (to) => {
  const text = "<p>text</p>";
  const frame = make("iframe", { srcdoc: text });
  return [frame.srcdoc, frame.getAttribute("srcdoc")];
});
add("srcdoc made by the server", async () => {
  const frame = document.querySelector("#srcdoc");
  return [frame.contentWindow.result, frame.contentDocument.cookie, ...(await inside(frame))];
});
add("a frame's blob: document", async (to) => {
  const answer = heard();
  const blob = new Blob([`<script>${FETCHING(to("echo"))}</scr` + "ipt>"], { type: "text/html" });
  const frame = put("iframe", { src: URL.createObjectURL(blob) });
  await once(frame, "load");
  return [await answer, await host(frame.contentWindow, to("echo"))];
});
add("a script in a blob: URL", async (to) => {
  const answer = heard();
  put("script", { src: URL.createObjectURL(new Blob([FETCHING(to("echo"))], { type: "text/javascript" })) });
  return answer;
});
add("a frame that comes home", async (to) => {
  const frame = blank();
  frame.contentWindow.location = "/inner";
  await once(frame, "load");
  return [await host(frame.contentWindow, to("echo")), frame.contentDocument.scripts.length, own(frame.contentWindow.location.href)];
});
add("a frame's location elsewhere", async (to) => {
  const frame = put("iframe", { src: "/inner" });
  await once(frame, "load");
  frame.contentWindow.location.href = to("frame");
  await once(frame, "load");
  return frame.contentDocument;
});
add("a link into a named frame", async (to) => {
  const frame = put("iframe", { name: "aim" });
  put("a", { href: to("frame"), target: "aim" }).click();
  await once(frame, "load");
  return frame.contentDocument;
});
add("window.open into a named frame", async (to) => {
  const frame = put("iframe", { name: "opened" });
  const w = window.open(to("frame"), "opened");
  await once(frame, "load");
  return [w === frame.contentWindow, frame.contentDocument];
});
add("a form into a named frame", async (to) => {
  const frame = put("iframe", { name: "formed" });
  const form = put("form", { action: to("landed"), method: "post", target: "formed" });
  form.append(make("input", { name: "q", value: "ä" }));
  form.submit();
  await once(frame, "load");
  return form.target;
});
add("messages to a frame of the own origin", async () => {
  const frame = put("iframe", { src: "/inner" });
  await once(frame, "load");
  const answer = heard();
  frame.contentWindow.onmessage = (event) => answer && window.heard([event.origin === location.origin, event.data]);
  frame.contentWindow.postMessage("x", A);
  return answer;
});
add("a page's own frame in its markup", (to) => host(document.querySelector("#blank").contentWindow, to("echo")));
add("a page's own frame by its index, from the start", () => window.early);
