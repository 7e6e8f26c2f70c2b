"""Reloads: all or nothing, while requests run; what needs a restart; what is asked for twice."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import attrs
from OpenSSL import SSL
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from gateway import events
from gateway.errors import ConfigurationError
from gateway.exchange.messages import Context
from gateway.net.http import Handler
from gateway.net.listener import ReloadingCertificate
from gateway.net.peer import Contexts
from gateway.net.upstream import Upstream
from gateway.ops import keyfile
from gateway.ops.config import Config, parse_config
from gateway.ops.metrics import Telemetry
from gateway.ops.reload import Reloads, attempt, changes, gently
from gateway.origins import parse_origin
from gateway.pages.render import Pages
from gateway.policy.engine import Ask, Question, decide
from tests.net.h2client import Http2Factory
from tests.net.harness import (
    DOMAIN,
    SHOP,
    Gateway,
    GatewayCase,
    Remembering,
    ca,
    request,
)
from tests.net.raw import Connection, Message, Origin, reply, until
from tests.ops import temporary

NAVIGATION = 'href = "https://*.site.example"'
OTHER = "https://other.site.example"
_TEXT = """\
domain = "gw.test"
listen = ["tcp:1"]
[http]
redirect-listen = ["tcp:2"]
[tls]
certificate = "/etc/hosts"
key = "/etc/hosts"
[store]
url = "rediss://user@one:1"
password-file = "{password}"
mode = "single"
[admin]
listen = ["tcp:3"]
[limits]
connections = 5
"""


class ChangesTests(SynchronousTestCase):
    """What cannot change while a process runs."""

    def setUp(self) -> None:
        self.password = temporary(self) / "password"
        self.password.write_text("s3cr3t")

    def _config(self, *edits: tuple[str, str]) -> Config:
        text = _TEXT.format(password=self.password)
        for before, after in edits:
            self.assertEqual(text.count(before), 1, before)
            text = text.replace(before, after)
        return parse_config(text, "g.toml", Path("g.toml"))

    def test_table(self) -> None:
        """Each such key is a fault that names it, with what is found and what runs."""
        running = self._config()
        listen, store, limits = 'listen = ["tcp:1"]', 'mode = "single"', "[limits]"
        for before, after, key in (
            ('"gw.test"', '"other.test"', "domain"),
            (listen, f"{listen}\npublic-port = 8443", "public-port"),
            (listen, f'{listen}\nrewrite-domain = "i.test"', "rewrite-domain"),
            ('["tcp:1"]', '["tcp:1", "tcp:4"]', "listen"),
            ('["tcp:2"]', "[]", "http.redirect-listen"),
            ('["tcp:3"]', '["tcp:3:interface=::1"]', "admin.listen"),
            (limits, '[keys]\nfile = "other"\n[limits]', "keys.file"),
            ("user@one:1", "user@one:2", "store.url"),
            ("rediss://user@one:1", "sqlite:///x", "store.url"),
            (store, f"{store}\ndurable = false", "store.durable"),
            (store, 'mode = "sentinel"\nservice = "x"', "store.mode"),
            (store, f'{store}\nservice = "x"', "store.service"),
            (store, f'{store}\nuser = "x"', "store.user"),
            (store, f'{store}\ntrust = ["/etc/hosts"]', "store.trust"),
            (store, f"{store}\nreplicas = 1", "store.replicas"),
            (limits, f"{limits}\nstore-seconds = 1", "limits.store-seconds"),
            (limits, f"{limits}\nstore-stale-days = 1", "limits.store-stale-days"),
            (limits, f'[emulation]\nfolder = ""\n{limits}', "emulation.folder"),
        ):
            faults = changes(running, self._config((before, after)))
            self.assertTrue(faults[0].startswith(f"g.toml: {key}: found "), faults)
            self.assertIn(", running with ", faults[0])
            self.assertNotIn("user@", faults[0])
            self.assertTrue(all(one.endswith(": restart needed") for one in faults), faults)
            # And it is the whole way round as well.
            back = changes(self._config((before, after)), running)
            self.assertEqual(len(back), len(faults))

    def test_secret(self) -> None:
        """The store's password is not said."""
        running = self._config()
        self.password.write_text("an0ther")
        (fault,) = changes(running, self._config())
        self.assertTrue(fault.startswith("g.toml: store.password-file: "), fault)
        self.assertNotIn("s3cr3t", fault)
        self.assertNotIn("an0ther", fault)

    def test_all_at_once(self) -> None:
        """Every one of them, not the first."""
        changed = self._config(('["tcp:1"]', '["tcp:5"]'), ('["tcp:3"]', '["tcp:6"]'))
        self.assertEqual(len(changes(self._config(), changed)), 2)

    def test_others(self) -> None:
        """All else is taken as it comes."""
        changed = self._config(
            ("connections = 5", "connections = 6\n[[allow-navigation]]\nhref = '*'"),
            ('certificate = "/etc/hosts"', 'certificate = "/etc/passwd"'),
        )
        self.assertEqual(changes(self._config(), changed), [])
        self.assertEqual(changes(self._config(), self._config()), [])

    def test_gently(self) -> None:
        """While much is read nobody collects and threads change often; then all is as before."""
        before = sys.getswitchinterval(), gc.isenabled()
        self.assertTrue(before[1])
        with self.assertRaises(ZeroDivisionError):
            with gently():
                self.assertFalse(gc.isenabled())
                self.assertLess(sys.getswitchinterval(), before[0])
                raise ZeroDivisionError
        self.assertAlmostEqual(sys.getswitchinterval(), before[0])
        self.assertTrue(gc.isenabled())
        gc.disable()
        self.addCleanup(gc.enable)
        with gently():
            pass
        self.assertFalse(gc.isenabled())

    def test_attempt(self) -> None:
        """Faults of several makings are gathered; what can be made is."""
        faults: list[str] = []

        def bad() -> int:
            raise ConfigurationError(["a", "b"])

        self.assertEqual((attempt(faults, bad), attempt(faults, lambda: 3)), (None, 3))
        attempt(faults, bad)
        self.assertEqual(faults, ["a", "b", "a", "b"])


