// Workers that a page makes: those with a script of the gateway's carry its preamble, those
// from a blob: or data: URL get it here.
import { hook } from "../shared/hooks.js";

/**
 * @param {any} w
 * @param {(given: any) => any} map
 * @param {string} script the preamble's absolute URL
 */
export function installWorkers(w, map, script) {
  const { Blob, URL } = w;
  const create = URL.createObjectURL.bind(URL);
  /** @type {Map<string, Blob>} */
  const blobs = new Map();
  hook(URL, "createObjectURL", null, (url, _, [object]) => {
    if (object instanceof Blob) blobs.set(url, object);
    return url;
  });
  hook(URL, "revokeObjectURL", ([url]) => blobs.delete(`${url}`));
  for (const name of ["Worker", "SharedWorker"]) {
    hook(w, name, (args) => {
      const [given, options] = args;
      const quoted = JSON.stringify(script);
      const before = options?.type === "module" ? `import${quoted};` : `importScripts(${quoted});`;
      const blob = blobs.get(`${given}`);
      const [, coding, data] = /^data:[^,]*?(;base64)?,([^]*)$/i.exec(given) ?? [];
      if (blob) args[0] = create(new Blob([before, blob], { type: "text/javascript" }));
      else if (data) {
        const text = decodeURIComponent(data);
        args[0] = `data:text/javascript,${encodeURIComponent(`self.__gw=${quoted};${before}${coding ? atob(text) : text}`)}`;
      } else args[0] = map(given);
    });
  }
}
