"""A browser without localStorage: its session in two steps, its sites on a domain of their own."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error

from tests.browser import harness
from tests.browser.harness import DOMAIN, Stack, frame_of, launch, resolver_rules, settle

pytestmark = pytest.mark.browser
APART = "i.test"
SHOP = "https://shop.demo.example"
STRICT = "https://strict.test"
SESSION = {"__Http-ick", "__Http-datr"}
KEPT = {"__Host-gw-ickt", "__Host-gw-restore"}


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """A gateway that has a domain apart, and the origins."""
    made = Stack(tmp_path_factory.mktemp("apart"), APART)
    made.start_origins()
    made.start_gateway()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def browsers(playwright, apart, tripwire):
    """A browser without localStorage, and an ordinary one."""
    rules = resolver_rules(apart, tripwire)
    made = [
        launch(playwright, rules, *flags, windowed=True)
        for flags in (("--disable-local-storage",), ())
    ]
    yield made
    for one in made:
        one.close()


def _page(browser):
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1000, "height": 700})
    context.set_default_timeout(20_000)
    return context.new_page()


@pytest.fixture
def bare(browsers):
    """A page in a fresh profile of the browser without localStorage."""
    page = _page(browsers[0])
    yield page
    page.context.close()


@pytest.fixture
def ordinary(browsers):
    """A page in a fresh profile of the ordinary browser."""
    page = _page(browsers[1])
    yield page
    page.context.close()


def codecs(stack):
    """The codec of ordinary browsers, and that of those without localStorage."""
    return stack.codec.apart(APART)


def open_site(stack, page, url, *, far: bool = True):
    """Open an address in the outer frame; the frame that shows it."""
    return harness.open_site(stack, page, url, codecs(stack)[far])


def cookies(page):
    """The browser's cookies by name and domain, as its own store tells them."""
    found = page.context.new_cdp_session(page).send("Network.getAllCookies")["cookies"]
    return {(one["name"], one["domain"]): one for one in found}


def test_two_steps(apart, bare, shots):
    """The session comes by itself, and the site is shown below the other domain."""
    asked = []
    bare.on("request", lambda request: asked.append((request.method, request.url)))
    frame = open_site(apart, bare, SHOP + "/")
    assert bare.evaluate("window.localStorage") is None
    assert frame.locator("h1").inner_text().split() == ["Hello", "from", "shop.demo.example"]
    settle(bare, lambda: bare.title() == "The demo shop", "the title follows")
    assert bare.locator("#origin").inner_text() == "shop.demo.example"
    assert bare.url == apart.outer + SHOP + "/"
    frame.locator("#api", has_text="other origin").wait_for()
    bare.screenshot(path=shots / "apart.png")
    posts = [url for method, url in asked if method == "POST"]
    secure, other = (f"https://www.0.{one}:{apart.port}/.gateway/" for one in (DOMAIN, APART))
    assert posts == [secure + "bootstrap", other + "settle", other + "check"]
    assert not any(f"example.0.{DOMAIN}" in url for _, url in asked)


def test_where_cookies_are(apart, bare):
    """The secret is on the other domain alone, partitioned; what attests it here alone."""
    open_site(apart, bare, SHOP + "/")
    found = cookies(bare)
    secure, other = f"www.0.{DOMAIN}", f".0.{APART}"
    wanted = {(name, secure) for name in KEPT} | {(name, other) for name in SESSION}
    assert set(found) == wanted
    for (name, _), one in found.items():
        assert one["secure"], name
        assert one["httpOnly"] == (name != "__Host-gw-ickt"), name
        assert one["path"] == "/"
        assert one["priority"] == "High"
        assert one["sameSite"] == ("None" if name in SESSION else "Strict"), name
        partition = one.get("partitionKey")
        if name in SESSION:
            assert partition["topLevelSite"] == f"https://{DOMAIN}", name
            assert partition["hasCrossSiteAncestor"] is True, name
        else:
            assert partition is None, name


