"""Origins whose TLS is weak in every way: refused, or admitted by the exception that names it.

One table for both transports.  Each origin is there once for each exception, under a host
of its own, so that one gateway with one rule for each host serves the whole table.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from typing import Any

import attrs
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.hashes import MD5, SHA1
from OpenSSL import SSL

from gateway import events
from gateway.policy.steps import Step
from tests.net.harness import SHOP, Gateway, GatewayCase, host_of, request
from tests.net.raw import Message, Origin, reply
from tests.net.weak import Made, Server, authority, ec_key, make, rsa_key, shown
from tests.ops import temporary

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TLS10 = (SSL.TLS1_VERSION, SSL.TLS1_VERSION)
_TLS11 = (SSL.TLS1_1_VERSION, SSL.TLS1_1_VERSION)
_TLS12 = (SSL.TLS1_2_VERSION, SSL.TLS1_2_VERSION)
_TLS13 = (SSL.TLS1_3_VERSION, SSL.TLS1_3_VERSION)

# What a rule may say; TRUST stands for the anchor of the origin's own chain.
EXCEPTIONS = {
    "none": "",
    "strength": "certificate-strength = false",
    "tls10": 'minimum-tls = "1.0"',
    "tls11": 'minimum-tls = "1.1"',
    "secrecy": "forward-secrecy = false",
    "trust": 'trust = ["TRUST"]',
    "all": 'certificate-strength = false\nminimum-tls = "1.0"\nforward-secrecy = false',
    "strict": 'certificate-strength = true\nminimum-tls = "1.3"\nforward-secrecy = true',
}
ALWAYS = frozenset(EXCEPTIONS)
MODERN = ALWAYS - {"strict"}
NEVER: frozenset[str] = frozenset()


@attrs.frozen
class Case:
    """An origin's TLS, the anchor of its chain, and the exceptions that admit it."""

    server: Server
    anchor: Made
    admitted: frozenset[str]


def _by(*names: str) -> frozenset[str]:
    return frozenset(names)


@functools.cache
def cases() -> dict[str, Case]:
    """The table."""
    root, other = authority(), authority("other")
    old_root = authority("sha1-root", digest=SHA1)
    small_root = authority("small-root", 1024)
    middle = make("middle", rsa_key(2048, 1), root, is_ca=True)
    sha1_middle = make("sha1-middle", rsa_key(2048, 2), root, is_ca=True, digest=SHA1)
    small_middle = make("small-middle", rsa_key(1024, 3), root, is_ca=True)
    over_middle = make("over-middle", rsa_key(2048, 4), root, is_ca=True, days=(-9, -1))
    key, small = rsa_key(2048, 5), rsa_key(1024, 6)
    leaf = make("leaf", key, root)
    small_leaf = make("leaf", small, root)
    no_ca = make("no-ca", key, root, hosts=("no-ca.example",))
    self_signed = make("self-signed", key)
    old_self = make("old-self-signed", key, days=(-9, -1))

    def under(issuer: Made, **more: Any) -> Made:
        return make("leaf", key, issuer, **more)

    strength = _by("strength", "all")
    return {
        "good": Case(Server(under(middle), middle), root, ALWAYS),
        "good-12": Case(Server(leaf, versions=_TLS12), root, MODERN),
        "good-13": Case(Server(leaf, versions=_TLS13), root, ALWAYS),
        "curve": Case(Server(make("leaf", ec_key(), root)), root, ALWAYS),
        "edwards": Case(
            Server(make("leaf", ed25519.Ed25519PrivateKey.generate(), root)), root, ALWAYS
        ),
        "sha1-anchor": Case(Server(under(old_root)), old_root, ALWAYS),
        "expired": Case(Server(under(root, days=(-9, -1))), root, NEVER),
        "not-yet": Case(Server(under(root, days=(1, 9))), root, NEVER),
        "expired-middle": Case(Server(under(over_middle), over_middle), root, NEVER),
        "name": Case(Server(under(root, hosts=("b.example",))), root, NEVER),
        "odd-names": Case(Server(under(root, odd_names=b"\x30\x03\x82\x01\xff")), root, NEVER),
        "no-names": Case(Server(under(root, odd_names=b"\x30\x00")), root, NEVER),
        "broken-names": Case(Server(under(root, odd_names=b"\xff")), root, NEVER),
        "no-authority": Case(Server(under(no_ca), no_ca), root, NEVER),
        "sha1": Case(Server(under(root, digest=SHA1)), root, strength),
        "sha1-middle": Case(Server(under(sha1_middle), sha1_middle), root, strength),
        "md5": Case(Server(under(root, digest=MD5)), root, NEVER),
        "small": Case(Server(small_leaf), root, strength),
        "small-middle": Case(Server(under(small_middle), small_middle), root, strength),
        "small-anchor": Case(Server(under(small_root)), small_root, strength),
        "tls10": Case(Server(leaf, versions=_TLS10), root, _by("tls10", "all")),
        "tls11": Case(Server(leaf, versions=_TLS11), root, _by("tls10", "tls11", "all")),
        "tls10-small": Case(Server(small_leaf, versions=_TLS10), root, _by("all")),
        "tls10-sha1": Case(
            Server(under(root, digest=SHA1), versions=_TLS10), root, _by("all")
        ),
        "tls10-rsa": Case(
            Server(leaf, versions=_TLS10, ciphers="AES128-SHA:AES256-SHA"), root, _by("all")
        ),
        "rsa": Case(
            Server(leaf, versions=_TLS12, ciphers="AES128-GCM-SHA256:AES256-GCM-SHA384"),
            root, _by("secrecy", "all"),
        ),
        "rsa-cbc": Case(
            Server(leaf, versions=_TLS12, ciphers="AES256-SHA256"), root, _by("secrecy", "all")
        ),
        "null": Case(Server(leaf, versions=_TLS12, ciphers="NULL-SHA256"), root, NEVER),
        "anonymous": Case(
            Server(leaf, versions=_TLS12, ciphers="AECDH-AES128-SHA"), root, NEVER
        ),
        "camellia": Case(
            Server(leaf, versions=_TLS12, ciphers="CAMELLIA128-SHA256"), root, NEVER
        ),
        "self-signed": Case(Server(self_signed), self_signed, _by("trust")),
        "self-signed-expired": Case(Server(old_self), old_self, NEVER),
        "unknown": Case(Server(under(other)), other, _by("trust")),
        "missing-middle": Case(Server(under(middle)), middle, _by("trust")),
    }  # fmt: skip


