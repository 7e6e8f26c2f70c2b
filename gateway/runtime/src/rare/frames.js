// Documents that no server sends (about:blank, blob:) get the runtime before the page can use them.
// What the page is given for windows of other origins is something that stands in for them.
import { foreign } from "./foreign.js";
import { heal } from "./heal.js";
import { page } from "./page.js";

/** How addresses of the own origin begin, as they are read. @param {Realm} realm */
const hereOf = ({ payload }) => (IDENTITY ? payload.origin : location.origin);
const seen = new WeakSet();
// What pages are given for windows: one thing for each, for good.  Which is the topmost they see
// by `top`, which cannot be hooked.
const shown = new WeakMap([[/** @type {any} */ (top), /** @type {any} */ (top)]]);
/** Frames that were looked at, until one of them has loaded something else. @type {WeakMap<Realm, WeakSet<object>>} */
const known = new WeakMap();

/** @typedef {import("../inner/realm.js").Realm} Realm */

/**
 * What a page is given for a window, or for a document, whose window is looked at.
 * @param {Realm} realm
 * @param {any} inner
 * @param {any} by what it is one of: a frame, a message, a window; 0: of nobody, and nobody is given it
 * @returns {any}
 */
export function enter(realm, inner, by) {
  let found = inner;
  try {
    if (inner.nodeType) return enter(realm, inner.defaultView, 0), inner;
    // A document of the gateway's brings its own; other origins are out of reach.
    const { document, location: { href } } = inner;
    if (/^(?:about|blob):/.test(href) && !seen.has(document)) {
      seen.add(document);
      const own = realm.install(inner);
      // What it got by a javascript: address was there before this; a blank one has three.
      if (document.all[3]) heal(own, document);
    }
    // What comes from elsewhere is not there yet.
    if (by.nodeType && /^http/.test(by.src?.replace(hereOf(realm), ""))) throw 0;
  } catch {
    // The browser's own `postMessage` and `location` of these are out of any hook's reach, so
    // something stands in for them; what it does is made when it is first used.
    if (inner?.window) found = new Proxy(inner, new Proxy({}, { get: (_, trap) => foreign(realm)[/** @type {"get"} */ (trap)] }));
  }
  // The gateway's own messages are from the windows themselves.
  if (!inner || !by || by.data?.gw) return inner;
  return shown.get(inner) ?? shown.set(inner, found).set(found, found).get(inner);
}

/**
 * Looks at a window's frames: at those that it has not seen, or at all once it has loaded.
 * @param {Realm} realm
 * @param {Event | undefined} [event] that of the window's load
 */
export function look(realm, event) {
  const { w } = realm;
  // By a number or a name frames are found in `frames`, if it is not the window itself.
  if (!known.has(realm)) page.hook(w, "frames", null, (own) => own[0] && foreign(realm).frames || own);
  if (event || !known.has(realm)) known.set(realm, new WeakSet());
  const frames = /** @type {WeakSet<object>} */ (known.get(realm));
  for (let at = 0, one; (one = w[at]); at++) if (!frames.has(one)) frames.add(enter(realm, one, 0));
}
