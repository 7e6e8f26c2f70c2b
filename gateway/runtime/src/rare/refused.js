// What a browser refuses to fetch by the address alone.  Here the gateway's policy, or the gateway,
// would refuse it too, but with other words on the console than those that a developer knows.

// No address: what asks for it fails, and nobody is asked.
const NOWHERE = "https://%";
const FETCHED = /^(?:https?|data|blob):$/;
const HERE = /^(?:(?:.*\.)?localhost|127\..*|\[::1\])$/;

/**
 * @param {any} w
 * @param {typeof import("../shared/hooks.js").hook} hook
 * @param {(given: any) => any} map
 */
export function refused(w, hook, map) {
  const { console, location, document, URL, Promise, TypeError } = w;
  const secure = /^https(?:\d+)?-/.test(location.hostname);
  const why = (/** @type {string} */ given) => {
    const { href, hostname, protocol } = new URL(given, document.baseURI);
    if (!FETCHED.test(protocol)) return `Fetch API cannot load ${href}. URL scheme "${protocol.slice(0, -1)}" is not supported.`;
    if (protocol === "http:" && secure && !HERE.test(hostname) && map(given) !== given) {
      return `Mixed Content: The page at '${location.href}' was loaded over HTTPS, but requested an insecure resource '${href}'. This request has been blocked; the content must be served over HTTPS.`;
    }
  };
  hook(w, "fetch:0", (given) => {
    try {
      const words = typeof given === "string" || given instanceof URL ? why(`${given}`) : "";
      if (!words) return given;
      console.error(words);
      return NOWHERE;
    } catch {
      return given; // no address
    }
  }, (answer, _, [asked]) => {
    if (asked !== NOWHERE) return answer;
    answer.catch(() => 0);
    return Promise.reject(new TypeError("Failed to fetch"));
  });
}
