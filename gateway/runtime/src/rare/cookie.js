// Scripts' cookies: writes and their carriers, what other documents and answers changed.
//
// What a page wrote counts until an answer has taken it (its carrier is gone then); what an
// answer says counts by the version of the jar that it speaks of.
import { encode, keyOf, parse, put, shown } from "../shared/cookies.js";
import { apply } from "../shared/hooks.js";
import { isOdd, read as readText } from "../shared/urls.js";
import { asked } from "./asked.js";

/** @typedef {import("../inner/cookie.js").Jar} Jar */
/** @typedef {import("../shared/cookies.js").Row} Row */

const PATH = "/.gateway/cookies";
const PART = /^__Host-gw-(w|sync)-(\w+)=(.*)$/;
const CARRIERS = 8;
const CARRIER = 3800;
const BODY = 15000;
// The gateway takes so many and eight carriers of one request (MAX_TAKEN).
const LINES = 24;
const RETRIES = 3;

/** @type {WeakMap<Jar, ReturnType<typeof begin>>} */
const states = new WeakMap();

/** @param {Jar} jar */
function begin(jar) {
  const { w, native, fetch } = jar;
  // Other hosts may have changed what is seen here: better asked for now than at the next read.
  w.addEventListener("visibilitychange", () => {
    if (!w.document.hidden) refresh(jar);
  });
  w.addEventListener("pageshow", (/** @type {any} */ { persisted }) => {
    if (persisted) stateOf(jar).stale = true;
  });
  const stale = jar.seen === 0 || w.performance.navigation.type > 1;
  jar.seen = undefined;
  return {
    stale,
    /** The native cookies that were merged. */
    seen: "",
    later: w.setTimeout.bind(w),
    ask: (/** @type {RequestInit} */ init) => fetch.call(w, w.location.origin + PATH, init),
    native: () => apply(native.get, w.document, []),
    set: (/** @type {string} */ text) => apply(native.set, w.document, [text]),
    /** Syncs that were merged. */
    syncs: new Set(),
    /** Rows that are newer than the jar's version, by key. @type {Map<string, [number, Row]>} */
    known: new Map(),
    /** What was written and is not yet in what the server says, by number. @type {Map<number, Row>} */
    writes: new Map(),
    /** What is to be flushed: the line of a write that has no carrier. @type {Map<number, string>} */
    queue: new Map(),
    last: 0,
    waiting: false,
    failures: 0,
    /** @type {(() => void)[]} */
    listeners: [],
  };
}

/** @param {Jar} jar */
const stateOf = (jar) => {
  let state = states.get(jar);
  if (!state) states.set(jar, state = begin(jar));
  return state;
};

/** @param {Jar} jar */
export const hostOf = (jar) => new URL(jar.origin).hostname;

/** @param {Jar} jar @param {() => void} listener told when something changed */
export const listen = (jar, listener) => stateOf(jar).listeners.push(listener);

/** @param {Jar} jar */
const tell = (jar) => {
  for (const one of stateOf(jar).listeners) one();
};

/** Ask the gateway, and wait. @param {Jar} jar @param {string} method @param {string} [body] @returns {any} */
function ask({ w }, method, body) {
  const request = asked(w.location.origin + PATH, method, body);
  if (request.status !== 200) throw new Error(`${request.status}`);
  return JSON.parse(request.responseText);
}

/** @param {Jar} jar @param {{cookies: Row[], write: Record<string, string>, at: number}} said */
function absorb(jar, { cookies, write, at }) {
  const { known, writes } = stateOf(jar);
  if (at < (jar.at ?? 0)) return;
  Object.assign(jar, { cookies, write, at });
  for (const [key, [version, row]] of known) version > at ? put(cookies, row) : known.delete(key);
  for (const row of writes.values()) put(cookies, row);
  tell(jar);
}

/** What native cookies say that was not looked at yet. @param {Jar} jar @param {string} seen */
function merge(jar, seen) {
  const state = stateOf(jar);
  const { known, writes, queue, syncs } = state;
  const carried = new Map();
  const there = new Set();
  let again = state.stale;
  let changed = false;
  state.seen = seen;
  state.stale = false;
  for (const part of seen.split("; ")) {
    const [, kind, number, value] = PART.exec(part) ?? [];
    if (kind === "w") carried.set(+number, value);
    if (kind !== "sync") continue;
    there.add(number);
    if (syncs.has(number)) continue;
    changed = true;
    try {
      const said = JSON.parse(decodeURIComponent(value));
      if (!Array.isArray(said)) again ||= said > (jar.at ?? 0);
      else {
        const [version, ...rows] = said;
        for (const row of rows) {
          const key = keyOf(row);
          if (version <= (known.get(key)?.[0] ?? jar.at ?? 0)) continue;
          known.set(key, [version, row]);
          put(jar.cookies, row);
        }
      }
    } catch {
      again = true;
    }
  }
  state.syncs = there;
  for (const number of writes.keys()) {
    if (carried.has(number) || queue.get(number)) continue;
    writes.delete(number);
    queue.delete(number);
  }
  for (const [number, value] of carried) {
    if (writes.has(number)) continue;
    // Of another document of this host.
    try {
      const found = parse(decodeURIComponent(value.slice(value.indexOf(".") + 1)), writerOf(jar));
      if (found) writes.set(number, found.row), changed = true;
    } catch {
      // not ours
    }
  }
  if (again) {
    try {
      absorb(jar, ask(jar, "GET"));
    } catch {
      // What is known has to do.
    }
  }
  if (changed) {
    for (const number of [...writes.keys()].sort((a, b) => a - b)) put(jar.cookies, /** @type {Row} */ (writes.get(number)));
    tell(jar);
  }
}

