"""The one decision about who may use the gateway, for HTTP and WebSocket alike."""

from __future__ import annotations

import base64
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.errors import StoreUnavailable
from gateway.exchange.authentication import admit, carry
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import (
    Answer,
    Connect,
    Context,
    Ending,
    NeedRows,
    Refuse,
    RequestHead,
    Serve,
)
from gateway.exchange.needs import (
    Keep,
    NeedStanding,
    Recall,
    VerifyPassword,
    VerifyToken,
)
from gateway.exchange.own import own_exchange
from gateway.exchange.websocket import websocket_exchange
from gateway.policy.authentication import Authentication, JwtRules
from gateway.session.attestation import Mode, mint_datr, seal_restore_text
from gateway.session.login import BUCKET, Login, from_remark, to_remark
from tests.exchange import (
    HOST,
    PAGE_ORIGIN,
    SESSION,
    USER,
    Shell,
    context,
    frame,
    head,
    play,
    token_text,
    values,
)
from tests.rewrite import DOMAIN, SUFFIX
from tests.session import DATR, ICK, KEYS, NONCE, NOW

SECURE = f"www{SUFFIX}"
PORTAL = DOMAIN
RULES = Authentication(basic=True, jwt=JwtRules("i", "a"))
MARK = b"12345678"
HANDSHAKE = {
    "upgrade": "websocket",
    "connection": "Upgrade",
    "sec_websocket_version": "13",
    "sec_websocket_key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    "origin": PAGE_ORIGIN,
}


def asked(rules: Authentication | None = RULES, **more: Any) -> Context:
    """A context in which people sign in."""
    return attrs.evolve(context(), authentication=rules, **more)


def basic(user: str = "ada", password: str = "right") -> str:
    """An ``Authorization`` field."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Person(Shell):
    """A shell in which ada's password is known."""

    def _perform(self, need: Any) -> object:
        match need:
            case Recall(key):
                return self.kept.get(key)
            case Keep(key, login):
                self.kept[key] = login
                return None
            case NeedStanding(login):
                return login.mark in {b"", MARK}
            case VerifyPassword(user, password):
                return MARK if (user, password) == ("ada", "right") else b""
            case VerifyToken(bearer):
                return Login("bot", NOW + 50) if bearer.token == "good" else "it is odd"
        return super()._perform(need)

    @property
    def kept(self) -> dict[bytes, Login]:
        """What is remembered."""
        return self.__dict__.setdefault("_kept", {})


def signed_in(login: Login | None = None) -> Person:
    """A shell whose store has a login in the session of these tests."""
    shell = Person()
    bucket = USER.bucket(BUCKET)
    row = USER.seal(bucket, BUCKET, to_remark(login or Login("ada", NOW + 9, MARK)), NONCE)
    shell.rows[USER.owner, bucket] = {row.index: row}
    return shell


