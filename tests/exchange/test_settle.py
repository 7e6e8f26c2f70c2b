"""The two steps on both hosts, decision by decision, and what attackers get of them."""

from __future__ import annotations

import json
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.errors import StoreUnavailable
from gateway.exchange.messages import (
    Answer,
    Consume,
    Context,
    NeedBody,
    NeedNow,
    Page,
    Refuse,
    RequestHead,
    Serve,
    ServeAsset,
)
from gateway.exchange.own import own_exchange
from gateway.exchange.settle import offer, offer_again, take
from gateway.session.attestation import attest
from gateway.session.reading import read_session
from tests.exchange import HOST, SESSION, Shell, context, play, values
from tests.rewrite import DOMAIN, SECURE, SUFFIX
from tests.session import DATR, ICK, ICK_2, KEYS, NEW_KEYS, NOW, OLD_KEYS

APART = "i.example.net"
SETTLE = f"https://www.0.{APART}"
HOSTS = {SECURE: f"www{SUFFIX}", SETTLE: f"www.0.{APART}"}
WANTED = b'{"apart": true}'
COMMON = "; Domain=0.i.example.net; Path=/; Max-Age=34560000; Secure; HttpOnly"
COMMON += "; SameSite=None; Partitioned; Priority=High"


def apart_context(**more: Any) -> Context:
    """A context with a domain apart."""
    plain = context()
    near, far = plain.codec.apart(APART)
    return attrs.evolve(plain, codec=near, apart=far, **more)


def ask(
    origin: str,
    path: str,
    content: object = None,
    cookie: bytes = b"",
    shell: Shell | None = None,
    given: Context | None = None,
    **other: Any,
) -> tuple[Any, Any, Shell]:
    """One POST of the page at ``origin`` to its own host."""
    fields = [(b"Origin", str(other.get("said", origin)).encode())]
    if cookie:
        fields.append((b"Cookie", cookie))
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    shell = attrs.evolve(shell or Shell(), needs=[])
    shell.replies = {NeedBody: body, **other.get("replies", {})}
    head = RequestHead(b"POST", path.encode(), b"HTTP/1.1", HOSTS[origin], tuple(fields))
    where = (given or apart_context()).at(head.host)
    ending, _ = play(own_exchange, head, where, shell)
    if isinstance(ending, Answer):
        assert values(ending.fields, b"Cache-Control") == [b"no-store"]
        return ending, json.loads(ending.body), shell
    return ending, None, shell


def pairs(ending: Answer) -> bytes:
    """The cookies of an answer as a Cookie header."""
    return b"; ".join(field.partition(b";")[0] for field in values(ending.fields, b"Set-Cookie"))


