"""Real brokers and their own client libraries: natively, and where no WebSocket passes.

Two people talk, one loses the connection and comes back, one leaves: the same page with the same
library each time, directly as a control.
"""

from __future__ import annotations

import contextlib
from urllib.parse import urlencode

import pytest

from tests.browser.apps.ground import Ground
from tests.browser.brokers import proxies, servers
from tests.browser.harness import settle

pytestmark = pytest.mark.browser
PAGES = "apps.test"
URLS = {
    "stomp": "wss://queue.test/ws",
    "xmpp": f"wss://{servers.XMPP_HOST}/xmpp-websocket",
    "wamp": "wss://router.test/",
}
TALK = ["ada: hello, Bøb 👋", "bob: hello, Ada", "ada: " + "long " * 4000]
DIRECTLY, NATIVELY = "directly", "natively"


class Brokers(Ground):
    """All brokers, a gateway before them, and a browser for each way."""

    def __init__(self, folder, driver) -> None:
        """Start all of it."""
        super().__init__(folder, driver, self._start)

    def _start(self, stack) -> None:
        web_stomp, self.stomp = servers.rabbitmq(stack)
        self.mqtt = servers.mosquitto(stack)
        sites = {
            "queue.test": web_stomp,
            servers.XMPP_HOST: servers.prosody(stack),
            "router.test": servers.wamp_router(stack),
        }
        proxies.front(stack, sites, PAGES)


@pytest.fixture(scope="module")
def ground(playwright, tmp_path_factory):
    """The brokers and the gateway."""
    made = Brokers(tmp_path_factory.mktemp("brokers"), playwright)
    yield made
    made.stop()


def page_of(by: str, name: str) -> str:
    """The address of somebody's page."""
    login = "ada" if by == "stomp" else name
    asked = {
        "by": by,
        "name": name,
        "login": login,
        "password": servers.PEOPLE[login],
        "url": URLS[by],
        "people": ",".join(servers.PEOPLE),
        "domain": servers.XMPP_HOST,
        "realm": servers.REALM,
    }
    return f"https://{PAGES}/chat.html?{urlencode(asked)}"


class Talker:
    """Somebody at a page."""

    def __init__(self, person, by: str, name: str) -> None:
        """Open it."""
        self.page, self.frame = person.open(page_of(by, name))

    def online(self, times: int) -> None:
        """Wait until the page is connected for the so manieth time."""
        self.frame.locator("#times", has_text=str(times)).wait_for()

    def say(self, text: str) -> None:
        """Say it."""
        self.frame.fill("#text", text)
        self.frame.click("#say")

    def heard(self) -> list[str]:
        """What the page shows."""
        return self.frame.locator("#log li").all_text_contents()

    def hears(self, *texts: str) -> None:
        """Wait until it shows just these, in their order."""
        settle(self.page, lambda: self.heard() == list(texts), f"{texts} is heard: {self.heard()}")


@contextlib.contextmanager
def talking(ground, by: str, *, through: bool):
    """Two people, connected."""
    with ground.person(through=through) as one, ground.person(through=through) as other:
        ada, bob = Talker(one, by, "ada"), Talker(other, by, "bob")
        for talker in (ada, bob):
            talker.online(1)
        yield ada, bob
        assert one.complaints == other.complaints == []


@pytest.mark.parametrize("way", [DIRECTLY, NATIVELY])
@pytest.mark.parametrize("by", URLS)
def test_people_talk(ground, by, way):
    """Publish, subscribe, disconnect, reconnect."""
    with talking(ground, by, through=way != DIRECTLY) as (ada, bob):
        said = []
        for text in TALK:
            name, _, words = text.partition(": ")
            (ada if name == "ada" else bob).say(words)
            said.append(f"{name}: {words}")
            for talker in (ada, bob):
                talker.hears(*said)
        bob.frame.click("#drop")
        bob.online(2)
        ada.say("welcome back")
        said.append("ada: welcome back")
        for talker in (ada, bob):
            talker.hears(*said)
        bob.frame.click("#leave")
        bob.frame.locator("#state", has_text="offline").wait_for()
        ada.say("alone")
        ada.hears(*said, "ada: alone")
        assert bob.heard() == said
