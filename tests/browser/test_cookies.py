"""Cookies of every attribute: origins and pages see through the gateway what they see directly.

Each case is compared with the same browser's visit of the sites themselves.  What differs
stands in ``cookies/findings.py`` as it is today, with the reason where it is known.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import pytest

from tests.browser.conftest import SUMMARY
from tests.browser.cookies.askers import ASKERS, Try, asking, leaving
from tests.browser.cookies.cases import GROUPS, SETS, word
from tests.browser.cookies.findings import FINDINGS
from tests.browser.cookies.site import ORIGINS, answer, url
from tests.browser.harness import close_page, launch, settle
from tests.browser.runtime.world import World

pytestmark = pytest.mark.browser
Outcome = dict[str, list[str] | str]
FOUND: dict[str, dict] = {}


class Profiled(World):
    """A world whose direct way is a regular profile: others take no cookies of third parties."""

    def __init__(self, *given, **more) -> None:
        """See ``World``."""
        self.closed: list[object] = []
        super().__init__(*given, **more)

    def launch(self, *, through):
        """A browser for the way through, a profile for the direct one."""
        if through:
            return super().launch(through=True)
        # Debian's Chromium blocks the cookies of third parties unless it is told not to.
        profile = self.stack.folder / "profile"
        (profile / "Default").mkdir(parents=True, exist_ok=True)
        choice = {"cookie_controls_mode": 0, "block_third_party_cookies": False}
        (profile / "Default" / "Preferences").write_text(json.dumps({"profile": choice}))
        rules = self._rules[False]
        made = launch(self._driver, rules, profile=profile, ignore_https_errors=True)
        made.on("close", lambda _: self.closed.append(made))
        return made

    @contextlib.contextmanager
    def tab(self, *, through):
        """A tab in a fresh profile, or in one without its cookies."""
        if through:
            with super().tab(through=True) as page:
                yield page
            return
        if self.directly in self.closed:  # it hung, and was ended
            self.directly = self.launch(through=False)
        self.directly.clear_cookies()
        page = self.directly.new_page()
        try:
            yield page
        finally:
            close_page(page, self.directly)


@pytest.fixture(scope="module")
def world(playwright, tmp_path_factory):
    """One world for all tests."""
    made = Profiled(tmp_path_factory.mktemp("cookies"), playwright, ORIGINS, answer)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def tally(request):
    """How many cases there are, and how many of them agree; told at the end."""
    counted = {"agree": 0, "differ as listed": 0, "differ": 0}
    yield counted
    told = ", ".join(f"{count} {name}" for name, count in counted.items())
    line = f"cookies: {sum(counted.values())} cases compared: {told}"
    request.config.stash.setdefault(SUMMARY, []).append(line)
    if dump := os.environ.get("COOKIES_DUMP"):
        Path(dump).write_text(json.dumps(FOUND, indent=1))


def named(text: str | None, word: str) -> list[str] | str:
    """Those cookies of a header or of document.cookie that have this word; or what came instead."""
    if text in {None, "nothing came", "too late"}:
        return str(text)
    return [one.replace(word, "@") for one in text.split("; ") if word in one]


def counted(texts: dict[str, str], group: str, word: str) -> Outcome:
    """How many cookies there are, and how many of those that must not go; the others by chance."""
    found = {}
    for where, text in texts.items():
        numbers = [int(one.partition("=")[0].removeprefix("@-")) for one in named(text, word)]
        precious = range(170, 200) if group == "many" else range(50 * ("mixed" in group))
        found[where] = [len(numbers), sum(one in precious for one in numbers)]
    return found


class Way:
    """One browser's way through a group of cases: a profile, and the log of the origins."""

    def __init__(self, world: World, page, *, through: bool) -> None:
        """Begin with an empty log."""
        self.world, self.page, self.through = world, page, through
        self.since = len(world.site.log)
        self.pages = 0

    def open(self, address: str):
        """Show a page of these cases."""
        origin = "/".join(address.split("/")[:3])
        self.pages += 1  # an address that is there already would not be opened again
        to = url(origin + "/", f"page {self.pages} from {self.since}", **{"as": "page"})
        return self.world.open(self.page, to, through=self.through)

    def run(self, frame, steps: list[tuple[str, str]]) -> list:
        """Let a page go these ways, one after another; what they tell."""
        return frame.evaluate("steps => run(steps)", steps)

    def arrived(self, case: str) -> str:
        """The Cookie field of the first request of a case, or what came instead."""
        for one in self.world.site.log[self.since :]:
            if one.case == case and one.method != "OPTIONS":
                return "; ".join(one.fields.get_all("Cookie", []))
        return "nothing came"

    def leave(self, frame, case: str, one: Try) -> str:
        """Leave a page; what document.cookie reads where it leads."""
        frame.evaluate("([way, to]) => void setTimeout(() => leaving[way](to))", [one.way, one.to])

        def landed() -> bool:
            # The outer frame's own address follows; another one before that would be undone.
            urls = [self.page.url, *(one.url for one in self.page.frames[self.through :])]
            return len(urls) > 1 and all("/landed" in one for one in urls)

        settle(self.page, landed, f"{case} leads there", 10)
        frame = self.page.frames[self.through]
        frame.wait_for_load_state("load")
        return frame.evaluate("document.cookie")