class StepTests(SynchronousTestCase):
    """The steps as they are meant."""

    def test_both(self) -> None:
        """Step 1 sets nothing that opens a jar; step 2 sets the pair that the ickt attests."""
        ending, content, shell = ask(SECURE, wire.BOOTSTRAP_PATH, {"apart": True})
        self.assertEqual(set(content), {"ok", "text", "nonce"})
        kept = pairs(ending)
        names = [one.partition(b"=")[0] for one in kept.split(b"; ")]
        self.assertEqual(names, [wire.ICKT_COOKIE, wire.RESTORE_COOKIE])
        self.assertIsNone(read_session([kept], KEYS).session)
        self.assertEqual(shell.kinds(), "NeedBody NeedRandom NeedNow")

        ending, answer, shell = ask(SETTLE, wire.SETTLE_PATH, content, shell=shell)
        self.assertEqual((ending.status, answer), (200, {"ok": True}))
        self.assertEqual(shell.kinds(), "NeedBody NeedNow Consume")
        session = read_session([pairs(ending)], KEYS).session
        assert session is not None
        self.assertIn(wire.ICKT_COOKIE + b"=" + session.ickt(KEYS), kept)
        for field in values(ending.fields, b"Set-Cookie"):
            self.assertEqual(field.decode().partition(";")[2], COMMON[1:])
        consume = shell.needs[-1]
        assert isinstance(consume, Consume)
        self.assertEqual(consume.expires, NOW + 300)
        self.assertTrue(consume.nonce.startswith(b"settle:"))

        check = {"ickt": session.ickt(KEYS).decode()}
        again, answer, _ = ask(SETTLE, wire.CHECK_PATH, check, pairs(ending))
        self.assertEqual(answer, {"ok": True})
        slid = values(again.fields, b"Set-Cookie")
        self.assertEqual(slid, values(ending.fields, b"Set-Cookie"))

    def test_again(self) -> None:
        """Restore offers the session of the cookie, and of the cookie alone."""
        first, content, _ = ask(SECURE, wire.BOOTSTRAP_PATH, {"apart": True})
        settled, _, _ = ask(SETTLE, wire.SETTLE_PATH, content)
        for cookie in (pairs(first), pairs(first) + b"; " + SESSION):
            shell = Shell(random=9)
            ending, again, shell = ask(SECURE, wire.RESTORE_PATH, {"apart": True}, cookie, shell)
            self.assertEqual((ending.status, shell.notes()), (200, []))
            self.assertNotEqual(again["nonce"], content["nonce"])
            other, _, _ = ask(SETTLE, wire.SETTLE_PATH, again)
            self.assertEqual(pairs(other), pairs(settled))
        for cookie in (b"", SESSION, pairs(first).replace(b"restore", b"nothing")):
            ending, again, shell = ask(SECURE, wire.RESTORE_PATH, {"apart": True}, cookie)
            self.assertEqual((ending.status, again), (409, {"ok": False}))
            self.assertEqual(values(ending.fields, b"Set-Cookie"), [])
            self.assertEqual(shell.notes(), [events.SESSION_RESTORE])

    def test_lifetime_is_configured(self) -> None:
        """Settings say for how long an offer counts."""
        short = apart_context()
        short = attrs.evolve(short, settings=attrs.evolve(short.settings, settle_seconds=10))
        for later, status in ((9, 200), (10, 409)):
            _, content, _ = ask(SECURE, wire.BOOTSTRAP_PATH, {"apart": True}, given=short)
            ending, _, _ = ask(
                SETTLE, wire.SETTLE_PATH, content, given=short, replies={NeedNow: NOW + later}
            )
            self.assertEqual(ending.status, status)

    def test_the_other_variant_goes_on(self) -> None:
        """Browsers with localStorage get what they got, in the same gateway."""
        for body in (b"", b"{}", b'{"apart": false}', b'{"apart": 1}', b'{"apart": "true"}', b"["):
            ending, content, _ = ask(SECURE, wire.BOOTSTRAP_PATH, body)
            self.assertEqual(set(content), {"ok", "ickt", "restore"}, body)
            names = [one.partition(b"=")[0] for one in pairs(ending).split(b"; ")]
            self.assertEqual(names, list(wire.OWN_COOKIES))
            self.assertNotIn(b"Partitioned", b"".join(values(ending.fields, b"Set-Cookie")))

    def test_without_a_domain_apart(self) -> None:
        """Nobody gets an offer that could not be taken."""
        _, content, shell = ask(SECURE, wire.BOOTSTRAP_PATH, WANTED, given=context())
        self.assertEqual(set(content), {"ok", "ickt", "restore"})
        self.assertEqual(shell.kinds(), "NeedRandom NeedNow")
        first, _, _ = ask(SECURE, wire.BOOTSTRAP_PATH, WANTED)
        ending, _, _ = ask(SECURE, wire.RESTORE_PATH, WANTED, pairs(first), given=context())
        self.assertEqual(ending.status, 409)
        ending, _, _ = ask(SETTLE, wire.SETTLE_PATH, {}, given=context())
        self.assertEqual(ending.status, 421)

    @settings(deadline=None)
    @given(st.binary(max_size=40), st.sampled_from((b"", SESSION, b"a=b")))
    def test_nothing_is_taken_from_a_request(self, value: bytes, cookie: bytes) -> None:
        """The same offer for the same randomness, whatever cookies and members come along."""
        plain, _, _ = ask(SECURE, wire.BOOTSTRAP_PATH, WANTED)
        body = {"apart": True, "ick": value.hex(), "nonce": "A" * 22, "text": value.hex()}
        other, _, _ = ask(SECURE, wire.BOOTSTRAP_PATH, body, cookie)
        self.assertEqual(other, plain)


