"""Attacks by requests that change state: without the page's token nothing reaches a site."""

from __future__ import annotations

import time

import pytest

from gateway import events
from tests.browser.attacks.raw import made_for, payload, show_raw
from tests.browser.attacks.site import AD, BANK, EVIL
from tests.browser.attacks.world import World
from tests.browser.harness import settle

pytestmark = pytest.mark.browser
SECONDS = 8


@pytest.fixture(scope="module")
def world(playwright, tmp_path_factory):
    """One world for all tests."""
    made = World(tmp_path_factory.mktemp("tokens"), playwright)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def short(playwright, tmp_path_factory):
    """A world whose tokens live for some seconds."""
    extra = f"[limits]\ntoken-seconds = {SECONDS}\n"
    made = World(tmp_path_factory.mktemp("short"), playwright, extra=extra)
    yield made
    made.stop()


# Natives of a page without the runtime: each sends to a URL and tells when it is over.
WAYS = {
    "fetch": "(url) => fetch(url, {method: 'POST', mode: 'no-cors', credentials: 'include'})",
    "fetch, a body": "(url) => fetch(url, {method: 'POST', mode: 'no-cors', credentials: 'include',"
    " body: new URLSearchParams({to: 'evil'})})",
    "keepalive": "(url) => fetch(url, {method: 'POST', mode: 'no-cors', credentials: 'include',"
    " keepalive: true})",
    "xhr": "(url) => new Promise((done) => { const x = new XMLHttpRequest(); x.open('POST', url);"
    " x.withCredentials = true; x.onloadend = done; x.send('to=evil'); })",
    "beacon": "(url) => { navigator.sendBeacon(url, 'to=evil'); }",
    "socket": "(url) => new Promise((done) => { const w = new WebSocket(url.replace('https', 'wss')"
    ".replace('/pay', '/ws')); w.onclose = done; w.onopen = () => w.close(); })",
    "form": "(url) => { const f = Object.assign(document.createElement('form'), {method: 'post',"
    " action: url, target: 'sink'}); document.body.append(f); f.submit(); }",
    "form, anonymous origin": "(url) => { const f = Object.assign(document.createElement('form'),"
    " {method: 'post', action: url, target: 'sink', rel: 'noreferrer'});"
    " document.body.append(f); f.submit(); }",
}
UNNAMED = "form, anonymous origin"
RUN = """async ([way, url]) => {
  if (!document.querySelector("[name=sink]")) {
    const sink = document.createElement("iframe");
    sink.name = "sink";
    document.body.append(sink);
  }
  try { await eval(way)(url); } catch (error) { return String(error); }
}"""
# Whose page sends, and with what: from the person's pages of evil and bank, and the attacker's.
TOKENS = {
    "none": (EVIL, lambda **_: None),
    "an empty one": (EVIL, lambda **_: ""),
    "a forged one": (EVIL, lambda evil, **_: "AQAAAAE" + evil[7:-4] + "AAAA"),
    "another page's": (AD, lambda evil, **_: evil),
    "the bank's page's": (AD, lambda bank, **_: bank),
    "another user's": (EVIL, lambda their_evil, **_: their_evil),
    "another user's of the bank": (EVIL, lambda their_bank, **_: their_bank),
    "another user's, from the bank": (BANK, lambda their_bank, **_: their_bank),
    "none, from the bank": (BANK, lambda **_: None),
}


