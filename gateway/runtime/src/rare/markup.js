// HTML and lists of URLs that script makes: a small copy of the server's rules.
import { apply, getOwnPropertyDescriptor } from "../shared/hooks.js";
import { framed } from "./framed.js";
import { mapCss } from "../shared/css.js";
import { importMap } from "./imports.js";
import { demanded } from "./integrity.js";

const TOKENS = /<!--[^]*?-->|<(script|textarea|title|xmp|noscript)\b[^]*?<\/\1|<style\b[^>]*>([^]*?)<\/style|<[a-z](?:"[^"]*"|'[^']*'|[^"'>])*>/gi;
const ATTRIBUTE = /([^\s"'<>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/g;
// A document that leads on by itself, and the address in what it says.
const REFRESH = /^<meta\b[^>]*http-equiv\s*=\s*["']?\s*refresh/i;
const LEADS = /^(\s*[\d.]*[\s;,]*(?:url\s*=\s*)?["']?)([^"']+)/i;
// What stands before the first element, and decides on the document's mode.
const DOCTYPE = /^(?:\s*(?:<!--[^]*?-->\s*)*<!doctype(?:"[^"]*"|'[^']*'|[^"'>])*>)?/i;
const area = document.createElement("textarea");
const { set: setHtml } = /** @type {any} */ (getOwnPropertyDescriptor(Element.prototype, "innerHTML"));

// Without a scheme, as it then reads back.
const RELATIVE = /^\s*\/\//;

// Elements of a page's own: their attributes are nobody's but its script's.
const CUSTOM = /^<(?!annotation-xml\b)[a-z][^\s/>-]*-/i;
const STYLE = /\sstyle\s*=/i;

/** @typedef {(name: string, value: string) => string} Attribute */

/** An attribute's value, as the browser reads it. @param {string} quoted */
const textOf = (quoted) => {
  const value = quoted.replace(/^(["'])([^]*)\1$/, "$2");
  if (!value.includes("&")) return value;
  apply(setHtml, area, [value.replace(/</g, "&lt;")]);
  return area.value;
};

/**
 * @param {string} text
 * @param {(given: any) => any} map
 * @param {Attribute} attribute
 */
export const html = (text, map, attribute) =>
  text.replace(TOKENS, (whole, raw, sheet) =>
    sheet ? whole.replace(sheet, () => mapCss(sheet, map))
    : raw && /^<script\b[^>]*\btype\s*=\s*["']?importmap\b/i.test(whole) ? whole.replace(/>([^]*)</, (_, given) => `>${importMap(given, map)}<`)
    : raw || whole[1] === "!" || CUSTOM.test(whole) && !STYLE.test(whole) ? whole
    : whole.replace(ATTRIBUTE, (pair, name, equals, quoted) => {
      const refreshing = REFRESH.test(whole);
      const value = textOf(quoted);
      const mapped = refreshing && /^content$/i.test(name) ? value.replace(LEADS, (/** @type {string} */ _, /** @type {string} */ before, /** @type {string} */ url) => before + map(url)) : attribute(name, value);
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
 * @param {Map<string, Blob>} blobs what blob: URLs stand for
 */
export const attribute = (name, value, map, other, frameMarkup, blobs) =>
  name === "integrity" ? demanded(value, map)
  : name === "style" ? mapCss(value, map)
  : /^(?:src|data)$/.test(name) && /^\s*(?:data:text|blob:)/i.test(value) ? framed(value, frameMarkup, (text) => html(text, map, other), blobs)
  : name === "srcdoc" ? html(value, map, other).replace(DOCTYPE, (doctype) => doctype + frameMarkup)
  : /set$/.test(name) ? candidates(value, map)
  : name === "ping" ? value.replace(/\S+/g, map)
  : RELATIVE.test(value) ? map(value).replace(/^https:/, "")
  : map(value);
