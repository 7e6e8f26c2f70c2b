// Cookies as scripts see and write them (RFC 6265bis, non-HTTP APIs): a small copy of the
// server's rules, so that a page reads at once what it wrote.  The server's answer corrects it.

/** @typedef {[string, string, string, string, number | null, number, string, number]} Row name, value, domain ("": the host alone), path, expiry in seconds, Secure, SameSite, Partitioned */

/**
 * @typedef {object} Writer who writes
 * @property {string} host
 * @property {boolean} secure
 * @property {string} path of the document
 * @property {Record<string, string>} write tokens by domain
 */

const YEAR = 400 * 86400;
const MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec";

/** Those of a path that are not over. @param {Row[]} rows @param {string} path */
export const shown = (rows, path) =>
  rows.filter(([, , , at, expires]) =>
    (expires ?? Infinity) > Date.now() / 1000 && (path === at || path.startsWith(at.replace(/\/?$/, "/"))));

/** What makes two rows the same cookie. @param {Row} row */
export const keyOf = ([name, , domain, path, , , , partitioned]) => [name, domain, path, partitioned].join(";");

/** Put a row in, in the place of the one that it replaces; one that is over goes. @param {Row[]} rows @param {Row} row */
export function put(rows, row) {
  const key = keyOf(row);
  let at = rows.findIndex((one) => keyOf(one) === key);
  const old = at < 0 ? 0 : 1;
  if (!old) at = rows.findIndex((one) => one[3].length < row[3].length);
  if (at < 0) at = rows.length;
  rows.splice(at, old, ...((row[4] ?? Infinity) > Date.now() / 1000 ? [row] : []));
}

const size = (/** @type {string} */ text) => encodeURIComponent(text).replace(/%../g, "x").length;

/** As the value of a carrier, or in a line of a flush. @param {string} text */
export const encode = (text) => text.replace(/[^!-$&-:<-~]/gu, encodeURIComponent);

/** A cookie-date in seconds (RFC 6265bis, 5.1.1). @param {string} text @returns {number | undefined} */
export function dateOf(text) {
  /** @type {any} */ let time;
  /** @type {any} */ let day;
  /** @type {any} */ let month;
  /** @type {any} */ let year;
  for (const token of text.split(/[\t -/;-@[-`{-~]+/)) {
    const at = MONTHS.indexOf(token.slice(0, 3).toLowerCase());
    let found;
    if (!time && (found = /^(\d\d?):(\d\d?):(\d\d?)(?!\d)/.exec(token))) time = found;
    else if (!day && (found = /^(\d\d?)(?!\d)/.exec(token))) day = found;
    else if (!month && token.length > 2 && at >= 0 && at % 3 === 0) month = at / 3 + 1;
    else if (!year && (found = /^(\d{2,4})(?!\d)/.exec(token))) year = +found[1];
  }
  if (!time || !day || !month || year === undefined) return;
  year += year < 70 ? 2000 : year < 100 ? 1900 : 0;
  const date = new Date(Date.UTC(year, month - 1, +day[1], +time[1], +time[2], +time[3]));
  if (year < 1601 || time[1] > 23 || time[2] > 59 || time[3] > 59 || date.getUTCDate() !== +day[1]) return;
  return Math.max(0, date.getTime() / 1000);
}

/**
 * What a script's text makes: the row, and the text with the path that the document gives it.
 * @param {string} given
 * @param {Writer} writer
 * @returns {{row: Row, text: string, token: string} | undefined} nothing where it is refused
 */
export function parse(given, { host, secure, path: own, write }) {
  let text = given.replace(/[\ud800-\udfff]/gu, "\ufffd");
  if (/[\0-\x08\n-\x1f\x7f]/.test(text)) return;
  const [pair, ...attributes] = text.split(";");
  const trim = (/** @type {string} */ one) => one.replace(/^[ \t]+|[ \t]+$/g, "");
  const cut = (/** @type {string} */ one) => {
    const at = one.indexOf("=");
    return at < 0 ? [trim(one), ""] : [trim(one.slice(0, at)), trim(one.slice(at + 1))];
  };
  let [name, value] = cut(pair);
  if (!pair.includes("=")) [name, value] = ["", name];
  if (/\t/.test(name + value) || size(name + value) > 4096 || !(name + value)) return;
  if (!name && /=|^__(?:secure|host|http|host-http)-/i.test(value)) return;
  const now = Math.floor(Date.now() / 1000);
  /** @type {Record<string, string>} */
  const found = {};
  /** @type {number | null} */ let expires = null;
  /** @type {number | undefined} */ let age;
  for (const one of attributes) {
    const [key, said] = cut(one);
    const what = key.toLowerCase();
    if (size(said) > 1024) continue;
    if (what === "expires") expires = Math.min(dateOf(said) ?? expires ?? Infinity, now + YEAR);
    if (what === "max-age" && /^-?\d+$/.test(said)) age = +said;
    found[what] = said;
    if (what === "expires" && dateOf(said) === undefined && expires === now + YEAR) expires = null;
  }
  if (age !== undefined) expires = age > 0 ? now + Math.min(age, YEAR) : 0;
  const has = (/** @type {string} */ key) => key in found;
  if (found.domain === ".") return;
  const domain = (found.domain ?? "").replace(/^\./, "").toLowerCase();
  const token = write[domain || host];
  const sameSite = /^(?:none|strict)$/i.test(found.samesite) ? found.samesite.toLowerCase() : "lax";
  const safe = has("secure");
  if (typeof token !== "string" || has("httponly") || (safe && !secure)) return;
  if (!safe && (has("partitioned") || sameSite === "none" || /^__secure-/i.test(name))) return;
  if (/^__(?:host-)?http-/i.test(name) || (/^__host-/i.test(name) && !(safe && !domain && found.path === "/"))) return;
  let { path = "" } = found;
  if (path[0] !== "/") {
    path = own.slice(0, Math.max(1, own.lastIndexOf("/")));
    text += "; Path=" + path;
  }
  return { row: [name, value, domain, path, expires, +safe, sameSite, +has("partitioned")], text, token };
}
