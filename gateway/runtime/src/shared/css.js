// URLs in CSS that script sets: a small copy of the server's rules; containment holds the rest.

const URLS = /\/\*[^]*?\*\/|(url\(\s*|@import\s+(?=["']))(["']?)((?:\\.|[^"'()\\])*)\2|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/gi;
const IMAGE_SETS = /image-set\((?:[^()]|\([^()]*\))*\)/gi;

/**
 * @param {any} text
 * @param {(given: any) => any} map
 */
export const mapCss = (text, map) =>
  typeof text === "string" && /[:/]\//.test(text)
    ? text
      .replace(IMAGE_SETS, (set) => set.replace(/(["'])([^"']+)\1/g, (_, quote, url) => quote + map(url) + quote))
      .replace(URLS, (whole, before, quote, url) => (before ? before + quote + map(url) + quote : whole))
    : text;
