"""What pages carry, and what they and their workers ask the gateway for: proofs and tokens."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.exchange.attesting import Attested, attested
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import (
    Answer,
    Connect,
    Context,
    Ending,
    NeedNow,
    Refuse,
    RequestHead,
    Respond,
    UpstreamHead,
)
from gateway.session.attestation import challenge_answer, page_proof
from gateway.session.keys import decode
from gateway.session.reading import Reading, Session
from gateway.session.tokens import Token, open_token, seal_token
from tests.exchange import (
    HOST,
    PAGE_ORIGIN,
    SESSION,
    SITE,
    Shell,
    context,
    frame,
    head,
    play,
    token_text,
    values,
)
from tests.exchange.test_attesting import (
    BOTH,
    DAY,
    OTHER,
    OTHER_PAIR,
    PAIR,
    PERSON,
    TOSSER,
    cookies_of,
    with_cookie,
)
from tests.rewrite import SECURE, collapsed, origin
from tests.session import DATR, ICK, KEYS, NEW_KEYS, NOW, OLD_KEYS


def _play(request: RequestHead, **replies: Any) -> tuple[Ending, Shell]:
    return play(http_exchange, request, context(), Shell(**replies))


class AttestedTests(SynchronousTestCase):
    """What a page carries."""

    def _made(self, reading: Reading, site: str = SITE, given: Context | None = None) -> Attested:
        steps = attested(reading, origin(site), NOW, given or context(), "https://top.example")
        need = next(steps)
        try:
            steps.send(bytes(range(need.size)))  # type: ignore[union-attr]
        except StopIteration as stop:
            found: Attested = stop.value
            return found
        raise AssertionError

    def test_of_a_session(self) -> None:
        """A nonce, the proof for it and for the page's own host, and a token for the pair."""
        found = self._made(Reading(PERSON))
        self.assertEqual(decode(found.nonce.encode()), bytes(range(12)))
        ickt = PERSON.ickt(KEYS)
        self.assertEqual(found.proof, page_proof(ickt, found.nonce, PAGE_ORIGIN).decode())
        wanted = Token(PAIR, SITE, "https://top.example", NOW)
        self.assertEqual(open_token(KEYS, found.token), wanted)
        other = self._made(Reading(PERSON), OTHER)
        self.assertNotEqual(other.proof, found.proof)
        self.assertNotEqual(self._made(Reading(TOSSER)).proof, found.proof)

    def test_of_nobody(self) -> None:
        """No proof, which the outer frame would not believe; a token that names no pair."""
        found = self._made(Reading())
        self.assertEqual(found.proof, "")
        wanted = Token(b"", SITE, "https://top.example", NOW)
        self.assertEqual(open_token(KEYS, found.token), wanted)

    def test_generation(self) -> None:
        """A token lives as long as the session's own generation, that of nobody the newest."""
        old = Session(ICK, attrs.evolve(DATR, generation=1))
        for reading, opens in ((Reading(old), (True, False)), (Reading(), (False, True))):
            token = self._made(reading).token
            found = tuple(open_token(keys, token) is not None for keys in (OLD_KEYS, NEW_KEYS))
            self.assertEqual(found, opens)

    def test_it_shows_nothing(self) -> None:
        """Neither proof nor token nor pair is in a repr, and no pair in what the page is told."""
        found = self._made(Reading(PERSON))
        for secret in (found.proof, found.token, repr(PAIR)[2:12]):
            self.assertNotIn(secret, repr(found))
        self.assertEqual(set(found.payload()), {"nonce", "proof", "token"})

    def test_every_load_has_its_own(self) -> None:
        """Two loads of a page share neither nonce nor proof nor token."""
        shell = Shell({Connect: UpstreamHead(200, b"R", ((b"Content-Type", b"text/html"),), 5)})
        markups = []
        for _ in range(2):
            ending, _ = play(http_exchange, frame(), context(), shell)
            assert isinstance(ending, Respond)
            markups.append(ending.plan.markup)
        self.assertNotEqual(*markups)
        self.assertNotIn(PAIR, markups[0])