def test_cookies_of_sites(apart, bare):
    """A site counts visits over several loads, its form works, and its cookies stay in the jar."""
    frame = open_site(apart, bare, SHOP + "/")
    assert frame.locator("#visits").inner_text() == "1"
    frame.locator("input[name=name]").fill("Ada")
    frame.get_by_role("button", name="Remember me").click()
    frame.locator("h1", has_text="Ada").wait_for()
    assert frame.locator("#visits").inner_text() == "2"
    before = cookies(bare)
    frame = open_site(apart, bare, SHOP + "/")
    assert frame.locator("#visits").inner_text() == "3"
    assert frame.locator("#cookie").inner_text() == "name=Ada"
    after = cookies(bare)
    assert {key: one["value"] for key, one in after.items()} == {
        key: one["value"] for key, one in before.items()
    }


def test_chat(apart, bare):
    """A redirect and a WebSocket stay on the other domain, with the session."""
    frame = open_site(apart, bare, SHOP + "/")
    frame.get_by_text("The chat, on another origin").click()
    chat = frame_of(apart, bare, "https://chat.demo.example", codecs(apart)[1])
    chat.locator("#state", has_text="connected").wait_for()


def test_nothing_leaves(apart, bare, tripwire):
    """A page that tries to reach a foreign host in many ways reaches the gateway or nobody."""
    before = list(tripwire.touched)
    frame = open_site(apart, bare, STRICT + "/leaky")
    frame.wait_for_function("document.title.startsWith('done')")
    assert tripwire.touched == before


def test_lost_cookies_come_back(apart, bare):
    """When the other domain's cookies go, the same session is offered again."""
    frame = open_site(apart, bare, SHOP + "/")
    before = cookies(bare)
    bare.context.clear_cookies(domain=f".0.{APART}")
    assert {name for name, _ in cookies(bare)} == KEPT
    frame = open_site(apart, bare, SHOP + "/")

    def restored() -> bool:
        now = cookies(bare)
        return all(key in now and now[key]["value"] == before[key]["value"] for key in before
                   if key[0] in SESSION)  # fmt: skip

    settle(bare, restored, "the same cookies are back")
    settle(bare, lambda: frame_visits(apart, bare) == "2", "the site knows its visitor")
    del frame


def frame_visits(stack, page) -> str:
    """What the shop counted; empty while the page gives way to another."""
    try:
        return frame_of(stack, page, SHOP, codecs(stack)[1]).locator("#visits").inner_text()
    except Error:
        return ""


def test_lost_ickt_is_a_new_session(apart, bare):
    """Without what attests it, the old session's cookies are replaced by a new pair."""
    open_site(apart, bare, SHOP + "/")
    before = cookies(bare)
    bare.context.clear_cookies(domain=f"www.0.{DOMAIN}")
    frame = open_site(apart, bare, SHOP + "/")
    assert frame.locator("#visits").inner_text() == "1"
    after = cookies(bare)
    assert set(after) == set(before)
    assert all(after[key]["value"] != before[key]["value"] for key in before)


def test_pages_cannot_settle(apart, bare, ordinary):
    """A site's page can neither frame the settle page nor ask its endpoints, on any host."""
    offer = _offer(apart, ordinary)
    frame = open_site(apart, bare, SHOP + "/")
    before = cookies(bare)
    outcome = frame.evaluate(
        """async ([url, offer]) => {
          const tries = [];
          for (const mode of ["cors", "no-cors"]) {
            const asked = fetch(url, { method: "POST", mode, credentials: "include", body: offer });
            tries.push(await asked.then((r) => r.type + r.status, (e) => e.name));
          }
          const child = document.createElement("iframe");
          const heard = new Promise((done) => {
            addEventListener("message", (e) => e.data?.gw === 1 && done("heard"));
            setTimeout(() => done("silent"), 1500);
          });
          child.src = url;
          document.body.append(child);
          await new Promise((done) => child.addEventListener("load", done));
          child.contentWindow.postMessage({ gw: 1, type: "settle", n: 1, ...JSON.parse(offer) }, "*");
          return [...tries, await heard];
        }""",
        [f"https://www.0.{APART}:{apart.port}/.gateway/settle", offer],
    )
    assert "heard" not in outcome, outcome
    assert "basic200" not in outcome, outcome
    assert cookies(bare) == before


def _offer(stack, page) -> str:
    """An offer that an attacker made for themselves."""
    page.goto(stack.codec.secure_origin + "/")
    return page.evaluate(
        """async () => {
          const body = JSON.stringify({ apart: true });
          const answer = await fetch("/.gateway/bootstrap", { method: "POST", body });
          const { text, nonce } = await answer.json();
          return JSON.stringify({ text, nonce });
        }"""
    )


