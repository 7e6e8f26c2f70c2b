// The part of the inner runtime that few pages need; it is run at once when one does.
import { edit } from "../identity/edit.js";
import { mapCss } from "../shared/css.js";
import { decode } from "../shared/decode.js";
import { collapseUrl, expand } from "../shared/origins.js";
import { preambleOf } from "../shared/preamble.js";
import { read, write } from "./cookie.js";
import { foreign } from "./foreign.js";
import { heal } from "./heal.js";
import { imports } from "./imports.js";
import { longLabel, unlong } from "./long.js";
import { attribute, html } from "./markup.js";
import { caches, reads } from "./reads.js";
import { renew } from "./renew.js";
import { sign } from "./sign.js";
import { sockets } from "./sockets.js";
import { store } from "./store.js";
import { sheet } from "./told.js";
import { windowsOf } from "./windows.js";
import { written } from "./write.js";

/** @typedef {typeof parts} Parts */

const parts = {
  attribute,
  caches,
  /**
   * A query is the document's: browsers encode it by its character set, but not that of a URL object.
   * @param {URL} url @param {import("../shared/origins.js").Place} place @param {string} text
   */
  collapse: (url, place, text) => {
    const made = collapseUrl(url, place, longLabel, expand);
    const query = /^[^?#]*(\?[^#]*[^\0-~][^#]*)/.exec(text.replace(/[\t\n\r]/g, ""));
    return made && query && document.characterSet !== "UTF-8" ? made.replace(url.search, () => /** @type {any} */ (query)[1].trimEnd()) : made;
  },
  /** @param {any} text @param {(given: any) => any} map */
  css: (text, map) => {
    const mapped = mapCss(text, map);
    sheet(text, mapped);
    return mapped;
  },
  /** @param {string} text @param {import("../shared/origins.js").Place} place @param {string} own */
  decode: (text, place, own) => decode(unlong(text, place), place, own),
  foreign,
  heal,
  html,
  imports,
  read,
  reads,
  renew,
  sign,
  WebSocket: sockets,
  store,
  /** @param {any} w @param {string} origin */
  workers: (w, origin) => preambleOf(w, PREAMBLE, origin),
  /** Only where scripts are edited. */
  ...(IDENTITY ? { source: edit } : {}),
  windows: windowsOf,
  write,
  written,
};
/** @type {any} */ (document.currentScript).parts = parts;