class SameOriginTests(SynchronousTestCase):
    """Both endpoints are for the page's own script alone."""

    targets = (f"{wire.ATTEST_PATH}?c=c&n=n", wire.TOKEN_PATH)

    def test_refused(self) -> None:
        """To any other, on whatever host, and nothing is asked of anybody."""
        for target in self.targets:
            for fields in (
                {"sec_fetch_site": "same-site"},
                {"sec_fetch_site": "cross-site"},
                {"sec_fetch_site": "none"},
                {"sec_fetch_site": "cross-site", "origin": PAGE_ORIGIN},
                {"sec_fetch_site": "", "origin": collapsed(OTHER)},
                {"sec_fetch_site": "", "origin": SECURE},
                {"sec_fetch_site": "", "origin": "null"},
                {"sec_fetch_site": "", "origin": "https://evil.example"},
                {"sec_fetch_site": "", "origin": SITE},
            ):
                ending, shell = _play(head(target, **fields))
                assert isinstance(ending, Refuse), fields
                self.assertEqual((ending.status, ending.event), (403, events.ORIGIN_DENIED))
                self.assertEqual(shell.needs, [])

    def test_served(self) -> None:
        """To the page; browsers that do not say so send no Origin with its GET, or its own."""
        for target in self.targets:
            for fields in (
                {},
                {"sec_fetch_site": "", "origin": ""},
                {"sec_fetch_site": "", "origin": PAGE_ORIGIN},
            ):
                ending, shell = _play(head(target, **fields))
                assert isinstance(ending, Answer), fields
                self.assertEqual((ending.status, shell.sent()), (200, []))
                self.assertEqual(values(ending.fields, b"Cache-Control"), [b"no-store"])
                self.assertEqual(values(ending.fields, b"Content-Type"), [b"text/plain"])
                self.assertEqual(values(ending.fields, b"X-Content-Type-Options"), [b"nosniff"])
                self.assertEqual(values(ending.fields, b"Access-Control-Allow-Origin"), [])


class AttestTests(SynchronousTestCase):
    """``/.gateway/attest``."""

    def _ask(self, c: str, n: str, cookie: bytes = SESSION, token: str = "") -> Ending:
        request = head(f"{wire.ATTEST_PATH}?c={c}&n={n}", token=token)
        return _play(with_cookie(request, cookie))[0]

    def test_answer(self) -> None:
        """Of the cookies of this moment, the challenge, the page's nonce and its own host."""
        for c, n in (("chall3nge", "n0nce"), ("a-_b", ""), ("", "n"), ("%41", "%2Bx")):
            ending = self._ask(c, n)
            assert isinstance(ending, Answer), (c, n)
            said = [{"%41": "A", "%2Bx": "+x"}.get(one, one) for one in (c, n)]
            wanted = challenge_answer(PERSON.ickt(KEYS), *said, PAGE_ORIGIN)
            self.assertEqual(ending.body, wanted)

    def test_tossed_cookies(self) -> None:
        """With its token a page proves itself among duplicates; without, it cannot."""
        for cookie in (BOTH, cookies_of(PERSON, TOSSER)):
            ending = self._ask("c", "n", cookie, token_text(PAIR))
            assert isinstance(ending, Answer)
            wanted = challenge_answer(PERSON.ickt(KEYS), "c", "n", PAGE_ORIGIN)
            self.assertEqual(ending.body, wanted)
            self.assertTrue(values(ending.fields, b"Set-Cookie"))
            for token in ("", "junk", token_text(), token_text(b"x" * 32)):
                ending = self._ask("c", "n", cookie, token)
                assert isinstance(ending, Refuse), token
                self.assertEqual((ending.status, ending.event), (403, events.NOT_ATTESTED))
                self.assertTrue(values(ending.fields, b"Set-Cookie"))
        # Replaced altogether: the answer is the tosser's, which is not what the frame expects.
        ending = self._ask("c", "n", cookies_of(TOSSER), token_text(PAIR))
        assert isinstance(ending, Answer)
        wanted = challenge_answer(TOSSER.ickt(KEYS), "c", "n", PAGE_ORIGIN)
        self.assertEqual(ending.body, wanted)

    def test_refused(self) -> None:
        """Without a session, and what is no word; never an exception."""
        for c, n, cookie in (
            ("c", "n", b""),
            ("c", "n", wire.ICK_COOKIE + b"=" + ICK.cookie_value()),
            ("c", "n", wire.DATR_COOKIE + b"=" + DATR.text),
            ("a%20b", "n", SESSION),
            ("c", "a%20b", SESSION),
            ("c", "%0a", SESSION),
            ("%c3%a4", "n", SESSION),
            ("%ff", "n", SESSION),
            ("\xe4", "n", SESSION),
            ("c" * 65, "n", SESSION),
            ("c", "n" * 65, SESSION),
        ):
            ending = self._ask(c, n, cookie)
            assert isinstance(ending, Refuse), (c, n)
            self.assertEqual((ending.status, ending.event), (403, events.NOT_ATTESTED))
            self.assertNotIn(n * 3, f"{ending}")

    def test_many_parameters(self) -> None:
        """Parameters without number harm nothing."""
        ending, _ = _play(head(f"{wire.ATTEST_PATH}?c=c&n=n" + "&a=b" * 500))
        self.assertIsInstance(ending, Answer)

    @settings(deadline=None)
    @given(st.text(st.characters(max_codepoint=255), max_size=60))
    def test_any_query(self, query: str) -> None:
        """Whatever is asked, the ending is an answer or a refusal."""
        for path in (wire.ATTEST_PATH, wire.TOKEN_PATH):
            ending, shell = _play(head(f"{path}?{query}"))
            self.assertIsInstance(ending, Answer | Refuse)
            self.assertEqual(shell.sent(), [])


