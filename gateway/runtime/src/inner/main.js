// The inner runtime: first script of every proxied document.
import { hookAll, installTexts } from "../shared/hooks.js";
import { installNetwork } from "../shared/network.js";
import { trustedOf } from "../shared/trusted.js";
import { urlsOf } from "../shared/urls.js";
import { installWorkers } from "../shared/workers.js";
import { installCookie } from "./cookie.js";
import { installElements } from "./elements.js";
import { installFrames } from "./frames.js";
import { installHello } from "./hello.js";
import { markupOf } from "./markup.js";
import { installNavigation } from "./navigation.js";
import { takePayload } from "./payload.js";
import { rareOf } from "./rare.js";

const payload = takePayload();
if (payload) {
  const { origin, suffix, port, secure, rare, cookie, frame, rtc, target, referrer } = payload;
  const place = { suffix, port: port === 443 ? "" : `${port}` };
  const own = location.origin;
  try {
    if (target) history.replaceState(history.state, "", own + target + location.hash);
  } catch {
    // A sandboxed document has no such right in every browser; its address stays as it is.
  }
  const tell = /** @type {Window} */ (top).postMessage.bind(top);
  /** @param {string} type @param {object} more */
  const post = (type, more) => tell({ gw: 1, type, ...more }, secure);
  /** @param {any} w */
  const install = (w) => {
    const trusted = trustedOf(w);
    const part = rareOf(w, own + rare, trusted.script);
    const urls = urlsOf(place, origin, () => w.document.baseURI, own, {
      longLabel: (one) => part("longLabel", "", one),
      expand: (one) => part("expand", null, one),
      decode: (text, ...more) => part("decode", text, text, ...more),
    }, trusted.typed);
    installTexts(w);
    const markup = markupOf(urls, part, frame);
    installNetwork(w, urls, rtc);
    installWorkers(w, urls, () => part("workers", {}, w, own));
    installElements(w, urls, markup, part);
    installCookie(w, () => cookie);
    installNavigation(w, urls, post);
    installFrames(w, install, markup.css);
  };
  install(window);
  if (referrer != null) hookAll(window, "Document.referrer", null, () => referrer);
  installHello(post);
} else {
  // A document in a `srcdoc`: its parent's runtime comes when the parent looks at it.
  frameElement && /** @type {HTMLIFrameElement} */ (frameElement).contentWindow;
}
