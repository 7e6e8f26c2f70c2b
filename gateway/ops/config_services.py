"""``[service-defaults]`` and ``[[service]]``: WebSocket services of the operator's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import attrs
from cryptography import x509

from gateway import wire
from gateway.ops import config_subprotocols, config_transport, schema
from gateway.ops.config_admission import amount
from gateway.ops.config_policy import page_pattern
from gateway.ops.schema import Fault, Key, Table, Tables
from gateway.origins import Codec, HostKind, parse
from gateway.policy.addresses import BAD_PORTS
from gateway.policy.patterns import Pattern
from gateway.policy.rates import Rate
from gateway.policy.services import (
    KINDS,
    NULL,
    REFRAMED,
    STREAMS,
    WEBSOCKETS,
    Backend,
    Bounds,
    Service,
    Services,
    overlapping,
)
from gateway.policy.transport import TLS_VERSIONS, TlsPolicy, Transport

if TYPE_CHECKING:
    from gateway.ops.config_login import LoginSettings
    from gateway.ops.schema import Reader

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?\Z")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_DIALLED = {"ws": "http", "wss": "https", "tcp": "http", "tls": "https"}
_OWN_PATHS = frozenset(("/", wire.OPEN_PATH, wire.FORGOTTEN_PATH, wire.PASSWORD_PATH))
_NOT_TOLD = frozenset(
    ("host", "connection", "upgrade", "origin", "cookie", "authorization", "content-length",
     "transfer-encoding", "forwarded", "user-agent", "accept-language", "pragma", "cache-control")
)  # fmt: skip


_SECURE = frozenset({"wss", "tls"})
_OF_TLS = (
    "minimum-tls",
    "forward-secrecy",
    "certificate-strength",
    "trust",
    "client-certificate",
    "client-key",
)


@attrs.frozen
class Place:
    """``accept``: a host of its own, or the portal's; and a path."""

    path: str
    host: str = ""
    port: int = 0


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.match(value):
        raise Fault("a name of letters, digits, dots and hyphens, at most 64 of them")
    return value


def _accept(value: Any) -> Place:
    wanted = Fault('a path such as "/services/chat", or "wss://chat.example/path"')
    if not isinstance(value, str) or value.startswith("//"):
        raise wanted
    found = parse(f"wss://portal{value}" if value.startswith("/") else value)
    if found is None or found[1].protocol != "wss:" or found[1].username or found[1].password:
        raise wanted
    origin, url = found
    if url.search or url.hash or "?" in value or "#" in value:
        raise Fault("no query and no fragment: clients may send any query")
    if value.startswith("/"):
        if url.pathname != value or origin.host != "portal":
            raise Fault(f'the path as URLs spell it ("{url.pathname}")')
        return Place(value)
    return Place(url.pathname, origin.host, origin.port)


def connect(value: Any) -> Backend:
    """Read what stands behind a service."""
    text = schema.text(value)
    kind, colon, rest = text.partition(":")
    if not colon or kind not in KINDS:
        raise Fault(f'one of {", ".join(f"{one}:" for one in KINDS)}, as in "tcp://broker:1883"')
    if kind == "echo":
        if rest:
            raise Fault('"echo:" and nothing after it')
        return Backend(kind, text)
    if kind == "broadcast":
        source = connect(rest) if rest else None
        if source is not None and source.kind not in WEBSOCKETS | STREAMS:
            raise Fault('"broadcast:" alone, or before a backend such as "tcp://feed:7000"')
        return Backend(kind, text, source=source)
    if kind == "unix":
        path = rest[2:] if rest.startswith("///") else rest
        if not path.startswith("/") or "\0" in path or len(path.encode()) > 107:
            raise Fault('"unix:" and an absolute path of at most 107 octets')
        return Backend(kind, text, path=unquote(path))
    return _dialled(kind, text)


def _dialled(kind: str, text: str) -> Backend:
    scheme = _DIALLED[kind]
    found = parse(scheme + text[len(kind) :])
    if found is None or not text.startswith(f"{kind}://"):
        raise Fault(f'"{kind}://host:port"')
    origin, url = found
    if url.username or url.password:
        raise Fault("no user and no password in it")
    if kind in WEBSOCKETS:
        if url.hash:
            raise Fault("a URL without a fragment")
        return Backend(kind, text, origin, (url.pathname + url.search).encode("ascii"))
    if url.pathname != "/" or url.search or url.hash or text.endswith("/"):
        raise Fault(f'"{kind}://host:port" and nothing after it')
    if not re.search(r":[0-9]+\Z", text):
        raise Fault(f'"{kind}://host:port": these protocols have no port of their own')
    return Backend(kind, text, origin)


