"""Mode ``basic`` as its users have it: in lynx and w3m."""

from __future__ import annotations

import json
import re
import sys

import pytest

from tests.browser.basic_site import BANK, ELSEWHERE
from tests.browser.harness import DOMAIN, Stack, until
from tests.browser.text_browsers import Lynx, Proxy, W3m

pytestmark = pytest.mark.browser
ODD = ("display:", ":root", "{", "__gw", "revert", "undefined", "alert", "written by script")
"""Words of markup that nobody is to read."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A gateway before the bank."""
    made = Stack(tmp_path_factory.mktemp("basic"))
    files = made.certificate("sites", "bank.test", "elsewhere.test")
    site = made.run("sites", [sys.executable, "-m", "tests.browser.basic_site", *files])
    until(lambda: "}\n" in site.text(), "the sites listen: " + site.text())
    made.hosts.update(json.loads(site.text().splitlines()[0]))
    made.start_gateway()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def proxy(stack):
    """The way to the gateway's names alone."""
    made = Proxy(DOMAIN, stack.port)
    yield made
    assert made.refused == []
    made.close()


@pytest.fixture(params=(Lynx, W3m), ids=("lynx", "w3m"))
def reader(request, tmp_path, stack, proxy):
    """A text browser that nobody used yet."""
    return request.param(tmp_path, stack.ca.certificate_file, proxy)


def at(stack, url: str) -> str:
    """Where the gateway shows a URL."""
    return stack.codec.collapse_url(url)


def begin(stack, reader, url: str = BANK) -> str:
    """Accept on the outer page to go on without script."""
    return reader.submit(stack.codec.secure_origin + "/", 0, url=url)


def test_the_way_in(stack, reader):
    """Portal, its form, the outer page's form, the site; from then on, straight there."""
    portal = stack.codec.portal_origin + "/"
    text = reader.text(portal)
    assert "Where would you like to go?" in text
    assert "forgotten you" not in text
    text = reader.submit(portal, 0, url="bank.test")
    assert "JavaScript is off in this browser" in text
    assert text.index("Continue without JavaScript") < text.index("Go")
    assert "another window" not in text
    text = begin(stack, reader, "bank.test")
    assert "Not signed in" in text
    assert "This bank works without script" in text
    assert "Next" in text
    assert not [word for word in ODD if word in text]
    kept = reader.cookies()
    assert kept.count("__Http-ick") == kept.count("__Http-datr") == 1
    assert ".basic." in kept
    text = reader.submit(portal, 0, url="elsewhere.test/next")
    assert text.strip().splitlines()[0].strip() == "Elsewhere"
    assert reader.cookies().count("__Http-") == 2


def test_a_site(stack, reader):
    """Links, a form with GET, and signing in by one with POST, whose answer is a redirect."""
    begin(stack, reader)
    bank = at(stack, BANK + "/")
    assert "About the bank" in reader.text(at(stack, BANK + "/about"))
    assert at(stack, ELSEWHERE + "/next") in reader.source(bank)
    assert "You look for gold & more" in reader.submit(bank, 1, q="gold & more")
    assert "Not signed in" in reader.submit(bank, 0, user="ada", secret="wrong")
    text = reader.submit(bank, 0, user="ada", secret="sesame")
    assert "Signed in as ada" in text
    assert "Signed in as ada" in reader.text(bank)
    # The site's cookie is in the jar; the browser holds the session's two.
    assert "ada" not in reader.cookies()
    assert reader.cookies().count("\n") == 2
    # Without the page's token nobody signs anybody in.
    text = reader.post(at(stack, BANK + "/login"), {"user": "eve", "secret": "sesame"})
    assert "Load it again" in text
    assert "Signed in as ada" in reader.text(bank)
    asked = json.loads(reader.source(at(stack, BANK + "/asked")))
    assert not [path for path in asked if "__gw" in path]


def test_a_second_beginning(stack, reader):
    """Who begins again keeps session and jar; what is no address leads to the portal."""
    begin(stack, reader)
    reader.submit(at(stack, BANK + "/"), 0, user="ada", secret="sesame")
    before = reader.cookies()
    assert "Signed in as ada" in begin(stack, reader)
    assert "Where would you like to go?" in begin(stack, reader, "javascript:alert(1)")
    assert reader.cookies() == before


def test_forget_me(stack, reader):
    """Settings are read, and the form there ends the session; the portal says so."""
    begin(stack, reader)
    bank = at(stack, BANK + "/")
    assert "Signed in as ada" in reader.submit(bank, 0, user="ada", secret="sesame")
    settings = stack.codec.secure_origin + "/settings"
    text = reader.text(settings)
    assert "What is private" in text
    assert not [word for word in (*ODD, "did not work", "One moment") if word in text]
    text = reader.submit(settings, 0)
    assert "the gateway has forgotten you" in text
    assert not re.search(r"__Http-(ick|datr)\t\S", reader.cookies())
    assert "JavaScript is off" in reader.text(bank)
    assert "Not signed in" in begin(stack, reader)


def test_kinds(stack, reader):
    """Text and documents of other kinds are read as what they are."""
    begin(stack, reader)
    assert "plain words" in reader.text(at(stack, BANK + "/words.txt"))
    assert "xhtml text" in reader.text(at(stack, BANK + "/page.xhtml"))
    assert "display" not in reader.text(at(stack, BANK + "/page.xhtml"))