@pytest.mark.parametrize("kind", TOKENS)
def test_nothing_arrives(world, subtests, kind):
    """Each way to send is refused with 403 and its event, whoever sends it."""
    sender, choose = TOKENS[kind]
    with world.tab() as page:
        attacker = world.outsider()
        known = {
            "bank": made_for(world, page, BANK + "/")["token"],
            "evil": made_for(world, page, EVIL + "/")["token"],
            "their_bank": payload(attacker.document(BANK + "/"))["token"],
            "their_evil": payload(attacker.document(EVIL + "/"))["token"],
        }
        token = choose(**known)
        frame = show_raw(world, page, {}, sender)
        query = "" if token is None else f"?__gw={token}"
        for name, way in WAYS.items():
            if sender == AD and name == UNNAMED:
                continue  # the token alone decides, and no page gets another's
            since, before = world.since(), world.counted(events.CSRF_TOKEN)
            with subtests.test(msg=name):
                frame.evaluate(RUN, [way, world.collapsed(BANK) + "/pay" + query])
                settle(
                    page,
                    lambda: world.counted(events.CSRF_TOKEN) > before,
                    "the gateway tells that it refused",
                )
                assert world.changes(since) == []


def test_with_its_own_token_it_arrives(world, subtests):
    """The same ways with what the page was given: the tries can succeed."""
    with world.tab() as page:
        token = made_for(world, page, BANK + "/")["token"]
        frame = show_raw(world, page, {}, BANK)
        for name, way in WAYS.items():
            since = world.since()
            with subtests.test(msg=name):
                frame.evaluate(RUN, [way, world.collapsed(BANK) + f"/pay?__gw={token}"])
                settle(page, lambda: bool(world.changes(since)), "it arrives")
                assert all("__gw" not in one.query for one in world.site.log[since:])


@pytest.fixture(scope="module")
def old(short):
    """A token that is older than the limit, and two pages that are: one wait for all of them."""
    with short.tab() as page:
        token = made_for(short, page, BANK + "/")["token"]
        other = page.context.new_page()
        short.open(other, BANK + "/").locator("#pay input").fill("a friend of old")
        then = time.monotonic() + SECONDS + 2
        settle(page, lambda: time.monotonic() > then, "time goes by")
        yield token, page, other


def test_an_expired_one(short, old, subtests):
    """A token that is older than the limit is none."""
    token, page, _ = old
    page = page.context.new_page()
    short.open(page, BANK + "/")
    frame = show_raw(short, page, {}, BANK)
    for name, way in WAYS.items():
        since, before = short.since(), short.counted(events.CSRF_TOKEN)
        with subtests.test(msg=name):
            frame.evaluate(RUN, [way, short.collapsed(BANK) + f"/pay?__gw={token}"])
            settle(page, lambda: short.counted(events.CSRF_TOKEN) > before, "no")
            assert short.changes(since) == []
    page.close()


def test_a_page_that_is_open_for_long(short, old):
    """It renews its token for what it sends; what was typed into its form arrives."""
    _, asking, typed = old
    since = short.since()
    frame = asking.frames[1]
    frame.evaluate("() => fetch('/pay', {method: 'POST', body: 'first'})")
    frame.evaluate(
        "() => new Promise((done) => { const w = new WebSocket('wss://bank.test/ws');"
        " w.onclose = done; w.onmessage = () => w.close(); })"
    )
    assert sorted(short.changes(since)) == ["GET /ws", "POST /pay"]
    typed.frames[1].locator("#pay button").click()
    settle(typed, lambda: len(short.changes(since)) == 3, "the form arrives")
    bodies = [one.body for one in short.site.log[since:] if one.method == "POST"]
    assert bodies == [b"first", b"to=a+friend+of+old"]


def test_renewing_is_for_the_same_session(short):
    """A page of the person's session gets no token for the attacker's cookies, nor by itself."""
    with short.tab() as page:
        token = made_for(short, page, BANK + "/")["token"]
        attacker = short.outsider()
        url = short.collapsed(BANK) + f"/.gateway/token?__gw={token}"
        own = {"Origin": short.collapsed(BANK), "Sec_Fetch_Site": "same-origin"}
        assert attacker.ask(url, "POST", b"", **own).status == 403
        evil = short.collapsed(EVIL)
        other = url.replace(short.collapsed(BANK), evil)
        assert attacker.ask(other, "POST", b"", **{**own, "Origin": evil}).status == 403
        frame = short.open(page, EVIL + "/")
        for mode in ("cors", "no-cors"):
            told = frame.evaluate(
                """async ([url, mode]) => {
                  const asked = fetch(url, { method: "POST", mode, credentials: "include" });
                  return asked.then((answer) => answer.text(), (error) => error.name);
                }""",
                [url, mode],
            )
            assert told in {"TypeError", ""}


