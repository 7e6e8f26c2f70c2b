// Getters as the browser has them.  A frame's first document may leave its window to the next,
// with what its parent's runtime hooked there: what came before that is kept with the window.
import { defineProperty, getOwnPropertyDescriptor } from "../shared/hooks.js";

const KEPT = "__gw_natives";

/**
 * @param {any} w
 * @returns {Record<"baseURI" | "origin" | "to", any>} of nodes, messages and destinations
 */
export function nativesOf(w) {
  if (!getOwnPropertyDescriptor(w, KEPT)) {
    const getter = (/** @type {any} */ of, /** @type {string} */ name) => of && getOwnPropertyDescriptor(of.prototype, name)?.get;
    const { Node, MessageEvent, NavigationDestination } = w;
    defineProperty(w, KEPT, {
      value: {
        baseURI: getter(Node, "baseURI"),
        origin: getter(MessageEvent, "origin"),
        to: getter(NavigationDestination, "url"),
      },
    });
  }
  return w[KEPT];
}
