// Windows that pages open: outer frames of their own, and the words between such pages.
// Both sides are this origin's; what a page says is passed on with the origin that the browser
// told of it, to those whom the page knows and nobody else.

/**
 * @typedef {object} Speaker a document that was attested
 * @property {MessagePort} port
 * @property {string} origin as the browser told it
 * @property {string} [site] as the page tells it
 * @property {Window} source the frame that it is in
 */
/**
 * @typedef {object} Child a window that a page opened
 * @property {Window} opener the frame of that page
 * @property {Map<Speaker, number>} holders the documents that know of it, and their numbers for it
 * @property {any[]} waiting what it is to be told once it is there
 * @property {boolean} there
 * @property {string} name as the page gave it
 * @property {string} mark what its page's frame is to know of the opener
 */

const WATCH = 250;
const HELD = 16;
const UNNAMED = "_blank";
const SIZE = /^(?:popup|(?:inner)?(?:width|height)|left|top|screen[xy])(?:=[-\w]*)?$/i;

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

/** Where a frame is below the topmost page: `.0.1`. @param {Window} one */
const pathOf = (one) => {
  let path = "";
  for (; one.parent !== window && one.parent !== one; one = one.parent) {
    let at = 0;
    while (one.parent[at] !== one) at++;
    path = `.${at}${path}`;
  }
  return path;
};

/**
 * @param {object} tools
 * @param {(origin: string) => string | null} tools.behind the origin behind a rewrite host's
 * @param {() => Speaker | null} tools.shown the topmost page of this window
 * @param {(url: URL, form?: object, same?: boolean) => void} tools.show in the same frame, or in one of its own
 * @param {boolean} [tools.strict] no windows are opened
 * @param {(again: () => void) => void} tools.blocked the browser wants a click of the person's
 * @param {(url: string, speaker: Speaker) => void} tools.leave what is no web address: a telephone number, an app
 */
