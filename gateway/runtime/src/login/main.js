// The page that asks people to sign in: where they wanted to go is not lost on the way.  A site's
// address in the fragment stays in this tab; the provider must not see it.
import { AFTER } from "../outer/after.js";

const to = new URLSearchParams(location.search).get("to");
for (const link of document.links) {
  if (to) link.search = "?to=" + encodeURIComponent(to);
}
try {
  if (location.hash.length > 1) sessionStorage.setItem(AFTER, location.hash);
} catch {
  // A browser that keeps nothing: the address is to be typed again.
}