/** The rows that this document sees, with what was not merged yet. @param {Jar} jar */
export function rowsOf(jar) {
  const state = stateOf(jar);
  const seen = state.native();
  if (seen !== state.seen || state.stale) merge(jar, seen);
  return shown(jar.cookies, jar.path);
}

/** What document.cookie reads. @param {Jar} jar */
export const read = (jar) => rowsOf(jar).map(([name, value]) => (name && name + "=") + value).join("; ");

/** @param {Jar} jar */
const writerOf = (jar) => ({
  host: hostOf(jar),
  secure: jar.origin.startsWith("https:"),
  path: jar.path,
  write: jar.write ?? {},
});

/** The bodies of what is to be flushed: bounded, each with whole lines. @param {Map<number, string>} queue */
export function bodiesOf(queue) {
  const bodies = [""];
  let lines = 0;
  for (const line of queue.values()) {
    if (!line) continue;
    if (lines === LINES || (lines && bodies[bodies.length - 1].length + line.length >= BODY)) {
      bodies.push("");
      lines = 0;
    }
    bodies[bodies.length - 1] += line + "\n";
    lines++;
  }
  return bodies;
}

/** @param {Jar} jar */
function flush(jar) {
  const state = stateOf(jar);
  state.waiting = false;
  rowsOf(jar); // what another request brought away needs none
  const sent = new Map(state.queue);
  if (!sent.size) return;
  const send = (/** @type {string} */ body, /** @type {boolean} */ keepalive) =>
    state.ask({ method: "POST", headers: { "Content-Type": "text/plain" }, body, keepalive })
      .then((answer) => {
        if (!answer.ok) throw new Error(`${answer.status}`);
      });
  Promise.all(bodiesOf(sent).map((body) => send(body, true).catch(() => send(body, false)))).then(() => {
    state.failures = 0;
    for (const number of sent.keys()) state.queue.delete(number);
    rowsOf(jar);
  }, () => {
    if (state.failures++ < RETRIES) state.later(() => flush(jar), 1000 * state.failures);
    else for (const number of sent.keys()) state.queue.delete(number);
  });
}

/** What document.cookie is set to: nothing natively, but for what has no text. @param {Jar} jar @param {any} given */
export function write(jar, given) {
  const text = readText(given);
  if (isOdd(text)) return text;
  taken(jar, `${text}`);
  return "";
}

/** Whether a script's write was taken. @param {Jar} jar @param {string} given @returns {boolean} */
export function taken(jar, given) {
  const state = stateOf(jar);
  const found = parse(given, writerOf(jar));
  if (!found) return false;
  const { row, text, token } = found;
  rowsOf(jar);
  state.last = Math.max(state.last + 1, Date.now() * 1000 + Math.floor(Math.random() * 1000));
  const apart = !jar.secure.replace(/:\d*$/, "").endsWith(jar.suffix);
  const value = `${token}.${encode(text)}`;
  const carriers = state.native().split("__Host-gw-w-").length - 1;
  let line = "";
  if (carriers < CARRIERS && value.length <= CARRIER) {
    const more = apart ? "None; Partitioned" : "Lax";
    state.set(`__Host-gw-w-${state.last}=${value}; Max-Age=60; Path=/; Secure; SameSite=${more}`);
  } else line = `${state.last} ${token} ${encode(text)}`;
  put(jar.cookies, row);
  state.writes.set(state.last, row);
  state.queue.set(state.last, line);
  jar.leave = (url) => leave(jar, url);
  if (!state.waiting) {
    state.waiting = true;
    state.later(() => flush(jar));
  }
  tell(jar);
  return true;
}

/** Another host must see what was written: it waits. @param {Jar} jar @param {string} url */
function leave(jar, url) {
  const { queue } = stateOf(jar);
  try {
    if (new URL(url, jar.w.document.baseURI).host === jar.w.location.host) return;
  } catch {
    // Wherever that leads.
  }
  rowsOf(jar);
  if (!queue.size) return;
  try {
    for (const body of bodiesOf(queue)) absorb(jar, ask(jar, "POST", body));
    queue.clear();
  } catch {
    // The flush that is under way may still come first.
  }
}

/** Ask the gateway, and go on. @param {Jar} jar */
function refresh(jar) {
  stateOf(jar).ask({}).then((answer) => (answer.ok ? answer.json() : Promise.reject())).then((said) => absorb(jar, said)).catch(() => 0);
}
