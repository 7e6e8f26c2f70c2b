"""A user's keys, and rows that only they open (protocols, section 4).

``prk = HKDF-Extract(pepper, ick)``; one expansion with a label each for the owner id,
the index key, the AEAD key and the token salt.  A row is AES-256-GCM-SIV with owner,
bucket, index and format as associated data: moved to another place it does not open.
The store sees neither site nor name nor value.
"""

from __future__ import annotations

import hmac
import json

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from gateway.cookies.rules import Cookie
from gateway.cookies.syntax import SameSite

FORMAT = b"\x01"
NONCE_SIZE = 12
_PAD = 64
_DAY = 86400
_SESSION_DAYS = 400
"""A session cookie's row may be purged when it could not be in any live browser."""


@attrs.frozen
class Row:
    """What a store holds of one cookie: opaque but for the day of its purge."""

    index: bytes
    expires_day: int
    sealed: bytes = attrs.field(repr=False)


@attrs.frozen(repr=False)
class UserKeys:
    """Everything derived from one ``ick``; lives as long as one request does."""

    owner: bytes
    _index_key: bytes
    _aead: AESGCMSIV

    def __repr__(self) -> str:
        """Show nothing of the keys."""
        return "<user keys>"

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be serialised."""
        raise TypeError("user keys are not serialisable")

    def bucket(self, registrable: str) -> bytes:
        """Where the cookies of a registrable domain are, for this user alone."""
        return self._mac(b"bucket", registrable.encode("ascii"))[:8]

    def index(self, registrable: str, cookie: Cookie) -> bytes:
        """The index of one cookie within its bucket."""
        name, domain, host_only, path, partition = cookie.identity
        parts = (
            registrable.encode("ascii"),
            name,
            domain.encode("ascii"),
            b"1" if host_only else b"0",
            path,
            partition.encode("ascii"),
        )
        return self._mac(b"index", *parts)[:16]

    def _mac(self, label: bytes, *parts: bytes) -> bytes:
        # Lengths go in, so that no two lists of parts give the same text.
        text = b"".join(len(part).to_bytes(4, "big") + part for part in (label, *parts))
        return hmac.digest(self._index_key, text, "sha256")

    def seal(self, bucket: bytes, registrable: str, cookie: Cookie, nonce: bytes) -> Row:
        """Seal one cookie into a row; ``nonce`` is 12 random octets."""
        index = self.index(registrable, cookie)
        text = _pad(_dump(cookie))
        sealed = FORMAT + nonce + self._aead.encrypt(nonce, text, self._place(bucket, index))
        end = cookie.created + _SESSION_DAYS * _DAY if cookie.expires is None else cookie.expires
        return Row(index, -(-end // _DAY), sealed)

    def open(self, bucket: bytes, row: Row) -> Cookie | None:
        """Open one row; None if it was not sealed for this user and place."""
        if row.sealed[:1] != FORMAT:
            return None
        nonce, text = row.sealed[1 : 1 + NONCE_SIZE], row.sealed[1 + NONCE_SIZE :]
        try:
            return _load(_unpad(self._aead.decrypt(nonce, text, self._place(bucket, row.index))))
        except (InvalidTag, ValueError):
            return None

    def _place(self, bucket: bytes, index: bytes) -> bytes:
        return FORMAT + self.owner + bucket + index


def derive_user_keys(ick: bytes, pepper: bytes) -> UserKeys:
    """Derive a user's keys from the raw ``ick`` and the pepper of its generation."""
    prk = hmac.digest(pepper, ick, "sha256")

    def expand(label: bytes, size: int) -> bytes:
        return HKDFExpand(SHA256(), size, b"gateway jar 1 " + label).derive(prk)

    return UserKeys(
        owner=expand(b"owner", 16),
        index_key=expand(b"index", 32),
        aead=AESGCMSIV(expand(b"aead", 32)),
    )


def _dump(cookie: Cookie) -> bytes:
    return json.dumps(
        [
            cookie.name.decode("latin-1"),
            cookie.value.decode("latin-1"),
            cookie.domain,
            int(cookie.host_only),
            cookie.path.decode("latin-1"),
            int(cookie.secure) | int(cookie.http_only) << 1,
            cookie.same_site.value,
            cookie.expires,
            cookie.created,
            cookie.accessed,
            cookie.partition,
            cookie.serial,
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode("utf-8")


def _load(text: bytes) -> Cookie:
    fields = json.loads(text)
    name, value, domain, host_only, path, flags, same_site, expires, *rest = fields
    created, accessed, partition, serial = rest
    return Cookie(
        name=name.encode("latin-1"),
        value=value.encode("latin-1"),
        domain=domain,
        host_only=bool(host_only),
        path=path.encode("latin-1"),
        secure=bool(flags & 1),
        http_only=bool(flags & 2),
        same_site=SameSite(same_site),
        expires=expires,
        created=created,
        accessed=accessed,
        partition=partition,
        serial=serial,
    )


def _pad(text: bytes) -> bytes:
    """ISO/IEC 7816-4 padding to 64-octet steps: a row's size tells little of its value."""
    text += b"\x80"
    return text + bytes(-len(text) % _PAD)


def _unpad(text: bytes) -> bytes:
    text = text.rstrip(b"\0")
    if text[-1:] != b"\x80":
        raise ValueError("padding")
    return text[:-1]
