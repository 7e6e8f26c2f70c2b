"""A small OpenID provider over TLS, and the gateway as its client, from challenge to site."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from twisted.internet.defer import Deferred, gatherResults

from gateway import events, wire
from tests.net.harness import DOMAIN, SHOP, Gateway, folder
from tests.net.raw import Message, Origin, reply
from tests.net.test_login import HTML, SECURE, LoginCase
from tests.policy.test_jwt import OTHER_RSA, RSA, public, token

ISSUER = "https://id.site.example"
CLIENT, SECRET = "client:1", "s3cret of the client"
JSON = b"Content-Type: application/json"


class SmallProvider:
    """Signs everybody in as ada; what it does wrong is in ``wrong``."""

    def __init__(self) -> None:
        self.codes: dict[str, dict[str, str]] = {}
        self.wrong: dict[str, Any] = {}
        self.discovery: dict[str, Any] = {}
        self.away = False
        self.asked: list[bytes] = []
        self.redeemed: list[Message] = []

    def authorize(self, location: str) -> dict[str, str]:
        """What the person's browser comes back with."""
        asked = dict(parse_qsl(urlsplit(location).query))
        code = f"code{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": ISSUER}

    def answer(self, request: Message) -> bytes:
        """What it serves."""
        path = request.target.partition(b"?")[0]
        self.asked.append(path)
        if self.away:
            return reply(b"", status=b"503 Away")
        if path == b"/.well-known/openid-configuration":
            known = {
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/authorize",
                "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": f"{ISSUER}/keys",
                "authorization_response_iss_parameter_supported": True,
            }
            return reply(json.dumps({**known, **self.discovery}).encode(), JSON)
        if path == b"/keys":
            return reply(json.dumps({"keys": [public(RSA, "RS256")]}).encode(), JSON)
        if path == b"/token":
            return self.token(request)
        return reply(b"", status=b"404 No")

    def token(self, request: Message) -> bytes:
        """An ID token for a code, once, for whom it was made."""
        self.redeemed.append(request)
        form = {name: one[0] for name, one in parse_qs(request.body.decode()).items()}
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or challenge != asked["code_challenge"]:
            return reply(b'{"error": "invalid_grant"}', JSON, status=b"400 Bad")
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": CLIENT, "exp": now + 60, "iat": now, "nonce": asked["nonce"],
            **self.wrong.get("claims", {}),
        }  # fmt: skip
        signed = token(key=self.wrong.get("key"), **claims)
        return reply(json.dumps({"id_token": signed, "token_type": "Bearer"}).encode(), JSON)


class OidcCase(LoginCase):
    """A gateway whose people come by way of the provider."""

    async def begin(self, **options: Any) -> Gateway:
        """Start both."""
        self.provider = SmallProvider()
        self.site = Origin(reply(b"<p>hello</p>", HTML))
        secret = folder() / "oidc.secret"
        secret.write_text(SECRET + "\n")
        rules = (
            f'[authentication.oidc]\nissuer = "{ISSUER}"\nclient-id = "{CLIENT}"\n'
            f'client-secret-file = "{secret}"\n'
        )
        origins = {SHOP: self.site, ISSUER: Origin(self.provider.answer)}
        made = await self.gateway(origins, rules=rules, **options)
        self.logins = made.service._handler.logins
        return made

    async def start_login(self, made: Gateway, host: str = SECURE) -> tuple[str, bytes]:
        """Where the person is sent, and the cookie of the try."""
        answer = await self.own(made, host=host, target=f"{wire.LOGIN_START_PATH}?to=/settings")
        self.assertEqual(answer.status, 303, answer)
        (cookie,) = answer.all(b"set-cookie")
        return (answer.get(b"location") or b"").decode(), cookie.partition(b";")[0]

    async def come_back(
        self, made: Gateway, given: dict[str, str], cookie: bytes, host: str = SECURE
    ) -> Message:
        """What the browser does with the provider's answer."""
        target = f"{wire.SIGNED_IN_PATH}?{urlencode(given)}"
        return await self.own(made, b"Cookie: " + cookie, host=host, target=target)

    async def sign_in(self, made: Gateway, host: str = SECURE) -> bytes:
        """The cookie of somebody who is signed in."""
        location, cookie = await self.start_login(made, host)
        answer = await self.come_back(made, self.provider.authorize(location), cookie, host)
        self.assertEqual(answer.status, 303, answer)
        return answer.all(b"set-cookie")[0].partition(b";")[0]


