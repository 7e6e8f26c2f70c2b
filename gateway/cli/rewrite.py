"""``gateway rewrite``: what the rewriter makes of a body."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway import wire
from gateway.cli.common import base_option, codec_or_default, config_option, domain_options
from gateway.errors import GatewayError
from gateway.origins import Codec, Origin, parse
from gateway.pages.render import Pages
from gateway.rewrite.encoding import charset_of
from gateway.rewrite.inject import payload_markup
from gateway.rewrite.media import PLAYLISTS, Kind, media_type
from gateway.rewrite.pipeline import BodyPlan, Place, pipeline_for

_KINDS = {
    "text/html": Kind.HTML,
    "application/xhtml+xml": Kind.XML,
    "image/svg+xml": Kind.XML,
    "text/css": Kind.CSS,
    "application/manifest+json": Kind.MANIFEST,
    **PLAYLISTS,
    "text/xsl": Kind.XSLT,
    "application/xslt+xml": Kind.XSLT,
    "text/xml": Kind.PLAIN_XML,
    "application/xml": Kind.PLAIN_XML,
}
_CHUNK = 64 * 1024


@click.command()
@base_option
@click.option("--type", "content_type", required=True, help='Its Content-Type: "text/html".')
@click.option(
    "--mode",
    type=click.Choice(["full", "basic"]),
    default="full",
    help="basic: without all that could run script.",
)
@click.option("--inject", is_flag=True, help="Put runtime and payload into documents, too.")
@domain_options
@config_option
def rewrite(
    base: str,
    content_type: str,
    mode: str,
    domain: str | None,
    public_port: int,
    config: Path | None,
    *,
    inject: bool,
) -> None:
    """Read a body from standard input, write what the gateway would send.

    Types that are not edited pass as they are.
    """
    codec = codec_or_default(domain, public_port, config)
    found = parse(base)
    if found is None:
        raise click.BadParameter("not an http or https URL", param_hint="--base")
    kind = _KINDS.get(media_type(content_type), Kind.UNTOUCHED)
    plan = BodyPlan(
        kind,
        place=Place(codec, found[0], base),
        markup=_markup(codec, found[0], kind) if inject and kind.is_document else b"",
        charset=charset_of(content_type),
        basic=mode == "basic",
    )
    source, target = sys.stdin.buffer, sys.stdout.buffer
    pipeline = pipeline_for(plan)
    try:
        while chunk := source.read(_CHUNK):
            for piece in pipeline.feed(chunk) if pipeline is not None else (chunk,):
                target.write(piece)
        if pipeline is not None:
            for piece in pipeline.close():
                target.write(piece)
    except GatewayError as error:
        raise click.ClickException(str(error)) from None


def _markup(codec: Codec, origin: Origin, kind: Kind) -> bytes:
    pages = Pages(codec)
    payload = {
        "v": 1,
        "origin": str(origin),
        "suffix": codec.suffix,
        "port": "" if codec.public_port == 443 else str(codec.public_port),
        "secure": codec.secure_origin,
        "rare": codec.asset_origin + pages.rare_path,
        "cookie": "",
        "cookies": [],
        "path": "/",
    }
    return payload_markup(
        payload,
        wire.PAYLOAD_ELEMENT_ID,
        codec.asset_origin + pages.runtime_path,
        pages.runtime_digest,
        xml=kind is Kind.XML,
    )
