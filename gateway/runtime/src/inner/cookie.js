// document.cookie over the server-side jar: reads come from the page's payload.
// Writes need tokens that the gateway does not issue yet; they are refused aloud, not faked.
import { apply, defineProperty, getOwnPropertyDescriptor, wrap } from "../shared/hooks.js";

/**
 * @param {any} w
 * @param {() => string} read what the jar shows to this document's scripts
 */
export function installCookie(w, read) {
  const { document, Document: { prototype } } = w;
  const native = /** @type {any} */ (getOwnPropertyDescriptor(prototype, "cookie"));
  let told = false;
  defineProperty(prototype, "cookie", {
    ...native,
    get: wrap(native.get, {
      apply: (target, self, args) => (self === document ? read() : apply(target, self, args)),
    }),
    set: wrap(native.set, {
      apply(target, self, args) {
        if (self !== document) return apply(target, self, args);
        if (!told) console.warn("Script cookies are not stored.");
        told = true;
      },
    }),
  });
}