def answer(seen: Message) -> bytes:
    """An origin that speaks HTTP and WebSocket."""
    key = seen.get(b"sec-websocket-key")
    if key is None:
        return reply(b"secret")
    accepted = base64.b64encode(hashlib.sha1(key + _GUID).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accepted + b"\r\n\r\n"
    )


class WeakCase(GatewayCase):
    """One request over either transport."""

    timeout = 120

    async def begin(self, rules: str, connect: dict[str, int], *roots: Made) -> Gateway:
        """A gateway that trusts these roots."""
        trust = temporary(self) / "roots.pem"
        trust.write_bytes(b"".join(root.pem for root in roots))
        return await self.gateway(rules=rules, connect=connect, trust=trust)

    async def http(self, gateway: Gateway, origin: str) -> Message:
        """The answer to a navigation."""
        return await gateway.ask(f"{origin}/")

    async def websocket(self, gateway: Gateway, origin: str) -> Message:
        """The answer to a handshake."""
        head = request(
            f"{origin}{gateway.with_token('/')}",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Version: 13",
            b"Sec-WebSocket-Key: " + base64.b64encode(b"k" * 16),
            f"Origin: https://{host_of(SHOP)}".encode(),
            b"Cookie: " + gateway.cookie,
        )
        connection = await gateway.connect()
        connection.write(head)
        found = await connection.response()
        if not connection.ended:
            connection.transport.abortConnection()
        await connection.closed()
        return found


