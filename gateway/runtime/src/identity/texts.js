// Scripts that script makes of text: they are edited as the server edits those that it sends.
import { hook } from "../shared/hooks.js";
import { textOf } from "../shared/urls.js";
import { asWritten } from "./names.js";

// What may need the edit: the rest of the text is not looked at.
const WORDS = /\b(?:location|domain|top|parent|import|eval)\b/;
const HANDLER = /^on/i;
const MARKUP = /<script|\son\w+\s*=/i;
const SCRIPT = /(<script\b(?:"[^"]*"|'[^']*'|[^"'>])*>)([^]*?)(?=<\/script)/gi;
const TYPE = /\btype\s*=\s*["']?([^\s"'>]*)/i;
const RUNS = /^(?:|module|(?:text|application)\/(?:x-)?(?:java|ecma)script)$/i;
const URL = /^[\0- ]*j[\t\n\r]*a[\t\n\r]*v[\t\n\r]*a[\t\n\r]*s[\t\n\r]*c[\t\n\r]*r[\t\n\r]*i[\t\n\r]*p[\t\n\r]*t[\t\n\r]*:/i;

/**
 * @param {any} w
 * @param {import("../inner/realm.js").Realm} urls
 * @param {import("../inner/rare.js").Ask} part
 * @param {(text: string) => any} trusted
 * @returns {(code: any) => any} what `eval` is to be given
 */
export function installTexts(w, urls, part, trusted) {
  const { trustedTypes: types } = w;
  const { map } = urls;
  const typed = /** @type {import("../shared/trusted.js").Typed} */ (urls.typed);
  const source = (/** @type {string} */ text) => (WORDS.test(text) ? part("source", text) : text);
  /** Text, or what the page's policy made of text, edited; anything else as it is. @param {any} code */
  const edit = (code) =>
    typeof code === "string" ? source(code)
    : types?.isScript(code) ? ((/** @type {string} */ changed) => (changed === `${code}` ? code : trusted(changed)))(source(`${code}`))
    : code;

  const { prototype: plain } = w.Function;
  hook(w, "Function", (/** @type {any[]} */ args) => args.forEach((one, at) => (args[at] = edit(typeof one === "object" ? one : `${one}`))));
  for (const kind of ["async function () {}", "function* () {}", "async function* () {}"]) {
    try {
      const { constructor: make } = w.Function(`return ${kind}`)();
      if (make.prototype !== plain) hook(make.prototype, "constructor", (/** @type {any[]} */ args) => args.forEach((one, at) => (args[at] = edit(`${one}`))));
    } catch {
      // The page's policy lets nobody make a function of text.
    }
  }
  hook(w, "setTimeout:0 setInterval:0", edit);

  // --- elements ---------------------------------------------------------------------

  const isScript = (/** @type {any} */ one) => /^script$/i.test(one?.localName ?? "") && RUNS.test(one.type);
  const written = (/** @type {any} */ value, /** @type {any} */ self) => (isScript(self) ? edit(value) : value);
  const read = (/** @type {any} */ value, /** @type {any} */ self) => (typeof value === "string" && isScript(self) ? asWritten(value) : value);
  hook(w, "HTMLScriptElement.text:0 HTMLScriptElement.textContent:0 HTMLScriptElement.innerText:0 Node.textContent:0 HTMLElement.innerText:0 Element.innerHTML:0", written, read);
  const inserted = (/** @type {any[]} */ args, /** @type {any} */ self) => {
    if (!isScript(self)) return;
    args.forEach((one, at) => {
      if (typeof one === "string") args[at] = edit(one);
      else if (one?.nodeType === 3) one.data = edit(one.data);
    });
  };
  for (const [owner, names] of /** @type {[any, string][]} */ ([[w.Node, "appendChild insertBefore"], [w.Element, "append prepend replaceChildren"]])) {
    for (const name of names.split(" ")) hook(owner.prototype, name, inserted);
  }

  // --- markup -----------------------------------------------------------------------

  const attribute = (/** @type {string} */ name, /** @type {string} */ value) => (HANDLER.test(name) ? source(value) : value);
  const markup = (/** @type {string} */ text) =>
    !MARKUP.test(text) || !WORDS.test(text) ? text
    : part("markup", text, (/** @type {any} */ one) => one, attribute)
      .replace(SCRIPT, (/** @type {string} */ whole, /** @type {string} */ tag, /** @type {string} */ code) =>
        RUNS.test(TYPE.exec(tag)?.[1] ?? "") && !/\ssrc\s*=/i.test(tag) ? tag + source(code) : whole);
  hook(
    w,
    "Element.innerHTML:0 Element.outerHTML:0 Element.setHTMLUnsafe:0 Element.insertAdjacentHTML:1 Range.createContextualFragment:0 " +
    "HTMLIFrameElement.srcdoc:0 Document.write:0 Document.writeln:0 ShadowRoot.innerHTML:0 ShadowRoot.setHTMLUnsafe:0",
    (value, self) => (isScript(self) ? value : typed(value, markup)),
  );
  const back = (/** @type {any} */ text) => (typeof text === "string" && text.includes("__gw_") ? asWritten(text) : text);
  hook(w, "Element.innerHTML Element.outerHTML Element.getHTML ShadowRoot.innerHTML XMLSerializer.serializeToString", null, back);
  hook(w.Element.prototype, "setAttribute", (args) => (args[1] = HANDLER.test(textOf(args[0])) ? edit(args[1]) : /^srcdoc$/i.test(textOf(args[0])) ? typed(args[1], markup) : args[1]));
  hook(w.Element.prototype, "getAttribute", null, (value, _, [name]) => (value && HANDLER.test(textOf(name)) ? asWritten(value) : value));
  urls.map = (given) => map(typeof given === "string" && URL.test(given) ? source(given) : given);
  return edit;
}
