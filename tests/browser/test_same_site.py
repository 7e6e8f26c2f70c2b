"""SameSite of navigations: topmost pages, frames and typed addresses, against direct visits.

Each way leads to a page of the bank's, which has a cookie of every kind; what comes there is
compared with what comes directly.
"""

from __future__ import annotations

import html
import re
from urllib.parse import quote

import pytest

from tests.browser.harness import settle
from tests.browser.runtime.site import Answer, Asked
from tests.browser.test_cookies import Profiled

pytestmark = pytest.mark.browser
T, S, E, F = "https://bank.test", "https://www.bank.test", "https://evil.test", "https://third.test"
ORIGINS = dict.fromkeys((T, S, E, F), "secure")
COOKIES = (
    *("strict=1; Path=/; SameSite=Strict", "lax=1; Path=/; SameSite=Lax", "unsaid=1; Path=/"),
    *(
        "none=1; Path=/; Secure; SameSite=None",
        "here=1; Path=/; Secure; SameSite=None; Partitioned",
    ),
)
_HELP = """<!doctype html><title>page</title><body><script>
const make = (name, more = {}) => document.body.appendChild(Object.assign(document.createElement(name), more));
const link = (to, more) => make("a", { href: to, textContent: "go", ...more });
const form = (to, method) => {
  const made = make("form", { action: to, method });
  for (const [name, value] of new URL(to).searchParams) made.append(Object.assign(document.createElement("input"), { name, value }));
  return made;
};
</script>"""


def answer(asked: Asked) -> Answer:
    """Everything is said in the query."""
    to = asked.query.get("to", "")
    fresh = ("Cache-Control", "no-store")
    if asked.path == "/set":
        return Answer(b"set", fields=tuple(("Set-Cookie", one) for one in COOKIES))
    if asked.path == "/to":
        policy = asked.query.get("policy")
        more = (("Referrer-Policy", policy),) if policy else ()
        return Answer(status=302, fields=(("Location", to), *more))
    if asked.path == "/nest":
        return Answer(f"<!doctype html><iframe src='{html.escape(to)}'></iframe>".encode())
    return Answer(_HELP.encode(), fields=(fresh,))


def url(path: str, case: str = "", **more: str) -> str:
    """An address with a query."""
    query = "&".join(f"{key}={quote(value, safe='')}" for key, value in more.items())
    return f"{path}?{query}&case={quote(case, safe='')}" if case else f"{path}?{query}"


def nest(*origins: str) -> str:
    """Frames in one another: JavaScript for the address of the outermost."""
    text = "to"
    for origin in reversed(origins):
        text = f"'{origin}/nest?to=' + encodeURIComponent({text})"
    return text


FRAME = "make('iframe', { src: %s })"
HOP = f"'{E}/to?to=' + encodeURIComponent(to)"
OWN_HOP = f"'{T}/to?to=' + encodeURIComponent(to)"
# Where the way begins, and how it goes to `to`.
WAYS: dict[str, tuple[str, str]] = {
    "link": (E, "link(to).click()"),
    "link, noreferrer": (E, "link(to, { rel: 'noreferrer' }).click()"),
    "link, whole referrer": (E, "link(to, { referrerPolicy: 'unsafe-url' }).click()"),
    "location": (E, "location = to"),
    "location.replace": (E, "location.replace(to)"),
    "window.open": (E, "window.open(to, '_self')"),
    "meta refresh": (E, "document.head.append(Object.assign(document.createElement('meta'), { httpEquiv: 'refresh', content: '0;url=' + to }))"),
    "form, GET": (E, "form(to, 'get').submit()"),
    "form, POST": (E, "form(to, 'post').submit()"),
    "link, redirected by its own site": (E, f"link({HOP}).click()"),
    "link, redirected by the target": (E, f"link({OWN_HOP}).click()"),
    "link, redirected by the target, which hides the referrer": (E, f"link({OWN_HOP} + '&policy=no-referrer').click()"),
    "noreferrer link, redirected by the target": (E, f"link({OWN_HOP}, {{ rel: 'noreferrer' }}).click()"),
    "form, POST, redirected by the target": (E, f"form({OWN_HOP}, 'post').submit()"),
    "frame": (E, FRAME % "to"),
    "frame, no-referrer": (E, "make('iframe', { src: to, referrerPolicy: 'no-referrer' })"),
    "frame, sandboxed": (E, "make('iframe', { src: to, sandbox: 'allow-scripts' })"),
    "frame, redirected by its own site": (E, FRAME % HOP),
    "frame, redirected by the target": (E, FRAME % OWN_HOP),
    "frame, form GET into it": (E, "make('iframe', { name: 'in' }); const f = form(to, 'get'); f.target = 'in'; f.submit()"),
    "frame, form POST into it": (E, "make('iframe', { name: 'in' }); const f = form(to, 'post'); f.target = 'in'; f.submit()"),
    "frame in a frame of the same site": (E, FRAME % nest(E)),
    "frame in a frame of a third": (E, FRAME % nest(F)),
    "frame three deep": (E, FRAME % nest(F, E)),
    "frame of the target in a third in the target": (T, FRAME % nest(F)),
    "object": (E, "make('object', { data: to })"),
    "embed": (E, "make('embed', { src: to })"),
    "link of a sibling": (S, "link(to).click()"),
    "form of a sibling, POST": (S, "form(to, 'post').submit()"),
    "frame of a sibling": (S, FRAME % "to"),
    "link of its own": (T, "link(to).click()"),
    "frame of its own": (T, FRAME % "to"),
    "link of its own, redirected by another": (T, f"link({HOP}).click()"),
}  # fmt: skip
_FORM = {"cookies": (["here", "none", "unsaid"], ["none"])}
# What differs: (directly, through the gateway).
KNOWN: dict[str, dict[str, tuple[object, object]]] = {
    "frame, sandboxed": {"cookies": (["none"], [])},  # its own request has no session
    "form, POST": _FORM,  # it cannot be asked for its place: what only the topmost page may send stays
}


