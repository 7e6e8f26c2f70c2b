"""Run areas both ways and hold the two together."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from playwright.sync_api import Error

from tests.browser.differential import common
from tests.browser.differential.common import ORIGINS, A, answer
from tests.browser.differential.compare import Seen, by_case, differing, names, reasons, slug
from tests.browser.differential.server import Site, without
from tests.browser.harness import settle
from tests.browser.runtime.world import World

# HTTP/2, which the gateway speaks, has no phrases, and other ways to fail.
_CODE = re.compile(
    r"(?<=with a status of \d{3}) \(.*\)$|(?<=Failed to load resource): net::ERR_.*$"
)
# What a policy blocked, not its text; a note by itself says where a directive comes from.
_POLICY = re.compile(
    r"( violates the following Content Security Policy directive).*"
    # What the gateway makes of X-Frame-Options, and of a directive that is there twice.
    r"|^ Note that '.*|^Framing '.*|^Ignoring duplicate .*",
    re.DOTALL,
)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OURS = re.compile(r"[?&]__gwp?=[\w.~-]+")
SNAPSHOT = """() => ({
  html: document.documentElement.outerHTML, title: document.title, set: document.characterSet,
  kind: document.contentType, mode: document.compatMode, seen: window.seen,
})"""


@attrs.frozen
class Case:
    """A page of its own.

    ``path``: where it begins, on ``origin``.  ``ready``: an expression that comes true in it.
    ``look``: a function of the page's whose result is compared.  ``act``: leads the view in
    Python after that; what it gives is compared instead.
    """

    name: str
    path: str
    ready: str = "document.readyState === 'complete'"
    look: str = SNAPSHOT
    act: Callable[[View], Any] | None = None
    origin: str = A


@attrs.define
class View:
    """A tab that shows a page one of the two ways."""

    suite: Suite
    page: Any
    frame: Any
    through: bool
    case: Case

    @property
    def context(self) -> Any:
        """The profile that the tab is of."""
        return self.page.context

    def url(self, address: str) -> str:
        """An address as this browser has it."""
        world = self.suite.world
        if not self.through:
            return address
        start, _, rest = address.partition("://")
        host, slash, path = rest.partition("/")
        return world.collapsed(f"{start}://{host}") + slash + path

    def at(self, address: str, seconds: float = 10) -> Any:
        """The page's main frame, once it shows an address that begins so and is loaded."""
        found: list[Any] = []

        def there() -> bool:
            frames = self.page.frames[1:2] if self.through else self.page.frames[:1]
            found[:] = [one for one in frames if one.url.startswith(self.url(address))]
            return bool(found)

        settle(self.page, there, f"the page shows {address}", seconds)
        found[0].wait_for_load_state("load")
        self.frame = found[0]
        return found[0]

    def ready(self, expression: str, seconds: float = 8) -> bool:
        """Wait for an expression of the page's; what never comes true, the comparison tells."""

        def true() -> bool:
            try:
                return bool(self.frame.evaluate(f"!!({expression})"))
            except Error:
                return False  # on its way to another document

        with contextlib.suppress(AssertionError):
            settle(self.page, true, expression, seconds)
            return True
        return False


@attrs.frozen
class Told:
    """An area's cases, one way."""

    seen: dict[str, Seen]
    touched: int = 0


