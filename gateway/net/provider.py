"""The OpenID provider as the gateway asks it: its discovery document, tokens for codes."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import attrs
from twisted.internet.defer import DeferredLock

from gateway import events
from gateway.errors import GatewayError, LocalFault
from gateway.exchange.needs import Provider
from gateway.net.bearer import KeySource, verify
from gateway.origins import parse
from gateway.policy.jwt import Sound, Wanted
from gateway.session.login import Login

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.exchange.needs import Redeem
    from gateway.net.fetch import Fetcher
    from gateway.policy.authentication import OidcRules

_DISCOVERY = "/.well-known/openid-configuration"
_FRESH, _MINIMUM, _STALE = 3600, 10, 24 * 3600


class ProviderUnavailable(LocalFault):
    """The provider did not answer, or not as a provider does."""

    status = 503
    event = events.LOGIN_UNAVAILABLE
    title = "The gateway is busy"


@attrs.frozen
class _Discovered:
    provider: Provider
    token_endpoint: str
    posts_secret: bool
    at: float


class ProviderClient:
    """A client of one provider; what it says of itself is kept for an hour."""

    def __init__(
        self,
        fetcher: Fetcher,
        rules: OidcRules,
        secret: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is asked yet; ``secret`` empty: a public client."""
        self._fetcher = fetcher
        self._rules = rules
        self._secret = secret
        self._clock = clock
        self._known: _Discovered | None = None
        self._jwks = ""
        self._failed = float("-inf")
        self._asking = DeferredLock()
        self._keys = KeySource(self._load_keys, clock=clock)

    async def provider(self) -> Provider:
        """What the provider says of itself; raises ``ProviderUnavailable``."""
        return (await self._discovered()).provider

    async def redeem(self, need: Redeem, now: int) -> Login | str:
        """Whom the provider signed in for a code, or why nobody."""
        known = await self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": need.code,
            "redirect_uri": need.redirect_uri,
            "code_verifier": need.verifier,
            "client_id": self._rules.client_id,
        }
        fields = [(b"Content-Type", b"application/x-www-form-urlencoded")]
        if self._secret and known.posts_secret:
            form["client_secret"] = self._secret
        elif self._secret:
            # Each part is encoded as in a form first (RFC 6749, section 2.3.1).
            pair = f"{quote(self._rules.client_id, '')}:{quote(self._secret, '')}"
            token = base64.b64encode(pair.encode("ascii"))
            fields.append((b"Authorization", b"Basic " + token))
        body = urlencode(form).encode("ascii")
        status, content = await self._ask(known.token_endpoint, tuple(fields), body)
        if status >= 500:
            raise ProviderUnavailable(f"the provider answered {status} for a code")
        token_text = content.get("id_token")
        if status != 200 or not isinstance(token_text, str):
            return f"{status} for the code, and no ID token"
        rules = self._rules
        wanted = Wanted(
            rules.issuer,
            rules.client_id,
            rules.algorithms,
            rules.user_claim,
            rules.leeway,
            need.nonce,
        )
        found = await verify(token_text, self._keys, wanted, now)
        return Login(found.user, found.expires) if isinstance(found, Sound) else found.reason

    async def _discovered(self) -> _Discovered:
        if self._is_due():
            # One asks, however many people begin to sign in meanwhile.
            await self._asking.acquire()
            try:
                if self._is_due():
                    await self._renew()
            finally:
                self._asking.release()
        if self._known is None:
            raise ProviderUnavailable("the provider could not be asked")
        return self._known

    def _age(self) -> float:
        return self._clock() - self._known.at if self._known is not None else float("inf")

    def _is_due(self) -> bool:
        # After a failure not before a moment: whoever asks must not make the gateway ask on.
        return self._age() >= _FRESH and self._clock() - self._failed >= _MINIMUM

    async def _renew(self) -> None:
        began = self._clock()
        try:
            self._known = await self._discover()
        except GatewayError:
            self._failed = began
            if self._age() > _STALE:
                raise

    async def _discover(self) -> _Discovered:
        issuer = self._rules.issuer
        status, content = await self._ask(issuer.rstrip("/") + _DISCOVERY)
        if status != 200:
            raise ProviderUnavailable(f"the discovery document was answered with {status}")
        if content.get("issuer") != issuer:
            raise ProviderUnavailable("the discovery document is another issuer's")
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        asked, token, jwks = (_https(content.get(name)) for name in names)
        if not asked or not token or not jwks:
            raise ProviderUnavailable("the discovery document names no https endpoints")
        self._jwks = jwks
        ways = content.get("token_endpoint_auth_methods_supported")
        ways = ways if isinstance(ways, list) else ["client_secret_basic"]
        posts = "client_secret_basic" not in ways and "client_secret_post" in ways
        names_issuer = content.get("authorization_response_iss_parameter_supported") is True
        return _Discovered(Provider(asked, names_issuer), token, posts, self._clock())

    async def _load_keys(self) -> bytes:
        found = await self._fetcher.fetch(self._jwks)
        if found.status != 200:
            raise ProviderUnavailable(f"the key set was answered with {found.status}")
        return found.body

    async def _ask(
        self, url: str, fields: tuple[tuple[bytes, bytes], ...] = (), body: bytes | None = None
    ) -> tuple[int, dict[str, Any]]:
        try:
            found = await self._fetcher.fetch(url, fields, body)
        except GatewayError as error:
            raise ProviderUnavailable(f"the provider: {error}") from None
        try:
            content = json.loads(found.body)
        except (ValueError, RecursionError):
            content = None
        return found.status, content if isinstance(content, dict) else {}


def _https(value: object) -> str:
    found = parse(value) if isinstance(value, str) else None
    sound = found is not None and found[0].secure and not found[1].hash
    return found[1].href if found is not None and sound else ""
