// The inner runtime: first script of every proxied document.
import { apply, construct, getOwnPropertyDescriptor, hookAll, installTexts } from "../shared/hooks.js";
import { installNetwork } from "../shared/network.js";
import { policyOf, scriptOf, typedOf } from "../shared/trusted.js";
import { urlsOf } from "../shared/urls.js";
import { installWorkers } from "../shared/workers.js";
import { installFirst } from "../identity/bundle.js";
import { installIdentity } from "../identity/page.js";
import { nativesOf } from "../identity/natives.js";
import { realOf } from "../identity/real.js";
import { attest, listen } from "./attest.js";
import { installCookie } from "./cookie.js";
import { installElements } from "./elements.js";
import { installFrames } from "./frames.js";
import { installHello } from "./hello.js";
import { installNavigation } from "./navigation.js";
import { takePayload } from "./payload.js";
import { askOf, policy } from "./rare.js";

// What pages are told addresses by, or read them by, and workers are not.
const PAGES = " Audio:0 Worklet.addModule:0 History.pushState:2 History.replaceState:2 SVGAnimatedString.baseVal:0 Document.referrer Node.baseURI";
const payload = takePayload();
if (payload) {
  const { origin, target, referrer, renew } = payload;
  const own = location.origin;
  try {
    if (target) history.replaceState(history.state, "", own + target + location.hash);
  } catch {
    // A sandboxed document has no such right in every browser; its address stays as it is.
  }
  const { now } = Date;
  Object.assign(payload, {
    w: window,
    fetch,
    native: getOwnPropertyDescriptor(Document.prototype, "cookie"),
    // A page from the browser's history, or a site's service worker, may be of any age.
    due: Math.min(payload.made * 1000, now()) + renew * 1000,
    blobs: new Map(),
    given: new Map(),
    handlers: { reload: () => location.reload() },
  });
  attest(payload, own);
  /** @param {any} w */
  const install = (w) => {
    const { addEventListener, document, fetch } = w;
    /** @type {any[][]} */
    const kept = [];
    const again = (/** @type {any[]} */ args) => apply(addEventListener, w, args);
    /** @type {import("./realm.js").Realm["hear"]} */
    const hear = (type, listener, capture = true) => again(kept[kept.length] = [type, listener, capture]);
    const token = () => {
      if (now() > payload.due) ask("renew", now);
      return payload.token;
    };
    const realm = /** @type {import("./realm.js").Realm} */ ({
      w, document, payload, fetch, hear, write: w.Document.prototype.write,
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
    listen(realm);
    installTexts(w);
    installNetwork(w, realm, payload.rtc, (...args) => ask("WebSocket", construct)(...args), PAGES);
    installWorkers(w, realm.map, payload.blobs, (url) => ask("worker", url));
    installElements(realm);
    installCookie(realm);
    installNavigation(realm);
    const heal = ask.bind(0, "heal");
    hear("securitypolicyviolation", heal);
    // What a frame got by a javascript: address was there before this; a blank one has three.
    if (document.all[3]) heal(document);
    // document.open() takes listeners away; a page without them would be left unseen.
    const opened = () => {
      kept.forEach(again);
      if (w === window) payload.hide();
    };
    realm.enter = installFrames(realm, install, opened, IDENTITY ? origin : own);
    if (w === window) {
      payload.handlers.go = ask.bind(0, "go");
      if (parent === top) {
        if (/^gw-[\d.]*:/.test(w.name)) ask("opener");
        installHello(realm);
      }
    }
    if (IDENTITY) installIdentity(w, realm, origin, ask, scriptOf(/** @type {any} */ (realm.policy)));
  };
  install(window);
  if (referrer != null) hookAll(window, "Document.referrer", null, () => referrer);
} else {
  // A document in a `srcdoc`: its parent's runtime comes when the parent looks at it.
  frameElement && /** @type {HTMLIFrameElement} */ (frameElement).contentWindow;
}
