"""The session that a request carries, if any (protocols, section 3).

The browser's Cookie header is parsed as raw octets: names exact, only SP and HTAB
trimmed.  Hostile siblings can toss and evict our cookies, so several values of one
name make a session only where the request's token names their pair; an anonymous request
has no jar.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import attrs

from gateway import wire
from gateway.cookies.seal import UserKeys, derive_user_keys
from gateway.session.attestation import Datr, Mode, attest, pair, verify_datr
from gateway.session.keys import Ick
from gateway.session.tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.session.keys import ServerKeys


@attrs.frozen
class Session:
    """One verified pair; lives as long as one request does."""

    ick: Ick
    datr: Datr

    @property
    def is_basic(self) -> bool:
        """Whether its pages are served without their sites' script."""
        return self.datr.mode is Mode.BASIC

    def user_keys(self, keys: ServerKeys) -> UserKeys:
        """The keys of this user's jar."""
        generation = self.datr.generation
        return derive_user_keys(self.ick.reveal(), keys.key("pepper", generation), generation)

    def ickt(self, keys: ServerKeys) -> bytes:
        """The attestation of this pair."""
        return attest(keys, self.ick, self.datr)

    def is_attested_by(self, ickt: bytes, keys: ServerKeys) -> bool:
        """Whether ``ickt`` is the attestation of this pair, in constant time."""
        return hmac.compare_digest(self.ickt(keys), ickt)

    @property
    def pair(self) -> bytes:
        """The digest that tokens name."""
        return pair(self.ick, self.datr)


@attrs.frozen
class Reading:
    """What the Cookie header says: a session or none; whether somebody tossed a cookie.

    ``duplicated``: several values of a session cookie that could each count.
    ``invalid``: a session cookie that is not one of ours.  ``has_ick``: there is a cookie
    of that name, of whatever worth.  ``token``: the token that the request carries, if it
    is ours, and whether it carries any.
    """

    session: Session | None = None
    duplicated: bool = False
    invalid: bool = False
    has_ick: bool = False
    token: Token | None = None
    token_given: bool = False


def cookie_values(headers: Iterable[bytes], name: bytes) -> list[bytes]:
    """All values of the cookies called exactly ``name``, in their order."""
    values = []
    for header in headers:
        for part in header.split(b";"):
            key, equals, value = part.partition(b"=")
            if equals and key.strip(b" \t") == name:
                values.append(value.strip(b" \t"))
    return values


def datr_mode(headers: Iterable[bytes], keys: ServerKeys) -> Mode | None:
    """The mode of the browser's sessions as the portal sees it; None: nobody can tell."""
    found = [verify_datr(keys, text) for text in set(cookie_values(headers, wire.DATR_COOKIE))]
    modes = [datr.mode for datr in found if datr is not None]
    return modes[0] if len(modes) == 1 else None


_MAX_VALUES = 8
"""Values of one name that are looked at: a sibling can toss hundreds."""


def read_session(headers: Iterable[bytes], keys: ServerKeys, token: Token | None = None) -> Reading:
    """Read the session from the Cookie header fields of a request.

    Where a sibling tossed cookies, the pair that the request's ``token`` names counts;
    without one nobody can tell which is the person's, and the request is anonymous.
    """
    fields = list(headers)
    raw_icks = dict.fromkeys(cookie_values(fields, wire.ICK_COOKIE))
    raw_datrs = dict.fromkeys(cookie_values(fields, wire.DATR_COOKIE))
    icks = [ick for ick in map(Ick.from_cookie, raw_icks) if ick is not None]
    datrs = [datr for text in raw_datrs if (datr := verify_datr(keys, text)) is not None]
    reading = Reading(
        duplicated=len(icks) > 1 or len(datrs) > 1,
        invalid=len(icks) < len(raw_icks) or len(datrs) < len(raw_datrs),
        has_ick=bool(raw_icks),
        token=token,
    )
    found = [Session(ick, datr) for ick in icks[:_MAX_VALUES] for datr in datrs[:_MAX_VALUES]]
    if reading.duplicated:
        wanted = token.pair if token is not None else b""
        found = [one for one in found if hmac.compare_digest(one.pair, wanted)]
    return attrs.evolve(reading, session=found[0]) if len(found) == 1 else reading
