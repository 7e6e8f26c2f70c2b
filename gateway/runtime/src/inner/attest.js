// The handshake with the outer frame and the parent (protocols, section 7): until both have
// answered, nothing of the page is shown and no input reaches it.  The page is laid out
// meanwhile, as directly: its script measures, and gives the focus, when the document is ready.
import { nativesOf } from "../identity/natives.js";
import { getOwnPropertyDescriptor } from "../shared/hooks.js";

// What a person does: clicks, keys, a mouse, a paste, a pen, a finger.
const INPUT = /^on(tou|poi|mou|pas|cli|key|beforei)/;
// The top layer is painted beside the root, whatever that one's opacity is.  No page's own rule is stronger.
const TOP_LAYER = ":root:not(#_#_),dialog,[popover],::backdrop{opacity:0!important}";
// A slow line is no attack; a silent one shows nothing.
const PATIENCE = 30000;
/** The browser's own. */
export const originOf = IDENTITY ? nativesOf(window).origin : /** @type {any} */ (getOwnPropertyDescriptor(MessageEvent.prototype, "origin")).get;

/** @typedef {(type: string, more?: object, transfer?: Transferable[]) => void} Post */
/** @typedef {Record<string, (said: any, event: MessageEvent, origin?: any) => void>} Heard what is done about each type of message */

/**
 * Begin the handshake.  The payload gets what says something to the outer frame, by a port as soon
 * as there is one, what hides the page again, and what hears.
 * @param {import("./payload.js").Payload} payload
 * @param {string} own
 */
export function attest(payload, own) {
  const { proof, token, secure, nonce, suffix, origin, handlers } = payload;
  const { top, location, fetch, parent } = window;
  const say = (/** @type {string} */ type, /** @type {object} */ more) => /** @type {Window} */ (top).postMessage({ gw: 1, type, nonce, ...more }, secure);
  /** @type {MessagePort | undefined} */
  let port;
  /** @type {Parameters<Post>[]} */
  const waiting = [];
  /** Whose answers are missing: the outer frame's, and the parent's.  Nobody asks of what no server sent. */
  let open = !nonce ? 0 : parent === top ? 1 : 3;

  const swallow = (/** @type {Event} */ event) => {
    if (!open || !event.isTrusted) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  setTimeout(() => open && location.replace(own + "/.gateway/oops"), PATIENCE);
  /** @type {(() => void) | undefined} */
  let show;
  /** @type {CSSStyleSheet | undefined} */
  let sheet;
  const answered = (/** @type {number} */ by) => {
    if (open && !(open &= ~by)) show?.();
  };

  payload.post = (...said) => {
    const [type, more, transfer] = said;
    if (port) port.postMessage({ type, ...more }, /** @type {any} */ (transfer));
    else waiting.push(said);
  };
  payload.heard = ({ type, challenge }, event, from) => {
    // Of a sandboxed parent the browser tells no origin; the outer frame still knows it.
    if (type === "child" && event.source === parent && (from === "null" || from.split(":")[1]?.endsWith(suffix))) answered(2);
    if (event.source !== top || from !== secure) return;
    if (type === "challenge") {
      fetch(`${own}/.gateway/attest?c=${challenge}&n=${nonce}&__gw=${token}`)
        .then((response) => response.text())
        .then((answer) => say("answer", { answer }));
    } else if (type === "ack" && !port) {
      port = event.ports[0];
      port.onmessage = (event) => handlers[event.data.type]?.(event.data, event);
      for (const said of waiting) payload.post(...said);
      answered(1);
    }
  };
  // Again after a document.open(), which takes the root and the listeners away.
  payload.hide = () => {
    const root = document.documentElement;
    if (!open || !root) return;
    // Besides the sheet, which a page that has sheets of its own may take away; neither is in its styles.
    const veil = root.animate({ opacity: [0, 0] }, Infinity);
    // For those who act by what a page says and not by what is seen.
    root.ariaDisabled = "true";
    try {
      sheet ??= new CSSStyleSheet();
      sheet.replaceSync(TOP_LAYER);
      document.adoptedStyleSheets.push(sheet);
    } catch {
      // A browser without such sheets: what is in its top layer may be seen, and no input reaches it.
    }
    show = () => {
      veil.cancel();
      root.ariaDisabled = null;
      if (sheet) document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
    };
    for (const type in document) {
      if (INPUT.test(type)) addEventListener(type.slice(2), swallow, true);
    }
  };

  payload.hide();
  // At the top nobody could attest it: a site's service worker, or mode basic, where nothing is loaded.
  if (top === window) location.replace(`${secure}/#${origin}${location.href.slice(own.length)}`);
  if (open) say("hello", { proof, own });
  if (parent !== top) parent.postMessage({ gw: 1, type: "parent" }, "*");
}
