// The part of the inner runtime that few pages need; it is run at once when one does.
import { edit } from "../identity/edit.js";
import { decode } from "../shared/decode.js";
import { collapseUrl, expand } from "../shared/origins.js";
import { preambleOf } from "../shared/preamble.js";
import { isOdd, read } from "../shared/urls.js";
import { read as readCookie, write } from "./cookie.js";
import { enter, look } from "./frames.js";
import { heal } from "./heal.js";
import { longLabel, unlong } from "./long.js";
import { html } from "./markup.js";
import { page } from "./page.js";
import { begin, caches } from "./reads.js";
import { renew } from "./renew.js";
import { sockets } from "./sockets.js";
import { store } from "./store.js";
import { attributeOf, inserting, texts } from "./texts.js";
import { windowsIn } from "./windows.js";

/** @typedef {typeof parts} Parts */
/** @typedef {import("../inner/realm.js").Realm} Realm */

const own = location.origin;
/** @type {WeakMap<Realm, ReturnType<typeof preambleOf>>} */
const preambles = new WeakMap();

// Each is asked by what of a window it is about; see `ask`.
const parts = {
  /**
   * What the attributes of an element of the page's own mean, only its script knows.
   * @param {Realm} realm @param {any} value @param {any} of the element, or the attribute itself
   * @param {any[]} args of a method: the name stands before the value @param {number} at
   */
  attribute(realm, value, of, args, at) {
    const name = of.nodeType === 2 ? of.name : (args[at - 1] = read(args[at - 1]));
    if (isOdd(name)) return value;
    value = read(value);
    return /-/.test(of?.localName) && name != "style" ? value : page.typed(realm)(value, (text) => attributeOf(realm)(name, text));
  },
  begin,
  enter,
  heal,
  put: inserting,
  look,
  /** @param {Realm} realm @param {false} _ @param {Parameters<ReturnType<typeof windowsIn>["lead"]>} more */
  lead: (realm, _, ...more) => windowsIn(realm).lead(...more),
  /**
   * A query is the document's: browsers encode it by its character set, but not that of a URL object.
   * @param {Realm} realm @param {any} given @param {URL} url @param {string} text
   * @returns {any}
   */
  map: (realm, given, url, text) => isOdd(given) && !isOdd(given = read(given)) ? realm.map(given) : page.typed(realm)(given, () => {
    const made = collapseUrl(url, realm.payload, longLabel, expand);
    const query = /^[^?#]*(\?[^#]*[^\0-~][^#]*)/.exec(text.replace(/[\t\n\r]/g, ""));
    return made && query && document.characterSet !== "UTF-8" ? made.replace(url.search, () => /** @type {any} */ (query)[1].trimEnd()) : made ?? text;
  }),
  /** @param {Realm} realm @param {any} event @param {string} url @param {string} to */
  navigate: (realm, event, url, to) => windowsIn(realm).navigate(event, url, to),
  /** @param {Realm} realm */
  open: (realm) => windowsIn(realm).opening,
  /** @param {Realm} realm */
  opener: (realm) => windowsIn(realm).installOpener(),
  /** @param {Realm} realm */
  read: ({ payload }) => readCookie(payload),
  renew,
  /** A Request that is given a method of what changes something. @param {Realm} realm @param {Request} given */
  resend: ({ w, map, signed }, given) => new w.Request(signed(map(given.url)), given),
  /** What other windows say. @param {Realm} _ @param {any} said @param {any} event @param {string} origin */
  said: (_, said, event, origin) => {
    if (said.type === "parent") event.source.postMessage({ gw: 1, type: "child" }, "*");
    else windowsIn(page.first).go(said, event, origin);
  },
  /** Of caches, and of cookies. @param {Realm} realm @param {any} native */
  store: (realm, native) => ("match" in native ? caches(native, realm.w) : store(native, realm.w, realm.payload, page.wrap)),
  texts,
  /** @param {Realm} realm @param {string} text */
  decode: ({ payload }, text) => decode(unlong(text, payload), payload, own),
  /** @param {Realm} realm */
  WebSocket: ({ w, fetch, unmap }) => sockets(w, fetch, unmap),
  /** A worker's address, with the preamble before its script. @param {Realm} realm @param {any} given */
  worker: (realm, given) => realm.map(page.typed(realm)(read(given), (url) => {
    const one = preambles.get(realm) ?? preambleOf(realm.w, PREAMBLE, own);
    preambles.set(realm, one);
    return one.prepend(url, realm.payload.blobs) ?? url;
  })),
  /** @param {Realm} realm @param {""} _ @param {any} given */
  write: ({ payload }, _, given) => write(payload, given),
  /** Only where scripts are edited. */
  ...(IDENTITY ? {
    /** @param {Realm} _ @param {string} text */
    source: (_, text) => edit(text),
    /** @param {Realm} _ @param {Parameters<typeof html>} more */
    markup: (_, ...more) => html(...more),
  } : {}),
};
/** @type {any} */ (document.currentScript).parts = parts;
