"""Attacks on the session's cookies: a sibling tosses its own, and evicts the person's.

Against a gateway whose cookies any page may write, as an old browser sees them
(``attacks/unprefixed.py``), and with the prefix that current Chromium keeps.
"""

from __future__ import annotations

import itertools

import pytest
from playwright.sync_api import Error

from tests.browser.attacks.site import BANK, EVIL
from tests.browser.attacks.world import World
from tests.browser.harness import DOMAIN, settle, stays

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def old(playwright, tmp_path_factory):
    """A world whose browser lets any page write the session's cookies."""
    module = "tests.browser.attacks.unprefixed"
    made = World(tmp_path_factory.mktemp("tossing"), playwright, module=module)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def new(playwright, tmp_path_factory):
    """A world as it is."""
    made = World(tmp_path_factory.mktemp("prefixed"), playwright)
    yield made
    made.stop()


def toss(page, cookies: dict[str, str], domain: str, path: str) -> None:
    """What a page of a sibling does by script in a browser that lets it."""
    page.context.add_cookies(
        [
            {"name": name, "value": value, "domain": domain, "path": path, "secure": True}
            for name, value in cookies.items()
        ]
    )


def sign_in(frame, name: str) -> None:
    """Fill in the bank's form and send it; what comes of it is the test's business."""
    frame.locator("#login input").fill(name)
    frame.locator("#login button").click()


def signed_in(world, page, name: str) -> bool:
    """Whether the shown page is the bank's and says so."""
    frame = page.frames[1] if len(page.frames) > 1 else None
    if frame is None or not frame.url.startswith(world.collapsed(BANK)):
        return False
    try:
        return frame.evaluate("document.querySelector('#who')?.textContent") == name
    except Error:  # it may be gone in the middle
        return False


def refused(page) -> bool:
    """Whether the shown page is the gateway's refusal."""
    try:
        return "too old" in page.frames[1].locator("body").inner_text(timeout=1000)
    except Error:  # it may be gone in the middle
        return False


WHAT = {"ick": ("ick",), "datr": ("datr",), "both": ("ick", "datr")}
PATHS = ("/", "/login", "/deep")
LEVELS = (f".0.{DOMAIN}", f".{DOMAIN}")
CASES = [
    *itertools.product(WHAT, PATHS, LEVELS, [False]),
    *itertools.product(["ick", "both"], PATHS, LEVELS, [True]),
]


@pytest.mark.parametrize(("what", "path", "level", "evicted"), CASES)
def test_a_login_never_lands_in_the_attackers_jar(old, what, path, level, evicted):
    """Cookies tossed under an open page: its login is refused, or is the person's own."""
    attacker = old.outsider()
    tossed = {name: attacker.cookies[name] for name in WHAT[what]}
    with old.tab() as page:
        frame = old.open(page, BANK + "/deep/login")
        before, since = old.session(page), old.since()
        if evicted:
            for name in tossed:
                page.context.clear_cookies(name=name)
        toss(page, tossed, level, path)
        sign_in(frame, "Ada")
        settle(page, lambda: bool(old.changes(since)) or refused(page), "the login has ended")
        assert ">nobody<" in attacker.document(BANK + "/")
        # With the attacker's cookies alone nothing arrives; where none of either came along
        # the login was anonymous, and its cookie is in no jar.
        if evicted and path != "/deep":
            assert old.changes(since) == []
        # The outer frame mends the session, and the person can sign in.
        patiently(old, page, "/deep/login", attacker)
        assert before.items() <= old.session(page).items()


def patiently(old, page, path: str, attacker) -> None:
    """Sign in at last: what was tossed may cost a page load or two, and never the login."""
    for _ in range(4):
        frame = old.open(page, BANK + path, tries=3)
        sign_in(frame, "Ada")
        settle(page, lambda: signed_in(old, page, "Ada") or refused(page) or lost(page), "an end")
        assert ">nobody<" in attacker.document(BANK + "/")
        if signed_in(old, page, "Ada"):
            return
    raise AssertionError("the person could not sign in")


def lost(page) -> bool:
    """Whether the shown page was led away, for it was made of tossed cookies."""
    return len(page.frames) < 2 or page.frames[1].url.endswith("/.gateway/oops")


def take_over(page, attacker) -> None:
    """The state after eviction: the attacker's cookies stand where the person's stood."""
    toss(page, {"ick": attacker.cookies["ick"]}, f".0.{DOMAIN}", "/")
    toss(page, {"datr": attacker.cookies["datr"]}, f".{DOMAIN}", "/")


def mended(old, page, before, attacker) -> None:
    """The session is the person's again, the bank's page attested, a login the person's own."""
    settle(page, lambda: before.items() <= old.session(page).items(), "it is restored")
    settle(page, lambda: old.name(page) == "bank.test", "and so is the page")
    sign_in(page.frames[1], "Ada")
    settle(page, lambda: signed_in(old, page, "Ada"), "the person is signed in")
    assert ">nobody<" in attacker.document(BANK + "/")


def test_before_the_page_is_loaded(old):
    """A page made under the attacker's session has no name; the person's comes back."""
    attacker = old.outsider()
    with old.tab() as page:
        old.open(page, BANK + "/")
        before = old.session(page)
        take_over(page, attacker)
        old.open(page, BANK + "/", tries=2)
        mended(old, page, before, attacker)


