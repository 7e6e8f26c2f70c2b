// A refusal inside the outer frame: its sandbox lets no link lead out, so the outer frame is asked.
// It looks at these words as at any page's: home only after a touch, outside only after its question.

const { secure: outer = "", site } = document.body.dataset;
/** @param {string} type */
const say = (type) => {
  const { pathname, search, hash } = location;
  top?.postMessage({ gw: 1, type, site, path: pathname + search + hash }, outer);
};
if (parent === top && top !== window) {
  for (const id of ["home", "outside"]) {
    const place = document.getElementById(id);
    if (!place) continue;
    // Made here: what is hidden in a page, text browsers would show.
    const button = document.createElement("button");
    button.textContent = place.dataset.label ?? "";
    button.onclick = () => say(id);
    place.replaceChildren(button);
  }
  if (document.getElementById("outside")) say("outside");
}
