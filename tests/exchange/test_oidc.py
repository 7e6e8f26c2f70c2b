"""Signing in by way of a provider, as a table of what may come back."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.exchange.messages import (
    Answer,
    Ending,
    NeedNow,
    Note,
    Page,
    Refuse,
    RequestHead,
    Serve,
)
from gateway.exchange.needs import NeedProvider, Provider, Redeem
from gateway.exchange.own import own_exchange
from gateway.policy.authentication import Authentication, JwtRules, OidcRules
from gateway.session.login import Login, read_login_cookie
from tests.exchange import play, values
from tests.exchange.test_authentication import PORTAL, SECURE, Person, asked, basic, own
from tests.session import KEYS, NOW

ISSUER = "https://id.test"
RULES = Authentication(oidc=OidcRules(ISSUER, "client", ("openid", "email")))
BOTH = attrs.evolve(RULES, basic=True)
PROVIDER = Provider("https://id.test/authorize?x=y", names_issuer=True)


def shell(**replies: Any) -> Person:
    """A provider that signs ada in for the code ``c0de``."""
    made = Person()
    made.replies[NeedProvider] = PROVIDER
    made.replies[Redeem] = lambda need: (
        Login("ada", NOW + 60) if need.code == "c0de" else "400 for the code"
    )
    return made


def run(request: RequestHead, person: Person, rules: Authentication = RULES) -> Ending:
    """The ending."""
    return play(own_exchange, request, asked(rules), person)[0]


def location(ending: Ending) -> str:
    """Where a redirect leads."""
    assert isinstance(ending, Answer), ending
    return values(ending.fields, b"location")[0].decode()


class OidcTests(SynchronousTestCase):
    """There and back."""

    def begin(self, person: Person, to: str = "/settings", host: str = SECURE) -> tuple[dict, str]:
        """What the provider is asked, and the cookie that the browser keeps."""
        target = f"{wire.LOGIN_START_PATH}?to={quote(to, safe='')}"
        ending = run(own(target, host=host), person)
        asked_for = dict(parse_qsl(urlsplit(location(ending)).query))
        assert isinstance(ending, Answer)
        cookie = values(ending.fields, b"set-cookie")[0].partition(b";")[0].decode()
        return asked_for, cookie

    def finish(self, person: Person, cookie: str, host: str = SECURE, **given_: str) -> Ending:
        """Come back."""
        target = f"{wire.SIGNED_IN_PATH}?{urlencode(given_)}"
        fields = {"cookie": cookie} if cookie else {}
        return run(own(target, host=host, **fields), person)

    def refused(self, ending: Ending) -> str:
        """The detail of a refusal, which ends the try's cookie."""
        assert isinstance(ending, Refuse), ending
        self.assertEqual((ending.status, ending.event), (403, events.LOGIN_FAILED))
        self.assertIn(b"Max-Age=0", values(ending.fields, b"set-cookie")[0])
        return ending.detail

    def test_documents_are_led_there(self) -> None:
        """A person sees a page; what scripts and programs ask for is challenged."""
        for host in (SECURE, PORTAL):
            ending = run(own("/open?url=a%26b", host=host, accept="text/html"), shell())
            to = f"{wire.LOGIN_PATH}?to=%2Fopen%3Furl%3Da%2526b"
            self.assertEqual(location(ending), to)
            ending = run(own(to, host=host), shell())
            self.assertEqual(ending, Serve(Page.LOGIN))
            for request in (
                own("/", host=host),
                own("/", host=host, method=b"POST", accept="text/html"),
                own("/", host=host, accept="text/html", authorization="Bearer bad"),
                own("/", host=host, sec_fetch_dest="empty", accept="text/html"),
            ):
                ending = run(request, shell(), attrs.evolve(RULES, jwt=JwtRules("i", "a")))
                assert isinstance(ending, Refuse)
                self.assertEqual(ending.status, 401)

    def test_by_password_instead(self) -> None:
        """A path that asks for a password, where there is a file of them, and then leads on."""
        target = f"{wire.PASSWORD_PATH}?to=%2Fsettings"
        given = {"accept": "text/html", "authorization": basic("ada", "right")}
        for host in (SECURE, PORTAL):
            ending = run(own(target, host=host, accept="text/html"), shell(), BOTH)
            assert isinstance(ending, Refuse)
            self.assertEqual(ending.status, 401)
            self.assertIn(b"Basic", values(ending.fields, b"www-authenticate")[0])
            self.assertEqual(
                location(run(own(target, host=host, **given), shell(), BOTH)), "/settings"
            )
            for evil in ("//evil.test", "/\\evil.test", wire.PASSWORD_PATH, "https://evil.test"):
                goal = f"{wire.PASSWORD_PATH}?to={quote(evil)}"
                self.assertEqual(location(run(own(goal, host=host, **given), shell(), BOTH)), "/")
            # Without a file of passwords nobody is asked for one.
            ending = run(own(target, host=host, accept="text/html"), shell())
            self.assertTrue(location(ending).startswith(wire.LOGIN_PATH))

    def test_asked(self) -> None:
        """PKCE, state and nonce, each of its own randomness."""
        person = shell()
        first, cookie = self.begin(person)
        self.assertEqual(first["response_type"], "code")
        self.assertEqual(first["x"], "y")
        self.assertEqual(first["client_id"], "client")
        self.assertEqual(first["scope"], "openid email")
        self.assertEqual(first["redirect_uri"], f"https://{SECURE}{wire.SIGNED_IN_PATH}")
        self.assertEqual(first["code_challenge_method"], "S256")
        second, _ = self.begin(person)
        for name in ("state", "nonce", "code_challenge"):
            self.assertNotEqual(first[name], second[name])
            self.assertNotIn(first[name], cookie)
        self.finish(person, cookie, state=first["state"], iss=ISSUER, code="c0de")
        (need,) = [one for one in person.needs if isinstance(one, Redeem)]
        digest = hashlib.sha256(need.verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        self.assertEqual(first["code_challenge"], challenge)
        self.assertGreaterEqual(len(need.verifier), 43)
        self.assertEqual((need.nonce, need.redirect_uri), (first["nonce"], first["redirect_uri"]))

    def test_signed_in(self) -> None:
        """The cookie that comes of it lets the person in, on that host."""
        for host in (SECURE, PORTAL):
            person = shell()
            asked_for, cookie = self.begin(person, host=host)
            ending = self.finish(
                person, cookie, host, state=asked_for["state"], iss=ISSUER, code="c0de"
            )
            self.assertEqual(location(ending), "/settings")
            assert isinstance(ending, Answer)
            login, expired = values(ending.fields, b"set-cookie")
            self.assertIn(b"Max-Age=0", expired)
            kept = login.partition(b";")[0]
            self.assertEqual(read_login_cookie(KEYS, [kept], NOW), Login("ada", NOW + 43200))
            self.assertIsInstance(run(own(host=host, cookie=kept.decode()), person), Serve)
            # Nothing of it without a provider.
            other = Authentication(basic=True)
            self.assertIsInstance(run(own(host=host, cookie=kept.decode()), person, other), Refuse)

    def test_wrong_answers(self) -> None:
        """State, issuer, code, browser, time."""
        for change, wanted in (
            ({"state": "else"}, "state"),
            ({"state": ""}, "state"),
            ({"state": "\u20ac"}, "state"),
            ({"iss": "https://evil.test"}, "another provider"),
            ({"iss": ""}, "another provider"),
            ({"code": ""}, "did not sign"),
            ({"error": "access_denied"}, "did not sign"),
            ({"code": "forged"}, "400 for the code"),
        ):
            person = shell()
            asked_for, cookie = self.begin(person)
            sent = {"state": asked_for["state"], "iss": ISSUER, "code": "c0de", **change}
            self.assertIn(wanted, self.refused(self.finish(person, cookie, **sent)), change)
        person = shell()
        asked_for, cookie = self.begin(person)
        sent = {"state": asked_for["state"], "iss": ISSUER, "code": "c0de"}
        for bad, host in (
            ("", SECURE),
            (cookie[:-1], SECURE),
            (f"{cookie}; {cookie}x", SECURE),
            (cookie, PORTAL),
        ):
            self.assertIn("no try", self.refused(self.finish(person, bad, host, **sent)))
        person.replies[NeedNow] = NOW + 600
        self.assertIn("too long ago", self.refused(self.finish(person, cookie, **sent)))
        self.assertEqual([one for one in person.needs if isinstance(one, Redeem)], [])

    def test_once(self) -> None:
        """An answer that comes again is refused before the provider is asked."""
        person = shell()
        asked_for, cookie = self.begin(person)
        sent = {"state": asked_for["state"], "iss": ISSUER, "code": "c0de"}
        self.assertIsInstance(self.finish(person, cookie, **sent), Answer)
        self.assertIn("used before", self.refused(self.finish(person, cookie, **sent)))
        self.assertEqual(len([one for one in person.needs if isinstance(one, Redeem)]), 1)

    def test_issuer_where_it_is_not_named(self) -> None:
        """Providers that do not say theirs need not; a wrong one is never taken."""
        for issuer, sound in ((None, True), (ISSUER, True), ("https://evil.test", False)):
            person = shell()
            person.replies[NeedProvider] = Provider("https://id.test/a")
            asked_for, cookie = self.begin(person)
            sent = {"state": asked_for["state"], "code": "c0de"} | (
                {"iss": issuer} if issuer else {}
            )
            self.assertEqual(isinstance(self.finish(person, cookie, **sent), Answer), sound)

    def test_nowhere_else(self) -> None:
        """Back to a path of this host, whatever the address says."""
        for to in (
            "//evil.test/", "/\\evil.test", "https://evil.test/", "evil", "", "/a\\b", "/\t/evil.test",
            "/" + "x" * 3000, "/\u20ac", wire.LOGIN_PATH, wire.SIGNED_IN_PATH + "?code=x",
        ):  # fmt: skip
            person = shell()
            asked_for, cookie = self.begin(person, to)
            sent = {"state": asked_for["state"], "iss": ISSUER, "code": "c0de"}
            self.assertEqual(location(self.finish(person, cookie, **sent)), "/", to)

    @given(st.text(max_size=60), st.text(max_size=60))
    def test_anything(self, query: str, cookie: str) -> None:
        """No query and no cookie makes it raise or lets anybody in."""
        target = f"{wire.SIGNED_IN_PATH}?{query}".encode()
        field = wire.LOGIN_STATE_COOKIE + b"=" + cookie.encode("utf-8")
        request = attrs.evolve(own(), target=target, fields=((b"Cookie", field),))
        self.refused(run(request, shell()))

    def test_nothing_is_told(self) -> None:
        """Neither code nor state nor what the provider must not see is noted."""
        person = shell()
        asked_for, cookie = self.begin(person)
        sent = {"state": asked_for["state"], "iss": ISSUER, "code": "forged-s3cret"}
        ending = self.finish(person, cookie, **sent)
        shown = repr((ending, person.needs))
        self.assertNotIn("s3cret", shown)
        self.assertNotIn(asked_for["state"], shown)
        self.assertEqual([one for one in person.needs if isinstance(one, Note)], [])

    def test_methods(self) -> None:
        """GET and HEAD alone; without a provider there are no such pages."""
        for path in (wire.LOGIN_PATH, wire.LOGIN_START_PATH, wire.SIGNED_IN_PATH):
            ending = run(own(path, method=b"POST"), shell())
            assert isinstance(ending, Refuse)
            self.assertEqual(ending.status, 405)
            other = run(own(path), shell(), Authentication(basic=True))
            assert isinstance(other, Refuse)
            self.assertEqual(other.status, 401)