def visits(world, group: str, *, through: bool) -> dict[str, Outcome]:
    """What each case of a group gives at each place where it is looked for."""
    texts: dict[str, str] = {}
    with world.tab(through=through) as page:
        for at, visit in enumerate(GROUPS[group]):
            way = Way(world, page, through=through)
            page.wait_for_timeout(visit.wait)
            frame = way.open(visit.at)
            sets = [("fetch", url(where, name, set=name)) for where, name in SETS[group, at]]
            reads = [("fetch", url(where, f"read {where}")) for where in visit.reads]
            frames = [("frame", url(where, "", **{"as": "frame"})) for where in visit.frames]
            told = way.run(frame, sets + reads + frames)
            for where in visit.reads:
                texts[f"{at} Cookie at {where}"] = way.arrived(f"read {where}")
            for where, text in zip(visit.frames, told[len(sets + reads) :], strict=True):
                texts[f"{at} document.cookie of {where}"] = text
    cases = dict.fromkeys(case for visit in GROUPS[group] for case in visit.cases)
    if group.startswith("many"):
        return {case: counted(texts, group, word(group, case)) for case in cases}
    return {
        case: {where: named(text, word(group, case)) for where, text in texts.items()}
        for case in cases
    }


def asked(world, name: str, *, through: bool) -> dict[str, Outcome]:
    """What an asker's requests carry, and what remains of the cookies of their answers."""
    asker, found = ASKERS[name], {}
    stays, leaves = asking(asker), leaving(asker)
    with world.tab(through=through) as page:
        way = Way(world, page, through=through)
        jar = url(f"{asker.target}/", "jar", set=f"jar of {asker.target}")
        way.run(way.open(asker.target), [("fetch", jar)])
        frame = way.open(asker.page)
        steps = [(one.way, one.to) for one in stays.values()]
        last = ("fetch", url(f"{asker.target}/", "there")) if stays else ("wait", "0")
        told = way.run(frame, [*steps, last])[:-1]
        remains = {"there": way.arrived("there")} if stays else {}
        for (case, one), text in zip(stays.items(), told, strict=True):
            found[case] = {"Cookie": named(way.arrived(case), "jar-")}
            if one.way == "frame":
                found[case]["document.cookie"] = named(text, "jar-")
                for inner in ("fetch", "image"):
                    text = way.arrived(f"{case} inside {inner}")
                    found[f"{case}, {inner} inside"] = {"Cookie": named(text, "jar-")}
        for case, one in leaves.items():
            text = way.leave(way.open(asker.page), case, one)
            found[case] = {
                "Cookie": named(way.arrived(case), "jar-"),
                "document.cookie": named(text, "jar-"),
            }
        way.run(way.open(asker.target), [("fetch", url(f"{asker.target}/", "kept"))])
        remains["kept"] = way.arrived("kept")
    for case, one in {**stays, **leaves}.items():
        if one.sets:
            short = f"s{int(one.sets.rpartition('.')[2]):02}-"
            for what, text in remains.items():
                found[case][what] = named(text, short)
    return found


def compare(subtests, tally, group: str, directly: dict, through: dict) -> None:
    """Each case agrees, or differs as it is listed."""
    known = FINDINGS.get(group, {})
    assert list(through) == list(directly)
    assert set(known) <= set(directly)
    for case, expected in directly.items():
        differing = {
            where: (seen, through[case][where])
            for where, seen in expected.items()
            if through[case][where] != seen
        }
        listed = known[case].places if case in known else {}
        if differing:
            FOUND.setdefault(group, {})[case] = differing
        kind = "agree" if not differing else "differ"
        tally[f"{kind} as listed" if differing and differing == listed else kind] += 1
        with subtests.test(msg=case):
            assert not {"nothing came", "too late"} & {str(one) for one in expected.values()}
            assert differing == listed


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_set(world, subtests, tally, group):
    """Cookies that were set are sent, in their order, and read where Chromium does it."""
    directly, through = (visits(world, group, through=one) for one in (False, True))
    compare(subtests, tally, group, directly, through)


@pytest.mark.parametrize("name", ASKERS)
def test_who_asks(world, subtests, tally, name):
    """Cookies go with and stay from requests of those pages with which Chromium lets them."""
    directly, through = (asked(world, name, through=one) for one in (False, True))
    compare(subtests, tally, name, directly, through)
