"""nginx before the brokers, and between browsers and the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.browser.brokers.servers import APPS, _listens, program
from tests.browser.harness import Process, Stack
from tests.ports import free_ports

PAGES = Path(__file__).parent / "pages"
_HEAD = """daemon off;
worker_processes 1;
pid {folder}/{name}.pid;
error_log stderr warn;
user root;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/{name}-body;
  proxy_temp_path {folder}/{name}-proxy;
  fastcgi_temp_path {folder}/{name}-fcgi;
  uwsgi_temp_path {folder}/{name}-uwsgi;
  scgi_temp_path {folder}/{name}-scgi;
  types {{ text/html html; text/javascript js mjs; }}
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
"""
_UPGRADED = """      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
"""
_BUFFERED = """      proxy_ignore_headers X-Accel-Buffering Cache-Control;
      gzip on;
      gzip_types *;
      gzip_proxied any;
      gzip_min_length 0;
"""


def _start(stack: Stack, name: str, port: int, servers: str) -> Process:
    config = stack.folder / f"{name}.conf"
    config.write_text(_HEAD.format(folder=stack.folder, name=name) + servers + "}\n")
    process = stack.run(name, [program("nginx"), "-p", str(stack.folder), "-c", str(config)])
    _listens(process, port, "nginx")
    return process


def front(stack: Stack, sites: Mapping[str, int], pages: str) -> None:
    """End TLS before brokers' ports, and serve the pages and their libraries under a name."""
    files = stack.certificate("brokers", *sites, pages)
    (port,) = free_ports(1)
    tls = (
        f"listen 127.0.0.1:{port} ssl; ssl_certificate {files[0]}; ssl_certificate_key {files[1]};"
    )
    shown = (
        f"  server {{ {tls} server_name {pages};\n"
        f"    root {PAGES};\n"
        f"    location /lib/ {{ alias {APPS}/node_modules/; }} }}\n"
    )
    servers = [
        f"  server {{ {tls} server_name {name};\n    location / {{\n{_UPGRADED}"
        f"      proxy_pass http://127.0.0.1:{behind}; }} }}\n"
        for name, behind in sites.items()
    ]
    _start(stack, "front", port, shown + "".join(servers))
    for name in (*sites, pages):
        stack.hosts[f"https://{name}"] = port


def between(stack: Stack, *, buffers: bool) -> int:
    """A proxy that passes no upgrade on, and with ``buffers`` holds answers back; its port."""
    name = "buffering" if buffers else "blocking"
    folder = stack.folder / "ca"
    (port,) = free_ports(1)
    tls = (
        f"listen 127.0.0.1:{port} ssl http2; ssl_certificate {folder}/gateway.pem;"
        f" ssl_certificate_key {folder}/gateway.key;"
    )
    _start(
        stack,
        name,
        port,
        f"  server {{ {tls}\n    location / {{\n      proxy_http_version 1.1;\n"
        f"      proxy_set_header Host $http_host;\n"
        + (_BUFFERED if buffers else "")
        + "      proxy_ssl_server_name on; proxy_ssl_name $host;\n"
        f"      client_max_body_size 0;\n"
        f"      proxy_pass https://127.0.0.1:{stack.port}; }} }}\n",
    )
    return port
