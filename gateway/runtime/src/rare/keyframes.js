// Keyframes that script makes: lists or objects, whose texts are styles.

/**
 * @param {any} given
 * @param {(text: any) => any} css
 * @returns {any}
 */
export const keyframes = (given, css) =>
  !/[:/]\//.test(JSON.stringify(given)) ? given
  : typeof given === "string" ? css(given)
  : !given || typeof given !== "object" ? given
  : Symbol.iterator in given ? Array.from(given, (one) => keyframes(one, css))
  : Object.fromEntries(Object.entries(given).map(([name, value]) => [name, keyframes(value, css)]));
