"""``gateway import``: rules of other systems as TOML, with a report of what they lose."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import click

from gateway.cli.common import fail
from gateway.policy.ats import read_ats
from gateway.policy.cordova import CURRENT, LEGACY, read_cordova
from gateway.policy.imported import LARGEST, Imported, Unreadable, one_line

if TYPE_CHECKING:
    from collections.abc import Callable


@click.group("import")
def imports() -> None:
    """Write the rules of another system's file as TOML.

    They go to standard output, to be appended to a configuration; what has no equivalent
    or another meaning goes to standard error, and into comments.
    """


@imports.command()
@click.argument("file", type=click.File("rb"))
@click.option(
    "--flavour",
    type=click.Choice([CURRENT, LEGACY]),
    help="What access means; default: legacy where there is nothing but access.",
)
def cordova(file: BinaryIO, flavour: str | None) -> None:
    """Rules of a Cordova config.xml: allow-navigation, allow-intent, access."""
    _print(file, lambda source, name: read_cordova(source, name, flavour or ""))


@imports.command()
@click.argument("file", type=click.File("rb"))
@click.option("--open", "opens", is_flag=True, help="The rules open their domains to pages too.")
def ats(file: BinaryIO, *, opens: bool) -> None:
    """Exceptions of an Info.plist's NSAppTransportSecurity, as attributes of access rules."""
    _print(file, lambda source, name: read_ats(source, name, opens=opens))


def _print(file: BinaryIO, read: Callable[[bytes, str], Imported]) -> None:
    name = str(getattr(file, "name", "-")).rpartition("/")[2]
    name = "standard input" if name in {"-", "<stdin>"} else name
    try:
        # One octet more than is read tells that there is more.
        found = read(file.read(LARGEST + 1), name)
    except Unreadable as error:
        fail(one_line(f"{name}: {error}"))
    except OSError as error:
        fail(one_line(f"{name}: cannot be read: {error.strerror}"))
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(found.toml(), nl=False)