def own(
    target: str = "/", *, host: str = SECURE, method: bytes = b"GET", **fields: str
) -> RequestHead:
    """A request to one of the gateway's own hosts."""
    pairs = tuple(
        (name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()
    )
    return RequestHead(method, target.encode(), b"HTTP/1.1", host, pairs, "192.0.2.1")


def run(request: RequestHead, rules: Authentication | None = RULES, shell: Any = None) -> Ending:
    """The ending of the exchange for the request's host."""
    if request.host in {SECURE, PORTAL}:
        return play(own_exchange, request, asked(rules), shell or Person())[0]
    exchange = websocket_exchange if values(request.fields, b"upgrade") else http_exchange
    return play(exchange, request, asked(rules), shell or Person())[0]


class OwnTests(SynchronousTestCase):
    """Portal and secure host."""

    def test_table(self) -> None:
        """Who is let in, and what the others get."""
        for host in (SECURE, PORTAL):
            for authorization, status in (
                ("", 401),
                (basic(), 0),
                (basic(password="wrong"), 401),
                ("Bearer good", 0),
                ("Bearer bad", 401),
                ("Digest x", 401),
            ):
                fields = {"authorization": authorization} if authorization else {}
                ending = run(own(host=host, **fields))
                if not status:
                    self.assertIsInstance(ending, Serve, authorization)
                    continue
                assert isinstance(ending, Refuse)
                self.assertEqual((ending.status, ending.event), (401, events.LOGIN_REQUIRED))
                challenges = values(ending.fields, b"www-authenticate")
                self.assertEqual(len(challenges), 2)
                invalid = b'error="invalid_token"' in challenges[1]
                self.assertEqual(invalid, authorization == "Bearer bad")

    def test_without_signing_in(self) -> None:
        """What an opaque document asks for has no session, and nobody is asked for a password."""
        for destination, status in (("iframe", 200), ("image", 204)):
            ending = run(own(wire.WITHIN_PATH, sec_fetch_dest=destination))
            assert isinstance(ending, Answer)
            self.assertEqual(ending.status, status)

    def test_off(self) -> None:
        """Nothing is asked of anybody, and no need more than before."""
        ending, shell = play(own_exchange, own(), asked(None), Person())
        self.assertIsInstance(ending, Serve)
        self.assertEqual(shell.needs, [])

    def test_only_what_is_configured(self) -> None:
        """A way that is not configured opens nothing."""
        self.assertIsInstance(
            run(own(authorization="Bearer good"), Authentication(basic=True)), Refuse
        )
        jwt = Authentication(jwt=JwtRules("i", "a"))
        self.assertIsInstance(run(own(authorization=basic()), jwt), Refuse)

    def test_locked(self) -> None:
        """After the free tries: 429, with the time to wait, whatever is shown."""
        shell = Person()
        for _ in range(5):
            wrong = run(own(authorization=basic(password="x")), shell=shell)
            assert isinstance(wrong, Refuse)
            self.assertEqual(wrong.status, 401)
        ending = run(own(authorization=basic()), shell=shell)
        assert isinstance(ending, Refuse)
        self.assertEqual((ending.status, ending.event), (429, events.LOGIN_LOCKED))
        self.assertEqual(values(ending.fields, b"retry-after"), [b"1"])
        # Not looked at: the right password tells nobody anything.
        asked_for = [need for need in shell.needs if isinstance(need, VerifyPassword)]
        self.assertEqual(len(asked_for), 5)

    def test_a_success_clears(self) -> None:
        """Four failures, a success, and four more: nobody waits."""
        shell = Person()
        for _ in range(3):
            for _ in range(4):
                run(own(authorization=basic(password="x")), shell=shell)
            shell.kept.clear()
            self.assertIsInstance(run(own(authorization=basic()), shell=shell), Serve)

    def test_store_away(self) -> None:
        """Nobody is let in whom nobody could judge."""
        shell = Person(replies={NeedRows: StoreUnavailable("away")})
        ending = run(own(authorization=basic()), shell=shell)
        assert isinstance(ending, Refuse)
        self.assertEqual(ending.status, 503)
        ending = run(frame(), shell=shell)
        assert isinstance(ending, Refuse)
        self.assertEqual(ending.status, 503)

    def test_nothing_typed_is_noted(self) -> None:
        """Notes have the names of those who came in alone."""
        for field in (basic("typed", "secret"), "Bearer secret", "Basic secret"):
            _, shell = play(own_exchange, own(authorization=field), asked(), Person())
            self.assertNotRegex(repr(shell.needs), "typed|secret", field)

    @given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=50))
    def test_any_field(self, text: str) -> None:
        """No ``Authorization`` makes it raise or lets anybody in."""
        pairs = ((b"Authorization", text.encode("latin-1")),)
        request = attrs.evolve(own(), fields=pairs)
        self.assertIsInstance(run(request), Refuse)


