// What stands for `location` on sites whose scripts are to read their own address.  Location's
// members belong to each object and cannot be changed, so it is an object of the same shape, which
// the edited scripts get under another name (`__gw_location`).
import { apply, defineProperty, getOwnPropertyDescriptor, wrap } from "../shared/hooks.js";

const PARTS = /^(?:origin|protocol|host|hostname|port)$/;

/**
 * @param {any} w
 * @param {import("../shared/urls.js").Urls} urls
 * @returns {any} the window's
 */
export function locationOf(w, { map, unmap }) {
  const { location: native, URL, DOMException } = w;
  const facade = Object.create(Reflect.getPrototypeOf(native));
  const read = (/** @type {string} */ key) => native[key];
  const real = () => unmap(read("href"));
  /** Of the real address, one of its parts. @type {Record<string, () => any>} */
  const getters = Object.assign(Object.create(null), { href: real, origin: () => unmap(read("origin")), ancestorOrigins: () => (ancestors ??= ancestorsOf(w, native, unmap)) });
  /** @type {any} */
  let ancestors;
  const setters = {
    /** @param {any} to */
    href(to) {
      native.href = map(to);
    },
  };
  /** @type {Record<string, (...args: any[]) => any>} */
  const methods = Object.assign(Object.create(null), {
    toString: real,
    assign: (/** @type {any} */ to) => native.assign(map(to)),
    replace: (/** @type {any} */ to) => native.replace(map(to)),
    reload: () => native.reload(),
  });
  for (const key of Reflect.ownKeys(native)) {
    const own = /** @type {any} */ (getOwnPropertyDescriptor(native, key));
    const name = String(key);
    /** A native's text, name and length; what is done to the stand-in is done here. @param {any} of @param {(...args: any[]) => any} instead */
    const like = (of, instead) => of && wrap(of, {
      // A missing argument is the native's to refuse.
      apply: (target, self, args) => (self === facade && args.length >= target.length ? instead(...args) : apply(target, self === facade ? native : self, args)),
    });
    if (own.get) {
      const part = PARTS.test(name);
      own.get = like(own.get, getters[name] ?? (part ? () => new URL(real())[name] : () => read(name)));
      own.set = like(own.set, (value) => {
        if (name === "href") setters.href(value);
        else if (!part) native[name] = value;
        else {
          const to = new URL(real());
          const before = to.href;
          to[name] = value;
          // As natively: what is no scheme is refused, what is no host changes nothing.
          if (name === "protocol" && to.href === before && !/^[a-z][a-z\d+.-]*(?::|$)/i.test(`${value}`)) {
            throw new DOMException(`Failed to set the 'protocol' property on 'Location': '${value}' is an invalid protocol.`, "SyntaxError");
          }
          native.href = map(to.href);
        }
      });
    } else if (methods[name]) own.value = like(own.value, methods[name]);
    defineProperty(facade, key, own);
  }
  return facade;
}

/** The pages around this one, without the gateway's own frame. @param {any} w @param {any} native @param {(text: string) => string} unmap */
function ancestorsOf({ DOMStringList }, native, unmap) {
  const given = native.ancestorOrigins;
  const found = Array.from(given ?? []).slice(0, -1).map(unmap);
  const list = Object.create(DOMStringList.prototype);
  found.forEach((one, at) => defineProperty(list, at, { value: one, enumerable: true, configurable: true }));
  defineProperty(list, "length", { value: found.length });
  defineProperty(list, "item", { value: (/** @type {any} */ at) => found[at >>> 0] ?? null });
  defineProperty(list, "contains", { value: (/** @type {any} */ one) => found.includes(`${one}`) });
  return list;
}
