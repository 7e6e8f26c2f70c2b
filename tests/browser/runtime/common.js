// What every page of cases begins with.  A case is told how to name foreign resources, so that
// the origins can tell whose request came; what it gives back is compared with a direct load.
const A = "https://a.test";
const B = "https://b.test";
const PORT = "https://b.test:8443";
const cases = new Map();
const add = (name, run) => cases.set(name, run);

const once = (target, ...types) =>
  new Promise((done) => types.forEach((type) => target.addEventListener(type, done, { once: true })));
const make = (name, more = {}) => Object.assign(document.createElement(name), more);
const put = (name, more) => document.body.appendChild(make(name, more));
const width = async (image) => {
  if (!image.complete) await once(image, "load", "error");
  return image.naturalWidth;
};
const widths = (root) => Promise.all(Array.from(root.querySelectorAll("img"), width));
const xhr = (address, sync = false) => new Promise((done) => {
  const request = new XMLHttpRequest();
  request.onload = () => done([request.responseURL, JSON.parse(request.responseText)]);
  request.onerror = () => done("error");
  request.open("GET", address, !sync);
  request.send();
});
const socket = (address) => new Promise((done) => {
  const made = new WebSocket(address);
  made.onmessage = ({ data, origin }) => {
    done([made.url, origin, JSON.parse(data)]);
    made.close();
  };
  made.onerror = () => done("error");
});
const own = (text) => new URL(text).origin === location.origin;
const said = (text) => text.replace(/https?:..[^/]*\.test(:\d+)?/g, "<own>");

async function run(name) {
  const query = encodeURIComponent(name).replace(/['()]/g, (one) => `%${one.charCodeAt().toString(16)}`);
  const to = (kind) => `${B}/${kind}?case=${query}`;
  const late = new Promise((done) => setTimeout(done, 4000, "too late"));
  try {
    return (await Promise.race([cases.get(name)(to, name), late])) ?? null;
  } catch (error) {
    return `${error.name}: ${said(error.message)}`;
  }
}
async function runAll() {
  const results = {};
  for (const name of cases.keys()) results[name] = await run(name);
  return results;
}
