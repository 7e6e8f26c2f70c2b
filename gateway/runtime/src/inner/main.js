// The inner runtime: first script of every proxied document.
import { hookAll } from "../shared/hooks.js";
import { installNetwork } from "../shared/network.js";
import { urlsOf } from "../shared/urls.js";
import { installCookie } from "./cookie.js";
import { installElements } from "./elements.js";
import { installFrames } from "./frames.js";
import { installHello } from "./hello.js";
import { markupOf } from "./markup.js";
import { longLabel } from "./long.js";
import { installNavigation } from "./navigation.js";
import { takePayload } from "./payload.js";
import { installWorkers } from "./workers.js";

const payload = takePayload();
if (payload) {
  const { origin, suffix, port, secure, worker, cookie, frame, rtc } = payload;
  const place = { suffix, port: port === 443 ? "" : `${port}` };
  const own = location.origin;
  const tell = /** @type {Window} */ (top).postMessage.bind(top);
  /** @param {string} type @param {object} more */
  const post = (type, more) => tell({ gw: 1, type, ...more }, secure);
  /** @param {any} w */
  const install = (w) => {
    const urls = urlsOf(place, origin, () => w.document.baseURI, own, longLabel);
    const { map } = urls;
    const markup = markupOf(urls, frame);
    installNetwork(w, urls, rtc);
    installWorkers(w, map, own + worker);
    installElements(w, urls, markup);
    installCookie(w, () => cookie);
    hookAll(w, "postMessage:1", (to) => (/^http/.test(to) ? new URL(map(to)).origin : to));
    installNavigation(w, urls, post);
    installFrames(w, install, markup.css);
  };
  install(window);
  installHello(post);
} else {
  // A document in a `srcdoc`: its parent's runtime comes when the parent looks at it.
  frameElement && /** @type {HTMLIFrameElement} */ (frameElement).contentWindow;
}
