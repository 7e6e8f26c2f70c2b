"""Pages that open windows and lead frames, and the two ways to them."""

from __future__ import annotations

import contextlib

import attrs
from playwright.sync_api import Error

from tests.browser.harness import seen, settle
from tests.browser.runtime.pages import A, B, html
from tests.browser.runtime.pages import answer as any_answer
from tests.browser.runtime.site import Answer
from tests.browser.runtime.world import World

C = "https://b.test:8443"
_FALLS = 6
# Every page notes its messages, and who they are from as the page itself can tell.
NOTES = """<script>
const got = [];
addEventListener("message", (event) => got.push({
  data: event.data instanceof ArrayBuffer ? event.data.byteLength : event.data instanceof MessagePort ? "port" : event.data,
  origin: event.origin,
  from: event.source === null ? "nobody" : event.source === self ? "self" : event.source === self.opener ? "opener" : event.source === self.made ? "popup" : "somebody",
  ports: event.ports.length,
  answered: event.data === "answer" && !event.source.postMessage("answered", "*"),
}));
const run = (code) => { const to = document.querySelector("#go"); to.onclick = (event) => { to.onclick = null; return new Function("event", code)(event) } };
</script>"""
BUTTON = '<p><a id=go href="javascript:void 0">go</a></p>'
CALLBACK = """<script>
opener.postMessage({ code: new URL(location).searchParams.get("code") }, "https://a.test"); close();
</script>"""
LOGIN = f"""<form method=post action=/login?to={A}/callback><input name=user value=ada><button id=send>in</button></form>"""
FRAME = "<iframe name={0} id={0} src={1}></iframe>"
DEEP = {
    "/top": FRAME.format("left", A + "/middle") + FRAME.format("right", B + "/middle"),
    "/middle": FRAME.format("inner", A + "/leaf") + FRAME.format("other", B + "/leaf"),
    "/leaf": "leaf",
}


def answer(asked):
    """The pages of these tests."""
    path = asked.path
    if path == "/login":
        to = asked.query["to"] + f"?code={asked.body.decode()[5:]}"
        return Answer(status=302, fields=(("Location", to),))
    if path == "/callback":
        return html(CALLBACK, Set_Cookie="login=ada; Secure; HttpOnly")
    if path == "/provider":
        return html(LOGIN)
    if path == "/page" or path in DEEP:
        return html(NOTES + BUTTON + DEEP.get(path, ""), f"<title>{path}</title>")
    if path == "/titled":
        icon = "<link rel=icon href=/pixel.png>" if asked.query.get("icon") else ""
        return html(
            "",
            icon
            + "<script>document.title = new URLSearchParams(location.search).get('t')</script>",
        )
    return any_answer(asked)


@attrs.define
class Way:
    """One way to the sites, and a profile for it."""

    world: World
    context: object
    through: bool

    def open(self, url: str):
        """A new tab; the frame (or page) that shows a page."""
        return self.world.open(self.context.new_page(), url, through=self.through)

    def inner(self, page, origin: str, path: str = "/"):
        """The frame (or page) in a window, once it shows a page of this origin."""
        wanted = (self.world.collapsed(origin) if self.through else origin) + path
        found = []

        def there() -> bool:
            frames = page.frames[1:2] if self.through else page.frames[:1]
            found[:] = [one for one in frames if one.url.startswith(wanted)]
            return bool(found)

        settle(page, there, f"a window shows {wanted}", 15)
        found[0].wait_for_load_state("load")
        return seen(found[0])

    @contextlib.contextmanager
    def opened(self):
        """A new window: a list with its page, once it is there."""
        found = []
        with self.context.expect_page(timeout=8000) as opened:
            yield found
        found.append(opened.value)

    def click(self, frame, code: str, origin: str = B, path: str = "/page"):
        """Run code as a click's handler; the window that it opens, and the page in it."""
        frame.evaluate("code => run(code)", code)
        with self.opened() as found:
            frame.click("#go")
        return found[0], self.inner(found[0], origin, path)

    def told(self, value, origin: str):
        """What a page of this origin said, with its own origin under its own name."""
        return self.world.plainly(value, origin) if self.through else value

    def got(self, frame, origin: str, count: int):
        """The messages that a page got."""
        frame.wait_for_function("count => got.length >= count", arg=count, timeout=8000)
        return self.told(frame.evaluate("got"), origin)

    def clear(self) -> None:
        """Close every tab; where the browser itself is gone, begin with another."""
        if self.is_gone:
            self.context = self.world.launch(through=self.through).new_context()
            self.context.set_default_timeout(15_000)
        for page in self.context.pages:
            page.close()

    @property
    def is_gone(self) -> bool:
        """Whether the browser ended by itself."""
        return not self.context.browser.is_connected()

    def tried(self, scenario, *more):
        """What a scenario tells.

        Chromium 156 may fall (SIGTRAP) when links lead frames within frames of several sites,
        and does so without a gateway, too: then it is tried again.
        """
        for attempt in range(_FALLS):
            try:
                return scenario(self, *more)
            except Error:
                if not self.is_gone or attempt == _FALLS - 1:
                    raise
            finally:
                self.clear()
        raise AssertionError("never tried")


def both(ways, scenario, *more):
    """What a scenario tells each way."""
    return [way.tried(scenario, *more) for way in ways]


FORM = "document.body.insertAdjacentHTML('beforeend', `<form target=_blank action=@/landed><input name=q value='ä b'><button name=b value=1>x</button></form>`); const f = document.forms[0]; "


def says(page, condition) -> None:
    """Wait for what the outer frame says; its policy lets no driver's text run."""
    settle(page, condition, "the outer frame says so", 15)
