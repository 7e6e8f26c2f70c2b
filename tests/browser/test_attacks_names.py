"""Attacks on the name in the address bar: it is the attested document's, or there is none.

A page without the gateway's runtime is put in the network's place: however a site got rid of
the runtime, it has no more than that.
"""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.browser.attacks.raw import made_for, payload, show_raw
from tests.browser.attacks.site import BANK, EVIL
from tests.browser.attacks.world import World
from tests.browser.harness import settle, stays

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def world(playwright, tmp_path_factory):
    """One world for all tests."""
    made = World(tmp_path_factory.mktemp("names"), playwright)
    yield made
    made.stop()


def is_seen(frame, selector: str) -> bool:
    """Whether a part of a page is there and shown: it is laid out before it is."""
    script = "(one) => getComputedStyle(one.ownerDocument.documentElement).opacity !== '0'"
    found = frame.locator(selector)
    return found.is_visible() and found.evaluate(script)


def test_it_could_have_been(world):
    """A page that tells the truth by itself has its name, and no other: the tries can succeed."""
    with world.tab() as page:
        made = made_for(world, page, EVIL + "/")
        how = {"nonce": made["nonce"], "proof": made["proof"], "answer": "true"}
        frame = show_raw(world, page, how)
        settle(page, lambda: world.name(page) == "evil.test", "it has its own name")
        assert frame.evaluate("heard") == ["challenge", "ack"]


def test_a_late_one_has_no_name_before(world):
    """Until it has answered, the name of the page before is gone."""
    with world.tab() as page:
        made = made_for(world, page, EVIL + "/")
        how = {"nonce": made["nonce"], "proof": made["proof"], "answer": "true", "delay": 2500}
        show_raw(world, page, how)
        settle(page, lambda: world.name(page) == "", "the name goes")
        stays(page, lambda: world.name(page) == "", "there is no name", 1.5)
        settle(page, lambda: world.name(page) == "evil.test", "it has its own name")


LIES = {
    "nothing at all": lambda **_: {},
    "a forged proof": lambda own, **_: {**own, "proof": "A" * 43},
    "no proof": lambda own, **_: {**own, "proof": ""},
    "the proof of another page": lambda own, bank, **_: bank,
    "its name too": lambda bank, at, **_: {**bank, "own": at},
    "the proof of another nonce": lambda own, bank, **_: {**own, "nonce": bank["nonce"]},
    "the proof of another user": lambda theirs, **_: theirs,
    "no answer": lambda own, **_: {**own, "answer": ""},
    "a forged answer": lambda own, **_: {**own, "answer": "forged"},
    "the answer to another challenge": lambda own, **_: {**own, "answer": "of another challenge"},
    "the answer of another page": lambda own, **_: {**own, "answer": "of another nonce"},
}


@pytest.mark.parametrize("lie", LIES)
def test_whoever_lies_has_no_name(world, lie):
    """No name stands and no port is given; the session goes on."""
    with world.tab() as page:
        bank = made_for(world, page, BANK + "/")
        own = made_for(world, page, EVIL + "/")
        theirs = payload(world.outsider().document(EVIL + "/"))
        before = world.session(page)
        known = {"own": own, "bank": bank, "theirs": theirs}
        words = {
            name: {"nonce": one["nonce"], "proof": one["proof"], "answer": "true"}
            for name, one in known.items()
        }
        frame = show_raw(world, page, LIES[lie](**words, at=world.collapsed(BANK)))
        settle(page, lambda: world.name(page) == "", "the name of the page before is gone")
        if lie in {"nothing at all", "no answer"}:
            stays(page, lambda: world.name(page) == "", "no name stands", 1.5)
            assert "ack" not in frame.evaluate("heard")
        else:
            oops, names = world.collapsed(EVIL) + "/.gateway/oops", set()
            gone = lambda: names.add(world.name(page)) or page.frames[1].url == oops
            settle(page, gone, "it is led away")
            assert names == {""}, "no name stands"
        assert world.session(page) == before
        world.open(page, BANK + "/")


def test_an_opaque_origin_has_no_name(world):
    """A page that its own policy sandboxes is nobody, whosever proof it has."""
    with world.tab() as page:
        bank = made_for(world, page, BANK + "/")
        world.open(page, EVIL + "/")
        how = {"nonce": bank["nonce"], "proof": bank["proof"], "own": world.collapsed(BANK)}
        frame = show_raw(world, page, how, **{"Content-Security-Policy": "sandbox allow-scripts"})
        frame.wait_for_function("heard.includes('ack')")
        stays(page, lambda: world.name(page) == "", "no name stands", 2.5)


