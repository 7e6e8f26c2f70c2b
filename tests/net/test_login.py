"""Signing in over real sockets: Basic on the gateway's own hosts, the session on sites'."""

from __future__ import annotations

import base64
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import TestCase

from gateway import events, wire
from gateway.exchange.needs import Keep, NeedStanding, Recall, VerifyPassword
from gateway.net import login
from gateway.net.login import Logins, TooManyLogins
from gateway.ops.log import JsonLines
from gateway.session.login import BUCKET, Login
from gateway.session.reading import read_session
from tests.net.harness import DOMAIN, SHOP, WS, Gateway, GatewayCase, folder, host_of
from tests.net.peers import SocketCase, websocket_origin
from tests.net.raw import Message, Origin, reply, until
from tests.ops import fetch

PASSWORD = "pässw0rd-of-ada"
USER = "ada"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
SECURE = f"www.0.{DOMAIN}"
HTML = b"Content-Type: text/html"
_LOW = f"{USER}:{CHEAP.hash(PASSWORD)}\nbob:{CHEAP.hash('b')}\n"


def password_file() -> Path:
    """A password file with ada and bob in it."""
    descriptor, name = tempfile.mkstemp(dir=folder())
    os.write(descriptor, _LOW.encode())
    os.close(descriptor)
    return Path(name)


def basic(user: str = USER, password: str = PASSWORD) -> bytes:
    """The field that a browser sends."""
    return b"Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode())


class LoginCase(GatewayCase):
    """A gateway that asks people to sign in, with one site behind it."""

    async def start(self, more: str = "", table: str = "", **options: Any) -> Gateway:
        """``more``: keys of [authentication]; ``table``: what follows it."""
        self.file = password_file()
        self.site = Origin(reply(b"<p>hello</p>", HTML))
        rules = f'[authentication]\npassword-file = "{self.file}"\n{more}\n{table}'
        made = await self.gateway({SHOP: self.site}, rules=rules, **options)
        self.logins = made.service._handler.logins
        return made

    async def own(
        self,
        made: Gateway,
        *fields: bytes,
        host: str = DOMAIN,
        target: str = "/",
        method: bytes = b"GET",
        body: bytes = b"",
    ) -> Message:
        """Ask one of the gateway's own hosts."""
        connection = await made.connect()
        lines = [method + b" " + target.encode() + b" HTTP/1.1", b"Host: " + host.encode()]
        lines += [*fields, b"Content-Length: %d" % len(body)]
        connection.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        answer = await connection.response(bodyless=method == b"HEAD")
        if not connection.ended:
            connection.transport.abortConnection()
        await connection.closed()
        return answer

    async def post(self, made: Gateway, path: str, content: Any, *fields: bytes) -> Message:
        """What the outer page's script asks for."""
        return await self.own(
            made, b"Origin: https://" + SECURE.encode(), *fields, host=SECURE, target=path,
            method=b"POST", body=json.dumps(content).encode(),
        )  # fmt: skip

    async def session(self, made: Gateway, *fields: bytes) -> dict[str, str]:
        """Bootstrap; the session becomes the one of ``made``."""
        answer = await self.post(made, wire.BOOTSTRAP_PATH, {}, *fields)
        self.assertEqual(answer.status, 200, answer)
        sets = answer.all(b"set-cookie")
        made.cookie = b"; ".join(one.partition(b";")[0] for one in sets)
        return json.loads(answer.body)

    async def frame(self, made: Gateway, *fields: bytes) -> Message:
        """The site's page, as the outer frame's frame asks for it."""
        return await made.ask(
            f"{SHOP}/", b"Sec-Fetch-Dest: iframe", b"Sec-Fetch-Mode: navigate",
            b"Sec-Fetch-Site: same-site", b"Accept: text/html", *fields,
        )  # fmt: skip