@pytest.fixture(scope="module")
def world(playwright, tmp_path_factory):
    """One world for all tests."""
    made = Profiled(tmp_path_factory.mktemp("same-site"), playwright, ORIGINS, answer)
    try:
        yield made
    finally:
        made.stop()


def arrived(world, since: int, case: str) -> Asked | None:
    """The first request of a case."""
    return next((one for one in world.site.log[since:] if one.case == case), None)


def wait_for(world, page, since: int, case: str) -> Asked:
    """Wait until a case's request is there."""

    def there() -> bool:
        return arrived(world, since, case) is not None

    settle(page, there, f"{case} arrives", 10)
    found = arrived(world, since, case)
    assert found is not None
    return found


def told(asked: Asked) -> dict[str, object]:
    """What of a request must not depend on the way."""
    cookies = asked.fields.get("Cookie", "")
    return {
        "cookies": sorted(one.partition("=")[0] for one in cookies.split("; ") if one),
        **{
            name: asked.fields.get(name, "")
            for name in ("Referer", "Sec-Fetch-Site", "Sec-Fetch-User")
        },
    }


def begin(world, page, *, through: bool) -> None:
    """Give the person the bank's cookies."""
    world.open(page, f"{T}/set", through=through)
    page.goto("about:blank")  # its page says no more where it is


def landed(world, page, origin: str, path: str, *, through: bool):
    """The frame or page that shows a page of this path, once it is there."""
    start = (world.collapsed(origin) if through else origin) + path

    def there() -> bool:
        frame = page.frames[through] if len(page.frames) > through else None
        return frame is not None and frame.url.startswith(start)

    settle(page, there, f"{path} is shown", 10)
    frame = page.frames[through]
    frame.wait_for_load_state("load")
    return frame


def go(world, name: str, *, through: bool) -> dict[str, object]:
    """Go one way; what comes to the bank, and what its page sees."""
    start, way = WAYS[name]
    inside = any(one in name for one in ("frame", "object", "embed"))
    with world.tab(through=through) as page:
        begin(world, page, through=through)
        frame = world.open(page, f"{start}/start", through=through)
        before, since = frame.evaluate("history.length"), len(world.site.log)
        to = url(f"{T}/land", name)
        frame.evaluate(
            "([way, to]) => void setTimeout(() => new Function('to', way)(to))", [way, to]
        )
        found = told(wait_for(world, page, since, name))
        if not inside:
            shown = landed(world, page, T, "/land", through=through)
            address, referrer, steps, cookie = shown.evaluate(
                "[location.search, document.referrer, history.length, document.cookie]"
            )
            found |= {
                # What a form sent keeps its token in its address (protocols, section 8).
                "address": re.sub(r"[?&]__gw=[\w-]+$", "", address),
                "steps": steps - before,
                "cookie": sorted(cookie.split("; ")),
            }
            found["referrer"] = world.plainly(referrer, T) if through else referrer
    return found


def differences(directly: dict, through: dict) -> dict[str, tuple[object, object]]:
    """By key what comes directly and what through the gateway, where that is not the same."""
    return {key: (value, through[key]) for key, value in directly.items() if value != through[key]}


