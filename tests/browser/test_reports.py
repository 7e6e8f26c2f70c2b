"""What browsers report: a site's endpoints get by the gateway what they get directly.

And the operator's policy: it tightens, the runtime runs under it, no site hears of it.
"""

from __future__ import annotations

import json
import urllib.request

import pytest

from tests.browser.harness import until
from tests.browser.runtime.pages import A, B
from tests.browser.runtime.site import JS, Answer, Asked
from tests.browser.runtime.world import World

pytestmark = pytest.mark.browser

CSP = "Content-Security-Policy"
OPERATOR = f"""
[[content-policy]]
site = "{B}"
policy = "default-src 'self'; img-src 'none'"
"""
IMAGE = "<p>\n<img src=https://b.test/pixel.png>"
ENDPOINT = ("Reporting-Endpoints", 'g="https://a.test/collect?case={0}", h="https://b.test/h"')
# By case: markup and fields. {0} is the case's name.
CASES = {
    "uri": (IMAGE, [(CSP, "IMG-SRC  'none';report-uri /collect?case={0}")]),
    "cross": (IMAGE, [(CSP, "img-src 'none'; report-uri https://b.test/collect?case={0}")]),
    "only": (IMAGE, [(f"{CSP}-Report-Only", "img-src data:; report-uri /collect?case={0}")]),
    "inline": (
        "<p>\n<script>let inline = 1;</script>",
        [(CSP, "script-src 'self' 'report-sample'; report-uri /collect?case={0}")],
    ),
    "script": (
        "<p>\n<script src=/fetching.js></script>",
        [(CSP, "connect-src 'none'; report-uri /collect?case={0}")],
    ),
    "to": (IMAGE, [(CSP, "img-src 'self'; report-to g"), ENDPOINT]),
    "embedder": (
        IMAGE,
        [("Cross-Origin-Embedder-Policy-Report-Only", 'require-corp; report-to="g"'), ENDPOINT],
    ),
}
# Whether an image has a place depends on which of its parsers the browser was quicker with;
# fetch is called by the runtime for the page, whose line is not the page's and is left out.
WITH_PLACE = {"inline"}
PLACE = ("source-file", "line-number", "sourceFile", "lineNumber")


def answer(asked: Asked) -> Answer | None:
    """The pages of the cases, and who collects."""
    name = asked.path.removeprefix("/case/")
    if name in CASES:
        markup, fields = CASES[name]
        told = tuple((key, value.format(name)) for key, value in fields)
        return Answer(f"<!doctype html><title>{name}</title>{markup}".encode(), fields=told)
    if asked.path == "/fetching.js":
        return Answer(b"fetch('https://b.test/echo').catch(() => 0);", JS)
    if asked.path == "/operated":
        text = f"<!doctype html><title>o</title><p id=text>shown</p>{IMAGE}<script src=/script.js></script>"
        return Answer(text.encode())
    if asked.path == "/collect":
        return Answer(status=204)
    return None


@pytest.fixture(scope="module")
def world(tmp_path_factory, playwright):
    """One world for all; reports come at once, not a minute later."""
    origins = {A: "secure", B: "secure"}
    folder = tmp_path_factory.mktemp("reports")
    flags = ("--short-reporting-delay",)
    # The shell without windows sends nothing of the Reporting API.
    made = World(folder, playwright, origins, answer, windowed=True, extra=OPERATOR, flags=flags)
    try:
        yield made
    finally:
        made.stop()


def collected(world, page, through: bool) -> dict[str, dict]:
    """What came of each case, its times and the browser's name left out."""
    since = len(world.site.log)
    for name in CASES:
        world.open(page, f"{A}/case/{name}", through=through)
    found: dict[str, dict] = {}

    def all_there() -> bool:
        page.wait_for_timeout(20)
        for one in world.site.log[since:]:
            if one.path == "/collect" and one.method == "POST" and b"favicon" not in one.body:
                found[one.case] = normal(one)
        return len(found) == len(CASES)

    until(all_there, "every case was reported", 20)
    return found


def normal(asked: Asked) -> dict:
    """A request to an endpoint as it is to be compared."""
    content = json.loads(asked.body)
    reports = content if isinstance(content, list) else [content]
    for one in reports:
        one.pop("age", None)
        report = one.get("body") or one["csp-report"]
        # A line of markup is as long as the URLs in it are here.
        columns = ("column-number", "columnNumber")
        for name in columns if asked.case in WITH_PLACE else (*columns, *PLACE):
            report.pop(name, None)
    names = ("Host", "Origin", "Referer", "Cookie", "Content-Type", "Sec-Fetch-Site")
    fields = {name: asked.fields.get(name) for name in names}
    return {"host": asked.host, "fields": fields, "content": content}


def test_the_same_as_directly(world):
    """Both forms, own and foreign endpoints: field by field, member by member."""
    with world.tab(through=False) as page:
        directly = collected(world, page, through=False)
    with world.tab(through=True) as page:
        through = collected(world, page, through=True)
    for name in CASES:
        assert through[name] == directly[name], name
    assert world.tripwire.touched == []


def test_operators_policy(world):
    """It stops what the site allows; the page is shown and its own script runs."""
    with world.tab(through=True) as page:
        since = len(world.site.log)
        frame = world.open(page, f"{B}/operated", through=True)
        frame.wait_for_selector("#text", state="visible")
        assert frame.evaluate("globalThis.ran") == "b.test"

        def told() -> list[dict]:
            page.wait_for_timeout(20)
            url = f"http://127.0.0.1:{world.stack.admin_port}/reports"
            with urllib.request.urlopen(url) as got:
                found = json.load(got)["reports"]
            return [one for one in found if one["layer"] == "operator"]

        until(lambda: told(), "the operator is told", 15)
        (one,) = told()
        assert (one["directive"], one["page"], one["blocked"], one["told"]) == (
            "img-src", f"{B}/operated", f"{B}/pixel.png", False,
        )  # fmt: skip
        assert not [one for one in world.site.log[since:] if one.path in {"/pixel.png", "/collect"}]
