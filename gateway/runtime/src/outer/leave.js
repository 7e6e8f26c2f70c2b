// Leaving the gateway: a telephone number, an app, a page outside.  No page does it by itself:
// this page asks the gateway whether a rule opens it, and then the person, in words that no page
// writes.  What the person confirms is an ordinary link that the browser follows.

// A touch counts for five seconds in the browsers that tell of it.
const OWN_TOUCH = 6000;
// A question that appears under a finger on its way is not answered by that finger.
const STEADY = 700;
const NEVER = /^(?:javascript|data|blob|file|vbscript|about|filesystem):/;
// A page that nobody touched is not heard more often.
const PAUSE = 500;
const LATE = 1000;
const LOOK = 50;

/**
 * @param {object} tools
 * @param {HTMLDialogElement} tools.dialog
 * @param {(text: string) => void} tools.tell
 * @param {(text: string, then: () => void) => void} tools.offer something small that leads to the question
 */
export function leavingOf({ dialog, tell, offer }) {
  const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
  const words = dialog.dataset;
  const further = /** @type {HTMLAnchorElement} */ (part("leave-on"));
  let asking = false;
  let touchedAt = -OWN_TOUCH;
  let askedAt = -PAUSE;
  let shownAt = 0;

  // The browser tells this page of touches in its frames too: one of this page's own is no page's.
  for (const type of ["pointerdown", "pointerup", "keydown", "click"]) {
    addEventListener(type, () => (touchedAt = performance.now()), true);
  }
  part("leave-stay").onclick = () => dialog.close();
  further.onclick = (event) => {
    if (performance.now() - shownAt < STEADY) event.preventDefault();
    else setTimeout(() => dialog.close());
  };

  /** Whether a person touched a page here a moment ago, and not this page. */
  const isTouched = () =>
    navigator.userActivation?.isActive === true && performance.now() - touchedAt > OWN_TOUCH;

  /** @param {URL} url @param {string} page */
  const show = (url, page) => {
    if (dialog.open) return;
    const web = /^https?:$/.test(url.protocol);
    const scheme = url.protocol.slice(0, -1);
    part("leave-title").textContent = words[web ? "web" : scheme] ?? words.other ?? "";
    // Of an address outside the host tells most.
    const [before, most] = web ? [`${url.protocol}//`, url.host] : [url.protocol, ""];
    part("leave-scheme").textContent = before;
    part("leave-host").textContent = most;
    part("leave-rest").textContent = url.href.slice(before.length + most.length);
    part("leave-by").textContent = page && `${words.by} \u2068${page}\u2069`;
    further.href = url.href;
    further.target = web ? "_blank" : "_self";
    shownAt = performance.now();
    dialog.showModal();
    part("leave-stay").focus({ preventScroll: true });
    dialog.scrollTop = 0; // what it is about comes first
  };

  return {
    isTouched,
    /**
     * A page wants to leave the gateway.
     * @param {string} given
     * @param {string | null} page the origin of that page, expanded; null if nobody knows it
     */
    async ask(given, page) {
      if (asking || dialog.open) return;
      asking = true;
      try {
        // Word of a touch may come after the page's.
        let touched = isTouched();
        for (let left = LATE; !touched && left > 0; left -= LOOK) {
          await new Promise((done) => setTimeout(done, LOOK));
          touched = isTouched();
        }
        const now = performance.now();
        if (!touched && now - askedAt < PAUSE) return;
        askedAt = now;
        const { href, protocol } = new URL(given);
        const open = page !== null && "showModal" in dialog && !NEVER.test(protocol) && (await opened(href, page));
        if (!open) {
          tell(`${words.refused} \u2068${protocol.slice(0, 30)}\u2069`);
          return;
        }
        const url = new URL(open); // the spelling that was judged
        if (touched) show(url, page);
        else offer(words.offer ?? "", () => show(url, page));
      } catch {
        // no address, or no gateway: nothing leaves
      } finally {
        asking = false;
      }
    },
  };
}

/** The address as it may be performed, if a rule opens it; else empty. @param {string} url @param {string} page @returns {Promise<string>} */
async function opened(url, page) {
  const answer = await fetch("/.gateway/leave", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ url, page }),
  });
  const { open, url: judged } = await answer.json();
  return open === true ? `${judged}` : "";
}