def test_the_same_gateway_in_an_ordinary_browser(apart, ordinary):
    """Browsers with localStorage have the first variant, and nothing on the other domain."""
    frame = open_site(apart, ordinary, SHOP + "/", far=False)
    assert frame.locator("#visits").inner_text() == "1"
    assert ordinary.evaluate("localStorage.getItem('gw.ickt')")
    found = cookies(ordinary)
    assert {name for name, _ in found} == SESSION
    assert all(APART not in domain for _, domain in found)
    assert all("partitionKey" not in one for one in found.values())
    frame = open_site(apart, ordinary, SHOP + "/", far=False)
    assert frame.locator("#visits").inner_text() == "2"


def test_third_parties_have_no_other_cookies(apart, bare):
    """This browser blocks what is not partitioned, so that nothing here rests on it."""
    bare.goto(apart.codec.secure_origin + "/")
    place = f"https://www.0.{APART}:{apart.port}/.gateway/settle?probe"
    bare.evaluate(
        """url => new Promise((done) => {
          const child = document.createElement("iframe");
          child.src = url;
          child.onload = done;
          document.body.append(child);
        })""",
        place,
    )
    (child,) = [frame for frame in bare.frames if frame.url == place]
    seen = child.evaluate(
        """() => {
          document.cookie = "plain=1; Secure; SameSite=None";
          document.cookie = "kept=1; Secure; SameSite=None; Partitioned";
          return document.cookie;
        }"""
    )
    assert seen == "kept=1"


def _offered(stack, browser):
    """What the first step handed to a browser, before anybody used it."""
    page, caught = _page(browser), []

    def catch(route):
        if route.request.method == "POST":
            caught.append(route.request.post_data_json)
            route.abort()
        else:
            route.continue_()

    page.context.route("**/.gateway/settle**", catch)
    page.goto(stack.codec.secure_origin + "/")
    settle(page, lambda: caught, "the second step is offered")
    page.context.close()
    assert set(caught[0]) == {"text", "nonce"}
    return caught[0]


def _settle_together(stack, browser, *offers):
    """Use offers in the same instant, each in a profile of its own: whether each got a session."""
    pages = [_page(browser) for _ in offers]
    for page in pages:
        page.goto(f"https://www.0.{APART}:{stack.port}/.gateway/settle?probe")
    for page, offer in zip(pages, offers, strict=True):
        page.evaluate(
            """offer => {
              window.answer = fetch("/.gateway/settle", {
                method: "POST",
                headers: { "Content-Type": "application/json" },
                body: JSON.stringify(offer),
              }).then((answer) => answer.json(), () => ({}));
            }""",
            offer,
        )
    agreed = [page.evaluate("window.answer.then((said) => said.ok === true)") for page in pages]
    for page, is_whose in zip(pages, agreed, strict=True):
        names = {name for name, _ in cookies(page)}
        assert bool(names & SESSION) == is_whose
        page.context.close()
    return agreed


def test_a_session_text_is_good_for_one(apart, browsers):
    """Two clients use it in the same instant, and a third later: one has the session."""
    offer = _offered(apart, browsers[0])
    assert sorted(_settle_together(apart, browsers[0], offer, offer, offer)) == [False, False, True]
    assert _settle_together(apart, browsers[0], offer) == [False]


def test_texts_and_nonces_of_two_sessions(apart, browsers):
    """Crossed they are nobody's, and both are good for their own after it."""
    mine, others = (_offered(apart, browsers[0]) for _ in range(2))
    crossed = [{**mine, "nonce": others["nonce"]}, {**others, "nonce": mine["nonce"]}]
    assert _settle_together(apart, browsers[0], *crossed) == [False, False]
    assert _settle_together(apart, browsers[0], mine, others) == [True, True]


def test_without_a_domain_apart(playwright, stack, tripwire, shots):
    """A gateway that has none says so, and shows nothing."""
    browser = launch(
        playwright, resolver_rules(stack, tripwire), "--disable-local-storage", windowed=True
    )
    try:
        page = _page(browser)
        page.goto(stack.outer + SHOP + "/")
        notice = page.locator("#notice", has_text="Allow it to store data")
        notice.wait_for()
        page.screenshot(path=shots / "no-storage.png")
        assert page.locator("iframe").count() == 0
        assert cookies(page) == {}
    finally:
        browser.close()
