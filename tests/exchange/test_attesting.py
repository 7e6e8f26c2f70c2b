"""What changes state carries a token that fits (what pages ask: ``test_attesting_endpoints``)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.exchange.attesting import token_step
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
from gateway.rewrite.parameters import parameter
from gateway.session.reading import Reading, Session
from gateway.session.tokens import Fault, Token, open_token, seal_token
from tests.exchange import (
    LONG,
    LONG_HOST,
    PAGE_ORIGIN,
    SESSION,
    SITE,
    Shell,
    access,
    context,
    frame,
    head,
    play,
    token_text,
    values,
)
from tests.rewrite import DOMAIN, SECURE, SUFFIX, collapsed
from tests.session import DATR, DATR_2, ICK, ICK_2, KEYS, NEW_KEYS, NOW

PERSON, TOSSER = Session(ICK, DATR), Session(ICK_2, DATR_2)
PAIR, OTHER_PAIR = PERSON.pair, TOSSER.pair
OTHER = "https://www.example.com"
DAY = 86400
WRITING = (b"POST", b"PUT", b"DELETE", b"PATCH", b"PROPFIND", b"post", b"get", b"X")
NATIVE = {"sec_fetch_site": "", "sec_fetch_dest": "", "sec_fetch_mode": ""}


def cookies_of(*sessions: Session) -> bytes:
    """A Cookie field with the session cookies of several people."""
    parts = []
    for one in sessions:
        parts.append(wire.ICK_COOKIE + b"=" + one.ick.cookie_value())
        parts.append(wire.DATR_COOKIE + b"=" + one.datr.text)
    return b"; ".join(parts)


def with_cookie(request: RequestHead, cookie: bytes) -> RequestHead:
    """The same request with another Cookie field, or none."""
    fields = tuple(field for field in request.fields if field[0] != b"Cookie")
    return attrs.evolve(request, fields=(*fields, (b"Cookie", cookie)) if cookie else fields)


BOTH = cookies_of(TOSSER, PERSON)


class Case(SynchronousTestCase):
    """Plays requests at a gateway where the person has one cookie."""

    def play(
        self, request: RequestHead, given_context: Context | None = None, shell: Shell | None = None
    ) -> tuple[Ending, Shell]:
        """One exchange."""
        shell = shell or Shell()
        shell.put(b"known=1; Path=/; Domain=example.com; SameSite=None; Secure")
        return play(http_exchange, request, given_context or context(), shell)

    def passed(self, request: RequestHead, *, jar: bool, **more: Any) -> Connect:
        """It went upstream, with the person's jar or without."""
        ending, shell = self.play(request, **more)
        self.assertIsInstance(ending, Respond, request)
        (sent,) = shell.sent()
        assert isinstance(sent, Connect)
        self.assertEqual(values(sent.fields, b"Cookie"), [b"known=1"] if jar else [], request)
        return sent

    def refused(self, request: RequestHead, event: str = events.CSRF_TOKEN, **more: Any) -> Refuse:
        """403 with an event that tells nothing; nothing went upstream, no jar was read."""
        ending, shell = self.play(request, **more)
        assert isinstance(ending, Refuse), (request, ending)
        self.assertEqual((ending.status, ending.event), (403, event), request)
        self.assertEqual(shell.sent(), [], request)
        self.assertNotIn("NeedRows", shell.kinds())
        told = f"{ending} {shell.needs}"
        token = parameter(request.target.decode(), wire.TOKEN_PARAMETER)
        secrets = [token, ICK.cookie_value().decode(), DATR.text.decode(), repr(PAIR)[2:-1]]
        for secret in filter(None, secrets):
            self.assertNotIn(secret, told)
        return ending