class CarryTests(SynchronousTestCase):
    """From the secure host into the session."""

    def carried(self, path: str, *sets: bytes, status: int = 200, **fields: str) -> Login | None:
        """Whose login an endpoint's answer put into the session of these tests."""
        shell = Person()
        ending = Answer(status, tuple((b"Set-Cookie", one) for one in sets))
        request = own(path, method=b"POST", authorization=basic(), **fields)
        _, shell = play(lambda h, c: carry(h, ending, c), request, asked(), shell)
        bucket = USER.bucket(BUCKET)
        rows = shell.rows.get((USER.owner, bucket), {}).values()
        return next((from_remark(one, NOW) for one in USER.open_all(bucket, rows)), None)

    def test_where(self) -> None:
        """Only into sessions that this very request minted, restored or attested."""
        sets = SESSION.split(b"; ")
        for path in (wire.BOOTSTRAP_PATH, wire.RESTORE_PATH, wire.CHECK_PATH, wire.BASIC_PATH):
            self.assertEqual(self.carried(path, *sets), Login("ada", NOW + 43200, MARK), path)
            self.assertIsNone(self.carried(path, *sets, status=409))
            # The request's own cookies say nothing: a sibling may have tossed them.
            self.assertIsNone(self.carried(path, cookie=SESSION.decode()), path)
        # A browser without script has nothing to attest with: its own form alone.
        plain = mint_datr(KEYS, bytes(16), NOW, Mode.BASIC).text
        cookie = (SESSION.partition(b";")[0] + b"; " + wire.DATR_COOKIE + b"=" + plain).decode()
        self.assertIsNone(self.carried(wire.CHECK_PATH, cookie=cookie))
        _, shell = play(
            lambda h, c: carry(h, Answer(303, ()), c),
            own(wire.BASIC_PATH, method=b"POST", authorization=basic(), cookie=cookie),
            asked(),
            Person(),
        )
        self.assertIn("Commit", shell.kinds().rpartition("VerifyPassword")[2])
        _, shell = play(
            lambda h, c: carry(h, Answer(200, ()), c),
            own(wire.CHECK_PATH, method=b"POST", authorization=basic(), cookie=cookie),
            asked(),
            Person(),
        )
        self.assertEqual(shell.needs, [])
        for path in (wire.PROOF_PATH, wire.FORGET_PATH, "/"):
            self.assertIsNone(self.carried(path, *sets), path)

    def test_kept_by_the_secure_origin(self) -> None:
        """Without localStorage a ``__Host-`` cookie names the session; nobody tosses that."""
        text = seal_restore_text(KEYS, ICK, DATR, NONCE)
        cookie = (wire.RESTORE_COOKIE + b"=" + text).decode()
        self.assertIsNotNone(self.carried(wire.CHECK_PATH, cookie=cookie))
        field = wire.RESTORE_COOKIE + b"=" + text + b"; Path=/"
        self.assertIsNotNone(self.carried(wire.BOOTSTRAP_PATH, field))

    def test_forgotten(self) -> None:
        """Forget me ends the secure host's own cookie, too."""
        ending, _ = play(
            lambda h, c: carry(h, Answer(200, ()), c), own(wire.FORGET_PATH), asked(), Person()
        )
        assert isinstance(ending, Answer)
        self.assertIn(wire.LOGIN_COOKIE + b"=;", values(ending.fields, b"set-cookie")[0])

    def test_the_row_opens_the_sites(self) -> None:
        """What was put is what rewrite hosts look for."""
        shell = Person()
        sets = tuple((b"Set-Cookie", one) for one in SESSION.split(b"; "))
        request = own(wire.BOOTSTRAP_PATH, method=b"POST", authorization=basic())
        play(lambda h, c: carry(h, Answer(200, sets), c), request, asked(), shell)
        shell.kept.clear()
        self.assertNotIsInstance(run(frame(), shell=shell), Refuse)

    def test_after_another_password(self) -> None:
        """A login that stands no more is replaced, however long it would have lasted."""
        shell = signed_in(Login("ada", NOW + 99999, b"87654321"))
        sets = tuple((b"Set-Cookie", one) for one in SESSION.split(b"; "))
        request = own(wire.BOOTSTRAP_PATH, method=b"POST", authorization=basic())
        play(lambda h, c: carry(h, Answer(200, sets), c), request, asked(), shell)
        shell.kept.clear()
        self.assertNotIsInstance(run(frame(), shell=shell), Refuse)


