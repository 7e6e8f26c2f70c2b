// document.write: a tag may be written in pieces, and its start waits for the next call or,
// at the latest, for the script's end (there the parser still stands where the call was).
const COMPLETE = /^<[a-z](?:"[^"]*"|'[^']*'|[^"'>])*>/i;
let held = "";

/**
 * The text that is to be written now.
 * @param {any[]} args as given to `write`
 * @param {import("../shared/trusted.js").Typed} typed
 * @param {(text: string) => string} html
 * @param {(text: any) => void} write
 */
export function written(args, typed, html, write) {
  const first = args[0] ?? `${args[0]}`;
  const text = held + args.map((one) => `${one}`).join("");
  const at = text.lastIndexOf("<");
  const cut = /^<[a-z]/i.test(text.slice(at)) && !COMPLETE.test(text.slice(at)) ? at : text.length;
  held = text.slice(cut);
  if (held) {
    queueMicrotask(() => {
      const last = held;
      held = "";
      if (last) write(typed(first, () => last));
    });
  }
  return typed(first, () => html(text.slice(0, cut)));
}
