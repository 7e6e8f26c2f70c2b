"""No secret leaves the gateway: not by log, store, metrics, operator's page or error pages.

A demo runs in this process; everything that it says is searched for everything secret.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from urllib.parse import quote

from twisted.logger import globalLogPublisher

from gateway import wire
from gateway.ops.log import JsonLines
from tests.demo.test_run import DemoCase
from tests.ops import Reply, connect, fetch

QUERY, VALUE, FRAGMENT = "qu3rys3cret", "c00kievalues3cret", "fr4gments3cret"
TYPED, PATTERN = "typ3ds3cret", "passw0rds3cret"


class SecretsTests(DemoCase):
    """A day in the life of a gateway, overheard."""

    def setUp(self) -> None:
        """Listen to the log as an operator's file would."""
        super().setUp()
        self.log = io.StringIO()
        observer = JsonLines(self.log)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.errors: list[Reply] = []

    def _shop(self, scheme: str = "https") -> str:
        return f"{scheme}-shop-demo-example.0.{self.options.domain}"

    async def _framed(self, host: str, target: str, cookie: str, **more: object) -> Reply:
        fields = {
            "Cookie": cookie,
            "Referer": f"{self.secure}/",
            "Sec_Fetch_Mode": "navigate",
            "Sec_Fetch_Dest": "iframe",
            "Sec_Fetch_Site": "same-site",
            "Accept": "text/html",
            **more,
        }
        reply = await self.ask(host, target, **fields)
        if reply.status >= 400:
            self.errors.append(reply)
        return reply

    async def _visit(self, cookie: str) -> None:
        """Use the shop, so that it sets a cookie with a value that was typed."""
        page = await self._framed(self._shop(), "/", cookie)
        found = re.search(rb'"token":"([^"]+)"', page.body)
        assert found is not None, page
        self.token = found[1].decode("ascii")
        target = f"/?q={QUERY}&{wire.TOKEN_PARAMETER}={self.token}"
        reply = await self._framed(
            self._shop(), target, cookie, method="POST",
            body=f"name={VALUE}".encode(), Origin=self.secure,
            Content_Type="application/x-www-form-urlencoded",
        )  # fmt: skip
        self.assertEqual(reply.status, 303, reply)
        reply = await self._framed(self._shop(), f"/?q={QUERY}", cookie)
        self.assertEqual(reply.status, 200)
        self.assertIn(VALUE.encode(), reply.body, "the cookie did not come back to the site")

    async def _faults(self, cookie: str, content: dict[str, str]) -> None:
        """Everything that can go wrong, with secrets in every place."""
        before = len(self.errors)
        domain, shop, q = self.options.domain, self._shop(), f"?q={QUERY}"
        tampered = cookie.replace(
            f"{wire.DATR_COOKIE.decode()}=1", f"{wire.DATR_COOKIE.decode()}=2"
        )
        self.assertNotEqual(tampered, cookie)
        second, _ = await self.session()
        evicted = cookie.partition("; ")[0]
        api = f"https-api-demo-example.0.{domain}"
        for host, target, sent in (
            (f"https-closed-example.0.{domain}", f"/{q}", cookie),
            (f"http-shop-demo-example.0.{domain}", f"/{q}", cookie),
            (f"https-gone-demo-example.0.{domain}", f"/{q}", cookie),
            (f"no-label.0.{domain}", f"/{q}", cookie),
            (f"x-{'a' * 32}.0.{domain}", f"/{q}", cookie),
            (shop, f"/.gateway/nothing{q}", cookie),
            (domain, f"/nothing{q}", cookie),
            (domain, f"/open?url={quote(f'{TYPED}://{QUERY}')}", cookie),
            (f"www.0.{domain}", f"/nothing{q}", cookie),
        ):
            reply = await self._framed(host, target, sent)
            self.assertGreaterEqual(reply.status, 400, (host, target))
        for sent in (tampered, evicted, f"{cookie}; {second}"):
            await self._framed(shop, f"/{q}", sent, Sec_Fetch_Site="cross-site", Referer="")
            await self._framed(api, f"/time{q}", sent, Accept="application/json")
        tokened = f"/{q}&{wire.TOKEN_PARAMETER}={self.token}"
        for target, sent in ((tokened, tampered), (f"{tokened}A", cookie), (f"/{q}", cookie)):
            reply = await self._framed(shop, target, sent, method="POST", body=b"a=b")
            self.assertEqual(reply.status, 403, target)
        secure = f"www.0.{domain}"
        for path, origin, body in (
            (wire.RESTORE_PATH, self.secure, {"restore": content["restore"][:-4] + "AAAA"}),
            (wire.RESTORE_PATH, self.secure, [content["restore"]]),
            (wire.RESTORE_PATH, "https://evil.test", {"restore": content["restore"]}),
            (wire.CHECK_PATH, self.secure, {"ickt": content["ickt"][:-4] + "AAAA"}),
            (wire.CHECK_PATH, "https://evil.test", {"ickt": content["ickt"]}),
        ):
            await self._framed(
                secure, path, cookie, method="POST", Origin=origin, body=json.dumps(body).encode()
            )
        await self._framed(
            shop, f"/{q}", cookie, Upgrade="websocket", Connection="Upgrade",
            Sec_WebSocket_Version="13", Sec_WebSocket_Key=PATTERN, Origin="https://evil.test",
        )  # fmt: skip
        self.assertGreater(len(self.errors) - before, 12)

    async def _searched(self) -> dict[str, bytes]:
        """Everything the gateway said or kept, by name."""
        admin = self.options.admin_port
        page = await fetch(admin, "/")
        metrics = await fetch(admin, "/metrics")
        self.assertEqual((page.status, metrics.status), (200, 200))
        assert self.service is not None
        await self.service.stopService()
        found = {"log": self.log.getvalue().encode(), "page": page.body, "metrics": metrics.body}
        for number, reply in enumerate(self.errors):
            text = "".join(f"{name}: {value}\n" for name, value in reply.fields)
            found[f"error {number} ({reply.status})"] = text.encode() + reply.body
        for file in self.options.folder.glob("gateway.db*"):
            with contextlib.suppress(FileNotFoundError):  # the log is merged when all is closed
                found[file.name] = file.read_bytes()
        return found

    def _no_secret(self, searched: dict[str, bytes], secrets: dict[str, bytes]) -> None:
        leaks = [
            f"{name} in {place}"
            for name, secret in secrets.items()
            for place, text in searched.items()
            if secret in text
        ]
        self.assertEqual(leaks, [])

    async def test_nothing_leaks(self) -> None:
        """Session, cookies, queries and what was typed appear nowhere."""
        await self.begin()
        cookie, content = await self.session()
        await self._visit(cookie)
        await self._faults(cookie, content)
        values = dict(one.split("=", 1) for one in cookie.split("; "))
        ick, datr = (values[name.decode()] for name in wire.OWN_COOKIES)
        secrets = {
            "ick": ick.encode(),
            "ick's octets": _decoded(ick[1:]),
            "datr": datr.encode(),
            "datr's random": datr.split(".")[4].encode(),
            "datr's MAC": datr.split(".")[5].encode(),
            "ickt": content["ickt"].encode(),
            "restore text": content["restore"].split(".")[2][:-4].encode(),
            "token": self.token.encode(),
            "cookie value": VALUE.encode(),
            "query": QUERY.encode(),
            "typed": TYPED.encode(),
            "key": PATTERN.encode(),
        }
        for secret in secrets.values():
            self.assertGreaterEqual(len(secret), 10)
        searched = await self._searched()
        self.assertIn("gateway.db", searched)
        for place, marker in (
            ("log", b"access.http"), ("log", b"destination.denied"), ("page", b"destination.denied"),
            ("page", b"session.fixation"), ("page", b"csrf.token"), ("metrics", b"session.restore"), ("gateway.db", b"SQLite"),
        ):  # fmt: skip
            self.assertIn(marker, searched[place], f"nothing to find in {place}")
        self._no_secret(searched, secrets)

    async def test_site_names_in_store(self) -> None:
        """The store does not tell which sites somebody visited, nor cookies' names."""
        await self.begin()
        cookie, _ = await self.session()
        await self._visit(cookie)
        searched = await self._searched()
        database = {name: text for name, text in searched.items() if name.startswith("gateway.db")}
        words = (b"demo.example", b"visits", b"shop")
        self._no_secret(database, {word.decode(): word for word in words})

    async def test_odd_target(self) -> None:
        """A target in absolute form, or with a fragment, is logged without either's secret."""
        await self.begin()
        shop = self._shop()
        for target in (
            f"https://{shop}/path?q={QUERY}",
            f"/path#{FRAGMENT}",
            f"/path#{FRAGMENT}?q={QUERY}",
            f"/path?q={QUERY}#{FRAGMENT}?{QUERY}",
            f"https://user:{PATTERN}@{shop}/path",
        ):
            conversation = await connect(self.options.port, shop, self.ca)
            head = f"GET {target} HTTP/1.1\r\nHost: {shop}\r\nConnection: close\r\n\r\n"
            conversation.send(head.encode())
            self.errors.append(await conversation.reply())
        secrets = {"query": QUERY, "fragment": FRAGMENT, "password": PATTERN}
        searched = await self._searched()
        self.assertIn(b"/path", searched["log"])
        own = {name: text for name, text in searched.items() if not name.startswith("error")}
        self._no_secret(own, {name: text.encode() for name, text in secrets.items()})


def _decoded(text: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
