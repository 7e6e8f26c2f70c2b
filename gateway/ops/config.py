"""TOML to the rooms' frozen Settings, every fault at once (interfaces, "Minimal configuration")."""

from __future__ import annotations

import re
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import attrs
from publicsuffixlist import PublicSuffixList

from gateway.cookies.suffixes import Suffixes
from gateway.errors import ConfigurationError
from gateway.exchange.inspecting import SubprotocolSettings
from gateway.net.settings import HostEntry, Limits
from gateway.net.settings import Settings as NetSettings
from gateway.ops import (
    config_admission,
    config_content,
    config_emulation,
    config_login,
    config_services,
    config_subprotocols,
    config_transport,
    config_websocket,
    schema,
)
from gateway.ops.config_admission import Admission
from gateway.ops.config_catalogue import CATALOGUE, catalogue_policy, read_catalogue
from gateway.ops.config_emulation import EmulationSettings
from gateway.ops.config_policy import (
    INTENTS,
    NAVIGATION,
    SITE,
    intent_rules,
    intent_warnings,
    page_pattern,
    pattern,
    site_rules,
    site_warnings,
)
from gateway.ops.schema import Fault, Key, Table, Tables
from gateway.origins import Codec, parse
from gateway.policy.addresses import AddressSettings, Network
from gateway.policy.catalogue import Catalogue
from gateway.policy.destinations import AccessRule, NavigationRule
from gateway.policy.destinations import Settings as PolicySettings
from gateway.policy.patterns import Pattern
from gateway.policy.services import Services
from gateway.policy.transport import TLS_VERSIONS, Trust
from gateway.store.opening import MODES, StoreSettings


@attrs.frozen
class TlsSettings:
    """The listener's certificate."""

    certificate: Path
    key: Path
    minimum: str = "1.2"


@attrs.frozen
class Config:
    """A whole configuration, checked; ``warnings`` name dangerous settings."""

    codec: Codec
    apart: Codec | None
    listen: tuple[str, ...]
    redirect_listen: tuple[str, ...]
    admin_listen: tuple[str, ...]
    tls: TlsSettings
    store: StoreSettings
    key_file: Path
    policy: PolicySettings
    net: NetSettings
    content: config_content.ContentSettings
    emulation: EmulationSettings = attrs.field(factory=EmulationSettings)
    http2: bool = True
    early_hints: bool = True
    admission: Admission = attrs.field(factory=Admission)
    warnings: tuple[str, ...] = ()
    source: Path | None = None
    login: config_login.LoginSettings = attrs.field(factory=config_login.LoginSettings)
    catalogue: Catalogue = attrs.field(factory=Catalogue)
    services: Services = attrs.field(factory=Services)
    subprotocols: SubprotocolSettings = attrs.field(factory=SubprotocolSettings)


def _domain(value: Any) -> str:
    found = parse(f"https://{value}/") if isinstance(value, str) else None
    if found is None or found[0].host != value or found[0].port != 443:
        raise Fault("a domain name in lower case")
    return str(value)


def _endpoint(value: Any) -> str:
    """A Twisted endpoint string for a server."""
    kinds = ("tcp", "tcp6", "unix", "systemd")
    if not isinstance(value, str) or value.partition(":")[0] not in kinds:
        raise Fault('an endpoint such as "tcp:8443:interface=127.0.0.1"')
    return value


def _network(value: Any) -> Network:
    try:
        return ip_network(value if isinstance(value, str) else "")
    except ValueError:
        raise Fault('an address range such as "10.1.0.0/16"') from None


_VALKEY_URL = re.compile(
    r"rediss?://(?:[^@/?#:\s]+@)?[^@/?#\s,]+(?:,[^@/?#\s,]+)*(?:/[0-9]*)?\Z", re.ASCII
)


def _store(value: Any) -> str:
    wanted = Fault('"sqlite:///path", "memory:", or "redis://host:port" (TLS: "rediss://")')
    if not isinstance(value, str):
        raise wanted
    if value.startswith(("redis://", "rediss://")):
        if not _VALKEY_URL.match(value):
            raise Fault('"redis://[user@]host:port[/number]"; a password has its file')
        for address in value.partition("://")[2].partition("/")[0].rpartition("@")[2].split(","):
            _connect(address)
    elif value != "memory:" and not (value.startswith("sqlite:///") and len(value) > 10):
        raise wanted
    return value


