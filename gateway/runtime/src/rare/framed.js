// Documents in data: and blob: URLs that script shows in a frame: no server sends them, and a
// page cannot reach into most.  The runtime goes in first, as into a `srcdoc`.

const DATA = /^\s*data:text\/html((?:;[^,;]*)*),([^#]*)/i;
const BLOB = /^(?:text\/html|application\/xhtml\+xml)\b/i;
// What may stand before it, so that the document keeps its mode.
const START = /^(?:\xef\xbb\xbf)?\s*(?:<!--[^]*?-->\s*)*(?:<!doctype[^>]*>)?\s*(?:<html(?:\s[^>]*)?>)?\s*(?:<head(?:\s[^>]*)?>)?/i;
const MOST = 64;
const { Blob, URL, XMLHttpRequest, Uint8Array } = window;

/** Those that were made, by what they stand for. @type {Map<string, string>} */
const made = new Map();

/** @param {string} octets a character for each @param {string} markup @param {(text: string) => string} html */
const changed = (octets, markup, html) => {
  const before = /** @type {RegExpExecArray} */ (START.exec(octets))[0];
  return before + markup + html(octets.slice(before.length));
};

/** A blob's octets; null where the page's policy forbids to read it. @param {string} url */
const read = (url) => {
  try {
    const request = new XMLHttpRequest();
    request.open("GET", url, false);
    request.overrideMimeType("text/plain;charset=x-user-defined");
    request.send();
    return request.responseText.replace(/[\uf780-\uf7ff]/g, (one) => String.fromCharCode(one.charCodeAt(0) & 255));
  } catch {
    return null;
  }
};

/**
 * The address of the same document with the runtime in it; others come back as they are.
 * @param {string} url
 * @param {string} markup
 * @param {(text: string) => string} html
 * @param {Map<string, Blob>} blobs
 */
export function framed(url, markup, html, blobs) {
  const blob = blobs.get(url);
  if (blob && BLOB.test(blob.type)) {
    const old = made.get(url);
    if (old) return old;
    const octets = read(url);
    const parts = octets === null ? [markup, blob] : [Uint8Array.from(changed(octets, markup, html), (one) => one.charCodeAt(0))];
    const next = URL.createObjectURL(new Blob(parts, { type: blob.type }));
    made.set(url, next);
    if (made.size > MOST) {
      const [[first, gone]] = made;
      made.delete(first);
      URL.revokeObjectURL(gone);
    }
    return next;
  }
  const [, type, body] = DATA.exec(url) ?? [];
  if (body === undefined) return url;
  let octets = body
    .replace(/[\t\n\r]/g, "")
    .replace(/[^\0-\x7f]+/g, encodeURIComponent)
    .replace(/%([\da-f]{2})/gi, (_, code) => String.fromCharCode(parseInt(code, 16)));
  const plain = type.replace(/;\s*base64\s*$/i, "");
  try {
    if (plain !== type) octets = atob(octets);
  } catch {
    return url; // nor does the browser read it
  }
  const escaped = changed(octets, markup, html).replace(/[^\w.~!*'()/:;=,-]/g, (one) => "%" + one.charCodeAt(0).toString(16).padStart(2, "0"));
  return `data:text/html${plain},${escaped}`;
}
