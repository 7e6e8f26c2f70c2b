"""What several sub-commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from gateway.errors import ConfigurationError
from gateway.ops.config import Config, load
from gateway.origins import Codec

_F = TypeVar("_F", bound=Callable[..., Any])
DEFAULT_CONFIG = "etc/gateway.toml"
DEFAULT_DOMAIN = "gateway.localhost"


def config_option(function: _F) -> _F:
    """Add ``--config FILE``."""
    return click.option(
        "--config",
        "-c",
        "config",
        type=click.Path(path_type=Path),
        default=None,
        help=f"Configuration file (default: {DEFAULT_CONFIG}).",
    )(function)


def domain_options(function: _F) -> _F:
    """Add ``--domain`` and ``--public-port``, which make a configuration unnecessary."""
    function = click.option(
        "--public-port", type=click.IntRange(1, 65535), default=443, help="With --domain."
    )(function)
    return click.option("--domain", help="The gateway's domain, instead of a configuration.")(
        function
    )


def load_or_exit(path: Path | None) -> Config:
    """Load a configuration; print every fault and exit with 1 when it has any."""
    try:
        return load(path or Path(DEFAULT_CONFIG))
    except ConfigurationError as error:
        fail(*error.faults)


def fail(*faults: str) -> NoReturn:
    """Print faults, one per line, and exit with 1."""
    for fault in faults:
        click.echo(fault, err=True)
    sys.exit(1)


def codec_for(domain: str | None, public_port: int, config: Path | None) -> Codec:
    """The codec of ``--domain``, else of the configuration."""
    return Codec(domain, public_port) if domain else load_or_exit(config).codec


def codecs_for(domain: str | None, public_port: int, config: Path | None) -> tuple[Codec, ...]:
    """The same, and that of the configuration's domain for browsers without localStorage."""
    if domain:
        return (Codec(domain, public_port),)
    loaded = load_or_exit(config)
    return (loaded.codec,) if loaded.apart is None else (loaded.codec, loaded.apart)


def codec_or_default(domain: str | None, public_port: int, config: Path | None) -> Codec:
    """The same for commands that only look at what they are given: without either, the demo's."""
    if config is not None:
        return load_or_exit(config).codec
    return Codec(domain or DEFAULT_DOMAIN, public_port)


def base_option(function: _F) -> _F:
    """Add ``--base URL``."""
    return click.option("--base", required=True, help="Where it is from: its original URL.")(
        function
    )


def print_each(urls: Iterable[str], convert: Callable[[str], str | None], problem: str) -> None:
    """Print one result per line; exit with 1 if one URL has none."""
    failed = False
    for url in urls:
        found = convert(url)
        if found is None:
            click.echo(f"{url}: {problem}", err=True)
            failed = True
        else:
            click.echo(found)
    if failed:
        sys.exit(1)
