"""nginx, as an origin and as what the gateway is put beside."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bench import common
from bench.common import Served, Workplace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GZIP_LEVEL = 4
"""The gateway's own."""
_NGINX = """\
daemon off;
{user}
worker_processes 1;
worker_rlimit_nofile {files};
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections {files}; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ text/html html; }}
    default_type application/json;
    tcp_nodelay on;
    keepalive_requests 100000000;
    {content}
}}
"""
_STATIC = """
    access_log off;
    sendfile on;
    open_file_cache max=16;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        location = /login {{ {cookies} return 200 "{{}}"; }}
    }}
"""
_PROXY = """
    upstream origin {{
        server 127.0.0.1:{origin};
        keepalive 64;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {tls.certificate};
        ssl_certificate_key {tls.key};
        ssl_protocols TLSv1.3;
        {extra}
        location / {{
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_max_temp_file_size 0;
        }}
    }}
"""


_SOCKETS = """
    access_log off;
    server {{
        listen 127.0.0.1:{port} ssl backlog=1024;
        ssl_certificate {tls.certificate};
        ssl_certificate_key {tls.key};
        ssl_protocols TLSv1.3;
        location /refused {{ return 403; }}
        location / {{
            proxy_pass http://127.0.0.1:{origin};
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_read_timeout 1h;
            proxy_send_timeout 1h;
        }}
    }}
"""


def _nginx(work: Workplace, name: str, port: int, content: str, cores: set[int]) -> Served:
    folder = work.fresh(name)
    user = "user root;" if os.geteuid() == 0 else ""  # the folder is ours alone
    config = folder / "nginx.conf"
    config.write_text(
        _NGINX.format(folder=folder, user=user, content=content, files=common.files()), "utf-8"
    )
    command = [
        common.tool("nginx"),
        "-p",
        str(folder),
        "-e",
        f"{folder}/error.log",
        "-c",
        str(config),
    ]
    log = folder / "error.log"
    process = work.start(command, cores, log)
    common.wait_until(lambda: common.accepts(port), process, log)
    return Served(process, port, f"127.0.0.1:{port}")


def static_origin(
    work: Workplace,
    files: Mapping[str, int | bytes],
    cookies: Sequence[str] = (),
) -> Served:
    """Serve files with nginx over plain HTTP: filler of a size, or what is given.

    ``/login`` sets cookies.
    """
    root = work.fresh("files")
    for name, given in files.items():
        with (root / name).open("wb") as file:
            if isinstance(given, bytes):
                file.write(given)
            elif given <= 1 << 20:
                file.write(b'"' + b"x" * (given - 2) + b'"')
            else:
                file.truncate(given)
    port = common.free_port()
    fields = " ".join(f'add_header Set-Cookie "{one}";' for one in cookies)
    content = _STATIC.format(port=port, root=root, cookies=fields)
    return _nginx(work, "origin", port, content, common.LOAD_CORES)


def proxy(work: Workplace, origin: Served, extra: str = "") -> Served:
    """Start nginx as a TLS reverse proxy of ``origin``: what the gateway is put beside.

    ``extra``: more directives of its server.
    """
    port = common.free_port()
    tls = common.certificate(work)
    content = _PROXY.format(port=port, origin=origin.port, tls=tls, extra=extra)
    return _nginx(work, "proxy", port, content, common.PROXY_CORES)


def sockets(work: Workplace, origin: int) -> Served:
    """Start nginx as a TLS proxy of WebSockets to a port."""
    port = common.free_port()
    content = _SOCKETS.format(port=port, origin=origin, tls=common.certificate(work))
    return _nginx(work, "sockets", port, content, common.PROXY_CORES)


def replacing(hosts: Mapping[str, str]) -> str:
    """Directives that put one text in another's place wherever it stands in a page."""
    filters = "\n        ".join(f'sub_filter "{old}" "{new}";' for old, new in hosts.items())
    return f"""
        proxy_set_header Accept-Encoding "";
        {filters}
        sub_filter_once off;
        gzip on;
        gzip_proxied any;
        gzip_comp_level {GZIP_LEVEL};
    """
