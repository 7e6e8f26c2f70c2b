// Elements' properties and attributes, and every way to turn text into elements or rules.
import { hook, hookAll } from "../shared/hooks.js";
import { URL_ATTRIBUTE } from "./markup.js";

const PROPERTIES = "href src srcset imageSrcset srcdoc action formAction data poster ping background".split(" ");

/**
 * @param {any} w
 * @param {import("../shared/urls.js").Urls} urls
 * @param {import("./markup.js").Markup} markup
 */
export function installElements(w, { map, unmap }, { attribute, css, html: mapHtml }) {
  const { trustedTypes: types } = w;
  /** @type {any} */
  let trusted;
  try {
    const same = (/** @type {string} */ text) => text;
    trusted = types.createPolicy("gateway", { createHTML: same, createScriptURL: same });
  } catch {
    // There are none, or the page's policy admits no other: what is trusted stays as it is.
  }
  /**
   * Change text; a trusted type stays one.
   * @param {any} value
   * @param {(text: string) => any} change
   */
  const typed = (value, change) => {
    const text = `${value}`;
    const changed = `${change(text)}`;
    if (value == null || changed === text) return value;
    if (types?.isHTML(value)) return trusted?.createHTML(changed) ?? value;
    return types?.isScriptURL(value) ? trusted?.createScriptURL(changed) ?? value : changed;
  };
  const html = (/** @type {any} */ value) => typed(value, mapHtml);
  const named = (/** @type {any} */ name, /** @type {any} */ value) => typed(value, (text) => attribute(`${name}`, text));

  for (const name of Object.getOwnPropertyNames(w)) {
    if (!/^HTML.+Element$/.test(name)) continue;
    for (const key of PROPERTIES) hookAll(w, `${name}.${key}:0`, (value) => named(key, value), unmap);
  }
  for (const key of ["origin", "protocol", "host", "hostname", "port"]) {
    hookAll(w, `HTMLAnchorElement.${key} HTMLAreaElement.${key}`, null, (value, { href }) =>
      href && map(href) !== href ? new URL(href)[/** @type {"host"} */ (key)] : value);
  }
  hookAll(w, "SVGAnimatedString.baseVal:0", map, unmap);
  const { prototype } = w.Element;
  hook(prototype, "setAttribute", (args) => (args[1] = named(args[0], args[1])));
  hook(prototype, "setAttributeNS", (args) => (args[2] = named(args[1], args[2])));
  for (const name of ["getAttribute", "getAttributeNS"]) {
    hook(prototype, name, null, (value, _, args) => (URL_ATTRIBUTE.test(args.at(-1)) ? unmap(value) : value));
  }
  hookAll(w, "Attr.value:0", (value, self) => named(self.name, value));

  hookAll(
    w,
    "Element.innerHTML:0 Element.outerHTML:0 ShadowRoot.innerHTML:0 Element.setHTMLUnsafe:0 ShadowRoot.setHTMLUnsafe:0 " +
    "Element.insertAdjacentHTML:1 Range.createContextualFragment:0 DOMParser.parseFromString:0",
    (value, self) => (self.localName === "style" ? css(value) : html(value)),
  );
  hook(w.Document, "parseHTMLUnsafe", (args) => (args[0] = html(args[0])));
  for (const name of ["write", "writeln"]) {
    hook(w.Document.prototype, name, (args) => args.splice(0, 9, html(args.length > 1 ? args.join("") : args[0])));
  }
  hookAll(w, "Node.textContent:0", (value, self) => (self.localName === "style" ? css(value) : value));
  hookAll(
    w,
    "CSSStyleDeclaration.cssText:0 CSSStyleDeclaration.setProperty:1 CSSStyleSheet.insertRule:0 CSSStyleSheet.replace:0 " +
    "CSSStyleSheet.replaceSync:0 FontFace:1",
    css,
  );
}