class StandingTests(LoginCase, SocketCase):
    """WebSockets of people whose passwords are changed."""

    async def test_after_a_reload(self) -> None:
        """Ada's ends when her password does; that she is still there is no reason to end it."""
        file = password_file()
        rules = f'[authentication]\npassword-file = "{file}"\n'
        made = await self.gateway(
            {SHOP: Origin(reply(b"")), WS: websocket_origin()},
            rules=rules,
            websocket_close_seconds=2,
        )
        await self.session(made, basic())
        client = await self.dial(made)
        self.assertTrue(client.opened, client.ended)
        self.assertEqual(await made.reload(), events.RELOADED)
        other = await self.dial(made)
        self.assertTrue(other.opened)
        self.assertIsNone(client.ended)
        file.write_text(f"{USER}:{CHEAP.hash('another')}\n")
        self.assertEqual(await made.reload(), events.RELOADED)
        await until(lambda: client.ended and other.ended)
        self.assertEqual((client.code, other.code), (1008, 1008))
        self.assertIn(events.LOGIN_REQUIRED, made.telemetry.codes())
        self.assertFalse((await self.dial(made)).opened)

    async def test_asked_for_from_now_on(self) -> None:
        """Nobody signed in before there was anything to sign in to."""
        made = await self.gateway({WS: websocket_origin()}, websocket_close_seconds=2)
        client = await self.dial(made)
        before = "[admin]"
        table = f'[authentication]\npassword-file = "{password_file()}"\n{before}'
        self.assertEqual(await made.reload((before, table)), events.RELOADED)
        await until(lambda: client.ended)
        self.assertEqual(client.code, 1008)


