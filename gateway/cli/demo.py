"""``gateway demo``: a gateway with real sites behind it, on this machine alone."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("var/demo"),
    show_default=True,
    help="Where CA, keys, cookies and log are kept.",
)
@click.option("--domain", default="gateway.localhost", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8443, show_default=True)
@click.option("--admin-port", type=click.IntRange(1, 65535), default=9443, show_default=True)
def demo(folder: Path, domain: str, port: int, admin_port: int) -> None:
    """Run demo sites and a gateway for them; stop with Ctrl-C."""
    from gateway.demo.run import DemoOptions, run  # noqa: PLC0415 (brings Twisted along)

    sys.exit(run(DemoOptions(folder.resolve(), domain, port, admin_port)))
