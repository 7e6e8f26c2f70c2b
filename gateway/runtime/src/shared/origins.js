// The origin codec: the same map as gateway/origins.py, held to the same vectors by tests.

/**
 * @typedef {object} Place where the gateway's rewrite hosts are
 * @property {string} suffix what every rewrite host ends in, dot first: ".0.gateway.example"
 * @property {string} port the public port as in `URL.port`: "" for 443
 */

const PLAIN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const LABEL = /^(https?)(0|[1-9][0-9]{0,4})?-(.+)$/;

/** @param {{scheme: string, host: string, port: string}} origin */
export const serialise = ({ scheme, host, port }) => `${scheme}://${host}${port && ":" + port}`;

/**
 * The short label of an origin; "" if only a digest can be its label.
 * @param {string} scheme "http" or "https"
 * @param {string} host as in `URL.hostname`
 * @param {string} port as in `URL.port`: "" for the default
 */
export function collapse(scheme, host, port) {
  const label = `${scheme}${port}-${host.replace(/-/g, "--").replace(/\./g, "-")}`;
  return label.length <= 63 && host.split(".").every((part) => PLAIN.test(part)) ? label : "";
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
  const origin = { scheme, host, port };
  try {
    // The parser drops a default port and normalises addresses: such labels are nobody's.
    const own = new URL(serialise(origin)).origin === serialise(origin) && collapse(scheme, host, port) === label;
    return own ? origin : null;
  } catch {
    return null;
  }
}

/**
 * The label in a host name; null if it is not a rewrite host.
 * @param {string} hostname
 * @param {Place} place
 */
export function labelOf(hostname, place) {
  const [label, ...rest] = hostname.split(".");
  return label && label !== "www" && "." + rest.join(".") === place.suffix ? label : null;
}

/**
 * Collapse a parsed URL of another host; null where there is nothing to map.
 *
 * A URL whose host is a rewrite host but whose scheme or port is not the gateway's is
 * script's own arithmetic (`"ws://" + location.hostname + ":15674"`): that host, that port,
 * with the label's own security.
 * @param {URL} url
 * @param {Place} place
 * @param {(origin: string) => string} long the label of an origin that has no short one
 * @param {typeof expand} opened the origin behind a label
 * @returns {string | null}
 */
export function collapseUrl(url, place, long, opened) {
  if (!/^(?:http|ws)s?:$/.test(url.protocol)) return null;
  let scheme = url.protocol.replace("ws", "http").slice(0, -1);
  let host = url.hostname;
  let port = url.port;
  const socket = url.protocol[0] === "w";
  const label = labelOf(host, place);
  if (label !== null) {
    if (port === place.port && scheme === "https") return null;
    const origin = opened(label);
    if (!origin) return null;
    if (port === place.port) port = origin.port;
    scheme = origin.scheme;
    host = origin.host;
    if (port === (scheme === "https" ? "443" : "80")) port = "";
  } else if (("." + host).endsWith(place.suffix.slice(2))) {
    return null; // the gateway's other hosts
  }
  const to = new URL(url);
  let made = collapse(scheme, host, port);
  if (!made) {
    const origin = serialise({ scheme, host, port });
    made = long(origin);
    to.search += `${to.search && "&"}__gwo=${encodeURIComponent(origin)}`;
  }
  to.protocol = socket ? "wss" : "https";
  to.hostname = made + place.suffix;
  to.port = place.port;
  return to.href;
}
