// The outer frame: address bar, session, and the one frame that shows the page.
import { formOf } from "../shared/form.js";
import { OURS } from "../shared/urls.js";
import { collapsed, isRewriteOrigin, originBehind, parseTyped, placeHere } from "./address.js";
import { takeAfter } from "./after.js";
import { judgeOf } from "./attest.js";
import { leavingOf } from "./leave.js";
import { proofOf, withProof } from "./proof.js";
import { NothingKept, ensureSession, ickt, mendSession, suffix } from "./session.js";
import { windowsOf } from "./windows.js";
import { markWithin } from "./within.js";

/** @typedef {import("./windows.js").Speaker} Speaker */

const SANDBOX = "allow-scripts allow-same-origin allow-forms allow-modals allow-downloads allow-pointer-lock";
// In milliseconds: how often the shown page is asked whether it is there, and how long it may
// be silent, or say nothing at all after it was loaded, before its name goes.
const PING = 2000;
const SILENCE = 6000;
// How long nothing of a page may come before a person is told, who would else watch an empty frame.
const PATIENCE = 30000;
// A sibling that tosses cookies again and again must not make this page load for ever.
const MENDS = 3;
const MENDS_WITHIN = 60000;
const place = placeHere(suffix());

/** @template {Element} T @param {string} id @param {new () => T} kind @returns {T} */
function byId(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`#${id} is missing`);
  return element;
}

const form = byId("go", HTMLFormElement);
const field = byId("address", HTMLInputElement);
const shown = byId("origin", HTMLElement);
const progress = byId("progress", HTMLElement);
const notice = byId("notice", HTMLElement);
const plain = byId("plain", HTMLButtonElement);
const plainText = byId("plain-text", HTMLElement);
const stage = byId("stage", HTMLElement);
const popup = byId("popup", HTMLButtonElement);
const icon = /** @type {HTMLLinkElement} */ (document.querySelector("link[rel=icon]"));
const ownIcon = icon.href;

/** @type {HTMLIFrameElement | null} */
let frame = null;
/** The address last asked for or reported. */
let current = "";
/** The fragment of what is shown: another one is an address that is yet to be shown. */
let placed = "";
/** What was typed and waits for its proof. @type {URL | null} */
let awaiting = null;
/** The topmost page, once it was attested. @type {Speaker | null} */
let page = null;
/** When the topmost page was last heard of. */
let heardAt = 0;
/** Whether the name stands in the address bar. */
let named = false;
/** @type {number[]} */
const mended = [];

const judge = judgeOf(() => ickt() ?? "", (origin) => isRewriteOrigin(origin, place));
const windows = windowsOf({
  behind: (origin) => originBehind(origin, place),
  shown: () => page,
  show: (url, form, same) => show(url, form, "", same),
  blocked: (again) => offer(notice.dataset.popup ?? "", again),
  strict: Boolean(stage.dataset.strict),
  leave(url, speaker) {
    // A sandboxed document may not open windows; nor may it have a person asked.
    // What is refused is said in either case.
    leaving.ask(url, originBehind(speaker.origin, place, speaker.site));
  },
});
const leaving = leavingOf({ dialog: byId("leave", HTMLDialogElement), tell, offer });

/** Something that waits for a click of the person's. @param {string} text @param {() => void} then */
function offer(text, then) {
  // Browsers that know no "hidden" would show it.
  popup.textContent = text;
  popup.hidden = false;
  popup.onclick = () => {
    popup.hidden = true;
    then();
  };
}

