"""Ways to leave a page: each shows what it shows directly, in the place where it would.

A page is left from the topmost page of an outer frame, which is a frame to the browser.
"""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from tests.browser.harness import KNOWN, settle
from tests.browser.runtime.pages import A, B
from tests.browser.runtime.world import World

pytestmark = pytest.mark.browser
LINK = "const a = document.createElement('a');"
FORM = "const f = document.body.appendChild(document.createElement('form'));"
META = "const m = document.createElement('meta'); m.httpEquiv = 'refresh';"
# Ways to leave a page for `to`, at the other site.
WAYS = {
    "location": "location = to",
    "location by a URL object": "location = new URL(to)",
    "location with the page's scheme": "location = to.replace('https:', '')",
    "location.href": "location.href = to",
    "document.location": "document.location = to",
    "assign": "location.assign(to)",
    "replace": "location.replace(to)",
    "the own name": "location.href = to.replace('b.test', 'a.test')",
    "navigation.navigate": "navigation.navigate(to)",
    "navigation.navigate, replacing": "navigation.navigate(to, { history: 'replace' })",
    "link of the server": "$('link').click()",
    "link": "link().click()",
    "link by an attribute": f"{LINK} a.setAttribute('href', to); a.click()",
    "link by an event": "link().dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }))",
    "link by innerHTML": "document.body.insertAdjacentHTML('beforeend', `<a id=n href='${to}'>x</a>`); $('n').click()",
    "link with a child": "const a = link(); a.innerHTML = '<b>x</b>'; a.firstChild.click()",
    "link in a shadow tree": "const r = document.body.attachShadow({ mode: 'closed' }); r.innerHTML = `<a href='${to}'>x</a>`; r.firstChild.click()",
    "link that its handler changes": "const a = link({ href: '/none' }); a.onclick = () => { a.href = to }; a.click()",
    "link that is prevented": "const a = link(); a.onclick = () => { location = to + '&q=1'; return false }; a.click()",
    "link without referrer": "link({ rel: 'noreferrer' }).click()",
    "link with a policy": "link({ referrerPolicy: 'unsafe-url' }).click()",
    "link by javascript:": 'link({ href: `javascript:location.href="${to}"` }).click()',
    "link by javascript: without a value": 'link({ href: `javascript:void (location.href="${to}")` }).click()',
    "area": "$('area').click()",
    "link in an SVG": "$('svg').dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }))",
    "link to the top, of the server": "$('top').click()",
    "link to the top": "link({ target: '_top' }).click()",
    "link to the parent": "link({ target: '_PARENT' }).click()",
    "link to itself": "link({ target: '_self' }).click()",
    "link by base": "document.head.appendChild(document.createElement('base')).target = '_top'; link().click()",
    "form": "$('get').submit()",
    "form by requestSubmit": "$('get').requestSubmit()",
    "form by its button": "$('send').click()",
    "form with POST": "$('post').submit()",
    "form with POST by its button": "$('post').elements.b.click()",
    "form to the top": "$('topform').submit()",
    "form to the top by requestSubmit": "$('topform').requestSubmit()",
    "form made by script": f"{FORM} f.action = to; f.method = 'post'; f.append(Object.assign(document.createElement('input'), {{ name: 'q', value: 'x' }})); f.submit()",
    "form by attributes": f"{FORM} f.setAttribute('action', to); f.setAttribute('method', 'post'); f.setAttribute('enctype', 'text/plain'); f.submit()",
    "form by formAction": f"{FORM} const b = f.appendChild(document.createElement('button')); b.formAction = to; b.formMethod = 'post'; b.formTarget = '_top'; b.click()",
    "form whose method is not a method": f"{FORM} f.action = to; f.method = 'post'; f.innerHTML = '<input name=submit value=1>'; HTMLFormElement.prototype.submit.call(f)",
    "window.open here": "window.open(to, '_self')",
    "window.open at the top": "window.open(to, '_top')",
    "window.open in the parent": "open(to, '_parent')",
    "meta refresh": f"{META} m.content = `0;url=${{to}}`; document.head.append(m)",
    "meta refresh by attributes": "const m = document.createElement('meta'); m.setAttribute('http-equiv', 'refresh'); m.setAttribute('content', `0; URL='${to}'`); document.head.append(m)",
    "meta refresh by innerHTML": "document.body.insertAdjacentHTML('beforeend', `<meta http-equiv=refresh content='0;${to}'>`)",
    "from a frame": "const f = document.body.appendChild(document.createElement('iframe')); f.contentWindow.parent.location.href = to",
}


