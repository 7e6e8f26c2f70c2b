// Where script names a host to the network: the URL is collapsed there, and nowhere else.
// Proxies of the natives look native by themselves: name, length and toString are the target's.
import { collapseUrl } from "../shared/origins.js";

/** @typedef {import("../shared/origins.js").Place} Place */

const { apply, construct } = Reflect;
const NativeURL = URL;

/**
 * Map what a caller gave as a URL; anything that does not parse stays for the native to judge.
 * @param {unknown} given
 * @param {Place} place
 * @param {string} origin the page's own, expanded
 * @returns {unknown}
 */
export function mapUrl(given, place, origin) {
  try {
    const text = String(given);
    // `//host` takes the page's own scheme, which is not the one that it is shown under.
    const base = /^[\0-\x20]*[\\/]{2}/.test(text) ? origin : document.baseURI;
    return collapseUrl(new NativeURL(text, base), place) ?? given;
  } catch {
    return given;
  }
}

/**
 * @param {object} owner
 * @param {string} name
 * @param {unknown} value
 */
function redefine(owner, name, value) {
  const old = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { ...old, value });
}

/**
 * @param {any} owner
 * @param {string} name
 * @param {number} position of the URL among the arguments
 * @param {(url: unknown) => unknown} map
 */
function hookMethod(owner, name, position, map) {
  const native = owner?.[name];
  if (typeof native !== "function") return;
  redefine(owner, name, new Proxy(native, {
    apply(target, self, args) {
      if (args.length > position) args[position] = map(args[position]);
      return apply(target, self, args);
    },
  }));
}

/**
 * @param {string} name of a constructor on the global object
 * @param {(url: unknown) => unknown} map
 */
function hookConstructor(name, map) {
  const native = /** @type {any} */ (globalThis)[name];
  if (typeof native !== "function") return;
  /** @type {any} */
  const proxy = new Proxy(native, {
    construct(target, args, newTarget) {
      if (args.length) args[0] = map(args[0]);
      return construct(target, args, newTarget === proxy ? target : newTarget);
    },
  });
  redefine(native.prototype, "constructor", proxy);
  redefine(globalThis, name, proxy);
}

/**
 * @param {Place} place
 * @param {string} origin the page's own, expanded
 */
export function installSinks(place, origin) {
  const NativeRequest = Request;
  const map = (/** @type {unknown} */ url) => mapUrl(url, place, origin);
  const mapInput = (/** @type {unknown} */ input) => (input instanceof NativeRequest ? input : map(input));
  hookMethod(globalThis, "fetch", 0, mapInput);
  hookConstructor("Request", mapInput);
  hookMethod(XMLHttpRequest.prototype, "open", 1, map);
  hookConstructor("WebSocket", map);
}