def _subprotocol(value: Any) -> str:
    if not isinstance(value, str) or not _TOKEN.match(value) or len(value) > 256:
        raise Fault("a subprotocol's name, a token")
    return value


def _allowed(value: Any) -> Pattern | str:
    return NULL if value == NULL else page_pattern(value)


def _field(value: Any) -> str:
    if not isinstance(value, str) or not _TOKEN.match(value) or value.lower() in _NOT_TOLD:
        raise Fault('the name of a request field of your own, such as "X-Remote-User"')
    if value.lower().startswith(("sec-", "proxy-")):
        raise Fault("a request field that does not begin with Sec- or Proxy-")
    return value


_SHARED: dict[str, Key | Table | Tables] = {
    "subprotocols": Key(schema.list_of(_subprotocol)),
    "subprotocol-required": Key(schema.flag),
    "allow-origins": Key(schema.list_of(_allowed)),
    "native": Key(schema.flag),
    "login": Key(schema.choice("asked", "none")),
    "principal-field": Key(_field),
    "messages": Key(schema.choice("binary", "text")),
    "validation": Key(config_subprotocols.MODE),
    "connections": Key(schema.number(1, 2**31)),
    "message-bytes": Key(schema.number(1, 2**31)),
    "idle-seconds": Key(schema.number(0, 2**31)),
    "handshakes-per-second": Key(amount(0.001)),
    "handshakes-burst": Key(amount(1)),
    "prepared": Key(schema.number(0, 1000)),
    "pending-bytes": Key(schema.number(1024, 2**31)),
    "connect-seconds": Key(schema.number(1, 600)),
    "recovery-seconds": Key(schema.number(1, 86400)),
    "minimum-tls": Key(schema.choice(*TLS_VERSIONS)),
    "forward-secrecy": Key(schema.flag),
    "certificate-strength": Key(schema.flag),
    "trust": Key(schema.list_of(schema.text)),
    "client-certificate": Key(schema.text),
    "client-key": Key(schema.text),
}
DEFAULTS = Table(_SHARED)
SERVICES = Tables(
    Table(
        {
            "name": Key(_name, required=True),
            "accept": Key(_accept, required=True),
            "connect": Key(connect, required=True),
            **_SHARED,
        }
    )
)


@attrs.frozen
class ServiceSettings:
    """What this area's tables say; ``warnings`` name dangerous settings."""

    services: Services = attrs.field(factory=Services)
    warnings: tuple[str, ...] = ()


def read(values: dict[str, Any], login: LoginSettings, reader: Reader) -> ServiceSettings:
    """The services of a document that was checked against the schema."""
    rows, defaults = values["service"], values["service_defaults"]
    if values["domain"] is None or not rows:
        return ServiceSettings()
    codec = Codec(values["domain"], values["public_port"])
    if values["rewrite_domain"] is not None:
        codec, _ = codec.apart(values["rewrite_domain"])
    names = _certificate_names(values["tls"]["certificate"])
    found, warnings = [], []
    for number, row in enumerate(rows, 1):
        path = f"service[{number}]"
        if row["name"] is None or row["accept"] is None or row["connect"] is None:
            continue  # which is a fault already
        _check_place(row["accept"], f"{path}.accept", codec, names, reader)
        _check_kind(row, login, path, reader)
        row.update({key: row[key] if row[key] is not None else defaults[key] for key in defaults})
        service = _service(row, path, codec, login, reader)
        found.append(service)
        warnings += _warnings(service, login)
    for first, second in overlapping(found):
        number = found.index(second) + 1
        what = "name" if first.name == second.name else "accept"
        where = f"service {first.name} has it already ({first.where})"
        shown = second.name if what == "name" else f"{second.host}{second.path}"
        reader.fault(f"service[{number}].{what}", f'found "{shown}" ({second.where}), {where}')
    return ServiceSettings(Services(tuple(found)), tuple(warnings))