def _host(value: Any) -> str:
    found = parse(f"http://{value}/") if isinstance(value, str) else None
    if found is None or found[1].href != f"http://{found[0].host}/":
        raise Fault("a host name")
    if ":" in value.rpartition("]")[2]:
        raise Fault("a host name without a port")
    return found[0].host


def _connect(value: Any) -> tuple[str, int | None]:
    found = parse(f"http://{value}/") if isinstance(value, str) else None
    if found is None or found[1].href != f"http://{found[1].host}/" or found[0].port == 0:
        raise Fault('a host and maybe a port, such as "127.0.0.1:18888"')
    # The WHATWG parser drops a port that is the scheme's default: look at the text for it.
    given = found[1].port or ("80" if str(value).endswith(":80") else "")
    return found[0].hostname, int(given) if given else None


def _one_worker(value: Any) -> int:
    if isinstance(value, bool) or value != 1:
        raise Fault("1; this version runs one process")
    return 1


_LIMITS = Table(
    {
        name: Key(config_websocket.CHECKS.get(name, schema.number(1, 2**50)), field.default)
        for field in attrs.fields(Limits)
        for name in [field.name.replace("_", "-")]
    }
)

SCHEMA = Table(
    {
        "domain": Key(_domain, required=True),
        "rewrite-domain": Key(_domain),
        "public-port": Key(schema.number(1, 65535), 443),
        "listen": Key(schema.list_of(_endpoint), ("tcp:8443:interface=127.0.0.1",)),
        "http": Table(
            {
                "redirect-listen": Key(schema.list_of(_endpoint), ()),
                "http2": Key(schema.flag, default=True),
                "early-hints": Key(schema.flag, default=True),
                **config_admission.HTTP,
                "workers": Key(_one_worker, 1),
            }
        ),
        "limits": _LIMITS,
        "emulation": config_emulation.TABLE,
        "authentication": config_login.TABLE,
        "clients": config_admission.CLIENTS,
        "rates": config_admission.RATES,
        "content": config_content.CONTENT,
        "content-policy": config_content.POLICIES,
        "subprotocols": config_subprotocols.SUBPROTOCOLS,
        "subprotocol-rule": config_subprotocols.RULES,
        "tls": Table(
            {
                "certificate": Key(schema.text, required=True),
                "key": Key(schema.text, required=True),
                "minimum": Key(schema.choice("1.2", "1.3"), "1.2"),
            }
        ),
        "store": Table(
            {
                "url": Key(_store, "sqlite:///var/gateway.db"),
                "durable": Key(schema.flag, default=True),
                "mode": Key(schema.choice(*MODES), "single"),
                "service": Key(schema.text, ""),
                "user": Key(schema.text, ""),
                "password-file": Key(schema.text),
                "trust": Key(schema.list_of(schema.text), ()),
                "replicas": Key(schema.number(0, 100), 0),
            }
        ),
        "keys": Table({"file": Key(schema.text, "var/gateway.keys")}),
        "admin": Table(
            {"listen": Key(schema.list_of(_endpoint), ("tcp:9443:interface=127.0.0.1",))}
        ),
        "upstream": Table(
            {
                "trust": Key(schema.list_of(schema.text), ("system",)),
                "allow-private": Key(schema.list_of(_network), ()),
                **config_admission.UPSTREAM,
                "hosts": Tables(
                    Table(
                        {
                            "host": Key(_host, required=True),
                            "port": Key(schema.number(1, 65535)),
                            "connect": Key(_connect, required=True),
                        }
                    )
                ),
            }
        ),
        "catalogue": CATALOGUE,
        "allow-navigation": NAVIGATION,
        "allow-intent": INTENTS,
        "service-defaults": config_services.DEFAULTS,
        "service": config_services.SERVICES,
        "access": Tables(
            Table(
                {
                    "origin": Key(pattern, required=True),
                    "from": Key(page_pattern),
                    "native": Key(schema.flag, default=False),
                    "subdomains": Key(schema.flag, default=False),
                    "minimum-tls": Key(schema.choice(*TLS_VERSIONS)),
                    "forward-secrecy": Key(schema.flag),
                    "allow-insecure-http": Key(schema.flag),
                    **config_transport.ACCESS,
                    **SITE,
                }
            )
        ),
    }
)


