// Addresses in the outer frame: what a person typed, what is shown, what is loaded.
import { longLabel } from "../shared/long.js";
import { collapseUrl, expand, labelOf, serialise } from "../shared/origins.js";

/** @typedef {import("../shared/origins.js").Place} Place */

/**
 * @param {string} suffix what this browser's rewrite hosts end in
 * @returns {Place} where they are: this page's siblings, or on a domain apart
 */
export function placeHere(suffix) {
  return { suffix, port: location.port };
}

/**
 * What somebody typed, as a URL; null if it is no web address.
 * @param {string} typed
 * @returns {URL | null}
 */
export function parseTyped(typed) {
  const text = typed.trim();
  if (!text) return null;
  try {
    // Without slashes only where the rest is no port: "localhost:81" is a host.
    const url = new URL(/^[a-z][a-z0-9+.-]*:(?:\/\/|(?!\d*(?:[/?#]|$)))/i.test(text) ? text : `https://${text}`);
    return url.protocol === "http:" || url.protocol === "https:" ? url : null;
  } catch {
    return null;
  }
}

/**
 * The collapsed form of a web address; null for one of the gateway's own.
 * @param {URL} url
 * @param {Place} place
 */
export function collapsed(url, place) {
  // Sites may be on a domain apart; this page's own is no site in either case.
  if (("." + url.hostname).endsWith(location.hostname.replace(/^www\.0/, ""))) return null;
  return labelOf(url.hostname, place) === null ? collapseUrl(url, place, longLabel, expand) : null;
}

/**
 * The label in an `event.origin`; null unless it is a rewrite host of ours.
 * @param {string} origin
 * @param {Place} place
 */
function labelIn(origin, place) {
  try {
    const url = new URL(origin);
    return url.protocol === "https:" && url.port === place.port ? labelOf(url.hostname, place) : null;
  } catch {
    return null;
  }
}

/**
 * @param {string} origin an `event.origin`
 * @param {Place} place
 */
export const isRewriteOrigin = (origin, place) => labelIn(origin, place) !== null;

/**
 * The origin behind an `event.origin`; null unless it is a rewrite host of ours.
 * @param {string} origin
 * @param {Place} place
 * @param {string} [told] what the page says that it is: a label that is a digest proves it
 * @returns {string | null}
 */
export function originBehind(origin, place, told) {
  const label = labelIn(origin, place);
  if (label && told && longLabel(told) === label) return told;
  const found = label === null ? null : expand(label);
  return found && serialise(found);
}