@pytest.mark.parametrize("name", WAYS)
def test_ways(world, name):
    """What comes to the bank is what comes there directly."""
    directly, through = (go(world, name, through=one) for one in (False, True))
    assert differences(directly, through) == KNOWN.get(name, {})


def typed(world, page, to: str, *, through: bool) -> None:
    """Type an address."""
    if not through:
        page.goto(to)
        return
    page.fill("#address", to)
    page.press("#address", "Enter")


HOPS = {
    "typed": "{}",
    "typed, redirected by the target": f"{T}/to?to={{}}",
    "typed, redirected by another site": f"{E}/to?to={{}}",
    "typed, redirected by the target, which hides the referrer": f"{T}/to?policy=no-referrer&to={{}}",
}


@pytest.mark.parametrize("name", HOPS)
def test_typed(world, name):
    """What somebody types is the person's own: Strict cookies go, and it looks like it."""
    found = []
    for through in (False, True):
        with world.tab(through=through) as page:
            begin(world, page, through=through)
            if through:
                page.goto(world.stack.codec.secure_origin)
                page.wait_for_selector("#address")
            since, to = len(world.site.log), url(f"{T}/land", name)
            address = HOPS[name].format(quote(to, safe="") if HOPS[name] != "{}" else to)
            typed(world, page, address, through=through)
            asked = wait_for(world, page, since, name)
            shown = landed(world, page, T, "/land", through=through)
            seen = shown.evaluate("[location.search, document.referrer, history.state]")
            found.append((told(asked), asked.fields["Sec-Fetch-Dest"], seen))
            if through:
                page.wait_for_url("**/land*")  # the outer frame's, in its fragment
                assert page.url == world.stack.outer + to
    assert found[0] == found[1]
    assert "strict" in found[0][0]["cookies"]


@pytest.mark.parametrize("way", ["#URL", "/open", "the portal's link"])
def test_not_typed(world, way):
    """Who leads somebody into the outer frame typed nothing: Lax cookies go, Strict ones do not."""
    with world.tab(through=True) as page:
        begin(world, page, through=True)
        since, to = len(world.site.log), url(f"{T}/land", way)
        if way == "#URL":
            page.goto(world.stack.outer + to)
        elif way == "/open":
            page.goto(f"{world.stack.codec.portal_origin}/open?url={quote(to, safe='')}")
        else:
            page.goto(world.stack.codec.portal_origin)
            page.fill("[name=url]", to)
            page.press("[name=url]", "Enter")
        found = told(wait_for(world, page, since, way))
        assert found["cookies"] == ["here", "lax", "none", "unsaid"]
        assert landed(world, page, T, "/land", through=True).evaluate("document.referrer") == ""


# How a page that was come to is come to again; what goes then, directly and through.
AGAIN = {
    ("link", "reload"): "location.reload()",
    ("link", "back"): "history.back()",
    ("typed", "reload"): "location.reload()",
    ("typed", "back"): "history.back()",
    ("frame", "reload of it"): "",
}
_LAX = ["here", "lax", "none", "unsaid"]
AGAIN_KNOWN: dict[tuple[str, str], tuple[object, object]] = {
    ("typed", "back"): (sorted([*_LAX, "strict"]), _LAX),  # a proof is for once
    # A page in a frame asks for one of its own site.
    ("frame", "reload of it"): (["none"], sorted([*_LAX, "strict"])),
}


@pytest.mark.parametrize("way", AGAIN)
def test_again(world, way):
    """Reloading and going back do not make a navigation anybody else's."""
    came, again = way
    found = []
    for through in (False, True):
        with world.tab(through=through) as page:
            begin(world, page, through=through)
            since, to = len(world.site.log), url(f"{T}/land", "again")
            frame = world.open(page, f"{E}/start", through=through)
            if came == "typed":
                typed(world, page, to, through=through)
            else:
                element = "link(to).click()" if came == "link" else "make('iframe', { src: to })"
                frame.evaluate(f"to => void setTimeout(() => {element})", to)
            wait_for(world, page, since, "again")
            if came == "frame":
                inner = until_frame(page, "/land")
            else:
                inner = landed(world, page, T, "/land", through=through)
            if again == "back":
                inner.evaluate("to => void setTimeout(() => link(to).click())", f"{F}/start")
                inner = landed(world, page, F, "/start", through=through)
            since = len(world.site.log)
            inner.evaluate(f"void setTimeout(() => {AGAIN[way] or 'location.reload()'})")
            found.append(told(wait_for(world, page, since, "again"))["cookies"])
            # Chromium may hang when a page is closed that is still on its way.
            if came == "frame":
                until_frame(page, "/land")
            else:
                landed(world, page, T, "/land", through=through)
    assert tuple(found) == AGAIN_KNOWN.get(way, (found[0], found[0]))


