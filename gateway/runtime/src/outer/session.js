// The browser's side of the session: ickt and restore text live in this origin's localStorage,
// where no proxied page can write; the cookies themselves are not script's to see.

const ICKT = "gw.ickt";
const RESTORE = "gw.restore";

/**
 * @param {string} path
 * @param {object} content
 * @returns {Promise<{ok?: boolean, ickt?: string, restore?: string}>}
 */
async function post(path, content) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(content),
  });
  return answer.json();
}

/** @param {{ickt?: string, restore?: string}} minted */
function keep(minted) {
  if (!minted.ickt || !minted.restore) throw new Error("the gateway gave no session");
  localStorage.setItem(ICKT, minted.ickt);
  localStorage.setItem(RESTORE, minted.restore);
}

/** The attestation that this browser keeps. */
export const ickt = () => localStorage.getItem(ICKT) ?? "";

/**
 * Run alone among all tabs of this origin.
 * @param {() => Promise<void>} work
 */
async function alone(work) {
  if (navigator.locks) await navigator.locks.request("gw.session", work);
  else await work();
}

/** Make a session if this browser has none. */
export async function ensureSession() {
  if (localStorage.getItem(ICKT)) return;
  await alone(async () => {
    if (localStorage.getItem(ICKT)) return; // another tab was faster
    keep(await post("/.gateway/bootstrap", {}));
  });
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
    const checked = await post("/.gateway/check", { ickt: localStorage.getItem(ICKT) });
    if (checked.ok) return;
    const restored = await post("/.gateway/restore", { restore: localStorage.getItem(RESTORE) });
    outcome = restored.ok ? "restored" : "reset";
    keep(restored.ok ? restored : await post("/.gateway/bootstrap", {}));
  });
  return outcome;
}
