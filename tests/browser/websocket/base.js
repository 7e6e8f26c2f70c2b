// What cases of pages and workers begin with.  A case gives back a value, which is the same
// directly, through the gateway, and where the gateway's client had to take its other way.
const A = "wss://a.test", B = "wss://b.test", WEB = "https://a.test";
const PLACE = typeof window === "undefined" ? "worker" : "page";
const cases = new Map();
// `only` names the one place where a case makes sense.
const add = (name, run, only) => {
  if (cases.has(name)) throw new Error(`twice: ${name}`);
  if (!only || only === PLACE) cases.set(name, run);
};
const each = (table, title, run, only) => {
  for (const [name, value] of Object.entries(table)) add(`${title}: ${name}`, (t) => run(t, value, name), only);
};
const tick = (milliseconds = 0) => new Promise((done) => setTimeout(done, milliseconds));
const once = (target, ...types) =>
  new Promise((done) => types.forEach((type) => target.addEventListener(type, done, { once: true })));
const until = async (condition, milliseconds = 10000) => {
  const end = performance.now() + milliseconds;
  for (;;) {
    const found = condition();
    if (found || performance.now() > end) return found;
    await tick(5);
  }
};
// The page's own host, however it is called.
const own = (text) => `${text}`.replaceAll(location.host, "a.test");
const thrown = (act) => {
  try {
    return ["no exception", act()].slice(0, 1);
  } catch (error) {
    return [error instanceof DOMException ? "DOMException" : error.constructor.name, error.name, error.code ?? null, own(error.message)];
  }
};
const octets = (data) => Array.from(new Uint8Array(data instanceof ArrayBuffer ? data : data.buffer));
const hash = async (data) => {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data instanceof Blob ? await data.arrayBuffer() : data;
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return `${bytes.byteLength} octets, ${octets(digest).slice(0, 8).map((one) => one.toString(16).padStart(2, "0")).join("")}`;
};
const shown = (data) =>
  typeof data === "string" ? (data.length > 100 ? `${data.length} characters` : data)
  : data instanceof Blob ? `Blob of ${data.size}` : data instanceof ArrayBuffer ? `ArrayBuffer of ${data.byteLength}` : typeof data;
const described = (event) =>
  event.type === "close" ? ["close", event.code, event.reason, event.wasClean]
  : event.type === "message" ? ["message", shown(event.data)] : [event.type];

class T {
  #name;
  #count = 0;
  #open = [];
  constructor(name) {
    this.#name = `${PLACE}-${name}`.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  }
  // The name of the latest connection, by which the server remembers it.
  get id() {
    return `${this.#name}-${this.#count}`;
  }
  // An address whose server does these steps.
  to(run = "echo", more = {}, origin = A) {
    this.#count++;
    const query = new URLSearchParams({ id: this.id, run, ...more });
    return `${origin}/ws?${query}`;
  }
  keep(socket) {
    this.#open.push(socket);
    return socket;
  }
  // A socket whose server does these steps.
  made(run, more, protocols, origin) {
    const url = this.to(run, more, origin);
    return this.keep(protocols === undefined ? new WebSocket(url) : new WebSocket(url, protocols));
  }
  async open(run, more, protocols, origin) {
    const socket = this.made(run, more, protocols, origin);
    await once(socket, "open", "close");
    return socket;
  }
  // Events as they come, each with the state that the socket is in then.
  log(socket) {
    const log = [];
    for (const type of ["open", "message", "error", "close"]) {
      socket.addEventListener(type, (event) => log.push([...described(event), socket.readyState]));
    }
    return log;
  }
  // The whole story of a socket.
  async story(socket) {
    const log = this.log(socket);
    await once(socket, "close");
    await tick(30);
    return log;
  }
  // The next messages.
  messages(socket, count) {
    return new Promise((done) => {
      const found = [];
      const take = ({ data }) => {
        found.push(data);
        if (found.length === count) {
          socket.removeEventListener("message", take);
          done(found);
        }
      };
      socket.addEventListener("message", take);
    });
  }
  // What the server heard on the connections of that name.
  async heard(id = this.id) {
    return (await fetch(`${WEB}/heard?id=${id}`)).json();
  }
  async handshakes(id = this.id) {
    return (await fetch(`${WEB}/handshakes?id=${id}`)).json();
  }
  end() {
    for (const one of this.#open) if (one.readyState < 2) one.close();
  }
}

async function run(name) {
  const t = new T(name);
  const late = new Promise((done) => setTimeout(done, 40000, "too late"));
  try {
    return (await Promise.race([cases.get(name)(t), late])) ?? null;
  } catch (error) {
    return `${error.name}: ${own(error.message)}`;
  } finally {
    t.end();
  }
}
// Some at a time: browsers let few handshakes with one host wait for each other.
async function runAll(part = "", at_once = 5) {
  const results = {};
  const left = [...cases.keys()].filter((name) => name.includes(part));
  await Promise.all(Array.from({ length: at_once }, async () => {
    for (let name; (name = left.shift()) !== undefined; ) {
      const began = performance.now();
      results[name] = await run(name);
      const took = performance.now() - began;
      if (took > 1500) console.info(`slow: ${name}: ${Math.round(took)} ms`);
    }
  }));
  return Object.fromEntries([...cases.keys()].filter((name) => name in results).map((name) => [name, results[name]]));
}
