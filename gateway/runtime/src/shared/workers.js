// Workers that script makes: those with a script of the gateway's carry its preamble, those
// from a blob: or data: URL get it here.
import { hook } from "./hooks.js";
import { textOf } from "./urls.js";

/**
 * Hook the constructors of workers, and remember what blob: URLs stand for.
 * @param {any} w
 * @param {(url: any) => any} map
 * @param {Map<string, Blob>} blobs what blob: URLs stand for
 * @param {(url: any) => any} prepended a URL of the same script with the preamble; it may be any other, too
 */
export function installWorkers(w, map, blobs, prepended) {
  hook(w.URL, "createObjectURL", null, (url, _, [object]) => (blobs.set(url, object), url));
  hook(w.URL, "revokeObjectURL", ([url]) => void blobs.delete(textOf(url)));
  hook(w, "Worker:0 SharedWorker:0", (url) => (/^(blob|data|\/\/x)/i.test(textOf(url)) ? prepended(url) : map(url)));
}
