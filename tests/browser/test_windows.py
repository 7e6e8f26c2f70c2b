"""Windows that pages open: each as in a direct load."""

from __future__ import annotations

import json

import pytest

from tests.browser.harness import settle
from tests.browser.runtime.pages import A, B
from tests.browser.runtime.ways import FORM, C, both

pytestmark = pytest.mark.browser


TAG = "document.body.insertAdjacentHTML('beforeend', `{}`); document.querySelector('#n').click()"
OPENINGS = {
    "window.open": "self.made = open('@')",
    "window.open with an empty name": "self.made = open('@', '')",
    "window.open by a relative URL": "self.made = open('/page')",
    "window.open with a name": "self.made = open('@', 'its name')",
    "window.open with features": "self.made = open('@', 'its', 'width=300,height=200')",
    "window.open with noopener": "self.made = open('@', 'its', 'noopener')",
    "window.open with noopener=0": "self.made = open('@', '', 'noopener=0')",
    "window.open with noreferrer": "self.made = open('@', '', 'width=300, noreferrer')",
    "window.open of nothing, then led": "self.made = open(); made.location = '@'",
    "window.open of about:blank, then led": "self.made = open('about:blank', 'x'); made.location.href = '@'",
    "window.open of nothing, disowned, then led": "self.made = open(''); made.opener = null; made.location.replace('@')",
    "a link": TAG.format("<a id=n target=_blank href=@>"),
    "a link with rel=opener": TAG.format("<a id=n target=_blank rel=opener href=@>"),
    "a link with rel=noopener": TAG.format("<a id=n target=named rel=noopener href=@>"),
    "a link with rel=noreferrer": TAG.format("<a id=n target=named rel='opener noreferrer' href=@>"),
    "a link with a name": TAG.format("<a id=n target=named href=@>"),
    "a link in an SVG": "document.body.insertAdjacentHTML('beforeend', `<svg><a id=n target=_blank href=@><text>x`); "
    "document.querySelector('#n').dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }))",
    "a link by base": "document.head.appendChild(document.createElement('base')).target = 'based'; "
    + TAG.format("<a id=n href=@>"),
}  # fmt: skip


def opening(way, code: str, origin: str):
    """What the two pages know of each other."""
    frame = way.open(A + "/page")
    frame.evaluate("sessionStorage.mine = 'here'")
    _, inner = way.click(
        frame, code.replace("@", origin + "/page"), A if "'/page" in code else origin
    )
    known = "[opener === null, name, self.sessionStorage.mine ?? null, typeof close]"
    made = "[self.made === undefined ? '' : made === null, self.made?.closed]"
    return [inner.evaluate(known), frame.evaluate(made)]


@pytest.mark.parametrize("name", OPENINGS)
@pytest.mark.parametrize("origin", [A, B])
def test_opening(ways, name, origin):
    """A window has the opener, name and session storage that it would have."""
    directly, through = both(ways, opening, OPENINGS[name], origin)
    assert through == directly


def talk(way):
    """Both pages speak to each other."""
    frame = way.open(A + "/page")
    _, inner = way.click(frame, f"self.made = open('{B}/page', 'b')")
    to_popup = {
        "right": f"made.postMessage('right', '{B}')",
        "right with a path": f"made.postMessage('right', '{B}/any/where?x')",
        "any": "made.postMessage({ deep: [1, { two: new Map([[1, 2]]).size, none: undefined }] }, '*')",
        "options": f"made.postMessage('options', {{ targetOrigin: '{B}' }})",
        "wrong": f"made.postMessage('wrong', '{A}')",
        "wrong port": f"made.postMessage('wrong', '{C}')",
        "own": "made.postMessage('own', '/')",
        "default": "made.postMessage('default')",
        "buffer": "{ const one = new ArrayBuffer(8); made.postMessage(one, '*', [one]); self.left = one.byteLength }",
        "port": "{ const { port1, port2 } = new MessageChannel(); made.postMessage(port2, '*', [port2]); port1.onmessage = ({ data }) => { self.heard = data } }",
        "answer": "made.postMessage('answer', '*')",
    }
    errors = []
    inner.evaluate(
        "addEventListener('message', (event) => event.ports[0]?.postMessage('through the port'))"
    )
    for code in to_popup.values():
        errors.append(
            frame.evaluate(
                "code => { try { new Function(code)() } catch (error) { return error.name } }", code
            )
        )
    for code in (
        "made.postMessage(1, 'no origin')",
        "made.postMessage(() => 1, '*')",
        "made.document",
        "made.location.href",
        "made.anything",
    ):
        errors.append(
            frame.evaluate(
                "code => { try { new Function(`return ` + code)(); return 'none' } catch (error) { return error.name } }",
                code,
            )
        )
    said = way.got(inner, B, 7)
    answered = way.got(frame, A, 1)
    frame.wait_for_function("self.heard")
    back = []
    for code in (f"'{A}'", "'*'", f"'{B}'", "'/'", f"{{ targetOrigin: '{A}' }}"):
        inner.evaluate("code => opener.postMessage(code, new Function('return ' + code)())", code)
    inner.evaluate("opener.postMessage('answer', '*')")
    back = way.got(frame, A, 5)
    more = way.got(inner, B, 8)
    return [errors, said, answered, back, more[7:], frame.evaluate("[left, heard]")]


