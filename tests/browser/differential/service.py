"""Service workers: what registers, what they serve, and what is left without the network."""

from __future__ import annotations

import threading

from tests.browser.differential import agents
from tests.browser.differential.agents import PAGE
from tests.browser.differential.common import HERE, JS, html
from tests.browser.differential.server import Answer, Asked

HEAD = agents.HEAD
TITLE = "Service workers"
_MODULE = """import found from "/agents/values.js";
addEventListener("message", ({ data, ports: [port] }) => data === "imported" && port.postMessage([found, import.meta.url === location.href]));
addEventListener("install", () => skipWaiting());"""
_CHANGING = """const version = {};
addEventListener("install", () => {{ if (version === 1 || location.search !== "?waits") skipWaiting() }});
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("message", ({{ data, ports: [port] }}) => {{ if (data === "version") port.postMessage(version); if (data === "skip") skipWaiting() }});"""
_lock = threading.Lock()


def _count(site, name: str) -> int:
    with _lock:
        site.counts[name] = site.counts.get(name, 0) + 1
        return site.counts[name]


def answer(asked: Asked, site) -> Answer | None:
    """Worker scripts, and the pages of their scopes."""
    name = asked.path.rpartition("/")[2]
    if name == "switch":
        site.counts["off"] = asked.target.endswith("off")
        return Answer(b"", "text/plain")
    if site.counts.get("off") and "/offline/" in asked.path:
        # How often a request is sent again, on another connection than the one that broke, is
        # between a client and its pool: a browser does it once for each that was kept open.
        if site.count("off " + asked.target) > 1:
            del site.log[next(at for at, one in enumerate(site.log) if one is asked)]
        raise ConnectionAbortedError
    if name == "served.js":
        allowed = asked.query.get("allowed")
        fields = (("Service-Worker-Allowed", allowed),) if allowed else ()
        return Answer((HERE / "served.js").read_bytes(), JS, fields)
    if name == "served-module.js":
        return Answer(_MODULE.encode(), JS)
    if name == "changing.js":
        return Answer(_CHANGING.format(_count(site, asked.target)).encode(), JS)
    if name == "once.js":
        gone = _count(site, asked.target) > 1
        return Answer(
            b"addEventListener('install', () => skipWaiting())", JS, status=404 if gone else 200
        )
    if name in {"agent", "kept"}:
        return html(PAGE, f"<title>of the server {asked.query.get('n', '')}</title>")
    if name == "preloaded":
        return html("preloaded with " + asked.fields.get("Service-Worker-Navigation-Preload", ""))
    return None
