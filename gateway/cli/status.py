"""``gateway status``: what a running gateway says of itself, by way of its admin listener."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path

import click

from gateway.cli.common import config_option, fail, load_or_exit

_SECONDS = 10


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(config: Path | None, *, as_json: bool) -> None:
    """Ask the running gateway whether it is ready, and what is open.

    Asks the first address of [admin] listen. Exits with 1 if nobody answers or it is not ready.
    """
    listen = load_or_exit(config).admin_listen
    if not listen:
        fail("admin.listen: there is no admin listener to ask")
    try:
        code, ready = _ask(listen[0], "/readyz")
        _, text = _ask(listen[0], "/status")
        found = {"ready": ready.strip(), **json.loads(text)}
    except (OSError, ValueError, http.client.HTTPException) as error:
        fail(f"{listen[0]}: no gateway answers there ({type(error).__name__})")
    if as_json:
        click.echo(json.dumps(found))
    else:
        for name, value in found.items():
            click.echo(f"{name}: {value}")
    if code != 200:
        raise SystemExit(1)


def _ask(endpoint: str, path: str) -> tuple[int, str]:
    """One GET of an admin listener by its endpoint string."""
    kind, _, rest = endpoint.partition(":")
    parts = [part.replace("\0", ":") for part in rest.replace("\\:", "\0").split(":")]
    named = dict(part.split("=", 1) for part in parts if "=" in part)
    first = parts[0] if "=" not in parts[0] else ""
    if kind == "unix":
        connection = http.client.HTTPConnection("localhost", timeout=_SECONDS)
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(_SECONDS)
        connection.sock.connect(named.get("address", first))
    elif kind in {"tcp", "tcp6"}:
        everywhere = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
        host = named.get("interface", "::" if kind == "tcp6" else "")
        port = int(named.get("port", first))
        connection = http.client.HTTPConnection(everywhere.get(host, host), port, timeout=_SECONDS)
    else:
        raise ValueError(kind)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()
