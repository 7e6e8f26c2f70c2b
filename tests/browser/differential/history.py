"""Histories and navigation: frames by the script beside it, whole tabs by steps."""

from __future__ import annotations

from tests.browser.differential import agents
from tests.browser.differential.common import A, B, html
from tests.browser.differential.server import Answer, Asked
from tests.browser.differential.suite import Case

CONSOLE = False  # what the console says of frames in other processes comes late
HEAD = agents.HEAD
TITLE = "History and navigation"
_LONG = "<div style='height: 3000px'>long</div><p id=end>end</p><div style='height: 3000px'></div>"
_STEPS = f"""<a id=own href="/history/two">own</a> <a id=foreign href="{B}/history/two">foreign</a>
<a id=hash href="#part">hash</a> <a id=replace href="javascript:location.replace('/history/two')">replace</a>
<form id=form action="/history/two" method=post><input name=q value=x><button id=send>send</button></form>
<form action="/history/two"><input name=q value=x><button id=get>send</button></form>
<input id=field><p id=part>part</p>
<script>
const log = JSON.parse(sessionStorage.log ?? "[]");
const note = (what) => {{ log.push(what); sessionStorage.log = JSON.stringify(log) }};
addEventListener("pageshow", (event) => note(["show", location.pathname, event.persisted, performance.getEntriesByType("navigation")[0].type]));
addEventListener("popstate", (event) => note(["pop", location.pathname + location.hash, event.state]));
addEventListener("hashchange", () => note(["hash", location.hash]));
addEventListener("pagehide", () => note(["hide", location.pathname]));
const push = (state, to) => history.pushState(state, "", to);
</script>"""
_LOOK = "[location.pathname + location.search + location.hash, document.title, history.state]"


def answer(asked: Asked, _site) -> Answer | None:
    """Pages that note what they are told."""
    name = asked.path.rpartition("/")[2]
    if name == "long":
        return html(_LONG)
    if name in {"one", "two", "three", "stored"}:
        more = {} if name != "stored" else {"Cache_Control": "no-store"}
        return html(_STEPS, f"<title>{name} {asked.method}</title>", **more)
    if name == "refresh":
        return html("", '<meta http-equiv=refresh content="0;url=/history/two?refreshed">')
    if name == "header":
        return html("", Refresh=f"0; url={B}/history/two?by-header")
    if name == "gone":
        return Answer(status=204)
    if name == "file":
        fields = (("Content-Disposition", "attachment; filename=x.txt"),)
        return Answer(b"file", "text/plain", fields)
    return None


def _told(view):
    return [view.frame.evaluate(_LOOK), view.frame.evaluate("log")]


def _back(view, origin: str, path: str):
    view.frame.evaluate("void setTimeout(() => history.back())")
    return view.at(origin + path)


def _there_and_back(selector: str, origin: str = A):
    def act(view):
        view.frame.click(selector)
        view.at(origin + "/history/two")
        seen = [_told(view)]
        _back(view, A, "/history/one")
        view.ready("log.filter(([what]) => what === 'show').length > 1")
        seen.append(_told(view))
        view.frame.evaluate("void setTimeout(() => history.forward())")
        view.at(origin + "/history/two")
        return [*seen, _told(view)]

    return act


def _states(view):
    view.frame.evaluate("push({ n: 1 }, '/history/one?pushed'); push({ n: 2 }, '#deep')")
    seen = [_told(view)]
    for step in ("back", "back", "forward"):
        count = view.frame.evaluate("log.length")
        view.frame.evaluate(f"void setTimeout(() => history.{step}())")
        view.ready(f"log.length > {count}")
        seen.append(_told(view))
    return seen


def _reload(view):
    view.frame.fill("#field", "typed")
    view.frame.evaluate("history.replaceState({ kept: 1 }, '', '#kept')")
    view.frame.evaluate("void setTimeout(() => location.reload())")
    view.ready("log.filter(([what]) => what === 'show').length > 1")
    return _told(view)


def _reload_post(view):
    view.frame.click("#send")
    view.at(A + "/history/two")
    return _told(view)


def _hash(view):
    view.frame.click("#hash")
    view.ready("location.hash")
    return [_told(view), view.frame.evaluate("document.querySelector(':target').id")]


def _run(code: str, path: str, origin: str = A):
    def act(view):
        view.frame.evaluate(f"void setTimeout(() => {{ {code} }})")
        view.at(origin + path)
        view.ready("document.readyState === 'complete'")
        return view.frame.evaluate(_LOOK)

    return act


def _stays(code: str):
    def act(view):
        view.frame.evaluate(f"void setTimeout(() => {{ {code} }})")
        view.page.wait_for_timeout(250)
        return view.frame.evaluate(_LOOK)

    return act


def _asked(accept: bool):
    def act(view):
        heard = []

        def on_dialog(dialog) -> None:
            heard.append([dialog.type, dialog.message])
            (dialog.accept if accept else dialog.dismiss)()

        view.page.on("dialog", on_dialog)
        view.frame.evaluate("addEventListener('beforeunload', (event) => event.preventDefault())")
        view.frame.click("#field")
        view.frame.evaluate("void setTimeout(() => { location = '/history/two' })")
        if accept:
            view.at(A + "/history/two")
        else:
            view.ready("false", 0.5)
        return [heard, view.frame.evaluate("location.pathname")]

    return act


def _scrolled(view):
    view.frame.evaluate("scrollTo(0, 1500)")
    view.frame.evaluate("void setTimeout(() => { location = '/history/two' })")
    view.at(A + "/history/two")
    _back(view, A, "/history/long")
    view.ready("scrollY > 1000", 2)
    return view.frame.evaluate("scrollY")


CASES = (
    Case("a link there and back", "/history/one", act=_there_and_back("#own")),
    Case("a link to another host and back", "/history/one", act=_there_and_back("#foreign", B)),
    Case("a form there and back", "/history/one", act=_there_and_back("#get")),
    Case("states back and forward in a tab", "/history/one", act=_states),
    Case("a reload of a tab", "/history/one", act=_reload),
    Case("a form that is sent by a tab", "/history/one", act=_reload_post),
    Case("a hash of a tab", "/history/one", act=_hash),
    Case("a page that refreshes itself", "/history/one", act=_run("location = '/history/refresh'", "/history/two")),
    Case("a page whose header refreshes it", "/history/one", act=_run("location = '/history/header'", "/history/two", B)),
    Case("a page that is not stored, and back", "/history/stored", act=_run("location = '/history/two'", "/history/two")),
    Case("location.replace of a tab", "/history/one", act=_run("location.replace('/history/two?replaced')", "/history/two")),
    Case("location.assign to another host", "/history/one", act=_run(f"location.assign('{B}/history/two')", "/history/two", B)),
    Case("a navigation without content", "/history/one", act=_stays("location = '/history/gone'")),
    Case("a navigation that is a file", "/history/one", act=_stays("location = '/history/file'")),
    Case("a navigation to a script's text", "/history/one", act=_stays("location = 'javascript:void 0'")),
    Case("a navigation to a scheme that is nobody's", "/history/one", act=_stays("location = 'nobodys-scheme:x'")),
    Case("a navigation to a data: address", "/history/one", act=_stays("location = 'data:text/html,x'")),
    Case("a page that asks before it is left, and is", "/history/one", act=_asked(True)),
    Case("a page that asks before it is left, and is not", "/history/one", act=_asked(False)),
    Case("where a tab was scrolled to", "/history/long", act=_scrolled),
)  # fmt: skip
