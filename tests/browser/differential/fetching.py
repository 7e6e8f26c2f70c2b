"""What script asks for: modes, CORS, statuses, bodies by pieces."""

from __future__ import annotations

from tests.browser.differential.server import PATIENCE, Answer, Asked, cors

TITLE = "fetch, XMLHttpRequest, CORS"


def _cors(asked: Asked) -> Answer:
    query = asked.query
    fields = []
    if query.get("allow"):
        fields.append(("Access-Control-Allow-Origin", query["allow"]))
    if query.get("credentials"):
        fields.append(("Access-Control-Allow-Credentials", "true"))
    if query.get("timing"):
        fields.append(("Timing-Allow-Origin", query["timing"]))
    if query.get("expose"):
        fields += [("Access-Control-Expose-Headers", query["expose"])]
        fields += [("X-One", "1"), ("X-Two", "2"), ("Set-Cookie", "seen=1; Secure; SameSite=None")]
    if asked.method == "OPTIONS":
        for name, field in (("methods", "Methods"), ("headers", "Headers")):
            if query.get(name):
                fields.append((f"Access-Control-Allow-{field}", query[name]))
        fields.append(("Access-Control-Max-Age", query.get("age", "0")))
        status = int(query.get("status", "204"))
        if status == 302:
            fields.append(("Location", "/fetching/cors"))
        return Answer(b"", "text/plain", tuple(fields), status)
    return Answer(b"cors", "text/plain", tuple(fields))


def _pieces(asked: Asked, site):
    def body():
        for at in range(4):
            yield b"piece %d;" % at
            if not site.gate(f"{asked.case}{at}").wait(PATIENCE):
                return

    return body


def answer(asked: Asked, site) -> Answer | None:
    """Answers of every kind."""
    path, query = asked.path, asked.query
    if path == "/fetching/cors":
        return _cors(asked)
    if asked.method == "OPTIONS":
        return None
    if path == "/fetching/fields":
        return Answer(
            b"x",
            "text/plain; charset=UTF-8",
            (
                *(("X-Same", "1"), ("X-Same", "2"), ("X-Empty", ""), ("X-Latin", "\xe9")),
                *(("ETag", 'W/"x"'), ("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")),
                *(("Link", "<https://b.test/x>; rel=next"), ("Server", "own/1"), ("Via", "1.1 x")),
                *(("Location", "https://b.test/y"), ("Content-Language", "de"), ("Age", "5")),
                *(("Retry-After", "7"), ("Server-Timing", "a;dur=1"), ("WWW-Authenticate", "Own")),
                ("X-Powered-By", "x"),
            ),
        )
    if path == "/fetching/corp":
        return Answer(b"x", "text/plain", (("Cross-Origin-Resource-Policy", query["policy"]),))
    if path == "/fetching/status":
        more = (("Retry-After", "3"), ("Content-Range", "bytes 0-3/9"))
        return Answer(b"body", "text/plain", more, int(query["status"]))
    if path == "/fetching/pieces":
        return Answer(_pieces(asked, site), "text/plain")
    if path == "/fetching/cut":
        body = (lambda: iter((b"begun",))) if "chunked" in query else b"begun"
        return Answer(body, "text/plain", cut=True)
    if path == "/fetching/never":
        site.gate(asked.case).wait(1)
        return Answer(b"late", "text/plain", cors(asked))
    if path == "/fetching/long":
        return Answer(b"x" * 200_000, "application/octet-stream")
    if path == "/fetching/login":
        if asked.fields.get("Authorization"):
            return Answer(asked.fields["Authorization"].encode(), "text/plain")
        return Answer(b"", "text/plain", (("WWW-Authenticate", 'Basic realm="x"'),), 401)
    return None
