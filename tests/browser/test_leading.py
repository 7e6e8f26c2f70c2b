"""Frames that lead other frames, and what the outer frame says and does of its own."""

from __future__ import annotations

import contextlib

import pytest

from tests.browser.harness import settle
from tests.browser.runtime.pages import A, B
from tests.browser.runtime.ways import FORM, both, says

pytestmark = pytest.mark.browser


# Ways of a frame to lead another: the frame (its path), the target and what is seen.
LEADS = {
    f"{way} {target} from {'.'.join(map(str, path))}": (way, path, target)
    for way in ("link", "form", "POST", "file", "window.open")
    for path, target in (
        ((0,), "_parent"),
        ((0,), "right"),
        ((0, 0), "_parent"),
        ((0, 0), "_top"),
        ((0, 0), "left"),
        ((0, 0), "right"),
        ((0, 0), "other"),
        ((1, 0), "_top"),
        ((1, 0), "_parent"),
        ((1, 0), "left"),
        ((1, 0), "right"),
        ((1, 1), "_parent"),
        ((1, 1), "_top"),
        ((1, 1), "right"),
        ((1,), "inner"),
        ((0, 1), "inner"),
    )
    # What differs from a form only by its data need not be tried everywhere.
    if way in {"link", "window.open", "form"}
    or (path, target) in {((0,), "right"), ((0, 0), "_top"), ((1, 0), "left"), ((0, 1), "inner")}
}
ACTS = {
    "link": "document.body.insertAdjacentHTML('beforeend', `<a target=${target} href=${to}>x</a>`); document.body.lastChild.click()",
    "window.open": "open(to, target)",
    "form": FORM.replace("@/landed", "${to}").replace("_blank", "${target}") + "f.submit()",
    "POST": FORM.replace("@/landed", "${to}").replace("_blank", "${target}") + "f.method = 'post'; f.submit()",
    "file": FORM.replace("@/landed", "${to}").replace("_blank", "${target}")
    + "f.method = 'post'; f.enctype = 'multipart/form-data'; f.q.type = 'file'; const t = new DataTransfer(); t.items.add(new File(['content'], 'x')); f.q.files = t.files; f.b.click()",
}  # fmt: skip


def leading(way, kind, path, target):
    """Where the landing is, what it got, and whether a window opened instead."""
    since = len(way.world.site.log)
    top = way.open(A + "/top")
    page = way.context.pages[-1]
    frame = top if way.through else page.main_frame
    for at in path:
        name = (("left", "right"), ("inner", "other"))[
            frame is not top and frame is not page.main_frame
        ][at]
        frame = next(one for one in frame.child_frames if one.name == name)
    frame.wait_for_selector("#go")
    frame.evaluate(
        "([code, to, target]) => run(`const to = '${to}', target = '${target}'; ${code}`)",
        [ACTS[kind], B + "/landed", target],
    )
    frame.click("#go")
    seen = []

    def where():
        seen.clear()
        for at, one in enumerate(way.context.pages):
            start = one.frames[1] if way.through and len(one.frames) > 1 else one.main_frame
            if way.through and start is one.main_frame:
                continue
            stack = [((), start)]
            while stack:
                place, here = stack.pop()
                if "/landed" in here.url.partition("#")[0]:
                    seen.append((at, place))
                stack += [((*place, below.name), below) for below in here.child_frames]
        return bool(seen)

    with contextlib.suppress(AssertionError):
        settle(page, where, "something landed", 2)
    asked = [one for one in way.world.site.log[since:] if one.path == "/landed"]
    told = [
        (
            one.method,
            len(one.body) > 3,
            "content" in one.body.decode("latin-1"),
            one.fields.get("Origin") if one.method == "POST" else "",
        )
        for one in asked
    ]
    return [seen[:], told]


@pytest.mark.parametrize("name", LEADS)
def test_leading_other_frames(ways, name):
    """A frame leads those that it would lead directly, with what it sends; strangers it does not."""
    directly, through = both(ways, leading, *LEADS[name])
    assert through == directly


def test_the_outer_frames_words(through):
    """Title and path are text, and capped; an icon is a rewrite host's, or the gateway's own."""
    title = "<b>&amp;" + "x" * 500
    frame = through.open(A + "/titled")
    page = through.context.pages[-1]
    own = page.evaluate("document.querySelector('link[rel=icon]').href")
    frame.evaluate(
        "([title]) => { document.title = title; history.pushState('', '', '/' + 'y'.repeat(5000)); dispatchEvent(new Event('hashchange')) }",
        [title],
    )
    says(page, lambda: page.title().startswith("<b>"))
    assert page.title() == title[:200]
    assert page.locator("b").count() == 0
    assert len(page.locator("#address").input_value()) == len(A) + 2000
    assert page.evaluate("document.querySelector('link[rel=icon]').href") == own
    frame = through.open(A + "/titled?t=Icon&icon=1")
    page = through.context.pages[-1]
    says(page, lambda: page.title() == "Icon")
    icon = "document.querySelector('link[rel=icon]').href"
    assert page.evaluate(icon) == through.world.collapsed(A) + "/pixel.png"
    for icon_url in ("javascript:1", "data:image/png,x", "http://x.test/"):
        frame.evaluate(
            "url => { document.querySelector('link').setAttribute('href', url); dispatchEvent(new Event('hashchange')) }",
            icon_url,
        )
    frame.evaluate(
        "document.querySelector('link').remove(); dispatchEvent(new Event('hashchange'))"
    )
    says(page, lambda: page.evaluate(icon) == own)


def test_the_outer_frames_buttons(through):
    """Deep link, reload, back, forward and home."""
    world = through.world
    frame = through.open(A + "/titled?t=one")
    page = through.context.pages[-1]
    says(page, lambda: page.title() == "one")
    frame.evaluate("location.href = '/titled?t=two#part'")
    says(page, lambda: page.title() == "two")
    says(page, lambda: page.url.endswith(f"#{A}/titled?t=two#part"))
    since = len(world.site.log)
    page.get_by_role("button", name="Reload").click()
    says(page, lambda: any(one.path == "/titled" for one in world.site.log[since:]))
    says(page, lambda: page.title() == "two")
    page.get_by_role("button", name="Back").click()
    says(page, lambda: page.title() == "one")
    page.get_by_role("button", name="Forward").click()
    says(page, lambda: page.title() == "two")
    page.reload()
    says(page, lambda: page.title() == "two")
    page.get_by_role("link", name="Home").click()
    page.wait_for_url(world.stack.codec.portal_origin + "/")
