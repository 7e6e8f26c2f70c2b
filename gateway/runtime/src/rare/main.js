// The part of the inner runtime that few pages need; it is run at once when one does.
import { mapCss } from "../shared/css.js";
import { decode } from "../shared/decode.js";
import { expand } from "../shared/origins.js";
import { preambleOf } from "../shared/preamble.js";
import { read, write } from "./cookie.js";
import { longLabel } from "./long.js";
import { html, list } from "./markup.js";
import { store } from "./store.js";
import { written } from "./write.js";

/** @typedef {typeof parts} Parts */

const parts = {
  css: mapCss,
  decode,
  expand,
  html,
  list,
  longLabel,
  read,
  store,
  /** @param {any} w @param {string} origin */
  workers: (w, origin) => preambleOf(w, PREAMBLE, origin),
  write,
  written,
};
/** @type {any} */ (document.currentScript).parts = parts;
