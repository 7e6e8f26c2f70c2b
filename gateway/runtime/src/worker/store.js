// CookieStore of service workers: the gateway is asked each time.
import { encode, parse, shown } from "../shared/cookies.js";
import { apply, hook, wrap } from "../shared/hooks.js";
import { checksOf, itemOf } from "../shared/store.js";

const PATH = "/.gateway/cookies";

/**
 * @param {any} w
 * @param {string} origin the worker's own, expanded
 */
export function installStore(w, origin) {
  const { cookieStore: store, fetch, location, CookieStore, Promise } = w;
  if (!store || !w.ServiceWorkerGlobalScope) return;
  const { origin: here } = location; // what it reads later may be the site's own
  const host = new URL(origin).hostname;
  const secure = origin.startsWith("https:");
  const checks = checksOf(w, host, secure);
  const ask = async (/** @type {any} */ init = {}) => (await fetch(here + PATH, init)).json();
  const place = (/** @type {string} */ url) => {
    const wanted = new URL(url, location.href);
    return [origin, here].includes(wanted.origin) ? wanted.pathname : undefined;
  };
  const find = async (/** @type {string} */ method, /** @type {any[]} */ args) => {
    const { path, named } = checks.query(method, args, place);
    const { cookies } = await ask();
    return shown(cookies, path ?? scope()).filter(named).map(itemOf);
  };
  const scope = () => new w.URL(w.registration.scope).pathname;
  let last = 0;
  const change = async (/** @type {string} */ method, /** @type {any[]} */ args) => {
    const given = checks.write(method, args);
    const { write } = await ask();
    const found = parse(given, { host, secure, path: scope(), write });
    if (!found) return checks.malformed(method);
    last = Math.max(last + 1, Date.now() * 1000);
    await ask({ method: "POST", body: `${last} ${found.token} ${encode(found.text)}` });
  };
  /** @type {Record<string, (args: any[]) => any>} */
  const methods = {
    get: async (args) => (await find("get", args))[0] ?? null,
    getAll: (args) => find("getAll", args),
    set: (args) => change("set", args),
    delete: (args) => change("delete", args),
  };
  for (const name of Object.keys(methods)) {
    const { prototype } = CookieStore;
    prototype[name] = wrap(prototype[name], {
      apply: (target, self, args) => (self === store ? Promise.resolve(methods[name](args)) : apply(target, self, args)),
    });
  }
}

/**
 * What pages ask of the gateway itself is no business of the site's worker.
 * @param {any} w
 * @param {() => void} then is called when the site has added a listener
 */
export function installGuard(w, then) {
  let guarded = !w.ServiceWorkerGlobalScope;
  const guard = (/** @type {any[]} */ [type]) => {
    if (guarded || (typeof type === "string" && type !== "fetch")) return;
    guarded = true;
    w.addEventListener("fetch", (/** @type {any} */ event) => {
      const { request } = event;
      const { pathname } = new URL(request.url);
      // Nor are the requests that stand for a WebSocket, of which it would hear nothing.
      if (pathname.startsWith("/.gateway/") || (pathname.includes("/;e/") && request.headers.has("x-sequence-no"))) event.stopImmediatePropagation();
    });
  };
  let last = !w.ServiceWorkerGlobalScope;
  const after = (/** @type {any} */ result, /** @type {any} */ _, /** @type {any[]} */ [type]) => {
    if (last || (typeof type === "string" && type !== "fetch")) return result;
    last = true; // ours comes by the same hook, or may
    then();
    last = false;
    return result;
  };
  hook(w.EventTarget.prototype, "addEventListener", guard, after);
  hook(w.ServiceWorkerGlobalScope?.prototype, "onfetch", guard, null, (target, self, args) => after(apply(target, self, args), self, args));
}
