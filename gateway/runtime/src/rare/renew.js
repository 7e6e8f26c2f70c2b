// A page that is open for long gets a fresh token, at once: what it sends waits for it.
import { asked } from "./asked.js";

/** @param {import("../inner/realm.js").Realm} realm @param {() => number} now */
export function renew({ payload }, now) {
  payload.due = now() + 60000; // not at once again where it cannot be had
  const request = asked(`${location.origin}/.gateway/token?__gw=${payload.token}`, "POST");
  if (request.status !== 200) return;
  payload.due = now() + payload.renew * 1000;
  payload.token = request.responseText;
}
