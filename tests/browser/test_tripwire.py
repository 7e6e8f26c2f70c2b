"""No page reaches a foreign host past the gateway, by any of the ways in ``tripwire.ways``.

The foreign hosts are there twice: to the browser they are the tripwire, to the gateway another
server.  What comes through the gateway is no leak and is told apart from what comes past it.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import attrs
import pytest
from playwright.sync_api import Error as BrowserError

from tests.browser.harness import Stack, direct_rules, launch, resolver_rules, until
from tests.browser.tripwire.site import SITE, Site
from tests.browser.tripwire.ways import PAGES, WAYS, ZONE, Way
from tests.browser.tripwire.wire import Wire, until_quiet

pytestmark = pytest.mark.browser
SITE_HOST = SITE.removeprefix("https://")
BATCH = 6  # pages that load at a time
STILL = 1.5  # seconds of silence that count as the end
LIMIT = 15


@attrs.frozen
class Run:
    """What one run of all pages left behind; requests and connections are by way."""

    requests: Counter[str]
    connections: Counter[str]
    datagrams: Counter[str]
    through: Counter[str]

    def has(self, way: Way) -> bool:
        """Whether the tripwire got of a way what its entry says."""
        if way.signal == "connection" and way.name in self.connections:
            return True
        return way.name in self.requests or way.signal in self.datagrams


def way_of(host: str, path: str = "") -> str:
    """The name of the way that led here; or host and path themselves."""
    name, _, zone = host.rstrip(".").partition(".")
    return name if zone == ZONE else host + path


class World:
    """A site that tries all ways, the foreign hosts as the gateway knows them, the tripwire."""

    def __init__(self, folder: Path) -> None:
        """Start the servers."""
        self.stack = Stack(folder)
        files = self.stack.certificate("ways", SITE_HOST, ZONE, f"*.{ZONE}")
        self.tripwire = Wire(files)
        self.behind = Wire(files)
        self.site = Site(self.tripwire.port)
        self.home = Wire(files, self.site)
        self.stack.hosts[SITE] = self.home.port
        for way in WAYS:
            self.stack.hosts[f"https://{way.host}"] = self.behind.port

    @property
    def wires(self) -> list[Wire]:
        """Every server that a page may come to."""
        return [self.tripwire, self.behind, self.home]

    def stop(self) -> None:
        """End everything."""
        self.stack.stop()
        for wire in self.wires:
            wire.close()

    def launch(self, driver, rules: str):
        """A browser with an ordinary profile: a private window opens no connections early.

        It trusts our certificates as if a public authority had signed them; where it only
        forgives them it takes no service worker and no reporting endpoint.
        """
        trust = self.stack.trust("ways", "gateway")
        # Without the last flag reports come a minute later, and in the shell never.
        return launch(driver, rules, trust, "--short-reporting-delay", profile="", windowed=True)

    def visit(self, context, prefix: str) -> Run:
        """Open every page in a tab of its own, and see who called."""
        self.site.done.clear()
        before = [one.seen for one in self.wires]
        for start in range(0, len(PAGES), BATCH):
            batch = PAGES[start : start + BATCH]
            for name in batch:
                tab = context.new_page()
                # A page that leaves at once interrupts its own loading.
                with contextlib.suppress(BrowserError):
                    tab.goto(f"{prefix}{SITE}/p/{name}", wait_until="commit")
            until(lambda: self.site.done.issuperset(batch), f"{batch} did what they do")
        # Nothing tells that nothing more will come; a bounded silence has to.
        until_quiet(self.wires, STILL, LIMIT, lambda: tab.wait_for_timeout(50))
        with contextlib.suppress(BrowserError):
            tab.goto(f"https://armed.{ZONE}/", wait_until="commit")
        context.close()
        # What pages still send as they end.
        until_quiet(self.wires, STILL, LIMIT, lambda: None)
        return self._since(before)

    def _since(self, before) -> Run:
        (asked, connected, sent), (through, _, _), _ = before
        wire = self.tripwire
        bare = [one.label for one in wire.connections[connected:] if not one.requests]
        requests = Counter(way_of(one.host, one.path) for one in wire.requests[asked:])
        connections = Counter(way_of(one) for one in bare)
        connections.pop("armed", None)
        assert requests.pop("armed"), "the tripwire was not in the browser's way"
        return Run(
            requests,
            connections,
            Counter(wire.datagrams[sent:]),
            Counter(way_of(one.host, one.path) for one in self.behind.requests[through:]),
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """One world for both runs."""
    made = World(tmp_path_factory.mktemp("tripwire"))
    try:
        made.stack.start_gateway()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def gateway_run(playwright, world):
    """All pages inside the outer frame."""
    rules = resolver_rules(world.stack, world.tripwire)
    with contextlib.closing(world.launch(playwright, rules)) as context:
        return world.visit(context, world.stack.outer)


@pytest.fixture(scope="module")
def direct_run(playwright, world):
    """All pages without a gateway: the tripwire is the foreign host."""
    known = SimpleNamespace(hosts={SITE: world.home.port})
    rules = direct_rules(known, world.tripwire)
    with contextlib.closing(world.launch(playwright, rules)) as context:
        return world.visit(context, "")


def told(counter: Counter[str]) -> str:
    """A counter as a line; empty if it is."""
    return ", ".join(f"{name} ({count})" for name, count in sorted(counter.items()))


def test_each_way_has_its_own_name():
    """Arrivals are told apart by it, and it is a label of a host name."""
    names = [way.name for way in WAYS]
    assert len(set(names)) == len(names)
    assert max(len(name) for name in names) < 40
    known = {"request", "connection", "stun", "check", "quic", "none"}
    assert {way.signal for way in WAYS} == known


def test_without_a_gateway_the_ways_arrive(direct_run):
    """The control: what the other tests find absent would be there."""
    arrived = [way.name for way in WAYS if direct_run.has(way)]
    expected = [way for way in WAYS if way.signal != "none"]
    missing = [way.name for way in expected if way.name not in arrived]
    surprising = [way.name for way in WAYS if way.signal == "none" and way.name in arrived]
    print(f"\n{len(arrived)} of {len(WAYS)} ways arrived without a gateway")
    print("did not, and should:", ", ".join(missing) or "none")
    print("did, and need not:", ", ".join(surprising) or "none")
    assert len(arrived) >= 60
    # Another version of the browser may know a few ways more or less.
    assert len(missing) < len(expected) / 10, missing


def test_no_request_leaves(gateway_run):
    """No request of any page comes to a foreign host past the gateway."""
    print("\ncame through the gateway:", told(gateway_run.through))
    assert told(gateway_run.requests) == ""


# The containment policy stops these navigations after the browser has connected: Chromium's
# windows connect as a frame's navigation begins, before they ask the policy (its shell without
# windows does not).  `Location` cannot be hooked; a blank child frame and a document with an
# opaque origin fire no `navigate` event (document.open, pushState and eval change nothing of
# that); script in what a service worker makes up runs without the runtime.  No request is sent.
STOPPED_AFTER_CONNECTING = {
    "frame-data-location",
    "frame-srcdoc-sandboxed-location",
    "iframe-indexed",
    "iframe-location",
    "iframe-location-href",
    "sw-document-frame",
}


def test_no_connection_leaves(gateway_run):
    """Not even a connection is opened: its server name alone would tell where people go."""
    print("\nstopped after connecting:", told(gateway_run.connections))
    assert set(gateway_run.connections) <= STOPPED_AFTER_CONNECTING


def test_no_datagram_leaves(gateway_run):
    """Neither STUN nor QUIC: both would show a person's own address."""
    assert told(gateway_run.datagrams) == ""
