"""Real brokers and their own client libraries: natively, and where no WebSocket passes.

Two people talk, one loses the connection and comes back, one leaves: the same page with the same
library each time, directly as a control.
"""

from __future__ import annotations

import contextlib
import json
import urllib.request
from urllib.parse import urlencode

import pytest

from gateway import wire
from tests.browser.apps.ground import Ground
from tests.browser.brokers import proxies, servers
from tests.browser.harness import DOMAIN, direct_rules, resolver_rules, settle

pytestmark = pytest.mark.browser
PAGES = "apps.test"
URLS = {
    "stomp": "wss://queue.test/ws",
    "xmpp": f"wss://{servers.XMPP_HOST}/xmpp-websocket",
    "wamp": "wss://router.test/",
    "socketio": "https://rooms.test/",
}
"""Brokers with a WebSocket of their own, which a page reaches as it would without a gateway."""
POLLED_FIRST: dict[str, str] = {}
SOCKETS_ONLY = {"transports": "websocket"}
"""What Socket.IO's client is told: nothing, so that it begins by polling and goes over to a
WebSocket; or that it has nothing else, so that without one there is no way at all."""
TALKS = [(by, {}) for by in URLS] + [("socketio", SOCKETS_ONLY)]
SERVICES = ("mqtt", "stomp")
"""Brokers that speak TCP, each behind a service of the gateway; their page is not proxied."""
SERVICE = """
[[service]]
name = "{name}"
accept = "/services/{name}"
connect = "tcp://127.0.0.1:{port}"
subprotocols = [{subprotocols}]
subprotocol-required = true
allow-origins = ["https://{pages}"]
validation = "enforce"
"""
TALK = ["ada: hello, Bøb 👋", "bob: hello, Ada", "ada: " + "long " * 4000]
DIRECTLY, NATIVELY, BLOCKED, BUFFERED = "", "natively", "blocked", "buffered"
"""Ways: without a gateway, through it, through a proxy that passes no upgrade on, and through one
that holds answers back besides."""
APART = "apart, "
"""Before a way: on a page that is not proxied, which talks to a service."""


class Brokers(Ground):
    """All brokers, a gateway before them, and a browser for each way."""

    def __init__(self, folder, driver) -> None:
        """Start all of it."""
        self.ports: dict[str, int] = {}
        self._between: dict[bool, int] = {}
        self._emulated = 0
        super().__init__(folder, driver, self._start)

    def _start(self, stack) -> None:
        web_stomp, self.ports["stomp"] = servers.rabbitmq(stack)
        self.ports["mqtt"] = servers.mosquitto(stack)
        sites = {
            "queue.test": web_stomp,
            servers.XMPP_HOST: servers.prosody(stack),
            "router.test": servers.wamp_router(stack),
            "rooms.test": servers.socketio(stack, PAGES),
        }
        proxies.front(stack, sites, PAGES)

    def extra(self) -> str:
        """The gateway's services."""
        names = {"mqtt": ["mqtt", "mqttv3.1"], "stomp": ["v12.stomp", "v11.stomp", "v10.stomp"]}
        return "".join(
            SERVICE.format(
                name=name,
                port=self.ports[name],
                subprotocols=", ".join(f'"{one}"' for one in names[name]),
                pages=PAGES,
            )
            for name in SERVICES
        )

    def rules(self, through) -> str:
        """Where names lead."""
        if through == DIRECTLY:
            return direct_rules(self.stack, self.tripwire)
        rules = resolver_rules(self.stack, self.tripwire)
        if not through.endswith(NATIVELY):
            buffers = through.endswith(BUFFERED)
            if buffers not in self._between:
                self._between[buffers] = proxies.between(self.stack, buffers=buffers)
            there, instead = (
                f" 127.0.0.1:{one}" for one in (self.stack.port, self._between[buffers])
            )
            rules = rules.replace(there, instead)
        if through.startswith(APART):
            pages = self.stack.hosts[f"https://{PAGES}"]
            rules = rules.replace("MAP * ", f"MAP {PAGES}:443 127.0.0.1:{pages}, MAP * ")
        return rules

    def emulated(self) -> bool:
        """Whether WebSockets were emulated since this was last asked."""
        url = f"http://127.0.0.1:{self.stack.admin_port}/websockets"
        with urllib.request.urlopen(url, timeout=5) as answer:
            places = json.load(answer)["places"]
        total = sum(one["total"] for one in places if one["transport"] == "emulated")
        before, self._emulated = self._emulated, total
        return total > before


@pytest.fixture(scope="module")
def ground(playwright, tmp_path_factory):
    """The brokers and the gateway."""
    made = Brokers(tmp_path_factory.mktemp("brokers"), playwright)
    yield made
    made.stop()


