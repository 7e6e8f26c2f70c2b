// Keyframes that script makes: a list of objects, or an object of lists, whose texts are styles.

/**
 * Nothing is asked that the browser does not ask: values are looked at where they lie.
 * @param {any} given
 * @param {(text: any) => any} css
 * @returns {any}
 */
export function keyframes(given, css) {
  const frame = (/** @type {any} */ one) => {
    if (!one || typeof one !== "object") return one;
    const all = Object.getOwnPropertyDescriptors(one);
    for (const one of Object.values(all)) if (one.value) one.value = Array.isArray(one.value) ? one.value.map(css) : css(one.value);
    return Object.create(Object.getPrototypeOf(one), all);
  };
  return given?.[Symbol.iterator] && typeof given === "object" ? Array.from(given, frame) : frame(given);
}
