// The names that edited scripts use (wire names of gateway/wire.py): on the window, where a
// top-level `var location` must act as natively, and on Object.prototype for every `.location`.
import { apply, defineProperty, getOwnPropertyDescriptor, wrap } from "../shared/hooks.js";

const PREFIX = "__gw_";
const RENAMED = /\b__gw_(location|domain|top|parent)\b/g;

/** The text of a script as it was before its names were changed. @param {string} text */
export const asWritten = (text) => text.replace(RENAMED, "$1").replaceAll("__gw_meta(import.meta)", "import.meta");

/**
 * @param {any} w
 * @param {any} window_ getters of what the global object has, and maybe its setters
 */
export function installNames(w, window_) {
  const { prototype } = w.Object;
  for (const name of ["location", "domain", "top", "parent"]) {
    defineProperty(prototype, PREFIX + name, {
      configurable: true,
      get() {
        return this[name];
      },
      set(value) {
        Reflect.set(Object(this), name, value, this);
      },
    });
  }
  // In `with (object)` a name is the object's only if the object has what it stands for.
  defineProperty(prototype, Symbol.unscopables, {
    configurable: true,
    get() {
      /** @type {Record<string, boolean>} */
      const out = {};
      for (const name of ["location", "domain", "top", "parent"]) out[PREFIX + name] = !(name in this);
      return out;
    },
    set(value) {
      defineProperty(this, Symbol.unscopables, { value, writable: true, enumerable: true, configurable: true });
    },
  });
  for (const [name, own] of Object.entries(window_)) {
    // A frame's first document may leave its window, and these, to the next, whose own come then.
    if (getOwnPropertyDescriptor(w, PREFIX + name)?.configurable !== false) defineProperty(w, PREFIX + name, { configurable: w !== globalThis, ...own });
  }
  const text = w.Function.prototype;
  const { toString } = text;
  defineProperty(text, "toString", {
    ...getOwnPropertyDescriptor(text, "toString"),
    value: wrap(toString, {
      apply: (target, self, args) => asWritten(apply(target, self, args)),
    }),
  });
}

/**
 * What modules and dynamic imports are given, in pages and workers alike.
 * @param {import("../shared/urls.js").Urls} urls
 */
export function moduleNames({ map, unmap }) {
  const seen = new WeakSet();
  const value = (/** @type {any} */ one) => ({ value: one });
  return {
    import: value(map),
    meta: value((/** @type {any} */ meta) => {
      if (!seen.has(meta)) {
        seen.add(meta);
        const { resolve } = meta;
        meta.url = unmap(meta.url);
        if (resolve) meta.resolve = wrap(resolve, { apply: (target, self, [one, ...rest]) => unmap(apply(target, self, [map(one), ...rest])) });
      }
      return meta;
    }),
  };
}
