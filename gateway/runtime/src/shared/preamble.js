// Workers with a script that no server sends (blob:, data:): the preamble goes before it.

const STRICT = /^(?:\s|\/\/.*|\/\*[^]*?\*\/)*(["'])use strict\1/;
const DATA = /^data:([^,]*),([^]*)$/i;

const VIOLATION = "securitypolicyviolation";
const hush = (/** @type {any} */ event) => event.blockedURI === "blob" && event.stopImmediatePropagation();

/** @typedef {ReturnType<typeof preambleOf>} Preamble */

/**
 * @param {any} w
 * @param {string} source the preamble
 * @param {string} origin the maker's own
 */
export function preambleOf(w, source, origin) {
  const { Blob, URL, XMLHttpRequest } = w;
  const create = URL.createObjectURL.bind(URL);
  const revoke = URL.revokeObjectURL.bind(URL);
  /** One URL for one URL: shared workers go by it. @type {Map<string, string>} */
  const made = new Map();
  return {
    /**
     * @param {string} url
     * @param {Map<string, Blob>} blobs what blob: URLs stand for
     * @returns {string | undefined} a URL of a script with the preamble
     */
    prepend(url, blobs) {
      const blob = blobs.get(url);
      if (blob instanceof Blob) {
        for (const [old, one] of made) {
          if (blobs.has(old)) continue;
          revoke(one);
          made.delete(old);
        }
        if (!made.has(url)) {
          let strict = "";
          try {
            const request = new XMLHttpRequest();
            request.open("GET", url, false);
            request.send();
            if (STRICT.test(request.responseText)) strict = '"use strict";';
          } catch {
            // The page's policy forbids to read it: it runs sloppy, and the page is not told.
            w.addEventListener(VIOLATION, hush, true);
            w.setTimeout(() => w.removeEventListener(VIOLATION, hush, true));
          }
          made.set(url, create(new Blob([strict, source, blob], { type: "text/javascript" })));
        }
        return made.get(url);
      }
      const [, type, text] = DATA.exec(url) ?? [];
      if (text === undefined) return;
      const before = `self.__gw=${JSON.stringify(origin)};${source}`;
      return /;\s*base64\s*$/i.test(type)
        ? `data:text/javascript;base64,${btoa(before + atob(decodeURIComponent(text)))}`
        : `data:text/javascript,${encodeURIComponent(before)}${text}`;
    },
  };
}
