// WebSockets of pages and workers: the browser's own, until it shows that none gets through.
import { apply, construct, getOwnPropertyDescriptor } from "./hooks.js";

/** @typedef {(url: string, init?: any) => Promise<any>} Fetch */

const KEY = "__gw_sockets";
const PATIENCE = 8000;
const HOUR = 3_600_000;

// A frame's window may be hooked twice: for the document that it shows at first, too.
const marked = (/** @type {string} */ given, /** @type {string} */ nonce) =>
  /^[^#]*[?&]__gw=/.test(given) && !given.includes("__gwn=") ? given.replace("__gw=", `__gwn=${nonce}&__gw=`) : undefined;

/**
 * @param {any} w the global object
 * @param {Fetch} fetch the browser's own
 * @param {(text: any) => any} unmap what `url` reads
 * @param {Pick<typeof import("./hooks.js"), "hook" | "wrap">} hooks the page's own, which know what hooks are to read as
 * @param {() => typeof import("../socket/load.js").load | undefined} load
 * @param {(given: string, nonce: string) => string | undefined} [mark] an address that tells a refused
 *   handshake from one that did not get through; none for one that is not the gateway's
 * @returns {(target: any, args: any[], newTarget: any) => any} what `construct` does
 */
export function socketsOf(w, fetch, unmap, { hook, wrap }, load, mark = marked) {
  const { Array, Date, Uint8Array, WeakSet, clearTimeout, crypto, setTimeout } = w;
  const { addEventListener } = w.EventTarget.prototype;
  const targets = new WeakSet();
  /** Those that the page itself has closed. */
  const closed = new WeakSet();
  let until = 0;
  let poll = false;
  const recall = () => {
    try {
      const [time, mode] = `${w.sessionStorage.getItem(KEY)}`.split(" ");
      if (+time) [until, poll] = [+time, mode === "p"];
    } catch {
      // It cannot be read here: what this page found itself counts.
    }
    const now = Date.now();
    return now < until && until <= now + HOUR;
  };
  const works = (/** @type {boolean} */ polls) => {
    until = Date.now() + HOUR;
    poll = polls;
    try {
      w.sessionStorage.setItem(KEY, `${until} ${polls ? "p" : "s"}`);
    } catch {
      // Then only this page knows.
    }
  };
  /** @type {ReturnType<typeof import("../socket/load.js").load> | undefined} */
  let client;
  /** @type {any} */
  let urlOf;
  /** @type {any} */
  let stateOf;
  /** @type {any} */
  let close;
  const begin = (/** @type {any} */ target) => {
    targets.add(target);
    const { prototype } = target;
    [urlOf, stateOf] = ["url", "readyState"].map((name) => getOwnPropertyDescriptor(prototype, name)?.get);
    hook(prototype, "url", null, unmap);
    if (target.name !== "WebSocket") return;
    ({ close } = prototype);
    hook(prototype, "close", null, null, (target, self, args) => (closed.add(self), apply(target, self, args)));
  };
  return (target, args, newTarget) => {
    if (!targets.has(target)) begin(target);
    const [given, offered] = args;
    const nonce = Array.from(crypto.getRandomValues(new Uint8Array(16)), (/** @type {number} */ one) => one.toString(16).padStart(2, "0")).join("");
    let address;
    try {
      address = target.name === "WebSocket" && typeof given === "string" && mark(given, nonce);
    } catch {
      // It is the browser's to refuse.
    }
    if (!address) return construct(target, args, newTarget);
    // Read once, for a list may be of any kind.
    if (offered !== null && typeof offered === "object" && offered[Symbol.iterator]) args[1] = [...offered];
    args[0] = address;
    const blocked = recall();
    const socket = construct(target, args, newTarget);
    // What the page's policy forbids is closed at once, and not asked for in another way.
    if (apply(stateOf, socket, [])) return socket;
    let opened = false;
    let fell = false;
    const fall = () => {
      if (opened || fell || closed.has(socket)) return fell;
      const url = apply(urlOf, socket, []);
      try {
        client ??= load()?.(w, target, fetch, wrap);
        client?.(socket, url, args[1] === undefined ? [] : [].concat(args[1]).map(String), poll, works);
        fell = !!client;
      } catch {
        // It cannot be had: so it is as without it.
      }
      return fell;
    };
    const timer = setTimeout(() => fall() && apply(close, socket, []), PATIENCE);
    const hear = (/** @type {any} */ event) => {
      if (!event.isTrusted) return;
      clearTimeout(timer);
      if (event.type === "open") opened = !fell;
      else if (event.type === "error") fall();
      // What becomes of the browser's own one is nobody's business.
      if (fell) event.stopImmediatePropagation();
    };
    for (const type of ["open", "error", "close"]) apply(addEventListener, socket, [type, hear, true]);
    if (blocked && fall()) apply(close, socket, []);
    return socket;
  };
}
