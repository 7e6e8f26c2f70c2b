"""Fixtures of the browser tests: one stack and one browser for all of a module."""

from __future__ import annotations

import collections
import contextlib
import os
import signal
import threading
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from tests.browser.differential.suite import Suite
from tests.browser.harness import (
    Lasting,
    Stack,
    Tripwire,
    direct_rules,
    launch,
    remember_secrets,
    resolver_rules,
)
from tests.browser.runtime.ways import Way, answer
from tests.browser.runtime.world import World

_close = BrowserContext.close


def _close_and_remember(context, **more):
    """Whatever a test did, its session's secrets are searched for in the end."""
    remember_secrets(context)
    _close(context, **more)


BrowserContext.close = _close_and_remember
SUMMARY = pytest.StashKey[list[str]]()
SHOTS = Path(__file__).parent / "shots"


PATIENCE = 200
"""Seconds for one test with its fixtures."""
LONGEST = (
    "same_site", "windows", "leading", "basic", "attacks_frames", "brokers", "websocket_behaviour",
    "differential_places", "tripwire", "differential_documents", "runtime", "texts",
    "attacks_tossing", "cookies", "accessibility", "differential_urls", "navigation",
    "hostile_windows", "differential_network", "attacks_tokens",
)  # fmt: skip
"""The files whose tests take longest, by the summary's seconds."""


def _parents() -> dict[int, int]:
    """Each process's parent."""
    found = {}
    for one in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it may have ended
            found[int(one.parent.name)] = int(one.read_text().rpartition(")")[2].split()[1])
    return found


def end_browsers() -> None:
    """Kill the browsers that this process started."""
    parents = _parents()

    def is_ours(pid: int) -> bool:
        while pid := parents.get(pid, 0):
            if pid == os.getpid():
                return True
        return False

    for pid in filter(is_ours, parents):
        with contextlib.suppress(OSError):
            if "chrom" in Path(f"/proc/{pid}/comm").read_text("utf-8"):
                os.kill(pid, signal.SIGKILL)


def pytest_collection_modifyitems(items):
    """The files that take longest begin first: else one process ends long after the others."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    mine = [item for item in items if item.path.parent == Path(__file__).parent]
    mine.sort(key=lambda item: ranks.get(item.path.stem.removeprefix("test_"), len(ranks)))
    ordered, known = iter(mine), set(mine)
    items[:] = [next(ordered) if item in known else item for item in items]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """A browser that never answers is ended: what asked it then fails where it stands.

    Playwright's ``evaluate`` has no bound of its own.
    """
    timer = threading.Timer(PATIENCE, end_browsers)
    timer.start()
    try:
        return (yield)
    finally:
        timer.cancel()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Call the test without a reactor: Playwright has a loop of its own in this thread.

    It ends with the package's fixtures, before tests that need the reactor.
    """
    wanted = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    pyfuncitem.obj(**wanted)
    return True


def pytest_sessionfinish(session):
    """What a worker's tests want to be read goes to the process that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["summary"] = session.config.stash.get(SUMMARY, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Take it there."""
    if error is None:
        lines = node.config.stash.setdefault(SUMMARY, [])
        lines.extend(getattr(node, "workeroutput", {}).get("summary", []))


def pytest_terminal_summary(terminalreporter, config):
    """What tests want to be read."""
    for line in config.stash.get(SUMMARY, []):
        terminalreporter.write_line(line)
    spent: collections.Counter[str] = collections.Counter()
    for reports in terminalreporter.stats.values():
        for one in reports:
            if hasattr(one, "duration"):
                spent[one.nodeid.partition("::")[0]] += one.duration
    terminalreporter.write_line("seconds of each process, by file:")
    for name, seconds in spent.most_common(20):
        terminalreporter.write_line(f"{seconds:7.0f} {name}")


@pytest.fixture(scope="package")
def playwright():
    """Playwright's driver; the browser is Debian's."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="package")
def tripwire():
    """Where every name leads that is not the gateway's."""
    wire = Tripwire()
    yield wire
    wire.close()


@pytest.fixture(scope="package")
def stack(tmp_path_factory):
    """The gateway and the tests' own origins."""
    made = Stack(tmp_path_factory.mktemp("stack"))
    made.start_origins()
    made.start_gateway()
    yield made
    made.stop()


@pytest.fixture(scope="package")
def browser(playwright, stack, tripwire):
    """A browser that reaches the gateway alone."""
    made = Lasting(lambda: launch(playwright, resolver_rules(stack, tripwire)))
    yield made
    made.close()


@pytest.fixture(scope="package")
def direct_browser(playwright, stack, tripwire):
    """A browser that reaches the origins themselves."""
    made = Lasting(lambda: launch(playwright, direct_rules(stack, tripwire)))
    yield made
    made.close()


@pytest.fixture
def page(browser):
    """A page in a fresh browser profile."""
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1000, "height": 700})
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def direct_page(direct_browser):
    """The same, past the gateway."""
    context = direct_browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="package")
def shots():
    """A folder for screenshots that a person may want to look at."""
    SHOTS.mkdir(exist_ok=True)
    return SHOTS


@pytest.fixture(scope="package")
def windows_world(playwright, tmp_path_factory):
    """One world for all tests of windows and frames."""
    made = World(tmp_path_factory.mktemp("windows"), playwright, answer=answer, windowed=True)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="package")
def ways(windows_world):
    """A profile for each way to the sites."""
    with (
        windows_world.tab(through=False) as direct,
        windows_world.tab(through=True) as inside,
    ):
        direct.close()
        inside.close()
        yield Way(windows_world, direct.context, False), Way(windows_world, inside.context, True)


@pytest.fixture
def through(ways):
    """The way through the gateway."""
    yield ways[1]
    ways[1].clear()


@pytest.fixture(scope="package")
def differential(playwright, tmp_path_factory):
    """What runs areas of cases both ways; each area once, for all its tests."""
    made = Suite(tmp_path_factory.mktemp("differential"), playwright)
    try:
        yield made
    finally:
        made.stop()