def load(path: Path) -> Config:
    """Read and check a configuration file; raises ``ConfigurationError`` with all faults.

    Relative paths in it are relative to the working directory, as in the sample files.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{path}: cannot be read: {error}"]) from None
    return parse_config(text, str(path), path)


def parse_config(text: str, name: str, source: Path | None = None) -> Config:
    """Check the text of a configuration; ``name`` is what faults call it."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError([f"{name}: not TOML: {error}"]) from None
    reader = schema.Reader(name, text)
    values = reader.table(SCHEMA, document)
    values["catalogue"] = read_catalogue(values["catalogue"], reader)
    trust = config_transport.read_trust(values["upstream"]["trust"], "upstream.trust", reader)
    config_transport.read_access(values["access"], reader)
    values["sites"] = site_rules(values["allow_navigation"], reader)
    store = _read_store(values["store"], values["limits"], reader)
    admission = config_admission.read(values, reader)
    content = config_content.read_content(values, reader)
    login = config_login.read(values["authentication"], document, reader)
    services = config_services.read(values, login, reader)
    subprotocols = config_subprotocols.read(values, reader)
    emulation = config_emulation.read_emulation(values, reader)
    _check_files(values["tls"], reader)
    _check_addresses(values["upstream"]["hosts"], reader)
    _check_apart(values["domain"], values["rewrite_domain"], reader)
    if reader.faults:
        raise ConfigurationError(reader.faults)
    config = _assemble(values, trust, store, content, source)
    warnings = (
        *config.warnings,
        *admission.warnings,
        *config_login.warnings(login),
        *services.warnings,
        *config_subprotocols.warnings(subprotocols),
    )
    return attrs.evolve(
        config,
        admission=admission,
        login=login,
        services=services.services,
        subprotocols=subprotocols,
        emulation=emulation,
        warnings=warnings,
    )


def _check_files(tls: dict[str, Any], reader: schema.Reader) -> None:
    for key in ("certificate", "key"):
        if tls[key] is not None and not _is_file(tls[key]):
            reader.fault(f"tls.{key}", f'found "{tls[key]}", expected a file that is there')


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


def _check_addresses(hosts: list[dict[str, Any]], reader: schema.Reader) -> None:
    seen: dict[tuple[str, int | None], str] = {}
    for row in hosts:
        key = (row["host"], row["port"])
        if row["host"] is not None and key in seen:
            reader.fault("upstream.hosts", f"{row['host']} is there twice ({seen[key]})")
        seen[key] = row["where"]


def _check_apart(domain: str | None, apart: str | None, reader: schema.Reader) -> None:
    """Pages there must be another site to every browser, whatever its list of suffixes."""
    if domain is None or apart is None:
        return
    suffixes = Suffixes(PublicSuffixList())
    within = f".{domain}".endswith(f".{apart}") or apart.endswith(f".{domain}")
    if within or suffixes.registrable(domain) == suffixes.registrable(apart):
        shared = suffixes.registrable(domain)
        expected = f'expected a domain that is not registered with that of domain ("{shared}")'
        reader.fault("rewrite-domain", f'found "{apart}", {expected}')
    elif "." in apart and suffixes.is_public(apart):
        expected = "expected one of your own, not a public suffix: anybody can register below it"
        reader.fault("rewrite-domain", f'found "{apart}", {expected}')


def _read_store(
    given: dict[str, Any], limits: dict[str, Any], reader: schema.Reader
) -> StoreSettings:
    password = ""
    if given["password_file"] is not None:
        try:
            password = Path(given["password_file"]).read_text("utf-8").rstrip("\n")
        except (OSError, ValueError) as error:
            name = type(error).__name__  # its text may hold what the file holds
            reader.fault("store.password-file", f"found a file that cannot be read ({name})")
    url = given["url"] or ""
    if given["mode"] == "sentinel" and not given["service"]:
        reader.fault("store.service", "missing, a Sentinel knows its master by a name")
    if given["mode"] == "cluster" and given["replicas"]:
        reader.fault("store.replicas", "found a number, expected 0: a cluster does not wait")
    if given["mode"] != "cluster" and given["mode"] != "sentinel" and "," in url:
        reader.fault("store.url", "found several addresses, expected one")
    for name in given["trust"]:
        if not _is_file(name):
            reader.fault("store.trust", f'found "{name}", expected a PEM file that is there')
    return StoreSettings(
        url,
        given["durable"],
        given["mode"],
        given["service"],
        given["user"],
        password,
        given["trust"],
        limits["store_seconds"],
        given["replicas"],
        limits["store_stale_days"],
    )


