// The origin codec: the same map as gateway/origins.py, held to the same vectors by tests.
import { sha256 } from "./sha256.js";

/**
 * @typedef {object} Place where the gateway's rewrite hosts are
 * @property {string} suffix what every rewrite host ends in, dot first: ".0.gateway.example"
 * @property {string} port the public port as in `URL.port`: "" for 443
 */

const PLAIN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const LABEL = /^(https?)(0|[1-9][0-9]{0,4})?-(.+)$/;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
/** @type {Record<string, string>} */
const TWINS = { "http:": "http", "https:": "https", "ws:": "http", "wss:": "https" };

/** @param {number[]} octets @returns {string} */
function base32(octets) {
  let text = "";
  let held = 0;
  let bits = 0;
  for (const octet of octets) {
    held = (held << 8) | octet;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(held >>> (bits - 5)) & 31];
    held &= 255;
  }
  return text;
}

/**
 * The label of an origin, and whether it is a digest.
 * @param {string} scheme "http" or "https"
 * @param {string} host as in `URL.hostname`
 * @param {string} port as in `URL.port`: "" for the default
 * @returns {{label: string, long: boolean}}
 */
export function collapse(scheme, host, port) {
  const label = `${scheme}${port}-${host.replace(/-/g, "--").replace(/\./g, "-")}`;
  if (label.length <= 63 && host.split(".").every((part) => PLAIN.test(part))) {
    return { label, long: false };
  }
  const origin = `${scheme}://${host}${port && ":" + port}`;
  return { label: "x-" + base32(sha256(origin)).slice(0, 32), long: true };
}

/**
 * The origin behind a short label; null if there is none.
 * @param {string} label
 * @returns {{scheme: string, host: string, port: string} | null}
 */
export function expand(label) {
  const found = LABEL.exec(label);
  if (!found) return null;
  const [, scheme, port = "", rest] = found;
  const host = rest.replace(/-+/g, (run) =>
    run.length === 1 ? "." : run.length % 2 ? " " : run.slice(run.length / 2));
  let url;
  try {
    url = new URL(`${scheme}://${host}:${port}`);
  } catch {
    return null;
  }
  // The parser drops a default port and normalises addresses: such labels are nobody's.
  const own = url.hostname === host && url.port === port && collapse(scheme, host, port).label === label;
  return own ? { scheme, host, port } : null;
}

/**
 * The label in a host name; null if it is not a rewrite host.
 * @param {string} hostname
 * @param {Place} place
 */
export function labelOf(hostname, place) {
  if (!hostname.endsWith(place.suffix)) return null;
  const label = hostname.slice(0, -place.suffix.length);
  return label && !label.includes(".") && label !== "www" ? label : null;
}

/**
 * Collapse a parsed URL of another host; null where there is nothing to map.
 *
 * A URL whose host is a rewrite host but whose scheme or port is not the gateway's is
 * script's own arithmetic (`"ws://" + location.hostname + ":15674"`): that host, that port,
 * with the label's own security.
 * @param {URL} url
 * @param {Place} place
 * @returns {string | null}
 */
export function collapseUrl(url, place) {
  let scheme = TWINS[url.protocol];
  if (!scheme) return null;
  let host = url.hostname;
  let port = url.port;
  const socket = url.protocol[0] === "w";
  const label = labelOf(host, place);
  if (label !== null) {
    if (port === place.port && scheme === "https") return null;
    const origin = expand(label);
    if (!origin) return null;
    if (port === place.port) port = origin.port;
    scheme = origin.scheme;
    host = origin.host;
    if (port === (scheme === "https" ? "443" : "80")) port = "";
  } else if (("." + host).endsWith(place.suffix.slice(2))) {
    return null; // the gateway's other hosts
  }
  const to = collapse(scheme, host, port);
  const user = url.username && `${url.username}${url.password && ":" + url.password}@`;
  const mark = to.long
    ? `${url.search ? "&" : "?"}__gwo=${encodeURIComponent(`${scheme}://${host}${port && ":" + port}`)}`
    : "";
  const where = `${to.label}${place.suffix}${place.port && ":" + place.port}`;
  return `${socket ? "wss" : "https"}://${user}${where}${url.pathname}${url.search}${mark}${url.hash}`;
}
