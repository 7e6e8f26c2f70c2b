// CookieStore over the same view as document.cookie.
import { keyOf } from "../shared/cookies.js";
import { apply } from "../shared/hooks.js";
import { checksOf, itemOf } from "../shared/store.js";
import { hostOf, listen, rowsOf, taken } from "./cookie.js";

/** @typedef {import("../inner/cookie.js").Jar} Jar */
/** @typedef {import("../shared/cookies.js").Row} Row */

const done = new WeakSet();

/**
 * @param {any} native a window's own
 * @param {any} w
 * @param {Jar} jar
 * @param {typeof import("../shared/hooks.js").wrap} wrap the page's, which knows the natives' texts
 */
export function store(native, w, jar, wrap) {
  if (done.has(native)) return native;
  done.add(native);
  const { Promise, CookieChangeEvent, CookieStore: { prototype } } = w;
  const later = w.setTimeout.bind(w);
  const checks = checksOf(w, hostOf(jar), jar.origin.startsWith("https:"));
  const place = (/** @type {string} */ url) => {
    const { document, location } = jar.w;
    const bare = (/** @type {string} */ one) => one.replace(/#[^]*/, "");
    const wanted = new URL(url, document.baseURI);
    const there = wanted.origin === jar.origin ? wanted.href.replace(jar.origin, location.origin) : wanted.href;
    return bare(there) === bare(location.href) ? jar.path : undefined;
  };
  /** @type {Record<string, (args: any[]) => any>} */
  const methods = {
    get: (args) => find("get", args)[0] ?? null,
    getAll: (args) => find("getAll", args),
    set: (args) => change("set", args),
    delete: (args) => change("delete", args),
  };
  const find = (/** @type {string} */ method, /** @type {any[]} */ args) => {
    const { named } = checks.query(method, args, place);
    return rowsOf(jar).filter(named).map(itemOf);
  };
  const change = (/** @type {string} */ method, /** @type {any[]} */ args) => {
    if (!taken(jar, checks.write(method, args))) checks.malformed(method);
  };
  for (const name of Object.keys(methods)) {
    prototype[name] = wrap(prototype[name], {
      apply: (target, self, args) =>
        self === native ? new Promise((/** @type {any} */ ready) => ready(methods[name](args))) : apply(target, self, args),
    });
  }

  const view = () => new Map(rowsOf(jar).map((row) => [keyOf(row), row]));
  let before = view();
  let waiting = false;
  const look = () => {
    waiting = false;
    const after = view();
    const changed = [...after].filter(([key, row]) => `${row}` !== `${before.get(key)}`).map(([, row]) => itemOf(row));
    const deleted = [...before].filter(([key]) => !after.has(key)).map(([, row]) => {
      const { value, expires, ...item } = itemOf(row);
      return item;
    });
    before = after;
    for (const [yes, no] of [...changed.map((one) => [[one], []]), ...deleted.map((one) => [[], [one]])]) {
      native.dispatchEvent(new CookieChangeEvent("change", { changed: yes, deleted: no }));
    }
  };
  const soon = () => {
    if (waiting) return;
    waiting = true;
    later(look);
  };
  listen(jar, soon);
  native.addEventListener("change", (/** @type {Event} */ event) => {
    if (!event.isTrusted) return;
    event.stopImmediatePropagation();
    soon();
  });
  return native;
}