class RenewalTests(SynchronousTestCase):
    """``/.gateway/token``."""

    later = NOW + 30 * DAY

    def _ask(self, token: str, cookie: bytes = SESSION, host: str = HOST) -> Ending:
        request = head(wire.TOKEN_PATH, token=token, host=host)
        ending, shell = _play(with_cookie(request, cookie), replies={NeedNow: self.later})
        self.assertNotIn("NeedRows", shell.kinds())
        return ending

    def _token(self, *asked: Any, **more: Any) -> Token:
        ending = self._ask(*asked, **more)
        assert isinstance(ending, Answer), ending
        token = open_token(KEYS, ending.body.decode())
        assert token is not None
        return token

    def test_expired(self) -> None:
        """One that has expired is renewed for the same pair, page and top site."""
        for issued_at in (NOW, self.later, NOW - 365 * DAY):
            old = Token(PAIR, SITE, "https://top.example", issued_at)
            text = seal_token(KEYS, 2, old, b"t" * 12)
            self.assertEqual(self._token(text), attrs.evolve(old, issued_at=self.later))

    def test_it_is_accepted(self) -> None:
        """The page's form then passes, which did not before."""
        old = token_text(PAIR)
        ending = self._ask(old)
        assert isinstance(ending, Answer)
        for token, kind in ((old, Refuse), (ending.body.decode(), Respond)):
            shell = Shell({NeedNow: self.later})
            request = head(method=b"POST", token=token)
            self.assertIsInstance(play(http_exchange, request, context(), shell)[0], kind)

    def test_another_pair(self) -> None:
        """A page of another session than the cookies' gets none, nor does a text that is not ours."""
        for token, cookie in (
            (token_text(OTHER_PAIR), SESSION),
            (token_text(), SESSION),
            (token_text(PAIR), cookies_of(TOSSER)),
            (token_text(b"x" * 32), BOTH),
            (token_text(PAIR), wire.ICK_COOKIE + b"=junk"),
            (token_text(PAIR, OTHER), SESSION),
            (token_text(PAIR, OTHER), b""),
            ("junk", SESSION),
            ("junk", b""),
            (token_text(PAIR)[:-1], SESSION),
        ):
            ending = self._ask(token, cookie)
            assert isinstance(ending, Refuse), (token, cookie)
            self.assertEqual((ending.status, ending.event), (403, events.CSRF_TOKEN))
            self.assertNotIn(token, f"{ending}")

    def test_tossed_cookies(self) -> None:
        """Among duplicates the page's token says whose the new one is."""
        for token, wanted in ((token_text(PAIR), PAIR), (token_text(OTHER_PAIR), OTHER_PAIR)):
            self.assertEqual(self._token(token, BOTH).pair, wanted)
        ending = self._ask(token_text(PAIR), BOTH)
        assert isinstance(ending, Answer)
        self.assertTrue(values(ending.fields, b"Set-Cookie"))

    def test_a_workers(self) -> None:
        """Which no page gave one: for the cookies of this moment, nobody's where they are doubled."""
        for cookie, wanted in (
            (SESSION, PAIR),
            (b"", b""),
            (BOTH, b""),
            (cookies_of(TOSSER), OTHER_PAIR),
        ):
            self.assertEqual(self._token("", cookie), Token(wanted, SITE, "", self.later))

    def test_of_its_own_host(self) -> None:
        """It names the origin of the host that was asked, whatever else the request says."""
        host = collapsed(OTHER).removeprefix("https://")
        self.assertEqual(self._token("", host=host).origin, OTHER)
        ending = self._ask(token_text(PAIR, SITE), host=host)
        self.assertIsInstance(ending, Refuse)


class OopsTests(SynchronousTestCase):
    """Where a page goes that could not be checked."""

    def test_page(self) -> None:
        """A refusal of ours, with nothing of the site's and nothing asked."""
        ending, shell = _play(frame(f"{wire.OOPS_PATH}?x=y"))
        assert isinstance(ending, Refuse)
        self.assertEqual((ending.status, ending.event), (403, events.NOT_ATTESTED))
        self.assertEqual(shell.needs, [])