class OidcTests(OidcCase):
    """Real HTTP on loopback."""

    async def test_from_challenge_to_site(self) -> None:
        """Both hosts sign in, the session is signed in by one of them, the site is shown."""
        made = await self.begin()
        answer = await self.own(made, b"Accept: text/html", host=SECURE)
        self.assertEqual((answer.status, answer.get(b"location")), (303, b"/.gateway/login?to=%2F"))
        answer = await self.own(made, host=SECURE, target="/.gateway/login?to=%2F")
        self.assertEqual(answer.status, 200)
        self.assertIn(wire.LOGIN_START_PATH.encode(), answer.body)
        portal = await self.sign_in(made, DOMAIN)
        self.assertEqual((await self.own(made, b"Cookie: " + portal)).status, 200)
        cookie = b"Cookie: " + await self.sign_in(made)
        self.assertEqual((await self.own(made, cookie, host=SECURE)).status, 200)
        self.assertEqual((await self.frame(made)).status, 401)
        await self.session(made, cookie)
        self.assertEqual((await self.frame(made)).status, 200)
        # The client showed its secret as RFC 6749 section 2.3.1 says.
        pair = base64.b64decode(self.provider.redeemed[0].all(b"authorization")[0][6:])
        self.assertEqual(pair, b"client%3A1:s3cret%20of%20the%20client")

    async def test_wrong(self) -> None:
        """Wrong state, a code that was used, a wrong nonce, another issuer, a forged token."""
        made = await self.begin()
        now = int(time.time())
        for change, wrong in (
            ({"state": "x"}, {}),
            ({"iss": "https://evil.test"}, {}),
            ({"code": "forged"}, {}),
            ({}, {"claims": {"nonce": "else"}}),
            ({}, {"claims": {"nonce": None}}),
            ({}, {"claims": {"iss": "https://evil.test"}}),
            ({}, {"claims": {"aud": "else"}}),
            ({}, {"claims": {"aud": [CLIENT, "else"]}}),
            ({}, {"claims": {"exp": now - 60}}),
            ({}, {"key": OTHER_RSA}),
        ):
            location, cookie = await self.start_login(made)
            self.provider.wrong = wrong
            given = {**self.provider.authorize(location), **change}
            answer = await self.come_back(made, given, cookie)
            self.assertEqual(answer.status, 403, (change, wrong))
            self.assertNotIn(wire.LOGIN_COOKIE, b"".join(answer.all(b"set-cookie")))
        self.assertEqual(made.telemetry.codes().count(events.LOGIN_FAILED), 10)

    async def test_again(self) -> None:
        """The same answer a second time, by the same browser or another."""
        made = await self.begin()
        location, cookie = await self.start_login(made)
        given = self.provider.authorize(location)
        _, other = await self.start_login(made)
        self.assertEqual((await self.come_back(made, given, other)).status, 403)
        self.assertEqual((await self.come_back(made, given, cookie)).status, 303)
        self.assertEqual((await self.come_back(made, given, cookie)).status, 403)
        self.assertEqual(len(self.provider.redeemed), 1)

    async def test_discovery(self) -> None:
        """Another issuer's document, endpoints without TLS, a provider that is away."""
        for change in (
            {"issuer": "https://evil.test"},
            {"issuer": f"{ISSUER}/"},
            {"token_endpoint": "http://id.site.example/token"},
            {"authorization_endpoint": "javascript:alert(1)"},
            {"jwks_uri": None},
        ):
            made = await self.begin()
            self.provider.discovery = change
            answer = await self.own(made, host=SECURE, target=wire.LOGIN_START_PATH)
            self.assertEqual(answer.status, 503, change)
        made = await self.begin()
        self.provider.away = True
        for _ in range(3):
            answer = await self.own(made, host=SECURE, target=wire.LOGIN_START_PATH)
            self.assertEqual(answer.status, 503)
        self.assertIn(events.LOGIN_UNAVAILABLE, made.telemetry.codes())

    async def test_many_at_once(self) -> None:
        """One question serves all who begin while it is asked, also where nobody answers."""
        for away in (False, True):
            made = await self.begin()
            self.provider.away = away
            starts = [self.own(made, host=SECURE, target=wire.LOGIN_START_PATH) for _ in range(8)]
            answers = await gatherResults([Deferred.fromCoroutine(one) for one in starts])
            self.assertEqual({one.status for one in answers}, {503 if away else 303})
            self.assertEqual(len(self.provider.asked), 1)

    async def test_secret_in_the_form(self) -> None:
        """For providers that take it nowhere else; nothing of it is told."""
        made = await self.begin()
        self.provider.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
        await self.sign_in(made)
        self.assertEqual(self.provider.redeemed[0].all(b"authorization"), [])
        form = parse_qs(self.provider.redeemed[0].body.decode())
        self.assertEqual(form["client_secret"], [SECRET])
        told = repr((made.telemetry.events, made.telemetry.accesses))
        for secret in (SECRET, form["code"][0], form["code_verifier"][0]):
            self.assertNotIn(secret, told)
