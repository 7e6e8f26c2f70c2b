// HTML and lists of URLs that script makes: a small copy of the server's rules.
import { apply, getOwnPropertyDescriptor } from "../shared/hooks.js";
import { mapCss } from "../shared/css.js";
import { demanded } from "./integrity.js";

const TOKENS = /<!--[^]*?-->|<(script|textarea|title|xmp|noscript)\b[^]*?<\/\1|<style\b[^>]*>([^]*?)<\/style|<[a-z](?:"[^"]*"|'[^']*'|[^"'>])*>/gi;
const ATTRIBUTE = /([^\s"'<>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/g;
const area = document.createElement("textarea");
const { set: setHtml } = /** @type {any} */ (getOwnPropertyDescriptor(Element.prototype, "innerHTML"));

/** @typedef {(name: string, value: string) => string} Attribute */

/**
 * @param {string} text
 * @param {(given: any) => any} map
 * @param {Attribute} attribute
 */
export const html = (text, map, attribute) =>
  text.replace(TOKENS, (whole, raw, sheet) =>
    sheet ? whole.replace(sheet, () => mapCss(sheet, map))
    : raw || whole[1] === "!" ? whole
    : whole.replace(ATTRIBUTE, (pair, name, equals, quoted) => {
      let value = quoted.replace(/^(["'])([^]*)\1$/, "$2");
      if (value.includes("&")) {
        apply(setHtml, area, [value.replace(/</g, "&lt;")]);
        value = area.value;
      }
      const mapped = attribute(name, value);
      return mapped === value ? pair : `${name}${equals}"${mapped.replace(/&/g, "&amp;").replace(/"/g, "&quot;")}"`;
    }));

/**
 * Candidates of images: a URL, and what it is good for up to the next comma.
 * @param {string} text
 * @param {(given: any) => any} map
 */
const candidates = (text, map) =>
  text.replace(/([^\s,]\S*?)(,+(?=\s|$)|\s+(?:[^,(]|\([^)]*\)?)*|$)/g, (_, url, rest) => map(url) + rest);

/**
 * An attribute's text that may name a foreign host, or be a document of its own.
 * @param {string} name in lower case
 * @param {string} value
 * @param {(given: any) => any} map
 * @param {Attribute} other what is done to attributes within
 * @param {string} frameMarkup what goes before a `srcdoc` document
 */
export const attribute = (name, value, map, other, frameMarkup) =>
  name === "integrity" ? demanded(value, map)
  : name === "style" ? mapCss(value, map)
  : name === "srcdoc" ? frameMarkup + html(value, map, other)
  : /set$/.test(name) ? candidates(value, map)
  : name === "ping" ? value.replace(/\S+/g, map)
  : map(value);