def _check_place(
    place: Place, path: str, codec: Codec, names: list[str] | None, reader: Reader
) -> None:
    def fault(expected: str) -> None:
        shown = f"wss://{place.host}{place.path}" if place.host else place.path
        reader.fault(path, f'found "{shown}", expected {expected}')

    if "/;e/" in place.path or place.path.startswith(wire.GATEWAY_PATH):
        fault("another path: these are the gateway's own")
    kind = codec.classify(place.host)[0] if place.host else HostKind.PORTAL
    if kind is HostKind.PORTAL and place.path in _OWN_PATHS:
        fault("a path that the portal has no page at")
    if not place.host:
        return
    if kind not in {HostKind.PORTAL, HostKind.UNKNOWN}:
        fault("a host of its own, or a path alone: this host is the gateway's")
    elif place.port != codec.public_port:
        fault(f"the public port, {codec.public_port}")
    elif kind is HostKind.UNKNOWN and names is not None and not _covers(names, place.host):
        fault("a host that the certificate of [tls] is for (" + ", ".join(names[:8]) + ")")


def _certificate_names(file: str | None) -> list[str] | None:
    """The DNS names of the served certificate; None: it cannot be read, which is told elsewhere."""
    try:
        leaf = x509.load_pem_x509_certificates(Path(file or "").read_bytes())[0]
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (OSError, ValueError, IndexError, x509.ExtensionNotFound):
        return None
    return [str(one).lower() for one in names.value.get_values_for_type(x509.DNSName)]


def _covers(names: list[str], host: str) -> bool:
    parent = "*." + host.partition(".")[2]
    return host in names or parent in names


def _service(
    row: dict[str, Any], path: str, codec: Codec, login: LoginSettings, reader: Reader
) -> Service:
    backend: Backend = row["connect"]
    place: Place = row["accept"]
    allowed = row["allow_origins"] or ()
    origins = tuple(one for one in allowed if isinstance(one, Pattern))
    asks = (row["login"] or ("none" if login.rules is None else "asked")) == "asked"
    if asks and login.rules is None:
        reader.fault(f"{path}.login", 'found "asked", expected a table [authentication]')
    _check_origins(allowed, login if asks else None, path, reader)
    _check_subprotocols(row, backend, path, reader)
    secure = _secure(backend)
    transport = _transport(row, secure, path, reader)
    rate = None
    if row["handshakes_per_second"] is not None:
        burst = row["handshakes_burst"] or max(1.0, 2 * row["handshakes_per_second"])
        rate = Rate(burst, row["handshakes_per_second"])
    elif row["handshakes_burst"] is not None:
        reader.fault(f"{path}.handshakes-per-second", "missing, handshakes-burst needs it")
    bounds = Bounds(
        row["connections"], row["message_bytes"], row["idle_seconds"], row["connect_seconds"]
    )
    return Service(
        row["name"],
        place.host or codec.domain,
        place.path,
        backend,
        row["subprotocols"] or (),
        row["subprotocol_required"] or False,
        origins,
        null=NULL in allowed,
        native=row["native"] or False,
        login=asks,
        principal_field=row["principal_field"] or "",
        messages=row["messages"] or "",
        validation=row["validation"] or "",
        bounds=bounds,
        rate=rate,
        prepared=row["prepared"] or 0,
        recovery_seconds=row["recovery_seconds"] or 60,
        pending_bytes=row["pending_bytes"] or 2**20,
        transport=transport,
        where=row["where"],
    )


def _check_kind(row: dict[str, Any], login: LoginSettings, path: str, reader: Reader) -> None:
    """What a service says of its backend that no such backend can do; defaults are for others."""
    kind = row["connect"].kind
    if row["prepared"] and kind not in STREAMS:
        expected = "expected a tcp:, tls: or unix: backend: a handshake says who asks"
        reader.fault(f"{path}.prepared", f"found {row['prepared']}, {expected}")
    if row["pending_bytes"] is not None and kind != "broadcast":
        reader.fault(f"{path}.pending-bytes", "found it, expected a broadcast: backend")
    leading = (row["connect"].source or row["connect"]).kind
    for key in _OF_TLS if leading not in _SECURE else ():
        if row[key.replace("-", "_")] is not None:
            expected = "expected a wss: or tls: backend: others have no certificates"
            reader.fault(f"{path}.{key}", f"found it, {expected}")
    if row["messages"] is not None and leading not in STREAMS:
        expected = "expected a tcp:, tls: or unix: backend: others keep messages as they are"
        reader.fault(f"{path}.messages", f'found "{row["messages"]}", {expected}')
    nobody = login.rules is None or row["login"] == "none"
    if row["principal_field"] is not None and (nobody or kind not in WEBSOCKETS):
        expected = "expected people who sign in, and a ws: or wss: backend: others have no fields"
        reader.fault(f"{path}.principal-field", f'found "{row["principal_field"]}", {expected}')


