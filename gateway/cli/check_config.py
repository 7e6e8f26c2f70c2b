"""``gateway check-config``: every fault of a configuration, before anything listens."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.common import DEFAULT_CONFIG, config_option, fail, load_or_exit
from gateway.errors import ConfigurationError
from gateway.ops import keyfile


@click.command("check-config")
@config_option
def check_config(config: Path | None) -> None:
    """Check a configuration; print every fault, exit with 1 if there is one."""
    found = load_or_exit(config)
    # What only the making finds is a fault too; Twisted is needed only for that.
    from gateway.ops.service import GatewayService  # noqa: PLC0415

    try:
        GatewayService.build(found, keyfile.load_or_invent)
    except ConfigurationError as error:
        fail(*error.faults)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{config or DEFAULT_CONFIG}: ok")
