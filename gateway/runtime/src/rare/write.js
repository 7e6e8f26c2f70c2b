// document.write: a tag may be written in pieces, and its start waits for the next call or,
// at the latest, for the script's end (there the parser still stands where the call was).
import { apply } from "../shared/hooks.js";

const COMPLETE = /^<[a-z](?:"[^"]*"|'[^']*'|[^"'>])*>/i;
let held = "";

/**
 * What is to be written now.
 * @param {import("../inner/realm.js").Realm} realm
 * @param {any[]} args as given to `write`, each of which has a text
 * @param {any} self the document
 * @param {import("../shared/trusted.js").Typed} typed
 * @param {(text: string) => string} html
 * @returns {any}
 */
export function written({ write }, args, self, typed, html) {
  const given = args.map(String);
  const first = args[0] ?? given[0];
  const text = held + given.join("");
  const at = text.lastIndexOf("<");
  const cut = /^<[a-z]/i.test(text.slice(at)) && !COMPLETE.test(text.slice(at)) ? at : text.length;
  held = text.slice(cut);
  if (held) {
    queueMicrotask(() => {
      const last = held;
      held = "";
      if (last) apply(write, self, [typed(first, () => last)]);
    });
  }
  return typed(first, () => html(text.slice(0, cut)));
}
