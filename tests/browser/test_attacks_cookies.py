"""Attacks on what scripts write: other sites' cookies, and write tokens that are not one's own."""

from __future__ import annotations

import time
from urllib.parse import quote, urlsplit

import pytest

from gateway import wire
from tests.browser.attacks.site import BANK, EVIL
from tests.browser.attacks.world import World
from tests.browser.harness import DOMAIN, NATIVELY

pytestmark = pytest.mark.browser
TOKENS = "fetch('/.gateway/cookies').then((answer) => answer.json()).then(({ write }) => write)"
SEND = """async (lines) => {
  const answer = await fetch("/.gateway/cookies", { method: "POST", body: lines.join("\\n") });
  return (await answer.json()).cookies.map(([name]) => name);
}"""


@pytest.fixture(scope="module")
def world(playwright, tmp_path_factory):
    """One world for all tests."""
    made = World(tmp_path_factory.mktemp("scripts"), playwright)
    yield made
    made.stop()


def line(token: str, text: str) -> str:
    """A write as the runtime flushes it."""
    return f"{time.time_ns() // 1000} {token} {quote(text)}"


def sent_to(world, page, origin: str) -> str:
    """The cookies that go to a site when a person opens it now."""
    since = world.since()
    world.open(page, origin + "/")
    host = urlsplit(origin).hostname
    asked = [one for one in world.site.log[since:] if one.host == host]
    assert asked, "the site was asked"
    return "; ".join(one.fields.get("Cookie") or "" for one in asked)


def refusals(world) -> int:
    """How many writes without a token the log tells of."""
    return world.stack.gateway.text().count('"code": "cookie.token"')


def test_control(world):
    """A page's own write, with its own token, reaches the site; for the jar is open to it."""
    with world.tab() as page:
        frame = world.open(page, BANK + "/")
        tokens = frame.evaluate(TOKENS)
        assert list(tokens) == ["bank.test"], "one for each domain that it may set, no suffix"
        assert "own" in frame.evaluate(SEND, [line(tokens["bank.test"], "own=1; Path=/")])
        frame.evaluate("document.cookie = 'plain=1; Path=/'")
        found = sent_to(world, page, BANK)
        assert "own=1" in found
        assert "plain=1" in found


def test_another_sites_cookie(world):
    """``document.cookie`` for another site, a public suffix, the gateway: nothing comes of it."""
    with world.tab() as page:
        frame = world.open(page, EVIL + "/")
        for domain in ("bank.test", ".bank.test", "test", "www.0.gw.test", "0.gw.test", "gw.test"):
            frame.evaluate(f"document.cookie = 'planted=1; Domain={domain}; Path=/'")
        assert "planted" not in frame.evaluate("document.cookie")
        frame.evaluate("fetch('/')")
        assert "planted" not in sent_to(world, page, BANK)
        assert "planted" not in sent_to(world, page, EVIL)
        names = {one["name"] for one in page.context.cookies()}
        assert "planted" not in names, "nor in the browser itself"


def test_tokens_that_are_not_ones_own(world):
    """Forged, of another domain, another writer's, another person's, of a former session."""
    with world.tab() as stranger:
        others = world.open(stranger, BANK + "/").evaluate(TOKENS)["bank.test"]
    with world.tab() as page:
        banks = world.open(page, BANK + "/").evaluate(TOKENS)["bank.test"]
        frame = world.open(page, EVIL + "/")
        evils = frame.evaluate(TOKENS)["evil.test"]
        before = refusals(world)
        tries = {
            "none": "",
            "forged": "A" * 22,
            "of another domain": evils,
            "of another writer": banks,
            "of another person": others,
        }
        for kind, token in tries.items():
            text = "planted=1; Domain=bank.test; Path=/"
            assert frame.evaluate(SEND, [line(token, text)]) == [], kind
        assert refusals(world) == before + len(tries)
        assert "planted" not in sent_to(world, page, BANK)
        frame = world.open(page, BANK + "/")
        for kind in ("none", "forged", "of another domain", "of another person"):
            text = "planted=1; Path=/"
            assert "planted" not in frame.evaluate(SEND, [line(tries[kind], text)]), kind
        assert "planted" not in sent_to(world, page, BANK)


def test_a_replayed_write(world):
    """A write that comes again does not undo what came after it."""
    with world.tab() as page:
        frame = world.open(page, BANK + "/")
        token = frame.evaluate(TOKENS)["bank.test"]
        first = line(token, "state=old; Path=/")
        frame.evaluate(SEND, [first])
        frame.evaluate(SEND, [line(token, "state=new; Path=/")])
        frame.evaluate(SEND, [first])
        assert "state=new" in sent_to(world, page, BANK)


def test_carriers_of_a_sibling(world):
    """The browser keeps a sibling from tossing a carrier; one that is there all the same is none."""
    name = wire.CARRIER_PREFIX.decode() + "1"
    with world.tab() as page:
        world.open(page, BANK + "/")
        evil = world.open(page, EVIL + "/")
        evils = evil.evaluate(TOKENS)["evil.test"]
        host = urlsplit(world.collapsed(BANK)).hostname
        carrier = f"{evils}.{quote('planted=1; Path=/')}"
        forged = f"{name}={carrier}"
        texts = [forged, forged.lower(), forged.upper(), "=" + forged, "harmless=planted"]
        evil.evaluate(NATIVELY, [f"{one}; Domain=0.{DOMAIN}; Path=/; Secure" for one in texts])
        tossed = [one for one in page.context.cookies() if one["domain"] == f".0.{DOMAIN}"]
        names = {one["name"] for one in tossed if not one["httpOnly"]}
        assert names == {"harmless"}, "the try reaches the browser's store, and no carrier does"
        assert "planted" not in sent_to(world, page, BANK), "nor does a site get what was tossed"
        put = {"name": name, "value": carrier, "domain": host, "path": "/"}
        page.context.add_cookies([{**put, "secure": True, "sameSite": "Lax"}])
        assert "planted" not in sent_to(world, page, BANK)
        left = [one for one in page.context.cookies() if one["name"] == name]
        assert not left, "it is expired all the same"
