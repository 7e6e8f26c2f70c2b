"""One-time proofs by which a navigation tells its place (protocols, section 4).

A browser tells no server whether a frame's navigation leads to the topmost page or to one
nested in another site's, nor whether the person chose the address.  Who can know it is
given a proof for one URL of one person, which the repeated request brings along.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from gateway.session.keys import decode, encode

if TYPE_CHECKING:
    from gateway.session.keys import ServerKeys
    from gateway.session.reading import Session

PERSON = "person"
"""The initiator of an address that was typed in the outer frame."""
CROSS_SITE = "cross-site"
"""The initiator where nothing tells it: no site's own."""
NONCE_SIZE = 16
"""Random octets that name a proof once; proofs of one navigation share them."""
SEAL_SIZE = 12
"""Random octets for each sealing."""
_VERSION = b"proof 1"
_MAX_REFERER = 1024
_MAX_TEXT = 4096


@attrs.frozen(repr=False)
class Proof:
    """What is proved about a navigation.

    ``site``: the top-level site, serialised; empty: the navigation is the topmost page's.
    ``initiator``: ``PERSON``, ``CROSS_SITE`` or the origin of a page.  ``referer``: the
    original ``Referer``, expanded.  ``user``: the browser said that a person acted.
    """

    site: str
    initiator: str
    referer: str
    user: bool
    expires: int
    nonce: bytes

    def __repr__(self) -> str:
        """Show nothing of where somebody goes."""
        return "<proof>"

    @property
    def is_topmost(self) -> bool:
        """Whether the navigation leads to the topmost page."""
        return not self.site


def bounded_referer(referer: str) -> str:
    """A Referer that a proof can hold: an overlong one is cut to its origin."""
    if not referer.isascii():
        return ""  # browsers send none
    if len(referer) <= _MAX_REFERER:
        return referer
    cut = "/".join(referer.split("/", 3)[:3]) + "/"
    return cut if len(cut) <= _MAX_REFERER else ""


def seal_proof(
    keys: ServerKeys, session: Session | None, url: str, proof: Proof, noise: bytes
) -> str:
    """A proof as it stands in a URL; ``noise`` are ``SEAL_SIZE`` random octets.

    ``session`` None: for a request that carries none, as those of sandboxed frames.

    ``url`` is the original one, without our parameters and without a fragment.
    """
    content = json.dumps(
        [
            proof.site,
            proof.initiator,
            proof.referer,
            int(proof.user),
            proof.expires,
            proof.nonce.hex(),
        ],
        separators=(",", ":"),
    )
    key = _key(keys, session)
    sealed = key.encrypt(noise, content.encode("ascii"), _bound(session, url))
    return encode(noise + sealed).decode("ascii")


def open_proof(
    keys: ServerKeys, session: Session | None, url: str, text: str, now: int
) -> Proof | None:
    """The proof in a URL; None if it is not ours, over, or for another URL or person.

    Whether it was used before is for the store to say.
    """
    octets = decode(text.encode("latin-1", "replace")) if len(text) <= _MAX_TEXT else None
    if octets is None or len(octets) < SEAL_SIZE:
        return None
    key = _key(keys, session)
    try:
        plain = key.decrypt(octets[:SEAL_SIZE], octets[SEAL_SIZE:], _bound(session, url))
    except InvalidTag:
        return None
    site, initiator, referer, user, expires, nonce = json.loads(plain)
    proof = Proof(site, initiator, referer, bool(user), expires, bytes.fromhex(nonce))
    return proof if now <= proof.expires else None


def _key(keys: ServerKeys, session: Session | None) -> AESGCMSIV:
    generation = keys.newest if session is None else session.datr.generation
    return AESGCMSIV(keys.key("proof", generation))


def _bound(session: Session | None, url: str) -> bytes:
    """What a proof is for: it opens for nothing else."""
    digest = hashlib.sha256(url.encode("utf-8", "surrogatepass")).digest()
    return _VERSION + (b"nobody" if session is None else session.pair) + digest