class BasicTests(LoginCase):
    """Names and passwords."""

    async def test_off_by_default(self) -> None:
        """Without the table nobody is asked."""
        made = await self.gateway({SHOP: Origin(reply(b"x"))})
        self.assertEqual((await self.own(made)).status, 200)

    async def test_challenge(self) -> None:
        """Portal and secure host ask in UTF-8; unknown hosts and assets do not."""
        made = await self.start()
        for host in (DOMAIN, SECURE):
            for fields in ((), (basic(password="no"),), (b"Authorization: Basic !!",)):
                answer = await self.own(made, *fields, host=host)
                self.assertEqual(answer.status, 401, (host, fields))
                wanted = [b'Basic realm="gateway", charset="UTF-8"']
                self.assertEqual(answer.all(b"www-authenticate"), wanted)
            self.assertEqual((await self.own(made, basic(), host=host)).status, 200)
        self.assertEqual((await self.own(made, basic(), host="else.test")).status, 421)
        path = made.service._handler.context.runtime_path
        self.assertEqual((await self.own(made, target=path)).status, 200)
        # A WebSocket handshake to a host of the gateway's own gets the same challenge.
        upgrade = (b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13")
        answer = await self.own(made, *upgrade, host=DOMAIN)
        self.assertEqual((answer.status, len(answer.all(b"www-authenticate"))), (401, 1))

    async def test_the_session_is_signed_in(self) -> None:
        """What the secure host was shown counts on sites' hosts, for that session alone."""
        made = await self.start()
        answer = await self.frame(made)  # a session that nobody signed in
        self.assertEqual(answer.status, 401)
        self.assertEqual(answer.all(b"www-authenticate"), [])
        self.assertEqual(self.site.requests, [])
        await self.session(made, basic())
        self.assertEqual((await self.frame(made)).status, 200)
        self.assertEqual(len(self.site.requests), 1)
        # What the site asks for itself passes untouched.
        await self.frame(made, b"Authorization: Basic c2l0ZTo=")
        self.assertEqual(self.site.requests[-1].all(b"authorization"), [b"Basic c2l0ZTo="])
        made.cookie = made.new_session()
        self.assertEqual((await self.frame(made)).status, 401)

    async def test_documents_are_led_to_where_one_signs_in(self) -> None:
        """At the top: into the outer frame, the address kept; the rest: a plain 401."""
        made = await self.start()
        top = (b"Sec-Fetch-Dest: document", b"Sec-Fetch-Mode: navigate", b"Accept: text/html")
        answer = await made.ask(f"{SHOP}/a?b=c", *top)
        self.assertEqual(answer.status, 302)
        self.assertEqual(answer.get(b"location"), f"https://{SECURE}/#{SHOP}/a?b=c".encode())
        old = await made.ask(f"{SHOP}/", b"Accept: text/html")
        self.assertEqual(old.status, 302)
        handshake = (
            b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13",
            b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
            b"Origin: https://" + host_of(SHOP).encode(),
        )  # fmt: skip
        cookie = b"Cookie: " + made.cookie
        answer = await self.own(made, cookie, *handshake, host=host_of(SHOP), target="/socket")
        self.assertEqual((answer.status, answer.all(b"www-authenticate")), (401, []))
        self.assertEqual(self.site.requests, [])

    async def test_it_ends(self) -> None:
        """With its time, with another password, and with the person's wish."""
        made = await self.start("session-seconds = 100\ncache-seconds = 10")
        time = self.logins.clock()
        self.logins.clock = lambda: time
        kept = await self.session(made, basic())
        self.assertEqual((await self.frame(made)).status, 200)
        time += 99
        self.assertEqual((await self.frame(made)).status, 200)
        # The outer page asks at each start, and that renews it.
        answer = await self.post(
            made, wire.CHECK_PATH, {"ickt": kept["ickt"]}, basic(), b"Cookie: " + made.cookie
        )
        self.assertEqual(json.loads(answer.body), {"ok": True})
        time += 99
        self.assertEqual((await self.frame(made)).status, 200)
        time += 2
        self.assertEqual((await self.frame(made)).status, 401)
        await self.session(made, basic())
        self.assertEqual((await self.frame(made)).status, 200)
        self.file.write_text(f"{USER}:{CHEAP.hash('new')}\n")
        self.logins._passwords._looked = float("-inf")
        self.assertEqual((await self.frame(made)).status, 401)
        self.assertEqual((await self.own(made, basic())).status, 401)
        self.assertEqual((await self.own(made, basic(password="new"))).status, 200)

    async def test_a_tossed_session_is_not_signed_in(self) -> None:
        """Neither by a page's load nor by a check that does not attest it."""
        made = await self.start()
        made.cookie = made.new_session()
        cookie = b"Cookie: " + made.cookie
        self.assertEqual((await self.own(made, basic(), cookie, host=SECURE)).status, 200)
        answer = await self.post(made, wire.CHECK_PATH, {"ickt": "else"}, basic(), cookie)
        self.assertEqual(json.loads(answer.body), {"ok": False})
        self.assertEqual((await self.frame(made)).status, 401)

    async def test_the_store_is_not_asked_for_each(self) -> None:
        """One look at the store, one comparison: many requests of one person."""
        made = await self.start()
        await self.session(made, basic())
        self.logins._known.clear()
        asked = []
        read = made.service.store.read
        self.patch(made.service.store, "read", lambda *a: asked.append(a) or read(*a))
        for _ in range(5):
            self.assertEqual((await self.frame(made)).status, 200)
        keys = made.service._handler.context.keys
        session = read_session([made.cookie], keys).session
        assert session is not None
        bucket = session.user_keys(keys).bucket(BUCKET)
        self.assertEqual(len([one for one in asked if one[1] == bucket]), 1)
        before = self.logins.compared
        answers = await self.together(*(self.own(made, basic()) for _ in range(10)))
        self.assertEqual([one.status for one in answers], [200] * 10)
        self.assertEqual(self.logins.compared - before, 1)

    async def test_without_script(self) -> None:
        """A form without Origin begins a session that is signed in; text browsers go on."""
        made = await self.start()
        form = b"Content-Type: application/x-www-form-urlencoded"
        answer = await self.own(
            made, basic(), form, host=SECURE, target=wire.BASIC_PATH, method=b"POST",
            body=f"url={SHOP}/".encode(),
        )  # fmt: skip
        self.assertEqual(answer.status, 303)
        sets = answer.all(b"set-cookie")
        made.cookie = b"; ".join(one.partition(b";")[0] for one in sets)
        answer = await made.ask(f"{SHOP}/", b"Accept: text/html")
        self.assertEqual(answer.status, 200)
        self.assertIn(b"hello", answer.body)

    async def test_on_a_domain_apart(self) -> None:
        """Without localStorage: what the secure origin keeps names the session, and renews it."""
        made = await self.start("session-seconds = 100", apart="i.example")
        time = self.logins.clock()
        self.logins.clock = lambda: time
        keys = made.service._handler.context.keys
        asks = b"Sec-Fetch-Dest: iframe", b"Sec-Fetch-Mode: navigate", b"Accept: text/html"
        host = host_of(SHOP).removesuffix(DOMAIN) + "i.example"

        async def status(cookie: bytes) -> int:
            return (await self.own(made, b"Cookie: " + cookie, *asks, host=host)).status

        answer = await self.post(made, wire.BOOTSTRAP_PATH, {"apart": True}, basic())
        kept = b"; ".join(one.partition(b";")[0] for one in answer.all(b"set-cookie"))
        offer = json.loads(answer.body)
        ours = b"Origin: https://www.0.i.example"
        answer = await self.own(
            made, ours, host="www.0.i.example", target=wire.SETTLE_PATH, method=b"POST",
            body=json.dumps({"text": offer["text"], "nonce": offer["nonce"]}).encode(),
        )  # fmt: skip
        self.assertEqual(answer.status, 200, answer)
        cookie = b"; ".join(one.partition(b";")[0] for one in answer.all(b"set-cookie"))
        self.assertIsNotNone(read_session([cookie], keys).session)
        self.assertEqual(await status(cookie), 200)
        time += 100
        self.assertEqual(await status(cookie), 401)
        await self.post(made, wire.CHECK_PATH, {"ickt": ""}, basic(), b"Cookie: " + kept)
        self.assertEqual(await status(cookie), 200)

    async def test_clients_without_cookies(self) -> None:
        """Preflights and what carries a page's token pass; programs only where they may."""
        made = await self.start(
            table=f'[[access]]\norigin = "{SHOP}"\nnative = true\n',
        )
        await self.session(made, basic())
        ours = b"Origin: https://" + host_of(SHOP).encode()
        cookie, made.cookie = made.cookie, b""
        near = (b"Sec-Fetch-Site: same-site", b"Sec-Fetch-Mode: cors", b"Sec-Fetch-Dest: font")
        self.assertEqual((await made.ask(f"{SHOP}/font", ours, *near)).status, 401)
        self.assertEqual((await made.ask(f"{SHOP}/program")).status, 401)
        asks = (ours, b"Access-Control-Request-Method: PUT")
        answer = await made.ask(f"{SHOP}/", *asks, method=b"OPTIONS")
        self.assertEqual(answer.status, 200)
        made.cookie = cookie
        target = made.with_token(f"{SHOP}/api")
        made.cookie = b""
        # The token alone is nothing: the page's site can read it.
        answer = await made.ask(target, ours, method=b"POST", body=b"x")
        self.assertEqual(answer.status, 401)
        made.cookie = cookie
        self.assertEqual((await self.frame(made)).status, 200)
        made.cookie = b""
        answer = await made.ask(target, ours, method=b"POST", body=b"x")
        self.assertEqual(answer.status, 200)

    async def test_native_open(self) -> None:
        """Where the operator says so, programs are served as the rules say."""
        made = await self.start(
            'native = "open"\nanonymous = "same-address"',
            f'[[access]]\norigin = "{SHOP}"\nnative = true\n',
        )
        session, made.cookie = made.cookie, b""
        self.assertEqual((await made.ask(f"{SHOP}/program")).status, 200)
        font = (
            b"Origin: https://" + host_of(SHOP).encode(), b"Sec-Fetch-Site: same-site",
            b"Sec-Fetch-Mode: cors", b"Sec-Fetch-Dest: font",
        )  # fmt: skip
        self.assertEqual((await made.ask(f"{SHOP}/font", *font)).status, 401)
        self.logins._known.clear()
        made.cookie = session
        await self.session(made, basic())
        self.logins._known.clear()
        await self.frame(made)
        made.cookie = b""
        self.assertEqual((await made.ask(f"{SHOP}/font", *font)).status, 200)


class BruteForceTests(LoginCase):
    """Whoever guesses is slowed to a stop; whoever knows is not."""

    async def test_slowed_to_a_stop(self) -> None:
        """Six hours of guessing over real sockets, by a clock of the test's own."""
        made = await self.start()
        time = 1_900_000_000.0
        self.logins.clock = lambda: time
        begin, compared, statuses = time, self.logins.compared, []
        waits: list[int] = []
        while time < begin + 6 * 3600:
            answer = await self.own(made, basic(password=f"guess{len(statuses)}"))
            statuses.append(answer.status)
            if answer.status == 429:
                waits.append(int(answer.get(b"retry-after") or b"0"))
                time += waits[-1]
        guesses = self.logins.compared - compared
        self.assertEqual(statuses.count(401), guesses)
        self.assertEqual(statuses[:6], [401] * 5 + [429])
        self.assertEqual(waits[:10], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
        self.assertEqual(set(waits[10:]), {900})
        self.assertLess(guesses, 5 + 10 + 24)
        # While it is locked the right password does not help, and is not looked at.
        before = self.logins.compared
        await self.own(made, basic(password="once more"))
        answer = await self.own(made, basic())
        self.assertEqual((answer.status, self.logins.compared - before), (429, 1))
        time += 900
        self.assertEqual((await self.own(made, basic())).status, 200)
        self.assertIn(events.LOGIN_LOCKED, made.telemetry.codes())
        value = made.telemetry.value
        self.assertEqual(value("gateway_logins_total", outcome="succeeded"), 1)
        self.assertGreater(value("gateway_logins_total", outcome="failed"), 30)

    async def test_several_processes(self) -> None:
        """They share the tallies through the store: changing over gains no try."""
        first, second = await self.start(), await self.start()
        second.service._handler.store = first.service._handler.store
        time = self.logins.clock()
        statuses = []
        for made in (first, second):
            made.service._handler.logins.clock = lambda: time
        for number in range(8):
            made = (first, second)[number % 2]
            statuses.append((await self.own(made, basic(password="x"))).status)
        self.assertEqual(statuses, [401] * 5 + [429] * 3)

    async def test_many_at_once_gain_nothing(self) -> None:
        """Guesses that are sent before any is answered are counted no less."""
        made = await self.start()
        time = self.logins.clock()
        self.logins.clock = lambda: time
        before = self.logins.compared
        answers = await self.together(
            *(self.own(made, basic(password=f"guess{number}")) for number in range(20))
        )
        found = sorted(one.status for one in answers)
        self.assertEqual(found, [401] * 5 + [429] * 15)
        self.assertEqual(self.logins.compared - before, 5)

    async def test_nobody_is_locked_out_from_elsewhere(self) -> None:
        """Failures from many addresses leave everybody else a try at once."""
        made = await self.start(table="[authentication.lockout]\nuser-free = 10")
        time = self.logins.clock()
        self.logins.clock = lambda: time
        from gateway.net import requests

        head, address = requests.RequestHead, "203.0.113.1"
        self.patch(requests, "RequestHead", lambda *a, **k: head(*a, **{**k, "client": address}))
        for number in range(20):
            address = f"203.0.113.{number}"
            answer = await self.own(made, basic(password="x"))
            self.assertEqual(answer.status, 401)
        # By now one free try is left for each address.
        answer = await self.own(made, basic(password="x"))
        self.assertEqual(answer.status, 429)
        address = "198.51.100.7"
        self.assertEqual((await self.own(made, basic())).status, 200)

    async def test_names_that_are_not_there(self) -> None:
        """They cost a comparison, too, and are counted alike."""
        made = await self.start()
        time = self.logins.clock()
        self.logins.clock = lambda: time
        before = self.logins.compared
        lines: list[str] = []
        self.patch(login, "_fits", lambda line, _: bool(lines.append(line)))
        for number in range(6):
            answer = await self.own(made, basic("nobody", f"guess{number}"))
            self.assertEqual(answer.status, 401 if number < 5 else 429)
        self.assertEqual(self.logins.compared - before, 5)
        # With the same parameters as those of people who are there, and always with the same.
        self.assertEqual(len(set(lines)), 1)
        self.assertTrue(lines[0].startswith("$argon2id$v=19$m=8,t=1,p=1$"), lines[0])

    async def test_no_secret_is_told(self) -> None:
        """What was typed is in no event, metric or page; people type passwords as names."""
        made = await self.start()
        log = io.StringIO()
        observer = JsonLines(log)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        typed = "typ3d-s3cret"
        answers = [
            await self.own(made, basic(typed, "x"), b"Accept: text/html"),
            await self.own(made, basic(USER, typed)),
            await self.own(made, b"Authorization: Bearer " + typed.encode()),
            await self.own(made, b"Authorization: Basic " + typed.encode()),
        ]
        answers += [await self.own(made, basic(USER, typed)) for _ in range(5)]
        await self.session(made, basic("bob", "b"))
        told = repr((made.telemetry.events, made.telemetry.accesses, list(made.telemetry.recent)))
        told += log.getvalue()
        for path in ("/", "/metrics"):
            told += (await fetch(made.admin_port, path)).body.decode()
        store = made.service.store
        told += repr((await store.scan(b""), await store.origins(), await store.nonces()))
        told += "".join(repr((one.line, one.fields, one.body)) for one in answers)
        for secret in (typed, PASSWORD, base64.b64encode(typed.encode()).decode()):
            self.assertNotIn(secret, told)
        self.assertIn("bob by password", log.getvalue())


class LoginsTests(TestCase):
    """The shell by itself."""

    def make(self, **options: Any) -> Logins:
        """One whose threads end with the test."""
        from twisted.internet import reactor

        made = Logins(reactor, lambda: {USER: CHEAP.hash(PASSWORD)}, **options)
        self.addCleanup(made.stop)
        return made

    async def test_bounded(self) -> None:
        """No more may wait than may."""
        made = self.make(threads=1, waiting=1)
        asked = [
            Deferred.fromCoroutine(made.perform(VerifyPassword(USER, PASSWORD))) for _ in range(3)
        ]
        self.failureResultOf(asked[2], TooManyLogins)
        marks = await gatherResults(asked[:2])
        self.assertEqual(len(marks[0]), 8)

    async def test_bounded_by_what_runs(self) -> None:
        """Who hangs up leaves the work behind: it counts until it is done."""
        made = self.make(threads=1, waiting=2)
        asked = [
            Deferred.fromCoroutine(made.perform(VerifyPassword(USER, PASSWORD))) for _ in range(3)
        ]
        for one in asked:
            one.cancel()
            self.failureResultOf(one, CancelledError)
        refused = Deferred.fromCoroutine(made.perform(VerifyPassword(USER, PASSWORD)))
        self.failureResultOf(refused, TooManyLogins)
        await until(lambda: made.compared == 3)
        self.assertEqual(made._busy, set())
        self.assertTrue(await made.perform(VerifyPassword(USER, PASSWORD)))

    async def test_remembered_for_a_moment(self) -> None:
        """By a digest; no longer than its time, than the login's, or than it stands."""
        time = 1000.0
        made = self.make(clock=lambda: time, seconds=60)
        for one, ends in ((Login("a", 5000), 1060), (Login("a", 1030), 1030)):
            time = 1000.0
            await made.perform(Keep(b"key", one))
            self.assertNotIn(b"key", made._known)
            self.assertEqual(await made.perform(Recall(b"key")), one)
            time = ends - 1
            self.assertEqual(await made.perform(Recall(b"key")), one)
            time = ends
            self.assertIsNone(await made.perform(Recall(b"key")))
        gone = Login("nobody", 5000, b"12345678")
        await made.perform(Keep(b"key", gone))
        self.assertIsNone(await made.perform(Recall(b"key")))
        self.assertIs(await made.perform(NeedStanding(gone)), False)

    def test_reprs(self) -> None:
        """Needs show nothing of what was typed."""
        shown = repr((Recall(b"s3cret"), VerifyPassword("s3cret", "s3cret")))
        self.assertNotIn("s3cret", shown)
