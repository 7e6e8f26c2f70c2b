// Loads the part of the runtime that few pages need: at once, because a native would answer at once.

const Request = XMLHttpRequest;
const { namespaceURI } = new Image(); // of HTML, in whatever document
/** @type {any} */
let parts;
// Where it cannot be had, a page must not wait for it with each call.
let tries = 3;

/** @typedef {ReturnType<typeof rareOf>} Rare */

/**
 * @param {any} w
 * @param {string} url
 * @param {(text: string) => any} trusted
 * @param {() => Parameters<import("../rare/main.js").Parts["reads"]>} reading what the part needs for what pages read
 */
export const rareOf = ({ document }, url, trusted, reading) =>
  /**
   * Ask one of the parts; where it cannot be loaded, the fallback is the answer.
   * @param {keyof import("../rare/main.js").Parts} name
   * @param {any} fallback
   * @param {any[]} args
   */
  (name, fallback, ...args) => {
    try {
      if (!parts && tries-- > 0) {
        const request = new Request();
        request.open("GET", url, false);
        request.send();
        const script = document.createElementNS(namespaceURI, "script");
        // Put in while it is empty: hooks of whose window this was before look at what is put in.
        document.documentElement.append(script);
        script.text = trusted(request.responseText);
        script.remove();
        parts = script.parts;
        parts.reads(...reading());
      }
      return parts[name](...args);
    } catch {
      return fallback;
    }
  };
