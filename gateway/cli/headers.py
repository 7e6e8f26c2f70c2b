"""``gateway headers``: what becomes of a header block."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from publicsuffixlist import PublicSuffixList

from gateway.cli.common import base_option, codec_or_default, config_option, domain_options, fail
from gateway.cookies.suffixes import Suffixes
from gateway.origins import Codec, parse
from gateway.rewrite import headers as rules
from gateway.rewrite.coding import best_for, readable_for
from gateway.rewrite.media import Asked, asked_for, kind_of


@click.command()
@base_option
@click.option("--request", is_flag=True, help="A request's fields, as they would go upstream.")
@click.option("--dest", default="document", help="Sec-Fetch-Dest of the request (document).")
@domain_options
@config_option
def headers(
    base: str,
    dest: str,
    domain: str | None,
    public_port: int,
    config: Path | None,
    *,
    request: bool,
) -> None:
    """Read a header block from standard input, write it as the other side would get it.

    A first line that is no field passes; cookies go to the jar and come from it, so they
    are not shown.
    """
    codec = codec_or_default(domain, public_port, config)
    if parse(base) is None:
        raise click.BadParameter("not an http or https URL", param_hint="--base")
    first, fields, faults = _read(sys.stdin.buffer.read())
    if faults:
        fail(*(f"not a header field: {fault}" for fault in faults))
    convert = _upstream if request else _downstream
    converted = convert(fields, base, dest, codec)
    lines = [*first, *(key + b": " + value for key, value in converted)]
    sys.stdout.buffer.write(b"\r\n".join(lines) + b"\r\n")


def _read(block: bytes) -> tuple[list[bytes], rules.Fields, list[str]]:
    """The start line if there is one, the fields, and what is neither."""
    first: list[bytes] = []
    fields: list[tuple[bytes, bytes]] = []
    faults: list[str] = []
    for number, line in enumerate(block.replace(b"\r\n", b"\n").split(b"\n")):
        name, colon, value = line.partition(b":")
        if number == 0 and (line.startswith(b"HTTP/") or line.endswith((b"HTTP/1.1", b"HTTP/1.0"))):
            first.append(line)
        elif colon and name and name.split() == [name]:
            fields.append((name, value.strip(b" \t")))
        elif line.strip():
            faults.append(line.decode("latin-1"))
    return first, tuple(fields), faults


def _upstream(
    fields: rules.Fields, base: str, dest: str, codec: Codec
) -> list[tuple[bytes, bytes]]:
    found = parse(base)
    if found is None:
        return []
    asked = _asked(fields, dest)
    return rules.request_fields(
        fields,
        found[0],
        codec,
        Suffixes(PublicSuffixList()),
        cookie=b"",
        edits_body=asked.is_edited,
        accept_encoding=readable_for(rules.get(fields, b"accept-encoding")).encode("ascii"),
    )


def _asked(fields: rules.Fields, dest: str) -> Asked:
    given = rules.get(fields, b"sec-fetch-dest") or dest
    return asked_for(given, rules.get(fields, b"sec-fetch-mode"), rules.get(fields, b"accept"))


def _downstream(
    fields: rules.Fields, base: str, dest: str, codec: Codec
) -> list[tuple[bytes, bytes]]:
    found = parse(base)
    if found is None:
        return []
    asked = asked_for(dest, None, None)
    sniffing = rules.get(fields, b"x-content-type-options") or ""
    kind = kind_of(
        asked,
        rules.get(fields, b"content-type"),
        nosniff=sniffing.strip().lower() == "nosniff",
    )
    edited = kind.value != "untouched"
    context = rules.ResponseContext(
        found[0],
        base,
        codec,
        by_script=dest == "empty",
        edited=edited,
        private=edited and asked is Asked.DOCUMENT,
        coding=best_for(rules.get(fields, b"content-encoding")) if edited else "identity",
    )
    return rules.response_fields(fields, context)
