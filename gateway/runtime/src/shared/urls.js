// URLs of one page or worker: collapsed where the browser fetches, decoded where script
// reads what it set.  The page's own origin is never decoded: its view is of one piece.
/** @typedef {import("./origins.js").Place} Place */
/** @typedef {ReturnType<typeof urlsOf>} Urls */

const NativeURL = URL;
/** Our own parameters: they are always the last. */
export const OURS = /([?&]__gw[inpr]?=[\w.~+/=%-]+)+(?=#|$)/g;
const GIVEN = /^[\0- ]*[\\/][\t\n\r]*[\\/]/;

/**
 * @param {Place} place
 * @param {string} origin the page's own, expanded
 * @param {() => string} base
 * @param {string} own the page's own, as the browser sees it
 * @param {{
 *   collapse: (url: URL, place: Place, text: string) => string | null,
 *   decode: typeof import("./decode.js").decode,
 * }} tools for what is another host's
 * @param {import("./trusted.js").Typed} typed
 */
export function urlsOf(place, origin, base, own, { collapse, decode }, typed) {
  const map = (/** @type {string} */ text) => {
    try {
      // `//host` takes the page's own scheme, which is not the one that it is shown under.
      const url = new NativeURL(text, GIVEN.test(text) ? origin : base());
      return url.origin === own || !/^(http|ws)/.test(url.protocol) ? text : collapse(url, place, text) ?? text;
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
      typeof text === "string" && (text = text.replace(OURS, "")).replaceAll(own, "").includes(place.suffix) ? decode(text, place, own) : text,
  };
}