def _check_origins(
    allowed: tuple[Pattern | str, ...], login: LoginSettings | None, path: str, reader: Reader
) -> None:
    rules = None if login is None else login.rules
    if rules is None or not (rules.basic or rules.oidc is not None):
        return
    for one in allowed:
        text = one if isinstance(one, str) else one.text if one.opens_everything else ""
        if text:
            expected = "expected origins: browsers send who is signed in along, whichever page asks"
            reader.fault(f"{path}.allow-origins", f'found "{text}", {expected}')


def _check_subprotocols(row: dict[str, Any], backend: Backend, path: str, reader: Reader) -> None:
    names = row["subprotocols"] or ()
    if row["subprotocol_required"] and not names:
        reader.fault(f"{path}.subprotocols", "missing, subprotocol-required needs them")
    if len(set(names)) != len(names):
        reader.fault(
            f"{path}.subprotocols", f"found {schema.show(list(names))}, expected each once"
        )
    streams = backend.kind in STREAMS
    if streams and REFRAMED.intersection(names):
        expected = (
            "expected no xmpp here: over WebSocket it is framed in another way than over a "
            "stream (RFC 7395); connect to the server's own WebSocket port"
        )
        reader.fault(f"{path}.subprotocols", f"found {schema.show(list(names))}, {expected}")


def _secure(backend: Backend) -> bool:
    leading = backend.source or backend
    return leading.origin is not None and leading.origin.secure


def _transport(row: dict[str, Any], secure: bool, path: str, reader: Reader) -> Transport:  # noqa: FBT001
    where: str = row["where"]
    trust = None
    if row["trust"] is not None:
        if not row["trust"]:
            reader.fault(f"{path}.trust", "found [], expected whom to trust there")
        trust = config_transport.read_trust(row["trust"], f"{path}.trust", reader)
    client = config_transport.read_identity(row, path, reader)
    if not secure:
        return Transport(allow_insecure_http=True, where=where)
    said = {
        "minimum-tls": row["minimum_tls"],
        "forward-secrecy": row["forward_secrecy"],
        "certificate-strength": row["certificate_strength"],
        "trust": trust,
        "client": client,
    }
    tls = TlsPolicy(
        row["minimum_tls"] or "1.2",
        row["forward_secrecy"] is not False,
        row["certificate_strength"] is not False,
        trust,
        client,
    )
    given = tuple((key, where) for key, value in said.items() if value is not None)
    return Transport(tls=tls, where=where, said=given)


def _warnings(service: Service, login: LoginSettings) -> list[str]:
    """What is dangerous and was asked for all the same."""
    where = f"{service.where}: service {service.name}"
    found = []
    if any(one.opens_everything for one in service.origins):
        found.append(f"{where}: pages of every origin may use it")
    if service.native and not service.login:
        found.append(f"{where}: native: any program may use it, without signing in")
    if login.rules is not None and not service.login:
        found.append(f"{where}: nobody need sign in, though the gateway asks people to elsewhere")
    if not (service.origins or service.native or service.null):
        found.append(f"{where}: nobody may use it: it has neither allow-origins nor native")
    if service.validation == "enforce" and not service.required:
        found.append(
            f"{where}: validation: who offers no subprotocol is not looked into "
            "(subprotocol-required = true)"
        )
    backend = service.backend.source or service.backend
    if backend.origin is not None and backend.origin.port in BAD_PORTS:
        found.append(f"{where}: port {backend.origin.port} is on the bad-port list of browsers")
    tls = service.transport.tls
    if tls.minimum in {"1.0", "1.1"}:
        found.append(f"{where}: TLS {tls.minimum} is broken")
    if not tls.forward_secrecy:
        found.append(f"{where}: what is sent can be read later by whoever gets the backend's key")
    if not tls.certificate_strength:
        found.append(f"{where}: certificates of SHA-1 and 1024 bits can be forged")
    return found
