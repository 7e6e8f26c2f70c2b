// The network part of the runtime, before a worker's own script.
import { hook, hookAll, installTexts, wrap } from "../shared/hooks.js";
import { installCaches } from "../shared/caches.js";
import { longLabel } from "../shared/long.js";
import { installNetwork } from "../shared/network.js";
import { collapseUrl, expand, labelOf, serialise } from "../shared/origins.js";
import { decode } from "../shared/decode.js";
import { socketsOf } from "../shared/sockets.js";
import { signer } from "../shared/tokens.js";
import { urlsOf } from "../shared/urls.js";
import { mapCss } from "../shared/css.js";
import { preambleOf } from "../shared/preamble.js";
import { trustedOf } from "../shared/trusted.js";
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
  const urls = urlsOf(place, origin, () => base, url.origin, { collapse: (url, at) => collapseUrl(url, at, longLabel, expand), decode }, trustedOf(w).typed);
  if (IDENTITY) {
    nativesOf(w); // before anything is hooked
    urls.unmap = realOf(place, url.origin, origin);
  }
  installTexts(w);
  installStore(w, origin);
  const signed = signer(workerToken(w, url.origin), () => base, place);
  installGuard(w, w.FetchEvent ? signerOf(w, signed) : () => {});
  const load = loaderOf(w, url.origin);
  const send = installNetwork(w, urls, false, signed, (fetch) => socketsOf(w, fetch.bind(w), urls.unmap, { hook, wrap }, load));
  // Workers have it from their prototype.
  hook(w.WorkerGlobalScope?.prototype, "fetch", (args) => send(args, args[1]?.method));
  installWorkers(w, urls, () => preambleOf(w, `(${gwp})();`, url.origin));
  const { map } = urls;
  installCaches(w, hookAll, map);
  // Pages have these from the part that they load on demand.
  hookAll(w, "EventSource.url SecurityPolicyViolationEvent.blockedURI", null, urls.unmap);
  hookAll(w, "WindowClient.navigate:0 Clients.openWindow:0", map);
  hookAll(w, "FontFace:1", (source) => mapCss(source, map));
  hook(w.WorkerGlobalScope?.prototype, "importScripts", (args) => args.forEach((one, at) => (args[at] = map(one))));
  installContainment(w, place, IDENTITY ? origin : undefined);
  if (IDENTITY) {
    installBundle(w, urls);
    const { location: native } = w;
    installNames(w, { location: { get: () => native }, ...moduleNames(urls) });
  }
}
