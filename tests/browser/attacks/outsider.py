"""The attacker's own client: it has a session of its own and sends what it likes."""

from __future__ import annotations

import http.client
import json
import ssl

import attrs

from gateway import wire


@attrs.frozen
class Reply:
    """An answer as it came."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    @property
    def set_cookies(self) -> list[str]:
        """The Set-Cookie fields."""
        return [value for name, value in self.fields if name.lower() == "set-cookie"]


class Outsider:
    """Speaks to a stack's gateway without a browser; ``cookies`` is its session."""

    def __init__(self, stack) -> None:
        """Get a session as anybody can."""
        self._stack = stack
        self.cookies: dict[str, str] = {}
        secure = stack.codec.secure_origin
        reply = self.ask(secure + wire.BOOTSTRAP_PATH, "POST", b"{}", Origin=secure)
        self.minted = json.loads(reply.body)
        for one in reply.set_cookies:
            name, _, value = one.partition(";")[0].partition("=")
            self.cookies[name] = value

    def ask(self, url: str, method: str = "GET", body: bytes | None = None, **fields: str) -> Reply:
        """One request; ``fields`` with underscores for hyphens."""
        host, slash, target = url.removeprefix("https://").partition("/")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self._stack.port, context=context, timeout=30
        )
        try:
            named = {name.replace("_", "-"): value for name, value in fields.items()}
            if self.cookies:
                named.setdefault("Cookie", self.cookie_field)
            connection.request(method, slash + target, body, {"Host": host, **named})
            answer = connection.getresponse()
            return Reply(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    @property
    def cookie_field(self) -> str:
        """Its session as a Cookie field."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def document(self, url: str) -> str:
        """A site's page as the attacker's browser would get it in the outer frame."""
        reply = self.ask(
            self._stack.codec.collapse_url(url),
            Accept="text/html",
            Referer=self._stack.codec.secure_origin + "/",
            Sec_Fetch_Mode="navigate",
            Sec_Fetch_Dest="iframe",
            Sec_Fetch_Site="same-site",
        )
        assert reply.status == 200, reply.status
        return reply.body.decode()
