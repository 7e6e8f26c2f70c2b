"""The containment policy is on every response that could become a document or a worker.

Over the wire: every kind of body, every status, whatever the request says that it is for.  A
browser takes what it gets for what it likes (an image of a frame is a document, too), so the
policy is on all of them.
"""

from __future__ import annotations

from gateway import wire
from tests.net.harness import DOMAIN, SHOP, Gateway, GatewayCase, host_of
from tests.net.raw import Message, Origin, reply

HOSTS = f"https://*.0.{DOMAIN}"
PAGE = b"<!doctype html><title>x</title><p>x"
XML = b'<?xml version="1.0"?><?xml-stylesheet href="https://evil.test/x.xsl"?><x/>'
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
MIXED = b"--b\r\nContent-Type: text/html\r\n\r\n<p>one\r\n--b--\r\n"
# What an origin answers: body, status, fields.
BODIES: dict[str, tuple[bytes, int, tuple[bytes, ...]]] = {
    "html": (PAGE, 200, (b"Content-Type: text/html",)),
    "html with a policy": (
        PAGE,
        200,
        (b"Content-Type: text/html", b"Content-Security-Policy: default-src *"),
    ),
    "html with policies": (
        PAGE,
        200,
        (
            b"Content-Type: text/html",
            *(b"Content-Security-Policy: img-src https://%d.test" % one for one in range(30)),
        ),
    ),
    "html of another charset": (PAGE, 200, (b"Content-Type: text/html; charset=utf-16le",)),
    "html of an unknown coding": (
        PAGE,
        200,
        (b"Content-Type: text/html", b"Content-Encoding: compress"),
    ),
    "attachment": (PAGE, 200, (b"Content-Type: text/html", b"Content-Disposition: attachment")),
    "part": (PAGE, 206, (b"Content-Type: text/html", b"Content-Range: bytes 0-34/99")),
    "xhtml": (PAGE, 200, (b"Content-Type: application/xhtml+xml",)),
    "svg": (SVG, 200, (b"Content-Type: image/svg+xml",)),
    "xml": (XML, 200, (b"Content-Type: text/xml",)),
    "feed": (XML, 200, (b"Content-Type: application/rss+xml",)),
    "xslt": (XML, 200, (b"Content-Type: application/xslt+xml",)),
    "mathml": (XML, 200, (b"Content-Type: application/mathml+xml",)),
    "plain": (PAGE, 200, (b"Content-Type: text/plain",)),
    "plain, not sniffed": (
        PAGE,
        200,
        (b"Content-Type: text/plain", b"X-Content-Type-Options: nosniff"),
    ),
    "pdf": (b"%PDF-1.7", 200, (b"Content-Type: application/pdf",)),
    "json": (b"{}", 200, (b"Content-Type: application/json",)),
    "script": (b"1", 200, (b"Content-Type: text/javascript",)),
    "sheet": (b"a{}", 200, (b"Content-Type: text/css",)),
    "image": (b"GIF89a", 200, (b"Content-Type: image/gif",)),
    "video": (b"x", 200, (b"Content-Type: video/mp4",)),
    "octets": (PAGE, 200, (b"Content-Type: application/octet-stream",)),
    "unknown": (PAGE, 200, (b"Content-Type: x/y",)),
    "no type": (PAGE, 200, ()),
    "types": (PAGE, 200, (b"Content-Type: text/plain", b"Content-Type: text/html")),
    "mixed": (MIXED, 200, (b"Content-Type: multipart/x-mixed-replace; boundary=b",)),
    "archive": (MIXED, 200, (b"Content-Type: multipart/related; boundary=b",)),
    "archive by its own name": (MIXED, 200, (b"Content-Type: message/rfc822",)),
    "cache manifest": (b"CACHE MANIFEST", 200, (b"Content-Type: text/cache-manifest",)),
    "events": (b"data: x\n\n", 200, (b"Content-Type: text/event-stream",)),
    "empty": (b"", 200, (b"Content-Type: text/html",)),
    "status 204": (b"", 204, ()),
    "status 205": (b"", 205, ()),
    "status 304": (b"", 304, (b'ETag: "x"',)),
    **{
        f"status {status}": (PAGE, status, (b"Content-Type: text/html", b"Location: /there"))
        for status in (301, 302, 303, 307, 308)
    },
    "status 300": (PAGE, 300, (b"Content-Type: text/html",)),
    **{
        f"status {status}": (PAGE, status, (b"Content-Type: text/html",))
        for status in (400, 401, 403, 404, 407, 410, 418, 429, 451, 500, 502, 503, 599)
    },
    "refresh": (PAGE, 200, (b"Content-Type: text/html", b"Refresh: 0; url=https://evil.test/")),
}
FOR = (
    b"iframe", b"frame", b"embed", b"object", b"worker", b"sharedworker", b"serviceworker",
    b"empty", b"image", b"script", b"style", b"manifest", b"xslt", b"audioworklet", b"",
)  # fmt: skip


