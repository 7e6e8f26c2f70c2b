// Labels that are digests are rare: the gateway is asked for one, so that no page carries SHA-256.
import { asked } from "./asked.js";

/** @type {Record<string, string>} */
const known = {};

/** @param {string} origin serialised @returns {string} */
export function longLabel(origin) {
  if (!known[origin]) {
    known[origin] = asked(`/.gateway/label?o=${encodeURIComponent(origin)}`).responseText;
  }
  return known[origin];
}

const LONG = /((?:http|ws)s:\/\/)(?:[^\s\/?#,"'()\\@]*@)?(x-[a-z2-7]{32}\.[^\s\/?#,"'()\\@]+)([^\s"'()<>]*?)[?&](?:amp;)?__gwo=([^\s"'()<>&#]+)/g;

/**
 * A text with the originals of URLs whose origins stand in their queries.
 * @param {string} text
 * @param {import("../shared/origins.js").Place} place
 */
export const unlong = (text, { suffix, port }) =>
  text.replace(LONG, (whole, scheme, host, rest, origin) =>
    host.slice(34) === suffix + (port && ":" + port) ? decodeURIComponent(origin).replace(/^http/, scheme.slice(0, scheme[0] === "w" ? 2 : 4)) + rest : whole);
