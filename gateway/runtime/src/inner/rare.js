// Loads the part of the runtime that few pages need: at once, because a native would answer at once.
import { hook, wrap } from "../shared/hooks.js";
import { madeBy } from "../shared/trusted.js";

const Request = XMLHttpRequest;
/** The page's own. */
export const policy = () => (made ??= madeBy(window));
const { namespaceURI } = new Image(); // of HTML, in whatever document
/** @type {any} */
let parts;
/** @type {any} */
let made;
// Where it cannot be had, a page must not wait for it with each call.
let tries = 3;
/** The page's own, where it is put in: a frame may go. @type {import("./realm.js").Realm} */
let first;

/** @typedef {(name: keyof import("../rare/main.js").Parts, given?: any, ...args: any[]) => any} Ask */

/**
 * Ask one of the parts; where it cannot be loaded, what it is first given is the answer.
 * @param {import("./realm.js").Realm} realm whose windows and addresses it is about
 * @returns {Ask}
 */
export const askOf = (realm) => {
  first ??= realm;
  return (name, given, ...args) => {
    try {
      if (!parts && tries-- > 0) {
        const request = new Request();
        request.open("GET", first.payload.rare, false);
        request.send();
        parts = {}; // what is put in is looked at meanwhile, and there is nobody to ask
        const script = /** @type {any} */ (document.createElementNS(namespaceURI, "script"));
        // Put in while it is empty: hooks of whose window this was before look at what is put in.
        // A document that is written anew may have no root yet.
        (document.documentElement ?? document).append(script);
        script.text = policy().createScript?.(request.responseText) ?? request.responseText;
        script.remove();
        parts = script.parts;
        parts.begin(first, policy, hook, wrap);
      }
      return parts[name](realm, given, ...args);
    } catch {
      return given;
    }
  };
};