class SiteTests(SynchronousTestCase):
    """Rewrite hosts, over HTTP and WebSocket."""

    def decided(self, request: RequestHead, rules: Any = RULES, shell: Any = None) -> str:
        """``in``, or how the person is kept out."""
        ending, _ = play(admit, request, asked(rules), shell or Person())  # type: ignore[arg-type]
        if ending is None:
            return "in"
        if isinstance(ending, Refuse):
            self.assertEqual(values(ending.fields, b"www-authenticate"), [])
            return str(ending.status)
        return "led"

    def test_table(self) -> None:
        """One decision for every kind of request."""
        top = {"sec_fetch_dest": "document", "sec_fetch_mode": "navigate"}
        old = {"sec_fetch_dest": "", "sec_fetch_mode": "", "accept": "text/html"}
        for request, without in (
            (frame(), "401"),
            (head(), "401"),
            (head(method=b"POST"), "401"),
            (head(**top), "led"),
            (head(**old), "led"),
            (head(method=b"POST", **top), "401"),
            (head(**HANDSHAKE), "401"),
            (head(wire.TOKEN_PATH), "401"),
            (head(wire.REPORT_PATH, method=b"POST"), "401"),
            (head(wire.ASSET_PATH + "x.js"), "in"),
            (head(wire.OOPS_PATH), "in"),
        ):
            self.assertEqual(self.decided(request), without, request)
            self.assertEqual(self.decided(request, shell=signed_in()), "in", request)
            self.assertEqual(self.decided(request, None), "in", request)

    def test_logins_end(self) -> None:
        """Over, standing on a password that changed, or another person's session."""
        for login in (Login("ada", NOW, MARK), Login("ada", NOW + 9, b"changed!")):
            self.assertEqual(self.decided(frame(), shell=signed_in(login)), "401", login)

    def test_without_a_session(self) -> None:
        """What browsers send without cookies, and what programs send."""
        font = head("/f", session=False, sec_fetch_dest="font", origin=PAGE_ORIGIN)
        program = head("/p", session=False, sec_fetch_site="", sec_fetch_mode="", sec_fetch_dest="")
        preflight = head(
            method=b"OPTIONS",
            session=False,
            origin=PAGE_ORIGIN,
            access_control_request_method="PUT",
        )
        no_preflight = head(method=b"OPTIONS", session=False, origin=PAGE_ORIGIN)
        open_ = attrs.evolve(RULES, native_open=True)
        near = attrs.evolve(RULES, anonymous_near=True)
        neighbour = Person()
        neighbour.kept[b"near\0"] = Login("ada", NOW + 9)
        pair = b"p" * 32
        page = Person()
        page.kept[b"page\0\0" + pair] = Login("ada", NOW + 9)
        for request, rules, shell, wanted in (
            (font, RULES, None, "401"),
            (font, open_, None, "401"),
            (font, near, None, "401"),
            (font, near, neighbour, "in"),
            (font, RULES, neighbour, "401"),
            (program, RULES, None, "401"),
            (program, near, neighbour, "401"),
            (program, open_, None, "in"),
            (preflight, RULES, None, "in"),
            (no_preflight, RULES, None, "401"),
            (attrs.evolve(preflight, host=HOST, fields=()), RULES, None, "401"),
            # A page's token, from where its person is signed in, and from elsewhere.
            (head(session=False, token=token_text(pair)), RULES, page, "in"),
            (head(session=False, token=token_text(pair)), RULES, None, "401"),
            (head(session=False, token=token_text(b"q" * 32)), RULES, page, "401"),
            (head(session=False, token=token_text(b"")), RULES, page, "401"),
            (
                head(session=False, token=token_text(pair, issued_at=NOW - 86401)),
                RULES,
                page,
                "401",
            ),
            (head(session=False, token="forged"), RULES, page, "401"),
            (head(session=False, method=b"POST", token=token_text(pair)), RULES, page, "in"),
        ):
            self.assertEqual(self.decided(request, rules, shell), wanted, request)

    def test_nothing_goes_upstream(self) -> None:
        """A request that is kept out reaches no site and no jar."""
        for request in (frame(), head(**HANDSHAKE), head(method=b"POST")):
            exchange = websocket_exchange if values(request.fields, b"upgrade") else http_exchange
            ending, shell = play(exchange, request, asked(), Person())
            self.assertIsInstance(ending, Refuse)
            self.assertEqual(shell.sent(), [])
        _, shell = play(http_exchange, frame(), asked(), signed_in())
        self.assertEqual([type(one) for one in shell.sent()], [Connect])
