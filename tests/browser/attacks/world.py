"""A gateway with the bank and the hostile sites behind it, and a browser of a person's."""

from __future__ import annotations

import contextlib
import json

from playwright.sync_api import Error

from tests.browser.attacks.outsider import Outsider
from tests.browser.attacks.site import AD, BANK, EVIL, HOSTS, STRANGER, Sites
from tests.browser.harness import Lasting, Stack, Tripwire, launch, resolver_rules, settle
from tests.browser.runtime.site import Site

ORIGINS = (BANK, EVIL, AD)
# A page that a test puts in the network's place comes from nowhere that Chromium knows, and
# would reach no loopback address.
_WITHOUT = ("LocalNetworkAccessChecks",)


class World:
    """Everything that an attack needs."""

    def __init__(self, folder, driver, *, extra: str = "", module: str = "gateway") -> None:
        """Start everything; ``extra`` configuration, ``module`` that is run."""
        self.stack = Stack(folder)
        self.sites = Sites()
        self.site = Site(self.stack.certificate("site", *HOSTS), self.sites.answer)
        self.stack.hosts.update(dict.fromkeys(ORIGINS, self.site.secure_port))
        self.stack.start_gateway(extra, module)
        self.tripwire = Tripwire()
        self.prefix = "__Http-" if module == "gateway" else ""
        self.icks: set[str] = set()
        stranger = f"MAP stranger.test:443 127.0.0.1:{self.site.secure_port}, "
        rules = resolver_rules(self.stack, self.tripwire).replace("MAP * ", stranger + "MAP * ", 1)
        trust = self.stack.trust("site", "gateway")
        self.browser = Lasting(lambda: launch(driver, rules, trust, without=_WITHOUT))

    def stop(self) -> None:
        """End everything."""
        self.sites.released.set()
        self.browser.close()
        self.stack.stop()
        self.site.close()
        self.tripwire.close()

    @contextlib.contextmanager
    def tab(self, **options):
        """A tab in a fresh profile."""
        context = self.browser.new_context(viewport={"width": 1000, "height": 700}, **options)
        context.set_default_timeout(20_000)
        page = context.new_page()
        try:
            yield page
        finally:
            self.icks |= {one["value"] for one in self.cookies(page, "ick")}
            context.close()

    # --- pages ------------------------------------------------------------------------

    def collapsed(self, origin: str) -> str:
        """An origin as the browser sees it."""
        return self.stack.collapsed(origin)

    def open(self, page, url: str, tries: int = 1):
        """Type an address; the frame that shows it, attested.

        ``tries``: how many loads of it may be lost to what somebody tossed.
        """
        for left in reversed(range(tries)):
            page.goto("about:blank")
            page.goto(self.stack.outer + url)
            try:
                return self.shown(page, url, 8 if left else 40)
            except AssertionError:
                if not left:
                    raise
        raise AssertionError("never tried")

    def shown(self, page, url: str, seconds: float = 40):
        """The topmost inner frame, once it shows this address's origin under its name."""
        wanted = self.collapsed(url) + "/"

        def there() -> bool:
            try:
                return (
                    self.name(page) == url.split("/")[2]
                    and page.frames[1].url.startswith(wanted)
                    and page.frames[1].evaluate("document.readyState") == "complete"
                )
            except (Error, IndexError):  # it is just being replaced
                return False

        settle(page, there, f"{url} is shown under its name", seconds)
        return page.frames[1]

    def sign_in(self, page):
        """Open the bank and sign in as Ada; the frame that says so."""
        frame = self.open(page, BANK + "/")
        frame.locator("#login input").fill("Ada")
        frame.locator("#login button").click()
        frame.locator("#who", has_text="Ada").wait_for()
        return frame

    @staticmethod
    def name(page) -> str:
        """What the address bar calls the page."""
        return page.locator("#origin").inner_text()

    # --- the session ------------------------------------------------------------------

    def cookies(self, page, name: str) -> list[dict]:
        """The browser's cookies of one of the session's names."""
        return [one for one in page.context.cookies() if one["name"] == self.prefix + name]

    def session(self, page) -> dict[tuple[str, str, str], str]:
        """The session's cookies by name, domain and path."""
        return {
            (one["name"], one["domain"], one["path"]): one["value"]
            for name in ("ick", "datr")
            for one in self.cookies(page, name)
        }

    def outsider(self) -> Outsider:
        """An attacker with a session of their own."""
        made = Outsider(self.stack)
        self.icks.add(made.cookies[self.prefix + "ick"])
        return made

    # --- what happened ----------------------------------------------------------------

    def since(self) -> int:
        """A mark in the sites' log."""
        return len(self.site.log)

    def changes(self, since: int, host: str = "bank.test") -> list[str]:
        """What reached a site since then that changes state: method and path of each."""
        return [
            f"{one.method} {one.path}"
            for one in self.site.log[since:]
            if one.host == host
            and (one.method not in {"GET", "HEAD", "OPTIONS"} or one.status == 101)
        ]

    def events(self) -> list[dict]:
        """The gateway's log lines so far."""
        lines = self.stack.gateway.text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def counted(self, code: str) -> int:
        """How many events of a code there were."""
        return sum(one.get("code") == code for one in self.events())


__all__ = ("AD", "BANK", "EVIL", "STRANGER", "World")
