// What every page of cases begins with.  What a case gives back is compared with a direct load,
// and so are the requests that came to the origins and the errors on the console meanwhile.
const A = "https://a.test", B = "https://b.test", C = "https://c.test";
const SUB = "https://sub.a.test", PORT = "https://a.test:8443", PLAIN = "http://h.test";
const cases = new Map();
const add = (name, run) => {
  if (cases.has(name)) throw new Error(`twice: ${name}`);
  cases.set(name, run);
};
const each = (table, title, run) => {
  for (const [name, value] of Object.entries(table)) add(`${title}: ${name}`, (t) => run(t, value, name));
};
const slug = (name) => name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
const once = (target, ...types) =>
  new Promise((done) => types.forEach((type) => target.addEventListener(type, done, { once: true })));
const make = (name, more = {}) => Object.assign(document.createElement(name), more);
const put = (name, more) => document.body.appendChild(make(name, more));
const failed = (promise) => promise.then((value) => value, (error) => error.name);
// The page's own origin, however it is called: values of its own are compared by their own names.
const own = (text) => text.replaceAll(location.origin, A);
const tick = (milliseconds = 0) => new Promise((done) => setTimeout(done, milliseconds));
const until = async (condition, milliseconds = 3000) => {
  const end = performance.now() + milliseconds;
  for (;;) {
    const found = await condition();
    if (found || performance.now() > end) return found;
    await tick(10);
  }
};

// What a case is told: how to name things so that origins can tell whose request came.
class T {
  constructor(name) {
    this.name = name;
    this.slug = slug(name);
  }
  // An address of another origin, and one of the own.
  to(kind, more = "", origin = B) {
    return `${origin}/${kind}?case=${this.slug}${more}`;
  }
  own(kind, more = "") {
    return `/${kind}?case=${this.slug}${more}`;
  }
  // A frame that has loaded.
  async frame(more = {}) {
    const frame = make("iframe", more);
    const loaded = once(frame, "load");
    document.body.append(frame);
    await loaded;
    return frame;
  }
  // What a frame shows of a page that echoes ("/landed"), as its origin saw the request.
  landed(frame) {
    const told = JSON.parse(frame.contentDocument.querySelector("pre").textContent);
    const [, boundary] = /boundary=(.+)/.exec(told["Content-Type"]) ?? [];
    return boundary ? JSON.parse(JSON.stringify(told).replaceAll(boundary, "BOUNDARY")) : told;
  }
  // Do something that loads a frame, and wait for it.
  async loads(frame, act) {
    const loaded = once(frame, "load");
    await act();
    await loaded;
    return frame;
  }
}

async function run(name) {
  const before = new Set(document.body.childNodes);
  const late = new Promise((done) => setTimeout(done, 5000, "too late"));
  let result;
  try {
    result = (await Promise.race([cases.get(name)(new T(name)), late])) ?? null;
  } catch (error) {
    result = `${error.name}: ${error.message}`;
  }
  for (const one of [...document.body.childNodes]) if (!before.has(one)) one.remove();
  return result;
}
const marked = (name) => fetch(`/mark?begins=${encodeURIComponent(name)}`).then((one) => one.text());
async function runAll(part = "") {
  const results = {};
  for (const name of cases.keys()) {
    if (!name.includes(part)) continue;
    await marked(name);
    console.info(`begins: ${name}`);
    results[name] = await run(name);
    await tick();
  }
  await marked("");
  console.info("begins: ");
  return results;
}
