"""A reload is all or nothing: read and build in a thread, then swap whole, or say every fault.

What is built is what new requests are served with; exchanges that are under way keep what
they began with.  What a process cannot change while it runs is a fault that names the key.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import time
from typing import TYPE_CHECKING, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway import events
from gateway.errors import ConfigurationError
from gateway.net.drive import watch
from gateway.net.telemetry import where
from gateway.ops.schema import show
from gateway.store.opening import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.exchange.messages import Context
    from gateway.net.listener import ReloadingCertificate
    from gateway.net.peer import Contexts
    from gateway.ops.config import Config
    from gateway.ops.metrics import Telemetry
    from gateway.pages.render import Pages

_T = TypeVar("_T")
_STORE = {
    "password": "store.password-file",
    "timeout": "limits.store-seconds",
    "stale_days": "limits.store-stale-days",
}
"""Keys of ``StoreSettings`` that are not called so in ``[store]``."""
_SECRET = frozenset(
    ("store.password-file", "emulation.certificate", "emulation.key", "emulation.authority")
)


@contextlib.contextmanager
def gently() -> Iterator[None]:
    """While a thread reads much: the reactor's own has its turn ten times as soon.

    And nobody collects: with 10,000 rules a full collection falls into it, which holds up
    all threads for some 100 ms.
    """
    interval, collecting = sys.getswitchinterval(), gc.isenabled()
    sys.setswitchinterval(interval / 10)
    gc.disable()
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        if collecting:
            gc.enable()


@attrs.frozen(eq=False)
class Built:
    """What a configuration makes, needing neither port nor reactor."""

    config: Config
    certificate: ReloadingCertificate
    contexts: Contexts
    pages: Pages
    context: Context


def attempt(faults: list[str], make: Callable[[], _T]) -> _T | None:
    """Make one thing; None, and its faults beside those of others, when it cannot be."""
    try:
        return make()
    except ConfigurationError as error:
        faults += error.faults
        return None


def _fixed(config: Config) -> dict[str, object]:
    """What cannot change while a process runs, by its key."""
    found: dict[str, object] = {
        "domain": config.codec.domain,
        "public-port": config.codec.public_port,
        "rewrite-domain": config.apart.rewrite_domain if config.apart is not None else None,
        "listen": config.listen,
        "http.redirect-listen": config.redirect_listen,
        "admin.listen": config.admin_listen,
        "keys.file": str(config.key_file),
    }
    nodes = config.emulation.nodes
    found["emulation.folder"] = str(nodes.folder or "")
    for name in ("listen", "address", "certificate", "key", "authority"):
        found[f"emulation.{name}"] = getattr(nodes, name)
    for field in attrs.fields(StoreSettings):
        key = _STORE.get(field.name, f"store.{field.name.replace('_', '-')}")
        found[key] = getattr(config.store, field.name)
    return found


def changes(running: Config, wanted: Config) -> list[str]:
    """A fault for each key that would have to be restarted for."""
    before, after = _fixed(running), _fixed(wanted)
    return [
        f"{wanted.source}: {key}: {_differs(key, after[key], before[key])}: restart needed"
        for key in after
        if after[key] != before[key]
    ]


def _differs(key: str, found: object, running: object) -> str:
    if key in _SECRET:
        return "what it holds has changed"
    return f"found {_said(found)}, running with {_said(running)}"


def _said(value: object) -> str:
    return "nothing" if value is None else show(value)


class Reloads:
    """One reload after another; of those that are asked for meanwhile, one more: the last."""

    def __init__(
        self,
        read: Callable[[], Deferred[Built]],
        swap: Callable[[Built], str],
        why_not: Callable[[], str],
        telemetry: Telemetry,
    ) -> None:
        """``swap`` puts in place and says what; ``why_not`` is empty when there may be one."""
        self._read = read
        self._swap = swap
        self._why_not = why_not
        self._telemetry = telemetry
        self._wanted = False
        self._running: Deferred[None] | None = None

    def ask(self) -> Deferred[None]:
        """Reload, once more if one is under way; fires when none is.  Never fails."""
        done: Deferred[None] = Deferred()
        self._wanted = True
        if self._running is None:
            self._running = Deferred()
            watch(self._running.addCallback(done.callback))
            watch(Deferred.fromCoroutine(self._all()))
        else:
            watch(self._running.addCallback(lambda _: done.callback(None)))
        return done

    async def _all(self) -> None:
        while self._wanted:
            self._wanted = False
            await self._once()
        running, self._running = self._running, None
        if running is not None:
            running.callback(None)

    async def _once(self) -> None:
        began = time.monotonic()
        try:
            self._may()
            built = await self._read()
            self._may()  # it may have begun to stop meanwhile
            said = self._swap(built)
        except ConfigurationError as error:
            self._refused(error.faults)
        except Exception:  # noqa: BLE001 (whatever it is, what runs goes on as it was)
            self._refused([f"not reloaded: {where(Failure())}"])
        else:
            gc.unfreeze()  # what was there from the start, and is not needed any more
            self._telemetry.loaded("applied", time.time())
            milliseconds = (time.monotonic() - began) * 1000
            self._telemetry.event(events.RELOADED, detail=f"{said}; {milliseconds:.0f} ms")

    def _may(self) -> None:
        why = self._why_not()
        if why:
            raise ConfigurationError([f"not reloaded: the gateway is {why}"])

    def _refused(self, faults: list[str]) -> None:
        self._telemetry.loaded("refused")
        for fault in faults:
            self._telemetry.event(events.RELOAD_REFUSED, detail=fault)