export function windowsOf({ behind, shown, show, blocked, leave, strict }) {
  /** @type {Map<Window, Child>} */
  const children = new Map();
  /** Windows by the label that a page's origin and name make. @type {Map<string, Window>} */
  const labels = new Map();
  /** @type {WeakMap<Window, Speaker>} */
  const speakers = new WeakMap();
  const here = location.origin;
  const creator = /** @type {Window | null} */ (window.opener);
  let count = 0;
  /** Documents here that the opener spoke to. @type {WeakSet<Speaker>} */
  const answering = new WeakSet();

  /** A page's address as the site's own; null if it is none of the web. @param {unknown} given */
  const web = (given) => {
    try {
      const url = new URL(`${given}`);
      const origin = behind(url.origin);
      const found = origin ? new URL(origin + url.href.slice(url.origin.length)) : url;
      return /^https?:$/.test(found.protocol) ? found : null;
    } catch {
      return null;
    }
  };
  /** @param {Window} to @param {object} said @param {readonly MessagePort[]} [ports] */
  const tell = (to, said, ports = []) => to.postMessage({ gw: 2, ...said }, here, [...ports]);
  /** @param {Window} to @param {object} said */
  const order = (to, said) => {
    const one = children.get(to);
    if (one?.there === false) one.waiting.push(said);
    else tell(to, said);
  };
  /** @param {Speaker} speaker @param {number} id */
  const child = (speaker, id) => [...children].find(([, one]) => one.holders.get(speaker) === id)?.[0];

  /** @param {Speaker} speaker @param {any} said */
  const open = (speaker, said) => {
    // Whether a page's own sandbox lets it open windows, nobody could tell.
    if (speaker.origin === "null") return;
    const { url, id, name, alone, form, features } = said;
    const to = form ? web(form.url) : url ? web(url) : null;
    if (!to && (url || form)) return leave(`${form ? form.url : url}`, speaker);
    if (strict) {
      // As browsers do that have one window: what a person asks for is shown in it.
      if (!alone) speaker.port.postMessage({ type: "popup-closed", id, closed: true });
      if (to && shown() && navigator.userActivation?.isActive !== false) show(to, form, true);
      return;
    }
    // Its name is the page's affair: two sites do not meet in one window.
    const label = name && !alone ? `gw ${speaker.origin} ${name}` : UNNAMED;
    const known = label === UNNAMED ? undefined : labels.get(label);
    const old = known && children.get(known);
    if (known && old && !known.closed) {
      old.holders.set(speaker, id);
      known.focus();
      if (to) order(known, { type: "go", url: to.href, form });
      return;
    }
    // The browser asks the person once for this origin, which is that of all sites: so each click
    // opens one window, whatever the browser would let happen.
    if (navigator.userActivation && !navigator.userActivation.isActive) {
      speaker.port.postMessage({ type: "popup-closed", id, closed: true });
      return blocked(() => open(speaker, said));
    }
    const severed = alone && !form;
    const place = `${location.pathname}${severed ? "?alone=" + encodeURIComponent(`${name}`.slice(0, 1000)) : ""}#${to && !form ? to.href : ""}`;
    // Others (attributionsrc) would speak for the gateway's own page.
    const size = `${features ?? ""}`.split(/[\s,]+/).filter((one) => SIZE.test(one)).join();
    const made = window.open(place, label, severed ? "noopener," + size : size);
    if (!made) return severed ? undefined : blocked(() => open(speaker, said));
    if (label !== UNNAMED) labels.set(label, made);
    const mark = alone ? "" : `${id}${pathOf(speaker.source)}`;
    const there = "gwTake" in made; // opened before this page was loaded again
    children.set(made, {
      opener: speaker.source,
      holders: new Map(alone ? [] : [[speaker, id]]),
      waiting: [],
      there,
      name: `${name}`,
      mark,
    });
    if (form) order(made, { type: "go", url: /** @type {URL} */ (to).href, form });
    if (!alone) speaker.port.postMessage({ type: "popup-closed", id, closed: false });
  };
  setInterval(() => {
    for (const [one, { holders }] of children) {
      if (!one.closed) continue;
      children.delete(one);
      for (const [speaker, id] of holders) speaker.port.postMessage({ type: "popup-closed", id, closed: true });
    }
    if (creator?.closed) shown()?.port.postMessage({ type: "opener-closed" });
  }, WATCH);

  // A window that was opened here asks as soon as it runs: nobody but this origin's pages can.
  Object.assign(window, {
    /** @param {Window} one */
    gwTake(one) {
      const found = children.get(one);
      if (!found) return null;
      const { waiting, mark, name } = found;
      found.there = true;
      found.waiting = [];
      if (!mark) children.delete(one);
      return { waiting, mark, name };
    },
  });
  /** @type {{waiting: any[], mark: string, name: string}} */
  let { waiting = [], mark = "", name = "" } = history.state?.gw ?? {};
  const alone = new URLSearchParams(location.search).get("alone");
  const closes = Boolean(creator || history.state?.gw || alone !== null);
  if (alone) name = alone;
  try {
    ({ waiting, mark, name } = /** @type {any} */ (creator).gwTake(window) ?? { waiting, mark, name });
  } catch {
    // opened by a page that has gone, or by nobody
  }
  let disowned = !mark;
  const disown = () => {
    disowned = true;
    mark = "";
    window.opener = null;
    keep();
  };
  // Without the query, which would be copied with the address; a reload knows it all the same.
  const keep = () => {
    if (closes) history.replaceState({ gw: { mark, name } }, "", location.pathname + location.hash);
  };
  if (disowned && creator) window.opener = null;
  keep();

  /** What the opener orders. @param {any} said */
  const obey = (said) => {
    const url = said.type === "go" && web(said.url);
    if (url) show(url, said.form);
    if (said.type === "disown") {
      disown();
      shown()?.port.postMessage({ type: "disowned" });
    }
  };

  /** What the opener said before the page here was attested. @type {[any, readonly MessagePort[]][]} */
  const held = [];
  /** @param {any} said @param {readonly MessagePort[]} ports */
  const hear = ({ target, data, origin }, ports) => {
    const speaker = shown();
    if (!speaker || !fits(target, speaker.origin, behind)) return;
    answering.add(speaker);
    speaker.port.postMessage({ type: "from-opener", data, origin }, [...ports]);
  };

  addEventListener("message", (event) => {
    const said = event.data;
    const from = /** @type {Window} */ (event.source);
    if (event.origin !== here || said?.gw !== 2 || from === window) return;
    const { data, origin, target } = said;
    if (from === creator) {
      if (said.type !== "words") obey(said);
      else if (shown()) hear(said, event.ports);
      else if (held.length < HELD) held.push([said, event.ports]);
      return;
    }
    const one = children.get(from);
    const speaker = one && speakers.get(one.opener);
    if (!speaker) return;
    if (said.type === "words" && fits(target, speaker.origin, behind)) {
      // A document that came later learns of the window by its words, as it would from a browser.
      const id = one.holders.get(speaker) ?? -++count;
      one.holders.set(speaker, id);
      speaker.port.postMessage({ type: "from-popup", id, data, origin }, [...event.ports]);
    } else if (said.type === "go") {
      const url = web(said.url);
      if (url && one.opener === shown()?.source) show(url, undefined, true);
    }
  });

  return {
    /** What stands before the name of the topmost page's frame. */
    frameName: () => (closes ? `gw-${mark}:${name}` : ""),
    /** Whether a page opened this window. */
    opened: closes,
    /** Begin with what the opener wants shown. */
    begin() {
      for (const said of waiting.splice(0)) obey(said);
    },
    /** A document was attested. @param {Speaker} speaker */
    met(speaker) {
      const before = speakers.get(speaker.source);
      for (const { holders } of children.values()) if (before) holders.delete(before);
      speakers.set(speaker.source, speaker);
      if (speaker === shown()) for (const [said, ports] of held.splice(0)) hear(said, ports);
    },
    /**
     * What an attested page asks about windows.
     * @param {Speaker} speaker @param {any} said @param {readonly MessagePort[]} ports
     */
    asked(speaker, said, ports) {
      if (said.type === "leave") return leave(`${said.url}`, speaker);
      const words = () => ({ type: "words", data: said.data, target: `${said.target}`, origin: speaker.origin });
      if (said.type === "open") return open(speaker, said);
      if (said.type === "lead") {
        // A frame of another site leads the page away: only after a person has touched it.
        const url = web(said.url);
        const touched = said.active !== false && navigator.userActivation?.isActive !== false;
        if (!url) return leave(`${said.url}`, speaker);
        if (touched && speaker.origin !== "null" && shown()) show(url, said.entries && said, true);
        return;
      }
      // Only the topmost page has the window's opener.
      if (speaker === shown()) {
        if (said.type === "close" && closes) return window.close();
        if (said.type === "disown") return disown();
        if (creator && !creator.closed && (!disowned || answering.has(speaker))) {
          if (said.type === "to-opener") return tell(creator, words(), ports);
          if (said.type === "opener-go") {
            return web(said.url) ? tell(creator, { type: "go", url: `${said.url}` }) : leave(`${said.url}`, speaker);
          }
        }
      }
      const to = child(speaker, said.id);
      if (!to) return;
      if (said.type === "to-popup") tell(to, words(), ports);
      else if (said.type === "popup-go" && !web(said.url)) leave(`${said.url}`, speaker);
      else if (said.type === "popup-go") order(to, { type: "go", url: `${said.url}` });
      else if (said.type === "popup-disown") order(to, { type: "disown" });
      else if (said.type === "popup-close") to.close();
      else if (said.type === "popup-focus") to.focus();
    },
  };
}
