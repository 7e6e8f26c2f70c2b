// The part of the inner runtime that few pages need; it is run at once when one does.
import { mapCss } from "../shared/css.js";
import { decode } from "../shared/decode.js";
import { expand } from "../shared/origins.js";
import { preambleOf } from "../shared/preamble.js";
import { longLabel } from "./long.js";
import { html, list } from "./markup.js";
import { written } from "./write.js";

/** @typedef {typeof parts} Parts */

const parts = {
  css: mapCss,
  decode,
  expand,
  html,
  list,
  longLabel,
  /** @param {any} w @param {string} origin */
  workers: (w, origin) => preambleOf(w, PREAMBLE, origin),
  written,
};
/** @type {any} */ (document.currentScript).parts = parts;
