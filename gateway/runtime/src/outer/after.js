// Where a person wanted to go before they were asked to sign in.
export const AFTER = "gw.after";

/** The fragment from before the sign-in, once; empty where there is none. */
export function takeAfter() {
  try {
    const found = sessionStorage.getItem(AFTER) ?? "";
    sessionStorage.removeItem(AFTER);
    return found;
  } catch {
    return "";
  }
}
