"""Minting a session, its Set-Cookie fields, and expiring tossed duplicates.

Nothing here reads the request for anything that could become part of the answer: a new
session is always made of fresh randomness (protocols, section 6).
"""

from __future__ import annotations

import re

import attrs

from gateway import wire
from gateway.cookies.syntax import MAX_ATTRIBUTE
from gateway.session.attestation import (
    RANDOM_SIZE,
    Datr,
    Mode,
    attest,
    mint_datr,
    open_restore_text,
    seal_restore_text,
)
from gateway.session.keys import ICK_SIZE, Ick, ServerKeys

LIFETIME = 400 * 86400
RANDOM_NEEDED = ICK_SIZE + RANDOM_SIZE + 12
_MAX_PATHS = 2048
_MAX_PREFIXES = 13
# A path that no cookie can have must not smuggle an attribute in, nor a host.
_COOKIE_PATH = re.compile(r"/[\x21-\x3a\x3c-\x7e]*\Z")
_HOST = re.compile(r"[a-z0-9.-]+\Z")


@attrs.frozen(repr=False)
class Minted:
    """A session as its browser gets it: two cookies, two texts for localStorage."""

    set_cookies: tuple[bytes, bytes]
    ickt: str
    restore_text: str

    def __repr__(self) -> str:
        """Show nothing."""
        return "<minted session>"

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be serialised."""
        raise TypeError("a minted session is not serialisable")


def mint(keys: ServerKeys, random: bytes, now: int, domain: str, mode: Mode = Mode.FULL) -> Minted:
    """Mint a session from ``RANDOM_NEEDED`` random octets."""
    ick, datr = fresh_pair(keys, random, now, mode)
    return _minted(keys, ick, datr, random[ICK_SIZE + RANDOM_SIZE : RANDOM_NEEDED], domain)


def fresh_pair(keys: ServerKeys, random: bytes, now: int, mode: Mode) -> tuple[Ick, Datr]:
    """A pair of the newest generation from the first 48 of ``random``'s octets."""
    datr = mint_datr(keys, random[ICK_SIZE : ICK_SIZE + RANDOM_SIZE], now, mode)
    return Ick(random[:ICK_SIZE]), datr


def restore(keys: ServerKeys, text: bytes, nonce: bytes, domain: str) -> Minted | None:
    """The same session again, from its restore text; None if that is not ours."""
    opened = open_restore_text(keys, text)
    return None if opened is None else _minted(keys, *opened, nonce, domain)


def _minted(keys: ServerKeys, ick: Ick, datr: Datr, nonce: bytes, domain: str) -> Minted:
    return Minted(
        set_cookies=session_cookies(ick, datr, domain),
        ickt=attest(keys, ick, datr).decode("ascii"),
        restore_text=seal_restore_text(keys, ick, datr, nonce).decode("ascii"),
    )


def session_cookies(
    ick: Ick, datr: Datr, domain: str, *, apart: bool = False
) -> tuple[bytes, bytes]:
    """The two Set-Cookie fields: the ``ick`` below ``0.<domain>``, the ``datr`` everywhere.

    ``apart``: the domain is not the outer frame's, so that its frames are third parties, whom
    browsers send only such cookies; there is no portal on it that needs the ``datr``.
    """
    place = "SameSite=None; Partitioned" if apart else "SameSite=Lax"
    common = f"; Path=/; Max-Age={LIFETIME}; Secure; HttpOnly; {place}; Priority=High".encode()
    below = f"; Domain={wire.SUFFIX_LABEL}.{domain}".encode()
    everywhere = below if apart else f"; Domain={domain}".encode()
    return (
        wire.ICK_COOKIE + b"=" + ick.cookie_value() + below + common,
        wire.DATR_COOKIE + b"=" + datr.text + everywhere + common,
    )


def expire_duplicates(path: str, host: str, domain: str, *, apart: bool = False) -> list[bytes]:
    """Set-Cookie fields that end both cookies wherever a sibling could have put them.

    At every path prefix of the request and every domain level of its host, in a bounded
    number of octets.  ``apart``: in a third party's frame; in its partition and, where the
    browser still has one, in the store that all top-level sites share.
    """
    stores = ("; SameSite=None; Partitioned", "; SameSite=None") if apart else ("",)
    prefixes = ["/"]
    path = path.partition("?")[0]
    for place in [at for at, character in enumerate(path) if character == "/"] + [len(path)]:
        prefixes += [path[:place], path[: place + 1]]
    known = dict.fromkeys(prefix for prefix in prefixes if _COOKIE_PATH.match(prefix))
    chosen: list[str] = []
    room = _MAX_PATHS
    for prefix in known:
        room -= len(prefix)
        if room >= 0 and len(prefix) <= MAX_ATTRIBUTE and len(chosen) < _MAX_PREFIXES:
            chosen.append(prefix)
    levels = ["", *(_levels(host) if _HOST.match(host) else []), *_levels(domain)]
    fields = []
    for name in wire.OWN_COOKIES:
        for prefix in chosen:
            for level in dict.fromkeys(levels):
                where = f"; Domain={level}" if level else ""
                for store in stores:
                    rest = f"=; Path={prefix}{where}; Max-Age=0; Secure; HttpOnly{store}"
                    fields.append(name + rest.encode("ascii"))
    return fields


def _levels(host: str) -> list[str]:
    """A host and its parents, down to two labels: browsers refuse public suffixes anyway."""
    labels = host.split(".")
    return [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]
