"""Windows that pages open, and what the two know of each other."""

from __future__ import annotations

import json

from tests.browser.differential.common import A, B, html
from tests.browser.differential.server import Answer, Asked
from tests.browser.differential.suite import Case, View
from tests.browser.harness import settle

CONSOLE = False
# A window's first request has no Referer, nor a site that asks (docs/status); one case tells of it.
IGNORED = ("Referer", "Sec-Fetch-Site")
TITLE = "Popups"
_PAGE = f"""<a id=go href="javascript:void 0">go</a><a id=blank target=_blank href="{B}/windows/other">x</a>
<form id=form target=named action="{B}/windows/other"><input name=q value="ä b"><button id=send>x</button></form>
<form id=post target=_blank method=post action="/windows/other"><input name=q value="y"><button id=posting>x</button></form>
<script>
const got = [];
addEventListener("message", ({{ data, origin, source }}) => got.push([data, origin, source === self.made, source === opener]));
const run = (code) => {{ document.querySelector("#go").onclick = () => {{ new Function(code)(); return false }} }};
</script>"""
_KNOWN = "[location.pathname + location.search, opener === null, name, history.length > 0, typeof sessionStorage.mine]"


def answer(asked: Asked, _site) -> Answer | None:
    """Pages that open others."""
    name = asked.path.rpartition("/")[2]
    if name == "cut":
        return html(_PAGE, "<title>cut</title>", Cross_Origin_Opener_Policy="same-origin")
    if name in {"page", "other"}:
        return html(_PAGE, f"<title>{name} {asked.method}</title>")
    return None


def _opened(view, act, origin: str, path: str):
    with view.context.expect_page(timeout=8000) as found:
        act()
    page = found.value
    inner = View(view.suite, page, None, view.through, view.case)
    inner.at(origin + path)
    return inner


def _own(view, value, origin: str):
    return view.suite.world.plainly(value, origin) if view.through else value


def _click(view, code: str, origin: str = B, path: str = "/windows/other"):
    view.frame.evaluate("code => run(code)", code)
    return _opened(view, lambda: view.frame.click("#go"), origin, path)


def _opens(code: str, origin: str = B, path: str = "/windows/other"):
    def act(view):
        view.frame.evaluate("sessionStorage.mine = 1")
        inner = _click(view, code, origin, path)
        known = _own(view, inner.frame.evaluate(_KNOWN), origin)
        told = view.frame.evaluate("[typeof self.made, self.made === null, self.made?.closed]")
        return [known, told, inner.frame.evaluate("document.title")]

    return act


def _by(selector: str, origin: str = B):
    def act(view):
        inner = _opened(view, lambda: view.frame.click(selector), origin, "/windows/other")
        return _own(view, inner.frame.evaluate(f"[{_KNOWN}, document.title]"), origin)

    return act


def _speak(view):
    inner = _click(view, f"self.made = open('{B}/windows/other')")
    view.frame.evaluate(f"made.postMessage('to it', '{B}')")
    inner.ready("got.length")
    inner.frame.evaluate(f"opener.postMessage('back', '{A}')")
    view.ready("got.length")
    return [_own(view, inner.frame.evaluate("got"), B), view.frame.evaluate("got")]


def _reach(view):
    inner = _click(view, "self.made = open('/windows/other')", A)
    seen = view.frame.evaluate(
        "(() => { try { made.mark = 1; return [made.document.title, made.opener === self, made.location.pathname] } catch (error) { return error.name } })()"
    )
    return [seen, inner.frame.evaluate("[self.mark ?? null, opener?.document?.title ?? null]")]


def _again(view):
    _click(view, f"self.made = open('{B}/windows/other?1', 'named')")
    pages = len(view.context.pages)
    view.frame.evaluate("code => run(code)", f"self.again = open('{B}/windows/other?2', 'named')")
    view.frame.click("#go")
    page = view.context.pages[-1]
    inner = View(view.suite, page, None, view.through, view.case)
    inner.at(B + "/windows/other?2")
    return [len(view.context.pages) - pages, view.frame.evaluate("self.again === self.made")]


def _leads(view):
    inner = _click(view, f"self.made = open('{B}/windows/other')")
    view.frame.evaluate(f"void (made.location = '{B}/windows/other?led')")
    inner.at(B + "/windows/other?led")
    return inner.frame.evaluate("location.search")


def _closes(by: str):
    def act(view):
        inner = _click(view, f"self.made = open('{B}/windows/other')")
        target = view if by == "made" else inner
        code = "made.close()" if by == "made" else "close()"
        target.frame.evaluate(f"void setTimeout(() => {code})")
        settle(view.page, inner.page.is_closed, "it closes", 8)
        view.ready("made.closed")
        return view.frame.evaluate("made.closed")

    return act


def _blank(view):
    view.frame.evaluate(
        "code => run(code)",
        "self.made = open('', 'empty'); made.document.write('<title>written</title><p id=p>written'); made.document.close()",
    )
    with view.context.expect_page(timeout=3000) as found:
        view.frame.click("#go")
    page = found.value
    page.wait_for_timeout(200)
    return page.frames[-1].evaluate("document.title")


def _asked(view):
    inner = _click(view, "open('/landed')", A, "/landed")
    told = json.loads(inner.frame.inner_text("pre"))
    return [told["Referer"], told["Sec-Fetch-Site"], told["Cookie"]]


def _posted(view):
    inner = _opened(view, lambda: view.frame.click("#posting"), A, "/windows/other")
    return inner.frame.evaluate("[location.pathname, document.title, opener === null]")


CASES = (
    Case("how a window's page is asked for", "/windows/page", act=_asked),
    Case("open", "/windows/page", act=_opens(f"self.made = open('{B}/windows/other')")),
    Case("open of an own page", "/windows/page", act=_opens("self.made = open('/windows/other')", A)),
    Case("open with a name", "/windows/page", act=_opens(f"self.made = open('{B}/windows/other', 'its name')")),
    Case("open with features", "/windows/page", act=_opens(f"self.made = open('{B}/windows/other', '', 'popup,width=300')")),
    Case("open with noopener", "/windows/page", act=_opens(f"self.made = open('{B}/windows/other', '', 'noopener')")),
    Case("open with noreferrer", "/windows/page", act=_opens(f"self.made = open('{B}/windows/other', '', 'noreferrer')")),
    Case("open of a page that cuts its opener", "/windows/page", act=_opens(f"self.made = open('{B}/windows/cut')", B, "/windows/cut")),
    Case("open by a redirect", "/windows/page", act=_opens(f"self.made = open('/redirect?to={B}/windows/other')")),
    Case("a link to a new window", "/windows/page", act=_by("#blank")),
    Case("a form to a named window", "/windows/page", act=_by("#send")),
    Case("a form that posts to a new window", "/windows/page", act=_posted),
    Case("messages between a page and its window", "/windows/page", act=_speak),
    Case("reaching into a window of the own origin", "/windows/page", act=_reach),
    Case("a name that is used again", "/windows/page", act=_again),
    Case("a window that its opener leads", "/windows/page", act=_leads),
    Case("a window that its opener closes", "/windows/page", act=_closes("made")),
    Case("a window that closes itself", "/windows/page", act=_closes("self")),
    Case("an empty window that is written", "/windows/page", act=_blank),
)  # fmt: skip
