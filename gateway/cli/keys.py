"""``gateway keys``: look at the root secrets' generations, add one, retire one.

Nothing here prints a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gateway.cli.common import config_option, fail, load_or_exit
from gateway.cli.store import on_stores
from gateway.cookies.seal import owner_tag
from gateway.errors import ConfigurationError, StoreUnavailable
from gateway.ops import keyfile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gateway.session.keys import ServerKeys
    from gateway.store.opening import StoreSettings

_TAGS = 2**16
_RESTART = (
    "Running gateways take this at their next start (SIGHUP does not read the keys again): "
    "restart all that share the file."
)
_WARNING = (
    "Retiring generation {} ends {}: these people are signed out of every site and begin "
    "anew, and nobody can open what the jars hold. The store's rows stay until the purge takes "
    "them by age. Only a backup of the key file can undo it."
)


@click.group()
def keys() -> None:
    """Look at the root secrets' generations, add one, retire one."""


@keys.command()
@config_option
def show(config: Path | None) -> None:
    """List the generations, and about how many jars each has."""
    settings = load_or_exit(config)
    ring = _or_exit(lambda: keyfile.load(settings.key_file))
    away = None
    counts: dict[int, int] | None = None
    retired = 0
    try:
        prefixes = _count(settings.store)
    except StoreUnavailable as error:
        away = error
    else:
        if prefixes is not None:
            counts, retired = by_generation(prefixes, ring.generations)
    click.echo(str(settings.key_file))
    for generation in ring.generations:
        newest = ", the newest" if generation == ring.newest else ""
        click.echo(f"generation {generation}{newest}: {_jars(counts, generation)}")
    if retired:
        click.echo(f"retired ones: about {retired} jars that nobody can open; age purges them")
    if away is not None:
        fail(str(away))


@keys.command()
@config_option
def rotate(config: Path | None) -> None:
    """Add a generation of fresh randomness, which new sessions take.

    Sessions and jars that are there go on with their own generation.
    """
    path = load_or_exit(config).key_file
    ring = _or_exit(lambda: keyfile.rotate(path))
    click.echo(f"{path}: generation {ring.newest} is there, and the newest. Back the file up.")
    click.echo(_RESTART)


@keys.command()
@click.argument("generation", type=click.IntRange(0))
@config_option
@click.option("--yes", is_flag=True, help="Do it; without, only say what would end.")
def retire(generation: int, config: Path | None, *, yes: bool) -> None:
    """Take a generation out: its sessions end, and its jars with them."""
    settings = load_or_exit(config)
    path = settings.key_file
    ring = _or_exit(lambda: keyfile.load(path))
    reason = ring.why_not_retire(generation)
    if reason is not None:
        fail(f"{path}: {reason}")
    try:
        prefixes = _count(settings.store)
    except StoreUnavailable as error:
        fail(str(error), "Nobody can say how many jars would end. Nothing was changed.")
    counts = None if prefixes is None else by_generation(prefixes, ring.generations)[0]
    click.echo(_WARNING.format(generation, _jars(counts, generation)))
    if not yes:
        fail("Nothing was changed. Repeat it with --yes to do it.")
    _or_exit(lambda: keyfile.retire(path, generation))
    click.echo(f"{path}: generation {generation} is retired.")
    click.echo(_RESTART)


def by_generation(
    prefixes: Mapping[bytes, int], generations: Sequence[int]
) -> tuple[dict[int, int], int]:
    """About how many jars each generation has, and how many the retired ones together.

    Owners before generation 2 are random, so that 1 in 65,536 of them looks like one of
    another: what names no generation that there was is theirs.
    """
    newest = max(generations)
    named = {owner_tag(one): one for one in range(max(2, newest - _TAGS + 1), newest)}
    named |= {owner_tag(one): one for one in sorted(generations) if one >= 2}
    counts = dict.fromkeys(generations, 0)
    unnamed = retired = 0
    for prefix, count in prefixes.items():
        generation = named.get(prefix)
        if generation is None:
            unnamed += count
        elif generation in counts:
            counts[generation] += count
        else:
            retired += count
    untold = [one for one in generations if one < 2]
    counts.update(dict.fromkeys(untold, unnamed))
    return counts, retired if untold else retired + unnamed


def _jars(counts: dict[int, int] | None, generation: int) -> str:
    return "an unknown number of jars" if counts is None else f"about {counts[generation]} jars"


def _count(settings: StoreSettings) -> dict[bytes, int] | None:
    """Owners by prefix; None where only a running gateway knows.

    Raises ``StoreUnavailable``.
    """
    if settings.url == "memory:":
        return None
    if settings.path is not None and not settings.path.exists():
        return {}  # and it is not for this command to make it
    counts: dict[bytes, int] = on_stores(lambda opened: opened[0].owners_by_prefix(), settings)
    return counts


def _or_exit(work: Callable[[], ServerKeys]) -> ServerKeys:
    try:
        return work()
    except ConfigurationError as error:
        fail(*error.faults)
