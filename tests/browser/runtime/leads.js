// Ways on from a page, each by the address that it reads of itself.
const click = (element) => {
  document.body.append(element);
  element.click();
};
const made = (name, value) => Object.assign(document.createElement(name), value);
const LEADS = {
  "assign": (to) => location.assign(to),
  "replace": (to) => location.replace(to),
  "href": (to) => { location.href = to; },
  "location": (to) => { location = to; },
  "window.location": (to) => { window.location = to; },
  "document.location": (to) => { document.location = to; },
  "a path": (to) => { location.href = new URL(to).pathname + new URL(to).search; },
  "without a scheme": (to) => { location.href = to.replace(/^https:/, ""); },
  "pathname": () => { location.pathname = "/arrived"; },
  "search": () => { history.replaceState(null, "", "/arrived"); location.search = "?by-search"; },
  "host": () => { history.replaceState(null, "", "/arrived?by-host"); location.host = location.host; },
  "hostname elsewhere": () => { history.replaceState(null, "", "/arrived?by-hostname"); location.hostname = "b.test"; },
  "reload": () => { history.replaceState(null, "", "/arrived?reloaded"); location.reload(); },
  "a URL object": (to) => { location = new URL(to); },
  "open": (to) => { open(to, "_self"); },
  "navigation": (to) => { navigation.navigate(to); },
  "link": (to) => click(made("a", { href: to })),
  "link by its parts": (to) => { const link = made("a", { href: "/x" }); link.pathname = "/arrived"; link.search = new URL(to).search; click(link); },
  "form": (to) => { const form = made("form", { action: to, method: "get" }); form.append(made("input", { name: "lead", value: "form" })); document.body.append(form); form.submit(); },
  "posted form": (to) => { const form = made("form", { action: to, method: "post" }); document.body.append(form); form.submit(); },
  "form without an action": () => { history.replaceState(null, "", "/arrived?formed"); const form = made("form", { method: "post" }); document.body.append(form); form.submit(); },
  "javascript:": (to) => { window.to = to; location.href = "javascript:location.replace(window.to), undefined"; },
  "handler": (to) => { window.to = to; document.body.innerHTML = "<b onclick='location = to'>x</b>"; document.querySelector("b").click(); },
  "timer": (to) => { window.to = to; setTimeout("location.href = to", 1); },
  "written script": (to) => { window.to = to; document.body.append(document.createRange().createContextualFragment("<script>window.location.assign(to)</script>")); },
  "refresh": (to) => { document.head.append(made("meta", { httpEquiv: "refresh", content: "0;url=" + to })); },
  "sign-in": (to) => { location.href = "https://b.test/redirect?to=" + encodeURIComponent(to); },
  "checked": (to) => { location.href = /^https:\/\/a\.test(:|$)/.test(location.origin) ? to : "/arrived?caught"; },
  "a parent's": (to) => parent.location.pathname === "/leads" && location.assign(to + "&parent"),
  "a router": (to) => {
    history.pushState({ n: 1 }, "", location.href.replace(/\?.*/, "/deep?x"));
    addEventListener("popstate", ({ state }) => location.assign(`${to}&${state}&${location.pathname}`));
    history.back();
  },
};
// A page of its own for each, in a frame; some at a time.
const led = async (name) => {
  const frame = document.createElement("iframe");
  const found = new Promise((done) => {
    addEventListener("message", (event) => event.source === frame.contentWindow && done([event.origin, event.data]));
    setTimeout(done, 20000, "too late");
  });
  frame.src = "/lead?" + encodeURIComponent(name);
  document.body.append(frame);
  const arrived = await found;
  frame.remove();
  return [name, arrived];
};
const leads = async () => {
  const names = Object.keys(LEADS);
  const out = {};
  while (names.length) Object.assign(out, Object.fromEntries(await Promise.all(names.splice(0, 6).map(led))));
  return out;
};
if (location.pathname === "/lead") {
  const name = decodeURIComponent(location.search.slice(1));
  addEventListener("load", () => setTimeout(() => LEADS[name](`${location.origin}/arrived?lead=${encodeURIComponent(name)}`)));
}
