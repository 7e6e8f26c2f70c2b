// URLs of one page or worker: collapsed where the browser fetches, decoded where script
// reads what it set.  The page's own origin is never decoded: its view is of one piece.
import { collapseUrl, expand, labelOf, serialise } from "./origins.js";

/** @typedef {import("./origins.js").Place} Place */
/** @typedef {{map: (given: any) => any, unmap: (text: any) => any, html?: (text: string) => string}} Urls */

const NativeURL = URL;
const GIVEN = /^[\0- ]*[\\/][\t\n\r]*[\\/]/;

/**
 * @param {Place} place
 * @param {string} origin the page's own, expanded
 * @param {() => string} base
 * @param {string} own the page's own, as the browser sees it
 * @param {(origin: string) => string} long the label of an origin that has no short one
 */
export function urlsOf(place, origin, base, own, long) {
  return {
    /**
     * What does not parse, and what stays, comes back as it was given.
     * @param {any} given
     */
    map(given) {
      try {
        const text = `${given}`;
        // `//host` takes the page's own scheme, which is not the one that it is shown under.
        const url = new NativeURL(text, GIVEN.test(text) ? origin : base());
        return url.origin === own ? given : collapseUrl(url, place, long) ?? given;
      } catch {
        return given;
      }
    },
    /**
     * The original of a foreign collapsed URL; anything else as it is.
     * @param {any} text
     */
    unmap(text) {
      try {
        const url = new NativeURL(text);
        const label = url.port === place.port && labelOf(url.hostname, place);
        const found = label && url.origin.replace("wss:", "https:") !== own && expand(label);
        if (!found) return text;
        const origin = serialise(found);
        return (url.protocol === "wss:" ? origin.replace("http", "ws") : origin) + text.slice(url.origin.length);
      } catch {
        return text;
      }
    },
  };
}
