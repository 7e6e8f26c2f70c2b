"""HAProxy as a proxy of WebSockets: what the gateway is put beside."""

from __future__ import annotations

from bench import common
from bench.common import Served, Workplace

_CONFIG = """\
global
    maxconn {files}
    nbthread 1
    tune.ssl.default-dh-param 2048
defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
frontend sockets
    bind 127.0.0.1:{port} ssl crt {pem} ssl-min-ver TLSv1.3 backlog 1024
    http-request deny deny_status 403 if {{ path_beg /refused }}
    default_backend echo
backend echo
    server echo 127.0.0.1:{origin}
"""


def sockets(work: Workplace, origin: int) -> Served:
    """Start HAProxy, one thread of it, as a TLS proxy of WebSockets to a port."""
    folder = work.fresh("haproxy")
    port = common.free_port()
    tls = common.certificate(work)
    pem = folder / "served.pem"
    pem.write_bytes(tls.certificate.read_bytes() + tls.key.read_bytes())
    config = folder / "haproxy.cfg"
    files = common.files() // 2 - 100  # each connection has two of them
    config.write_text(_CONFIG.format(files=files, port=port, origin=origin, pem=pem), "utf-8")
    log = folder / "haproxy.log"
    command = [common.tool("haproxy"), "-db", "-f", str(config)]
    process = work.start(command, common.PROXY_CORES, log)
    common.wait_until(lambda: common.accepts(port), process, log)
    return Served(process, port, f"127.0.0.1:{port}")
