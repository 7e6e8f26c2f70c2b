"""Pages that forge words, addresses and openers get nothing by it."""

from __future__ import annotations

import pytest

from tests.browser.runtime.pages import A, B
from tests.browser.runtime.ways import FORM

pytestmark = pytest.mark.browser


FOREIGN_URLS = (
    "javascript:top.ran = 1",
    "javascript://a.test/%0atop.ran = 1",
    " javascript:ran = 1",
    "data:text/html,<script>opener.ran = 1</script>",
    "blob:https://a.test/x",
    "file:///etc/passwd",
    "chrome://version",
)


@pytest.mark.parametrize("url", FOREIGN_URLS)
def test_no_script_in_an_address(through, url):
    """What is no address of the web is neither opened nor run, in whatever way it comes."""
    frame = through.open(A + "/page")
    _, inner = through.click(frame, f"self.made = open('{B}/page')")
    page, popup = through.context.pages
    for code in (
        "open(url)",
        "made.location = url",
        "made.location.href = url",
        "made.location.replace(url)",
        "open(url, 'some', 'noopener')",
        "document.body.insertAdjacentHTML('beforeend', '<a target=_blank>x</a>'); const a = document.body.lastChild; a.href = url; a.click()",
    ):
        frame.evaluate(
            "([code, url]) => run(`const url = ${JSON.stringify(url)}; try { ${code} } catch {}`)",
            [code, url],
        )
        frame.click("#go")
    inner.evaluate("url => void (opener.location = url)", url)
    frame.evaluate("made.postMessage('done', '*')")
    through.got(inner, B, 1)
    inner.evaluate("opener.postMessage('done', '*')")
    through.got(frame, A, 1)
    assert len(through.context.pages) == 2
    for one in (page, popup, frame, inner):
        assert one.evaluate("self.ran") is None
    assert frame.url.startswith(through.world.collapsed(A))


FORGED = """(here) => {
  const nonce = "x";
  for (const gw of [1, 2]) for (const said of [
    { type: "words", data: "forged", target: "*", origin: "https://a.test" },
    { type: "go", url: "https://b.test/landed" }, { type: "disown" }, { type: "ready" },
    { type: "from-popup", id: 1, data: "forged", origin: "https://a.test" },
    { type: "open", id: 9, url: "https://b.test/landed", name: "" }, { type: "popup-close", id: 1 },
    { type: "lead", url: "https://b.test/landed" }, { type: "state", title: "forged", path: "/forged" },
    { type: "hello", nonce, proof: "x", own: location.origin }, { type: "answer", nonce, answer: "x" },
    { type: "ack" },
  ]) for (const to of here) to.postMessage({ gw, ...said }, "*");
}"""


def test_forged_messages(through):
    """What a page says past its port is nobody's word: not to its outer frame, nor another's."""
    frame = through.open(A + "/page")
    _, inner = through.click(frame, f"self.made = open('{B}/page')")
    page, popup = through.context.pages
    # The hello among them is a lie: the frame that tells it goes, and nothing else does.
    inner.evaluate(
        FORGED.replace('{ type: "hello", nonce, proof: "x", own: location.origin }, ', "")
        .replace("(here)", "()")
        .replace("of here", "of [top, top.opener]")
    )
    frame.evaluate(f"made.postMessage('done', '{B}')")
    assert [one["data"] for one in through.got(inner, B, 1)] == ["done"]
    inner.evaluate(f"opener.postMessage('done', '{A}')")
    assert [one["data"] for one in through.got(frame, A, 1)] == ["done"]
    assert inner.evaluate("opener !== null")
    assert len(through.context.pages) == 2
    assert page.title() == popup.title() == "page"
    assert frame.evaluate("made.closed") is False


def test_windows_that_are_not_the_opener(through):
    """A window without an opener finds no other; a frame cannot speak for its page's windows."""
    frame = through.open(A + "/top")
    _, lonely = through.click(frame, f"open('{B}/page', '', 'noopener')")
    assert lonely.evaluate("[opener, top.opener]") == [None, None]
    code = FORM.replace("@", B) + "f.method = 'post'; f.submit()"
    _, posted = through.click(frame, code, B, "/landed")
    assert posted.evaluate("[opener, top.opener]") == [None, None]
    _, own = through.click(frame, f"self.made = open('{B}/page')")
    assert own.evaluate("opener !== null")
    own.evaluate("opener = null")
    own.evaluate(f"location.href = '{A}/page'")
    page = through.context.pages[-1]
    own = through.inner(page, A)
    assert own.evaluate("[opener, top.opener]") == [None, None]
    # Still the opener may speak to it, and only then gets an answer.
    frame.evaluate("made.postMessage('answer', '*')")
    own.wait_for_function("got.length")
    frame.wait_for_function("got.length")
    assert [one["data"] for one in through.got(frame, A, 1)] == ["answered"]
