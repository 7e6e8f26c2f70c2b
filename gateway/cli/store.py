"""``gateway store``: look at the store, purge it, move it to another."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.common import config_option, fail, load_or_exit
from gateway.cookies.seal import format_of
from gateway.errors import StoreUnavailable
from gateway.store.interface import STALE_DAYS

if TYPE_CHECKING:
    from gateway.store.interface import Store
    from gateway.store.opening import StoreSettings

_DAY = 86400


@click.group()
def store() -> None:
    """Look at the store, purge it, move it to another."""


@store.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def check(config: Path | None, *, as_json: bool) -> None:
    """Read every row: what is there, and what is wrong; exit with 1 if something is."""
    settings = load_or_exit(config).store
    found = _on_stores(lambda opened: survey(opened[0], _today()), settings)
    if as_json:
        click.echo(json.dumps(found, sort_keys=True))
    else:
        click.echo(f"{settings.name}: {found['owners']} owners, {found['buckets']} buckets")
        click.echo(f"{found['rows']} rows, {found['octets']} octets sealed")
        for name, count in sorted(found["formats"].items()):
            click.echo(f"  format {name}: {count}")
        click.echo(f"{found['over']} rows are over and wait for the purge")
        for fault in found["faults"]:
            click.echo(f"fault: {fault}", err=True)
    if found["faults"]:
        sys.exit(1)


@store.command()
@config_option
def purge(config: Path | None) -> None:
    """Delete rows that are over and buckets that nobody touched for long.

    A running gateway does so each day by itself.
    """
    gone = _on_stores(lambda opened: opened[0].purge(_today()), load_or_exit(config).store)
    click.echo(f"{gone} rows")


@store.command()
@config_option
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path),
    required=True,
    help="A configuration file whose [store] is the one to move to.",
)
def migrate(config: Path | None, target: Path) -> None:
    """Copy everything of the store into the one of another configuration.

    No gateway may run on either. It may be repeated; nothing is deleted, and a bucket that
    the other store has already is replaced.
    """
    source, wanted = load_or_exit(config).store, load_or_exit(target).store
    if source.name == wanted.name:
        raise click.BadParameter("it is the same store", param_hint="--to")
    counts = _on_stores(lambda opened: copy(*opened), source, wanted)
    click.echo(", ".join(f"{count} {name}" for name, count in counts.items()))


async def survey(store: Store, day: int) -> dict[str, Any]:
    """Count everything, and name what is wrong."""
    owners: Counter[bytes] = Counter()
    formats: Counter[str] = Counter()
    counts = Counter(buckets=0, rows=0, octets=0, over=0)
    strange = 0
    seen: set[tuple[bytes, bytes]] = set()
    cursor = b""
    while True:
        cursor, page = await store.scan(cursor)
        for owner, bucket, _, rows in page:
            if (owner, bucket) in seen:
                continue
            seen.add((owner, bucket))
            owners[owner] += len(rows)
            counts.update(
                buckets=1,
                rows=len(rows),
                octets=sum(len(row.sealed) for row in rows),
                over=sum(row.expires_day < day for row in rows),
            )
            for row in rows:
                name = format_of(row.sealed)
                strange += name is None
                formats[name or "unknown"] += 1
        if not cursor:
            break
    faults = list(await store.faults())
    if strange:
        faults.append(f"{strange} rows of no format that is known here")
    return {
        **counts,
        "owners": len(owners),
        "largest": max(owners.values(), default=0),
        "formats": dict(formats),
        "faults": faults,
    }


async def copy(source: Store, target: Store) -> dict[str, int]:
    """Copy all buckets, labels and nonces; returns how many of each."""
    counts = {"buckets": 0, "rows": 0, "origins": 0, "nonces": 0}
    cursor = b""
    while True:
        cursor, page = await source.scan(cursor)
        for bucket in page:
            await target.restore(bucket)
            counts["buckets"] += 1
            counts["rows"] += len(bucket[3])
        if not cursor:
            break
    for label, origin, day in await source.origins():
        await target.remember_origin(label, origin, day)
        counts["origins"] += 1
    # A nonce that was consumed there must not be worth anything here.
    for nonce in await source.nonces():
        await target.consume(nonce, _today() + STALE_DAYS)
        counts["nonces"] += 1
    return counts


def _today() -> int:
    return int(time.time()) // _DAY


def _on_stores(work: Callable[[list[Store]], Awaitable[Any]], *settings: StoreSettings) -> Any:
    """The same as ``on_stores``; exit with 1 where one is away."""
    try:
        return on_stores(work, *settings)
    except StoreUnavailable as error:
        fail(str(error))


def on_stores(work: Callable[[list[Store]], Awaitable[Any]], *settings: StoreSettings) -> Any:
    """Open stores, do some work on a reactor, close them; once in a process.

    Raises ``StoreUnavailable`` where one is away.
    """
    from gateway import uvloopreactor  # noqa: PLC0415 (a reactor only where one is needed)

    uvloopreactor.install()
    from twisted.internet import defer, task  # noqa: PLC0415

    from gateway.store.opening import open_store  # noqa: PLC0415

    result: list[Any] = []
    away: list[StoreUnavailable] = []

    async def main(reactor: Any) -> None:
        opened: list[Store] = []
        try:
            for one in settings:
                made = open_store(one, reactor)
                made.start()
                opened.append(made)
            result.append(await work(opened))
        finally:
            for made in opened:
                await made.stop()

    def start(reactor: Any) -> defer.Deferred[None]:
        # Once the reactor runs: a client of asyncio's would take another loop before.
        begun = task.deferLater(reactor, 0, lambda: None)
        done = begun.addCallback(lambda _: defer.Deferred.fromCoroutine(main(reactor)))
        return done.addErrback(told)

    def told(failure: Any) -> None:
        failure.trap(StoreUnavailable)
        away.append(failure.value)

    try:
        task.react(start)
    except SystemExit as ended:
        if away:
            raise away[0] from None
        if ended.code or not result:
            sys.exit(1)
    return result[0]
