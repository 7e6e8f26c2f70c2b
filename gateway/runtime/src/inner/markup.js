// HTML that script makes, and attributes that it sets: a small copy of the server's rules.
// What it misses, the containment policy stops.
import { apply, getOwnPropertyDescriptor } from "../shared/hooks.js";
import { mapCss } from "../shared/css.js";

/** @typedef {ReturnType<typeof markupOf>} Markup */

export const URL_ATTRIBUTE = /^(?:(?:xlink:)?href|src|(?:form)?action|poster|data|background|cite|ping|(?:image)?srcset|style|srcdoc)$/i;
const TOKENS = /<!--[^]*?-->|<(script|textarea|title|xmp|noscript)\b[^]*?<\/\1|<style\b[^>]*>([^]*?)<\/style|<[a-z](?:"[^"]*"|'[^']*'|[^"'>])*>/gi;
const ATTRIBUTE = /([^\s"'<>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/g;
const area = document.createElement("textarea");
const { set: setHtml } = /** @type {any} */ (getOwnPropertyDescriptor(Element.prototype, "innerHTML"));

/**
 * @param {import("../shared/urls.js").Urls} urls
 * @param {string} frameMarkup what goes before a `srcdoc` document
 */
export function markupOf({ map }, frameMarkup) {
  const css = (/** @type {any} */ text) => mapCss(text, map);
  /**
   * An attribute's value as it is to be set; others come back as they are.
   * @param {string} name
   * @param {any} value
   * @returns {any}
   */
  const attribute = (name, value) => {
    if (!URL_ATTRIBUTE.test(name)) return value;
    const kind = name.toLowerCase();
    return kind === "style" ? css(value)
      : kind === "srcdoc" ? frameMarkup + html(value)
      // Candidates and lists: a descriptor is no URL with a colon or two slashes in it.
      : /set$|ping/.test(kind) ? value.replace(/[^\s,]\S*(?=,\s|\s|$)/g, (/** @type {string} */ one) => (/:|\/\//.test(one) ? map(one) : one))
      : map(value);
  };
  /** @param {string} text @returns {string} */
  const html = (text) =>
    text.replace(TOKENS, (whole, raw, sheet) =>
      sheet ? whole.replace(sheet, () => css(sheet))
      : raw || whole[1] === "!" ? whole
      : whole.replace(ATTRIBUTE, (pair, name, equals, given) => {
        let value = given.replace(/^(["'])([^]*)\1$/, "$2");
        if (value.includes("&")) {
          apply(setHtml, area, [value.replace(/</g, "&lt;")]);
          value = area.value;
        }
        const mapped = `${attribute(name, value)}`;
        return mapped === value ? pair : `${name}${equals}"${mapped.replace(/&/g, "&amp;").replace(/"/g, "&quot;")}"`;
      }));
  return { attribute, css, html };
}
