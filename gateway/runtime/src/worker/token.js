// A worker's token: it is asked for when the worker first needs it, or, where nothing can
// wait (service workers), at its start.

/**
 * @param {any} w
 * @param {string} own
 * @returns {() => string}
 */
export function workerToken(w, own) {
  const { XMLHttpRequest: Request, fetch, Date } = w;
  const open = Request?.prototype.open; // the one below is to be hooked
  const url = own + "/.gateway/token";
  // Until the gateway says how long a token is good for.
  const SOON = 60;
  let token = "";
  let due = 0;
  const RENEW = "X-Gateway-Renew";
  const take = (/** @type {string} */ text, /** @type {string | null} */ seconds) => {
    token = text;
    due = Date.now() + Number(seconds) * 1000;
  };
  const ask = () => {
    due = Date.now() + SOON * 1000;
    if (Request) {
      const request = new Request();
      try {
        open.call(request, "POST", url, false);
        request.send();
      } catch {
        return; // without the network nothing else gets through either
      }
      if (request.status === 200) take(request.responseText, request.getResponseHeader(RENEW));
    } else {
      fetch(url, { method: "POST" }).then(async (/** @type {Response} */ response) => {
        if (response.ok) take(await response.text(), response.headers.get(RENEW));
      }, () => {});
    }
  };
  if (!Request) ask();
  return () => {
    if (Date.now() > due) ask();
    return token;
  };
}
