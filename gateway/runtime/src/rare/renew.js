// A page that is open for long gets a fresh token, at once: what it sends waits for it.

/** @param {import("../inner/realm.js").Realm} realm @param {() => number} now */
export function renew({ payload }, now) {
  payload.due = now() + 60000; // not at once again where it cannot be had
  const request = new XMLHttpRequest();
  request.open("POST", `${location.origin}/.gateway/token?__gw=${payload.token}`, false);
  request.send();
  if (request.status !== 200) return;
  payload.due = now() + payload.renew * 1000;
  payload.token = request.responseText;
}
