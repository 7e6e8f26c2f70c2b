// What every worker tries; `to` names foreign resources.
const told = (error) => error.name;
const tries = async (to) => {
  const host = async (path) => (await (await fetch(to(path))).json()).Host;
  const all = [];
  all.push(await host("echo").catch(told));
  all.push(await fetch(to("echo")).then((one) => one.url, told));
  all.push(new Request(to("x")).url);
  all.push(await new Promise((done) => {
    if (typeof XMLHttpRequest !== "function") return done("none");
    const request = new XMLHttpRequest();
    request.onload = () => done(request.responseURL);
    request.onerror = () => done("error");
    request.open("GET", to("echo"));
    request.send();
  }));
  all.push(await new Promise((done) => {
    const made = new WebSocket(to("socket").replace("https", "wss"));
    made.onmessage = ({ data, origin }) => { done([made.url, origin, JSON.parse(data).origin]); made.close(); };
    made.onerror = () => done("error");
  }));
  all.push(await new Promise((done) => {
    if (typeof EventSource !== "function") return done("none");
    const source = new EventSource(to("events"));
    source.onmessage = ({ data, origin }) => { done([data, origin, source.url]); source.close(); };
    source.onerror = () => done("error");
  }));
  all.push(typeof FontFace === "function" && await new FontFace("x", "url(" + to("font.ttf") + ")").load().catch(told));
  return all;
};
const places = (pattern) => (path) => pattern.replace("PATH", path) + "&by=" + path;
const imported = (to) => {
  try {
    importScripts(to("script.js"));
    return self.ran;
  } catch (error) {
    return error.name;
  }
};