class ReloadsTests(SynchronousTestCase):
    """One after another."""

    def setUp(self) -> None:
        self.telemetry = Remembering()
        self.reading: list[Deferred[Any]] = []
        self.swapped: list[Any] = []
        self.why_not = ""
        self.reloads = Reloads(self.read, self.swap, lambda: self.why_not, self.telemetry)

    def read(self) -> Deferred[Any]:
        self.reading.append(Deferred())
        return self.reading[-1]

    def swap(self, built: Any) -> str:
        self.swapped.append(built)
        return "rules"

    def test_what_was_there_goes(self) -> None:
        """What the start left alone is collected with the rest once it was replaced, not before."""
        gc.freeze()
        self.addCleanup(gc.unfreeze)
        for result, kept in ((Failure(ConfigurationError(["a"])), True), ("a", False)):
            done = self.reloads.ask()
            self.reading[-1].callback(result)
            self.successResultOf(done)
            self.assertEqual(gc.get_freeze_count() > 0, kept)

    def outcomes(self) -> tuple[float, float]:
        value = self.telemetry.value
        name = "gateway_config_reloads_total"
        return value(name, outcome="applied"), value(name, outcome="refused")

    def test_one(self) -> None:
        """What was read is swapped in, counted, timed and said."""
        self.assertEqual(self.outcomes(), (0, 0))
        done = self.reloads.ask()
        self.assertEqual((self.swapped, done.called), ([], False))
        self.reading[0].callback("a")
        self.successResultOf(done)
        self.assertEqual((self.swapped, self.outcomes()), (["a"], (1, 0)))
        (event,) = self.telemetry.events
        self.assertEqual(event["code"], events.RELOADED)
        self.assertRegex(event["detail"], r"\Arules; \d+ ms\Z")
        self.assertGreater(self.telemetry.value("gateway_config_loaded_time"), 1e9)

    def test_several(self) -> None:
        """However many are asked for while one runs, one more follows: it reads the last file."""
        asked = [self.reloads.ask() for _ in range(5)]
        self.assertEqual(len(self.reading), 1)
        self.reading[0].callback("a")
        self.assertEqual((len(self.reading), self.swapped), (2, ["a"]))
        self.assertFalse(any(one.called for one in asked))
        self.reading[1].callback("b")
        for one in asked:
            self.successResultOf(one)
        self.assertEqual((len(self.reading), self.swapped), (2, ["a", "b"]))
        again = self.reloads.ask()
        self.reading[2].callback("c")
        self.successResultOf(again)
        self.assertEqual(self.swapped, ["a", "b", "c"])

    def test_faults(self) -> None:
        """Each fault is an event of its own, the reload is refused once; the next one works."""
        done = self.reloads.ask()
        self.reading[0].errback(ConfigurationError(["one", "two"]))
        self.successResultOf(done)
        told = [(one["code"], one["detail"]) for one in self.telemetry.events]
        refused = events.RELOAD_REFUSED
        self.assertEqual(told, [(refused, "one"), (refused, "two")])
        self.assertEqual((self.swapped, self.outcomes()), ([], (0, 1)))
        self.assertEqual(self.telemetry.value("gateway_config_loaded_time"), 0)
        done = self.reloads.ask()
        self.reading[1].callback("b")
        self.successResultOf(done)
        self.assertEqual((self.swapped, self.outcomes()), (["b"], (1, 1)))

    def test_surprise(self) -> None:
        """What nobody foresaw refuses the reload too; its text may quote secrets and stays out."""
        done = self.reloads.ask()
        self.reading[0].errback(ZeroDivisionError("s3cr3t"))
        self.successResultOf(done)
        (event,) = self.telemetry.events
        self.assertEqual(event["code"], events.RELOAD_REFUSED)
        self.assertIn("ZeroDivisionError", event["detail"])
        self.assertNotIn("s3cr3t", event["detail"])
        self.assertEqual(self.outcomes(), (0, 1))

    def test_stopping(self) -> None:
        """Refused while the gateway stops, also when it began to while the file was read."""
        self.why_not = "stopping"
        self.successResultOf(self.reloads.ask())
        self.assertEqual(self.reading, [])
        self.assertIn("the gateway is stopping", self.telemetry.events[0]["detail"])
        self.why_not = ""
        done = self.reloads.ask()
        self.why_not = "stopping"
        self.reading[0].callback("a")
        self.successResultOf(done)
        self.assertEqual((self.swapped, self.outcomes()), ([], (0, 2)))

    def test_at_once(self) -> None:
        """Answers that are there at once do no harm."""
        reloads = Reloads(lambda: succeed("x"), self.swap, lambda: "", Telemetry())  # type: ignore[arg-type]
        self.successResultOf(reloads.ask())
        self.successResultOf(reloads.ask())
        self.assertEqual(self.swapped, ["x", "x"])


