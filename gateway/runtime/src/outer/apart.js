// The outer frame's side of the second variant: a frame on the domain of the rewrite hosts sets
// and checks the session's cookies there, for no cookie of this origin reaches it.

const PATIENCE = 20_000;
const ICKT_COOKIE = "__Host-gw-ickt";
/** Where localStorage keeps it. */
export const ICKT = "gw.ickt";

/** @returns {Storage | null} what keeps the session; null where that is not to be had */
export function storage() {
  try {
    const found = window.localStorage;
    // A full one that holds a session serves.
    if (!found.getItem(ICKT)) {
      found.setItem("gw.probe", "1");
      found.removeItem("gw.probe");
    }
    return found;
  } catch {
    return null; // missing, forbidden, or null
  }
}

/** The suffix of rewrite hosts on the domain apart, dot first; empty if the gateway has none. */
export const apartSuffix = () => (document.getElementById("stage") ?? document.body).dataset.apart ?? "";

/** The ickt that this origin's cookie keeps; no proxied page can write one of that name. */
export function cookieIckt() {
  for (const one of document.cookie.split("; ")) {
    if (one.startsWith(ICKT_COOKIE + "=")) return one.slice(ICKT_COOKIE.length + 1);
  }
  return null;
}

let count = 0;

/**
 * Ask the frame of the domain apart; it is made for one question.
 * @param {{type: "settle", ickt: string, text: string, nonce: string} | {type: "check", ickt: string} | {type: "forget"}} question
 * @returns {Promise<{ok: boolean, kept: boolean}>} whether the gateway took an offer, and whether
 *   the browser holds the cookies of the ickt now
 */
export function askApart(question) {
  const origin = `https://www${apartSuffix()}${location.port && ":" + location.port}`;
  const frame = document.createElement("iframe");
  const n = ++count;
  frame.hidden = true;
  frame.src = origin + "/.gateway/settle";
  return new Promise((done, fail) => {
    /** @param {MessageEvent} event */
    const hear = (event) => {
      if (event.source !== frame.contentWindow || event.origin !== origin) return;
      const said = event.data;
      if (said?.gw !== 1) return;
      if (said.type === "settling") frame.contentWindow?.postMessage({ ...question, gw: 1, n }, origin);
      if (said.type === "settled" && said.n === n) end(() => done({ ok: said.ok === true, kept: said.kept === true }));
    };
    /** @param {() => void} how */
    const end = (how) => {
      clearTimeout(timer);
      removeEventListener("message", hear);
      frame.remove();
      how();
    };
    const timer = setTimeout(() => end(() => fail(new Error("the other domain does not answer"))), PATIENCE);
    addEventListener("message", hear);
    document.body.append(frame);
  });
}