class TokenStepTests(Case):
    """Which requests must carry a token, and which token."""

    def test_methods(self) -> None:
        """Whatever is not GET, HEAD or OPTIONS; a GET that asks for another protocol, too."""
        for method in WRITING:
            self.refused(head(method=method, token=""))
            self.refused(frame(method=method, token=""))
            self.passed(head(method=method), jar=True)
        for method in (b"GET", b"HEAD", b"OPTIONS"):
            for token in ("", "junk", token_text(OTHER_PAIR)):
                self.passed(head(method=method, token=token), jar=True)
            self.refused(head(method=method, token="", upgrade="h2c"))
            self.passed(head(method=method, upgrade="h2c"), jar=True)

    def test_faults(self) -> None:
        """A token that is not there, not ours, too old, of another page, session or person."""
        generation = seal_token(KEYS, 1, Token(PAIR, SITE, "", NOW), b"t" * 12)
        for token, detail in (
            ("", "there is no token"),
            ("junk", "the token is not ours"),
            (token_text(PAIR)[:-1], "the token is not ours"),
            (token_text(PAIR, SITE, NOW - DAY - 1), "the token has expired"),
            (token_text(PAIR, SITE, NOW + DAY + 1), "the token has expired"),
            (token_text(OTHER_PAIR), "the token is of another session"),
            (token_text(Session(ICK, DATR_2).pair), "the token is of another session"),
            (token_text(), "the token is of another session"),
        ):
            for method in (b"POST", b"DELETE"):
                ending = self.refused(head(method=method, token=token))
                self.assertEqual(ending.detail, detail)
        retired = attrs.evolve(context(), keys=NEW_KEYS)
        request = head(method=b"POST", token=generation)
        self.passed(request, jar=True)
        self.assertEqual(
            self.refused(request, given_context=retired).detail, "the token is not ours"
        )

    def test_lifetime(self) -> None:
        """Up to its last second, which the configuration says."""
        self.passed(head(method=b"POST", token=token_text(PAIR, SITE, NOW - DAY)), jar=True)
        given_context = context()
        short = attrs.evolve(
            given_context, settings=attrs.evolve(given_context.settings, token_seconds=60)
        )
        for age, fits in ((60, True), (61, False)):
            request = head(method=b"POST", token=token_text(PAIR, SITE, NOW - age))
            if fits:
                self.passed(request, jar=True, given_context=short)
            else:
                self.refused(request, given_context=short)

    def test_origins(self) -> None:
        """The page's own must be the ``Origin``; where none is said, the token alone decides."""
        here, there = token_text(PAIR), token_text(PAIR, OTHER)
        for who, token, fits in (
            (PAGE_ORIGIN, here, True),
            (PAGE_ORIGIN, there, False),
            (collapsed(OTHER), there, True),
            (collapsed(OTHER), here, False),
            (collapsed(SITE.replace("https", "http")), here, False),
            ("null", here, True),
            ("null", there, True),
            ("", here, True),
            ("", there, True),
            (SECURE, here, True),  # the outer frame sends a form into a new window
            ("null", "", False),
            ("", "", False),
            (SECURE, "", False),
            (f"https://junk{SUFFIX}", here, False),
        ):
            request = head(method=b"POST", token=token, origin=who)
            if fits:
                self.passed(request, jar=True)
            else:
                self.refused(request)

    def test_other_web_sites(self) -> None:
        """A page that is none of ours is refused even with a token that it found somewhere."""
        for who in ("https://evil.example", SITE, f"https://{DOMAIN}", PAGE_ORIGIN + ":8443"):
            for token in (token_text(PAIR), token_text(PAIR, "https://evil.example"), ""):
                request = head(method=b"POST", token=token, origin=who, sec_fetch_site="cross-site")
                self.refused(request)
                anonymous = with_cookie(request, b"")
                self.refused(anonymous, event=events.NOT_OUR_PAGE)

    def test_an_origin_that_is_none_of_ours(self) -> None:
        """The step itself refuses it, whoever it was that the request counted for before."""
        token = Token(PAIR, SITE, "", NOW)
        reading = Reading(PERSON, has_ick=True, token=token, token_given=True)
        for who, wanted in (
            ("https://evil.example", Fault.ORIGIN),
            (f"https://junk{SUFFIX}", Fault.ORIGIN),
            ("junk", Fault.ORIGIN),
            (PAGE_ORIGIN, None),
        ):
            steps = token_step(head(method=b"POST", origin=who), reading, context())
            next(steps)
            with self.assertRaises(StopIteration) as stop:
                steps.send(NOW)
            found, fault = stop.exception.value
            self.assertIs(fault, wanted, who)
            self.assertEqual(found.session, None if wanted else PERSON)

    def test_pages_on_hosts_with_digests(self) -> None:
        """Their label is as good as a readable one."""
        proof = quote(str(LONG), safe="")
        for page, fits in ((str(LONG), True), (SITE, False)):
            target = f"/?{wire.ORIGIN_PARAMETER}={proof}"
            request = head(
                target, method=b"POST", host=LONG_HOST, token=token_text(PAIR, page),
                origin=f"https://{LONG_HOST}",
            )  # fmt: skip
            given_context = context()
            given_context.codec.learn(LONG)
            if fits:
                sent = self.passed(request, jar=True, given_context=given_context)
                self.assertEqual(sent.target, b"/")
            else:
                self.refused(request, given_context=given_context)

    def test_anonymous(self) -> None:
        """Without ``ick`` a token of either kind will do, but one there must be."""
        for cookie in (b"", wire.DATR_COOKIE + b"=" + DATR.text, b"other=1"):
            for token in (token_text(), token_text(PAIR), token_text(OTHER_PAIR)):
                self.passed(with_cookie(head(method=b"POST", token=token), cookie), jar=False)
            for token in (
                "",
                "junk",
                token_text(b"", OTHER),
                token_text(PAIR, SITE, NOW - DAY - 1),
            ):
                request = head(method=b"POST", token=token, origin=PAGE_ORIGIN)
                self.refused(with_cookie(request, cookie))

    def test_an_ick_that_is_none(self) -> None:
        """An ``ick`` without worth does not make a request anonymous: somebody tossed it."""
        name = wire.ICK_COOKIE + b"="
        for cookie in (
            name,
            name + b"junk",
            name + ICK_2.cookie_value(),
            name + b"junk; " + wire.DATR_COOKIE + b"=" + DATR.text,
            name + ICK.cookie_value() + b"; " + wire.DATR_COOKIE + b"=junk",
        ):
            for token in (token_text(), token_text(PAIR)):
                self.refused(with_cookie(head(method=b"POST", token=token), cookie))

    def test_tossed_cookies(self) -> None:
        """A login never lands in the jar of whoever tossed an ``ick``; the person's own works."""
        for cookie in (BOTH, cookies_of(PERSON, TOSSER)):
            self.passed(with_cookie(head(method=b"POST"), cookie), jar=True)
            self.passed(
                with_cookie(head(method=b"POST", token=token_text(OTHER_PAIR)), cookie), jar=False
            )
            for token in ("", token_text(), token_text(b"x" * 32)):
                self.refused(with_cookie(head(method=b"POST", token=token), cookie))
            # Who reads without a token is nobody; with one, it says who.
            self.passed(with_cookie(head(token=""), cookie), jar=False)
            self.passed(with_cookie(head(token=token_text(PAIR)), cookie), jar=True)
        # The person's own were evicted: what is there is the tosser's alone.
        self.refused(with_cookie(head(method=b"POST"), cookies_of(TOSSER)))
        ending, shell = self.play(with_cookie(head(method=b"POST"), BOTH))
        assert isinstance(ending, Respond)
        self.assertEqual(shell.notes(), [events.SESSION_FIXATION])
        self.assertTrue(values(ending.fields, b"Set-Cookie"))

    def test_what_browsers_send_themselves(self) -> None:
        """Reports and pings need no token and count for nobody, whatever they carry."""
        ping = {"content_type": "text/ping", "ping_to": f"{PAGE_ORIGIN}/x"}
        for fields in (
            {"sec_fetch_dest": "report"},
            {"sec_fetch_mode": "no-cors", **ping},
            {"sec_fetch_dest": "", "sec_fetch_mode": "", **ping},
        ):
            for token in ("", token_text(PAIR), "junk"):
                self.passed(head(method=b"POST", token=token, **fields), jar=False)
        for fields in (
            {"sec_fetch_dest": "empty"},
            {"content_type": "text/ping", "sec_fetch_mode": "no-cors"},
            {"ping_to": "x", "sec_fetch_mode": "no-cors"},
            {"sec_fetch_mode": "cors", **ping},  # script can name both fields
            {"sec_fetch_mode": "same-origin", **ping},
            {"sec_fetch_mode": "navigate", **ping},
        ):
            self.refused(head(method=b"POST", token="", **fields))

    def test_native(self) -> None:
        """Where a native rule opens a destination no token is asked for, and nobody has a jar."""
        rules = context(access("*", native=True))
        curl = head(method=b"POST", token="", session=False, **NATIVE)
        self.passed(curl, jar=False, given_context=rules)
        for token in ("", "junk", token_text(OTHER_PAIR), token_text(PAIR, OTHER)):
            request = head(method=b"POST", token=token, origin=PAGE_ORIGIN)
            self.passed(request, jar=False, given_context=rules)
        self.passed(head(method=b"POST"), jar=True, given_context=rules)
        elsewhere = context(access("other.example", native=True), access("*"))
        self.refused(head(method=b"POST", token=""), given_context=elsewhere)
        self.refused(curl, event=events.NOT_OUR_PAGE, given_context=elsewhere)

    def test_closed_stays_closed(self) -> None:
        """A token opens nothing that the policy does not."""
        ending, shell = self.play(head(method=b"POST"), context(access("other.example")))
        assert isinstance(ending, Refuse)
        self.assertEqual((ending.event, shell.sent()), (events.DESTINATION_DENIED, []))

    @settings(deadline=None)
    @given(
        st.sampled_from((b"GET", b"POST", b"PUT", b"X")),
        st.sampled_from(("", "junk", token_text(), token_text(PAIR), token_text(OTHER_PAIR),
                         token_text(PAIR, OTHER), token_text(PAIR, SITE, NOW - DAY - 1))),
        st.sampled_from(("", "null", PAGE_ORIGIN, SECURE, collapsed(OTHER), "https://evil.example")),
        st.sampled_from((b"", SESSION, BOTH, cookies_of(TOSSER))),
        st.sampled_from(("", "iframe", "empty", "report")),
    )  # fmt: skip
    def test_whose_jar(
        self, method: bytes, token: str, who: str, cookie: bytes, destination: str
    ) -> None:
        """Whatever is mixed: the person's jar is written to only under the person's token."""
        shell = Shell({Connect: UpstreamHead(200, b"R", ((b"Set-Cookie", b"in=1; Path=/"),), 5)})
        request = head(method=method, token=token, origin=who, sec_fetch_dest=destination)
        self.play(with_cookie(request, cookie), shell=shell)
        if b"in=1" in shell.cookies() and method != b"GET":
            self.assertIn(token, (token_text(PAIR), token_text(PAIR, OTHER)))
            self.assertIn(cookie, (SESSION, BOTH))
        if method != b"GET" and token in {"", "junk"} and destination != "report":
            self.assertEqual(shell.sent(), [])


