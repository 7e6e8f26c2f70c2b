// Trusted Types: what the page's policy made stays trusted while the runtime changes it.

const same = (/** @type {string} */ text) => text;

/** @typedef {(value: any, change: (text: string) => any) => any} Typed */

/**
 * @param {any} w
 * @returns {{typed: Typed, script: (text: string) => any}}
 */
export function trustedOf({ trustedTypes: types }) {
  /** @type {any} */
  let made;
  // Only when it is needed: a frame's first document may have shared this realm, and a policy
  // that forbids duplicates came after it.
  const policy = () => {
    try {
      made ??= types.createPolicy("gateway", { createHTML: same, createScriptURL: same, createScript: same });
    } catch {
      // There are none, or the page's policy admits no other: what is trusted stays as it is.
      made = {};
    }
    return made;
  };
  return {
    script: (text) => policy().createScript?.(text) ?? text,
    typed(value, change) {
      if (typeof value === "symbol") return value; // the native's to refuse
      const text = `${value}`;
      const changed = `${change(text)}`;
      return changed === text ? value
        : types?.isHTML(value) ? policy().createHTML?.(changed) ?? value
        : types?.isScriptURL(value) ? policy().createScriptURL?.(changed) ?? value : changed;
    },
  };
}