def _slow_origin(waiting: list[Any]) -> Origin:
    """An origin whose ``/slow`` says half of what it has, and the rest when it is told to."""

    def answer(seen: Message) -> bytes | None:
        if seen.target != b"/slow":
            return reply(b"at once")
        waiting.append(seen.connection)
        seen.connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ")
        return None

    return Origin(answer)


class RunningTests(GatewayCase):
    """Requests over real sockets, before, during and after."""

    async def test_streaming(self) -> None:
        """What is under way ends as it began, though its rule is gone; the next is refused."""
        waiting: list[Any] = []
        gateway = await self.gateway({SHOP: _slow_origin(waiting)}, http2=True)
        client = await gateway.connect()
        client.write(request(f"{SHOP}/slow", b"Cookie: " + gateway.cookie))
        second: Any = await self.client(gateway.port, factory=Http2Factory())
        second.cookie = gateway.cookie
        stream = second.ask(f"{SHOP}/slow")
        await until(lambda: b"half" in client.buffer and stream.body == b"half ")
        change = (NAVIGATION, f'href = "{OTHER}"')
        self.assertEqual(await gateway.reload(change), events.RELOADED)
        for one in waiting:
            one.write(b"whole")
        answer = await client.response()
        self.assertEqual((answer.status, answer.body), (200, b"half whole"))
        self.assertEqual((await stream.done()).body, b"half whole")
        client.write(request(f"{SHOP}/", b"Cookie: " + gateway.cookie))
        self.assertEqual((await client.response()).status, 403)

    async def test_rules_come_and_go(self) -> None:
        """The next request on a kept connection sees the new rules, HTTP/1.1 and HTTP/2 alike."""
        gateway = await self.gateway(
            {SHOP: Origin(reply(b"shop")), OTHER: Origin(reply(b"other"))}, http2=True
        )
        first: Connection = await gateway.connect()
        second: Any = await self.client(gateway.port, factory=Http2Factory())
        second.cookie = gateway.cookie

        async def asked() -> list[tuple[int, int]]:
            found = []
            for origin in (SHOP, OTHER):
                first.write(request(f"{origin}/", b"Cookie: " + gateway.cookie))
                answer = await first.response()
                found.append((answer.status, (await second.ask(f"{origin}/").done()).status))
            return found

        self.assertEqual(await asked(), [(200, 200), (200, 200)])
        await gateway.reload((NAVIGATION, f'href = "{SHOP}"'))
        self.assertEqual(await asked(), [(200, 200), (403, 403)])
        await gateway.reload((f'href = "{SHOP}"', f'href = "{OTHER}"'))
        self.assertEqual(await asked(), [(403, 403), (200, 200)])
        await gateway.reload((f'href = "{OTHER}"', NAVIGATION))
        self.assertEqual(await asked(), [(200, 200), (200, 200)])
        self.assertFalse(first.ended or second.ended)

    async def test_connections_to_origins(self) -> None:
        """One made under other rules serves nothing after a reload: idle or in use, it closes."""
        waiting: list[Any] = []
        origin = _slow_origin(waiting)
        gateway = await self.gateway({SHOP: origin})
        client = await gateway.connect()
        client.write(request(f"{SHOP}/slow", b"Cookie: " + gateway.cookie))
        await until(lambda: b"half" in client.buffer)
        for _ in range(2):
            self.assertEqual((await gateway.ask(f"{SHOP}/")).status, 200)
        busy, idle = origin.connections
        rule = f'\n[[access]]\norigin = "{SHOP}"\nminimum-tls = "1.3"\n'
        self.assertEqual(await gateway.reload((NAVIGATION, NAVIGATION + rule)), events.RELOADED)
        await until(lambda: idle.ended)
        self.assertFalse(busy.ended)
        self.assertEqual((await gateway.ask(f"{SHOP}/")).status, 200)
        self.assertIs(origin.requests[-1].connection, origin.connections[2])
        waiting[0].write(b"whole")
        self.assertEqual((await client.response()).body, b"half whole")
        await until(lambda: busy.ended)
        self.assertEqual((await gateway.ask(f"{SHOP}/")).status, 200)
        self.assertEqual(len(origin.connections), 3)

    async def test_trust(self) -> None:
        """An origin that nobody vouches for any more is refused, though it was connected to."""
        gateway = await self.gateway({SHOP: Origin(reply(b"x"))})
        self.assertEqual((await gateway.ask(f"{SHOP}/")).status, 200)
        trusted, other = ca().certificate_file, ca("other").certificate_file
        self.assertEqual(
            await gateway.reload((f'trust = ["{trusted}"]', f'trust = ["{other}"]')),
            events.RELOADED,
        )
        self.assertEqual((await gateway.ask(f"{SHOP}/")).status, 502)

    async def test_settings(self) -> None:
        """Addresses, limits, HTTP/2: from the next request, connection or handshake on."""
        gateway = await self.gateway({SHOP: Origin(reply(b"x"))})
        handler = gateway.service._handler
        process = (handler.threads, handler.holds, handler.store, handler.sockets)
        await gateway.reload(
            ('allow-private = ["127.0.0.0/8"]', "allow-private = []"),
            ("http2 = false", "http2 = true"),
            ("[admin]", "[limits]\nheader-count = 3\nrewrite-threads = 1\n[admin]"),
        )
        self.assertEqual((await gateway.ask(f"{SHOP}/")).status, 502)
        self.assertIn(events.SSRF_DENIED, gateway.telemetry.codes())
        handler = gateway.service._handler
        kept = (handler.threads, handler.holds, handler.store, handler.sockets)
        self.assertEqual([*map(id, kept)], [*map(id, process)])  # the process's, for ever
        many = await gateway.connect()
        many.write(request(f"{SHOP}/", b"A: 1", b"B: 2", b"C: 3"))
        self.assertEqual((await many.response()).status, 431)
        self.assertEqual(gateway.telemetry.value("gateway_limit", limit="header-count"), 3)
        client: Any = await self.client(gateway.port, factory=Http2Factory())
        client.cookie = gateway.cookie
        answer = await client.headers([(b":method", b"GET"), (b":scheme", b"https"),
                                       (b":authority", DOMAIN.encode()), (b":path", b"/")]).done()  # fmt: skip
        self.assertEqual(answer.status, 200)

    async def test_keys(self) -> None:
        """A rotated key file is read: new sessions are of the new generation, old ones go on."""
        gateway = await self.gateway({SHOP: Origin(reply(b"x"))})
        before = gateway.service._handler.context.keys.newest
        keyfile.rotate(gateway.service.config.key_file)
        self.assertEqual(await gateway.reload(), events.RELOADED)
        self.assertEqual(gateway.service._handler.context.keys.newest, before + 1)
        self.assertEqual((await gateway.ask(f"{SHOP}/")).status, 200)
        self.assertNotIn(events.SESSION_INVALID, gateway.telemetry.codes())

    async def test_warnings(self) -> None:
        """Dangerous settings are said again, as at a start."""
        gateway = await self.gateway()
        gateway.telemetry.events.clear()
        await gateway.reload((NAVIGATION, 'href = "*"'))
        told = [one["detail"] for one in gateway.telemetry.events
                if one["code"] == events.DANGEROUS_SETTING]  # fmt: skip
        self.assertTrue(any("opens every site" in one for one in told), told)

    async def test_two_at_once(self) -> None:
        """Two signals in a breath: the last file is in force when both are done."""
        gateway = await self.gateway({SHOP: Origin(reply(b"x"))})
        source = gateway.service.config.source
        assert source is not None
        good = source.read_text("utf-8")
        source.write_text(good.replace(NAVIGATION, 'href = "https://first.example"'), "utf-8")
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: gateway.service._reloads._running is not None)
        source.write_text(good.replace(NAVIGATION, f'href = "{SHOP}"'), "utf-8")
        await gateway.service.reload()
        (rule,) = gateway.service.config.policy.navigation
        self.assertEqual(rule.pattern.text, SHOP)
        self.assertEqual((await gateway.ask(f"{SHOP}/")).status, 200)

    async def test_off_the_reactor(self) -> None:
        """Reading and building happen in another thread."""
        gateway = await self.gateway()
        service, seen = gateway.service, []

        def build(*arguments: Any) -> Any:
            seen.append(threading.get_ident())
            return type(service).build(*arguments)

        self.patch(service, "build", build)
        self.assertEqual(await gateway.reload(), events.RELOADED)
        self.assertNotEqual(seen, [threading.get_ident()])
        self.assertEqual(len(seen), 1)

    async def test_stopping(self) -> None:
        """While the gateway drains there is no reload, and that is said."""
        waiting: list[Any] = []
        gateway = await self.gateway({SHOP: _slow_origin(waiting)})
        client = await gateway.connect()
        client.write(request(f"{SHOP}/slow", b"Cookie: " + gateway.cookie))
        await until(lambda: b"half" in client.buffer)
        stopping = gateway.service.stopService()
        handler = gateway.service._handler
        change = (NAVIGATION, f'href = "{OTHER}"')
        self.assertEqual(await gateway.reload(change), events.RELOAD_REFUSED)
        self.assertIn("is stopping", gateway.telemetry.events[-1]["detail"])
        self.assertIs(gateway.service._handler, handler)
        waiting[0].write(b"whole")
        self.assertEqual((await client.response()).body, b"half whole")
        await stopping


