"""That a person has signed in to the gateway: kept in the session, or in a cookie.

For rewrite hosts, where ``Authorization`` belongs to the sites, it is a remark in the jar
store, sealed with the person's own keys: whoever has the database sees a row, and a session that
somebody else's browser has does not open it.  The portal and the secure origin, each for
itself, keep a sealed ``__Host-`` cookie where the person came by way of an OpenID provider.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import attrs

from gateway import wire
from gateway.cookies.remark import Remark
from gateway.session.attestation import open_text, seal_text
from gateway.session.keys import decode, encode
from gateway.session.reading import cookie_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.session.keys import ServerKeys

BUCKET: Final = "gateway login"
"""In the place of a registrable domain; none has a space."""
_NAME: Final = b"login"
_LABEL: Final = "login"
_MAX_USER: Final = 256


@attrs.frozen
class Login:
    """Who signed in, until when, and what it stands on.

    ``mark``: the digest of the password's line, so that a changed password ends its logins; empty
    for those that a provider vouched for.
    """

    user: str
    expires: int
    mark: bytes = attrs.field(default=b"", repr=False)


def to_remark(login: Login) -> Remark:
    """A login as it is kept in the jar store."""
    return Remark(_NAME, _dump(login), login.expires)


def from_remark(remark: object, now: int) -> Login | None:
    """The login in a row that opened; None for anything else, or one that is over."""
    if not isinstance(remark, Remark) or remark.name != _NAME:
        return None
    login = _load(remark.text)
    return login if login is not None and now < login.expires else None


def login_cookie(keys: ServerKeys, login: Login, nonce: bytes, now: int) -> bytes:
    """The Set-Cookie field that keeps a login on one origin of the gateway's own."""
    text = seal_text(keys, _LABEL, keys.newest, nonce, _dump(login))
    age = max(login.expires - now, 0)
    return wire.LOGIN_COOKIE + b"=" + text + f"; Path=/; Max-Age={age}{_COMMON}".encode("ascii")


def expire_login_cookie() -> bytes:
    """The Set-Cookie field that ends it."""
    return wire.LOGIN_COOKIE + f"=; Path=/; Max-Age=0{_COMMON}".encode("ascii")


_COMMON = "; Secure; HttpOnly; SameSite=Lax"


def read_login_cookie(keys: ServerKeys, headers: Iterable[bytes], now: int) -> Login | None:
    """The login that the request's cookie keeps, if it is ours and not over."""
    texts = set(cookie_values(headers, wire.LOGIN_COOKIE))
    plain = open_text(keys, _LABEL, texts.pop()) if len(texts) == 1 else None
    login = None if plain is None else _load(plain)
    return login if login is not None and now < login.expires else None


def _dump(login: Login) -> bytes:
    content = [login.user[:_MAX_USER], login.expires, encode(login.mark).decode("ascii")]
    return json.dumps(content).encode("ascii")


def _load(text: bytes) -> Login | None:
    try:
        user, expires, mark = json.loads(text)
        return Login(str(user), int(expires), decode(mark.encode("ascii")) or b"")
    except (ValueError, TypeError, AttributeError):
        return None
