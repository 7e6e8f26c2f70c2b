// The API lives on another site: every call is cross-origin, with the session's cookie.
export const API = "https://api.backend.test";
export const session = { csrf: "" };

export async function call(method, path, body) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (session.csrf) headers["X-CSRF-Token"] = session.csrf;
  const url = path.startsWith("https:") ? path : API + path;
  const answer = await fetch(url, {
    method,
    headers,
    mode: "cors",
    credentials: "include",
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const value = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw Object.assign(new Error(value.error), { status: answer.status });
  return { value, headers: answer.headers, url: answer.url };
}
