// Which variant a browser gets, and what the outer frame keeps and asks in each.
import assert from "node:assert/strict";
import { test } from "node:test";

const FAR = "https://www.0.i.test:8443";
let loaded = 0;

class Memory {
  #kept = new Map();
  constructor(full = false) {
    this.full = full;
  }
  getItem(key) {
    return this.#kept.get(key) ?? null;
  }
  setItem(key, value) {
    if (this.full) throw new Error("full");
    this.#kept.set(key, value);
  }
  removeItem(key) {
    this.#kept.delete(key);
  }
}

/**
 * The module in a window of its own.
 * @param {object} how what `localStorage` is (a getter), the cookies, the far frame's answers
 */
async function browser({ storage, apart = "", cookie = "", answers = {}, far = {} }) {
  const posts = [];
  const frames = [];
  const hears = new Set();
  const answering = { "/.gateway/bootstrap": {}, "/.gateway/check": {}, "/.gateway/restore": {}, ...answers };
  const jar = { cookie };
  const globals = {
    window: Object.defineProperty({}, "localStorage", { get: storage }),
    navigator: {},
    location: { hostname: "www.0.gw.test", port: "8443" },
    addEventListener: (_, hear) => hears.add(hear),
    removeEventListener: (_, hear) => hears.delete(hear),
    fetch: async (path, options) => {
      posts.push([path, JSON.parse(options.body)]);
      const answer = answering[path];
      return { status: answer.status ?? 200, json: async () => (typeof answer === "function" ? answer(jar) : answer) };
    },
    document: {
      get cookie() {
        return jar.cookie;
      },
      getElementById: () => ({ dataset: { apart } }),
      createElement: () => ({ remove() {} }),
      body: {
        append(frame) {
          const hear = (event) => [...hears].forEach((one) => one(event));
          const said = [];
          frames.push([frame.src, said]);
          frame.contentWindow = {
            postMessage(data, origin) {
              said.push([data, origin]);
              // What others say meanwhile decides nothing.
              for (const [source, from] of [[{}, FAR], [frame.contentWindow, "https://evil.test"]]) {
                hear({ source, origin: from, data: { gw: 1, type: "settled", n: data.n, ok: true, kept: true } });
              }
              const settled = { gw: 1, type: "settled", n: data.n, ok: true, kept: true, ...far };
              hear({ source: frame.contentWindow, origin: FAR, data: settled });
            },
          };
          hear({ source: frame.contentWindow, origin: "https://evil.test", data: { gw: 1, type: "settling" } });
          hear({ source: frame.contentWindow, origin: FAR, data: { gw: 1, type: "settling" } });
        },
      },
    },
  };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  const session = await import(`../src/outer/session.js?${++loaded}`);
  return { session, posts, frames, jar, hears };
}

const none = [
  () => null,
  () => undefined,
  () => {
    throw new Error("SecurityError");
  },
  () => new Memory(true),
];
const offered = (jar) => {
  jar.cookie = "a=b; __Host-gw-ickt=I";
  return { ok: true, text: "T", nonce: "N" };
};

test("with localStorage everything stays here", async () => {
  const memory = new Memory();
  const minted = { "/.gateway/bootstrap": { ok: true, ickt: "i", restore: "r" } };
  const { session, posts, frames } = await browser({ storage: () => memory, apart: ".0.i.test", answers: minted });
  assert.equal(session.suffix(), ".0.gw.test");
  assert.equal(session.ickt(), null);
  await session.ensureSession();
  await session.ensureSession();
  assert.deepEqual(posts, [["/.gateway/bootstrap", {}]]);
  assert.deepEqual([session.ickt(), memory.getItem("gw.restore"), frames], ["i", "r", []]);
});

test("a full localStorage that holds a session serves", async () => {
  const memory = new Memory();
  memory.setItem("gw.ickt", "i");
  memory.full = true;
  const { session } = await browser({ storage: () => memory, apart: ".0.i.test" });
  assert.deepEqual([session.ickt(), session.suffix()], ["i", ".0.gw.test"]);
});

