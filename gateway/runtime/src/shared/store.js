// The CookieStore standard's own checks: what is asked for, and what text a write becomes.

/** @typedef {import("./cookies.js").Row} Row */

const ENUM = /^(?:strict|lax|none)$/;

/** @param {Row} row */
export const itemOf = ([name, value, domain, path, expires, secure, sameSite, partitioned]) => ({
  domain: domain || null,
  expires: expires === null ? null : expires * 1000,
  name,
  partitioned: !!partitioned,
  path,
  sameSite,
  secure: !!secure,
  value,
});

/**
 * @param {any} w
 * @param {string} host the page's own
 * @param {boolean} secure
 */
export function checksOf({ TypeError }, host, secure) {
  const refuse = (/** @type {string} */ method, /** @type {string} */ why) => {
    throw new TypeError(`Failed to execute '${method}' on 'CookieStore': ${why}`);
  };
  const trim = (/** @type {any} */ one) => `${one}`.replace(/^[ \t]+|[ \t]+$/g, "");
  const object = (/** @type {any} */ one) => one !== null && /object|function/.test(typeof one);
  /** @param {string} method @param {any} init @returns {string} */
  const text = (method, { name: n, value: v, domain: d, path: p = "/", expires, sameSite = "strict", partitioned }) => {
    const [name, value] = [trim(n), trim(v)];
    let [domain, path] = [d == null ? "" : `${d}`.toLowerCase(), `${p}`];
    if (name.includes("=")) refuse(method, "Cookie name cannot contain '='");
    if (!name && value.includes("=")) refuse(method, "Cookie value cannot contain '=' if the name is empty");
    if (!name && !value) refuse(method, "Cookie name and value both cannot be empty");
    if (domain[0] === ".") refuse(method, 'Cookie domain cannot start with "."');
    if (domain && domain !== host && !host.endsWith("." + domain)) refuse(method, "Cookie domain must domain-match current host");
    if (path && path[0] !== "/") refuse(method, 'Cookie path must start with "/"');
    const prefix = /^__(?:host-)?http-/i.exec(name) ?? /^__host-/i.exec(name);
    if (/http/i.test(prefix?.[0] ?? "")) refuse(method, `Cookies with "${prefix?.[0]}" prefix cannot be set using the CookieStore API.`);
    if (prefix && domain) refuse(method, 'Cookies with "__Host-" prefix cannot have a domain');
    if (prefix && path !== "/") refuse(method, 'Cookies with "__Host-" prefix cannot have a non-"/" path');
    if (!ENUM.test(sameSite)) refuse(method, `The provided value '${sameSite}' is not a valid enum value of type CookieSameSite.`);
    if (expires != null && !Number.isFinite(+expires)) refuse(method, "The provided double value is non-finite.");
    if (/[;\0-\x1f\x7f]/.test(name + value + domain + path) || path.length > 1023) malformed(method);
    if (path && !path.endsWith("/")) path += "/";
    return `${name}=${value}; SameSite=${sameSite}` + (domain && "; Domain=" + domain) + (path && "; Path=" + path) +
      (secure ? "; Secure" : "") + (partitioned ? "; Partitioned" : "") +
      (expires == null ? "" : "; Expires=" + new Date(Math.min(Math.max(+expires, 0), 4e15)).toUTCString());
  };
  const malformed = (/** @type {string} */ method) =>
    refuse(method, "Cookie was malformed and could not be stored, due to problem(s) while parsing.");
  return {
    malformed,
    /** The text of what `set` or `delete` writes. @param {string} method @param {any[]} args */
    write(method, args) {
      const [first] = args;
      const missing = `${args.length ? 2 : 1} argument${args.length ? "s" : ""} required, but only ${args.length} present.`;
      if (method === "delete") {
        if (!args.length) refuse(method, missing);
        const { name = object(first) ? refuse(method, "Required member is undefined.") : first, domain, path, partitioned } =
          object(first) ? first : { name: first };
        // A value without a name is there to be parsed; what is over has none.
        return text(method, { name, value: trim(name) ? "" : "-", domain, path, partitioned, expires: 0 });
      }
      if (args.length > 1) return text(method, { name: first, value: args[1] });
      if (!object(first)) refuse(method, missing);
      if (first.name === undefined || first.value === undefined) refuse(method, "Required member is undefined.");
      return text(method, first);
    },
    /**
     * What `get` or `getAll` asks for.
     * @param {string} method
     * @param {any[]} args
     * @param {(url: string) => string | undefined} place the path of a URL that may be asked for
     */
    query(method, [first], place) {
      const options = object(first) ? first : first == null ? {} : { name: first };
      const name = options.name === undefined ? undefined : trim(options.name);
      if (method === "get" && name === undefined && options.url === undefined) refuse(method, "CookieStoreGetOptions must not be empty");
      const path = options.url === undefined ? undefined : place(`${options.url}`);
      if (options.url !== undefined && path === undefined) refuse(method, "URL must match the document URL");
      return { path, named: (/** @type {Row} */ row) => name === undefined || row[0] === name };
    },
  };
}