class TableTests(WeakCase):
    """The table, row by row."""

    async def test_table(self) -> None:
        """Each origin with each exception, over HTTP and WebSocket: one verdict for both."""
        folder = temporary(self)
        rules, connect, origins = [], {}, {}
        for name, case in cases().items():
            origins[name] = Origin(answer)
            port = await self.listen(origins[name], case.server)
            anchor = folder / f"{name}.pem"
            anchor.write_bytes(case.anchor.pem)
            for exception, text in EXCEPTIONS.items():
                host = f"{name}--{exception}.site.example"
                connect[host] = port
                said = text.replace("TRUST", str(anchor))
                rules.append(f'[[access]]\norigin = "https://{host}"\n{said}\n')
        roots = (authority(), authority("sha1-root", digest=SHA1), authority("small-root", 1024))
        gateway = await self.begin("".join(rules), connect, *roots)
        wrong = []
        for name, case in cases().items():
            for exception in EXCEPTIONS:
                admitted = exception in case.admitted or (
                    exception == "trust" and "none" in case.admitted
                )
                for ask, good in ((self.http, 200), (self.websocket, 101)):
                    gateway.telemetry.events.clear()
                    origins[name].requests.clear()
                    found = await ask(gateway, f"https://{name}--{exception}.site.example")
                    row = (name, exception, ask.__name__, found.status)
                    if found.status != (good if admitted else 502):
                        wrong.append((*row, list(gateway.telemetry.events)))
                    if not admitted:
                        wrong += self.explained(gateway, found, row)
                        if origins[name].requests:
                            wrong.append((*row, "a request reached the origin"))
        self.assertEqual(wrong, [], "\n".join(map(str, wrong)))

    def explained(self, gateway: Gateway, found: Message, row: tuple[Any, ...]) -> list[Any]:
        """The log has step and rule; the page has nothing of it."""
        denied = [one for one in gateway.telemetry.events if one["code"] == events.TRANSPORT_DENIED]
        if len(denied) != 1:
            return [(*row, "not one refusal in the log", list(gateway.telemetry.events))]
        (line,) = denied
        if (
            line["step"] != Step.TRANSPORT
            or ": " not in line["rule"]
            or "site.example" not in line["detail"]
        ):
            return [(*row, "the log lacks step or rule", line)]
        for word in (b"ertificate", b"TLS", b"SSL", b"cipher", b"expired", b"sha1", b"trust",
                     b"127.0.0.1", b"access", b"rule"):  # fmt: skip
            if word in found.body:
                return [(*row, "the page tells", word)]
        return []

    async def test_trust_replaces(self) -> None:
        """Where another CA was named, a chain that is good everywhere else is not."""
        good, other = cases()["good"], authority("other")
        port = await self.listen(Origin(answer), good.server)
        pem = temporary(self) / "other.pem"
        pem.write_bytes(other.pem)
        system = 'trust = ["system"]'
        rules = "".join(
            f'[[access]]\norigin = "https://{host}.site.example"\n{said}\n'
            for host, said in (("a", f'trust = ["{pem}"]'), ("b", ""), ("c", system))
        )
        connect = {f"{host}.site.example": port for host in "abc"}
        gateway = await self.begin(rules, connect, authority())
        for ask in (self.http, self.websocket):
            for host, status in (("a", 502), ("b", 101 if ask == self.websocket else 200),
                                 ("c", 502)):  # fmt: skip
                gateway.telemetry.events.clear()
                found = await ask(gateway, f"https://{host}.site.example")
                self.assertEqual(found.status, status, host)
                if status == 502:
                    (line,) = gateway.telemetry.events
                    self.assertTrue(line["rule"].startswith("trust: access test.toml:"), line)

    def test_ciphers_that_are_gone(self) -> None:
        """OpenSSL no longer has RC4, DES and export ciphers: no server here can offer them."""
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        for name in ("RC4-SHA", "DES-CBC3-SHA", "EXP-RC4-MD5"):
            try:
                context.set_cipher_list(f"{name}:@SECLEVEL=0".encode())
            except SSL.Error:
                continue
            names = SSL.Connection(context, None).get_cipher_list()
            self.assertEqual([one for one in names if not one.startswith("TLS_")], [], name)


