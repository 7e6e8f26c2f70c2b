// Workers that script makes: those with a script of the gateway's carry its preamble, those
// from a blob: or data: URL get it here.
import { hook, hookAll } from "./hooks.js";

/**
 * Hook the constructors of workers, and remember what blob: URLs stand for.
 * @param {any} w
 * @param {import("./urls.js").Urls} urls
 * @param {() => import("./preamble.js").Preamble} make what it gives is made when it is first needed
 */
export function installWorkers(w, { map, typed }, make) {
  const { Blob } = w;
  /** @type {Map<string, Blob>} */
  const blobs = new Map();
  /** @type {import("./preamble.js").Preamble | undefined} */
  let preamble;
  hook(w.URL, "createObjectURL", null, (url, _, [object]) => {
    if (object instanceof Blob) blobs.set(url, object);
    return url;
  });
  hook(w.URL, "revokeObjectURL", ([url]) => void blobs.delete(`${url}`));
  hookAll(w, "Worker:0 SharedWorker:0", (url) => typed(url, (given) =>
    blobs.has(given) || /^data:/i.test(given) ? (preamble ??= make()).prepend?.(given, blobs) ?? given : map(given)));
  return blobs;
}