class AttackTests(SynchronousTestCase):
    """Step 2 by those who should not."""

    def _refused(self, content: object, shell: Shell | None = None, **more: Any) -> Shell:
        """409, an event, no cookie."""
        ending, answer, shell = ask(SETTLE, wire.SETTLE_PATH, content, shell=shell, **more)
        self.assertEqual((ending.status, answer), (409, {"ok": False}), content)
        self.assertEqual(values(ending.fields, b"Set-Cookie"), [])
        self.assertEqual(shell.notes(), [events.SESSION_SETTLE])
        return shell

    def test_replay(self) -> None:
        """A second use fails, with any text of the same nonce."""
        _, content, shell = ask(SECURE, wire.BOOTSTRAP_PATH, WANTED)
        ending, _, shell = ask(SETTLE, wire.SETTLE_PATH, content, shell=shell)
        self.assertEqual(ending.status, 200)
        for _ in range(3):
            self._refused(content, shell)
        # The event and the log tell neither nonce nor text.
        for need in self._refused(content, shell).needs:
            self.assertNotIn(content["nonce"], repr(need))

    def test_crossed(self) -> None:
        """Texts and nonces of two sessions; and nothing of it is consumed by trying."""
        _, one, shell = ask(SECURE, wire.BOOTSTRAP_PATH, WANTED)
        _, two, shell = ask(SECURE, wire.BOOTSTRAP_PATH, WANTED, shell=shell)
        for text, nonce in ((one, two), (two, one)):
            crossed = {"text": text["text"], "nonce": nonce["nonce"]}
            self.assertNotIn("Consume", self._refused(crossed, shell).kinds())
        for content in (one, two):
            ending, _, shell = ask(SETTLE, wire.SETTLE_PATH, content, shell=shell)
            self.assertEqual(ending.status, 200)

    def test_changed(self) -> None:
        """Expired, truncated, flipped, without a part, of another shape, of a retired key."""
        _, content, _ = ask(SECURE, wire.BOOTSTRAP_PATH, WANTED)
        text, nonce = content["text"], content["nonce"]
        flipped = text[:-3] + ("A" if text[-3] != "A" else "B") + text[-2:]
        for body in (
            {}, [], None, 1, b"", b"\xff", b"[" * 50_000, {"text": text}, {"nonce": nonce},
            {"text": text, "nonce": None}, {"text": [text], "nonce": nonce},
            {"text": flipped, "nonce": nonce}, {"text": text[:-1], "nonce": nonce},
            {"text": text, "nonce": nonce[:-1]}, {"text": nonce, "nonce": text},
            {"text": "\u00e9", "nonce": "\u00e9"}, {"restore": text, "nonce": nonce},
        ):  # fmt: skip
            self._refused(body)
        self._refused(content, replies={NeedNow: NOW + 300})
        self._refused(content, given=apart_context(keys=OLD_KEYS))
        ending, _, _ = ask(SETTLE, wire.SETTLE_PATH, content, given=apart_context(keys=NEW_KEYS))
        self.assertEqual(ending.status, 200)

    def test_texts_of_the_other_purpose(self) -> None:
        """An offer restores nothing, a restore text settles nothing."""
        first, content, _ = ask(SECURE, wire.BOOTSTRAP_PATH, WANTED)
        restore = pairs(first).rpartition(b"=")[2].decode()
        self._refused({"text": restore, "nonce": content["nonce"]})
        ending, _, _ = ask(SECURE, wire.RESTORE_PATH, {"restore": content["text"]})
        self.assertEqual(ending.status, 409)
        cookie = wire.RESTORE_COOKIE + b"=" + content["text"].encode()
        ending, _, _ = ask(SECURE, wire.RESTORE_PATH, WANTED, cookie)
        self.assertEqual(ending.status, 409)
        # The restore text of this variant does open in the other: it is the same browser's.
        ending, _, _ = ask(SECURE, wire.RESTORE_PATH, {"restore": restore})
        self.assertEqual(ending.status, 200)

    def test_origins(self) -> None:
        """Only the settle host's own page may ask there; nothing is read or consumed."""
        for path in (wire.SETTLE_PATH, wire.CHECK_PATH):
            for said in (
                SECURE, f"https://{DOMAIN}", f"https://https-a-example.0.{APART}", "null", "",
                f"https://{APART}", f"{SETTLE}:8443", f"{SETTLE}/", SETTLE.upper(),
                f"http://www.0.{APART}", f"https://{HOST}", "https://evil.example",
            ):  # fmt: skip
                ending, _, shell = ask(SETTLE, path, {}, SESSION, said=said)
                assert isinstance(ending, Refuse), said
                self.assertEqual((ending.status, ending.event), (403, events.ORIGIN_DENIED))
                self.assertEqual((shell.needs, ending.fields), ([], ()), said)
        for path in (wire.BOOTSTRAP_PATH, wire.RESTORE_PATH, wire.CHECK_PATH):
            ending, _, shell = ask(SECURE, path, WANTED, said=SETTLE)
            self.assertEqual((ending.status, shell.needs), (403, []), path)

    def test_the_store_is_away(self) -> None:
        """Then nobody is let in: whether the nonce was used is not known."""
        _, content, _ = ask(SECURE, wire.BOOTSTRAP_PATH, WANTED)
        away = {Consume: StoreUnavailable("away")}
        ending, _, _ = ask(SETTLE, wire.SETTLE_PATH, content, replies=away)
        assert isinstance(ending, Refuse)
        self.assertEqual((ending.status, ending.fields), (503, ()))

    def test_check(self) -> None:
        """Only the pair of the ickt; duplicates end where a frame of that domain can reach."""
        good = {"ickt": attest(KEYS, ICK, DATR).decode()}
        for content, cookie in (
            (good, b""), ({}, SESSION), ({"ickt": attest(KEYS, ICK_2, DATR).decode()}, SESSION),
        ):  # fmt: skip
            ending, answer, _ = ask(SETTLE, wire.CHECK_PATH, content, cookie)
            self.assertEqual((answer, values(ending.fields, b"Set-Cookie")), ({"ok": False}, []))
        tossed = SESSION + b"; " + wire.ICK_COOKIE + b"=" + ICK_2.cookie_value()
        ending, answer, shell = ask(SETTLE, wire.CHECK_PATH, good, tossed)
        self.assertEqual((answer, shell.notes()), ({"ok": False}, [events.SESSION_FIXATION]))
        fields = values(ending.fields, b"Set-Cookie")
        self.assertTrue(any(b"Domain=0.i.example.net;" in field for field in fields))
        kinds = {field.partition(b"HttpOnly")[2] for field in fields}
        self.assertEqual(kinds, {b"; SameSite=None; Partitioned", b"; SameSite=None"})


