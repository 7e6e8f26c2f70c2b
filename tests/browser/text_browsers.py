"""lynx and w3m, driven by their own options, and a proxy that leads them to the gateway.

Neither can be told where a name is; both know proxies.
"""

from __future__ import annotations

import contextlib
import html.parser
import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlencode

from gateway.origins import parse


class Proxy:
    """Takes CONNECT to a gateway's names, and to nothing else: ``refused`` says what."""

    def __init__(self, domain: str, port: int) -> None:
        """Listen at once."""
        self._domain = domain
        self._to = port
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.refused: list[str] = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                octets = client.recv(4096)
                if not octets:
                    return
                head += octets
            method, target, _ = head.decode("latin-1").partition("\r\n")[0].split(" ")
            host, _, port = target.rpartition(":")
            ours = host == self._domain or host.endswith("." + self._domain)
            if method != "CONNECT" or not ours or port != str(self._to):
                self.refused.append(f"{method} {target}")
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", self._to)) as gateway:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=_pump, args=(gateway, client), daemon=True)
                back.start()
                _pump(client, gateway)
                back.join()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while octets := source.recv(65536):
            sink.sendall(octets)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class Forms(html.parser.HTMLParser):
    """The forms of a page: where each leads, by which method, with which fields."""

    def __init__(self, markup: str, url: str) -> None:
        """Read the page."""
        super().__init__()
        self._url = url
        self.forms: list[tuple[str, str, dict[str, str]]] = []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        """Take in a form or a field of the last one."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            found = parse(given.get("action", ""), self._url)
            assert found is not None, given
            action = found[1].href
            self.forms.append((given.get("method", "get").lower(), action, {}))
        elif tag == "input" and self.forms and "name" in given:
            kinds = {"checkbox": "on"}
            value = given.get("value", kinds.get(given.get("type", ""), ""))
            self.forms[-1][2][given["name"]] = value


class TextBrowser:
    """A profile of its own in ``folder``; each call is one run of the program."""

    name = ""

    def __init__(self, folder: Path, ca: Path, proxy: Proxy) -> None:
        """Start with no cookies; trust that CA alone."""
        path = shutil.which(self.name)
        if path is None:
            raise AssertionError(f"{self.name} is missing: run make packages")
        self._program = path
        self._folder = folder
        self._ca = ca
        self._environment = {
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "SSL_CERT_FILE": str(ca),
            "https_proxy": f"http://127.0.0.1:{proxy.port}",
            "http_proxy": f"http://127.0.0.1:{proxy.port}",
        }

    def _run(self, *arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [self._program, *arguments],
            input=given.encode(),
            capture_output=True,
            timeout=60,
            env=self._environment,
            cwd=self._folder,
            check=False,
            start_new_session=True,  # without a terminal, which w3m would ask for a password
        )
        return done.stdout.decode("utf-8", "replace")

    def text(self, url: str) -> str:
        """What a person reads of the page at this address."""
        raise NotImplementedError

    def source(self, url: str) -> str:
        """The markup of the page at this address."""
        raise NotImplementedError

    def post(self, url: str, fields: dict[str, str]) -> str:
        """What a person reads of the answer to a form."""
        raise NotImplementedError

    def cookies(self) -> str:
        """The cookies it keeps."""
        raise NotImplementedError

    def submit(self, url: str, number: int, /, **fields: str) -> str:
        """Send a form of the page at this address; what a person reads of the answer."""
        method, action, given = Forms(self.source(url), url).forms[number]
        assert set(fields) <= set(given), (fields, given)
        given.update(fields)
        if method == "post":
            return self.post(action, given)
        return self.text(action.partition("?")[0] + "?" + urlencode(given))


class Lynx(TextBrowser):
    """lynx."""

    name = "lynx"

    def __init__(self, folder: Path, ca: Path, proxy: Proxy) -> None:
        """Write its configuration."""
        super().__init__(folder, ca, proxy)
        self._jar = folder / "cookies"
        lines = (
            "PERSISTENT_COOKIES:TRUE", "ACCEPT_ALL_COOKIES:TRUE", f"COOKIE_FILE:{self._jar}",
            f"COOKIE_SAVE_FILE:{self._jar}", "CHARACTER_SET:utf-8", "STARTFILE:about:blank",
        )  # fmt: skip
        (folder / "lynx.cfg").write_text("\n".join(lines) + "\n")
        self._options = (f"-cfg={folder / 'lynx.cfg'}", "-noreferer=off", "-width=200")

    def text(self, url: str) -> str:
        """Formatted by -dump."""
        return self._run(*self._options, "-dump", url)

    def source(self, url: str) -> str:
        """As it came, by -source."""
        return self._run(*self._options, "-source", url)

    def post(self, url: str, fields: dict[str, str]) -> str:
        """By -post_data."""
        data = urlencode(fields) + "\n---\n"
        return self._run(*self._options, "-dump", "-post_data", url, given=data)

    def cookies(self) -> str:
        """Its file."""
        return self._jar.read_text() if self._jar.exists() else ""


class W3m(TextBrowser):
    """w3m."""

    name = "w3m"

    def __init__(self, folder: Path, ca: Path, proxy: Proxy) -> None:
        """Collect its options."""
        super().__init__(folder, ca, proxy)
        self._options = (
            "-cookie",
            "-cols",
            "200",
            "-o",
            f"ssl_ca_file={ca}",
            "-o",
            "accept_bad_cookie=0",
        )

    def text(self, url: str) -> str:
        """Formatted by -dump."""
        return self._run(*self._options, "-dump", url)

    def source(self, url: str) -> str:
        """As it came; -dump_source does not decode."""
        return self._run(*self._options, "-o", "accept_encoding=identity", "-dump_source", url)

    def post(self, url: str, fields: dict[str, str]) -> str:
        """By -post."""
        data = self._folder / "form"
        data.write_text(urlencode(fields))
        return self._run(*self._options, "-dump", "-post", str(data), url)

    def cookies(self) -> str:
        """Its file."""
        jar = self._folder / ".w3m" / "cookie"
        return jar.read_text() if jar.exists() else ""