MADE = "const f = document.createElement('form'); f.method = 'post'; f.action = '/pay';"
FORMS = {
    "static": "document.querySelector('#pay button').click()",
    "made by script": MADE + "document.body.append(f); f.requestSubmit()",
    "submit()": MADE + "document.body.append(f); f.submit()",
    "submit() of the prototype": MADE
    + "document.body.append(f); HTMLFormElement.prototype.submit.call(f)",
    "a field called submit": MADE
    + "f.innerHTML = '<input name=submit>'; document.body.append(f);"
    + "HTMLFormElement.prototype.submit.call(f)",
    "a field called action": MADE
    + "f.innerHTML = '<input name=action><input name=method>'; document.body.append(f);"
    + "f.requestSubmit()",
    "parsed later": "document.body.insertAdjacentHTML('beforeend',"
    " '<form id=late method=post action=/pay></form>'); late.requestSubmit()",
    "requestSubmit(submitter)": "pay.action = '/deep/login';"
    " const b = document.querySelector('#pay button'); b.formAction = '/pay'; pay.requestSubmit(b)",
    "formaction and formmethod": "document.body.insertAdjacentHTML('beforeend', '<form><button"
    " id=go formmethod=post formaction=/pay></button></form>'); go.click()",
    "an input's formaction": "document.body.insertAdjacentHTML('beforeend', '<form method=post>"
    "<input type=submit id=go formaction=/pay></form>'); go.click()",
    "another form's button": "document.body.insertAdjacentHTML('beforeend',"
    " '<button id=go form=pay></button>'); go.click()",
    "an address chosen while it is sent": "pay.action = '/login';"
    " pay.onsubmit = () => { pay.action = '/pay' }; pay.requestSubmit()",
    "in a shadow root": "const d = document.createElement('div'); document.body.append(d);"
    " const s = d.attachShadow({mode: 'open'});"
    " s.innerHTML = '<form method=post action=/pay></form>'; s.firstChild.requestSubmit()",
    "in a declarative one": "const d = document.createElement('div'); document.body.append(d);"
    " d.setHTMLUnsafe('<span><template shadowrootmode=open><form method=post action=/pay><button></button></form>"
    "</template></span>'); d.firstChild.shadowRoot.querySelector('button').click()",
    "in a closed one": "const d = document.createElement('div'); document.body.append(d);"
    " const s = d.attachShadow({mode: 'closed'});"
    " s.innerHTML = '<form method=post action=/pay></form>'; s.firstChild.requestSubmit()",
    "in a blank frame": "const i = document.createElement('iframe'); document.body.append(i);"
    " i.contentDocument.body.innerHTML = '<form method=post action=https://bank.test/pay></form>';"
    " i.contentDocument.forms[0].requestSubmit()",
    "in a document written anew": "document.open();"
    " document.write('<form method=post action=/pay></form>'); document.close();"
    " setTimeout(() => document.forms[0].requestSubmit())",
}


def test_every_form_arrives(world, subtests):
    """Honest forms of every kind carry the token, and the site sees nothing of it."""
    with world.tab() as page:
        for name, script in FORMS.items():
            frame = world.open(page, BANK + "/")
            since = world.since()
            with subtests.test(msg=name):
                frame.evaluate(f"() => {{ setTimeout(() => {{ {script} }}) }}")
                settle(page, lambda: bool(world.changes(since)), "it arrives")
                assert world.changes(since) == ["POST /pay"]
                assert all("__gw" not in one.query for one in world.site.log[since:])
