// Responses that a service worker makes up never passed the gateway: what can become a
// document or a worker gets the containment policy here.  The site's own script runs in this
// worker too and may replace what it likes: nothing is called here that was not taken before.
import { containment } from "../shared/containment.js";
import { apply, getOwnPropertyDescriptor, hook } from "../shared/hooks.js";
import { withoutHints } from "./hints.js";

const { then } = Promise.prototype;
const Failed = TypeError;
const POLICY = "content-security-policy";
// What these destinations load runs nothing of its own.
const INERT = { audio: 1, font: 1, image: 1, manifest: 1, script: 1, style: 1, track: 1, video: 1, "": 1, __proto__: null };

/** The native getter of a property. @param {any} of @param {string} name @returns {(self: any) => any} */
const getter = (of, name) => {
  const { get } = /** @type {any} */ (getOwnPropertyDescriptor(of.prototype, name));
  return (self) => apply(get, self, []);
};

/**
 * @param {any} w
 * @param {import("../shared/origins.js").Place} place
 * @param {string} [site] the worker's origin as its own responses name it
 */
export function installContainment(w, place, site = w.origin) {
  const { Response, Headers, Request, FetchEvent, TransformStream } = w;
  if (!FetchEvent) return;
  const { suffix, port } = place;
  const hosts = `*${suffix}${port && ":" + port}`;
  const policy = `${containment(hosts)}; frame-ancestors https://${hosts} https://${hosts.replace("*", "www")}`;
  const [typeOf, urlOf, headersOf, bodyOf, statusOf, textOf] =
    ["type", "url", "headers", "body", "status", "statusText"].map((name) => getter(Response, name));
  const requestOf = getter(FetchEvent, "request");
  const destinationOf = getter(Request, "destination");
  const { forEach } = Headers.prototype;
  const { includes, toLowerCase, trimStart, startsWith } = String.prototype;
  const { pipeThrough } = w.ReadableStream?.prototype ?? {};
  const own = `${site}/`;

  /** A site's policies without those who would be told of them. @param {string} given */
  const untold = (given) => {
    let out = "";
    let part = "";
    for (let at = 0; at <= given.length; at++) {
      const end = at === given.length ? "" : given[at];
      if (end && end !== ";" && end !== ",") part += end;
      else {
        const name = apply(toLowerCase, apply(trimStart, part, []), []);
        if (!apply(startsWith, name, ["report-"])) out += part;
        out += end;
        part = "";
      }
    }
    return out;
  };

  /** @param {any} response */
  const contain = (response) => {
    let type;
    try {
      type = typeOf(response);
    } catch {
      return response; // none: the browser refuses it
    }
    if (type === "error" || type === "opaque" || type === "opaqueredirect") return response;
    // As it came through the gateway, whose policies it has: they are told of, and once.
    const fetched = type === "basic" && apply(startsWith, urlOf(response), [own]);
    /** A record, for what reads a Headers object is the site's to replace. @type {any} */
    const headers = { __proto__: null };
    apply(forEach, headersOf(response), [(/** @type {string} */ value, /** @type {string} */ name) => (headers[name] = value)]);
    if (!fetched) {
      for (const name in headers) {
        if (name === POLICY || name === POLICY + "-report-only") headers[name] = untold(headers[name]);
      }
      delete headers.link;
      delete headers.refresh;
      delete headers["reporting-endpoints"];
      delete headers["report-to"];
      delete headers.nel;
      delete headers["speculation-rules"];
    }
    const ours = fetched ? policy : `${policy}; report-uri /.gateway/report`;
    headers[POLICY] = headers[POLICY] ? `${headers[POLICY]}, ${ours}` : ours;
    headers["x-dns-prefetch-control"] = "off";
    let body = bodyOf(response);
    if (!fetched && body && TransformStream && apply(includes, headers["content-type"] ?? "", ["html"])) {
      body = apply(pipeThrough, body, [new TransformStream(withoutHints(w))]);
    }
    return new Response(body, { __proto__: null, status: statusOf(response), statusText: textOf(response), headers });
  };
  // In place of a page that could not be reached the gateway shows one of its own: to the site's
  // worker there was no answer, as directly, and it shows what it kept.
  const { get } = Headers.prototype;
  const reached = (/** @type {any} */ given) => apply(then, given, [(/** @type {any} */ response) => {
    if (response && apply(get, headersOf(response), ["x-gateway-unreached"])) throw new Failed("Failed to fetch");
    return response;
  }]);
  hook(w, "fetch WorkerGlobalScope.fetch FetchEvent.preloadResponse", null, reached);
  hook(w, "FetchEvent.respondWith:0", (given, event) =>
    destinationOf(requestOf(event)) in INERT ? given : (async () => contain(await given))());
}
