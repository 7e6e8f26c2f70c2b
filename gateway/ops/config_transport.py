"""What ``[[access]]`` says of connections to origins, and the PEM files that it names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from OpenSSL import SSL

from gateway.net.peer import read_certificates, use_identity
from gateway.ops import schema
from gateway.ops.schema import Key
from gateway.policy.transport import ClientIdentity, Trust

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.ops.schema import Reader
    from gateway.policy.destinations import AccessRule

ACCESS = {
    "certificate-strength": Key(schema.flag),
    "trust": Key(schema.list_of(schema.text)),
    "client-certificate": Key(schema.text),
    "client-key": Key(schema.text),
    "websocket-idle-seconds": Key(schema.number(0, 2**31)),
}
_LARGEST = 4 * 2**20


def read_trust(entries: Sequence[str], path: str, reader: Reader) -> Trust:
    """Read a list of "system" and PEM files; what is wrong with one is a fault at ``path``."""
    texts = []
    for entry in entries:
        if entry == "system":
            continue
        text = _read(entry, path, "a PEM file", reader)
        if text is None:
            continue
        try:
            read_certificates(text)
        except ValueError as error:
            wanted = "expected a PEM file of certificates"
            reader.fault(path, f'found "{entry}", {wanted}: {error}')
        texts.append(text)
    return Trust("system" in entries, tuple(texts))


def read_access(rows: list[dict[str, Any]], reader: Reader) -> None:
    """Put a ``Trust`` and a ``ClientIdentity`` into the rows that name files for them."""
    for number, row in enumerate(rows, 1):
        path = f"access[{number}]"
        if row["trust"] is not None:
            if not row["trust"]:
                reader.fault(f"{path}.trust", "found [], expected whom to trust there")
            row["trust"] = read_trust(row["trust"], f"{path}.trust", reader)
        row["client"] = read_identity(row, path, reader)


def read_identity(row: dict[str, Any], path: str, reader: Reader) -> ClientIdentity | None:
    """Read the certificate and key that a row names, if it does; ``path`` is the row's."""
    names = {key: row[key.replace("-", "_")] for key in ("client-certificate", "client-key")}
    given = [key for key, name in names.items() if name is not None]
    if not given:
        return None
    if len(given) == 1:
        (missing,) = names.keys() - set(given)
        reader.fault(f"{path}.{missing}", f"missing, {given[0]} needs it")
        return None
    if row.get("origin") is not None and row["origin"].host is None:
        expected = "expected a rule for a host: every origin would learn who asks"
        reader.fault(f"{path}.client-certificate", f'found "{names[given[0]]}", {expected}')
    chain, key = (_read(names[one], f"{path}.{one}", "a PEM file", reader) for one in names)
    if chain is None or key is None:
        return None
    identity = ClientIdentity(chain, key)
    try:
        use_identity(SSL.Context(SSL.TLS_CLIENT_METHOD), identity)
    except ValueError as error:
        # Not what the file holds: the key may be in it.
        wanted = f"expected a certificate whose key is in client-key: {error}"
        reader.fault(
            f"{path}.client-certificate", f'found "{names["client-certificate"]}", {wanted}'
        )
    return identity


def _read(name: str, path: str, wanted: str, reader: Reader) -> bytes | None:
    try:
        with Path(name).open("rb") as file:
            text = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        reader.fault(path, f'found "{name}", expected {wanted}: {why}')
        return None
    if len(text) > _LARGEST:
        reader.fault(
            path, f'found "{name}", expected {wanted}: it is larger than {_LARGEST} octets'
        )
        return None
    return text


def warnings(rule: AccessRule) -> list[str]:
    """What is dangerous in one rule and was asked for all the same."""
    found = []
    if rule.forward_secrecy is False:
        found.append(f"{rule.where}: what is sent can be read later by whoever gets the site's key")
    if rule.certificate_strength is False:
        found.append(f"{rule.where}: certificates of SHA-1 and 1024 bits can be forged")
    if rule.client is not None and rule.page is not None:
        found.append(
            f"{rule.where}: the client certificate is shown for pages of every origin, not of "
            "from's alone"
        )
    return found
