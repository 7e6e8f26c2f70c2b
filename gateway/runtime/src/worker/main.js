// The network part of the runtime, before a worker's own script.
import { getOwnPropertyDescriptor, hook, installTexts, wrap } from "../shared/hooks.js";
import { installCaches } from "../shared/caches.js";
import { longLabel } from "../shared/long.js";
import { installNetwork } from "../shared/network.js";
import { collapseUrl, expand, labelOf, serialise } from "../shared/origins.js";
import { decode } from "../shared/decode.js";
import { socketsOf } from "../shared/sockets.js";
import { read, urlsOf } from "../shared/urls.js";
import { mapCss } from "../shared/css.js";
import { preambleOf } from "../shared/preamble.js";
import { policyOf, typedOf } from "../shared/trusted.js";
import { installWorkers } from "../shared/workers.js";
import { installContainment } from "./contain.js";
import { signerOf } from "./sign.js";
import { loaderOf } from "./sockets.js";
import { workerToken } from "./token.js";
import { installBundle } from "../identity/bundle.js";
import { installNames, moduleNames } from "../identity/names.js";
import { nativesOf } from "../identity/natives.js";
import { realOf } from "../identity/real.js";
import { installGuard, installStore } from "./store.js";

/** @type {any} */
const w = self;
// A worker from a data: URL has no origin of its own: its maker left one.
const url = new URL(w.__gw ?? (w.origin === "null" ? w.location.href : w.origin));
delete w.__gw;
const place = { suffix: url.hostname.replace(/^[^.]*/, ""), port: url.port };
const label = labelOf(url.hostname, place);
if (label) {
  const found = expand(label);
  const origin = found ? serialise(found) : url.origin;
  const base = w.location.protocol === "https:" ? w.location.href : url.href;
  const typed = typedOf(w, policyOf(w));
  const foreign = (/** @type {any} */ given, /** @type {URL} */ to, /** @type {string} */ text) => typed(given, () => collapseUrl(to, place, longLabel, expand) ?? text);
  const urls = urlsOf(place, origin, () => base, url.origin, workerToken(w, url.origin), foreign, decode);
  const { map: mapped } = urls;
  const map = (urls.map = (given) => mapped(read(given)));
  if (IDENTITY) {
    nativesOf(w); // before anything is hooked
    urls.unmap = realOf(place, url.origin, origin);
  }
  installTexts(w);
  installStore(w, origin);
  installGuard(w, w.FetchEvent ? signerOf(w, urls.signed) : () => {});
  const load = loaderOf(w, url.origin);
  const { Request } = w;
  const urlOf = /** @type {any} */ (getOwnPropertyDescriptor(Request.prototype, "url")).get;
  // A Request may be a page's, which had no runtime to sign it.
  const resent = (/** @type {any} */ request) => {
    const to = urlOf.call(request);
    const signed = urls.signed(to);
    return signed === to ? request : new Request(signed, request);
  };
  const fetched = installNetwork(w, urls, false, socketsOf(w, w.fetch.bind(w), urls.unmap, { hook, wrap }, load), resent);
  // Workers have it from their prototype.
  hook(w, "WorkerGlobalScope.fetch:0", fetched);
  /** @type {Map<string, Blob>} */
  const blobs = new Map();
  /** @type {import("../shared/preamble.js").Preamble | undefined} */
  let preamble;
  installWorkers(w, map, blobs, (given) => map(typed(read(given), (text) => (preamble ??= preambleOf(w, `(${gwp})();`, url.origin)).prepend(text, blobs) ?? text)));
  installCaches(w, hook, map);
  // Pages have these from the part that they load on demand.
  hook(w, "EventSource.url SecurityPolicyViolationEvent.blockedURI", null, urls.unmap);
  hook(w, "WindowClient.navigate:0 Clients.openWindow:0", map);
  hook(w, "FontFace:1", (source) => mapCss(read(source), map));
  hook(w.WorkerGlobalScope?.prototype, "importScripts", (/** @type {any[]} */ args) => args.forEach((one, at) => (args[at] = map(one))));
  installContainment(w, place, IDENTITY ? origin : undefined);
  if (IDENTITY) {
    installBundle(w, urls);
    const { location: native } = w;
    installNames(w, { location: { get: () => native }, ...moduleNames(urls) });
  }
}
