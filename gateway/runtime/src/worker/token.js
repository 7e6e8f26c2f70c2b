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
  // As long as the gateway's own default for a quarter of a token's life.
  const AGE = 6 * 3600 * 1000;
  let token = "";
  let due = 0;
  const ask = () => {
    due = Date.now() + AGE;
    if (Request) {
      const request = new Request();
      open.call(request, "POST", url, false);
      request.send();
      if (request.status === 200) token = request.responseText;
    } else {
      fetch(url, { method: "POST" }).then(async (/** @type {Response} */ response) => {
        if (response.ok) token = await response.text();
      }, () => {});
    }
  };
  if (!Request) ask();
  return () => {
    if (Date.now() > due) ask();
    return token;
  };
}