def policies(answer: Message) -> list[str]:
    """Those that are enforced."""
    return [one.decode() for one in answer.all(b"content-security-policy")]


def directives_of(policy: str) -> dict[str, str]:
    """What it loads, and from where; not who may frame it."""
    found = dict(one.strip().partition(" ")[::2] for one in policy.split(";"))
    return {name: sources for name, sources in found.items() if name != "frame-ancestors"}


def contains(policy: str) -> bool:
    """Whether a policy is the containment: every host in it is a rewrite host."""
    directives = directives_of(policy)
    wanted = ("default-src", "connect-src", "frame-src", "form-action", "base-uri")
    hosts = [
        source
        for name, sources in directives.items()
        if name != "report-uri"
        for source in sources.split()
        if "//" in source
    ]
    return all(HOSTS in directives.get(one, "").split() for one in wanted) and set(hosts) <= {
        HOSTS,
        HOSTS.replace("https", "wss"),
    }


def is_closed(policy: str) -> bool:
    """Whether a page of the gateway's own can load nothing from another host."""
    directives = directives_of(policy)
    return directives.get("default-src") == "'none'" and "//" not in "".join(directives.values())


UNREAD = {"html of another charset", "html of an unknown coding", "part"}
"""What is refused to a worker, before which the runtime could not be put."""


class ContainmentTests(GatewayCase):
    """What sites send."""

    timeout = 120

    async def _ask(self, gateway: Gateway, wanted: bytes, method: bytes = b"GET") -> Message:
        mode = b"navigate" if wanted in {b"iframe", b"frame"} else b"no-cors"
        fields = [b"Sec-Fetch-Dest: " + wanted, b"Sec-Fetch-Mode: " + mode] if wanted else []
        url = f"{SHOP}/p" if mode == b"navigate" else gateway.with_token(f"{SHOP}/p")
        return await gateway.ask(
            url, b"Origin: https://" + host_of(SHOP).encode(), *fields, method=method
        )

    async def test_every_kind(self) -> None:
        """One policy of ours, as it is, beside whatever the site's are."""
        answers: list[bytes] = []
        gateway = await self.gateway({SHOP: Origin(lambda _: answers[-1])})
        for name, (body, status, fields) in BODIES.items():
            answers.append(reply(body, *fields, status=b"%d x" % status))
            for wanted in FOR if name in {"html", "script", "image"} else (b"iframe", b"worker"):
                answer = await self._ask(gateway, wanted)
                found = policies(answer)
                if wanted == b"worker" and answer.status == 502 != status:
                    # It could not be read, so nothing of it went out.
                    self.assertIn(name, UNREAD)
                    self.assertNotIn(body, answer.body)
                    continue
                self.assertEqual(
                    len([one for one in found if contains(one)]), 1, (name, wanted, found)
                )

    async def test_methods(self) -> None:
        """HEAD and POST, too."""
        gateway = await self.gateway({SHOP: Origin(reply(PAGE, b"Content-Type: text/html"))})
        for method in (b"HEAD", b"POST", b"OPTIONS", b"PUT"):
            answer = await self._ask(gateway, b"empty", method)
            self.assertTrue(any(map(contains, policies(answer))), (method, answer.status))

    async def test_no_origin(self) -> None:
        """What the gateway says itself on a site's host loads nothing from anywhere."""
        gateway = await self.gateway({SHOP: Origin(reply(PAGE))})
        closed = f"https://gone.{SHOP.partition('://')[2]}"
        for url in (
            f"{closed}/",  # nothing listens there, or no rule opens it
            f"{SHOP}{wire.GATEWAY_PATH}nothing",
            f"{SHOP}{wire.GATEWAY_PATH}oops",
            f"{SHOP}{wire.REPORT_PATH}",
        ):
            answer = await gateway.ask(url, b"Sec-Fetch-Dest: iframe", b"Accept: text/html")
            found = policies(answer)
            empty = not answer.body
            self.assertTrue(
                empty or any(contains(one) or is_closed(one) for one in found), (url, found)
            )
