"""Judges Bearer tokens with keys that are read from a file or fetched, and kept for a while."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred

from gateway import events
from gateway.errors import GatewayError, LocalFault
from gateway.net.drive import watch
from gateway.policy.jwt import KeySet, Unsound, judge, parse_key_set
from gateway.session.login import Login

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.policy.authentication import Bearer
    from gateway.policy.jwt import Sound, Wanted

_STALE = 24
"""How many times its fresh time a set may be old while no newer one can be had."""


class KeysUnavailable(LocalFault):
    """The keys for tokens could not be had: nobody can say whether one is good."""

    status = 503
    event = events.LOGIN_UNAVAILABLE
    title = "The gateway is busy"


class KeySource:
    """A key set: loaded when it is first needed, when it is old, and for a key it lacks.

    ``load`` gives the text.  Not more often than every ``minimum`` seconds, however many
    tokens name keys that nobody has.
    """

    def __init__(
        self,
        load: Callable[[], Awaitable[bytes]],
        *,
        fresh: float = 3600,
        minimum: float = 60,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is loaded yet."""
        self._load = load
        self._fresh = fresh
        self._minimum = minimum
        self._clock = clock
        self._keys: KeySet | None = None
        self._loaded = self._tried = float("-inf")
        self._waiting: list[Deferred[None]] | None = None
        self.failure = ""

    async def keys(self, *, lacking: bool = False) -> KeySet:
        """The keys; ``lacking``: one was not among them.  Raises ``KeysUnavailable``."""
        age = self._clock() - self._loaded
        if self._waiting is not None and (self._keys is None or lacking):
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting
        elif self._waiting is None and (lacking or age >= self._fresh) and self._may_try():
            await self._reload()
        if self._keys is None or self._clock() - self._loaded > _STALE * self._fresh:
            raise KeysUnavailable(f"the key set: {self.failure or 'it is not there yet'}")
        return self._keys

    def _may_try(self) -> bool:
        return self._clock() - self._tried >= self._minimum

    async def _reload(self) -> None:
        mine: Deferred[None] = Deferred()
        self._waiting = [mine]
        self._tried = self._clock()
        # Not the request's own: a client that leaves must not take the others' keys along.
        watch(Deferred.fromCoroutine(self._loading()))
        await mine

    async def _loading(self) -> None:
        try:
            self._keys = parse_key_set(await self._load())
            self._loaded = self._clock()
            self.failure = ""
        except (GatewayError, ValueError, OSError) as error:
            self.failure = str(error)
        except Exception as error:  # noqa: BLE001 (who waits must not wait for ever)
            self.failure = type(error).__name__
        finally:
            waiting, self._waiting = self._waiting or [], None
            for one in waiting:
                if not one.called:
                    one.callback(None)


class TokenVerifier:
    """Tokens in, logins out."""

    def __init__(self, source: KeySource, wanted: Wanted) -> None:
        """Keys from ``source``; what tokens must say."""
        self._source = source
        self._wanted = wanted

    async def judge(self, bearer: Bearer, now: int) -> Login | str:
        """Whose token it is, or why it is nobody's; raises ``KeysUnavailable``."""
        found = await verify(bearer.token, self._source, self._wanted, now)
        return found.reason if isinstance(found, Unsound) else Login(found.user, found.expires)


async def verify(token: str, source: KeySource, wanted: Wanted, now: int) -> Sound | Unsound:
    """Judge a token; a key that the set lacks may be a new one."""
    found = judge(token, await source.keys(), wanted, now)
    if isinstance(found, Unsound) and found.unknown_key:
        found = judge(token, await source.keys(lacking=True), wanted, now)
    return found
