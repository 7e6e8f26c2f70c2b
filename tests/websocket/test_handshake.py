"""Opening handshakes: the client's request and the upstream's answer (RFC 6455, section 4)."""

from __future__ import annotations

from base64 import b64encode

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import events
from gateway.websocket.handshake import (
    MAX_OFFER_LENGTH,
    MAX_OFFERS,
    Offer,
    Unsound,
    is_upgrade,
    judge_choice,
    origin_of,
    read_offer,
    upstream_extra_fields,
)

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
SOUND = {
    b"Host": [b"h"],
    b"Upgrade": [b"websocket"],
    b"Connection": [b"Upgrade"],
    b"Sec-WebSocket-Key": [KEY],
    b"Sec-WebSocket-Version": [b"13"],
}


def _fields(changes: dict[bytes, list[bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    merged = SOUND | changes
    return tuple((name, value) for name, values in merged.items() for value in values)


def _read(
    *, method: bytes = b"GET", version: bytes = b"HTTP/1.1", **changes: list[bytes]
) -> Offer | Unsound:
    names = {
        "connection": b"Connection",
        "key": b"Sec-WebSocket-Key",
        "ws_version": b"Sec-WebSocket-Version",
        "protocols": b"Sec-WebSocket-Protocol",
    }
    given_fields = {names[name]: values for name, values in changes.items()}
    return read_offer(method, version, _fields(given_fields))


class ReadTests(SynchronousTestCase):
    """Section 4.2.1."""

    def test_sound(self) -> None:
        """What browsers and other clients send."""
        self.assertEqual(_read(), Offer())
        for values in ([b"Upgrade"], [b"keep-alive, UPGRADE"], [b"keep-alive", b"upgrade"]):
            self.assertEqual(_read(connection=values), Offer(), values)

    def test_unsound(self) -> None:
        """The status of each fault."""
        table: list[tuple[int, Offer | Unsound]] = [
            (405, _read(method=b"POST")),
            (405, _read(method=b"HEAD")),
            (405, _read(method=b"get")),
            (426, _read(version=b"HTTP/1.0")),
            (426, _read(version=b"HTTP/2")),
            (426, _read(connection=[])),
            (426, _read(connection=[b"keep-alive"])),
            (426, _read(connection=[b"upgraded"])),
            (426, _read(ws_version=[])),
            (426, _read(ws_version=[b"8"])),
            (426, _read(ws_version=[b"13", b"8"])),
            (426, _read(ws_version=[b"13", b"13"])),
            (426, _read(ws_version=[b"13, 8"])),
            (426, _read(ws_version=[b"013"])),
            (400, _read(key=[])),
            (400, _read(key=[KEY, KEY])),
            (400, _read(key=[b""])),
            (400, _read(key=[b"x" * 24])),
            (400, _read(key=[b64encode(b"15 octets are it")[:-4]])),
            (400, _read(key=[b64encode(b"seventeen octets!")])),
            (400, _read(key=[KEY[:-2]])),
            (400, _read(key=[b"!" + KEY[1:]])),
            (400, _read(key=[KEY[:4] + b"!" + KEY[4:]])),
            (400, _read(key=[b"\xff" + KEY[1:]])),
        ]
        for number, (status, found) in enumerate(table):
            assert isinstance(found, Unsound), number
            self.assertEqual(
                (found.status, found.event), (status, events.HANDSHAKE_INVALID), number
            )

    def test_what_the_answer_says(self) -> None:
        """405 names the method, 426 the version or the protocol."""
        for found, wanted in (
            (_read(method=b"POST"), (b"Allow", b"GET")),
            (_read(ws_version=[b"8"]), (b"Sec-WebSocket-Version", b"13")),
            (_read(connection=[]), (b"Upgrade", b"websocket")),
        ):
            assert isinstance(found, Unsound)
            self.assertIn(wanted, found.fields)

    def test_offers(self) -> None:
        """Unique tokens in their order, over several fields; any vocabulary."""
        table: list[tuple[list[bytes], tuple[str, ...]]] = [
            ([b"chat"], ("chat",)),
            ([b"v12.stomp, v11.stomp"], ("v12.stomp", "v11.stomp")),
            ([b"a,b", b" c\t"], ("a", "b", "c")),
            ([b"bokeh, " + b"t" * MAX_OFFER_LENGTH], ("bokeh", "t" * MAX_OFFER_LENGTH)),
            ([b"A, a"], ("A", "a")),
            ([b"!#$%&'*+.^_`|~-"], ("!#$%&'*+.^_`|~-",)),
        ]
        for values, wanted in table:
            self.assertEqual(_read(protocols=values), Offer(wanted), values)

    def test_unsound_offers(self) -> None:
        """Doubled, empty or odd entries are 400; so are too many, which is a limit."""
        for values in (
            [b""], [b"a,a"], [b"a", b"a"], [b"a,,b"], [b"a b"], [b"a/b"], [b'"a"'], [b"\xe9"],
            [b"a;b"], [b"a\nb"],
        ):  # fmt: skip
            found = _read(protocols=values)
            assert isinstance(found, Unsound), values
            self.assertEqual((found.status, found.event), (400, events.HANDSHAKE_INVALID), values)
        many = b",".join(b"p%d" % number for number in range(MAX_OFFERS))
        self.assertIsInstance(_read(protocols=[many]), Offer)
        for values in ([many + b",one"], [b"x" * (MAX_OFFER_LENGTH + 1)]):
            found = _read(protocols=values)
            assert isinstance(found, Unsound)
            self.assertEqual((found.status, found.event), (400, events.LIMIT))

    @settings(deadline=None)
    @given(st.lists(st.binary(max_size=30), max_size=3), st.binary(max_size=30))
    def test_any_octets(self, protocols: list[bytes], key: bytes) -> None:
        """Whatever arrives, it is judged; an offer holds tokens alone."""
        found = _read(protocols=protocols)
        if isinstance(found, Offer):
            self.assertEqual(len(set(found.subprotocols)), len(found.subprotocols))
            for one in found.subprotocols:
                self.assertRegex(one, r"\A[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
        self.assertIsInstance(_read(key=[key]), Offer | Unsound)

    def test_an_offer_shows_nothing(self) -> None:
        """Values of an offer are secrets: repr leaves them out."""
        found = _read(protocols=[b"bokeh, s3cret"])
        self.assertIsInstance(found, Offer)
        self.assertNotIn("s3cret", repr(found))


class OriginTests(SynchronousTestCase):
    """The one Origin of a handshake."""

    def test_table(self) -> None:
        """Exactly one, and not null."""
        good = origin_of(((b"Origin", b"https://a.example"),))
        self.assertEqual(good, "https://a.example")
        for values in ([], [b"null"], [b"https://a", b"https://a"], [b"https://a", b"null"]):
            found = origin_of(tuple((b"Origin", value) for value in values))
            assert isinstance(found, Unsound), values
            self.assertEqual((found.status, found.event), (403, events.ORIGIN_DENIED), values)

    def test_is_upgrade(self) -> None:
        """A request asks for a WebSocket by one token of Upgrade."""
        table = [
            ([], False), ([b"websocket"], True), ([b"WebSocket"], True), ([b"h2c, websocket"], True),
            ([b"h2c", b"websocket"], True), ([b"h2c"], False), ([b"websocket/13"], False),
            ([b"xwebsocket"], False),
        ]  # fmt: skip
        for values, wanted in table:
            fields = tuple((b"Upgrade", value) for value in values)
            self.assertEqual(is_upgrade(fields), wanted, values)


class UpstreamTests(SynchronousTestCase):
    """The upstream's leg."""

    def test_choice(self) -> None:
        """None, or one that was offered, exactly; anything else fails as the upstream's fault."""
        offer = Offer(("v12.stomp", "v11.stomp"))
        for chosen in (None, "v12.stomp", "v11.stomp"):
            self.assertIsNone(judge_choice(offer, chosen), chosen)
        for chosen in ("", "v10.stomp", "V12.stomp", "v12.stomp, v11.stomp"):
            found = judge_choice(offer, chosen)
            assert found is not None, chosen
            self.assertEqual((found.status, found.event), (502, events.SUBPROTOCOL_VIOLATION))
        self.assertIsNotNone(judge_choice(Offer(), "chat"))

    def test_extra_fields(self) -> None:
        """Who asks and in what language; nothing of the handshake, no cookie, no Origin."""
        wanted = {
            b"user-agent": b"UA", b"accept-language": b"de", b"authorization": b"Basic x",
            b"pragma": b"no-cache", b"cache-control": b"no-cache",
        }  # fmt: skip
        never = (
            b"cookie", b"origin", b"host", b"connection", b"upgrade", b"sec-websocket-key",
            b"sec-websocket-extensions", b"sec-websocket-protocol", b"x-forwarded-for", b"x-other",
            b"referer",
        )  # fmt: skip
        fields = (*wanted.items(), *((name, b"x") for name in never))
        found = {name.lower(): value for name, value in upstream_extra_fields(fields)}
        self.assertEqual(found, wanted)
        self.assertEqual(upstream_extra_fields(()), [])
