"""JSON Web Tokens (RFC 7519, RFC 8725): whether one is what the gateway may trust.

Pure: keys, rules and the time come as arguments.  joserfc checks signatures and claims; what it
is asked with is narrowed beforehand: the algorithm must be one that is configured, and the key
one of its kind from the set, so that no key is used for anything else.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final

import attrs
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_TOKEN: Final = 16 * 1024
MAX_SET: Final = 256 * 1024
MAX_KEYS: Final = 100
_LEAST_RSA: Final = 2048
_LATEST: Final = 2**53
"""No time is later: beyond it a float is no whole second any more."""
_KINDS: Final[dict[str, tuple[str, str]]] = {
    **{f"{kind}{size}": ("RSA", "") for kind in ("RS", "PS") for size in (256, 384, 512)},
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
"""The kind of key, and its curve, for each algorithm that may be configured."""

Key = RSAKey | ECKey | OKPKey


@attrs.frozen
class Wanted:
    """What a token must say.  ``nonce``: an ID token's; None: it is no ID token."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    user_claim: str
    leeway: int
    nonce: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Sound:
    """A token that may be trusted: whose it is, and until when."""

    user: str
    expires: int


@attrs.frozen
class Unsound:
    """A token that may not; ``reason`` quotes nothing of it."""

    reason: str
    unknown_key: bool = False


@attrs.frozen
class KeySet:
    """Public keys for signatures, as a JWKS had them."""

    keys: tuple[tuple[str, str, Key], ...] = attrs.field(default=(), repr=False)

    def find(self, algorithm: str, kid: str | None) -> list[Key]:
        """The keys that may have signed with ``algorithm``, of a name if there is one."""
        kind, curve = _KINDS[algorithm]
        fitting = [
            (name, key)
            for name, named, key in self.keys
            if key.key_type == kind
            and (not curve or key.as_dict(private=False).get("crv") == curve)
            and (not named or named == algorithm)
        ]
        if kid is None:
            return [key for _, key in fitting]
        unnamed = [key for name, key in fitting if not name]
        # Some providers name the key in tokens and leave the name out of a set of one.
        return [key for name, key in fitting if name == kid] or unnamed * (len(unnamed) == 1)

    def names(self, kid: str | None) -> bool:
        """Whether a key of the set has that name."""
        return any(name == kid for name, _, _ in self.keys)


def parse_key_set(text: bytes) -> KeySet:
    """A JWKS; keys that nothing here can use are passed over.

    Raises ``ValueError`` for what is no JWKS, without quoting it.
    """
    if len(text) > MAX_SET:
        raise ValueError("the key set is too large")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("the key set is not JSON") from None
    items = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(items, list) or len(items) > MAX_KEYS:
        raise ValueError('the key set has no list "keys", or too long a one')
    found = [one for item in items for one in _keys(item)]
    if not found:
        raise ValueError("the key set has no key that can be used here")
    return KeySet(tuple(found))


def _keys(item: Any) -> Iterable[tuple[str, str, Key]]:
    if not isinstance(item, dict) or item.get("kty") not in ("RSA", "EC", "OKP"):
        return
    uses = item.get("key_ops", ["verify"])
    if item.get("use", "sig") != "sig" or not isinstance(uses, list) or "verify" not in uses:
        return
    public = {name: item[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in item}
    try:
        key = JWKRegistry.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError):
        return
    modulus = _octets(item.get("n"))
    short = key.key_type == "RSA" and len(modulus.lstrip(b"\0")) * 8 < _LEAST_RSA
    if isinstance(key, RSAKey | ECKey | OKPKey) and not short:
        yield str(item.get("kid") or ""), str(item.get("alg") or ""), key


def judge(token: str, keys: KeySet, wanted: Wanted, now: int) -> Sound | Unsound:
    """Whether a token may be trusted; never raises."""
    if len(token) > MAX_TOKEN:
        return Unsound("it is too long")
    header = _header(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in wanted.algorithms or algorithm not in _KINDS:
        return Unsound("its algorithm is none of those that are configured")
    if kid is not None and not isinstance(kid, str):
        return Unsound("its header is malformed")
    found = keys.find(algorithm, kid)
    if not found:
        return Unsound("no key of the set fits it", unknown_key=True)
    registry = jws.JWSRegistry(algorithms=[algorithm])
    opened = None
    for key in found:
        try:
            opened = jwt.decode(token, key, algorithms=[algorithm], registry=registry)
            break
        except (JoseError, ValueError, TypeError, RecursionError):
            continue
    if opened is None:
        return Unsound("its signature is wrong", unknown_key=not keys.names(kid))
    return _claims(opened.claims, wanted, now)


def _header(token: str) -> dict[str, Any]:
    try:
        header = json.loads(_octets(token.partition(".")[0]))
    except (ValueError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}


def _octets(text: object) -> bytes:
    """The octets of base64url; empty for anything else."""
    try:
        return base64.urlsafe_b64decode(f"{text}".encode("ascii") + b"==")
    except (binascii.Error, ValueError):
        return b""


def _claims(claims: dict[str, Any], wanted: Wanted, now: int) -> Sound | Unsound:
    registry = jwt.JWTClaimsRegistry(
        now=now,
        leeway=wanted.leeway,
        iss={"essential": True, "value": wanted.issuer},
        aud={"essential": True, "value": wanted.audience},
        exp={"essential": True},
    )
    if any(_is_no_time(claims.get(name)) for name in ("exp", "nbf", "iat")):
        return Unsound("a time of it is beyond all that is sound")
    try:
        registry.validate(claims)
    except (JoseError, ValueError, TypeError, OverflowError) as error:
        claim = getattr(error, "claim", "")
        return Unsound(f"{type(error).__name__} {claim if claim in _TOLD else ''}".strip())
    if wanted.nonce is not None:
        why = _why_no_id_token(claims, wanted)
        if why:
            return Unsound(why)
    user = claims.get(wanted.user_claim)
    if not isinstance(user, str) or not 0 < len(user) <= 256 or not user.isprintable():
        return Unsound("the claim that names its person is missing")
    return Sound(user, int(claims["exp"]))


def _is_no_time(value: object) -> bool:
    # NaN is within no bounds; what is no number at all the registry refuses.
    return isinstance(value, int | float) and not abs(value) <= _LATEST


_TOLD: Final = frozenset({"iss", "aud", "exp", "nbf", "iat", "sub", "jti"})


def _why_no_id_token(claims: dict[str, Any], wanted: Wanted) -> str:
    """OpenID Connect Core 1.0, section 3.1.3.7."""
    if not wanted.nonce or claims.get("nonce") != wanted.nonce:
        return "the nonce is not the one that was sent"
    parties = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    party = claims.get("azp")
    if (len(parties) > 1 or party is not None) and party != wanted.audience:
        return "it was made for another client (azp)"
    return "" if isinstance(claims.get("iat"), int | float) else "it does not say when it was made"
