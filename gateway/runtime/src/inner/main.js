// The inner runtime: first script of every proxied document.
import { apply, construct, getOwnPropertyDescriptor, hook, installTexts } from "../shared/hooks.js";
import { installNetwork } from "../shared/network.js";
import { policyOf, scriptOf, typedOf } from "../shared/trusted.js";
import { urlsOf } from "../shared/urls.js";
import { installWorkers } from "../shared/workers.js";
import { installFirst } from "../identity/bundle.js";
import { installIdentity } from "../identity/page.js";
import { nativesOf } from "../identity/natives.js";
import { realOf } from "../identity/real.js";
import { attest, originOf } from "./attest.js";
import { installCookie } from "./cookie.js";
import { installElements } from "./elements.js";
import { installFrames } from "./frames.js";
import { installHello } from "./hello.js";
import { installNavigation } from "./navigation.js";
import { takePayload } from "./payload.js";
import { askOf, policy } from "./rare.js";

// What pages are told addresses by, or read them by, and workers are not.
const PAGES = " Audio:0 SVGAnimatedString.baseVal:0 Worklet.addModule:0 Document.referrer History.replaceState:2 History.pushState:2 Node.baseURI";
const payload = takePayload();
if (payload) {
  const { origin, target, renew, referrer } = payload;
  const own = location.origin;
  try {
    if (target) history.replaceState(history.state, "", own + target + location.hash);
  } catch {
    // A sandboxed document has no such right in every browser; its address stays as it is.
  }
  const { now } = Date;
  Object.assign(payload, {
    native: getOwnPropertyDescriptor(Document.prototype, "cookie"),
    // A page from the browser's history, or a site's service worker, may be of any age.
    due: Math.min(payload.made * 1000, now()) + renew * 1000,
    blobs: new Map(),
    given: new Map(),
    handlers: { reload() { location.reload(); } },
  });
  attest(payload, own);
  /** @param {any} w @returns {import("./realm.js").Realm} */
  const install = (w) => {
    const { document, fetch, addEventListener } = w;
    /** @type {any[][]} */
    const kept = [];
    const again = (/** @type {any[]} */ args) => apply(addEventListener, w, args);
    /** @type {import("./realm.js").Realm["hear"]} */
    const hear = (type, listener) => again(kept[kept.length] = [type, listener, true]);
    const token = () => {
      if (now() > payload.due) ask("renew", now);
      return payload.token;
    };
    const realm = /** @type {import("./realm.js").Realm} */ ({
      w, document, payload, fetch, hear, install, write: w.Document.prototype.write,
      ...urlsOf(payload, origin, IDENTITY ? () => apply(nativesOf(w).baseURI, w.document, []) : () => w.document.baseURI, own, token,
        (...foreign) => ask("map", ...foreign),
        (text) => ask("decode", text)),
    });
    const ask = (realm.ask = askOf(realm));
    if (IDENTITY) {
      nativesOf(w); // before anything is hooked
      realm.policy = w === window ? policy : policyOf(w);
      realm.typed = typedOf(w, realm.policy);
      realm.unmap = realOf(payload, own, origin);
      installFirst(w, realm);
    }
    // The frames of a document are answered, and the gateway's messages are kept from the page.
    hear("message", (event) => {
      const { data: said } = event;
      // The first document of a frame may leave its window, and so this, to the next.
      if (said?.gw !== 1 || w.document !== document) return;
      event.stopImmediatePropagation();
      const from = originOf.call(event);
      // Of frames and of what they ask for the other part hears.
      if (/^(parent|go)$/.test(said.type)) ask("said", said, event, from);
      else payload.heard(said, event, from);
    });
    installTexts(w);
    installNetwork(w, realm, payload.rtc, (...args) => ask("WebSocket", construct)(...args),
      // It was signed when it was made, if its own method said so.
      (request, method) => (method ? ask("resend", request) : request), PAGES);
    installWorkers(w, realm.map, payload.blobs, (url) => ask("worker", url));
    // document.open() takes listeners away; a page without them would be left unseen.
    const opened = () => {
      kept.forEach(again);
      if (w === window) payload.hide();
    };
    installElements(realm, installFrames(realm, opened));
    installCookie(realm);
    installNavigation(realm);
    hear("securitypolicyviolation", ask.bind(0, "heal"));
    if (w === window) {
      if (parent === top) {
        if (/^gw-/.test(w.name)) ask("opener");
        installHello(realm);
      }
    }
    if (IDENTITY) installIdentity(w, realm, origin, ask, scriptOf(/** @type {any} */ (realm.policy)));
    return realm;
  };
  install(window);
  hook(window, "Document.referrer", null, (native) => referrer ?? native);
} else {
  // A document in a `srcdoc`: its parent's runtime comes when the parent looks at it.
  frameElement && /** @type {HTMLIFrameElement} */ (frameElement).contentWindow;
}
