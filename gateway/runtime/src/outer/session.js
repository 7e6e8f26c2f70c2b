// The browser's side of the session. With localStorage, ickt and restore text live in this
// origin's, where no proxied page can write; without, they are cookies of this origin alone, and
// sites are shown below a domain of their own (protocols, section 6). The session's own cookies
// are not script's to see.
import { ICKT, apartSuffix, askApart, cookieIckt, storage } from "./apart.js";

const RESTORE = "gw.restore";

/** This browser keeps nothing for this page, and the gateway has no domain apart. */
export class NothingKept extends Error {}

const kept = storage();

/** What every rewrite host ends in for this browser, dot first. */
export function suffix() {
  return (kept === null && apartSuffix()) || location.hostname.replace(/^www/, "");
}

/** The ickt that this browser keeps; null if it has no session. */
export const ickt = () => (kept === null ? cookieIckt() : kept.getItem(ICKT));

/**
 * @param {string} path
 * @param {object} content
 * @returns {Promise<{ok?: boolean, ickt?: string, restore?: string, text?: string, nonce?: string}>}
 */
async function post(path, content) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(content),
  });
  // A gateway that is unwell has not said that the session is over.
  if (answer.status > 499) throw new Error(`the gateway answered ${answer.status}`);
  return answer.json();
}

/**
 * Keep what the gateway minted; on a domain apart that is only the first step.
 * @param {Awaited<ReturnType<typeof post>>} minted
 */
async function keep(minted) {
  if (kept === null) {
    if (!minted.text || !minted.nonce) throw new Error("the gateway gave no session");
    const own = ickt();
    if (!own) throw new NothingKept("this browser keeps no cookies of this page");
    const took = await askApart({ type: "settle", ickt: own, text: minted.text, nonce: minted.nonce });
    if (!took.ok) throw new Error("the session was not taken on the other domain");
    if (!took.kept) throw new NothingKept("this browser keeps no cookies of the other domain");
    return;
  }
  if (!minted.ickt || !minted.restore) throw new Error("the gateway gave no session");
  kept.setItem(ICKT, minted.ickt);
  kept.setItem(RESTORE, minted.restore);
}

/**
 * Run alone among all tabs of this origin.
 * @param {() => Promise<void>} work
 */
async function alone(work) {
  if (navigator.locks) await navigator.locks.request("gw.session", work);
  else await work();
}

const bootstrap = () => post("/.gateway/bootstrap", kept === null ? { apart: true } : {});

/** Make a session if this browser has none; throws `NothingKept` if it cannot have one. */
export async function ensureSession() {
  if (kept === null && !apartSuffix()) throw new NothingKept("this browser has no localStorage");
  if (ickt()) return;
  await alone(async () => {
    if (ickt()) return; // another tab was faster
    await keep(await bootstrap());
  });
}

/** Whether the session's cookies still are those of the kept ickt. */
async function isSound() {
  const own = ickt();
  if (kept === null) {
    // What the secure origin itself keeps names the session whose login this renews.
    if (document.getElementById("stage")?.dataset.login) await post("/.gateway/check", { ickt: own });
    return own !== null && (await askApart({ type: "check", ickt: own })).kept;
  }
  return (await post("/.gateway/check", { ickt: own })).ok === true;
}

/**
 * Whether the cookies still are those of the kept ickt; if not, set them again from the
 * restore text, or begin anew.
 * @returns {Promise<"sound" | "restored" | "reset">}
 */
export async function mendSession() {
  /** @type {"sound" | "restored" | "reset"} */
  let outcome = "sound";
  await alone(async () => {
    if (await isSound()) return;
    const text = kept === null ? { apart: true } : { restore: kept.getItem(RESTORE) };
    const restored = await post("/.gateway/restore", text);
    outcome = restored.ok ? "restored" : "reset";
    await keep(restored.ok ? restored : await bootstrap());
  });
  return outcome;
}
