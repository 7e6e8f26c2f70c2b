// The outer frame: address bar, session, and the one frame that shows the page.
import { collapsed, isRewriteOrigin, originBehind, parseTyped, placeHere } from "./address.js";
import { proofOf, withProof } from "./proof.js";
import { ensureSession, mendSession } from "./session.js";

const SANDBOX = "allow-scripts allow-same-origin allow-forms allow-modals allow-downloads allow-pointer-lock";
const place = placeHere();

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
const stage = byId("stage", HTMLElement);

/** @type {HTMLIFrameElement | null} */
let frame = null;
/** The address last asked for or reported. */
let current = "";
/** @type {URL | null} What was typed and waits for its proof. */
let awaiting = null;
/** Whether the document that is being loaded has said where it is. */
let heard = false;

/** Show no name: nobody told whose document this is. */
function forget() {
  shown.textContent = "";
  document.title = "Gateway";
}

/** @param {boolean} busy */
function setBusy(busy) {
  progress.hidden = !busy;
  stage.setAttribute("aria-busy", String(busy));
}

/** @param {string} text */
function tell(text) {
  notice.textContent = text;
  notice.hidden = !text;
}

/**
 * Show a site; the frame is made anew, so that the choice is one step in the history.
 * @param {URL} url
 * @param {string} [proof] that the person typed it
 */
function show(url, proof) {
  const target = collapsed(url, place);
  if (target === null) {
    tell(notice.dataset.own ?? "");
    return;
  }
  tell("");
  awaiting = null;
  current = url.href;
  field.value = url.href;
  shown.textContent = "";
  document.title = url.host;
  setBusy(true);
  const next = document.createElement("iframe");
  next.id = "page";
  next.title = url.host;
  next.setAttribute("sandbox", SANDBOX);
  next.allow = stage.dataset.allow ?? "";
  next.addEventListener("load", () => {
    setBusy(false);
    if (!heard) forget();
    heard = false;
  });
  next.src = proof ? withProof(target, proof) : target;
  stage.replaceChildren(next);
  frame = next;
}

/** Show what the fragment says. */
function showFragment() {
  const typed = location.hash.slice(1);
  const url = parseTyped(typed);
  if (url) show(url);
  else {
    setBusy(false);
    if (typed) tell(notice.dataset.invalid ?? "");
    field.focus();
  }
}

addEventListener("message", (event) => {
  const said = event.data;
  if (!frame || said?.gw !== 1) return;
  if (said.type === "open" && isRewriteOrigin(event.origin, place)) {
    // The browser lets this pass only while the person's click is fresh.
    const url = parseTyped(String(said.url));
    if (url) window.open(`${location.pathname}#${url.href}`);
    return;
  }
  if (event.source !== frame.contentWindow || said.type !== "hello") return;
  const origin = originBehind(event.origin, place);
  if (origin === null) return;
  if (said.phase === "pagehide") {
    setBusy(true);
    forget();
    return;
  }
  const name = document.createElement("bdi"); // its end, which tells most, stays visible
  name.textContent = origin.replace(/^https:\/\//, "");
  shown.replaceChildren(name);
  shown.classList.toggle("plain", origin.startsWith("http:"));
  if (said.phase === "start") heard = true;
  if (said.phase !== "start") setBusy(false);
  const path = typeof said.path === "string" && said.path.startsWith("/") ? said.path.slice(0, 2000) : "/";
  current = origin + path;
  if (document.activeElement !== field) field.value = current;
  document.title = (typeof said.title === "string" && said.title.slice(0, 200).trim()) || new URL(origin).host;
  frame.title = document.title;
  history.replaceState(history.state, "", "#" + current);
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const url = parseTyped(field.value);
  if (!url) {
    tell(notice.dataset.invalid ?? "");
    return;
  }
  history.pushState(null, "", "#" + url.href);
  field.blur();
  awaiting = url;
  const proof = await proofOf(url);
  if (awaiting === url) show(url, proof);
});
addEventListener("hashchange", showFragment);
byId("back", HTMLButtonElement).addEventListener("click", () => history.back());
byId("forward", HTMLButtonElement).addEventListener("click", () => history.forward());
byId("reload", HTMLButtonElement).addEventListener("click", () => {
  const url = parseTyped(current);
  if (url) show(url);
});

(async () => {
  try {
    const fresh = !localStorage.getItem("gw.ickt");
    await ensureSession();
    showFragment();
    // The page does not wait for the check; it is loaded again if the cookies had gone.
    if (!fresh && !(await mendSession())) showFragment();
  } catch (error) {
    setBusy(false);
    tell(notice.dataset.failed ?? "");
    console.error(error);
  }
})();