LOOK = """(() => {
  if (!location.hostname.includes("bank")) return;
  const seen = globalThis.seen = [];
  const look = () => {
    const box = document.querySelector("#login input")?.getBoundingClientRect();
    const { opacity } = getComputedStyle(document.documentElement);
    if (box?.width && opacity !== "0") seen.push(box.width);
    requestAnimationFrame(look);
  };
  look();
})()"""


def test_a_page_made_for_the_attacker_is_unseen(old):
    """Nothing of it is visible from its first moment on, and it has no name."""
    attacker = old.outsider()
    with old.tab() as page:
        frame = old.open(page, EVIL + "/")
        take_over(page, attacker)
        page.add_init_script(LOOK)
        held = []
        page.route("**/.gateway/check", lambda route: held.append(route))
        frame.evaluate("url => { location.href = url }", old.collapsed(BANK) + "/")
        settle(page, lambda: bool(held), "the outer frame asks whether the cookies are its own")
        bank = page.frames[1]
        bank.wait_for_selector("#login input", state="attached")
        stays(page, lambda: bank.evaluate("seen.length") == 0, "nothing of it is seen", 0.5)
        assert old.name(page) == ""
        held[0].continue_()
        page.unroute("**/.gateway/check")


def test_between_hello_and_answer(old):
    """The answer is made of the cookies of its moment: a page half attested is not attested."""
    attacker = old.outsider()
    with old.tab() as page:
        old.open(page, EVIL + "/")
        before = old.session(page)
        names = []

        def meanwhile(route) -> None:
            if not names:
                names.append(old.name(page))
                take_over(page, attacker)
            route.continue_()

        page.route("**/.gateway/attest?*", meanwhile)
        restored = []
        page.on("request", lambda one: restored.append(one.url) if "/restore" in one.url else None)
        page.frames[1].evaluate("url => { location.href = url }", old.collapsed(BANK) + "/")
        settle(page, lambda: bool(restored), "the session is restored")
        assert names == [""]
        old.open(page, BANK + "/", tries=2)
        mended(old, page, before, attacker)


@pytest.mark.parametrize("how", ["history", "link"])
def test_an_old_page_under_another_session(old, how):
    """Back, or by a link again: a page of the person's session under the attacker's cookies."""
    attacker = old.outsider()
    with old.tab() as page:
        frame = old.open(page, BANK + "/")
        before = old.session(page)
        frame.evaluate("url => { location.href = url }", old.collapsed(EVIL) + "/")
        frame = old.shown(page, EVIL + "/")
        settle(page, lambda: old.name(page) == "evil.test", "the hostile page is shown")
        take_over(page, attacker)
        since = old.since()
        back = "history.back()" if how == "history" else "location.href = url"
        frame.evaluate(f"url => {{ setTimeout(() => {back}) }}", old.collapsed(BANK) + "/")
        settle(page, lambda: before.items() <= old.session(page).items(), "it is restored")
        old.open(page, BANK + "/", tries=2)
        mended(old, page, before, attacker)
        assert old.changes(since) == ["POST /login"]


TOSS = """async ([forged, levels]) => {
  const child = document.createElement("iframe");
  document.body.append(child);
  const { set } = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  const write = (text) => {
    for (const one of [document, child.contentDocument]) set.call(one, text);
    child.contentDocument.cookie = text;
  };
  for (const level of levels) {
    const domain = level && `; Domain=${level}`;
    for (let i = 0; i < 200; i++) write(`n${i}=1; Secure; Path=/; Priority=High${domain}`);
    for (const [name, value] of forged) {
      for (const path of ["/", "/login"]) {
        write(`${name}=${value}; Secure; Path=${path}${domain}`);
        await cookieStore.set({ name, value, path, ...(level && { domain: level }) }).catch(() => {});
      }
    }
  }
}"""
LEVELS_TRIED = ["", f"0.{DOMAIN}", DOMAIN]


def test_chromium_keeps_the_prefix(new):
    """No interface of a page writes a session cookie, and 200 others of each kind evict none."""
    attacker = new.outsider()
    with new.tab() as page:
        frame = new.open(page, EVIL + "/")
        before = new.session(page)
        forged = [*attacker.cookies.items()]
        forged += [(name.replace("Http", "HTTP"), value) for name, value in forged]
        frame.evaluate(TOSS, [forged, LEVELS_TRIED])
        values = set(attacker.cookies.values())
        assert not values & {one["value"] for one in page.context.cookies()}
        frame = new.open(page, BANK + "/")
        settle(page, lambda: before.items() <= new.session(page).items(), "it is whole")
        sign_in(frame, "Ada")
        settle(page, lambda: signed_in(new, page, "Ada"), "the person is signed in")
        assert ">nobody<" in attacker.document(BANK + "/")


def test_a_page_that_tosses_by_itself(old):
    """Where the browser lets it, a page tosses by script; the person's login is the person's."""
    attacker = old.outsider()
    with old.tab() as page:
        frame = old.open(page, EVIL + "/")
        frame.evaluate(TOSS, [[*attacker.cookies.items()], LEVELS_TRIED])
        tossed = [one["value"] for one in old.cookies(page, "ick")]
        assert attacker.cookies["ick"] in tossed, "this browser lets no page toss: nothing is tried"
        patiently(old, page, "/", attacker)
