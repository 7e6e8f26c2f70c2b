// What pages do to other hosts: each resolves when the request is over, frames with what they tell.
const wait = (ms, value) => new Promise((done) => setTimeout(done, ms, value));
const over = (element, to, key = "src") =>
  new Promise((done) => {
    element.onload = element.onerror = () => done(null);
    element[key] = to;
    document.body.append(element);
  });
const make = (name, more = {}) => Object.assign(document.createElement(name), more);
const ways = {
  "fetch": (to) => fetch(to, { credentials: "include" }),
  "fetch, no-cors": (to) => fetch(to, { credentials: "include", mode: "no-cors" }),
  "fetch, as it is": (to) => fetch(to),
  "fetch, same-origin": (to) => fetch(to, { credentials: "same-origin" }),
  "fetch, omit": (to) => fetch(to, { credentials: "omit" }),
  "fetch, no-cors, omit": (to) => fetch(to, { credentials: "omit", mode: "no-cors" }),
  "fetch, POST": (to) => fetch(to, { credentials: "include", method: "POST", body: "x" }),
  "fetch with a preflight": (to) => fetch(to, { credentials: "include", method: "POST", body: "x", headers: { "X-Own": "1" } }),
  "fetch, no referrer": (to) => fetch(to, { credentials: "include", referrerPolicy: "no-referrer" }),
  "image, no referrer": (to) => over(make("img", { referrerPolicy: "no-referrer" }), to),
  "XHR": (to) => ways.xhr(to, false),
  "XHR with credentials": (to) => ways.xhr(to, true),
  "beacon": async (to) => void navigator.sendBeacon(to, "x"),
  "events": (to) =>
    new Promise((done) => {
      const source = new EventSource(to, { withCredentials: true });
      source.onerror = source.onmessage = () => done(source.close());
    }),
  "image": (to) => over(make("img"), to),
  "image, anonymous": (to) => over(make("img", { crossOrigin: "anonymous" }), to),
  "image, use-credentials": (to) => over(make("img", { crossOrigin: "use-credentials" }), to),
  "script": (to) => over(make("script"), to),
  "module": (to) => over(make("script", { type: "module" }), to),
  "module, use-credentials": (to) => over(make("script", { type: "module", crossOrigin: "use-credentials" }), to),
  "stylesheet": (to) => over(make("link", { rel: "stylesheet" }), to, "href"),
  "stylesheet, anonymous": (to) => over(make("link", { rel: "stylesheet", crossOrigin: "anonymous" }), to, "href"),
  "WebSocket": (to) =>
    new Promise((done) => {
      const socket = new WebSocket(to.replace(/^http/, "ws"));
      socket.onmessage = () => socket.close();
      socket.onclose = () => done(null);
    }),
  "frame": (to) =>
    new Promise((done) => {
      // Whose message it is need not be asked: one frame is made after the other.
      addEventListener("message", ({ data }) => done([data]), { once: true });
      document.body.append(make("iframe", { src: to }));
    }),
  "xhr": (to, withCredentials) =>
    new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open("GET", to);
      request.withCredentials = withCredentials;
      request.onloadend = () => done(null);
      request.send();
    }),
  "wait": (to) => wait(Number(to)),
};
const form = (to, method) => {
  const made = make("form", { action: to, method });
  for (const [name, value] of new URL(to).searchParams) made.append(make("input", { name, value }));
  document.body.append(made);
  made.submit();
};
const link = (to, more) => document.body.appendChild(make("a", { href: to, ...more })).click();
const leaving = {
  "link": (to) => link(to),
  "link, noreferrer": (to) => link(to, { rel: "noreferrer" }),
  "location": (to) => void (location = to),
  "form, GET": (to) => form(to, "get"),
  "form, POST": (to) => form(to, "post"),
  "meta refresh": (to) => {
    document.head.append(make("meta", { httpEquiv: "refresh", content: `0;url=${to}` }));
  },
};
async function run(steps) {
  const told = [];
  for (const [way, to] of steps) {
    const found = ways[way](to).then((one) => (Array.isArray(one) ? one[0] : null), () => null);
    told.push(await Promise.race([found, wait(4000, "too late")]));
  }
  return told;
}
