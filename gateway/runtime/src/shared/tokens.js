// A URL with the token of the page or worker that sends something there.

/**
 * @param {() => string} token
 * @param {() => string} base
 * @param {import("./origins.js").Place} place
 * @returns {import("./network.js").Signed}
 */
export const signer = (token, base, { suffix }) => (given) => {
  try {
    const { protocol, hostname } = new URL(given, base());
    return /^(https|wss):$/.test(protocol) && hostname.endsWith(suffix) && !/[?&]__gw=/.test(given)
      ? `${given}`.replace(/(\?.*?)?(?=#|$)/s, (query) => (query ? query + "&" : "?") + "__gw=" + token())
      : given;
  } catch {
    return given;
  }
};