class StrippedTests(Case):
    """What no site may see."""

    def test_target(self) -> None:
        """The token goes out of the target, wherever it stands, of every method."""
        token = token_text(PAIR)
        for target, wanted in (
            (f"/p?__gw={token}", b"/p"),
            (f"/p?a=1&__gw={token}", b"/p?a=1"),
            (f"/p?__gw={token}&a=1", b"/p?a=1"),
            (f"/p?__gw=old&a&__gw={token}", b"/p?a"),
        ):
            for method in (b"GET", b"HEAD", b"OPTIONS", b"POST", b"PUT"):
                sent = self.passed(head(target, method=method, token=""), jar=True)
                self.assertEqual(sent.target, wanted)

    def test_the_last_one_counts(self) -> None:
        """Ours is appended: what a site's own URL has before it is not looked at."""
        right, wrong = token_text(PAIR), token_text(OTHER_PAIR)
        self.passed(head(f"/?__gw={wrong}&__gw={right}", method=b"POST", token=""), jar=True)
        self.refused(head(f"/?__gw={right}&__gw={wrong}", method=b"POST", token=""))

    def test_preflight(self) -> None:
        """It repeats the URL: the token is taken out, and nothing depends on it."""
        fields = {"access_control_request_method": "POST", "origin": collapsed(OTHER)}
        for token in ("", token_text(PAIR), token_text(OTHER_PAIR), "junk"):
            request = head("/p?a", method=b"OPTIONS", session=False, token=token, **fields)
            self.assertEqual(self.passed(request, jar=False).target, b"/p?a")

    def test_referer(self) -> None:
        """Nor is it in the address of the page that is told to the next site."""
        token = token_text(PAIR)
        for method in (b"GET", b"POST"):
            referer = f"{PAGE_ORIGIN}/x?a=1&__gw={token}&b"
            sent = self.passed(head(method=method, referer=referer), jar=True)
            self.assertEqual(values(sent.fields, b"Referer"), [f"{SITE}/x?a=1&b".encode()])
            self.assertNotIn(token.encode(), b"".join(value for _, value in sent.fields))