class ClientCertificateTests(WeakCase):
    """A client certificate is shown where it was named, and nowhere else."""

    def asking(self, hosts: tuple[str, ...], *, location: str = "", root: str = "root") -> Any:
        """An origin that asks for a certificate, what it saw, and its TLS; maybe it redirects."""
        saw: list[str | None] = []

        def see(seen: Message) -> bytes:
            saw.append(shown(seen.connection.transport))
            if location and seen.get(b"upgrade") is None:
                field = b"Location: " + location.encode()
                return reply(b"", field, status=b"302 Found")
            return answer(seen)

        made = make("server", rsa_key(2048, 5), authority(root), hosts=hosts)
        return Origin(see), saw, Server(made, asks_clients=True)

    async def setting(
        self, rule: str, targets: dict[str, tuple[Any, Any]], *more: str
    ) -> tuple[Gateway, Made]:
        """A gateway that has a certificate for ``rule``; ``targets``: hosts and their origins."""
        folder = temporary(self)
        client = make("partner", ec_key(), authority("clients"), hosts=("gateway.example",))
        (folder / "client.pem").write_bytes(client.pem)
        (folder / "client.key").write_bytes(client.key_pem)
        rules = (
            f'[[access]]\norigin = "{rule}"\nclient-certificate = "{folder}/client.pem"\n'
            f'client-key = "{folder}/client.key"\n' + "".join(more)
        )
        connect = {}
        for host, (origin, tls) in targets.items():
            connect[host] = await self.listen(origin, tls)
        return await self.begin(rules, connect, authority()), client

    async def test_shown(self) -> None:
        """To the host of its rule over both transports; its chain and key are used."""
        origin, saw, tls = self.asking(("*.site.example",))
        gateway, _ = await self.setting("https://a.site.example", {"a.site.example": (origin, tls)})
        for ask, status in ((self.http, 200), (self.websocket, 101)):
            found = await ask(gateway, "https://a.site.example")
            self.assertEqual(found.status, status)
        self.assertEqual(saw, ["partner", "partner"])

    async def test_nowhere_else(self) -> None:
        """Not to another host, subdomain, port, or a name that looks alike, on one server."""
        origin, saw, tls = self.asking(("*.site.example", "*.a.site.example"))
        one = (origin, tls)
        hosts = ("a.site.example", "b.site.example", "x.a.site.example", "aa.site.example")
        gateway, _ = await self.setting("https://a.site.example:443", dict.fromkeys(hosts, one))
        asked = ["https://a.site.example", *(f"https://{host}" for host in hosts[1:]),
                 "https://a.site.example:8443", "https://a.site.example"]  # fmt: skip
        for ask, status in ((self.http, 200), (self.websocket, 101)):
            saw.clear()
            for address in asked:
                found = await ask(gateway, address)
                self.assertEqual(found.status, status, address)
            self.assertEqual(saw, ["partner", *[None] * (len(asked) - 2), "partner"])

    async def test_redirect(self) -> None:
        """An origin that redirects to another does not take the certificate along."""
        from_a, saw_a, tls_a = self.asking(
            ("a.site.example",), location="https://evil.site.example/catch"
        )
        evil, saw_evil, tls_evil = self.asking(("evil.site.example",))
        gateway, _ = await self.setting(
            "https://a.site.example",
            {"a.site.example": (from_a, tls_a), "evil.site.example": (evil, tls_evil)},
        )
        found = await self.http(gateway, "https://a.site.example")
        self.assertEqual(found.status, 302)
        where = found.get(b"location") or b""
        self.assertIn(host_of("https://evil.site.example").encode(), where)
        self.assertEqual((saw_a, saw_evil), (["partner"], []))  # nobody follows it but the client
        self.assertEqual((await self.http(gateway, "https://evil.site.example")).status, 200)
        self.assertEqual(saw_evil, [None])

    async def test_impostor(self) -> None:
        """A server that cannot prove its name learns no certificate."""
        seen: list[str | None] = []
        for hosts, root in ((("b.example",), "root"), (("a.site.example",), "other")):
            origin, saw, tls = self.asking(hosts, root=root)
            made = tls.serverConnectionForTLS
            held: list[Any] = []

            def remember(protocol: Any, made: Any = made, held: Any = held) -> Any:
                held.append(made(protocol))
                return held[-1]

            tls.serverConnectionForTLS = remember
            gateway, _ = await self.setting(
                "https://a.site.example", {"a.site.example": (origin, tls)}
            )
            for ask in (self.http, self.websocket):
                self.assertEqual((await ask(gateway, "https://a.site.example")).status, 502)
            self.assertEqual((len(held), saw), (2, []))
            seen += [one.get_peer_certificate() for one in held]
        self.assertEqual(seen, [None] * 4)

    async def test_pool(self) -> None:
        """A connection that shows a certificate serves only requests whose rules name it."""
        origin, saw, tls = self.asking(("*.site.example",))
        gateway, _ = await self.setting("https://a.site.example", {"a.site.example": (origin, tls)})
        await self.http(gateway, "https://a.site.example")
        handler = gateway.service._handler
        policy = handler.context.policy
        plain = attrs.evolve(
            policy, access=tuple(attrs.evolve(rule, client=None) for rule in policy.access)
        )
        for rules, expected in ((plain, None), (policy, "partner"), (plain, None)):
            handler.context = attrs.evolve(handler.context, policy=rules)
            await self.http(gateway, "https://a.site.example")
            self.assertEqual(saw[-1], expected)
        self.assertEqual(len(origin.connections), 2)