test("without localStorage there are two steps", async () => {
  for (const storage of none) {
    const answers = { "/.gateway/bootstrap": offered };
    const { session, posts, frames, hears } = await browser({ storage, apart: ".0.i.test", answers });
    assert.equal(session.suffix(), ".0.i.test");
    await session.ensureSession();
    assert.equal(session.ickt(), "I");
    await session.ensureSession();
    assert.deepEqual(posts, [["/.gateway/bootstrap", { apart: true }]]);
    const settle = { type: "settle", ickt: "I", text: "T", nonce: "N", gw: 1, n: 1 };
    assert.deepEqual(frames.map(([src, [[, origin]]]) => [src, origin]), [[FAR + "/.gateway/settle", FAR]]);
    assert.deepEqual({ ...frames[0][1][0][0], n: 1 }, settle);
    assert.equal(hears.size, 0);
  }
});

test("without localStorage and domain apart it is said", async () => {
  for (const storage of none) {
    const { session, posts } = await browser({ storage });
    assert.equal(session.suffix(), ".0.gw.test");
    await assert.rejects(session.ensureSession(), session.NothingKept);
    assert.deepEqual(posts, []);
  }
});

test("a browser that keeps no cookies is told so", async () => {
  const bare = { storage: none[0], apart: ".0.i.test" };
  const here = await browser({ ...bare, answers: { "/.gateway/bootstrap": { ok: true, text: "T", nonce: "N" } } });
  await assert.rejects(here.session.ensureSession(), here.session.NothingKept);
  assert.deepEqual(here.frames, []);
  const there = await browser({ ...bare, answers: { "/.gateway/bootstrap": offered }, far: { kept: false } });
  await assert.rejects(there.session.ensureSession(), there.session.NothingKept);
  const refused = await browser({ ...bare, answers: { "/.gateway/bootstrap": offered }, far: { ok: false, kept: false } });
  await assert.rejects(refused.session.ensureSession(), (error) => !(error instanceof refused.session.NothingKept));
});

test("what is lost is mended", async () => {
  const bare = { storage: none[0], apart: ".0.i.test", cookie: "x=y; __Host-gw-ickt=I; z=" };
  const sound = await browser(bare);
  assert.equal(await sound.session.mendSession(), "sound");
  assert.deepEqual(sound.posts, []);
  assert.deepEqual(sound.frames[0][1][0][0].type, "check");
  assert.equal(sound.frames[0][1][0][0].ickt, "I");

  const gone = await browser({ ...bare, far: { kept: false }, answers: { "/.gateway/restore": offered } });
  await assert.rejects(gone.session.mendSession(), gone.session.NothingKept); // and they stay lost
  assert.deepEqual(gone.posts, [["/.gateway/restore", { apart: true }]]);
  assert.deepEqual(gone.frames.map(([, [[data]]]) => data.type), ["check", "settle"]);

  const answers = { "/.gateway/restore": { ok: false }, "/.gateway/bootstrap": offered };
  const anew = await browser({ ...bare, cookie: "", answers });
  assert.equal(await anew.session.mendSession(), "reset");
  assert.deepEqual(anew.posts.map(([path]) => path), ["/.gateway/restore", "/.gateway/bootstrap"]);
});

test("a gateway that is unwell ends no session", async () => {
  const unwell = { status: 503, title: "Try again" };
  const memory = new Memory();
  memory.setItem("gw.ickt", "i");
  memory.setItem("gw.restore", "r");
  for (const path of ["/.gateway/check", "/.gateway/restore"]) {
    const { session, posts } = await browser({ storage: () => memory, answers: { [path]: unwell } });
    await assert.rejects(session.mendSession(), /503/);
    assert.equal(posts.at(-1)[0], path);
    assert.equal(session.ickt(), "i");
  }
  const bare = { storage: none[0], apart: ".0.i.test", cookie: "__Host-gw-ickt=I", far: { kept: false } };
  const { session, posts } = await browser({ ...bare, answers: { "/.gateway/restore": unwell } });
  await assert.rejects(session.mendSession(), /503/);
  assert.equal(posts.length, 1);
});

test("only the cookie of exactly that name is the ickt", async () => {
  const bare = { storage: none[0], apart: ".0.i.test" };
  for (const [cookie, found] of [
    ["__Host-gw-icktx=1", null],
    ["x__Host-gw-ickt=1", null],
    ["a=__Host-gw-ickt=1", null],
    ["__Host-gw-ickt=1=2", "1=2"],
    ["", null],
  ]) {
    const { session } = await browser({ ...bare, cookie });
    assert.equal(session.ickt(), found, cookie);
  }
});
