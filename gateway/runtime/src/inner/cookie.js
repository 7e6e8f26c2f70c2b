// document.cookie over the server-side jar: what the page came with is read here; what changed
// since, and what is written, is for the part that is loaded on demand.  Native cookies here are all the gateway's own.
import { getOwnPropertyDescriptor, hook, wrap } from "../shared/hooks.js";

/**
 * What scripts of a window, and of the blank ones in it, see.  `seen` is what native cookies are
 * while `cookie` is right; the part that is loaded on demand goes by the rows.
 * @typedef {import("./payload.js").Payload & {
 *   w: any, native: any, fetch: typeof fetch, leave?: (url: string) => void,
 * }} Jar
 */

/**
 * @param {any} w
 * @param {Jar} jar
 * @param {import("./rare.js").Rare} part
 */
export function installCookie(w, jar, part) {
  const { document, Document: { prototype } } = w;
  if (!jar.w) {
    jar.w = w;
    jar.fetch = w.fetch;
    jar.native = getOwnPropertyDescriptor(prototype, "cookie");
    // A page that the browser kept, or nobody looked at, may be older than its cookies.
    w.addEventListener("visibilitychange", () => (jar.seen = 0));
  }
  hook(prototype, "cookie", (args, self) => {
    if (self === document) args[0] = part("write", "", jar, args[0]);
  }, (seen, self) =>
    self !== document ? seen
    : seen === jar.seen ? jar.cookie
    : part("read", "", jar));
  hook(w, "caches cookieStore", null, (store) => part("store", store, store, w, jar, wrap));
}
