"""Puts the demo together: CA, origins, configuration, gateway; prints the URL to open."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
from twisted.internet.defer import ensureDeferred
from twisted.internet.ssl import PrivateCertificate

from gateway.demo.ca import Issued, LocalCa
from gateway.demo.origins import SHOP, sites
from gateway.net.drive import watch
from gateway.ops.config import parse_config
from gateway.ops.service import GatewayService

_CONFIG = """\
domain = "{domain}"
public-port = {port}
listen = ["tcp:{port}:interface=127.0.0.1"]
[tls]
certificate = "{certificate}"
key = "{key}"
[store]
url = "sqlite:///{folder}/gateway.db"
[keys]
file = "{folder}/gateway.keys"
[admin]
listen = ["tcp:{admin}:interface=127.0.0.1"]
[upstream]
trust = ["{ca}"]
allow-private = ["127.0.0.0/8"]
{hosts}
[[allow-navigation]]
href = "https://*.demo.example"
[[service]]
name = "echo"
accept = "/services/echo"
connect = "echo:"
native = true
"""
_HOST = '[[upstream.hosts]]\nhost = "{host}"\nconnect = "127.0.0.1:{port}"\n'


@attrs.frozen
class DemoOptions:
    """Where the demo keeps its files and listens; port 0 takes a free one for the admin."""

    folder: Path
    domain: str = "gateway.localhost"
    port: int = 8443
    admin_port: int = 9443


async def start(options: DemoOptions, reactor: Any) -> tuple[GatewayService, str]:
    """Start origins and gateway; the service and the URL to open.

    Raises ``GatewayError`` for what cannot be had, a taken port among it.
    """
    ca = LocalCa(options.folder / "ca")
    domain = options.domain
    served = ca.issue("gateway", [domain, f"www.0.{domain}", f"*.0.{domain}"])
    made = sites(reactor)
    names = [urlsplit(origin).hostname or "" for origin in made]
    site = ca.issue("origins", names)
    pem = site.key.read_bytes() + site.certificate.read_bytes()
    tls = PrivateCertificate.loadPEM(pem).options()
    hosts = []
    for origin, factory in made.items():
        port = reactor.listenSSL(0, factory, tls, interface="127.0.0.1")
        hosts.append(_HOST.format(host=urlsplit(origin).hostname, port=port.getHost().port))
    text = _CONFIG.format(
        domain=domain,
        port=options.port,
        admin=options.admin_port,
        certificate=served.certificate,
        key=served.key,
        folder=options.folder,
        ca=ca.certificate_file,
        hosts="".join(hosts),
    )
    (options.folder / "gateway.toml").write_text(text, "utf-8")
    service = GatewayService(parse_config(text, str(options.folder / "gateway.toml")), reactor)
    await service.start()
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    return service, f"{service.config.codec.secure_origin}/#{SHOP}/"


def describe(options: DemoOptions, url: str) -> str:
    """What the person at the terminal reads."""
    folder = options.folder / "ca"
    digest = Issued(folder / "gateway.pem", folder / "gateway.key").key_digest
    return (
        f"\nThe demo runs. Open\n\n    {url}\n\n"
        f"in a browser that trusts the demo's certificate. Either a Chromium for it alone:\n\n"
        f"    chromium --user-data-dir=$(mktemp -d) \\\n"
        f"      --ignore-certificate-errors-spki-list={digest} \\\n"
        f"      '{url}'\n\n"
        f"or any browser into whose authorities you import {folder / 'ca.pem'}\n"
        f"(a click through the warning is not enough: each site has a host of its own).\n\n"
        f"A WebSocket service that echoes, for programs: wss://{options.domain}:{options.port}"
        f"/services/echo\n"
        f"Operator's page: http://127.0.0.1:{options.admin_port}/     Stop with Ctrl-C.\n"
    )


def run(options: DemoOptions) -> int:
    """Run until Ctrl-C; the exit code."""
    from gateway import uvloopreactor  # noqa: PLC0415 (before anything imports a reactor)

    uvloopreactor.install()
    from twisted.internet import reactor  # noqa: PLC0415
    from twisted.logger import globalLogBeginner  # noqa: PLC0415

    from gateway.ops.log import JsonLines  # noqa: PLC0415

    any_reactor: Any = reactor
    options.folder.mkdir(parents=True, exist_ok=True)
    log = (options.folder / "gateway.log").open("a", encoding="utf-8")
    globalLogBeginner.beginLoggingTo([JsonLines(log)], redirectStandardIO=False)
    failures: list[str] = []

    def started(result: tuple[GatewayService, str]) -> None:
        sys.stdout.write(describe(options, result[1]))
        sys.stdout.flush()

    def failed(failure: Any) -> None:
        failures.append(failure.getErrorMessage())
        any_reactor.stop()

    def begin() -> None:
        watch(ensureDeferred(start(options, any_reactor)).addCallbacks(started, failed))

    any_reactor.callWhenRunning(begin)
    any_reactor.run()
    for line in failures:
        sys.stderr.write(f"The demo could not start: {line}\n")
    return 1 if failures else 0
