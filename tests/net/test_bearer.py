"""Key sets that are fetched and kept, and tokens over real sockets."""

from __future__ import annotations

import json
import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from gateway.errors import UpstreamFault
from gateway.net.bearer import KeySource, KeysUnavailable, TokenVerifier
from gateway.policy.authentication import Bearer
from gateway.session.login import Login
from tests.net.raw import Message, Origin, reply
from tests.net.test_login import LoginCase
from tests.policy.test_jwt import EC, ED, NOW, OTHER_RSA, RSA, WANTED, public, token

ID = "https://id.site.example"


def text(*items: dict[str, Any]) -> bytes:
    """A set's text."""
    return json.dumps({"keys": items}).encode()


ALL = text(public(RSA, "RS256"), public(EC, "ES256"), public(ED, "EdDSA"))


class SourceTests(TestCase):
    """When a set is loaded, and when not."""

    def setUp(self) -> None:
        """A set that a test answers with by hand."""
        self.time = 0.0
        self.loads: list[Deferred[bytes]] = []
        self.source = KeySource(self._load, fresh=100, minimum=10, clock=lambda: self.time)
        self.verifier = TokenVerifier(self.source, WANTED)

    def _load(self) -> Deferred[bytes]:
        self.loads.append(Deferred())
        return self.loads[-1]

    def judge(self, given: str = "") -> Deferred[Login | str]:
        """Judge a token."""
        return Deferred.fromCoroutine(self.verifier.judge(Bearer(given or token()), NOW))

    def begin(self) -> None:
        """Load for the first time."""
        first = self.judge()
        self.loads[0].callback(ALL)
        self.assertEqual(self.successResultOf(first), Login("ada", NOW + 600))

    def test_once_for_all(self) -> None:
        """Many wait for one load, and later ones for none."""
        asked = [self.judge() for _ in range(5)]
        self.assertEqual(len(self.loads), 1)
        self.loads[0].callback(ALL)
        for one in asked:
            self.assertEqual(self.successResultOf(one), Login("ada", NOW + 600))
        self.successResultOf(self.judge())
        self.assertEqual(len(self.loads), 1)

    def test_one_who_leaves(self) -> None:
        """The load goes on for the others."""
        first, second = self.judge(), self.judge()
        first.addErrback(lambda _: None)
        first.cancel()
        self.loads[0].callback(ALL)
        self.assertEqual(self.successResultOf(second), Login("ada", NOW + 600))

    def test_unknown_key(self) -> None:
        """A new key is looked for, not more often than the minimum says."""
        self.begin()
        new = token(key=OTHER_RSA, kid="new")
        for _ in range(20):
            self.assertIn("no key", str(self.successResultOf(self.judge(new))))
        self.assertEqual(len(self.loads), 1)
        self.time = 10
        asked = [self.judge(new) for _ in range(3)]
        self.assertEqual(len(self.loads), 2)
        self.loads[1].callback(text(public(OTHER_RSA, "new")))
        for one in asked:
            self.assertEqual(self.successResultOf(one), Login("ada", NOW + 600))
        # Keys that are no longer in the set count no more.
        self.assertIsInstance(self.successResultOf(self.judge()), str)

    def test_old(self) -> None:
        """Loaded again after its time; what was good serves until a newer one comes, not for ever."""
        self.begin()
        self.time = 100
        again = self.judge()
        self.loads[1].errback(UpstreamFault("away"))
        self.assertEqual(self.successResultOf(again), Login("ada", NOW + 600))
        self.time = 105
        self.successResultOf(self.judge())
        self.assertEqual(len(self.loads), 2)
        self.time = 2401
        last = self.judge()
        self.loads[2].callback(b"no set")
        self.failureResultOf(last, KeysUnavailable)

    def test_never_there(self) -> None:
        """Nobody can say: 503, not 401; every kind of failure ends the wait."""
        for failure in (UpstreamFault("away"), OSError("gone"), RuntimeError("odd")):
            self.setUp()
            asked = self.judge(), self.judge()
            self.loads[0].errback(failure)
            for one in asked:
                error = self.failureResultOf(one, KeysUnavailable).value
                self.assertEqual(error.status, 503)


class SocketTests(LoginCase):
    """A set that is served by an origin, tokens that come over TLS."""

    def make(self, *items: dict[str, Any]) -> Origin:
        """An identity provider."""
        self.items = items
        return Origin(lambda _: self.answer())

    def answer(self) -> bytes:
        """What it says now."""
        return reply(text(*self.items), b"Content-Type: application/json")

    async def begin(self, more: str = "") -> Any:
        """A gateway that takes tokens."""
        self.provider = self.make(public(RSA, "RS256"), public(EC, "ES256"), public(ED, "EdDSA"))
        rules = (
            "[authentication.jwt]\n"
            f'issuer = "https://id.test"\naudience = "gateway"\njwks = "{ID}/keys"\n{more}'
        )
        return await self.gateway({ID: self.provider}, rules=rules)

    def fresh(self, algorithm: str = "RS256", **more: Any) -> bytes:
        """A token of this moment."""
        now = int(time.time())
        given = {"exp": now + 600, "iat": now, **more}
        return b"Authorization: Bearer " + token(algorithm, **given).encode()

    async def test_tokens(self) -> None:
        """Each algorithm; the set is asked for once."""
        made = await self.begin()
        for algorithm in ("RS256", "ES256", "EdDSA"):
            answer = await self.own(made, self.fresh(algorithm))
            self.assertEqual(answer.status, 200, algorithm)
        self.assertEqual([one.target for one in self.provider.requests], [b"/keys"])

    async def test_refused(self) -> None:
        """With the challenge that says so."""
        made = await self.begin()
        now = int(time.time())
        for field in (
            self.fresh(exp=now - 60),
            self.fresh(nbf=now + 600),
            self.fresh(aud="else"),
            self.fresh(iss="https://evil.test"),
            self.fresh(key=OTHER_RSA),
            self.fresh(kid="unknown"),
            b"Authorization: Bearer " + b"x" * 20000,
            b"Authorization: Bearer eyJhbGciOiJub25lIn0.e30.",
        ):
            answer = await self.own(made, field)
            self.assertEqual(answer.status, 401, field[:60])
            (challenge,) = answer.all(b"www-authenticate")
            self.assertTrue(challenge.startswith(b'Bearer realm="gateway"'))
        answer = await self.own(made)
        self.assertEqual(answer.all(b"www-authenticate"), [b'Bearer realm="gateway"'])

    async def test_the_set_is_away(self) -> None:
        """503 and not 401: the token may be good."""
        made = await self.begin()
        self.answer = lambda: reply(b"", status=b"500 Oh")  # type: ignore[method-assign]
        self.assertEqual((await self.own(made, self.fresh())).status, 503)

    async def test_too_large(self) -> None:
        """A set without end is cut."""
        made = await self.begin()
        self.answer = lambda: reply(b" " * 300_000)  # type: ignore[method-assign]
        answer: Message = await self.own(made, self.fresh())
        self.assertEqual(answer.status, 503)