def page_of(ground, by: str, name: str, way: str, **more: str) -> str:
    """The address of somebody's page."""
    login = "ada" if by == "stomp" else name
    apart, gateway = way.startswith(APART), f"{DOMAIN}:{ground.stack.port}"
    if apart:
        # The application's own code is the same; it takes the gateway's client for the browser's.
        more["client"] = f"https://{gateway}{wire.ASSET_PATH}websocket.js"
    asked = {
        "by": by,
        "name": name,
        "login": login,
        "password": servers.PEOPLE[login],
        "url": f"wss://{gateway}/services/{by}" if apart else URLS[by],
        "people": ",".join(servers.PEOPLE),
        "domain": servers.XMPP_HOST,
        "realm": servers.REALM,
        **more,
    }
    return f"https://{PAGES}/chat.html?{urlencode(asked)}"


class Talker:
    """Somebody at a page."""

    def __init__(self, ground, person, by: str, name: str, **more: str) -> None:
        """Open it."""
        url = page_of(ground, by, name, person.through, **more)
        if person.through.startswith(APART):
            self.page = self.frame = person.context.new_page()
            self.page.goto(url)
        else:
            self.page, self.frame = person.open(url)

    def online(self, times: int) -> None:
        """Wait until the page is connected for the so manieth time."""
        self.frame.locator("#times", has_text=str(times)).wait_for()

    def say(self, text: str) -> None:
        """Say it."""
        self.frame.fill("#text", text)
        self.frame.click("#say")

    def does(self, what: str, *given: str):
        """Something else that the page's client can do; what it comes to."""
        return self.frame.evaluate("([what, given]) => chat[what](...given)", [what, given])

    def heard(self) -> list[str]:
        """What the page shows."""
        return self.frame.locator("#log li").all_text_contents()

    def hears(self, *texts: str) -> None:
        """Wait until it shows just these, in their order."""
        settle(self.page, lambda: self.heard() == list(texts), f"{texts} is heard: {self.heard()}")


@contextlib.contextmanager
def talking(ground, by: str, way: str, **more: str):
    """Two people, connected."""
    with ground.person(through=way) as one, ground.person(through=way) as other:
        talkers = [
            Talker(ground, person, by, name, **more)
            for person, name in ((one, "ada"), (other, "bob"))
        ]
        for talker in talkers:
            talker.online(1)
        yield talkers
        assert one.complaints == other.complaints == []


def converse(ada, bob) -> None:
    """Publish, subscribe, disconnect, reconnect."""
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


@pytest.mark.parametrize("way", [DIRECTLY, NATIVELY, BLOCKED, BUFFERED])
@pytest.mark.parametrize(("by", "more"), TALKS, ids=[" ".join((by, *more)) for by, more in TALKS])
def test_people_talk(ground, by, more, way):
    """Brokers that a page reaches at an address of theirs."""
    ground.emulated()
    with talking(ground, by, way, **more) as (ada, bob):
        converse(ada, bob)
    assert ground.emulated() == (way in {BLOCKED, BUFFERED})


@pytest.mark.parametrize("way", [DIRECTLY, NATIVELY, BLOCKED, BUFFERED])
@pytest.mark.parametrize("more", [POLLED_FIRST, SOCKETS_ONLY], ids=["polled first", "sockets only"])
def test_rooms(ground, more, way):
    """Socket.IO besides talk: rooms, acknowledgements, octets, many at once, a server's farewell."""
    ground.emulated()
    with talking(ground, "socketio", way, **more) as (ada, bob):
        ada.does("subscribe", "side")
        assert bob.does("publish", "side", "for who is there") == 16
        ada.hears("for who is there")
        ada.does("unsubscribe", "side")
        bob.does("publish", "side", "for nobody")
        sent = bob.frame.evaluate(
            "chat.publish('main', Uint8Array.from({ length: 300_000 }, (_, at) => at % 251))"
        )
        assert sent == 300_000
        picture = f"300000 octets, sum {sum(at % 251 for at in range(300_000))}"
        ada.hears("for who is there", picture)
        bob.hears(picture)
        many = [f"{at} " + "x" * (at % 7 * 100) for at in range(200)]
        sizes = "many => Promise.all(many.map((one) => chat.publish('main', one)))"
        assert ada.frame.evaluate(sizes, many) == [len(one) for one in many]
        ada.hears("for who is there", picture, *many)
        bob.hears(picture, *many)
        bob.does("sendAway")
        bob.frame.locator("#state", has_text="offline io server disconnect").wait_for()
        ada.does("publish", "main", "to who is left")
        bob.does("comeBack")
        bob.online(2)
        ada.say("welcome back")
        bob.hears(picture, *many, "ada: welcome back")
        ada.hears("for who is there", picture, *many, "to who is left", "ada: welcome back")
        for talker in (ada, bob):
            assert talker.frame.locator("#state").text_content() == "online websocket"
    assert ground.emulated() == (way in {BLOCKED, BUFFERED})


@pytest.mark.parametrize("way", [NATIVELY, BLOCKED, BUFFERED])
@pytest.mark.parametrize("version", ["3", "4", "5", ""])
def test_services(ground, version, way):
    """Brokers that speak no WebSocket: MQTT in three versions, and STOMP, on a page of one's own."""
    by = "mqtt" if version else "stomp"
    more = {"version": version} if version else {}
    ground.emulated()
    with talking(ground, by, APART + way, **more) as (ada, bob):
        converse(ada, bob)
    assert ground.emulated() == (way != NATIVELY)