class HostTests(SynchronousTestCase):
    """What the settle host serves."""

    def test_table(self) -> None:
        """Its page, its assets, two endpoints; nothing of the secure host's."""
        host = HOSTS[SETTLE]
        table: list[tuple[str, bytes, object]] = [
            (wire.SETTLE_PATH, b"GET", Serve(Page.SETTLE)),
            (wire.SETTLE_PATH + "?x", b"HEAD", Serve(Page.SETTLE)),
            (wire.SETTLE_PATH, b"PUT", 405),
            (wire.CHECK_PATH, b"GET", 405),
            (f"{wire.ASSET_PATH}x.js", b"GET", ServeAsset("x.js")),
            ("/", b"GET", 404),
            (wire.BOOTSTRAP_PATH, b"POST", 404),
            (wire.RESTORE_PATH, b"POST", 404),
            (f"{wire.LABEL_PATH}?o=https://shop.example.com/", b"GET", 404),
        ]
        for target, method, wanted in table:
            given = apart_context()
            head = RequestHead(method, target.encode(), b"HTTP/1.1", host, ())
            ending, _ = play(own_exchange, head, given.at(host))
            found = ending.status if isinstance(ending, Refuse) else ending
            self.assertEqual(found, wanted, (target, method))

    def test_contexts(self) -> None:
        """A host of the domain apart is decided with its codec, all others with the first."""
        given = apart_context()
        for host, codec in {
            f"https-a-example.0.{APART}": given.apart,
            f"HTTPS-A-EXAMPLE.0.{APART.upper()}:8443": given.apart,
            f"www.0.{APART}": given.apart,
            APART: given.codec,
            HOST: given.codec,
            f"www{SUFFIX}": given.codec,
            DOMAIN: given.codec,
            "evil.example": given.codec,
            "": given.codec,
        }.items():
            self.assertIs(given.at(host).codec, codec, host)
        plain = context()
        self.assertIs(plain.at(f"www.0.{APART}"), plain)


class ReplyTests(SynchronousTestCase):
    """The steps as generators, for other callers."""

    def test_kinds(self) -> None:
        """They give offers and fields, or None."""
        given, shell = apart_context(), Shell()

        def run(step: Any) -> Any:
            return shell.run(step)

        made: Any = run(offer(given))
        far = given.at(HOSTS[SETTLE])
        self.assertIsNotNone(run(take(made.text.encode(), made.nonce.encode(), far)))
        self.assertIsNone(run(take(made.text.encode(), made.nonce.encode(), far)))
        head = RequestHead(b"POST", b"/", b"HTTP/1.1", HOSTS[SECURE], ())
        self.assertIsNone(run(offer_again(head, given)))
