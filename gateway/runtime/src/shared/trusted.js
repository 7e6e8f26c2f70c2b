// Trusted Types: what the page's policy made stays trusted while the runtime changes it.
import { isOdd } from "./urls.js";

/** @typedef {(value: any, change: (text: string) => any) => any} Typed what a page can hear being asked was read before */
/** @typedef {() => {createHTML?: any, createScriptURL?: any, createScript?: any}} Policy */

/**
 * The runtime's own policy of a page or worker.
 * @param {any} w
 * @returns {ReturnType<Policy>}
 */
export const madeBy = (w) => {
  try {
    return w.trustedTypes.createPolicy("gateway", new Proxy({}, { get: () => String })); // each text as it is
  } catch {
    // There are none, or the page's policy admits no other: what is trusted stays as it is.
    return {};
  }
};

/**
 * The same, only when it is needed: a frame's first document may have shared this realm, and a
 * policy that forbids duplicates came after it.
 * @param {any} w
 * @returns {Policy}
 */
export const policyOf = (w) => {
  /** @type {any} */
  let made;
  return () => (made ??= madeBy(w));
};

/** Script that is trusted. @param {Policy} policy @returns {(text: string) => any} */
export const scriptOf = (policy) => (text) => policy().createScript?.(text) ?? text;

/**
 * Changes a text of any kind, and keeps its kind.
 * @param {any} w
 * @param {Policy} policy
 * @returns {Typed}
 */
export const typedOf = ({ trustedTypes: types }, policy) => (value, change) => {
  if (isOdd(value)) return value; // the native's to refuse
  const text = `${value}`;
  const changed = `${change(text)}`;
  return changed === text ? value
    : types?.isHTML(value) ? policy().createHTML?.(changed) ?? value
    : types?.isScriptURL(value) ? policy().createScriptURL?.(changed) ?? value : changed;
};