def test_messages(ways):
    """Both ways messages arrive where they may, with origin, source and what is transferred."""
    directly, through = both(ways, talk)
    assert through == directly


def closing(way, by: str):
    """Who closes, and what the opener sees."""
    frame = way.open(A + "/page")
    page, inner = way.click(frame, f"self.made = open('{B}/page')")
    before = frame.evaluate("made.closed")
    if by == "the person":
        page.close()
    elif by == "the opener":
        assert frame.evaluate("made.close(), made.closed")
    else:
        inner.evaluate("void setTimeout(() => close())")
    frame.wait_for_function("made.closed", timeout=8000)
    return [before, page.is_closed() or bool(page.wait_for_event("close"))]


@pytest.mark.parametrize("by", ["the person", "the opener", "itself"])
def test_closing(ways, by):
    """``closed`` becomes true, and the window goes."""
    directly, through = both(ways, closing, by)
    assert through == directly == [False, True]


def lonely(way):
    """A window without an opener closes itself."""
    frame = way.open(A + "/page")
    page, inner = way.click(frame, f"open('{B}/page', '', 'noopener')")
    inner.evaluate("void setTimeout(() => close())")
    settle(frame, page.is_closed, "it closes", 8)
    return True


def test_closing_alone(ways):
    """What script opened, script may close, with or without an opener."""
    assert both(ways, lonely) == [True, True]


def reused(way):
    """A name leads to the window that has it."""
    frame = way.open(A + "/page")
    page, inner = way.click(frame, f"self.made = open('{B}/page?1', 'one')", path="/page?1")
    frame.evaluate(f"run(`self.again = open('{B}/page?2', 'one')`)")
    frame.click("#go")
    inner = way.inner(page, B, "/page?2")
    frame.evaluate("run(`self.third = open('', 'one')`)")
    frame.click("#go")
    frame.evaluate(f"made.location = '{A}/page?3'")
    inner = way.inner(page, A, "/page?3")
    same = frame.evaluate("[made === again, again === third]")
    inner.evaluate("void (opener.location = 'https://b.test/page?4')")
    away = way.inner(way.context.pages[-2], B, "/page?4")
    return [same, len(way.context.pages), inner.evaluate("name"), away.evaluate("name")]


def test_names(ways):
    """A named window is used again, and each may lead the other elsewhere."""
    directly, through = both(ways, reused)
    assert through == directly


def unnamed(way):
    """A page opens two windows that have no name; what each is told."""
    frame = way.open(A + "/page")
    one, first = way.click(frame, f"self.made = open('{B}/page?1')", path="/page?1")
    other, second = way.click(frame, f"self.second = open('{B}/page?2', '_blank')", path="/page?2")
    frame.evaluate("made.postMessage('one', '*'), second.postMessage('other', '*')")
    said = [[said["data"] for said in way.got(one, B, 1)] for one in (first, second)]
    other.close()
    frame.wait_for_function("second.closed", timeout=8000)
    return [one is not other, said, frame.evaluate("[made === second, made.closed]")]


def test_windows_without_a_name(ways):
    """Each is a window of its own, and the page's words reach the one that they are for."""
    directly, through = both(ways, unnamed)
    assert through == directly == [True, [["one"], ["other"]], [False, False]]


def near(way):
    """Two pages of one origin look into each other."""
    frame = way.open(A + "/page")
    frame.evaluate("self.callback = function (said) { self.called = said; return document.title }")
    _, inner = way.click(frame, "self.made = open('/page')", A)
    frame.wait_for_function("(() => { try { return made.document.title } catch {} })()")
    return [
        inner.evaluate(
            "[opener.callback('hello'), opener.document.title, opener.location.pathname, 'callback' in opener, opener.getComputedStyle(opener.document.body).display]"
        ),
        inner.evaluate("opener.fresh = 5"),
        frame.evaluate(
            "[called, fresh, made.document.body.id, made.opener === self, made.location.pathname]"
        ),
        inner.evaluate("opener.location.reload()"),
        frame.wait_for_function("!self.called") and True,
    ]


def test_pages_of_one_origin(ways):
    """They reach each other's functions and documents."""
    directly, through = both(ways, near)
    assert through == directly