/** Show no name: nobody told whose document this is. */
function forget() {
  named = false;
  shown.textContent = "";
  plain.hidden = plainText.hidden = true;
  document.title = "Gateway";
  icon.href = ownIcon;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let patience;
/** Waiting ends with a page or with words. @param {boolean} busy */
function setBusy(busy) {
  progress.hidden = !busy;
  stage.setAttribute("aria-busy", String(busy));
  clearTimeout(patience);
  if (busy) patience = setTimeout(late, PATIENCE);
  // It has come, or another one is waited for.
  if (notice.textContent === notice.dataset.late) tell("");
  if (popup.textContent === notice.dataset.again) popup.hidden = true;
}

/** Nothing came: it is slow, became a download, or the browser holds it up. */
function late() {
  if (named) return; // it is there, and loads for ever
  setBusy(false);
  say("late");
  offer(notice.dataset.again ?? "", again);
}

/** Show it anew. */
function again() {
  const url = parseTyped(current);
  if (url) show(url);
  else location.reload(); // it came to no page
}

/** Whether a frame has nothing but the empty document of its beginning. @param {HTMLIFrameElement} one */
const isBlank = (one) => one.contentDocument?.URL === "about:blank";

/** @param {string} text */
function tell(text) {
  if (notice.textContent !== text) notice.textContent = text; // what is there is not read out again
  notice.hidden = !text;
}

/** @param {keyof DOMStringMap & string} name of one of the page's texts */
const say = (name) => tell(notice.dataset[name] ?? "");

/**
 * Show a site; the frame is made anew, so that the choice is one step in the history.
 * @param {URL} url
 * @param {any} [sent] a form that another page sends into this window
 * @param {string} [proof] that the person typed it
 * @param {boolean} [same] a page in it leads it away: it is a step like any other of its
 */
function show(url, sent, proof, same) {
  placed = location.hash;
  const target = collapsed(url, place);
  if (target === null) {
    say("own");
    return;
  }
  tell("");
  page = awaiting = null;
  current = url.href;
  field.value = url.href;
  forget();
  document.title = url.host;
  setBusy(true);
  if (same && frame && !sent) {
    frame.src = target;
    return;
  }
  const next = document.createElement("iframe");
  next.id = "page";
  next.title = url.host;
  const isForm = Boolean(sent?.entries);
  // A form finds its frame by the name that it has when it is put in; the page is not told this one.
  next.name = windows.frameName() || (isForm ? "gw-:" : "");
  next.setAttribute("sandbox", SANDBOX);
  next.allow = stage.dataset.allow ?? "";
  const since = performance.now();
  // Before it is put in: else an empty document is loaded first, and its end is told as the page's.
  if (!isForm) next.src = proof ? withProof(target, proof) : target;
  stage.replaceChildren(next);
  if (!frame) markWithin();
  frame = next;
  next.addEventListener("load", () => {
    if (isBlank(next)) return;
    setBusy(false);
    setTimeout(() => {
      if (frame === next && heardAt < since && !page) forget();
    }, SILENCE);
  });
  if (isForm) {
    const action = new URL(target);
    action.search += `${action.search ? "&" : "?"}__gw=${encodeURIComponent(sent.token)}`;
    formOf(document, action.href, sent, next.name);
  }
}

/** Show what the fragment says. */
function showFragment() {
  placed = location.hash;
  const typed = location.hash.slice(1);
  const url = parseTyped(typed);
  if (url) show(url);
  else {
    setBusy(false);
    if (typed) say("invalid");
    if (!windows.opened) field.focus();
  }
}

/**
 * Something does not fit: are the cookies still those of this browser's session?
 * @returns {Promise<boolean>} whether they are
 */
async function mend() {
  const outcome = await mendSession();
  if (outcome === "sound") return true;
  const now = performance.now();
  mended.push(now);
  while (mended.length && mended[0] < now - MENDS_WITHIN) mended.shift();
  const may = mended.length <= MENDS;
  page = null;
  forget();
  // After a reset nobody knows what the page was made under: a person decides anew.
  if (outcome === "restored" && may) showFragment();
  else {
    frame?.remove();
    setBusy(false);
  }
  say(outcome === "restored" ? (may ? "restored" : "lied") : "reset");
  return false;
}

/** @type {Promise<boolean> | null} */
let mending = null;

/** A document lied: it goes, and nothing else does. @param {Window} source @param {string} origin */
async function lied(source, origin) {
  mending ??= mend().finally(() => (mending = null));
  // The frames of before a restoration are gone, and this page has said why.
  if (!(await mending) || !within(source)) return;
  say("lied");
  const host = isRewriteOrigin(origin, place) ? origin : "";
  if (source === frame?.contentWindow) {
    forget();
    setBusy(false);
  }
  try {
    source.location.replace(host ? `${host}/.gateway/oops` : "about:blank");
  } catch {
    // It has gone already.
  }
}

/** Whether a window is within the page's frame. @param {any} one */
function within(one) {
  for (let depth = 0; one && one !== window && depth < 50; depth++) {
    if (one === frame?.contentWindow) return true;
    one = one.parent === one ? null : one.parent;
  }
  return false;
}

/** The document proved itself: it gets a port, by which all else is said. @param {Window} source @param {string} origin */
function acknowledge(source, origin) {
  const { port1: port, port2 } = new MessageChannel();
  const speaker = { port, origin, source };
  const topmost = source === frame?.contentWindow;
  if (topmost) {
    // The page before may have left without a word: its name goes with it.
    if (named) forget();
    page = speaker;
    heardAt = performance.now();
  }
  port.onmessage = ({ data: said, ports }) => {
    if (said?.type === "state") {
      if (page === speaker) hear(said);
    } else windows.asked(speaker, said, ports);
  };
  source.postMessage({ gw: 1, type: "ack" }, origin === "null" ? "*" : origin, [port2]);
  windows.met(speaker);
}

/** The topmost page tells of itself. @param {any} said */
function hear(said) {
  heardAt = performance.now();
  if (page && typeof said.site === "string") page.site = said.site;
  const origin = page && originBehind(page.origin, place, page.site);
  if (!origin) return;
  if (said.phase === "pagehide") {
    setBusy(true);
    page = null;
    forget();
    return;
  }
  if (!named) {
    named = true;
    const name = document.createElement("bdi"); // its end, which tells most, stays visible
    name.textContent = origin.replace(/^https:\/\//, "");
    shown.replaceChildren(name);
    const isPlain = origin.startsWith("http:");
    shown.classList.toggle("plain", isPlain);
    plain.hidden = !isPlain;
    if (!notice.hidden && notice.textContent === notice.dataset.gone) tell("");
  }
  if (said.phase !== "start" && said.phase !== "ping") setBusy(false);
  if (location.hash !== placed) return;
  current = origin + pathOf(`${said.href}`.replace(/^[a-z]+:\/\/[^/]*/, ""));
  if (document.activeElement !== field) field.value = current;
  document.title = (typeof said.title === "string" && said.title.slice(0, 200).trim()) || new URL(origin).host;
  if (frame) frame.title = document.title;
  // An image of a rewrite host, which the page's policy admits and no other.
  const image = typeof said.icon === "string" && said.icon.length < 2000 ? parseTyped(said.icon) : null;
  const wanted = (image && (isRewriteOrigin(image.origin, place) ? image.href : collapsed(image, place))) || ownIcon;
  if (icon.href !== wanted) icon.href = wanted;
  if (location.hash !== "#" + current) history.replaceState(history.state, "", "#" + current);
  placed = location.hash;
}

/** A refusal of the gateway's own is in the frame, as it says: it could do no more than any page. @param {any} said @param {string} origin */
function refused(said, origin) {
  const by = originBehind(origin, place, said.site);
  if (said.type === "outside" && by) leaving.ask(by + pathOf(said.path), "");
  if (said.type === "home" && navigator.userActivation?.isActive) location.href = /** @type {HTMLAnchorElement} */ (document.querySelector("nav a")).href;
}

/** A page's path, without what is the gateway's in it. @param {unknown} given */
const pathOf = (given) =>
  typeof given === "string" && given.startsWith("/") ? given.replace(OURS, "").slice(0, 2000) : "/";

addEventListener("message", async ({ data: said, source: from, origin }) => {
  const source = /** @type {Window} */ (from);
  if (!frame || said?.gw !== 1 || !within(source)) return;
  if (origin !== "null" && !isRewriteOrigin(origin, place)) return;
  if (said.type === "hello") {
    const { verdict, challenge } = await judge.hello(said, origin, source);
    if (verdict === "lied") await lied(source, origin);
    else if (verdict === "sandboxed") acknowledge(source, origin);
    else source.postMessage({ gw: 1, type: "challenge", challenge }, origin);
  } else if (said.type === "answer") {
    const verdict = await judge.answer(said, origin, source);
    if (verdict === "lied") await lied(source, origin);
    else if (verdict === "sound") acknowledge(source, origin);
  } else if (source === frame.contentWindow) refused(said, origin);
});

setInterval(() => {
  if (!page) return;
  if (named && performance.now() - heardAt > SILENCE) {
    forget();
    say("gone");
  }
  page.port.postMessage({ type: "ping" });
}, PING);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const url = parseTyped(field.value);
  if (!url) {
    say("invalid");
    return;
  }
  history.pushState(null, "", "#" + url.href);
  field.blur();
  awaiting = url;
  const proof = await proofOf(url);
  if (awaiting === url) show(url, undefined, proof);
});
addEventListener("hashchange", showFragment);
plain.addEventListener("click", () => {
  plainText.hidden = !plainText.hidden;
  plain.ariaExpanded = `${!plainText.hidden}`;
});
byId("back", HTMLButtonElement).addEventListener("click", () => history.back());
byId("forward", HTMLButtonElement).addEventListener("click", () => history.forward());
byId("reload", HTMLButtonElement).addEventListener("click", () => {
  if (page && named) page.port.postMessage({ type: "reload" });
  else again();
});

(async () => {
  try {
    const after = takeAfter();
    if (after && location.hash.length < 2) history.replaceState(history.state, "", after);
    const fresh = !ickt();
    setBusy(location.hash.length > 1);
    await ensureSession();
    // Where people sign in, the check renews what sites' hosts ask the session for.
    if (!fresh && stage.dataset.login) await mendSession();
    showFragment();
    windows.begin();
    // The page does not wait for the check; it is loaded again if the cookies had gone.
    if (!fresh) await mend();
  } catch (error) {
    setBusy(false);
    say(error instanceof NothingKept ? "storage" : "failed");
    console.error(error);
  }
})();
