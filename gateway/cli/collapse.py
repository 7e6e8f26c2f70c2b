"""``gateway collapse URL...``: how a URL is shown through the gateway."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.common import codec_for, config_option, domain_options, print_each
from gateway.origins import parse


@click.command()
@config_option
@domain_options
@click.argument("urls", nargs=-1, required=True)
def collapse(
    urls: tuple[str, ...], domain: str | None, public_port: int, config: Path | None
) -> None:
    """Print the collapsed form of each URL, one per line."""
    codec = codec_for(domain, public_port, config)

    def convert(url: str) -> str | None:
        found = parse(url)
        if found is None or codec.is_own(found[0].host):
            return None
        return codec.collapse_url(url)

    print_each(urls, convert, "has no collapsed form (not http, https, ws or wss, or our own)")
