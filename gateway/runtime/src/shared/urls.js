// URLs of one page or worker: collapsed where the browser fetches, decoded where script
// reads what it set.  The page's own origin is never decoded: its view is of one piece.
import { collapseUrl } from "./origins.js";

/** @typedef {import("./origins.js").Place} Place */
/** @typedef {ReturnType<typeof urlsOf>} Urls */

const NativeURL = URL;
const GIVEN = /^[\0- ]*[\\/][\t\n\r]*[\\/]/;

/**
 * @param {Place} place
 * @param {string} origin the page's own, expanded
 * @param {() => string} base
 * @param {string} own the page's own, as the browser sees it
 * @param {{
 *   longLabel: (origin: string) => string,
 *   expand: typeof import("./origins.js").expand,
 *   decode: typeof import("./decode.js").decode,
 * }} tools the label of an origin that has no short one, and what few pages need
 * @param {import("./trusted.js").Typed} typed
 */
export function urlsOf(place, origin, base, own, { longLabel, expand, decode }, typed) {
  const map = (/** @type {string} */ text) => {
    try {
      // `//host` takes the page's own scheme, which is not the one that it is shown under.
      const url = new NativeURL(text, GIVEN.test(text) ? origin : base());
      return url.origin === own ? text : collapseUrl(url, place, longLabel, expand) ?? text;
    } catch {
      return text;
    }
  };
  return {
    typed,
    /**
     * What does not parse, and what stays, comes back as it was given.
     * @param {any} given
     */
    map: (given) => typed(given, map),
    /**
     * A text with the originals of its foreign collapsed URLs: one URL, a list, a style.
     * @param {any} text
     */
    unmap: (text) =>
      typeof text === "string" && text.replaceAll(own, "").includes(place.suffix) ? decode(text, place, own) : text,
  };
}
