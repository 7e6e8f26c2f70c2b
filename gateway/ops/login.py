"""From the settings of ``[authentication]`` to the shell that answers for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway import events
from gateway.errors import UpstreamFault
from gateway.net.bearer import KeySource, TokenVerifier
from gateway.net.fetch import Fetcher
from gateway.net.login import Logins
from gateway.net.provider import ProviderClient
from gateway.ops.passwordfile import PasswordFile
from gateway.policy.engine import Question
from gateway.policy.jwt import Wanted
from gateway.policy.transport import transport_for

if TYPE_CHECKING:
    from gateway.net.telemetry import Telemetry
    from gateway.net.upstream import Upstream
    from gateway.ops.config import Config
    from gateway.origins import Origin
    from gateway.policy.transport import Transport


def open_logins(config: Config, reactor: Any, upstream: Upstream, telemetry: Telemetry) -> Logins:
    """Make it; raises ``ConfigurationError`` for a password file that went bad meanwhile."""
    login = config.login

    def tell(fault: str) -> None:
        telemetry.event(events.RELOAD_REFUSED, detail=fault)

    def transport(origin: Origin) -> Transport:
        target = Question(origin).target
        rules = config.policy.access
        return transport_for(one for one in rules if one.pattern.matches_origin(target))

    fetcher = Fetcher(reactor, upstream, transport)
    tokens = None
    jwt = login.rules.jwt if login.rules is not None else None
    if jwt is not None:

        async def load() -> bytes:
            if "://" not in login.jwks:
                return _read(login.jwks)
            found = await fetcher.fetch(login.jwks)
            if found.status != 200:
                raise UpstreamFault(f"the key set was answered with {found.status}")
            return found.body

        source = KeySource(load, fresh=login.keys_fresh_seconds, minimum=login.keys_minimum_seconds)
        wanted = Wanted(jwt.issuer, jwt.audience, jwt.algorithms, jwt.user_claim, jwt.leeway)
        tokens = TokenVerifier(source, wanted)
    oidc = login.rules.oidc if login.rules is not None else None
    provider = None
    if oidc is not None:
        provider = ProviderClient(fetcher, oidc, login.client_secret)
    return Logins(
        reactor,
        PasswordFile(login.password_file, tell),
        tokens,
        provider,
        threads=login.threads,
        waiting=login.waiting,
        seconds=login.cache_seconds,
    )


def _read(name: str) -> bytes:
    return Path(name).read_bytes()