@pytest.fixture(scope="module")
def world(playwright, tmp_path_factory):
    """One world for all tests."""
    made = World(tmp_path_factory.mktemp("navigation"), playwright)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def profiles(world):
    """A profile for each way to the site, for all tabs that are left in it."""
    with world.tab(through=False) as direct, world.tab(through=True) as inside:
        yield direct.context, inside.context


def leave(world, context, name: str, *, through: bool):
    """Leave the start page; what the other page, its origin and the history tell."""
    host = A if name == "the own name" else B
    start = world.collapsed(host) if through else host
    page = context.new_page()
    try:
        frame = world.open(page, f"{A}/start?case={quote(name, safe='')}", through=through)
        before = frame.evaluate("history.length")
        run = "way => void setTimeout(() => new Function('to', '$', 'link', way)(to, $, link))"
        frame.evaluate(run, WAYS[name])

        def landed() -> bool:
            return any(one.url.startswith(start + "/landed") for one in page.frames[through:])

        settle(page, landed, f"{name} leads there", 4)
        frame = page.frames[through]
        echo = json.loads(frame.inner_text("pre"))
        referrer, steps = frame.evaluate("[document.referrer, history.length]")
        frames = len(page.frames) - through
    finally:
        page.close()
    if through:
        referrer = world.plainly(referrer, host)
    return {**echo, "frames": frames, "referrer": referrer, "steps": steps - before}


@pytest.mark.parametrize("name", [one for one in WAYS if one not in KNOWN["ways"]])
def test_leaving_a_page(world, profiles, name):
    """The other page is shown in its place, was asked for alike, and the history grew alike."""
    directly, through = (leave(world, one, name, through=at) for at, one in enumerate(profiles))
    assert directly.pop("Sec-Fetch-Dest") == "document"
    through.pop("Sec-Fetch-Dest")  # has a test of its own
    assert through == directly


NEW_TABS = {
    "link": "document.body.innerHTML = `<a id=go target=_blank href='${to}'>go</a>`",
    "link of the server": "$('blank').id = 'go'",
    "link to a name": "document.body.innerHTML = `<a id=go target=elsewhere href='${to}'>go</a>`",
    "window.open": "$('link').id = 'go'; $('go').onclick = () => { window.open(to); return false }",
    "window.open of a name": "$('link').id = 'go'; $('go').onclick = () => { window.open(to, 'elsewhere', 'width=300'); return false }",
}


@pytest.mark.parametrize("name", NEW_TABS)
def test_a_new_tab(world, name):
    """It opens with an outer frame of its own, which shows the other site."""
    with world.tab(through=True) as page:
        frame = world.open(page, f"{A}/start?case=tab", through=True)
        frame.evaluate("way => new Function('to', '$', way)(to, $)", NEW_TABS[name])
        with page.context.expect_page(timeout=5000) as opened:
            frame.click("#go")
        inner = world.shown(opened.value, B)
        assert json.loads(inner.inner_text("pre"))["Host"] == "b.test"
        assert opened.value.url == f"{world.stack.outer}{B}/landed?case=tab"
        assert frame.url.startswith(world.collapsed(A))


def test_back_and_forward(world):
    """After a step to the other site, back leads to the page and forward there again."""
    with world.tab(through=True) as page:
        frame = world.open(page, f"{A}/start?case=back", through=True)
        frame.evaluate("void setTimeout(() => link().click())")
        world.shown(page, B).wait_for_selector("pre")
        page.evaluate("history.back()")
        world.shown(page, A).wait_for_selector("#link")
        page.evaluate("history.forward()")
        world.shown(page, B).wait_for_selector("pre")
