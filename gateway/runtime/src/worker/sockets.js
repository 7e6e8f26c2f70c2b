// The part of a worker's runtime for sockets that do not get through.

/**
 * At once, for a worker looks at its socket at once; none where nothing can wait (service workers).
 * @param {any} w
 * @param {string} own the worker's origin, as the browser has it
 * @returns {() => any}
 */
export function loaderOf(w, own) {
  const { XMLHttpRequest, eval: run, importScripts } = w;
  return () => {
    try {
      importScripts(own + SOCKET);
    } catch {
      // A module has no such thing.
      const request = new XMLHttpRequest();
      request.open("GET", own + SOCKET, false);
      request.send();
      run(request.responseText);
    }
    const { gwClient } = w;
    delete w.gwClient;
    return gwClient;
  };
}
