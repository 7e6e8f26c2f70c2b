"""Which store there is: from settings to a store that is not started yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.asyncioreactor import AsyncioSelectorReactor

from gateway.errors import StoreUnavailable
from gateway.store.interface import STALE_DAYS
from gateway.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from gateway.store.interface import Store

MODES = ("single", "sentinel", "cluster")


@attrs.frozen
class StoreSettings:
    """The table ``[store]``; see ``SqliteStore`` and ``ValkeySettings`` for the meaning.

    ``trust`` are files; ``password`` is read from its file by whoever fills this.
    """

    url: str = "memory:"
    durable: bool = True
    mode: str = "single"
    service: str = ""
    user: str = ""
    password: str = attrs.field(default="", repr=False)
    trust: tuple[str, ...] = ()
    timeout: float = 5
    replicas: int = 0
    stale_days: int = STALE_DAYS

    @property
    def path(self) -> Path | None:
        """The file of a SQLite store; None for memory and for other stores."""
        found = self.url.removeprefix("sqlite:///")
        return None if found == self.url else Path(found)

    @property
    def is_shared(self) -> bool:
        """Whether it is a server that several machines share."""
        return self.url.startswith(("redis://", "rediss://"))

    @property
    def name(self) -> str:
        """What messages call it: nothing secret."""
        head, at, tail = self.url.rpartition("@")
        return f"{head.partition('://')[0]}://{tail}" if at else self.url


def open_store(settings: StoreSettings, reactor: Any) -> Store:
    """Make the store; raises ``StoreUnavailable`` where the settings make none."""
    if not settings.is_shared:
        return SqliteStore(
            settings.path, reactor, durable=settings.durable, stale_days=settings.stale_days
        )
    if not isinstance(reactor, AsyncioSelectorReactor):
        kind = type(reactor).__name__
        raise StoreUnavailable(f"{settings.name}: needs the asyncio reactor, this is {kind}")
    # redis-py takes a while to import, and few gateways need it.
    from gateway.store.valkey import ValkeyStore  # noqa: PLC0415
    from gateway.store.valkey_client import ValkeySettings  # noqa: PLC0415

    known = {field.name for field in attrs.fields(ValkeySettings)}
    given = attrs.asdict(settings, recurse=False)
    return ValkeyStore(
        ValkeySettings(**{key: value for key, value in given.items() if key in known}), reactor
    )