class NothingChangesTests(GatewayCase):
    """Whatever is wrong, all is as it was, to the octet."""

    async def _decisions(self, gateway: Gateway) -> bytes:
        """Answers through sockets, and the engine's answers to a table of questions."""
        found = []
        for url in (
            f"{SHOP}/",
            f"{OTHER}/",
            "https://closed.example/",
            "http://shop.site.example/",
        ):
            answer = await gateway.ask(url)
            fields = [one for one in answer.fields if not one[0].lower().endswith(b"request-id")]
            found += [answer.line, *(b": ".join(one) for one in fields)]
            found.append(answer.body if answer.status == 200 else b"")
        context: Context = gateway.service._handler.context
        for text in (SHOP, OTHER, "https://closed.example", "https://new.example"):
            origin = parse_origin(text)
            assert origin is not None
            for ask in Ask:
                for native in (False, True):
                    question = Question(origin, ask=ask, native=native)
                    found.append(repr(decide(question, context.policy)).encode())
        return b"\n".join(found)

    async def test_every_kind_of_fault(self) -> None:
        """Each is refused with a line that names it; what runs is the very same."""
        origins = {SHOP: Origin(reply(b"shop")), OTHER: Origin(reply(b"other"))}
        gateway = await self.gateway(origins)
        service = gateway.service
        source, keys = service.config.source, service.config.key_file
        assert source is not None
        folder = temporary(self)
        for name in ("c.pem", "c.key", "trust.pem", "gateway.keys"):
            (folder / name).write_bytes(b"")
        issued = ca().issue("for-faults", [DOMAIN])
        other = ca().issue("of-another", [DOMAIN])
        trust = folder / "trust.pem"
        trust.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
        whole = source.read_text("utf-8")
        # The rules that would be in force if any of these were taken.
        good = whole.replace(NAVIGATION, 'href = "https://new.example"')
        files = (service.config.tls.certificate, service.config.tls.key)

        def tls(certificate: Path, key: Path) -> str:
            return good.replace(f'"{files[0]}"', f'"{certificate}"').replace(
                f'"{files[1]}"', f'"{key}"'
            )

        before = await self._decisions(gateway)
        state = self._state(gateway)
        table: list[tuple[str | bytes | None, tuple[str, ...]]] = [
            (None, ("cannot be read",)),
            (b"\xff\xfe", ("cannot be read",)),
            ("", ("domain: missing", "tls.certificate: missing", "tls.key: missing")),
            (good + "[", ("not TOML",)),
            (good[: len(good) // 2], ("",)),
            (good + "\nhrefs = 1", ("hrefs",)),
            (good.replace("https://new.example", "no pattern at all"), ("href",)),
            (good + "\n[limits]\nconnections = 0\nheader-count = 'x'", ("limits.header-count", "limits.connections")),
            (good + "\n[catalog]\n", ("catalog",)),
            (good.replace(DOMAIN, "other.test"), ("domain: found",)),
            (good.replace('listen = ["tcp:0:', 'listen = ["tcp:9:', 1), ("listen: found",)),
            (good.replace('url = "memory:"', f'url = "sqlite:///{folder}/x"'), ("store.url: found",)),
            (good.replace(str(keys), str(folder / "no.keys")), ("keys.file: found", "no.keys")),
            (good.replace(f'trust = ["{ca().certificate_file}"]', f'trust = ["{trust}"]'), ("upstream.trust",)),
            (good.replace(f'trust = ["{ca().certificate_file}"]', f'trust = ["{folder}/none"]'), ("upstream.trust",)),
            (tls(folder / "none.pem", issued.key), ("tls.certificate",)),
            (tls(folder / "c.pem", issued.key), ("c.pem: holds no certificate",)),
            (tls(issued.certificate, folder / "c.key"), ("c.key",)),
            (tls(issued.certificate, other.key), ("is not the key of",)),
            (tls(issued.certificate, other.key).replace('"memory:"', f'"sqlite:///{folder}/x"'),
             ("store.url: found", "is not the key of")),
        ]  # fmt: skip
        for number, (content, wanted) in enumerate(table):
            if content is None:
                source.unlink()
            else:
                source.write_bytes(content.encode() if isinstance(content, str) else content)
            gateway.telemetry.events.clear()
            await service.reload()
            told = [one for one in gateway.telemetry.events if one["code"] == events.RELOAD_REFUSED]
            for one in wanted:
                self.assertTrue(any(one in event["detail"] for event in told), (number, told))
            self.assertEqual(len({event["detail"] for event in told}), len(told))
            self.assertTrue(all("\n" not in event["detail"] for event in told), told)
            self.assertNotIn(events.RELOADED, gateway.telemetry.codes())
            self.assertEqual(self._state(gateway), state, number)
        refused = gateway.telemetry.value("gateway_config_reloads_total", outcome="refused")
        self.assertEqual(refused, len(table))
        self.assertEqual(await self._decisions(gateway), before)
        source.write_text(good, "utf-8")
        self.assertEqual(await gateway.reload(), events.RELOADED)
        self.assertNotEqual(await self._decisions(gateway), before)

    async def test_key_file(self) -> None:
        """A key file that went, is damaged or open to others refuses it; none is made."""
        gateway = await self.gateway()
        keys = gateway.service.config.key_file
        kept = keys.read_bytes()
        self.addCleanup(keys.chmod, 0o600)
        self.addCleanup(keys.write_bytes, kept)
        state = self._state(gateway)
        for content, mode in (
            (None, 0),
            (b"", 0o600),
            (b"gateway-keys-1\n1 x\n", 0o600),
            (kept, 0o644),
        ):
            keys.unlink(missing_ok=True)
            if content is not None:
                keys.write_bytes(content)
                keys.chmod(mode)
            self.assertEqual(await gateway.reload(), events.RELOAD_REFUSED)
            self.assertTrue(gateway.telemetry.events[-1]["detail"].startswith(f"{keys}: "))
            self.assertEqual(self._state(gateway), state)
            self.assertEqual(keys.exists(), content is not None)

    async def test_no_file(self) -> None:
        """A service whose configuration is from no file has nothing to read."""
        gateway = await self.gateway()
        service = gateway.service
        service.config = attrs.evolve(service.config, source=None)
        await service.reload()
        self.assertEqual(gateway.telemetry.codes()[-1], events.RELOAD_REFUSED)

    def _state(self, gateway: Gateway) -> list[object]:
        """Everything that a reload replaces, by identity."""
        service = gateway.service
        handler = service._handler
        kept = (
            service.config, handler, handler.context, handler.pages, handler.upstream,
            service._upstream, service.sockets._upstream, service._certificate._options,
            service.site.limits, service.redirects.limits,
        )  # fmt: skip
        return [id(one) for one in kept] + list(service.site._protocols)


class LeakTests(GatewayCase):
    """Many reloads: three seconds on a machine with nothing else to do."""

    timeout = 120

    async def test_objects(self) -> None:
        """After 200 reloads there are as many objects as after ten."""
        waiting: list[Any] = []
        kinds = (Config, Handler, Context, Upstream, Contexts, Pages, ReloadingCertificate)
        gc.collect()
        others = Counter(type(one) for one in gc.get_objects())  # of tests before this one
        gateway = await self.gateway({SHOP: _slow_origin(waiting)})
        # One that outlasts all of them keeps one old configuration, not all.
        client = await gateway.connect()
        client.write(request(f"{SHOP}/slow", b"Cookie: " + gateway.cookie))
        await until(lambda: b"half" in client.buffer)

        async def count(times: int) -> tuple[Counter[type], int]:
            for number in range(times):
                if number % 20 == 0:
                    self.assertEqual((await gateway.ask(f"{SHOP}/")).status, 200)
                await gateway.service.reload()
            gateway.telemetry.events.clear()
            gateway.telemetry.accesses.clear()
            gc.collect()
            objects = gc.get_objects()
            found = Counter(type(one) for one in objects)
            return Counter({kind: found[kind] for kind in (*kinds, SSL.Context)}), len(objects)

        def beside() -> tuple[int, int]:
            from twisted.internet import reactor

            return threading.active_count(), len(reactor.getDelayedCalls())

        before, all_before = await count(10)
        threads, calls = beside()
        after, all_after = await count(190)
        self.assertEqual(beside()[0], threads)
        self.assertLess(beside()[1], calls + 10)
        self.assertEqual(
            gateway.telemetry.value("gateway_config_reloads_total", outcome="applied"), 200
        )
        self.assertEqual(after, before)
        self.assertLessEqual(max(after[kind] - others[kind] for kind in kinds), 3)
        self.assertLess(all_after - all_before, 1500)
        waiting[0].write(b"whole")
        self.assertEqual((await client.response()).body, b"half whole")
