// URLs of one page or worker: collapsed where the browser fetches, decoded where script
// reads what it set.  The page's own origin is never decoded: its view is of one piece.
/** @typedef {import("./origins.js").Place} Place */
/** @typedef {ReturnType<typeof urlsOf>} Urls */
/** @typedef {Urls["signed"]} Signed */

import { apply } from "./hooks.js";

const NativeURL = URL;
const { toString } = Object.prototype;
/** What a page can hear being asked for its text, and what has none. @param {any} given */
export const isOdd = (given) => /t Ob|Sy/.test(apply(toString, given, []));
/**
 * A text to judge by; of what is odd it is a foreign address, so that who is asked about that reads it.
 * A font's octets are no text.
 * @param {any} given
 * @returns {string}
 */
export const textOf = (given) => (isOdd(given) ? "//x" : `${given?.buffer ?? given}`);
/**
 * What is given, a page's own object as its text, which is asked for once; what has none is the
 * native's to refuse.
 * @param {any} given
 */
export const read = (given) => {
  try {
    return isOdd(given) && typeof given !== "symbol" ? `${given}` : given;
  } catch (error) {
    return { toString: given.toString && (() => { throw error; }) };
  }
};
/** Our own parameters: they are always the last. */
export const OURS = /([?&]__gw[inpr]?=[\w.~+/=%-]+)+(?=#|$)/g;
const GIVEN = /^[\0- ]*[\\/]\s*[\\/]/;

/**
 * @param {Place} place
 * @param {string} origin the page's own, expanded
 * @param {() => string} base
 * @param {string} own the page's own, as the browser sees it
 * @param {() => string} token of what the page or worker sends
 * @param {(given: any, url: URL, text: string) => any} foreign what is set for an address of another host
 * @param {typeof import("./decode.js").decode} decode
 */
export function urlsOf(place, origin, base, own, token, foreign, decode) {
  // `//host` takes the page's own scheme, which is not the one that it is shown under.
  const parse = (/** @type {string} */ given) => {
    try {
      return new NativeURL(given, GIVEN.test(given) ? origin : base());
    } catch {
      return /** @type {any} */ ({}); // it stays as it was given
    }
  };
  /** Of one of the rewrite hosts. @param {URL} url */
  const isCollapsed = ({ protocol, hostname, port }) => /^(http|ws)s:$/.test(protocol) && hostname.endsWith(place.suffix) && port === place.port;
  return {
    parse,
    /**
     * What does not parse, and what stays, comes back as it was given.
     * @param {any} given
     */
    map(given) {
      const text = textOf(given);
      const url = parse(text);
      return isCollapsed(url) || !/^(http|ws)/.test(url.protocol) ? given : foreign(given, url, text);
    },
    /**
     * A URL with the token of the page or worker that sends something there, if it leads to a rewrite host.
     * @param {any} given
     */
    signed(given) {
      const text = textOf(given);
      return isCollapsed(parse(text)) && !/[?&]__gw=/.test(text)
        ? text.replace(/(\?.*?)?(?=#|$)/s, (query) => (query ? query + "&" : "?") + "__gw=" + token())
        : given;
    },
    /**
     * A text with the originals of its foreign collapsed URLs: one URL, a list, a style.
     * @param {any} text
     */
    unmap: (text) =>
      typeof text === "string" && (text = text.replace(OURS, "")).replaceAll(own, "").includes(place.suffix) ? decode(text, place, own) : text,
  };
}
