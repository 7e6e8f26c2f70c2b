// Texts that script makes elements or rules of, and that may name a foreign host.
import { FOREIGN, IMPORTS, URL_ATTRIBUTE } from "../inner/markup.js";
import { mapCss } from "../shared/css.js";
import { isOdd, read } from "../shared/urls.js";
import { imports } from "./imports.js";
import { attribute, html } from "./markup.js";
import { page } from "./page.js";
import { sheet } from "./told.js";
import { written } from "./write.js";

/** @typedef {import("../inner/realm.js").Realm} Realm */

const MEMORY = 999;
const RULES = /Rule|^replace|^cssText$|^setProperty$|^set$|^append$|^FontFace$/;
// What a command puts in is markup, or an address.
const COMMANDS = /ht|ge$|nk/i;

// What takes something else behind its first text.
const ONE = /^(set|parse)HTML|Rule$/;

/**
 * An attribute's text as it is to be set; others come back as they are.
 * @param {Realm} realm
 * @returns {import("./markup.js").Attribute}
 */
export const attributeOf = ({ map, payload: { given, frame, blobs } }) => {
  /** @type {import("./markup.js").Attribute} */
  const change = (name, value) => {
    if (!URL_ATTRIBUTE.test(name) || !FOREIGN.test(name + value)) return value;
    const mapped = attribute(name.toLowerCase(), value, map, change, frame, blobs);
    if (mapped !== value) {
      if (given.size > MEMORY) given.clear();
      given.set(mapped, value);
    }
    return mapped;
  };
  return change;
};

/** @param {Realm} realm @param {any} text */
const css = ({ map }, text) => {
  const mapped = mapCss(text, map);
  sheet(text, mapped);
  return mapped;
};

/**
 * What is put into a document, or into a style element.
 * @param {Realm} realm @param {any[]} args @param {boolean} styled
 */
export function inserting(realm, args, styled) {
  args.forEach((one, at) => {
    if (one?.localName === "script" && IMPORTS.test(one.type + one.text)) imports(one, realm.map, page.script(realm));
    if (!styled) return;
    if (one?.data) one.data = css(realm, one.data);
    else args[at] = css(realm, one?.nodeType ? one : read(one));
  });
}

/**
 * The arguments of what takes markup or rules, or is an attribute's.
 * @param {Realm} realm @param {any[]} args @param {any} self @param {string} name the method's, or the property's
 */
export function texts(realm, args, self, name) {
  if (args.slice(0, ONE.test(name) ? 1 : name === "FontFace" ? 2 : args.length).some((one, at) => isOdd(args[at] = read(one)))) return;
  const typed = page.typed(realm);
  const attribute = attributeOf(realm);
  /** @param {string} text */
  const markup = (text) => html(text, realm.map, attribute);
  if (/^write/.test(name)) {
    if (args.length) args.splice(0, args.length, written(realm, args, self, typed, markup));
  } else if (URL_ATTRIBUTE.test(name)) args[0] = typed(args[0], (text) => attribute(name, text));
  else if (name === "execCommand") {
    if (COMMANDS.test(args[0])) args[2] = typed(args[2], (text) => markup(realm.map(text)));
  } else if (RULES.test(name)) args.forEach((one, at) => (args[at] = css(realm, one)));
  else {
    const at = +(name === "insertAdjacentHTML");
    if (args[at] != null) args[at] = typed(args[at], markup);
  }
}
