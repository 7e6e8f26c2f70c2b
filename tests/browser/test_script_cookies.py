"""Cookies that scripts write and read: pages do through the gateway what they do directly.

Each case is a list of steps; between two of them what was written reaches the gateway.  What
the steps give back, and the Cookie fields that arrive at the origins, are compared with the
same browser's visit of the site itself.
"""

from __future__ import annotations

import json
from urllib.parse import quote, urlsplit

import pytest

from gateway import wire
from tests.browser.cookies.cases import RESPONSES
from tests.browser.cookies.site import ORIGINS, url
from tests.browser.cookies.site import answer as answer_of
from tests.browser.harness import DOMAIN, NATIVELY, settle
from tests.browser.runtime.site import JS, Answer, Asked
from tests.browser.runtime.world import World

pytestmark = pytest.mark.browser
A, B = "https://a.site.test", "https://b.site.test"
CARRIER = wire.CARRIER_PREFIX.decode()
ANSWERS = 30
RESPONSES.update({f"token {at}": (f"XSRF-TOKEN=t{at}; Path=/",) for at in range(ANSWERS)})
RESPONSES["hidden"] = ("hidden=1; HttpOnly; Path=/", "seen=1; Path=/")
RESPONSES["paths"] = ("deep=1; Path=/other", "top=1; Path=/")
RESPONSES["changed"] = ("seen=2; Path=/", "new=1; Path=/")
RESPONSES["ended"] = ("seen=; Path=/; Max-Age=0",)
_LONG = "x" * 4080
WRITES = (
    *("@=1", "@", "=@", "=@=1", "@=", "@=1; Path=/", "@=1; Path=/dir", "@=1; Path=/dir/sub/x"),
    *("@=1; Path=/dir/", "@=1; Path=/di", "@=1; Path=x", "@=1; Path=", "@=1; Path=/x; Path=/"),
    *("@=1; Domain=site.test", "@=1; Domain=.a.site.test", "@=1; Domain=A.Site.Test"),
    *("@=1; Domain=test", "@=1; Domain=b.site.test", "@=1; Domain=other.test", "@=1; Domain="),
    *("@=1; Domain=.", "@=1; Domain=b.site.test; Domain=a.site.test"),
    *("@=1; Secure", "@=1; HttpOnly", "@=1; SameSite=None", "@=1; SameSite=None; Secure"),
    *("@=1; SameSite=Lax", "@=1; SameSite=Strict", "@=1; SameSite=x", "@=1; Partitioned"),
    *("@=1; Partitioned; Secure; SameSite=None", "@=1; Max-Age=0", "@=1; Max-Age=-1"),
    *("@=1; Max-Age=100", "@=1; Max-Age=x", "@=1; Max-Age=0; Max-Age=100"),
    *("@=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "@=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT"),
    *("@=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT; Max-Age=0", "@=1; Expires=never"),
    *("@=1; Expires=Sun, 06-Nov-1994 08:49:37 GMT", "@=1; Expires=01 Jan 99 1:2:3"),
    *("__Host-@=1; Secure; Path=/", "__Host-@=1; Secure", "__Host-@=1; Path=/"),
    *("__Host-@=1; Secure; Path=/; Domain=a.site.test", "__Secure-@=1; Secure", "__Secure-@=1"),
    *("__Http-@=1; Secure; Path=/", "__Host-Http-@=1; Secure; Path=/", "__HOST-@=1", "=__Host-@"),
    *("  @  =  1  ", "@=a b", "@=a,b", '@="q"', "@=%3B%25", "@=ü€", "@=a\tb", "@=a\nb", "@=a\0b"),
    *("@=1;;;", "@=1; x=y; Path=/", "; @=1", "@=a=b=c", "@=" + _LONG, "@=" + "x" * 4200),
)
SERVICE_WORKER = """
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  if (!event.request.url.includes("assets")) event.respondWith(fetch(event.request));
});
const tell = (what) => what.then((one) => one && [].concat(one).map(({ name, value, path, sameSite, secure }) => [name, value, path, sameSite, secure]), (error) => error.name);
addEventListener("message", (event) => event.waitUntil((async () => {
  const said = [];
  said.push(await tell(cookieStore.getAll()));
  said.push(await tell(cookieStore.set("made", "by the worker")));
  said.push(await tell(cookieStore.get("made")));
  said.push(await tell(cookieStore.set("bad;name", "1")), await tell(cookieStore.set({ name: "x", value: "1", domain: "other.test" })), await tell(cookieStore.get()));
  said.push(await tell(cookieStore.delete("gone")), await tell(cookieStore.getAll("gone")));
  event.source.postMessage(said);
})()));
"""
_CHILD = """const frame = document.body.appendChild(document.createElement("iframe"));
await new Promise((done) => { frame.onload = done; frame.src = "/dir/inner?as=page"; });
const inner = frame.contentDocument;"""
_EVENTS = """
const seen = [], plain = (items) => items.map((one) => [one.name, one.value, one.path, one.domain, one.secure, one.sameSite, one.partitioned]);
cookieStore.addEventListener("change", (event) => seen.push([plain(event.changed), plain(event.deleted).map((one) => one.slice(0, 4))]));
const until = async (count) => { for (let at = 0; seen.length < count && at < 300; at++) await wait(10); };
"""
_REFUSALS = json.dumps(
    [
        ["set", ["a;b", "1"]], ["set", ["a=b", "1"]], ["set", ["", "a=b"]], ["set", ["", ""]],
        ["set", ["a", "b;c"]], ["set", ["a\1", "1"]], ["set", ["a\tb", "1"]], ["set", ["", "__Host-x"]],
        ["set", ["__Http-x", "1"]], ["set", ["__Host-Http-x", "1"]], ["set", ["x" * 4097, ""]],
        ["set", [{"name": "q", "value": "1", "domain": ".site.test"}]],
        ["set", [{"name": "q", "value": "1", "domain": "other.test"}]],
        ["set", [{"name": "q", "value": "1", "domain": "test"}]],
        ["set", [{"name": "q", "value": "1", "path": "rel"}]],
        ["set", [{"name": "__Host-q", "value": "1", "domain": "a.site.test"}]],
        ["set", [{"name": "__Host-q", "value": "1", "path": "/dir"}]],
        ["set", [{"name": "q", "value": "1", "path": "/" + "x" * 1100}]],
        ["set", [{"name": "q", "value": "1", "sameSite": "bad"}]], ["set", [{"name": "q"}]],
        ["set", ["q"]], ["set", []], ["get", []], ["get", [{}]], ["get", [{"url": "/x"}]],
        ["getAll", [{"url": "https://b.test/"}]], ["delete", []], ["delete", ["a;b"]],
        ["delete", [{"name": "b", "domain": "other.test"}]], ["delete", [{"domain": "a.site.test"}]],
        ["set", ["fine", "1"]], ["delete", [""]], ["get", ["none"]], ["getAll", ["none"]],
    ]
)  # fmt: skip
CASES: dict[str, list[str]] = {
    "then fetch": ["document.cookie = 'a=1; Path=/'; await fetch('/?case=then fetch'); return document.cookie"],
    "then XHR": ["document.cookie = 'a=1; Path=/'; await ways.XHR('/?case=then XHR'); return document.cookie"],
    "then image": ["document.cookie = 'a=1; Path=/'; await ways.image('/?as=image&case=then image'); return document.cookie"],
    "then WebSocket": ["document.cookie = 'a=1; Path=/'; await ways.WebSocket(`wss://${location.host}/?case=then WebSocket`); return document.cookie"],
    "then beacon": ["document.cookie = 'a=1; Path=/'; await fetch('/?case=then POST', { method: 'POST', body: 'x' }); return document.cookie"],
    "then location": ["document.cookie = 'a=1; Path=/'; setTimeout(() => location = '/landed?as=page&case=then location')", "return [document.cookie, location.pathname]"],
    "then a sibling": [f"document.cookie = 'a=1; Domain=site.test; Path=/'; setTimeout(() => location = '{B}/landed?as=page&case=then a sibling')", "return [document.cookie, location.pathname]"],
    "then a sibling by form": [f"document.cookie = 'a=1; Domain=site.test; Path=/'; setTimeout(() => form('{B}/landed?as=page&case=then a sibling by form', 'get'))", "return [document.cookie, location.pathname]"],
    "deleted, then a sibling": ["document.cookie = 'a=1; Domain=site.test; Path=/'", f"document.cookie = 'a=; Max-Age=0; Domain=site.test; Path=/'; setTimeout(() => location = '{B}/landed?as=page&case=deleted, then a sibling')", "return [document.cookie, location.pathname]"],
    "a sibling's request": ["document.cookie = 'a=1; Domain=site.test; Path=/'; document.cookie = 'b=1; Path=/'", f"await ways.fetch('{B}/?case=a sibling is asked'); return document.cookie"],
    "written, replaced, deleted": ["const seen = []; for (const one of ['a=1; Path=/', 'b=1; Path=/', 'a=2; Path=/', 'b=; Path=/; Max-Age=0', 'c=3; Path=/']) { document.cookie = one; seen.push(document.cookie.split('; ').sort()); } await fetch('/?case=written'); return seen"],
    "HttpOnly": ["await fetch('/?set=hidden'); document.cookie = 'hidden=2; Path=/'", "document.cookie = 'hidden=; Max-Age=0; Path=/'", "await fetch('/?case=hidden'); return document.cookie"],
    "responses": ["await fetch('/?set=hidden'); const one = document.cookie; await fetch('/?set=changed'); const two = document.cookie.split('; ').sort(); await fetch('/?set=ended'); return [one, two, document.cookie]"],
    "an image's response": ["await ways.image('/?as=image&set=hidden'); return document.cookie"],
    "a socket's response": ["await ways.WebSocket(`wss://${location.host}/?set=hidden`); return document.cookie"],
    "paths": ["await fetch('/?set=paths'); const seen = [document.cookie]; for (const to of ['/other', '/other/x', '/otherwise', '/']) { history.pushState({}, '', to); document.cookie = 'at=1'; seen.push(document.cookie); } return seen"],
    "its time": ["document.cookie = 'a=1; Max-Age=1'; const one = document.cookie; for (let at = 0; document.cookie && at < 300; at++) await wait(10); return [one, document.cookie]"],
    "nine": ["for (let at = 0; at < 9; at++) document.cookie = `n${at}=1; Path=/`; return document.cookie", "await fetch('/?case=nine'); return document.cookie"],
    "twenty": ["for (let at = 0; at < 20; at++) document.cookie = `n${at}=1; Path=/`; return document.cookie", "await fetch('/?case=twenty'); return document.cookie"],
    "4,000 octets": ["document.cookie = 'a=' + 'y'.repeat(4000) + '; Path=/'; return document.cookie.length", "await fetch('/?case=4,000 octets'); return document.cookie.length"],
    "5,000 octets": ["document.cookie = 'a=' + 'y'.repeat(5000) + '; Path=/'; return document.cookie", "await fetch('/?case=5,000 octets'); return document.cookie"],
    "frames": [_CHILD + "document.cookie = 'a=1; Path=/'; const one = inner.cookie; inner.cookie = 'b=1; Path=/'; const two = document.cookie; inner.cookie = 'a=; Path=/; Max-Age=0'; await fetch('/?case=frames'); return [one, two, document.cookie, inner.cookie]"],
    "a frame's response": [_CHILD + "await frame.contentWindow.fetch('/?set=hidden'); return [document.cookie, inner.cookie]"],
    "blank frames": ["const frame = document.body.appendChild(document.createElement('iframe')); const inner = frame.contentDocument; document.cookie = 'a=1; Path=/'; const one = inner.cookie; inner.cookie = 'b=1; Path=/'; const both = document.cookie; frame.remove(); document.cookie = 'c=1; Path=/'; return [one, both, document.cookie]"],
    "tokens": [f"const seen = []; for (let at = 0; at < {ANSWERS}; at++) {{ await fetch('/?set=token ' + at); seen.push(document.cookie); }} return seen"],
    "CookieStore": ["await cookieStore.set('a', '1'); await cookieStore.set({ name: 'b', value: '2', domain: 'site.test', path: '/dir', sameSite: 'lax' }); const items = [await cookieStore.get('a'), await cookieStore.get({ name: ' b ', url: location.href }), ...(await cookieStore.getAll())]; await cookieStore.delete('a'); await fetch('/dir/?case=CookieStore'); return [items, document.cookie, (await cookieStore.getAll()).length]"],
    "CookieStore: refusals": [f"const said = []; for (const [method, args] of {_REFUSALS}) said.push(await cookieStore[method](...args).then((one) => one ?? null, (error) => error instanceof TypeError ? 'TypeError' : `${{error}}`)); return [said, document.cookie]"],
    "CookieStore: events": [_EVENTS + "await cookieStore.set('a', '1'); await until(1); await cookieStore.set('a', '1'); await cookieStore.set('a', '2'); await until(2); await cookieStore.delete('a'); await until(3); document.cookie = 'd=1; Path=/'; await until(4); await fetch('/?set=hidden'); await until(5); await fetch('/?set=ended'); await until(6); return seen"],
    "CookieStore: an attribute": ["let seen = 0; cookieStore.onchange = () => seen++; for (let at = 0; !seen && at < 150; at++) { document.cookie = `a=${at}`; await wait(100); } return [seen > 0, typeof cookieStore.onchange]"],  # a browser begins to listen some time after the attribute is set
    "a service worker": ["await navigator.serviceWorker.register('/sw.js'); await navigator.serviceWorker.ready; if (!navigator.serviceWorker.controller) await new Promise((done) => navigator.serviceWorker.oncontrollerchange = done); document.cookie = 'page=1; Path=/'; document.cookie = 'gone=1; Path=/'", "const said = new Promise((done) => navigator.serviceWorker.onmessage = ({ data }) => done(data)); navigator.serviceWorker.controller.postMessage(''); const all = await said; await fetch('/?case=a service worker'); return [all, document.cookie.split('; ').sort()]"],
}  # fmt: skip


def answer(asked: Asked) -> Answer:
    """What the origins answer."""
    return Answer(SERVICE_WORKER.encode(), JS) if asked.path == "/sw.js" else answer_of(asked)


@pytest.fixture(scope="module")
def world(playwright, tmp_path_factory):
    """One world for all tests."""
    made = World(tmp_path_factory.mktemp("scripts"), playwright, ORIGINS, answer)
    try:
        yield made
    finally:
        made.stop()


class Tab:
    """A page of the site, and what it asks of the gateway itself."""

    def __init__(self, world: World, page, *, through: bool, at: str = f"{A}/dir/sub/x") -> None:
        """Show the page."""
        self.world, self.page, self.through = world, page, through
        self.asked: list = []
        self.under_way: set = set()
        page.on("request", self._begun)
        page.on("response", lambda one: self.under_way.discard(one.request))
        page.on("requestfailed", lambda one: self.under_way.discard(one))
        self.frame = world.open(page, url(at, "", **{"as": "page"}), through=through)

    def _begun(self, request) -> None:
        if wire.COOKIES_PATH in request.url:
            self.asked.append(request)
            self.under_way.add(request)

    def settle(self) -> None:
        """Wait until the gateway has what was written."""

        def there() -> bool:
            names = [one["name"] for one in self.page.context.cookies()]
            return not self.under_way and not any(one.startswith(CARRIER) for one in names)

        settle(self.page, there, "what was written was flushed", 4)

    def run(self, step: str):
        """Run one step; what it gives back, once the gateway has what it wrote."""
        said = self.frame.evaluate(f"async () => {{ {step} }}")
        # The runtime's own timer was set before this one.
        if "setTimeout(() =>" not in step:
            self.frame.evaluate("new Promise((done) => setTimeout(done, 1))")
            self.settle()
        return said

    def landed(self) -> None:
        """Wait until the page is where it was sent."""

        def there() -> bool:
            frames = self.page.frames[self.through :]
            return bool(frames) and "/landed" in frames[0].url

        settle(self.page, there, "the page is where it was sent", 10)
        self.frame = self.page.frames[self.through]
        self.frame.wait_for_load_state("load")


def arrivals(world, since: int) -> dict[str, list[str]]:
    """The Cookie fields of each named request since then, sorted within."""
    found: dict[str, list[str]] = {}
    for one in world.site.log[since:]:
        if one.case and one.method != "OPTIONS":
            field = "; ".join(one.fields.get_all("Cookie", []))
            found.setdefault(one.case, []).append("; ".join(sorted(field.split("; "))))
    return found


def outcome(world, case: str, *, through: bool):
    """What the steps of a case give, and what arrives."""
    since, said = len(world.site.log), []
    with world.tab(through=through) as page:
        tab = Tab(world, page, through=through)
        for step in CASES[case]:
            if "landed" in step:
                tab.run(step)
                tab.landed()
            else:
                said.append(tab.run(step))
    return [said, arrivals(world, since)]


@pytest.mark.parametrize("case", CASES)
def test_cases(world, case):
    """Each case gives what it gives directly."""
    directly, through = (outcome(world, case, through=one) for one in (False, True))
    assert through == directly


def written(world, *, through: bool):
    """Each text written on its own: what is read at once, later, and what arrives."""
    found, since = {}, len(world.site.log)
    with world.tab(through=through) as page:
        tab = Tab(world, page, through=through)
        for at, text in enumerate(WRITES):
            word = f"w{at:02}w"
            made = json.dumps(text.replace("@", word))
            own = f"document.cookie.split('; ').filter((one) => one.includes('{word}'))"
            first = tab.run(f"document.cookie = {made}; return {own}")
            last = tab.run(f"return {own}")
            asks = ("/", "/dir/sub/x", f"{B}/")
            steps = [f"await ways.fetch('{to}?case={word} {to}')" for to in asks]
            tab.run("; ".join(steps))
            found[text] = [word, first, last]
    came = arrivals(world, since)
    for text, (word, *_rest) in list(found.items()):
        found[text][0] = [
            sorted(one for one in field.split("; ") if word in one)
            for case, fields in came.items()
            if case.startswith(word)
            for field in fields
        ]
    return found


def test_writes(world, subtests):
    """Every attribute of a write has the effect that it has directly."""
    directly, through = (written(world, through=one) for one in (False, True))
    assert len(directly) == len(WRITES)
    for text, expected in directly.items():
        with subtests.test(msg=text[:60]):
            assert through[text] == expected


def test_tokens_cost_no_request(world):
    """A response that sets, a read, a request: nothing is asked of the gateway for it."""
    with world.tab(through=True) as page:
        tab = Tab(world, page, through=True)
        said = tab.run(CASES["tokens"][0])
        assert said == [f"XSRF-TOKEN=t{at}" for at in range(ANSWERS)]
        assert tab.asked == []
        waiting = [
            one for one in page.context.cookies() if wire.SYNC_PREFIX.decode() in one["name"]
        ]
        assert 0 < len(waiting) <= 8


def test_two_tabs(world):
    """What one tab writes, or is answered, the other reads at once, and sees as an event."""
    with world.tab(through=True) as page:
        one = Tab(world, page, through=True)
        other = Tab(world, page.context.new_page(), through=True)
        read = "return document.cookie"
        events = "window.seen = 0; cookieStore.onchange = () => window.seen++; return 0"
        assert (one.run(read), other.run(read), other.run(events)) == ("", "", 0)
        one.run("document.cookie = 'a=1; Path=/'")
        assert other.run(read) == "a=1"
        other.run("document.cookie = 'a=2; Path=/'; document.cookie = 'b=1; Path=/'")
        assert one.run(read) == "a=2; b=1"
        one.run("await fetch('/?set=ended'); await fetch('/?set=changed')")
        assert other.run(read) == "a=2; b=1; seen=2; new=1"
        settle(page, lambda: other.run("return window.seen") >= 4, "the other tab's events")


def test_other_hosts(world):
    """What a sibling host changed is there when the page is looked at again."""
    with world.tab(through=True) as page:
        tab = Tab(world, page, through=True)
        assert tab.run("return document.cookie") == ""
        sibling = Tab(world, page.context.new_page(), through=True, at=f"{B}/")
        sibling.run("document.cookie = 'a=1; Domain=site.test; Path=/'")
        look = "dispatchEvent(new Event('visibilitychange')); return document.cookie"
        assert tab.run(look) == "a=1"


def test_nobody_else_writes(world):
    """Whatever a page does natively, others read and write nothing of the gateway's own."""
    sync, session = wire.SYNC_PREFIX.decode() + "ab", wire.ICK_COOKIE.decode()
    with world.tab(through=True) as page:
        tab = Tab(world, page, through=True)
        tab.run("document.cookie = 'a=1; Path=/'")
        assert tab.run("return document.cookie") == "a=1"
        assert tab.run("return (await cookieStore.getAll()).map((one) => one.name)") == ["a"]

        def kept(part: str) -> list[tuple[str, str]]:
            found = [one for one in page.context.cookies() if part in one["name"]]
            return [(one["domain"], one["value"]) for one in found]

        before, since = kept(session), len(world.site.log)
        sibling = Tab(world, page.context.new_page(), through=True, at=f"{B}/")
        forged = quote(json.dumps([2**40, ["planted", "1", "", "/", None, 1, "lax", 0]]))
        tried = [f"{sync}={forged}", f"{session}=1", "harmless=1"]
        places = ["", f"; Domain=0.{DOMAIN}", f"; Domain={DOMAIN}"]
        texts = [f"{one}; Secure; Path=/{place}" for one in tried for place in places]
        sibling.frame.evaluate(NATIVELY, texts)
        assert kept(session) == before
        assert len(kept("harmless")) == len(places), "the tries reach the browser's own store"
        own = urlsplit(world.collapsed(B)).hostname
        assert [domain for domain, _ in kept(sync)] == [own], "a page's own host alone is its own"
        assert tab.run("return document.cookie") == "a=1"
        tab.run("await fetch('/?case=after')")
        sibling.run("await fetch('/?case=after')")
        assert arrivals(world, since)["after"] == ["a=1", ""], "no site gets what was written"
