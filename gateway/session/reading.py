"""The session that a request carries, if any (protocols, section 3).

The browser's Cookie header is parsed as raw octets: names exact, only SP and HTAB
trimmed.  Hostile siblings can toss and evict our cookies, so several values of one
name never make a session here; an anonymous request has no jar.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import attrs

from gateway import wire
from gateway.cookies.seal import UserKeys, derive_user_keys
from gateway.session.attestation import Datr, attest, pair, verify_datr
from gateway.session.keys import Ick

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.session.keys import ServerKeys


@attrs.frozen
class Session:
    """One verified pair; lives as long as one request does."""

    ick: Ick
    datr: Datr

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
    ``invalid``: a session cookie that is not one of ours.
    """

    session: Session | None = None
    duplicated: bool = False
    invalid: bool = False


def cookie_values(headers: Iterable[bytes], name: bytes) -> list[bytes]:
    """All values of the cookies called exactly ``name``, in their order."""
    values = []
    for header in headers:
        for part in header.split(b";"):
            key, equals, value = part.partition(b"=")
            if equals and key.strip(b" \t") == name:
                values.append(value.strip(b" \t"))
    return values


def read_session(headers: Iterable[bytes], keys: ServerKeys) -> Reading:
    """Read the session from the Cookie header fields of a request."""
    fields = list(headers)
    raw_icks = set(cookie_values(fields, wire.ICK_COOKIE))
    raw_datrs = set(cookie_values(fields, wire.DATR_COOKIE))
    icks = [ick for ick in map(Ick.from_cookie, raw_icks) if ick is not None]
    datrs = [datr for text in raw_datrs if (datr := verify_datr(keys, text)) is not None]
    invalid = len(icks) < len(raw_icks) or len(datrs) < len(raw_datrs)
    duplicated = len(icks) > 1 or len(datrs) > 1
    if duplicated or len(icks) != 1 or len(datrs) != 1:
        return Reading(duplicated=duplicated, invalid=invalid)
    return Reading(Session(icks[0], datrs[0]), invalid=invalid)
