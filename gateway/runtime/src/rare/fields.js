// Fields that the gateway adds to an answer: script that lists them sees the origin's.  What
// stands for a site's own word (its policies, whom it lets frame it) stays: a service worker may
// pass it on.
import { apply, defineProperty } from "../shared/hooks.js";
import { read } from "../shared/urls.js";

const OURS = /^(?:origin-agent-cluster|strict-transport-security|x-dns-prefetch-control|x-gateway-[a-z-]+)$/i;
const POLICY = /(?:^|, )default-src https:\/\/\*\S+ data: blob: [^,]*; report-uri \/\.gateway\/report$/;
const VARIES = /(?:^|, )Sec-Fetch-Dest(?:, Accept-Encoding)?$/;
const OWN = /\/\.gateway\//;

/** A field's value as the origin gave it; null: it gave none. @param {string} name @param {string | null} value */
const sent = (name, value) => {
  if (value === null || OURS.test(name)) return null;
  const left = /^content-security-policy$/i.test(name) ? value.replace(POLICY, "") : /^vary$/i.test(name) ? value.replace(VARIES, "") : value;
  return left || left === value ? left : null;
};

/**
 * @param {any} w
 * @param {typeof import("../shared/hooks.js").hook} hook
 */
export function fields(w, hook) {
  const { Headers: { prototype } } = w;
  const { entries } = prototype;
  /** Those of answers of the page's own origin. */
  const answered = new WeakSet();
  hook(w, "Response.headers", null, (headers, { type, url }) => {
    if (type === "basic" && !OWN.test(url)) answered.add(headers);
    return headers;
  });
  /** @param {any} headers @returns {[string, string][]} */
  const list = (headers) => [...apply(entries, headers, [])]
    .map(([name, value]) => /** @type {[string, any]} */ ([name, sent(name, value)]))
    .filter(([, value]) => value !== null);
  /** @param {string} name @param {(pairs: [string, string][]) => any} of */
  const each = (name, of) => hook(w, "Headers." + name, null, (found, self) => (answered.has(self) ? of(list(self))[Symbol.iterator]() : found));
  each("entries", (pairs) => pairs);
  each("keys", (pairs) => pairs.map(([name]) => name));
  each("values", (pairs) => pairs.map(([, value]) => value));
  defineProperty(prototype, Symbol.iterator, { value: prototype.entries, configurable: true, writable: true });
  hook(w, "Headers.forEach:0", (heard, self) =>
    typeof heard !== "function" || !answered.has(self) ? heard
    : function (/** @type {string} */ value, /** @type {string} */ name) {
      const left = sent(name, value);
      // @ts-ignore: what the page's function is called on is its own matter
      if (left !== null) apply(heard, this, [left, name, self]);
    });
  hook(w, "Headers.get:0", read, (value, self, [name]) => (answered.has(self) ? sent(`${name}`, value) : value));
  hook(w, "Headers.has:0", read, (has, self, [name]) => has && (!answered.has(self) || self.get(name) !== null));
  hook(w, "XMLHttpRequest.getResponseHeader:0", read, (value, { responseURL }, [name]) => (OWN.test(responseURL) ? value : sent(`${name}`, value)));
  hook(w, "XMLHttpRequest.getAllResponseHeaders", null, (text, { responseURL }) =>
    !text || OWN.test(responseURL) ? text
    : text.replace(/^([^:]*): (.*)\r\n/gm, (/** @type {string} */ _, /** @type {string} */ name, /** @type {string} */ value) => {
      const left = sent(name, value);
      return left === null ? "" : `${name}: ${left}\r\n`;
    }));
}
