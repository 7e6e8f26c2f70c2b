// Responses that a service worker makes up never passed the gateway: what can become a
// document or a worker gets the containment policy here.
import { containment } from "../shared/containment.js";
import { hookAll } from "../shared/hooks.js";

const POLICY = "Content-Security-Policy";
// What these destinations load runs nothing of its own.
const INERT = /^(?:audio|font|image|manifest|script|style|track|video|)$/;

/**
 * @param {any} w
 * @param {import("../shared/origins.js").Place} place
 */
export function installContainment(w, place) {
  const { Response, Headers } = w;
  const { suffix, port } = place;
  const hosts = `*${suffix}${port && ":" + port}`;
  const policy = `${containment(hosts)}; frame-ancestors https://${hosts} https://${hosts.replace("*", "www")}; report-uri /.gateway/report`;
  /** @param {any} response */
  const contain = (response) => {
    if (!(response instanceof Response) || /error|opaque/.test(response.type)) return response;
    const headers = new Headers(response.headers);
    if (headers.get(POLICY)?.includes("/.gateway/report")) return response;
    for (const name of [POLICY, POLICY + "-Report-Only"]) {
      const given = headers.get(name);
      if (given) headers.set(name, given.replace(/\breport-(?:uri|to)\b[^;,]*/gi, ""));
    }
    headers.append(POLICY, policy);
    headers.append("X-DNS-Prefetch-Control", "off");
    for (const name of ["Link", "Refresh", "Reporting-Endpoints", "Report-To", "NEL", "Speculation-Rules"]) headers.delete(name);
    const { status, statusText } = response;
    return new Response(response.body, { status, statusText, headers });
  };
  hookAll(w, "FetchEvent.respondWith:0", (given, event) =>
    INERT.test(event.request.destination) ? given : Promise.resolve(given).then(contain));
}
