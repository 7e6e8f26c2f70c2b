// Texts with every address under its own name, the page's too.
import { decode } from "../shared/decode.js";
import { OURS } from "../shared/urls.js";

/**
 * @param {import("../shared/origins.js").Place} place
 * @param {string} own the page's origin as the browser sees it
 * @param {string} origin and its own
 * @returns {(text: any) => any}
 */
export function realOf(place, own, origin) {
  const host = own.replace(/^https:\/\//, "");
  // Not within a blob: URL, which is a name for something and not an address.
  const OWN = RegExp(`(^|[^:\\w])(http|ws)s://${host.replace(/\./g, "\\.")}(?![\\w.:-])`, "g");
  return (text) => {
    if (typeof text !== "string" || !text.includes(place.suffix)) return text;
    const out = text.replace(OURS, "").replace(OWN, (_, before, kind) => before + origin.replace(/^http/, kind));
    return out.includes(place.suffix) ? decode(out, place, "") : out;
  };
}
