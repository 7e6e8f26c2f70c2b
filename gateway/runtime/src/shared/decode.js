// The originals of collapsed URLs in a text: one URL, a list, a style.
import { expand, labelOf, serialise } from "./origins.js";

const COLLAPSED = /(^|[\s,;("'])((?:(?:http|ws)s:)?\/\/)([^\s/?#,"'()\\@]*@)?([^\s/?#,"'()\\@]+)/g;

/**
 * @param {string} text
 * @param {import("./origins.js").Place} place
 * @param {string} own an origin that stays as it is
 */
export const decode = (text, place, own) =>
  text.replace(COLLAPSED, (whole, before, scheme, user, host) => {
    const [name, port = ""] = host.split(":");
    const label = port === place.port && labelOf(name, place);
    const found = label && "https://" + host !== own && expand(label);
    if (!found) return whole;
    const [kind, rest] = serialise(found).split("//");
    return before + (scheme[0] === "w" ? kind.replace("http", "ws") : scheme === "//" ? "" : kind) + "//" + (user ?? "") + rest;
  });
