// document.cookie over the server-side jar: what the page came with is read here; what changed
// since, and what is written, is for the part that is loaded on demand.  Native cookies here are all the gateway's own.
import { hook } from "../shared/hooks.js";

/**
 * What scripts of a window, and of the blank ones in it, see.  `seen` is what native cookies are
 * while `cookie` is right; the part that is loaded on demand goes by the rows.
 * @typedef {import("./payload.js").Payload} Jar
 */

/** @param {import("./realm.js").Realm} realm */
export function installCookie({ payload, document, w, hear, ask }) {
  // A page that the browser kept, or nobody looked at, may be older than its cookies.
  hear("visibilitychange", () => (payload.seen = 0));
  hook(w, "Document.cookie", (args, self) => {
    if (self === document) args[0] = ask("write", "", args[0]);
  }, (seen, self) =>
    self !== document ? seen
    : seen === payload.seen ? payload.cookie
    : ask("read", ""));
  hook(w, "caches cookieStore", null, (store) => ask("store", store));
}
