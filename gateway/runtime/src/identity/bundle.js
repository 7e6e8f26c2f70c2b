// Everything else that says where a page is: read in the same way as `location`, all or nothing.
import { apply, defineProperty, getOwnPropertyDescriptor, hook, wrap } from "../shared/hooks.js";

// What is read of these is an address.
const READ =
  "Document.URL Document.documentURI Node.baseURI StorageEvent.url HashChangeEvent.oldURL HashChangeEvent.newURL " +
  "PerformanceEntry.name NavigationHistoryEntry.url NavigationDestination.url ErrorEvent.filename StyleSheet.href CSSImportRule.href " +
  "ServiceWorker.scriptURL ServiceWorkerRegistration.scope WorkerLocation.href WorkerLocation.toString Client.url " +
  "Element.innerHTML Element.outerHTML Element.getHTML ShadowRoot.innerHTML XMLSerializer.serializeToString " +
  "CSSStyleDeclaration.cssText CSSRule.cssText SVGAnimatedString.animVal " +
  "SecurityPolicyViolationEvent.documentURI SecurityPolicyViolationEvent.sourceFile SecurityPolicyViolationEvent.referrer";

/**
 * @param {any} w
 * @param {import("../shared/urls.js").Urls} urls
 */
export function installBundle(w, { map, unmap }) {
  const { Error, JSON } = w;
  hook(w, READ, null, unmap);
  for (const key of ["origin", "protocol", "host", "hostname", "port"]) {
    // Of a blob: URL there is an origin, and no host.
    hook(w, "WorkerLocation." + key, null, (value, { href }) => (key === "origin" ? unmap(value) : value && new URL(href)[/** @type {"host"} */ (key)]));
  }
  const addressed = (/** @type {any} */ result) => (result && typeof result === "object" ? JSON.parse(unmap(JSON.stringify(result))) : result);
  hook(w, "PerformanceEntry.toJSON PerformanceResourceTiming.toJSON PerformanceNavigationTiming.toJSON", null, addressed);
  hook(w, "Performance.getEntriesByName:0", map);
  // `origin` of a window is its own, that of a worker its prototype's.
  for (const owner of [w, w.WorkerGlobalScope?.prototype]) hook(owner, "origin", null, unmap);
  // Stacks name scripts by where they came from; this is V8's own form of them.
  if (Error.captureStackTrace) {
    defineProperty(Error, "prepareStackTrace", {
      configurable: true,
      writable: true,
      value(/** @type {any} */ error, /** @type {any[]} */ sites) {
        let head = "<error>";
        try {
          head = apply(Error.prototype.toString, error, []);
        } catch {
          // its own name or message cannot be read
        }
        return head + sites.map((one) => "\n    at " + unmap(`${one}`)).join("");
      },
    });
  }
}

/** What others take from here as it is then. @param {any} w @param {import("../shared/urls.js").Urls} urls */
export function installFirst(w, { unmap }) {
  hook(w, "CSSStyleDeclaration.getPropertyValue", null, unmap);
}

/**
 * document.domain: no two pages meet through it any more, as natively in browsers of today.
 * @param {any} w
 * @param {string} host
 */
export function installDomain({ Document, DOMException }, host) {
  const { prototype } = Document;
  const old = /** @type {any} */ (getOwnPropertyDescriptor(prototype, "domain"));
  if (!old) return;
  defineProperty(prototype, "domain", {
    ...old,
    get: wrap(old.get, { apply: (target, self, args) => apply(target, self, args) && host }),
    // A frame with a sandbox has no such right; a page at the top of a tab has it, to no effect.
    set: wrap(old.set, {
      apply(_, self, [given]) {
        apply(old.get, self, []);
        const to = `${given}`.toLowerCase();
        if (to === host || (("." + host).endsWith("." + to) && to.includes("."))) return;
        throw new DOMException(`Failed to set the 'domain' property on 'Document': '${given}' is not a suffix of '${host}'.`, "SecurityError");
      },
    }),
  });
}