class RedirectTests(Case):
    """A redirect that keeps the method leads on with a fresh token."""

    def location(self, ending: Ending) -> str:
        """The one Location."""
        assert isinstance(ending, Respond | Answer)
        (found,) = values(ending.fields, b"Location")
        return found.decode("latin-1")

    def follow(
        self, status: int, location: bytes, request: RequestHead
    ) -> tuple[str, Token | None]:
        """Where it leads without the token, and the token."""
        answer = UpstreamHead(status, b"R", ((b"Location", location),), 0)
        later = NOW + 1000
        ending, _ = self.play(request, shell=Shell({Connect: answer, NeedNow: later}))
        found = self.location(ending)
        text = parameter(found, wire.TOKEN_PARAMETER)
        if text is None:
            return found, None
        token = open_token(KEYS, text)
        assert token is not None, found
        self.assertEqual(token.issued_at, later)
        (before, after), mark = found.split(f"{wire.TOKEN_PARAMETER}={text}"), found.count(text)
        self.assertEqual(mark, 1)
        return before.rstrip("?&") + after, token

    def test_statuses_and_places(self) -> None:
        """307 and 308, relative or not, to this host or another; no other status."""
        other = collapsed("https://api.example.com")
        for location, wanted in (
            (b"/next", "/next"),
            (b"next?a=1", "next?a=1"),
            (b"/next?a=1#f", "/next?a=1#f"),
            (b"?", ""),
            (f"{SITE}/x".encode(), f"{PAGE_ORIGIN}/x"),
            (b"https://api.example.com/x?y", f"{other}/x?y"),
            (b"//api.example.com/x", f"{other.removeprefix('https:')}/x"),
            (b"/\xc3\xa4?\xff", "/\xc3\xa4?\xff"),
        ):
            for status in (307, 308):
                found = self.follow(status, location, head(method=b"POST"))
                self.assertEqual(found, (wanted, Token(PAIR, SITE, "", NOW + 1000)), location)
            for status in (301, 302, 303, 300, 201, 200):
                _, token = self.follow(status, location, head(method=b"POST"))
                self.assertIsNone(token, (status, location))
            for status in (301, 302, 307, 308):
                _, token = self.follow(status, location, head(method=b"PUT"))
                self.assertIsNotNone(token, "only a POST becomes a GET")
            self.assertIsNone(self.follow(303, location, head(method=b"PUT"))[1])
            for text in ("", token_text(PAIR)):
                _, token = self.follow(307, location, head(token=text))
                self.assertIsNone(token, location)

    def test_the_same_pair_and_page(self) -> None:
        """It says what the first one said; what was nobody's stays nobody's."""
        top = seal_token(KEYS, 2, Token(PAIR, OTHER, "https://top.example", NOW), b"t" * 12)
        wanted = Token(PAIR, OTHER, "https://top.example", NOW + 1000)
        request = head(method=b"PUT", token=top, origin=collapsed(OTHER))
        self.assertEqual(self.follow(307, b"/x", request)[1], wanted)
        tossed = with_cookie(head(method=b"POST"), BOTH)
        self.assertEqual(self.follow(307, b"/x", tossed)[1], Token(PAIR, SITE, "", NOW + 1000))
        nobody = head(method=b"POST", session=False)
        self.assertEqual(self.follow(308, b"/x", nobody)[1], Token(b"", SITE, "", NOW + 1000))

    def test_what_leads_away(self) -> None:
        """To the gateway's own pages, or out of the web, no token goes along."""
        for location in (
            f"{SECURE}/".encode(), f"https://{DOMAIN}/x".encode(), b"mailto:a@b.example",
            b"app:open", b"data:text/html,x", b"https://exa mple/", b"http://",
        ):  # fmt: skip
            _, token = self.follow(307, location, head(method=b"POST"))
            self.assertIsNone(token, location)

    def test_the_next_request_passes(self) -> None:
        """What is then sent to the other host is carried out, though its Origin is ``null``."""
        answer = UpstreamHead(307, b"R", ((b"Location", b"https://api.example.com/x"),), 0)
        ending, _ = self.play(head(method=b"POST"), shell=Shell({Connect: answer}))
        host, _, target = self.location(ending).removeprefix("https://").partition("/")
        for who in ("null", PAGE_ORIGIN):
            request = head(f"/{target}", method=b"POST", host=host, origin=who)
            self.assertEqual(self.passed(request, jar=True).target, b"/x")

    def test_upgrade(self) -> None:
        """A form to a plain address of an HSTS host goes to its twin with a token of its page."""
        shell = Shell()
        field = (b"Strict-Transport-Security", b"max-age=1000")
        shell.replies[Connect] = UpstreamHead(200, b"R", (field,), 0)
        self.play(head(), shell=shell)
        plain = collapsed(SITE.replace("https:", "http:")).removeprefix("https://")
        rules = context(attrs.evolve(access("http://*"), allow_insecure_http=True))
        shell.needs.clear()
        request = head("/p?q", method=b"POST", host=plain, token=token_text(PAIR))
        ending, _ = play(http_exchange, request, rules, shell)
        assert isinstance(ending, Answer)
        self.assertEqual((ending.status, shell.sent()), (307, []))
        location = self.location(ending)
        self.assertTrue(location.startswith(f"{PAGE_ORIGIN}/p?q&__gw="), location)
        text = parameter(location, wire.TOKEN_PARAMETER) or ""
        self.assertEqual(open_token(KEYS, text), Token(PAIR, SITE, "", NOW))
        shell.needs.clear()
        request = head("/p?q", method=b"POST", host=plain, token="")
        self.refused(request, given_context=rules, shell=shell)
