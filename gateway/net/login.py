"""Compares passwords, judges tokens, and remembers for a moment who signed in.

Passwords are compared in a few threads of their own, with a bound on how many may wait.  What
is remembered is found by a keyed digest under a key of this process, so that neither a password
nor a session can be read from it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from twisted.internet.defer import Deferred

from gateway import events
from gateway.errors import LocalFault
from gateway.exchange.needs import (
    Keep,
    NeedProvider,
    NeedStanding,
    Recall,
    Redeem,
    VerifyPassword,
)
from gateway.net.drive import watch
from gateway.net.threads import Threads
from gateway.policy.passwords import decoy
from gateway.session.login import Login

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.exchange.needs import LoginNeed
    from gateway.net.bearer import TokenVerifier
    from gateway.net.provider import ProviderClient

_MARK = 8
_MOST_REMEMBERED = 20_000


class TooManyLogins(LocalFault):
    """More passwords wait to be compared than may."""

    status = 503
    event = events.LIMIT
    title = "The gateway is busy"


class Logins:
    """What the needs of ``exchange.authentication`` are answered with; one for the process.

    ``passwords`` gives the hashes by user, as they are now; ``clock`` the time.
    """

    def __init__(
        self,
        reactor: Any,
        passwords: Callable[[], Mapping[str, str]],
        tokens: TokenVerifier | None = None,
        provider: ProviderClient | None = None,
        *,
        threads: int = 2,
        waiting: int = 32,
        seconds: float = 60,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``seconds``: how long a login is remembered without asking the store again."""
        self.clock = clock
        self.compared = 0
        self._passwords = passwords
        self._tokens = tokens
        self._provider = provider
        self._count = threads
        self._threads = Threads(reactor, threads)
        self._most = threads + waiting
        self._busy: set[Deferred[bool]] = set()
        self._seconds = seconds
        self._key = os.urandom(32)
        self._known: OrderedDict[bytes, tuple[float, Login]] = OrderedDict()
        self._decoys: dict[str, str] = {}

    async def perform(self, need: LoginNeed) -> object:
        """Answer one need."""
        if isinstance(need, Recall):
            return self._recall(need.key)
        if isinstance(need, Keep):
            self._keep(need)
            return None
        if isinstance(need, NeedStanding):
            return self.stands(need.login)
        if isinstance(need, VerifyPassword):
            return await self._compare(need)
        if isinstance(need, NeedProvider | Redeem):
            if self._provider is None:
                raise LocalFault("there is no provider")
            if isinstance(need, NeedProvider):
                return await self._provider.provider()
            return await self._provider.redeem(need, int(self.clock()))
        if self._tokens is None:
            return "no tokens are taken here"
        return await self._tokens.judge(need.bearer, int(self.clock()))

    def follow(self, old: Logins) -> None:
        """Remember whom the one before knew, as far as it still stands; take its threads.

        What they have to do yet counts on.
        """
        self._key, self._known = old._key, old._known
        old._threads.resize(self._count)
        self._threads, self._busy = old._threads, old._busy

    def stop(self) -> None:
        """End the threads."""
        self._threads.stop()

    def __len__(self) -> int:
        """How many logins are remembered."""
        return len(self._known)

    def _digest(self, key: bytes) -> bytes:
        return hmac.digest(self._key, key, "sha256")

    def _recall(self, key: bytes) -> Login | None:
        digest = self._digest(key)
        until, login = self._known.get(digest, (0.0, None))
        if login is None:
            return None
        if self.clock() >= until or not self.stands(login):
            del self._known[digest]
            return None
        return login

    def _keep(self, need: Keep) -> None:
        digest, until = self._digest(need.key), float(need.login.expires)
        if not need.to_its_end:
            until = min(self.clock() + self._seconds, until)
        self._known.pop(digest, None)
        self._known[digest] = (until, need.login)
        while len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)

    def stands(self, login: Login) -> bool:
        """Whether a password that somebody signed in with is still theirs."""
        if not login.mark:
            return True
        line = self._passwords().get(login.user)
        return line is not None and hmac.compare_digest(_mark(line), login.mark)

    async def _compare(self, need: VerifyPassword) -> bytes:
        if len(self._busy) >= self._most:
            raise TooManyLogins("[authentication] more passwords wait than may")
        hashes = dict(self._passwords())
        line = hashes.get(need.user)
        against = line if line is not None else self._decoy(hashes)
        done: Deferred[bool] = Deferred()
        self._busy.add(done)

        def ended(result: Any) -> None:
            # Only now, whether or not the client still waits: a thread was busy until here.
            self._busy.discard(done)
            self.compared += 1
            if not done.called:
                done.callback(result)

        watch(self._threads.run(_fits, against, need.password).addBoth(ended))
        fits = await done
        return _mark(line) if fits and line is not None else b""

    def _decoy(self, hashes: dict[str, str]) -> str:
        # One for each file, so that a name that does not exist always has the same.
        key = hashlib.sha256("\n".join(hashes.values()).encode("utf-8")).hexdigest()
        if key not in self._decoys:
            self._decoys = {key: decoy(hashes, os.urandom(48))}
        return self._decoys[key]


def _mark(line: str) -> bytes:
    return hashlib.sha256(line.encode("ascii")).digest()[:_MARK]


def _fits(line: str, password: str) -> bool:
    """Compare in this thread; argon2 compares digests in constant time."""
    try:
        return PasswordHasher().verify(line, password)
    except (Argon2Error, InvalidHashError):
        return False