def test_a_page_that_wrote_itself_anew_leaves_its_name(world):
    """document.open() takes listeners away; what is linked there still has its own name."""
    with world.tab() as page:
        frame = world.open(page, BANK + "/")
        body = (
            f'<a id=go href="{EVIL}/">more</a>'
            "<form method=post action=/login><input name=name value=Ada><button>Sign</button></form>"
        )
        write = "text => { document.open(); document.write(text); document.close(); }"
        frame.evaluate(write, body)
        frame.get_by_role("button", name="Sign").click()
        frame.locator("#who", has_text="Ada").wait_for()
        frame.evaluate(write, body)
        names = []
        evil = world.collapsed(EVIL)
        frame.locator("#go").click()

        def there() -> bool:
            shown = page.frames[1]
            # What is there and not shown yet has no name; whose stands is nobody's matter.
            visible = shown.url.startswith(evil) and is_seen(shown, "body")
            names.append((visible, world.name(page)))
            return names[-1] == (True, "evil.test")

        settle(page, there, "the other page has its own name")
        assert (True, "bank.test") not in names


def test_a_page_that_wrote_itself_anew_does_not_lend_its_name(world):
    """Nor to a page that says nothing: the name goes when the document does."""
    with world.tab() as page:
        frame = world.open(page, BANK + "/")
        frame.evaluate("() => { document.open(); document.write('<p>new'); document.close(); }")
        show_raw(world, page, {})
        settle(page, lambda: world.name(page) == "", "the name goes", 2)


def test_a_page_that_leaves_without_a_word(world):
    """One that keeps the runtime from telling leaves no name to what a person sees next."""
    with world.tab() as page:
        frame = world.open(page, EVIL + "/")
        held = []
        page.route("**/.gateway/attest?*", lambda route: held.append(route))
        frame.evaluate(
            "url => { MessagePort.prototype.postMessage = () => {}; location.href = url }",
            world.collapsed(BANK) + "/",
        )
        settle(page, lambda: bool(held), "the next page is asked for its answer")
        assert world.name(page) == "evil.test", "nobody told that the page is left"
        bank, names = page.frames[1], []
        bank.wait_for_selector("#login", state="attached")

        def there() -> bool:
            visible = is_seen(bank, "#login")
            names.append((visible, world.name(page)))
            return names[-1] == (True, "bank.test")

        stays(page, lambda: not there() and not names[-1][0], "the next is not seen yet", 0.5)
        held[0].continue_()
        settle(page, there, "the next has its own name")
        assert (True, "evil.test") not in names


def test_a_silent_page_loses_its_name(world):
    """A page that keeps the port's words back and shows another is soon nameless."""
    with world.tab() as page:
        frame = world.open(page, EVIL + "/")
        frame.evaluate("() => { MessagePort.prototype.postMessage = () => {} }")
        show_raw(world, page, {})
        settle(page, lambda: world.name(page) == "", "the name goes", 15)


def test_an_endless_loop_loses_its_name(world):
    """A page that no longer answers has no name, and the outer frame still works."""
    with world.tab() as page:
        frame = world.open(page, EVIL + "/")
        frame.evaluate("() => { setTimeout(() => { for (;;); }, 50) }")
        settle(page, lambda: world.name(page) == "", "the name goes", 20)
        assert page.locator("#notice").is_visible()
        world.open(page, BANK + "/")


def test_waiting_for_another_page_has_not_its_name(world):
    """While the next page never comes, the name is that of the page which is shown."""
    with world.tab() as page:
        frame = world.open(page, EVIL + "/")
        frame.evaluate("url => { location.href = url }", world.collapsed(BANK) + "/hang")
        stays(page, lambda: world.name(page) in {"evil.test", ""}, "never the bank's", 3)
        assert page.frames[1].url.startswith(world.collapsed(EVIL))


def test_a_page_that_never_finishes_loading(world):
    """No load event ever comes; the name is its own, whatever its address and title say."""
    with world.tab() as page:
        page.goto(world.stack.outer + EVIL + "/?extra=" + quote("<img src=/hang>"))
        settle(page, lambda: world.name(page) == "evil.test", "it has its own name")
        page.frames[1].evaluate(
            """() => {
              document.title = "bank.test";
              history.replaceState(null, "", "/https://bank.test/");
              dispatchEvent(new Event("popstate"));
            }"""
        )
        stays(page, lambda: world.name(page) == "evil.test", "it keeps its own", 2.5)
        assert not page.frames[1].evaluate("document.readyState === 'complete'")
        assert page.url.startswith(world.stack.outer + EVIL + "/")
