// Those who watch a document: frameworks that look again at what they wrote, and who measures.
const watched = async (root, how, act) => {
  const seen = [];
  const note = (list) => list.forEach(({ type, attributeName, oldValue, addedNodes, removedNodes, target }) => seen.push([type, attributeName ?? target.nodeName, oldValue && own(oldValue), addedNodes.length, removedNodes.length].filter((one) => one !== null)));
  const observer = new MutationObserver(note);
  observer.observe(root, how);
  await act();
  await tick(60); // also for what is loaded
  note(observer.takeRecords());
  observer.disconnect();
  return seen;
};
const ALL = { attributes: true, attributeOldValue: true, childList: true, subtree: true, characterData: true, characterDataOldValue: true };
const table = {
  "an address by its property": (t, div) => (div.appendChild(make("a")).href = t.to("x")),
  "an own address by its property": (t, div) => (div.appendChild(make("a")).href = "/x"),
  "an address by setAttribute": (t, div) => div.appendChild(make("a")).setAttribute("href", t.to("x")),
  "an address that is set twice": (t, div) => { const a = div.appendChild(make("a", { href: t.to("x") })); a.href = t.to("x"); a.href = t.to("y"); },
  "an image": (t, div) => (div.appendChild(make("img")).src = t.to("pixel.png")),
  "a srcset": (t, div) => (div.appendChild(make("img")).srcset = `${t.to("pixel.png")} 1x`),
  "a style": (t, div) => { const one = div.appendChild(make("i")); one.style.backgroundImage = `url(${t.to("pixel.png")})`; one.style.width = "1px"; },
  "a style as text": (t, div) => div.appendChild(make("i")).setAttribute("style", `background: url(${t.to("pixel.png")})`),
  "markup": (t, div) => (div.innerHTML = `<p><a href="${t.to("x")}">x</a></p>text`),
  "markup at the end": (t, div) => div.insertAdjacentHTML("beforeend", `<img src="${t.to("pixel.png")}">`),
  "markup instead of an element": (t, div) => (div.appendChild(make("p")).outerHTML = `<a href="${t.to("x")}">x</a>`),
  "a blank frame": (t, div) => div.append(make("iframe")),
  "a frame with srcdoc": (t, div) => div.append(make("iframe", { srcdoc: "<p>x" })),
  "a foreign frame": async (t, div) => { const frame = make("iframe", { src: t.to("frame") }); div.append(frame); await once(frame, "load"); },
  "a script": async (t, div) => { const one = make("script", { src: t.to("script.js") }); div.append(one); await once(one, "load"); },
  "an inline script": (t, div) => div.append(make("script", { textContent: "1" })),
  "a text": (t, div) => { div.append("a"); div.firstChild.data = "b"; div.textContent = "c"; },
  "a link that is clicked": (t, div) => { const a = make("a", { href: "#clicked" }); div.append(a); a.click(); history.replaceState(null, "", location.pathname); },
  "a foreign link whose click is prevented": (t, div) => { const a = make("a", { href: t.to("x") }); a.onclick = () => false; div.append(a); a.click(); },
  "a form that is sent": async (t, div) => { const frame = make("iframe", { name: "aim" }); const form = make("form", { action: "/agents/page", target: "aim" }); div.append(frame, form); form.requestSubmit(); await once(frame, "load"); },
  "forms that are posted, or not": async (t, div) => {
    const frame = make("iframe", { name: "aimed" });
    const form = make("form", { action: "/agents/page", method: "post", target: "aimed" });
    const other = make("form", { action: t.to("x"), method: "post" });
    other.onsubmit = () => false;
    div.append(frame, form, other);
    form.requestSubmit();
    other.requestSubmit();
    await once(frame, "load");
  },
  "a focus and an input": (t, div) => { const one = div.appendChild(make("input")); one.focus(); one.value = "x"; one.dispatchEvent(new Event("input")); },
};
for (const [name, act] of Object.entries(table)) {
  add(`records of ${name}`, async (t) => {
    const div = put("div");
    return watched(div, ALL, () => act(t, div));
  });
}
add("records of a whole document's start", async () => {
  const { contentWindow: w } = await framed("/watching/early");
  return w.records;
});
add("nodes of a whole document's start", async () => {
  const { contentDocument: inner } = await framed("/watching/early");
  await until(() => inner.documentElement.ariaDisabled === null, 500);
  return own(inner.documentElement.outerHTML);
});
add("records while nothing happens", () => watched(document, ALL, () => tick(100)));
add("the first script of a page", async () => (await framed("/watching/first")).contentWindow.first);
add("what was written is what is read", (t) => {
  const div = put("div");
  const text = `<a href="${t.to("x")}" title="${B}">x</a><img alt="a" srcset="${t.to("pixel.png")} 2x"><p style="background: url(${t.to("pixel.png")})">&amp;</p>`;
  div.innerHTML = text;
  const [a, img, p] = div.children;
  return [div.innerHTML === text, div.innerHTML, a.getAttribute("href"), img.getAttribute("srcset"), p.getAttribute("style"), p.style.background, a.attributes.href.value, new XMLSerializer().serializeToString(a)];
});
add("what was written is what is read, of each attribute", (t) => {
  const seen = [];
  for (const [tag, name] of [["a", "href"], ["a", "ping"], ["area", "href"], ["img", "src"], ["img", "srcset"], ["img", "longdesc"], ["iframe", "src"], ["form", "action"], ["button", "formaction"], ["input", "formaction"], ["input", "src"], ["link", "href"], ["link", "imagesrcset"], ["script", "src"], ["source", "src"], ["track", "src"], ["video", "poster"], ["video", "src"], ["audio", "src"], ["embed", "src"], ["object", "data"], ["object", "codebase"], ["blockquote", "cite"], ["q", "cite"], ["ins", "cite"], ["del", "cite"], ["body", "background"], ["html", "manifest"]]) {
    const one = make(tag);
    const text = t.to("mark");
    one.setAttribute(name, text);
    seen.push([tag, name, one.getAttribute(name) === text, one.attributes[0].value === text, one.outerHTML.includes(B), one.cloneNode().getAttribute(name) === text]);
  }
  return seen;
});
add("attributes as selectors find them", async (t) => {
  const div = put("div");
  div.innerHTML = `<a href="${t.to("x")}">x</a>`;
  const { contentDocument: inner } = await framed(`/watching/server?case=${t.slug}`);
  return [div.querySelectorAll(`a[href^="${B}"]`).length, div.querySelectorAll("a[href*='b.test']").length, inner.querySelectorAll('a[href^="https://b.test"]').length];
});
add("attributes of the server as they read", async (t) => {
  const { contentDocument: inner } = await framed(`/watching/server?case=${t.slug}`);
  return [inner.querySelectorAll("a[href^='https']").length, inner.links[0].getAttribute("href"), inner.links[0].href, inner.links[0].host, inner.body.innerHTML];
});
add("parts of an address as links have them", (t) => {
  const a = put("a", { href: `https://user:pw@b.test:8443/p?q#h` });
  const seen = [a.href, a.protocol, a.host, a.hostname, a.port, a.pathname, a.search, a.hash, a.username, a.password, a.origin, `${a}`];
  a.hostname = "c.test";
  a.port = "";
  a.pathname = "/new";
  return [...seen, a.href, a.getAttribute("href")];
});
add("a clone, an import and a template", (t) => {
  const a = make("a", { href: t.to("x") });
  const other = document.implementation.createHTMLDocument("");
  const template = make("template", { innerHTML: a.outerHTML });
  return [a.cloneNode(true).getAttribute("href"), other.importNode(a).getAttribute("href"), other.adoptNode(a.cloneNode()).outerHTML, template.innerHTML, template.content.firstChild.href, a.isEqualNode(a.cloneNode()), a.isEqualNode(template.content.firstChild)];
});
add("the list of scripts and links", () => [document.scripts.length, [...document.scripts].map((one) => path(one.src)), document.links.length, document.forms.length, document.head.children.length, document.documentElement.getAttributeNames(), document.documentElement.children.length, document.body.children.length]);
add("names of the global object", () => Object.keys(window).filter((one) => /gw|gateway/i.test(one)).concat(Object.getOwnPropertyNames(document).filter((one) => one !== "location")));
add("an IntersectionObserver", async () => {
  const div = put("div", { style: "width: 10px; height: 10px" });
  const [{ isIntersecting, intersectionRatio, boundingClientRect, target }] = await new Promise((done) => new IntersectionObserver(done).observe(div));
  return [isIntersecting, intersectionRatio, boundingClientRect.width, target === div];
});
add("an IntersectionObserver's root and margin", async () => {
  put("div", { style: "height: 3000px" });
  const near = put("div", { style: "height: 10px" });
  near.style.marginTop = `${innerHeight - 2500}px`;
  const observer = new IntersectionObserver(() => 0, { rootMargin: "5000px" });
  const heard = new Promise((done) => new IntersectionObserver(done, { rootMargin: "5000px" }).observe(near));
  const [{ isIntersecting, rootBounds }] = await heard;
  return [isIntersecting, rootBounds !== null, observer.root, observer.rootMargin, observer.thresholds];
});
add("an IntersectionObserver with a root of its own", async () => {
  const root = put("div", { style: "width: 50px; height: 50px; overflow: auto", innerHTML: "<p style='height: 500px'></p><i style='display: block; height: 5px'></i>" });
  const seen = [];
  const observer = new IntersectionObserver((list) => seen.push(...list.map(({ isIntersecting, rootBounds }) => [isIntersecting, rootBounds?.width])), { root });
  observer.observe(root.lastChild);
  await tick(60);
  root.scrollTop = 999;
  await until(() => seen.length > 1);
  return seen;
});
add("a ResizeObserver", async () => {
  const div = put("div", { style: "width: 10px; height: 20px" });
  const seen = [];
  const observer = new ResizeObserver(([{ contentRect, borderBoxSize }]) => seen.push([contentRect.width, contentRect.height, borderBoxSize.length]));
  observer.observe(div);
  await until(() => seen.length === 1);
  div.style.width = "30px";
  await until(() => seen.length === 2);
  return seen;
});
add("a lazy image that comes near", async (t) => {
  put("div", { style: "height: 20000px" });
  const image = put("img", { loading: "lazy", src: t.to("pixel.png"), width: 3, height: 2 });
  await tick(100);
  const before = image.complete;
  image.scrollIntoView();
  await once(image, "load", "error");
  scrollTo(0, 0);
  return [before, image.naturalWidth];
});
add("sizes of the window", () => [innerWidth, innerHeight > 500, document.documentElement.clientWidth, visualViewport.width, visualViewport.scale, devicePixelRatio, matchMedia("(min-width: 400px)").matches, screen.width > 0, scrollX, scrollY]);
add("scrolling", async () => {
  put("div", { style: "height: 5000px" });
  const heard = once(document, "scroll");
  scrollTo({ top: 321 });
  await heard;
  const seen = [scrollY, document.scrollingElement === document.documentElement];
  scrollTo(0, 0);
  return seen;
});
add("animation frames and idle times", async () => [typeof (await new Promise(requestAnimationFrame)), typeof (await new Promise((done) => requestIdleCallback(done, { timeout: 500 }))).didTimeout, document.visibilityState, document.hidden]);
add("matchMedia and its changes", async () => {
  const frame = await framed(AGENT, { style: "width: 100px" });
  const query = frame.contentWindow.matchMedia("(min-width: 200px)");
  const heard = once(query, "change");
  frame.style.width = "300px";
  return [query.media, (await heard).matches];
});
