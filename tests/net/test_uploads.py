"""Request bodies through a whole gateway: addresses in them expanded, everything else kept."""

from __future__ import annotations

import io
import json
from urllib.parse import quote

from gateway.net import uploads
from gateway.net.uploads import Mapped
from gateway.origins import Codec, parse_origin
from gateway.rewrite.outgoing import TextMapper
from tests.net.harness import DOMAIN, SHOP, Gateway, GatewayCase, host_of
from tests.net.raw import Message, Origin, reply

OURS = f"https://{host_of(SHOP)}"
FORM = b"Content-Type: application/x-www-form-urlencoded"
JSON = b"Content-Type: application/json"


class UploadTests(GatewayCase):
    """What an origin receives."""

    async def sent(
        self, gateway: Gateway, origin: Origin, body: bytes, *fields: bytes, path: str = "/"
    ) -> Message:
        """One POST as the origin saw it."""
        count = len(origin.requests)
        url = gateway.with_token(SHOP + path)
        own = (b"Origin: " + OURS.encode(), *fields)
        answer = await gateway.ask(url, *own, method=b"POST", body=body)
        self.assertEqual(answer.status, 200)
        self.assertEqual(len(origin.requests), count + 1)
        return origin.requests[-1]

    async def test_kinds(self) -> None:
        """Forms, JSON, text and multipart are mapped with a true length; files are not."""
        origin = Origin(reply(b"x"))
        gateway = await self.gateway({SHOP: origin})
        url, back = OURS + "/p?q=1", SHOP + "/p?q=1"
        part = b'--b\r\nContent-Disposition: form-data; name="a"%s\r\n\r\n%s\r\n--b--\r\n'
        file = b'; filename="x"'
        both = quote(json.dumps({"u": url}), safe=""), quote(json.dumps({"u": back}), safe="")
        for kind, body, wanted in (
            (FORM, f"a=1&u={quote(url, safe='')}", f"a=1&u={quote(back, safe='')}"),
            (FORM, f"j={both[0]}", f"j={both[1]}"),
            (FORM, "a=1", "a=1"),
            (FORM, "", ""),
            (JSON, json.dumps({"u": url, "l": [url]}), json.dumps({"u": back, "l": [back]})),
            (b"Content-Type: text/plain", url, back),
            (b"Content-Type: image/png", url, url),
            (b"Content-Type: text/plain\r\nContent-Encoding: gzip", url, url),
            (b"Content-Type: text/plain\r\nContent-Digest: x", url, url),
            (b"X-Nothing: x", url, url),
            (b"Content-Type: text/plain", f'63:42["{url}"]', f'63:42["{url}"]'),
            (b"Content-Type: multipart/form-data; boundary=b",
             (part % (b"", url.encode())).decode(), (part % (b"", back.encode())).decode()),
            (b"Content-Type: multipart/form-data; boundary=b",
             (part % (file, url.encode())).decode(), (part % (file, url.encode())).decode()),
        ):  # fmt: skip
            seen = await self.sent(gateway, origin, body.encode(), kind)
            self.assertEqual(seen.body, wanted.encode())
            self.assertEqual(seen.get(b"content-length"), b"%d" % len(wanted))
            self.assertIsNone(seen.get(b"transfer-encoding"))
        self.assertEqual(gateway.telemetry.value("gateway_bodies_mapped_total"), 5)

    async def test_queries(self) -> None:
        """An address in a query, and the token of ours beside it."""
        origin = Origin(reply(b"x"))
        gateway = await self.gateway({SHOP: origin})
        path = f"/auth?redirect_uri={quote(OURS + '/cb', safe='')}&x=%zz"
        seen = await self.sent(gateway, origin, b"", path=path)
        wanted = f"/auth?redirect_uri={quote(SHOP + '/cb', safe='')}&x=%zz"
        self.assertEqual(seen.target, wanted.encode())

    async def test_large(self) -> None:
        """In a thread, read twice, and never held whole."""
        origin = Origin(reply(b"x"))
        gateway = await self.gateway({SHOP: origin})
        body = (b'"' + OURS.encode() + b'/x", ' + b"more text " * 50) * 4000
        self.assertGreater(len(body), uploads._AT_ONCE)
        seen = await self.sent(gateway, origin, body, JSON)
        self.assertEqual(seen.body, body.replace(OURS.encode(), SHOP.encode()))
        self.assertEqual(seen.get(b"content-length"), b"%d" % len(seen.body))
        for before in range(65536 - 60, 65536 + 1, 7):
            across = b"x" * before + b" " + OURS.encode() + b" "
            seen = await self.sent(gateway, origin, across, JSON)
            self.assertEqual(seen.body, across.replace(OURS.encode(), SHOP.encode()), before)
        plain = b"nothing of ours " * 40000
        seen = await self.sent(gateway, origin, plain, JSON)
        self.assertEqual(seen.body, plain)

    async def test_switch(self) -> None:
        """``reverse-map = false`` leaves it all as it is."""
        origin = Origin(reply(b"x"))
        rules = f'[[access]]\norigin = "{SHOP}"\nreverse-map = false\n'
        gateway = await self.gateway({SHOP: origin}, rules=rules)
        path = f"/p?u={OURS}"
        seen = await self.sent(gateway, origin, OURS.encode(), JSON, path=path)
        self.assertEqual((seen.body, seen.target), (OURS.encode(), path.encode()))


class MappedTests(GatewayCase):
    """A file as its mapper gives it."""

    def test_reads(self) -> None:
        """In parts, with nothing only at the end, and closed with its source."""
        parsed = parse_origin(SHOP)
        assert parsed is not None
        source = io.BytesIO(b"x" * 500 + OURS.encode())
        mapped = Mapped(source, TextMapper(Codec(DOMAIN)))
        pieces = []
        while piece := mapped.read(100):
            pieces.append(piece)
        self.assertEqual(b"".join(pieces), b"x" * 500 + SHOP.encode())
        self.assertEqual(mapped.read(100), b"")
        mapped.close()
        self.assertTrue(source.closed)
