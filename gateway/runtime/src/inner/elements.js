// Elements' properties and attributes, and every way to turn text into elements or rules.
import { defineProperty, getOwnPropertyDescriptor, hook } from "../shared/hooks.js";
import { textOf } from "../shared/urls.js";
import { FOREIGN, TEXTS, URLS, URL_ATTRIBUTE } from "./markup.js";

// What has elements' properties, markup or rules, or is put into.
const INTERFACES = /^(HTML|CSS.|StyleP|Node$|Element$|Doc.*t$|Char|Shadow|Range$|DOMP)/;
// innerHTML, createContextualFragment, parseFromString, write and the like.
const MARKUP = /[re]HTML|ntH|Frag|^(setH|parseF|exec|write)/;
const RULES = /Rule$|^(repl|cssT|set|app)/;
const STYLES = "background list-style-image background-image filter mask-image border-image content border-image-source cursor mask list-style";

/**
 * @param {import("./realm.js").Realm} realm
 * @param {(prototype: any) => void} insert hooks what puts something into a document
 */
export function installElements({ w, parse, unmap, payload: { given }, ask }, insert) {
  /** What may be markup, or rules, or an attribute's. @param {any[]} args @param {any} self @param {string} name */
  const texts = (args, self, name) => {
    if (/^wr/.test(name) || FOREIGN.test(name + args.map(textOf))) ask("texts", args, self, name);
  };
  /** What an attribute was set to, as far as that is remembered. @param {any} value */
  const recall = (value) => given.get(value) ?? unmap(value);
  for (const name of Object.getOwnPropertyNames(w)) {
    if (!INTERFACES.test(name)) continue;
    const prototype = w[name]?.prototype ?? {}; // a page's own names may begin like these
    if (/^HTML/.test(name)) {
      hook(prototype, URLS, texts, unmap);
      hook(prototype, TEXTS, texts, recall);
      hook(prototype, /^(sea|prot|port|host|ori)/, null, (value, { href }, _, name) =>
        href ? parse(href)[/** @type {"host"} */ (name)] ?? value : value);
    }
    if (/^(Sty|CSS)/.test(name)) hook(prototype, RULES, texts, unmap);
    else {
      hook(prototype, MARKUP, texts, unmap);
      insert(prototype);
    }
  }
  const isUrl = (/** @type {any} */ self, /** @type {any} */ args, /** @type {any} */ at) => URL_ATTRIBUTE.test(textOf(self.nodeType === 2 ? self.name : args[at - 1]));
  // What is no attribute's is the browser's.
  hook(
    w,
    "Attr.value:0 Element.setAttributeNS:2 Node.nodeValue:0 Element.setAttribute:1 Element.getAttribute:1 Element.getAttributeNS:2 Node.textContent:0",
    (value, self, args, _, at) => (isUrl(self, args, at) && FOREIGN.test(self.name + args.slice(at - 1).map(textOf)) ? ask("attribute", value, self, args, at) : value),
    // As it is: with "" behind its name.
    (value, self, args, _, at) => (args[1] !== "" && isUrl(self, args, at) ? recall(value) : value),
  );
  hook(w, "FontFace", texts);
  hook(w.Document, MARKUP, texts);
  // Chromium has the properties on each declaration, and lets the prototype's go first.
  const styles = w.CSSStyleDeclaration.prototype;
  const { setProperty, getPropertyValue } = styles;
  for (const name of STYLES.split(" ")) {
    for (const key of [name, name.replace(/-(.)/g, (_, first) => first.toUpperCase())]) {
      // As any accessor that is written down: configurable, enumerable.
      defineProperty(styles, key, /** @type {PropertyDescriptor} */ (getOwnPropertyDescriptor({
        get [key]() {
          return unmap(getPropertyValue.call(this, name));
        },
        set [key](/** @type {any} */ value) {
          setProperty.call(this, name, value);
        },
      }, key)));
    }
  }
}
