"""The bank, which shows who is signed in, and two hostile sites; all behind the gateway."""

from __future__ import annotations

import html
import secrets
import threading
from pathlib import Path
from urllib.parse import parse_qs

from tests.browser.runtime.site import Answer, Asked

BANK, EVIL, AD = "https://bank.test", "https://evil.test", "https://ad.test"
STRANGER = "https://stranger.test"
"""A web site outside the gateway."""
HOSTS = ("bank.test", "evil.test", "ad.test", "stranger.test")
_FOLDER = Path(__file__).parent
_PAGE = """<!doctype html><title>{host}</title><meta charset=utf-8>
<p id=who>{who}</p>
<form id=login method=post action=/login><input name=name><button>Sign in</button></form>
<form id=pay method=post action=/pay><input name=to value=friend><button>Pay</button></form>
<p id=extra>{extra}</p>
"""


class Sites:
    """What the origins answer; remembers who signed in and with which secrets."""

    def __init__(self) -> None:
        """Nobody is signed in."""
        self.signed_in: dict[str, str] = {}
        self.secrets: set[str] = set()
        self.released = threading.Event()
        """What hangs waits for this, at most until the test's end."""

    def secret(self) -> str:
        """A cookie's value that no page prints."""
        made = "S3CR3T" + secrets.token_hex(12)
        self.secrets.add(made)
        return made

    def who(self, asked: Asked) -> str:
        """Whose the bank's session cookie in a request is."""
        for field in asked.fields.get_all("Cookie", []):
            for one in field.split("; "):
                name, _, value = one.partition("=")
                if name == "sid" and value in self.signed_in:
                    return self.signed_in[value]
        return "nobody"

    def answer(self, asked: Asked) -> Answer | None:
        """Answer a request of any of the sites."""
        if asked.path == "/login" and asked.method == "POST":
            return self._login(asked)
        if asked.path == "/hang":
            self.released.wait(60)
            return Answer(b"", "image/png")
        if asked.path == "/ws":
            return Answer()
        if asked.path.endswith(".html"):
            file = _FOLDER / asked.path.lstrip("/")
            return Answer(file.read_bytes()) if file.parent == _FOLDER else None
        if asked.path not in {"/", "/pay", "/login", "/deep/login"}:
            return None
        fields = [(name, asked.query[name]) for name in _FIELDS if name in asked.query]
        if asked.path == "/" and asked.host == "evil.test":
            fields.append(("Set-Cookie", f"seen={self.secret()}; Path=/; HttpOnly"))
        extra = asked.query.get("extra", "")
        page = _PAGE.format(host=asked.host, who=html.escape(self.who(asked)), extra=extra)
        return Answer(page.encode(), fields=tuple(fields))

    def _login(self, asked: Asked) -> Answer:
        name = parse_qs(asked.body.decode()).get("name", ["?"])[0]
        sid = self.secret()
        self.signed_in[sid] = name
        cookie = f"sid={sid}; Path=/; Secure; HttpOnly; SameSite=None"
        return Answer(fields=(("Set-Cookie", cookie), ("Location", "/")), status=303)


_FIELDS = (
    *("X-Frame-Options", "Content-Security-Policy", "Clear-Site-Data", "Cache-Control"),
    *("Referrer-Policy", "Refresh"),
)
"""What a page carries if its address says so."""
