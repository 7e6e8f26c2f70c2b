// The gateway's containment policy, as the server writes it into every response.

/** @param {string} hosts all rewrite hosts as a host source without a scheme */
export const containment = (hosts) =>
  `default-src https://${hosts} data: blob: 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval'; ` +
  `connect-src https://${hosts} wss://${hosts} data: blob:; frame-src https://${hosts} data: blob:; ` +
  `form-action https://${hosts}; base-uri https://${hosts}`;
