// Elements' properties and attributes, and every way to turn text into elements or rules.
import { defineProperty, hook, hookAll } from "../shared/hooks.js";
import { textOf } from "../shared/urls.js";
import { FOREIGN, TEXTS, URLS, URL_ATTRIBUTE } from "./markup.js";

const RULES = "insertRule addRule appendRule replace replaceSync cssText setProperty set append";
const STYLES = "background background-image border-image border-image-source content cursor filter list-style list-style-image mask mask-image";

/** @param {import("./realm.js").Realm} realm */
export function installElements({ w, map, unmap, payload: { given }, ask }) {
  /** What may be markup, or rules. @param {any[]} args @param {any} self @param {string} name */
  const texts = (args, self, name) => {
    if (/^wr/.test(name) || FOREIGN.test(`${args.map(textOf)}`)) ask("texts", args, self, name);
  };
  /** @param {any} name @param {any} value @param {any} [of] the element @param {any[]} [args] of a method @returns {any} */
  const named = (name, value, of, args) =>
    URL_ATTRIBUTE.test(textOf(name)) && FOREIGN.test(textOf(name) + textOf(value)) ? ask("attribute", value, name, of, args) : value;
  const property = (/** @type {any[]} */ args, /** @type {any} */ _, /** @type {string} */ name) => (args[0] = named(name, args[0]));
  /** What an attribute was set to, as far as that is remembered. @param {any} value */
  const recall = (value) => given.get(value) ?? unmap(value);

  for (const name of Object.getOwnPropertyNames(w)) {
    if (/^HTML.+Element$/.test(name)) {
      const { prototype } = w[name];
      hook(prototype, URLS, property, unmap);
      hook(prototype, TEXTS, property, recall);
      hook(prototype, "origin protocol host hostname port search", null, (value, { href }, _, name) =>
        href && map(href) !== href ? new URL(href)[/** @type {"host"} */ (name)] : value);
    }
    if (/^CSS|^StyleP/.test(name)) {
      hook(w[name].prototype, RULES, texts, unmap);
    }
  }
  const { prototype } = w.Element;
  hook(prototype, "setAttribute setAttributeNS", (args, self, name) => {
    const at = name[12] ? 1 : 0; // of a namespace
    args[at + 1] = named(args[at], args[at + 1], self, args);
  });
  hook(prototype, "getAttribute getAttributeNS", null, (value, _, args, name) =>
    args[1] !== "" && URL_ATTRIBUTE.test(textOf(args[name[12] ? 1 : 0])) ? recall(value) : value); // as it is: with "" behind its name
  // What is no attribute's is the browser's.
  hookAll(w, "Attr.value:0 Node.nodeValue:0 Node.textContent:0",
    (value, self) => (self.nodeType === 2 ? named(self.name, value) : value),
    (value, self) => (self.nodeType === 2 ? recall(value) : value));

  hookAll(
    w,
    "innerHTML outerHTML setHTML setHTMLUnsafe".replace(/\w+/g, "Element.$& ShadowRoot.$&") +
    " Element.insertAdjacentHTML Range.createContextualFragment DOMParser.parseFromString" +
    " Document.execCommand Document.write Document.writeln FontFace",
    texts,
    unmap,
  );
  hook(w.Document, "parseHTMLUnsafe parseHTML", texts);
  // Chromium has the properties on each declaration, and lets the prototype's go first.
  const styles = w.CSSStyleDeclaration.prototype;
  const { getPropertyValue, setProperty } = styles;
  for (const name of STYLES.split(" ")) {
    for (const key of [name, name.replace(/-(.)/g, (_, first) => first.toUpperCase())]) {
      defineProperty(styles, key, {
        configurable: true,
        enumerable: true,
        get() {
          return unmap(getPropertyValue.call(this, name));
        },
        set(value) {
          setProperty.call(this, name, value);
        },
      });
    }
  }
}
