"""The site whose pages try every way, as answers to requests."""

from __future__ import annotations

import gzip
import json

from tests.browser.tripwire.ways import HELPERS, PAGES, WAYS, WORKER_HELPERS, Way
from tests.browser.tripwire.wire import Answer, Request

SITE = "https://ways.test"
_SCRIPTED = ("js", "worker", "sw")
_DONE = "/done/"
# A way that is stopped may lead back to its own page, which then stays as it is.
_RUN = """
const home = location.origin;
addEventListener("load", async () => {
  if (sessionStorage["@PAGE@"]) return;
  sessionStorage["@PAGE@"] = "tried";
  const all = Object.values(ways).map(async (way) => way());
  const end = new Promise((stop) => setTimeout(stop, 5000));
  if (all.length > 1) await Promise.race([Promise.allSettled(all), end]);
  navigator.sendBeacon(home + "/done/@PAGE@");
});
"""
_KINDS = {"js": "text/javascript", "css": "text/css", "json": "application/json"}


class Site:
    """Answers for the site; ``port`` is where the tripwire listens."""

    def __init__(self, port: int) -> None:
        """Make every resource."""
        self._port = port
        self._answers: dict[str, Answer] = {"/blank": Answer(b"<!doctype html><p>blank")}
        for name in PAGES:
            ways = [way for way in WAYS if way.page == name]
            self._answers["/p/" + name] = self._page(name, ways)
        for way in WAYS:
            if way.file:
                self._add_file(way)
            if way.redirects:
                field = ("Location", way.url)
                self._answers[f"/r/{way.name}"] = Answer(fields=(field,), status=302)
        # Documents without script cannot say that they are done; nothing in them waits.
        self._still = {"/p/" + way.page: way.page for way in WAYS if way.media != "text/html"}
        self.done: set[str] = set()

    def __call__(self, request: Request) -> Answer:
        """Answer one request."""
        path = request.path.partition("?")[0]
        if path.startswith(_DONE):
            self.done.add(path.removeprefix(_DONE))
            return Answer()
        if path in self._still:
            self.done.add(self._still[path])
        if path.startswith("/s/") and path.endswith("/page"):
            return Answer(b"<!doctype html><p>in a service worker's scope")
        return self._answers.get(path, Answer(status=404))

    def _add_file(self, way: Way) -> None:
        text = way.fill(way.file, self._port)
        if way.kind == "sw":
            text = WORKER_HELPERS + text
            self._add_odd(way.name, text.encode())
        for ending, kind in _KINDS.items():
            self._answers[f"/s/{way.name}.{ending}"] = Answer(text.encode(), kind)

    def _add_odd(self, name: str, script: bytes) -> None:
        """A script as nobody else sends one, and browsers run it."""
        kind = "text/javascript"
        part = f"bytes 0-{len(script) - 1}/{len(script)}"
        twice = gzip.compress(gzip.compress(script))
        self._answers |= {
            f"/s/{name}.jscript": Answer(script, "text/jscript"),
            f"/s/{name}.two": Answer(script, "text/plain", (("Content-Type", kind),)),
            f"/s/{name}.twice": Answer(twice, kind, (("Content-Encoding", "gzip, gzip"),)),
            f"/s/{name}.part": Answer(script, kind, (("Content-Range", part),), 206),
        }

    def _page(self, name: str, ways: list[Way]) -> Answer:
        first = ways[0]
        if first.media != "text/html":
            return Answer(first.fill(first.text, self._port).encode(), first.media)
        functions = ",\n".join(self._function(way) for way in ways if way.kind in _SCRIPTED)
        script = f"{HELPERS}\nconst ways = {{{functions}}};{_RUN.replace('@PAGE@', name)}"
        markup = "\n".join(self._markup(way) for way in ways if way.kind not in _SCRIPTED)
        text = f"<!doctype html><title>{name}</title><script>{script}</script>{markup}"
        fields = tuple((key, first.fill(value, self._port)) for key, value in first.fields)
        return Answer(text.encode(), "text/html; charset=utf-8", fields)

    def _function(self, way: Way) -> str:
        text = way.fill(way.text, self._port).replace("</script", "<\\/script")
        return f"{json.dumps(way.name)}: async () => {{\n{text}\n}}"

    def _markup(self, way: Way) -> str:
        text = way.fill(way.text, self._port)
        if way.kind == "css":
            return f"<style>{text}</style><i id='{way.name}'>x</i>"
        return text if way.page == way.name else f"<div>{text}</div>"
