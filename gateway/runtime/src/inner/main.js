// The inner runtime: first script of every proxied document.
import { apply, construct, hook, hookAll, installTexts, wrap } from "../shared/hooks.js";
import { installNetwork } from "../shared/network.js";
import { signer } from "../shared/tokens.js";
import { trustedOf } from "../shared/trusted.js";
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
import { markupOf } from "./markup.js";
import { installNavigation } from "./navigation.js";
import { takePayload } from "./payload.js";
import { rareOf } from "./rare.js";
import { installForms } from "./tokens.js";

const payload = /** @type {any} */ (takePayload());
if (payload) {
  const { origin, suffix, port, renew, target, referrer } = payload;
  const own = location.origin;
  try {
    if (target) history.replaceState(history.state, "", own + target + location.hash);
  } catch {
    // A sandboxed document has no such right in every browser; its address stays as it is.
  }
  /** @type {import("./attest.js").Heard} */
  const handlers = { reload: () => location.reload() };
  const { post, heard, hide } = attest(payload, own, handlers);
  const { now } = Date;
  // A page from the browser's history, or a site's service worker, may be of any age.
  let due = Math.min(payload.made * 1000, now()) + renew * 1000;
  /** The page's own, for its frames too. @type {import("./rare.js").Rare} */
  let part;
  /** @param {any} w */
  const install = (w) => {
    // document.open() takes listeners away; a page without them would be left unseen.
    const { addEventListener } = w;
    /** @type {any[][]} */
    const kept = [];
    const listenAgain = () => {
      for (const args of kept) apply(addEventListener, w, args);
      if (w === window) hide();
    };
    w.addEventListener = (/** @type {any[]} */ ...args) => {
      kept.push(args);
      apply(addEventListener, w, args);
    };
    const trusted = trustedOf(w);
    part ??= rareOf(w, payload.rare, trusted.script, () => [w, hookAll, urls, hook, wrap, trusted]);
    const base = IDENTITY ? () => apply(nativesOf(w).baseURI, w.document, []) : () => w.document.baseURI;
    const token = () => {
      if (now() > due) {
        due = now() + 60000; // not at once again where it cannot be had
        payload.token = part("renew", payload.token, payload.token, () => (due = now() + renew * 1000));
      }
      return payload.token;
    };
    const signed = signer(token, base, payload);
    const urls = urlsOf(payload, origin, base, own, {
      collapse: (url, ...more) =>
        url.port === port && url.hostname.endsWith(suffix) && /s:/.test(url.protocol) ? null : part("collapse", null, url, ...more),
      decode: (text, ...more) => part("decode", text, text, ...more),
    }, trusted.typed);
    if (IDENTITY) {
      nativesOf(w); // before anything is hooked
      urls.unmap = realOf(payload, own, origin);
      installFirst(w, urls);
    }
    listen(w, heard);
    installTexts(w);
    installNetwork(w, urls, payload.rtc, signed, (fetch) => (...args) => part("WebSocket", construct, w, fetch, urls)(...args));
    const markup = markupOf(urls, part, payload.frame, installWorkers(w, urls, () => part("workers", {}, w, own)), trusted.script);
    installElements(w, urls, markup, part);
    const sign = installForms(w, (url) => signed(urls.map(url)), part);
    installCookie(w, payload, part);
    hookAll(w, "caches", null, (store) => part("caches", store, store, w));
    /** @type {import("./navigation.js").Windows | null} */
    let known = null;
    const windows = () => (known ??= part("windows", null, w, urls, signed, post, handlers, enter));
    installNavigation(w, urls, windows, sign, payload);
    const heal = part.bind(0, "heal", 0, markup.attribute, urls.map);
    w.addEventListener("securitypolicyviolation", heal, true);
    // What a frame got by a javascript: address was there before this; a blank one has three.
    if (w.document.all[3]) heal(w.document);
    const enter = installFrames(w, install, markup, listenAgain, (enter) => part("foreign", {}, window, enter, urls, hookAll));
    if (w === window) {
      handlers.go = (...args) => windows()?.go(.../** @type {[any, any, any]} */ (args));
      if (parent === top && /^gw-[\d.]*:/.test(w.name)) windows()?.installOpener();
      installHello(post, handlers, origin);
    }
    if (IDENTITY) installIdentity(w, urls, origin, part, trusted.script);
    delete w.addEventListener;
  };
  install(window);
  if (referrer != null) hookAll(window, "Document.referrer", null, () => referrer);
} else {
  // A document in a `srcdoc`: its parent's runtime comes when the parent looks at it.
  frameElement && /** @type {HTMLIFrameElement} */ (frameElement).contentWindow;
}