def until_frame(page, path: str):
    """The frame, however deep, that shows this path, once it is loaded."""

    def there() -> bool:
        return any(path in one.url and "__gw" not in one.url for one in page.frames)

    settle(page, there, f"a frame shows {path}", 10)
    frame = next(one for one in page.frames if path in one.url)
    frame.wait_for_load_state("load")
    return frame


def proofs(world, page, frame, way: str, to: str) -> tuple[str, str]:
    """The two proofs for an address, unused: the repeated request does not get through."""
    waiting = re.compile("__gwp=")
    page.route(waiting, lambda route: route.fulfill(status=204))
    frame.evaluate(f"to => void setTimeout(() => {way})", to)
    asking = []

    def there() -> bool:
        asking[:] = [one for one in page.frames if one.url.endswith("/.gateway/place")]
        return bool(asking)

    settle(page, there, "the page that asks", 10)
    found = asking[0].evaluate(
        "[document.documentElement.dataset.t, document.documentElement.dataset.n]"
    )
    page.unroute(waiting)
    return found[0], found[1]


@pytest.mark.parametrize("referrer", ["", "no-referrer", "unsafe-url"])
@pytest.mark.parametrize("case", ["captured", "used", "of another person", "its own"])
def test_attacks(world, case, referrer):
    """A hostile page that has a proof in its hands gets nothing with it."""
    to, name = url(f"{T}/land", "lure"), f"attack {case} {referrer}"
    victim = url(f"{T}/land", name)
    with world.tab(through=True) as page, world.tab(through=True) as other:
        where = other if case == "of another person" else page
        begin(world, page, through=True)
        if where is other:
            begin(world, other, through=True)
        frame = world.open(where, f"{E}/start", through=True)
        target = victim
        if case == "used":
            used: list[str] = []
            page.on("request", lambda one: used.append(one.url) if "__gwp=" in one.url else None)
            since = len(world.site.log)
            frame.evaluate("to => void make('iframe', { src: to })", to)
            wait_for(world, page, since, "lure")
            proof = used[0].partition("__gwp=")[2]
            target = to.replace("case=lure", f"case=lure&n={len(referrer)}")
        elif case == "its own":
            own = url(f"{F}/land", "own")
            world.open(page, f"{F}/set", through=True)
            page.goto("about:blank")
            frame = world.open(page, f"{E}/start", through=True)
            proof, _ = proofs(world, page, frame, "make('iframe', { src: to })", own)
        else:
            proof, _ = proofs(world, where, frame, "make('iframe', { src: to })", victim)
        page.goto("about:blank")
        frame = world.open(page, f"{E}/start", through=True)
        since = len(world.site.log)
        attack = f"{world.collapsed(T)}{target.removeprefix(T)}&__gwp={proof}"
        frame.evaluate(
            "([src, referrerPolicy]) => void make('iframe', { src, referrerPolicy })",
            [attack, referrer],
        )
        asked = wait_for(world, page, since, "lure" if case == "used" else name)
        assert told(asked)["cookies"] == ["none"]


def test_round_trips(world):
    """A link to another site costs one request; one more where cookies are at stake."""
    for sets, requests in ((False, 1), (True, 2)):
        with world.tab(through=True) as page:
            if sets:
                begin(world, page, through=True)
            frame = world.open(page, f"{E}/start", through=True)
            seen: list[str] = []
            page.on(
                "request",
                lambda one, seen=seen: seen.append(one.url) if "/land" in one.url else None,
            )
            frame.evaluate("to => void setTimeout(() => link(to).click())", f"{T}/land?case=trip")
            landed(world, page, T, "/land", through=True)
            assert len(seen) == requests


def test_events(world):
    """A page that frames another's is not told how often it was asked for."""
    found = []
    for through in (False, True):
        with world.tab(through=through) as page:
            begin(world, page, through=through)
            frame = world.open(page, f"{E}/start", through=through)
            since = len(world.site.log)
            frame.evaluate(
                "to => { window.loads = 0; make('iframe', { src: to, onload() { loads++ } }) }",
                url(f"{T}/land", "events"),
            )
            wait_for(world, page, since, "events")
            until_frame(page, "/land")
            frame.wait_for_function("loads")
            found.append(frame.evaluate("[loads, history.length]"))
    assert found[0] == found[1]
