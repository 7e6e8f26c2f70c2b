// The settings page: forget me. Without this script the same form does it, but for what
// this origin keeps in localStorage, or a domain apart in cookies of its own.
import { apartSuffix, askApart, storage } from "../outer/apart.js";

/** @template {Element} T @param {string} selector @param {new () => T} kind @returns {T} */
function find(selector, kind) {
  const element = document.querySelector(selector);
  if (!(element instanceof kind)) throw new Error(`${selector} is missing`);
  return element;
}

const form = find("#forget", HTMLFormElement);
const button = find("#forget button", HTMLButtonElement);
const state = find("#state", HTMLElement);

/** @param {string} [text] */
function tell(text) {
  state.textContent = text ?? "";
}

async function forget() {
  const kept = storage();
  // The key is on the other domain: it goes there, with the jar that it opens.
  if (!kept && apartSuffix() && !(await askApart({ type: "forget" })).ok) throw new Error("the other domain did not forget");
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    // Names the session even if somebody tossed its cookies.
    body: JSON.stringify({ restore: kept?.getItem("gw.restore") ?? "" }),
  });
  const said = await answer.json();
  if (!said.ok) throw new Error(`the gateway answered ${answer.status}`);
  kept?.clear();
  form.hidden = true;
  tell(said.erased ? state.dataset.done : state.dataset.nothing);
  state.focus();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  tell(state.dataset.busy);
  try {
    // Not while another tab makes or mends the session (src/outer/session.js).
    if (navigator.locks) await navigator.locks.request("gw.session", forget);
    else await forget();
  } catch (error) {
    button.disabled = false;
    tell(state.dataset.failed);
    console.error(error);
  }
});
