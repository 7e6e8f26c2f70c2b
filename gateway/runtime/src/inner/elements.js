// Elements' properties and attributes, and every way to turn text into elements or rules.
import { defineProperty, hook, hookAll } from "../shared/hooks.js";
import { PROPERTIES, URLS, URL_ATTRIBUTE } from "./markup.js";

const RULES = "insertRule addRule appendRule replace replaceSync cssText setProperty set append";
const STYLES = (
  "background backgroundImage borderImage borderImageSource content cursor filter listStyle listStyleImage " +
  "mask maskImage"
).split(" ");

/**
 * @param {any} w
 * @param {import("../shared/urls.js").Urls} urls
 * @param {import("./markup.js").Markup} markup
 * @param {import("./rare.js").Rare} rare
 */
export function installElements(w, { map, unmap, typed }, { attribute, css, html: mapHtml, recall }, rare) {
  const html = (/** @type {any} */ value) => typed(value, mapHtml);
  const named = (/** @type {any} */ name, /** @type {any} */ value) => typed(value, (text) => attribute(`${name}`, text));

  for (const name of Object.getOwnPropertyNames(w)) {
    if (/^HTML.+Element$/.test(name)) {
      PROPERTIES.forEach((key, at) => hookAll(w, `${name}.${key}:0`, (value) => named(key, value), at < URLS ? unmap : recall));
    }
    if (/^CSS|^StyleP/.test(name)) {
      hook(w[name].prototype, RULES, (args) => args.forEach((one, at) => (args[at] = css(one))), unmap);
    }
  }
  for (const key of "origin protocol host hostname port search".split(" ")) {
    hookAll(w, `HTMLAnchorElement.${key} HTMLAreaElement.${key}`, null, (value, { href }) =>
      href && map(href) !== href ? new URL(href)[/** @type {"host"} */ (key)] : value);
  }
  const { prototype } = w.Element;
  // What the attributes of an element of the page's own mean, only its script knows.
  ["", "NS"].forEach((kind, at) => hook(prototype, "setAttribute" + kind, (args, self) =>
    /-/.test(self.localName) && args[at] != "style" || (args[at + 1] = named(args[at], args[at + 1]))));
  hookAll(w, "Element.getAttribute Element.getAttributeNS", null, (value, _, args) => (URL_ATTRIBUTE.test(args.at(-1)) ? recall(value) : value));
  // What is no attribute's is the browser's.
  hookAll(w, "Attr.value:0 Node.nodeValue:0 Node.textContent:0",
    (value, self) => (self.nodeType === 2 ? named(self.name, value) : value),
    (value, self) => (self.nodeType === 2 ? recall(value) : value));

  hookAll(
    w,
    "innerHTML outerHTML setHTML setHTMLUnsafe".replace(/\w+/g, "Element.$&:0 ShadowRoot.$&:0") +
    " Element.insertAdjacentHTML:1 Range.createContextualFragment:0 DOMParser.parseFromString:0",
    html,
    unmap,
  );
  hook(w.Document, "parseHTMLUnsafe parseHTML", (args) => (args[0] = html(args[0])));
  // What a command puts in is markup, or an address.
  hook(w.Document.prototype, "execCommand", (args) => /ht|ge$|nk/i.test(args[0]) && (args[2] = html(map(args[2]))));
  const { write } = w.Document.prototype;
  hook(w.Document.prototype, "write writeln", (args, self) => {
    if (args.length) args.splice(0, args.length, rare("written", args.join(""), args, typed, mapHtml, write.bind(self)));
  });
  hookAll(w, "FontFace:1", css);
  // Chromium has the properties on each declaration, and lets the prototype's go first.
  const styles = w.CSSStyleDeclaration.prototype;
  const { getPropertyValue, setProperty } = styles;
  for (const name of STYLES) {
    const dashed = name.replace(/[A-Z]/g, "-$&").toLowerCase();
    for (const key of [name, dashed]) {
      defineProperty(styles, key, {
        configurable: true,
        enumerable: true,
        get() {
          return unmap(getPropertyValue.call(this, dashed));
        },
        set(value) {
          setProperty.call(this, dashed, value);
        },
      });
    }
  }
}
