// What scripts that script makes import from other hosts: an import map has its addresses mapped;
// for the hosts that a module names, a map of ours stands before it, as the server puts one in.

const ADDRESS = /["'`]((?:https?:)?\/\/[^\s"'`\\/?#@$]+\/)([^\s"'`\\]*)/gi;
/** Our own maps, and those that were mapped. @type {WeakSet<Element>} */
const done = new WeakSet();
const MOST = 1000;
/** Hosts and addresses that have their place in one, by document. @type {WeakMap<Document, Set<string>>} */
const places = new WeakMap();
const later = setTimeout;
const { append, remove } = Element.prototype;

/**
 * An import map with its absolute addresses mapped; as on the server, a name that is an
 * address is known by both.
 * @param {string} text
 * @param {(given: any) => any} map
 */
export const importMap = (text, map) => {
  const both = (/** @type {any} */ names, /** @type {any} */ change) => {
    const out = /** @type {any} */ ({});
    for (const [key, value] of Object.entries(names ?? {})) {
      out[map(key)] ??= change(value);
      out[key] = change(value);
    }
    return out;
  };
  try {
    const { imports, scopes, integrity, ...rest } = JSON.parse(text);
    const specifiers = (/** @type {any} */ names) => both(names, (/** @type {any} */ value) => typeof value === "string" ? map(value) : value);
    return JSON.stringify({
      ...rest, imports: specifiers(imports), scopes: both(scopes, specifiers), integrity: both(integrity, (/** @type {any} */ value) => value),
    }).replace(/</g, "\\u003c");
  } catch {
    return text; // the browser will say so
  }
};

/**
 * @param {any} script
 * @param {(given: any) => any} map
 * @param {(text: string) => any} trusted
 */
export function imports(script, map, trusted) {
  const { ownerDocument: document, text, type } = script;
  if (done.has(script) || script.isConnected) return;
  done.add(script);
  if (/^\s*importmap\s*$/i.test(type)) {
    const mapped = importMap(text, map);
    if (mapped === text) return;
    script.text = trusted(mapped);
    // Then it reads as it was: the browser has read it.
    later(() => (script.text = trusted(text)));
    return;
  }
  /** @type {Record<string, string>} */
  const names = {};
  const known = places.get(document) ?? new Set();
  places.set(document, known);
  for (const [, host, rest] of text.matchAll(ADDRESS)) {
    // By itself, too: of a host that something was imported from before, browsers take no rule.
    for (const address of [host, host + rest]) {
      const given = address.replace(/^\/\//, "https://");
      const mapped = map(given);
      if (known.has(given) || known.size > MOST) continue;
      known.add(given);
      if (mapped !== given) names[given] = mapped;
    }
  }
  if (!Object.keys(names).length) return;
  const ours = document.createElement("script");
  done.add(ours);
  ours.type = "importmap";
  ours.nonce = script.nonce;
  ours.text = trusted(JSON.stringify({ imports: names }));
  append.call(document.documentElement, ours);
  remove.call(ours);
}