def _assemble(
    values: dict[str, Any],
    trust: Trust,
    store: StoreSettings,
    content: config_content.ContentSettings,
    source: Path | None,
) -> Config:
    upstream = values["upstream"]
    navigation = tuple(
        NavigationRule(row["href"], row["where"], row["from"], row["reverse_map"])
        for row in values["allow_navigation"]
    )
    access = tuple(_access_rule(row) for row in values["access"])
    policy = PolicySettings(
        navigation,
        access,
        AddressSettings(allow_private=upstream["allow_private"]),
        intent_rules(values["allow_intent"]),
        values["sites"],
    )
    policy, of_catalogue = catalogue_policy(values["catalogue"], policy)
    policy = policy.prepared()
    hosts = tuple(
        HostEntry(row["host"], row["connect"][0], row["port"], row["connect"][1])
        for row in upstream["hosts"]
    )
    net = NetSettings(
        Limits(**values["limits"]),
        hosts,
        trust_system=trust.system,
        trust_files=trust.files,
    )
    codec, apart = Codec(values["domain"], values["public_port"]), None
    if values["rewrite_domain"] is not None:
        codec, apart = codec.apart(values["rewrite_domain"])
    return Config(
        codec=codec,
        apart=apart,
        listen=values["listen"],
        redirect_listen=values["http"]["redirect_listen"],
        admin_listen=values["admin"]["listen"],
        tls=TlsSettings(
            Path(values["tls"]["certificate"]), Path(values["tls"]["key"]), values["tls"]["minimum"]
        ),
        store=store,
        key_file=Path(values["keys"]["file"]),
        policy=policy,
        net=net,
        content=content,
        http2=values["http"]["http2"],
        early_hints=values["http"]["early_hints"],
        warnings=(
            *_warnings(policy),
            *of_catalogue,
            *_store_warnings(store),
            *content.warnings,
            *config_websocket.warnings(net.limits),
        ),
        source=source,
        catalogue=values["catalogue"],
    )


def _store_warnings(store: StoreSettings) -> list[str]:
    found = []
    if store.path is not None and not store.durable:
        found.append("store.durable: a power cut may lose cookies that were acknowledged")
    if store.url.startswith("redis://") and not store.url.rpartition("@")[2].startswith(
        ("redis://127.", "redis://localhost", "127.", "localhost")
    ):
        found.append("store.url: rows and password go to the store without TLS")
    return found


def _access_rule(row: dict[str, Any]) -> AccessRule:
    origin: Pattern = row["origin"]
    if row["subdomains"]:
        origin = attrs.evolve(origin, with_subdomains=True)
    return AccessRule(
        origin,
        row["from"],
        native=row["native"],
        minimum_tls=row["minimum_tls"],
        forward_secrecy=row["forward_secrecy"],
        allow_insecure_http=row["allow_insecure_http"],
        where=row["where"],
        certificate_strength=row["certificate_strength"],
        trust=row["trust"],
        client=row["client"],
        reverse_map=row["reverse_map"],
        websocket_idle_seconds=row["websocket_idle_seconds"],
    )


def _warnings(policy: PolicySettings) -> list[str]:
    """What is dangerous and was asked for all the same."""
    found = [
        f"{rule.where}: allow-navigation opens every site"
        for rule in policy.navigation
        if rule.pattern.opens_everything
    ]
    found += intent_warnings(policy.intents) + site_warnings(policy.sites)
    for rule in policy.access:
        if rule.pattern.opens_everything and (rule.page is None or rule.page.opens_everything):
            found.append(f"{rule.where}: access opens every origin to every page")
        if rule.pattern.opens_everything and rule.native:
            found.append(
                f"{rule.where}: native on every origin: any program may use this as a proxy"
            )
        if rule.allow_insecure_http:
            found.append(f"{rule.where}: connections to plain http origins can be read on the way")
        if rule.minimum_tls in {"1.0", "1.1"}:
            found.append(f"{rule.where}: TLS {rule.minimum_tls} is broken")
        found += config_transport.warnings(rule)
    found += [
        f"upstream.allow-private: {network} can be reached by people of this gateway"
        for network in policy.addresses.allow_private
    ]
    return found
