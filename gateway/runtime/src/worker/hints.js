// Documents that a service worker makes up: a link that only connects to a host sends no
// request, so that no policy stops it.  It becomes an element that does nothing.

const LINK = /<link(?=[\s/])((?:"[^"]*"|'[^']*'|[^"'>])*)>/gi;
const REL = /[\s"'/]rel\s*=\s*("[^"]*"|'[^']*'|[^\s>]*)/i;
const CONNECTS = /preconnect|dns-prefetch|&/i; // what is written in references may be either
const BEGUN = /<(?:l(?:i(?:n(?:k(?:[\s/](?:"[^"]*"|'[^']*'|[^"'>])*(?:"[^"]*|'[^']*)?)?)?)?)?)?$/i;
// So much of one element is waited for.
const LONGEST = 65536;

/** @param {string} text */
const quiet = (text) => text.replace(LINK, (whole) => (CONNECTS.test(REL.exec(whole)?.[1] ?? "") ? "<meta" + whole.slice(5) : whole));

/**
 * A document's octets without such links, piece by piece.
 * @param {any} w
 * @returns {{transform: (piece: any, to: any) => void, flush: (to: any) => void}}
 */
export function withoutHints({ Uint8Array }) {
  let held = "";
  const give = (/** @type {string} */ text, /** @type {any} */ to) => {
    if (text) to.enqueue(Uint8Array.from(text, (/** @type {string} */ one) => one.charCodeAt(0)));
  };
  return {
    transform(piece, to) {
      for (let at = 0; at < piece.length; at += 8192) held += String.fromCharCode(...piece.subarray(at, at + 8192));
      const begun = BEGUN.exec(held)?.index ?? held.length;
      const end = held.length - begun > LONGEST ? held.length : begun;
      const text = held.slice(0, end);
      // One that never ends could still end as anything.
      give(quiet(text.slice(0, begun)) + text.slice(begun).replace(/^<link/i, "<meta"), to);
      held = held.slice(end);
    },
    flush: (to) => give(quiet(held), to),
  };
}
