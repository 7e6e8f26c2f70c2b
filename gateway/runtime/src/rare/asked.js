// Asking the gateway, and waiting: a native would answer at once.

// As it was when this part was loaded: a page may put something else in its place.
const Request = globalThis.XMLHttpRequest;

/**
 * @param {string} url
 * @param {string} [method]
 * @param {string} [body]
 */
export function asked(url, method = "GET", body) {
  const request = new Request();
  request.open(method, url, false);
  request.send(body);
  return request;
}
