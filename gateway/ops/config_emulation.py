"""``[emulation]``: the WebSocket fallback, and how processes pass its requests on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from OpenSSL import crypto

from gateway.net.nodes import Nodes, NodeSettings
from gateway.ops import schema
from gateway.ops.schema import Fault, Key, Table

if TYPE_CHECKING:
    from gateway.net.http import Handler
    from gateway.ops.schema import Reader

_FOLDER = "nodes"


@attrs.frozen
class EmulationSettings:
    """``retry``: whether clients may ask again for what was lost."""

    retry: bool = True
    nodes: NodeSettings = attrs.field(factory=NodeSettings)


def _listen(value: Any) -> str:
    if not isinstance(value, str) or value.partition(":")[0] not in {"tcp", "tcp6", "systemd"}:
        raise Fault('an endpoint such as "tcp:0:interface=10.0.0.5"')
    return value


def _folder(value: Any) -> str:
    if not isinstance(value, str):
        raise Fault('a folder, or "" for none')
    return value


TABLE = Table(
    {
        "retry": Key(schema.flag, default=True),
        "folder": Key(_folder, _FOLDER),
        "listen": Key(_listen),
        "address": Key(schema.text),
        "certificate": Key(schema.text),
        "key": Key(schema.text),
        "authority": Key(schema.text),
    }
)


def read_emulation(values: dict[str, Any], reader: Reader) -> EmulationSettings:
    """What the table says; a relative ``folder`` is beside the key file."""
    given = values["emulation"]
    folder = Path(values["keys"]["file"]).parent / given["folder"] if given["folder"] else None
    nodes = NodeSettings(folder)
    names = ("address", "certificate", "key", "authority")
    if given["listen"] is None:
        for name in names:
            if given[name] is not None:
                reader.fault(f"emulation.{name}", 'is of no use without "listen"')
        return EmulationSettings(given["retry"], nodes)
    texts = {}
    for name in names:
        if given[name] is None:
            reader.fault(f"emulation.{name}", 'found nothing, expected one beside "listen"')
        elif name != "address":
            texts[name] = _read(name, given[name], reader)
    return EmulationSettings(
        given["retry"],
        NodeSettings(
            folder,
            given["listen"],
            given["address"] or "",
            texts.get("certificate", b""),
            texts.get("key", b""),
            texts.get("authority", b""),
        ),
    )


def _read(name: str, file: str, reader: Reader) -> bytes:
    try:
        text = Path(file).read_bytes()
        if name == "key":
            crypto.load_privatekey(crypto.FILETYPE_PEM, text)
        else:
            crypto.load_certificate(crypto.FILETYPE_PEM, text)
    except (OSError, crypto.Error):
        reader.fault(f"emulation.{name}", f'found "{file}", expected a PEM file that is there')
        return b""
    return text


async def open_nodes(handler: Handler, settings: EmulationSettings) -> None:
    """Let the emulated WebSockets of a process be reached from the others, and theirs from it."""
    here = handler.emulations
    nodes = Nodes(here, settings.nodes, handler.store, handler.reactor, handler.telemetry)
    await nodes.start()
    here.nodes = nodes
