"""``gateway check-config``: every fault of a configuration, before anything listens."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.common import DEFAULT_CONFIG, config_option, fail, load_or_exit
from gateway.errors import ConfigurationError


@click.command("check-config")
@config_option
def check_config(config: Path | None) -> None:
    """Check a configuration; print every fault, exit with 1 if there is one."""
    found = load_or_exit(config)
    # The certificate is a fault too if it cannot be used; Twisted is needed only for that.
    from gateway.net.listener import ReloadingCertificate  # noqa: PLC0415

    try:
        ReloadingCertificate(found.tls.certificate, found.tls.key, found.tls.minimum)
    except ConfigurationError as error:
        fail(*error.faults)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    for notice in found.notices:
        click.echo(f"notice: {notice}", err=True)
    click.echo(f"{config or DEFAULT_CONFIG}: ok")
