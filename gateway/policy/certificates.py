"""Which certificates are strong enough, and what a failed verification is called.

After Apple's ATS: signed with SHA-256 or better, an RSA key of 2048 bits or more, or an
elliptic-curve key of 256 or more.  Asked about every certificate of a verified chain, from
the trust anchor down to the leaf; of an anchor only the key counts, for nobody verifies
its own signature.  ``certificate-strength = false`` admits SHA-1 and RSA of 1024 bits, and
nothing below them.
"""

from __future__ import annotations

import attrs

STRENGTH = "certificate-strength"
TRUST = "trust"

_STRONG_HASHES = frozenset(
    ("sha256", "sha384", "sha512", "sha512-256", "sha3-256", "sha3-384", "sha3-512")
)
_WEAK_HASHES = frozenset(("sha1", "sha224", "sha512-224", "sha3-224"))
# Schemes whose key and hash are of one piece.
_WHOLE = frozenset(("ed25519", "ed448"))
_LEAST = {"RSA": (2048, 1024), "EC": (256, 160)}


@attrs.frozen
class CertificateFacts:
    """One certificate of a verified chain; ``depth`` 0 is the leaf.

    ``signature`` is the hash of its signature (``sha256``) or a scheme that has one of its
    own (``ed25519``), ``key`` the kind of its public key; "" for what is not known.
    """

    depth: int
    is_anchor: bool
    signature: str
    key: str
    bits: int


def why_weak(facts: CertificateFacts, *, strict: bool = True) -> str | None:
    """The reason why a certificate is too weak; None: it will do.

    ``strict`` false is the exception that an operator made for a destination.
    """
    what = f"the certificate at depth {facts.depth}"
    if facts.key not in _WHOLE:
        if facts.key not in _LEAST:
            return f"{what} has a key of an unknown kind"
        least = _LEAST[facts.key][0 if strict else 1]
        if facts.bits < least:
            return f"{what} has a {facts.key} key of {facts.bits} bits, less than {least}"
    if facts.is_anchor or facts.signature in _STRONG_HASHES | _WHOLE:
        return None
    if not strict and facts.signature in _WEAK_HASHES:
        return None
    return f"{what} is signed with {facts.signature or 'an unknown algorithm'}"


# X509_V_ERR_* of OpenSSL: what the log says, and the attribute that would admit it.
_ERRORS = {
    2: ("the chain leads to no trusted certificate", TRUST),
    7: ("a signature in the chain is wrong", ""),
    9: ("a certificate is not valid yet", ""),
    10: ("a certificate has expired", ""),
    18: ("the certificate is self-signed and not trusted", TRUST),
    19: ("the chain ends in a self-signed certificate that is not trusted", TRUST),
    20: ("the chain leads to no trusted certificate", TRUST),
    21: ("the chain leads to no trusted certificate", TRUST),
    22: ("the chain is too long", ""),
    24: ("a certificate in the chain may not sign others", ""),
    26: ("a certificate is for another purpose", ""),
    66: ("the leaf's key is too small", STRENGTH),
    67: ("the key of a certificate in the chain is too small", STRENGTH),
    68: ("a certificate is signed with a weak hash", STRENGTH),
}


def why_unverified(number: int, depth: int) -> tuple[str, str]:
    """What OpenSSL's verification error means, and which attribute speaks about it."""
    words, attribute = _ERRORS.get(number, (f"verification error {number}", ""))
    return f"{words} (depth {depth})", attribute
