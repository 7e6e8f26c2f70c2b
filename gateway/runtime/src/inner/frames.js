// Frames: what is in one is looked at by the part that few pages need, as soon as there is one,
// from whichever side the page comes to it.
import { apply, hook } from "../shared/hooks.js";
import { textOf } from "../shared/urls.js";
import { FOREIGN, IMPORTS } from "./markup.js";

// What may put a frame in, or text into a style element.
const INSERTING = /^(rep|sur|out|bef|ap|prep|ex|ins|nodeV|setH|wr|bod|tex|inn|data|aft|mov)/;

/**
 * @param {import("./realm.js").Realm} realm
 * @param {() => void} opened what is done when document.open() has emptied the document
 * @returns {(prototype: any) => void} hooks what of an interface may put something into a document
 */
export function installFrames({ w, hear, ask }, opened) {
  /** What a page is given for a window: of a frame, of a message, or a window's own. @param {any} inner @param {any} by */
  const enter = (inner, by) => (!inner || inner === w || inner === top ? inner : ask("enter", inner, by));
  const look = (/** @type {any} */ result, /** @type {any} */ event = 0) => (w[0] && ask("look", event), result);
  hook(w, "MessageEvent.source parent", null, enter);
  /** @param {any[]} args @param {any} self */
  const inserting = (args, self) => {
    const styled = [self, self?.parentNode].some((one) => one?.localName === "style");
    // A script is looked at before the browser reads it.
    args.some((one) => one?.localName === "script" ? IMPORTS.test(one.type + one.text) : styled && FOREIGN.test(textOf(one?.data ?? one))) && ask("put", args, styled);
  };
  // What the parser puts in is there before the next script runs.
  let root = w.document.documentElement;
  new MutationObserver(() => {
    if (root !== (root = w.document.documentElement)) opened();
    look(0);
  }).observe(w.document, { childList: true, subtree: true });
  hear("load", (event) => look(0, event));
  return (prototype) => {
    hook(prototype, "contentDocument contentWindow", null, enter);
    hook(prototype, INSERTING, inserting, null, (target, self, args) => look(apply(target, self, args)));
  };
}
