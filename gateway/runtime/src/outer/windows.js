// Windows that pages open: outer frames of their own, and the words between such pages.
// Both sides are this origin's; what a page says is passed on with the origin that the browser
// told of it.

/**
 * @typedef {object} Speaker a document that was attested
 * @property {MessagePort} port
 * @property {string} origin as the browser told it
 * @property {string} [site] as the page tells it
 */

const WATCH = 500;

/** Whether words for `target` may reach a document of `origin`. @param {string} target @param {string} origin @param {(origin: string) => string | null} behind */
const fits = (target, origin, behind) => {
  if (target === "*") return true;
  try {
    const wanted = new URL(target).origin;
    return wanted === origin || wanted === behind(origin);
  } catch {
    return false;
  }
};

/**
 * @param {object} tools
 * @param {(url: string) => URL | null} tools.parse
 * @param {(origin: string) => string | null} tools.behind the origin behind a rewrite host's
 * @param {() => Speaker | null} tools.shown the topmost page of this window
 * @param {(url: URL, form?: object) => void} tools.show
 * @param {(again: () => void) => void} tools.blocked the browser wants a click of the person's
 */
export function windowsOf({ parse, behind, shown, show, blocked }) {
  /** @type {Map<Window, {speaker: Speaker, id: number}>} */
  const children = new Map();
  const here = location.origin;
  const opener = /** @type {Window | null} */ (window.opener);

  /** @param {Window} to @param {object} said @param {readonly MessagePort[]} [ports] */
  const tell = (to, said, ports = []) => to.postMessage({ gw: 2, ...said }, here, [...ports]);
  /** @param {Speaker} speaker @param {number} id */
  const child = (speaker, id) => [...children].find(([, one]) => one.speaker === speaker && one.id === id)?.[0];

  /** @param {Speaker} speaker @param {any} said */
  const open = (speaker, { url, id, name, alone, form, features }) => {
    const to = form ? parse(`${form.url}`) : url ? parse(`${url}`) : null;
    if (!to && (url || form)) return;
    const place = `${location.pathname}${to && !form ? "#" + to.href : "#"}`;
    // Its name is the page's affair: two sites do not meet in one window.
    const label = name && !alone ? `gw ${speaker.origin} ${name}` : "_blank";
    const size = /\b(?:width|height|left|top|popup)\b/.test(`${features}`) ? `${features}`.replace(/no(?:opener|referrer)/g, "") : "";
    const made = window.open(place, label, alone && !form ? "noopener," + size : size);
    if (!made) return alone && !form ? undefined : blocked(() => open(speaker, { url, id, name, alone, form, features }));
    children.set(made, { speaker, id });
    if (form) waiting.set(made, { url: /** @type {URL} */ (to).href, form, alone });
    const timer = setInterval(() => {
      if (!made.closed) return;
      clearInterval(timer);
      children.delete(made);
      speaker.port.postMessage({ type: "popup-closed", id });
    }, WATCH);
  };
  /** Forms for windows that are still loading. @type {Map<Window, object>} */
  const waiting = new Map();

  addEventListener("message", (event) => {
    const said = event.data;
    const from = /** @type {Window} */ (event.source);
    if (event.origin !== here || said?.gw !== 2 || from === window) return;
    const speaker = shown();
    if (from === opener) {
      if (said.type === "words" && speaker && fits(said.target, speaker.origin, behind)) {
        speaker.port.postMessage({ type: "from-opener", data: said.data, origin: said.origin }, [...event.ports]);
      } else if (said.type === "go" || said.type === "form") {
        const url = parse(`${said.url}`);
        if (url) show(url, said.form);
      }
      return;
    }
    const one = children.get(from);
    if (!one) return;
    if (said.type === "ready") {
      const form = waiting.get(from);
      waiting.delete(from);
      if (form) tell(from, { type: "form", ...form });
    } else if (said.type === "words" && fits(said.target, one.speaker.origin, behind)) {
      one.speaker.port.postMessage({ type: "from-popup", id: one.id, data: said.data, origin: said.origin }, [...event.ports]);
    }
  });
  if (opener) tell(opener, { type: "ready" });

  return {
    /** Whether a page in this window has an opener. */
    opened: Boolean(opener),
    /**
     * What an attested page asks about windows.
     * @param {Speaker} speaker @param {any} said @param {readonly MessagePort[]} ports
     */
    asked(speaker, said, ports) {
      const words = () => ({ type: "words", data: said.data, target: `${said.target}`, origin: speaker.origin });
      if (said.type === "open") return open(speaker, said);
      // Only the topmost page has the window's opener.
      if (said.type === "to-opener" && opener && speaker === shown()) return tell(opener, words(), ports);
      if (said.type === "close" && speaker === shown() && opener) return window.close();
      const to = child(speaker, said.id);
      if (!to) return;
      if (said.type === "to-popup") tell(to, words(), ports);
      else if (said.type === "popup-go") tell(to, { type: "go", url: `${said.url}` });
      else if (said.type === "popup-close") to.close();
      else if (said.type === "popup-focus") to.focus();
    },
  };
}
