// Attributes, HTML and style text that script sets: what names a foreign host is changed by
// the part that few pages need.  What it misses, the containment policy stops.

/** @typedef {ReturnType<typeof markupOf>} Markup */

// Those that read as URLs (the last two are only read), then those that read as the attribute does.
export const PROPERTIES = "href src action formAction data poster cite currentSrc toString srcset imageSrcset srcdoc ping background integrity".split(" ");
export const URLS = 9;
export const URL_ATTRIBUTE = RegExp(`^((xlink:)?(${PROPERTIES.join("|")})|style)$`, "i");
// What may name a host, be a document of its own, or demand a digest.
const FOREIGN = /\/\/|\\|https?:|&[#bcs]|srcdoc|sha\d|a:text/i;
const MEMORY = 999;
// An import map, or a module, that may name a host.
const IMPORTS = /import[^]*\/\//;

/**
 * @param {import("../shared/urls.js").Urls} urls
 * @param {import("./rare.js").Rare} rare
 * @param {string} frameMarkup what goes before a `srcdoc` document
 * @param {Map<string, Blob>} blobs what blob: URLs stand for
 * @param {(text: string) => any} trusted
 */
export function markupOf({ map, unmap }, rare, frameMarkup, blobs, trusted) {
  /** @type {Map<string, string>} */
  const given = new Map();
  /** @param {"css" | "html"} kind @returns {(text: any) => any} */
  const changer = (kind) => (text) => (FOREIGN.test(text) ? rare(kind, text, text, map, attribute) : text);
  const css = changer("css");
  const html = changer("html");
  /**
   * An attribute's text as it is to be set; others come back as they are.
   * @param {string} name
   * @param {string} value
   * @returns {string}
   */
  const attribute = (name, value) => {
    if (!URL_ATTRIBUTE.test(name) || !FOREIGN.test(name + value)) return value;
    const mapped = rare("attribute", value, name.toLowerCase(), value, map, attribute, frameMarkup, blobs);
    if (mapped !== value) {
      if (given.size > MEMORY) given.clear();
      given.set(mapped, value);
    }
    return mapped;
  };
  /** What an attribute was set to, as far as that is remembered. @param {any} value */
  const recall = (value) => given.get(value) ?? unmap(value);
  /** A script that is about to be put in, before the browser reads it. @param {any} one */
  const script = (one) => one?.localName === "script" && IMPORTS.test(one.type + one.text) && rare("imports", 0, one, map, trusted);
  return { attribute, css, html, recall, script };
}
