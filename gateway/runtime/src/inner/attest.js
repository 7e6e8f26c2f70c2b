// The handshake with the outer frame and the parent (protocols, section 7): until both have
// answered, nothing of the page is shown and no input reaches it.  The page is laid out
// meanwhile, as directly: its script measures, and gives the focus, when the document is ready.
import { nativesOf } from "../identity/natives.js";
import { getOwnPropertyDescriptor } from "../shared/hooks.js";

const INPUT = "beforeinput click keydown keyup mousedown paste pointerdown pointerup touchend touchstart";
const DISABLED = "aria-disabled";
// The top layer is painted beside the root, whatever that one's opacity is.
const TOP_LAYER = "dialog,[popover],::backdrop{opacity:0!important}";
// A slow line is no attack; a silent one shows nothing.
const PATIENCE = 30000;
const originOf = IDENTITY ? nativesOf(window).origin : /** @type {any} */ (getOwnPropertyDescriptor(MessageEvent.prototype, "origin")).get;

/** @typedef {(type: string, more?: object, transfer?: Transferable[]) => void} Post */
/** @typedef {Record<string, (said: any, event: MessageEvent, origin?: any) => void>} Heard what is done about each type of message */

/**
 * Answer the frames of a document, and take the gateway's messages out of the page's sight.
 * @param {import("./realm.js").Realm} realm
 */
export function listen({ w, document, payload, hear }) {
  hear("message", (event) => {
    const { data: said, source } = event;
    // The first document of a frame may leave its window, and so this, to the next.
    if (said?.gw !== 1 || w.document !== document) return;
    event.stopImmediatePropagation();
    if (said.type === "parent") source.postMessage({ gw: 1, type: "child" }, "*");
    else payload.heard(said, event, originOf.call(event));
  });
}

/**
 * Begin the handshake.  The payload gets what says something to the outer frame, by a port as soon
 * as there is one, what hides the page again, and what hears.
 * @param {import("./payload.js").Payload} payload
 * @param {string} own
 */
export function attest(payload, own) {
  const { nonce, proof, token, secure, suffix, origin, handlers } = payload;
  const { fetch, top, parent, location } = window;
  const say = (/** @type {string} */ type, /** @type {object} */ more) => /** @type {Window} */ (top).postMessage({ gw: 1, type, nonce, ...more }, secure);
  /** @type {MessagePort | undefined} */
  let port;
  /** @type {[object, Transferable[]][]} */
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
  let veil;
  try {
    veil = new CSSStyleSheet();
    veil.replaceSync(TOP_LAYER);
  } catch {
    // A browser without such sheets: what is in its top layer may be seen, and no input reaches it.
  }
  const answered = (/** @type {number} */ by) => {
    if (open && !(open &= ~by)) show?.();
  };

  payload.post = (type, more, transfer = []) => {
    const said = { type, ...more };
    if (port) port.postMessage(said, transfer);
    else waiting.push([said, transfer]);
  };
  payload.heard = ({ type, challenge }, event, from) => {
    // Of a sandboxed parent the browser tells no origin; the outer frame still knows it.
    if (type === "child" && event.source === parent && (from === "null" || from.split(":")[1]?.endsWith(suffix))) answered(2);
    if (type === "go") handlers.go(event.data, event, from);
    if (event.source !== top || from !== secure) return;
    if (type === "challenge") {
      fetch(`${own}/.gateway/attest?c=${challenge}&n=${nonce}&__gw=${token}`)
        .then((response) => response.text())
        .then((answer) => say("answer", { answer }));
    } else if (type === "ack" && !port) {
      port = event.ports[0];
      port.onmessage = (event) => handlers[event.data.type]?.(event.data, event);
      for (const one of waiting) port.postMessage(...one);
      answered(1);
    }
  };
  // Again after a document.open(), which takes the root and the listeners away.
  payload.hide = () => {
    const root = document.documentElement;
    if (!open || !root) return;
    const { style } = root;
    const opacity = style.getPropertyValue("opacity");
    const important = style.getPropertyPriority("opacity");
    const veiled = (/** @type {CSSStyleSheet[]} */ ...more) =>
      veil && (document.adoptedStyleSheets = [...document.adoptedStyleSheets.filter((one) => one !== veil), ...more]);
    veiled(/** @type {CSSStyleSheet} */ (veil));
    show = () => {
      veiled();
      style.setProperty("opacity", opacity, important);
      root.removeAttribute(DISABLED);
      if (!root.getAttribute("style")) root.removeAttribute("style");
    };
    style.setProperty("opacity", "0", "important");
    // For those who act by what a page says and not by what is seen.
    root.setAttribute(DISABLED, "true");
    for (const type of INPUT.split(" ")) addEventListener(type, swallow, true);
  };

  payload.hide();
  // At the top nobody could attest it: a site's service worker, or mode basic where script runs.
  if (top === window) location.replace(`${secure}/#${origin}${location.href.slice(own.length)}`);
  if (open) say("hello", { proof, own });
  if (parent !== top) parent.postMessage({ gw: 1, type: "parent" }, "*");
}
