// A cookie for documents with an opaque origin: that they are in a window of the gateway's.
import { apartSuffix } from "./apart.js";

/** Have it set, in the partition of such documents, by a frame that is one. */
export function markWithin() {
  if (apartSuffix()) return; // there the session's own are in that partition
  const frame = document.createElement("iframe");
  frame.hidden = true;
  frame.setAttribute("sandbox", "");
  frame.addEventListener("load", () => frame.remove());
  frame.src = "/.gateway/within";
  document.body.append(frame);
}