def sign_in(way):
    """A login in a window: provider, form, redirect, message, and the window is gone."""
    frame = way.open(A + "/page")
    page, inner = way.click(
        frame, f"self.made = open('{B}/provider', 'login', 'width=400,height=300')", B, "/provider"
    )
    inner.click("#send")
    frame.wait_for_function("made.closed && got.length")
    cookie = frame.evaluate("fetch('/echo').then((one) => one.json()).then((one) => one.Cookie)")
    return [way.told(frame.evaluate("got"), A), cookie, page.is_closed()]


def test_a_login(ways):
    """OAuth's way: the opener gets the code, the window closes, and the cookie is the site's."""
    directly, through = both(ways, sign_in)
    assert through == directly
    assert through[0][0]["data"] == {"code": "ada"}


FORMS = {
    "GET": "",
    "GET with a query": "f.action = '@/landed?lost=1#kept'",
    "GET of the own origin": "f.action = '/landed'",
    "POST": "f.method = 'post'",
    "POST of the own origin": "f.method = 'post'; f.action = '/landed?x=1'",
    "POST with a name": "f.method = 'post'; f.target = 'its'",
    "POST with a field called submit": "f.method = 'post'; f.q.name = 'submit'; f.b.name = 'append'; f.requestSubmit = HTMLFormElement.prototype.submit; f.requestSubmit(); return",
    "POST with an opener": "f.method = 'post'; f.rel = 'opener'",
    "POST without one": "f.method = 'post'; f.target = 'its'; f.rel = 'noopener'",
    "POST with a file": "f.method = 'post'; f.enctype = 'multipart/form-data'; f.q.type = 'file'; "
    "const t = new DataTransfer(); t.items.add(new File(['content'], 'ä.txt', { type: 'text/x' })); f.q.files = t.files",
    "POST with no file": "f.method = 'post'; f.enctype = 'multipart/form-data'; f.q.type = 'file'",
    "POST as text": "f.method = 'post'; f.enctype = 'text/plain'",
    "by its button": "f.target = ''; f.method = 'get'; f.b.formTarget = '_blank'; f.b.formMethod = 'post'; f.b.formAction = '@/landed?by=1'; f.b.click(); return",
    "by requestSubmit": "f.method = 'post'; f.requestSubmit(f.b); return",
    "by a handler that stops": "f.method = 'post'; f.onsubmit = (event) => event.stopPropagation(); f.b.click(); return",
    "whose handler changes it": "f.method = 'post'; f.onsubmit = () => { f.q.value = 'changed' }; f.b.click(); return",
    "whose handler sends it": "f.method = 'post'; f.onsubmit = () => { f.q.value = 'sent'; f.submit(); return false }; f.b.click(); return",
}  # fmt: skip


def sent_form(way, code: str):
    """What of a form arrives, and what the new page knows of its opener."""
    frame = way.open(A + "/page")
    _, inner = way.click(
        frame,
        (FORM + code + "; f.submit()").replace("@", B),
        A if "'/landed" in code else B,
        "/landed",
    )
    echo = json.loads(inner.inner_text("pre"))
    body, kind = echo.pop("body"), echo.pop("Content-Type")
    boundary = kind.partition("boundary=")[2]
    told = [body.replace(boundary, "BOUNDARY") if boundary else body, kind.replace(boundary, "")]
    # What a POST led to keeps its token in its address (protocols, section 8).
    known = inner.evaluate(
        "[opener === null, name, location.search.replace(/[?&]__gw=.*/, ''), location.hash]"
    )
    return [told, {key: echo[key] for key in ("method", "Host", "Origin", "Cookie")}, known]


@pytest.mark.parametrize("name", FORMS)
def test_forms_for_new_windows(ways, name):
    """The new window gets the form's data, in the name of the page whose form it is."""
    directly, through = both(ways, sent_form, FORMS[name])
    if "POST" not in name and directly[1]["method"] == "GET":
        directly[1]["Origin"] = through[1]["Origin"] = ""
    assert through == directly


def test_a_window_waits_for_a_click(ways):
    """A page opens nothing by itself: the person may, and then the window is as it would be."""
    way = ways[1]
    frame = way.open(A + "/page")
    page = way.context.pages[-1]
    frame.evaluate(
        f"setTimeout(() => {{ self.made = open('{B}/page', 'kept'); self.said = made }}, 5500)"
    )
    frame.wait_for_function("self.said !== undefined", timeout=9000)
    button = page.get_by_role("button", name="A page wants to open another window.")
    button.wait_for()
    assert frame.evaluate("made") is None
    assert len(way.context.pages) == 1
    with way.opened() as found:
        button.click()
    inner = way.inner(found[0], B)
    assert inner.evaluate("[opener !== null, name]") == [True, "kept"]
    assert button.is_hidden()
    inner.evaluate("opener.postMessage('here', '*')")
    assert way.got(frame, A, 1)[0]["data"] == "here"
    way.clear()
