"""Brokers in folders of their own; nothing of the system's own services is touched."""

from __future__ import annotations

import contextlib
import shutil
import socket
from pathlib import Path

from tests.browser.harness import Process, Stack, until
from tests.ports import free_ports

APPS = Path(__file__).resolve().parent.parent / "apps"
PATH = "/usr/sbin:/usr/bin:/usr/local/bin:/sbin:/bin"
PEOPLE = {"ada": "lovelace", "bob": "sleigh"}
"""Who may sign in, and with what."""
XMPP_HOST = "chat.test"
REALM = "talk"


def program(name: str) -> str:
    """Where a program is."""
    found = shutil.which(name, path=PATH)
    if found is None:
        raise AssertionError(f"{name} is missing: run make packages")
    return found


def _listens(process: Process, port: int, what: str, seconds: float = 60) -> None:
    def there() -> bool:
        if process.child.poll() is not None:
            raise AssertionError(f"{what} ended: " + process.text())
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    until(there, f"{what} listens: " + process.text(), seconds)


def rabbitmq(stack: Stack) -> tuple[int, int]:
    """RabbitMQ: the ports of its STOMP over WebSocket, and of STOMP over TCP."""
    folder = stack.folder / "rabbitmq"
    folder.mkdir()
    amqp, epmd, distribution, stomp, web = free_ports(5)
    sbin = next(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin"), None)
    if sbin is None:
        raise AssertionError("RabbitMQ is missing: run make packages")
    (folder / "enabled_plugins").write_text("[rabbitmq_web_stomp].\n")
    (folder / "advanced.config").write_text("[].\n")
    (folder / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{amqp}\n"
        f"stomp.listeners.tcp.1 = 127.0.0.1:{stomp}\n"
        f"web_stomp.tcp.port = {web}\nweb_stomp.tcp.ip = 127.0.0.1\n"
        "default_user = ada\ndefault_pass = lovelace\n"
    )
    process = stack.run(
        "rabbitmq",
        ["/bin/sh", "-c", f"epmd -port {epmd} -address 127.0.0.1 & exec {sbin}/rabbitmq-server"],
        HOME=str(folder),
        RABBITMQ_NODENAME=f"test{amqp}@localhost",
        RABBITMQ_MNESIA_BASE=str(folder / "mnesia"),
        RABBITMQ_LOG_BASE=str(folder),
        RABBITMQ_LOGS=str(folder / "rabbit.log"),
        RABBITMQ_ENABLED_PLUGINS_FILE=str(folder / "enabled_plugins"),
        RABBITMQ_CONFIG_FILE=str(folder / "rabbitmq"),
        RABBITMQ_ADVANCED_CONFIG_FILE=str(folder / "advanced.config"),
        RABBITMQ_GENERATED_CONFIG_DIR=str(folder / "generated"),
        RABBITMQ_PID_FILE=str(folder / "pid"),
        RABBITMQ_DIST_PORT=str(distribution),
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
        ERL_EPMD_PORT=str(epmd),
        ERL_EPMD_ADDRESS="127.0.0.1",
    )
    for port in (stomp, web):
        _listens(process, port, "RabbitMQ", 90)
    return web, stomp


def mosquitto(stack: Stack) -> int:
    """Mosquitto: its port for MQTT over TCP."""
    (port,) = free_ports(1)
    config = stack.folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    process = stack.run("mosquitto", [program("mosquitto"), "-c", str(config)])
    _listens(process, port, "Mosquitto")
    return port


def prosody(stack: Stack) -> int:
    """Prosody: its port for XMPP over WebSocket."""
    (port,) = free_ports(1)
    folder = stack.folder / "prosody"
    accounts = folder / "data" / XMPP_HOST.replace(".", "%2e") / "accounts"
    accounts.mkdir(parents=True)
    (folder / "certs").mkdir()
    for name, password in PEOPLE.items():
        (accounts / f"{name}.dat").write_text(f'return {{ ["password"] = "{password}"; }};\n')
    config = folder / "prosody.cfg.lua"
    config.write_text(
        f"""run_as_root = true
data_path = "{folder}/data"
pidfile = "{folder}/pid"
log = {{ {{ levels = {{ min = "info" }}; to = "console" }} }}
modules_enabled = {{ "saslauth", "disco", "presence", "message", "websocket" }}
modules_disabled = {{ "s2s", "tls", "offline" }}
authentication = "internal_plain"
consider_websocket_secure = true
c2s_require_encryption = false
http_interfaces = {{ "127.0.0.1" }}
http_ports = {{ {port} }}
https_ports = {{ }}
c2s_ports = {{ }}
c2s_direct_tls_ports = {{ }}
legacy_ssl_ports = {{ }}
VirtualHost "{XMPP_HOST}"
"""
    )
    process = stack.run("prosody", [program("prosody"), "-F", "--config", str(config)])
    _listens(process, port, "Prosody")
    return port


def wamp_router(stack: Stack) -> int:
    """A WAMP router: its port for WAMP over WebSocket."""
    (port,) = free_ports(1)
    script = Path(__file__).parent / "wamp_router.cjs"
    process = stack.run("wamp", [program("node"), str(script), str(port), REALM])
    _listens(process, port, "the WAMP router")
    return port


def socketio(stack: Stack, pages: str) -> int:
    """A Socket.IO server for the pages of a host: its port for polling and WebSocket alike."""
    (port,) = free_ports(1)
    script = Path(__file__).parent / "socketio_server.cjs"
    command = [program("node"), str(script), str(port), f"https://{pages}"]
    process = stack.run("socketio", command)
    _listens(process, port, "the Socket.IO server")
    return port
