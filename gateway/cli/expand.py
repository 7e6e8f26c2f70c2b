"""``gateway expand URL...``: the site's own URL behind a collapsed one."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.common import codec_for, config_option, domain_options, print_each


@click.command()
@config_option
@domain_options
@click.argument("urls", nargs=-1, required=True)
def expand(
    urls: tuple[str, ...], domain: str | None, public_port: int, config: Path | None
) -> None:
    """Print the original of each collapsed URL, one per line."""
    codec = codec_for(domain, public_port, config)
    print_each(urls, codec.expand_url, "is not a collapsed URL of this gateway")
