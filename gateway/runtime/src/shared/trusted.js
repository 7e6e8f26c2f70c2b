// Trusted Types: what the page's policy made stays trusted while the runtime changes it.

const same = (/** @type {string} */ text) => text;

/** @typedef {(value: any, change: (text: string) => any) => any} Typed */

/**
 * @param {any} w
 * @returns {{typed: Typed, script: (text: string) => any}}
 */
export function trustedOf({ trustedTypes: types }) {
  /** @type {any} */
  let policy;
  try {
    policy = types.createPolicy("gateway", { createHTML: same, createScriptURL: same, createScript: same });
  } catch {
    // There are none, or the page's policy admits no other: what is trusted stays as it is.
  }
  return {
    script: (text) => policy?.createScript(text) ?? text,
    typed(value, change) {
      if (value == null || typeof value === "symbol") return value;
      const text = `${value}`;
      const changed = `${change(text)}`;
      if (changed === text) return value;
      if (types?.isHTML(value)) return policy?.createHTML(changed) ?? value;
      return types?.isScriptURL(value) ? policy?.createScriptURL(changed) ?? value : changed;
    },
  };
}
