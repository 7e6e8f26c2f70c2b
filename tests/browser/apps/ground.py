"""Applications behind a gateway, and the two ways to them: through it and directly."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from playwright.sync_api import Browser, Error

from tests.browser.harness import (
    Process,
    Stack,
    Tripwire,
    direct_rules,
    fresh_context,
    launch,
    resolver_rules,
    seen,
    settle,
    until,
)

HERE = Path(__file__).parent
WAYS = {"directly": False, "through the gateway": True}
"""The same task, first as a control."""


def serve(stack: Stack, name: str, hosts) -> Process:
    """Start one of the applications of this folder; its origins become known to the stack."""
    if not (HERE / "node_modules").is_dir():
        raise AssertionError("the applications are missing: run make packages")
    files = stack.certificate(name, *hosts)
    process = stack.run(name, ["node", str(HERE / "serve.mjs"), name, *files])
    until(lambda: "}\n" in process.text(), f"{name} serves: " + process.text())
    said = next(line for line in process.text().splitlines() if line.startswith("{"))
    stack.hosts.update(json.loads(said))
    return process


class Ground:
    """A stack, a tripwire and a browser for each way; ``start`` makes the application."""

    def __init__(self, folder: Path, driver, start, *, windowed: bool = False, extra: str = ""):
        """Start all of it."""
        self._driver = driver
        self._windowed = windowed
        self._browsers: dict[object, Browser] = {}
        self.stack = Stack(folder)
        self.tripwire = Tripwire()
        try:
            self.application = start(self.stack)
            self.stack.start_gateway(extra + self.extra())
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End all of it."""
        for browser in self._browsers.values():
            browser.close()
        self.stack.stop()
        self.tripwire.close()

    def extra(self) -> str:
        """More of the gateway's configuration, once the application runs."""
        return ""

    def rules(self, through) -> str:
        """Where names lead on a way; a ground with more ways than two says so of them."""
        return (resolver_rules if through else direct_rules)(self.stack, self.tripwire)

    def _launch(self, through):
        trust = self.stack.trust(*sorted(self.stack.issued))
        return launch(self._driver, self.rules(through), trust, windowed=self._windowed)

    @contextlib.contextmanager
    def person(self, *, through):
        """A fresh profile with one of the two ways; nothing may leave it."""
        touched = len(self.tripwire.touched)
        browser = self._browsers.get(through) or self._launch(through)
        self._browsers[through], context = fresh_context(
            browser, lambda: self._launch(through), viewport={"width": 1200, "height": 900}
        )
        context.set_default_timeout(20_000)
        one = Person(self, context, through)
        try:
            yield one
        finally:
            with contextlib.suppress(Error):  # its browser may be gone
                context.close()
        if through:
            assert self.tripwire.touched[touched:] == []


class Person:
    """Somebody's browser profile, on one of the two ways."""

    def __init__(self, ground: Ground, context, through):
        """``context``: the profile; ``through``: its way, false for directly."""
        self.ground = ground
        self.context = context
        self.through = through
        self.asked: list[str] = []
        self.complaints: list[str] = []
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def place(self, url: str) -> str:
        """What the browser calls this address on its way."""
        if not self.through:
            return url
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        return self.ground.stack.collapsed(f"{scheme}://{host}/") + slash + path

    def open(self, url: str, page=None):
        """Type an address into a tab; the tab, and the frame that shows its origin (or the tab).

        The page may have gone on to another address of its own at once.
        """
        page = page or self.context.new_page()
        page.goto("about:blank")
        page.goto(self.ground.stack.outer + url if self.through else url)
        return page, self.shown(page, "/".join(url.split("/")[:3]) + "/")

    def shown(self, page, url: str):
        """The frame of a tab that shows an address, once it is loaded."""
        wanted = self.place(url)
        found = []

        def there() -> bool:
            frames = page.frames[1:2] if self.through else page.frames[:1]
            found[:] = [one for one in frames if one.url.startswith(wanted)]
            return bool(found)

        settle(page, there, f"a frame shows {wanted}, not {[one.url for one in page.frames]}", 20)
        found[0].wait_for_load_state("load")
        return seen(found[0])

    def typed(self, frame) -> str:
        """A frame's address under the name that people know."""
        return self.plainly(frame.evaluate("location.href"))

    def plainly(self, text: str) -> str:
        """A text with the collapsed origins in it under their own names."""
        if self.through:
            for origin in self.ground.stack.hosts:
                text = text.replace(self.ground.stack.collapsed(origin), origin)
        return text