class Suite:
    """The two browsers, and what they saw of each area."""

    def __init__(self, folder, driver) -> None:
        """Start everything."""
        self.world = World(folder, driver, origins=ORIGINS, answer=answer, site=Site)
        self._told: dict[tuple[str, str], tuple[Told, Told]] = {}

    def stop(self) -> None:
        """End everything."""
        self.world.stop()

    def told(self, area: str, part: str = "") -> tuple[Told, Told]:
        """An area directly and through the gateway; only cases with ``part`` in their names."""
        key = (area, part)
        if key not in self._told:
            self._told[key] = (self._way(area, part, False), self._way(area, part, True))
        return self._told[key]

    def hold(self, area: str, case: str) -> None:
        """A case is equal, or listed with its reason and indeed not.

        One that a busy machine was too slow for is run once more, by itself.
        """
        assert case in self.told(area)[0].seen, f"{case} did not run; renew the list of {area}"
        late, found = self._differing(area, case)
        if late or (found and case not in reasons(area)):
            late, found = self._differing(area, case, case)
        assert not late
        if case not in reasons(area):
            assert not found, "\n".join(found)
        elif not found:
            pytest.skip("it differs no more: take it out of differences.json")

    def _differing(self, area: str, case: str, part: str = "") -> tuple[bool, list[str]]:
        directly, through = self.told(area, part)
        seen = directly.seen[case]
        return seen.result == "too late", differing(seen, through.seen.get(case, Seen()))

    def whole(self, area: str) -> None:
        """The list names what there is, and nothing went past the gateway."""
        directly, through = self.told(area)
        assert list(directly.seen) == names(area), f"renew the list: {area} --write"
        assert set(reasons(area)) <= set(names(area))
        assert through.touched == 0

    def _way(self, area: str, part: str, through: bool) -> Told:
        world = self.world
        world.site.forget()
        before = len(world.tripwire.touched)
        found: dict[str, Seen] = {}
        browser = world.through if through else world.directly
        context = browser.new_context()
        context.set_default_timeout(15_000)
        try:
            if (common.HERE / f"{area}.js").is_file():
                found.update(self._script(area, part, context, through))
            for case in getattr(common.area(area), "CASES", ()):
                if part in case.name:
                    found[case.name] = self._page(area, case, context, through)
        finally:
            with contextlib.suppress(Error):
                context.close()
        return Told(found, len(world.tripwire.touched) - before)

    def _script(self, area: str, part: str, context, through: bool) -> dict[str, Seen]:
        since = len(self.world.site.log)
        page = context.new_page()
        heard = _listen(page)
        frame = self.world.open(page, f"{A}/run/{area}", through=through)
        results = frame.evaluate("(part) => runAll(part)", part)
        page.wait_for_timeout(150)  # what nothing on the page waits for
        page.close()
        if through:
            results = self.world.plainly(results)
        slugs = {slug(name): name for name in results}
        requests = by_case(self.world.site.log[since:], slugs)
        loud = getattr(common.area(area), "CONSOLE", True)
        errors = self._errors(heard, through) if loud else {}
        return {
            name: Seen(result, requests.get(name, ()), errors.get(name, ()))
            for name, result in results.items()
        }

    def _page(self, area: str, case: Case, context, through: bool) -> Seen:
        since = len(self.world.site.log)
        page = context.new_page()
        heard = _listen(page, case.name)
        try:
            frame = self.world.open(page, case.origin + case.path, through=through)
            view = View(self, page, frame, through, case)
            view.ready(case.ready)
            result = case.act(view) if case.act else view.frame.evaluate(case.look)
        except (Error, AssertionError) as error:
            result = f"{type(error).__name__}: {error}"
        finally:
            for one in [*context.pages]:
                one.close()
        if through:
            result = self.world.plainly(result, case.origin)
        log = [one for one in self.world.site.log[since:] if one.path != "/favicon.ico"]
        if log:
            # It was opened by an address that nobody typed.
            log[0] = without(log[0], "Sec-Fetch-Site")
        for name in getattr(common.area(area), "IGNORED", ()):
            log = [without(one, name) for one in log]
        requests = by_case(log, {one.case: case.name for one in log} | {"": case.name})
        loud = getattr(common.area(area), "CONSOLE", True)
        errors = self._errors(heard, through) if loud else {}
        return Seen(result, requests.get(case.name, ()), errors.get(case.name, ()))

    def _errors(self, heard: list[tuple[str, str]], through: bool) -> dict[str, tuple[str, ...]]:
        """Errors by case; browsers speak of addresses as they know them."""
        found: dict[str, list[str]] = {}
        now = ""
        for kind, text in heard:
            if kind == "begins":
                now = text
            elif now and text:
                found.setdefault(now, []).append(self._real(text) if through else text)
        return {
            name: tuple(sorted(_UUID.sub("UUID", one) for one in texts))
            for name, texts in found.items()
        }

    def _real(self, text: str) -> str:
        text = _OURS.sub("", text)
        for origin in ORIGINS:
            text = text.replace(self.world.collapsed(origin), origin)
        return text


def _listen(page, name: str = "") -> list[tuple[str, str]]:
    heard: list[tuple[str, str]] = [("begins", name)]

    def on_console(message) -> None:
        if message.type == "info" and message.text.startswith("begins: "):
            heard.append(("begins", message.text[8:]))
        elif message.type == "error":
            heard.append(("error", _POLICY.sub(r"\1", _CODE.sub("", message.text))))

    page.on("console", on_console)
    page.on("pageerror", lambda error: heard.append(("error", f"uncaught {error.message}")))
    return heard


def listed(*areas: str) -> list[tuple[str, str]]:
    """The parameters of a test of these areas' cases."""
    return [(area, name) for area in areas for name in names(area)]


def printed(area: str, told: tuple[Told, Told]) -> list[str]:
    """An area's differences, for a person."""
    directly, through = told
    known = reasons(area)
    lines = []
    for name, seen in directly.seen.items():
        found = differing(seen, through.seen.get(name, Seen()))
        if seen.result == "too late" or (isinstance(seen.result, str) and "Error: " in seen.result):
            lines.append(f"?? {name}: directly {json.dumps(seen.result)}")
        if found:
            lines += [f"{'(known) ' if name in known else ''}{name}"]
            lines += ["    " + one[:1500] for one in found]
        elif name in known:
            lines.append(f"{name}: differs no more")
    equal = sum(
        not differing(seen, through.seen.get(n, Seen())) for n, seen in directly.seen.items()
    )
    return [*lines, f"{area}: {equal} of {len(directly.seen)} equal, {through.touched} leaks"]
