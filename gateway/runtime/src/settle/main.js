// The frame that sets and checks the session on a domain of its own, for browsers without
// localStorage. It does what the outer frame around it asks, and nobody else.

const secure = document.body.dataset.secure ?? "";

/**
 * @param {string} path
 * @param {object} content
 * @returns {Promise<boolean>} whether the gateway agreed
 */
async function agreed(path, content) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(content),
    });
    return (await answer.json()).ok === true;
  } catch {
    return false;
  }
}

if (parent !== self && parent === top) {
  addEventListener("message", async (event) => {
    if (event.source !== parent || event.origin !== secure) return;
    const said = event.data;
    if (said?.gw !== 1 || typeof said.n !== "number") return;
    if (said.type === "forget") {
      const gone = await agreed("/.gateway/forget", {});
      parent.postMessage({ gw: 1, type: "settled", n: said.n, ok: gone, kept: !gone }, secure);
      return;
    }
    if (said.type !== "settle" && said.type !== "check") return;
    const offer = { text: String(said.text), nonce: String(said.nonce) };
    const ok = said.type === "check" || (await agreed("/.gateway/settle", offer));
    // Whether the browser keeps a third party's cookies shows only when they come back.
    const kept = ok && (await agreed("/.gateway/check", { ickt: String(said.ickt) }));
    parent.postMessage({ gw: 1, type: "settled", n: said.n, ok, kept }, secure);
  });
  parent.postMessage({ gw: 1, type: "settling" }, secure);
}
