"""Sessions while generations of server keys come and go, through the exchanges."""

from __future__ import annotations

import json
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import Answer, Connect, NeedBody, RequestHead, UpstreamHead
from gateway.exchange.own import own_exchange
from gateway.session.attestation import Mode, attest, mint_datr, seal_restore_text
from gateway.session.keys import ServerKeys
from gateway.session.reading import Session, read_session
from tests.exchange import HTML, SITE, Shell, context, head, play, values
from tests.rewrite import SECURE, SUFFIX
from tests.session import ICK, KEYS, NEW_KEYS, NONCE, NOW, OLD_KEYS

OLD = mint_datr(OLD_KEYS, b"o" * 16, NOW, Mode.FULL)
COOKIE = b"; ".join(
    (wire.ICK_COOKIE + b"=" + ICK.cookie_value(), wire.DATR_COOKIE + b"=" + OLD.text)
)
ICKT = attest(OLD_KEYS, ICK, OLD).decode()
RESTORE = seal_restore_text(OLD_KEYS, ICK, OLD, NONCE).decode()
PAGE = attrs.evolve(head(session=False), fields=(*head(session=False).fields, (b"Cookie", COOKIE)))


def _post(
    path: str, keys: ServerKeys, body: object = None, cookie: bytes = COOKIE
) -> tuple[Any, ...]:
    """The answer, what it says, and the shell."""
    fields = ((b"Origin", SECURE.encode()), (b"Cookie", cookie))
    request = RequestHead(b"POST", path.encode(), b"HTTP/1.1", f"www{SUFFIX}", fields)
    shell = Shell({NeedBody: json.dumps(body).encode()})
    ending, _ = play(own_exchange, request, attrs.evolve(context(), keys=keys), shell)
    assert isinstance(ending, Answer), ending
    return ending, json.loads(ending.body), shell


def _visit(keys: ServerKeys, shell: Shell) -> bytes:
    """Ask the site, which sets a cookie; what was sent to it."""
    answer = UpstreamHead(200, b"OK", (HTML, (b"Set-Cookie", b"a=1")), 5)
    shell.replies[Connect] = answer
    play(http_exchange, PAGE, attrs.evolve(context(), keys=keys), shell)
    (sent,) = shell.sent()
    return b"; ".join(values(sent.fields, b"Cookie"))


class LiveTests(SynchronousTestCase):
    """After a rotation the older generation goes on."""

    def test_jar(self) -> None:
        """What was kept before the rotation is sent after it, and is found by the same owner."""
        shell = Shell()
        self.assertEqual(_visit(OLD_KEYS, shell), b"")
        (place,) = shell.rows
        self.assertEqual(place[0], Session(ICK, OLD).user_keys(KEYS).owner)
        after = Shell(rows=shell.rows, versions=shell.versions)
        self.assertEqual(_visit(KEYS, after), b"a=1")
        self.assertEqual((after.notes(), set(after.rows)), ([], {place}))

    def test_check_and_restore(self) -> None:
        """The same pair is confirmed, and restored, with the texts from before."""
        for path, body in (
            (wire.CHECK_PATH, {"ickt": ICKT}),
            (wire.RESTORE_PATH, {"restore": RESTORE}),
        ):
            for keys in (OLD_KEYS, KEYS):
                ending, content, shell = _post(path, keys, body)
                self.assertEqual((ending.status, content["ok"], shell.notes()), (200, True, []))
                fields = [one.partition(b";")[0] for one in values(ending.fields, b"Set-Cookie")]
                session = read_session([b"; ".join(fields)], keys).session
                self.assertEqual(session, Session(ICK, OLD))

    def test_new_sessions(self) -> None:
        """They take the newest, whatever session comes along."""
        for keys, newest in ((OLD_KEYS, 1), (KEYS, 2), (NEW_KEYS, 2)):
            ending, _, _ = _post(wire.BOOTSTRAP_PATH, keys)
            fields = [one.partition(b";")[0] for one in values(ending.fields, b"Set-Cookie")]
            session = read_session([b"; ".join(fields)], keys).session
            assert session is not None
            self.assertEqual(session.datr.generation, newest)
            tag = session.user_keys(keys).owner[:2] == newest.to_bytes(2, "big")
            self.assertEqual(tag, newest > 1)


class RetiredTests(SynchronousTestCase):
    """With its generation a session is over."""

    def test_anonymous(self) -> None:
        """The page is served without a jar: nothing is read, sent or kept; it is noted."""
        shell = Shell()
        _visit(OLD_KEYS, shell)
        rows = {place: dict(kept) for place, kept in shell.rows.items()}
        after = Shell(rows=shell.rows, versions=dict(shell.versions))
        self.assertEqual(_visit(NEW_KEYS, after), b"")
        self.assertEqual(after.notes(), [events.SESSION_INVALID])
        self.assertEqual(after.rows, rows)
        self.assertNotIn("Rows", after.kinds())
        self.assertNotIn("Commit", after.kinds())
        self.assertEqual(len(after.sent()), 1, SITE)

    def test_check(self) -> None:
        """It answers that they do not agree, and sends no cookie again."""
        ending, content, shell = _post(wire.CHECK_PATH, NEW_KEYS, {"ickt": ICKT})
        self.assertEqual((ending.status, content), (200, {"ok": False}))
        self.assertEqual(values(ending.fields, b"Set-Cookie"), [])
        self.assertEqual(shell.notes(), [events.SESSION_INVALID])

    def test_restore(self) -> None:
        """409, no cookie, and an event; the outer frame then begins anew."""
        for cookie in (COOKIE, b""):
            ending, content, shell = _post(
                wire.RESTORE_PATH, NEW_KEYS, {"restore": RESTORE}, cookie
            )
            self.assertEqual((ending.status, content), (409, {"ok": False}))
            self.assertEqual(values(ending.fields, b"Set-Cookie"), [])
            self.assertEqual(shell.notes(), [events.SESSION_RESTORE])
