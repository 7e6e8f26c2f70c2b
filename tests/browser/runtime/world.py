"""One site, seen twice: through the gateway and directly."""

from __future__ import annotations

import contextlib
import json
from types import SimpleNamespace
from urllib.parse import urlsplit

import attrs
from playwright.sync_api import Error

from tests.browser.harness import (
    Stack,
    Tripwire,
    direct_rules,
    fresh_context,
    launch,
    resolver_rules,
    seen,
    settle,
)
from tests.browser.runtime.pages import ORIGINS, A, answer
from tests.browser.runtime.site import Asked, Site

_INSECURE = """
[[access]]
origin = "{}"
allow-insecure-http = true
"""


@attrs.frozen
class Told:
    """What a page of cases gave back, and what came to the origins meanwhile."""

    results: dict
    arrivals: dict[str, set[str]]


class World:
    """The gateway, the site behind it, and a browser for each way to the site."""

    def __init__(
        self,
        folder,
        driver,
        origins=ORIGINS,
        answer=answer,
        *,
        windowed: bool = False,
        extra: str = "",
        flags=(),
        site: type = Site,
    ) -> None:
        """Start everything; ``origins`` to the kind of server that each has.

        ``windowed``: in the whole browser.  ``extra`` goes into the gateway's configuration,
        ``flags`` to both browsers; ``site`` is what answers as the origins.
        """
        self._driver = driver
        self._windowed = windowed
        self._flags = flags
        self.stack = Stack(folder)
        hosts = {urlsplit(origin).hostname for origin in origins}
        self.site = site(self.stack.certificate("site", *sorted(hosts)), answer)
        self.tripwire = Tripwire()
        ports = {"secure": self.site.secure_port, "plain": self.site.plain_port}
        self.stack.hosts.update({origin: ports[kind] for origin, kind in origins.items()})
        insecure = [origin for origin, kind in origins.items() if kind == "plain"]
        rules = "".join(_INSECURE.format(origin) for origin in insecure)
        self.stack.start_gateway(rules + extra)
        known = SimpleNamespace(hosts=self.stack.hosts)
        self._rules = {
            True: resolver_rules(self.stack, self.tripwire),
            False: direct_rules(known, self.tripwire),
        }
        self.through = self.launch(through=True)
        self.directly = self.launch(through=False)

    def launch(self, *, through: bool):
        """A browser of its own for one of the two ways."""
        names = ("site", "gateway") if through else ("site",)
        trust = self.stack.trust(*names)
        rules = self.rules(through=through)
        return launch(self._driver, rules, trust, *self._flags, windowed=self._windowed)

    def rules(self, *, through: bool) -> str:
        """The flag that leads a browser's connections, one of the two ways."""
        return self._rules[through]

    def stop(self) -> None:
        """End everything."""
        for one in (self.through, self.directly):
            one.close()
        self.stack.stop()
        self.site.close()
        self.tripwire.close()

    def collapsed(self, origin: str) -> str:
        """An origin as the browser sees it."""
        return self.stack.collapsed(origin)

    def plainly(self, value, origin: str = A):
        """A result of the gateway's with the page's own origin under its own name."""
        text = json.dumps(value)
        mine = self.collapsed(origin)
        host = mine.removeprefix("https://")
        real = origin.partition("://")[2]
        for old, new in (
            (mine, origin),
            ("wss://" + host, "wss://" + real),
            (host, real),
            (host.partition(":")[0], real),
        ):
            text = text.replace(old, new)
        return json.loads(text)

    def context(self, *, through: bool):
        """A fresh profile of the browser of a way; of another one if it hung and was ended."""
        name = "through" if through else "directly"
        browser, made = fresh_context(getattr(self, name), lambda: self.launch(through=through))
        setattr(self, name, browser)
        made.set_default_timeout(15_000)
        return made

    @contextlib.contextmanager
    def tab(self, *, through: bool):
        """A tab in a fresh profile."""
        context = self.context(through=through)
        try:
            yield context.new_page()
        finally:
            with contextlib.suppress(Error):  # its browser may be gone
                context.close()

    def open(self, page, url: str, *, through: bool):
        """Show a page; the frame (or the page) that holds it, once it is loaded."""
        page.goto(self.stack.outer + url if through else url)
        return self.shown(page, url) if through else page

    def shown(self, page, url: str):
        """The frame that shows a page of this address's origin."""
        found, _, path = url.partition("://")
        wanted = (
            self.collapsed(found + "://" + path.partition("/")[0]) + "/" + path.partition("/")[2]
        )
        frames = []

        def there() -> bool:
            frames[:] = [one for one in page.frames[1:2] if one.url.startswith(wanted)]
            return bool(frames)

        settle(page, there, f"a frame shows {wanted}", 15)
        frames[0].wait_for_load_state("load")
        return seen(frames[0])

    def arrived(self, since: int) -> dict[str, set[str]]:
        """Requests since then by case: each as method, origin and path."""
        found: dict[str, set[str]] = {}
        for one in self.site.log[since:]:
            if one.case and one.method != "OPTIONS":
                found.setdefault(one.case, set()).add(said(one))
        return found

    def cases(self, group: str, wanted: dict[str, set[str]] | None = None) -> Told:
        """Run a page of cases: directly, or (with what is to arrive) through the gateway."""
        since = len(self.site.log)
        through = wanted is not None
        origin = "http://h.test" if group == "plain" else A
        with self.tab(through=through) as page:
            frame = self.open(page, f"{origin}/cases/{group}", through=through)
            results = frame.evaluate("runAll()")
            if wanted is None:
                page.wait_for_timeout(500)  # what nothing on the page waits for
            else:
                # What does not come, the comparison tells.
                with contextlib.suppress(AssertionError):
                    settle(page, lambda: self._came(since, wanted), "all arrives", 3)
        if through:
            results = self.plainly(results, origin)
        return Told(results, self.arrived(since))

    def _came(self, since: int, wanted: dict[str, set[str]]) -> bool:
        found = self.arrived(since)
        return all(found.get(case, set()) >= requests for case, requests in wanted.items())


def said(asked: Asked) -> str:
    """A request in a word."""
    scheme = "https" if asked.secure else "http"
    rest = "".join(
        f" {name}={asked.query[name]}" for name in ("n", "by", "q") if name in asked.query
    )
    return f"{asked.method} {scheme}://{asked.host}{asked.path}{rest}"
