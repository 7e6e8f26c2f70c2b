"""``gateway expand URL...``: the site's own URL behind a collapsed one."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.common import codecs_for, config_option, domain_options, print_each


@click.command()
@config_option
@domain_options
@click.argument("urls", nargs=-1, required=True)
def expand(
    urls: tuple[str, ...], domain: str | None, public_port: int, config: Path | None
) -> None:
    """Print the original of each collapsed URL, one per line."""
    codecs = codecs_for(domain, public_port, config)

    def original(url: str) -> str | None:
        found = (codec.expand_url(url) for codec in codecs)
        return next((one for one in found if one is not None), None)

    print_each(urls, original, "is not a collapsed URL of this gateway")
