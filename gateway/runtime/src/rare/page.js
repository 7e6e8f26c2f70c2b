// What the parts on demand have of the page that they were loaded by.
import { policyOf, scriptOf, typedOf } from "../shared/trusted.js";

/** @typedef {import("../inner/realm.js").Realm} Realm */

/** Hooks are the page's own, which knows what hooks are to read as. @type {Pick<typeof import("../shared/hooks.js"), "hook" | "wrap"> & {first: Realm, typed: typeof typed, script: typeof script}} */
export const page = /** @type {any} */ ({ typed, script });

/**
 * @param {Realm} first that of the page's own window
 * @param {import("../shared/trusted.js").Policy} policy
 * @param {typeof import("../shared/hooks.js").hook} hook
 * @param {typeof import("../shared/hooks.js").wrap} wrap
 */
export function prepare(first, policy, hook, wrap) {
  first.policy = policy;
  Object.assign(page, { first, hook, wrap });
}

/** @param {Realm} realm */
const policyIn = (realm) => (realm.policy ??= policyOf(realm.w));

/** @param {Realm} realm @returns {import("../shared/trusted.js").Typed} */
function typed(realm) {
  return (realm.typed ??= typedOf(realm.w, policyIn(realm)));
}

/** @param {Realm} realm @returns {(text: string) => any} */
function script(realm) {
  return scriptOf(policyIn(realm));
}
