"""A user's keys, and rows that only they open (protocols, section 4).

``prk = HKDF-Extract(pepper, ick)``; one expansion with a label each for the owner id,
the index key, an AEAD key for each algorithm and the token salt.  From generation 2 on,
an owner id begins with the generation, so that it can be said how many jars end with it.
A row begins with its format and its algorithm; owner, bucket, index and these two are the
associated data: moved to another place, or told to be of another kind, it does not open.
The store sees neither site nor name nor value.
"""

from __future__ import annotations

import hmac
import json
import struct
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from gateway.cookies.hsts import Hsts
from gateway.cookies.remark import Remark
from gateway.cookies.rules import Cookie
from gateway.cookies.syntax import SameSite
from gateway.cookies.written import Entry, Written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

NONCE_SIZE = 12
TAG_SIZE: Final = 2
FORMAT: Final = 2
_OLDEST_FORMAT: Final = 1
_PAD = 64
_DAY = 86400
_SESSION_DAYS = 400
"""A session cookie's row may be purged when it could not be in any live browser."""
Kept = Cookie | Hsts | Written | Remark
"""What a row can hold."""


class Algorithm(IntEnum):
    """The AEADs of rows, as a row's second octet names them; both take 12-octet nonces."""

    AES_256_GCM_SIV = 1
    """RFC 8452.  A repeated nonce tells that two texts are equal, and nothing else."""
    CHACHA20_POLY1305 = 2
    """RFC 8439, where the other is not to be had."""


_AEADS: dict[Algorithm, tuple[bytes, type[AESGCMSIV | ChaCha20Poly1305]]] = {
    Algorithm.AES_256_GCM_SIV: (b"aead", AESGCMSIV),
    Algorithm.CHACHA20_POLY1305: (b"chacha20-poly1305", ChaCha20Poly1305),
}


def format_of(sealed: bytes) -> str | None:
    """The name of a sealed row's format and algorithm; None: none that is known here."""
    if sealed[:1] == bytes((_OLDEST_FORMAT,)):
        return f"{_OLDEST_FORMAT}: {Algorithm.AES_256_GCM_SIV.name}"
    known = {one.value: one.name for one in Algorithm}
    if sealed[:1] == bytes((FORMAT,)) and len(sealed) > 1 and sealed[1] in known:
        return f"{FORMAT}: {known[sealed[1]]}"
    return None


@attrs.define(on_setattr=attrs.setters.frozen, unsafe_hash=True)
class Row:
    """What a store holds of one cookie: opaque but for the day of its purge."""

    index: bytes
    expires_day: int
    sealed: bytes = attrs.field(repr=False)


@attrs.define(repr=False, on_setattr=attrs.setters.frozen, eq=False)
class UserKeys:
    """Everything derived from one ``ick``; lives as long as one request does."""

    owner: bytes
    _index_key: bytes
    _expand: Callable[[bytes, int], bytes]
    _aeads: dict[int, AESGCMSIV | ChaCha20Poly1305] = attrs.field(factory=dict, init=False)

    def __repr__(self) -> str:
        """Show nothing of the keys."""
        return "<user keys>"

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be serialised."""
        raise TypeError("user keys are not serialisable")

    @property
    def token_salt(self) -> bytes:
        """What makes write tokens this user's (protocols, section 5)."""
        return self._expand(b"token salt", 32)

    def bucket(self, registrable: str) -> bytes:
        """Where the rows of a registrable domain are, for this user alone."""
        return self._mac(b"bucket", registrable.encode("ascii"))[:8]

    def index(self, registrable: str, kept: Kept) -> bytes:
        """The index of one row within its bucket."""
        if isinstance(kept, Hsts):
            parts = (registrable.encode("ascii"), kept.host.encode("ascii"))
            return self._mac(b"hsts", *parts)[:16]
        if isinstance(kept, Written):
            return self._mac(b"written", registrable.encode("ascii"))[:16]
        if isinstance(kept, Remark):
            return self._mac(b"remark", registrable.encode("ascii"), kept.name)[:16]
        name, domain, host_only, path, partition = kept.identity
        return self._mac(
            b"index",
            registrable.encode("ascii"),
            name,
            domain.encode("ascii"),
            b"1" if host_only else b"0",
            path,
            partition.encode("ascii"),
        )[:16]

    def _mac(self, label: bytes, *parts: bytes) -> bytes:
        # Lengths go in, so that no two lists of parts give the same text.
        text = b"".join(len(part).to_bytes(4, "big") + part for part in (label, *parts))
        return hmac.digest(self._index_key, text, "sha256")

    def _aead(self, algorithm: Algorithm) -> AESGCMSIV | ChaCha20Poly1305:
        aead = self._aeads.get(algorithm)
        if aead is None:
            label, kind = _AEADS[algorithm]
            aead = self._aeads[algorithm] = kind(self._expand(label, 32))
        return aead

    def seal(
        self,
        bucket: bytes,
        registrable: str,
        kept: Kept,
        nonce: bytes,
        algorithm: Algorithm = Algorithm.AES_256_GCM_SIV,
    ) -> Row:
        """Seal what a row can hold into one; ``nonce`` is 12 random octets."""
        index = self.index(registrable, kept)
        head = bytes((FORMAT, algorithm))
        text = _pad(_dump_kept(kept))
        place = head + self.owner + bucket + index
        sealed = head + nonce + self._aead(algorithm).encrypt(nonce, text, place)
        if isinstance(kept, Cookie) and kept.expires is None:
            end = kept.created + _SESSION_DAYS * _DAY
        else:
            end = kept.expires or 0
        return Row(index, -(-end // _DAY), sealed)

    def open_all(self, bucket: bytes, rows: Iterable[Row]) -> Iterator[Kept | None]:
        """Open each, most of them of the newest format and one algorithm."""
        head = bytes((FORMAT, Algorithm.AES_256_GCM_SIV))
        place = head + self.owner + bucket
        decrypt = self._aead(Algorithm.AES_256_GCM_SIV).decrypt
        for row in rows:
            sealed = row.sealed
            if sealed[:2] != head:
                yield self.open(bucket, row)
                continue
            try:
                text = decrypt(sealed[2:14], sealed[14:], place + row.index).rstrip(b"\0")
                # The padding's first octet is behind what is loaded.
                yield _load(text[:-1]) if text[-1] == 0x80 else None
            except (InvalidTag, ValueError, IndexError, struct.error):
                yield None

    def open(self, bucket: bytes, row: Row) -> Kept | None:
        """Open one row; None if it was not sealed for this user and place."""
        sealed = row.sealed
        try:
            if sealed[0] == FORMAT:
                aead = self._aeads.get(sealed[1]) or self._aead(Algorithm(sealed[1]))
                place = sealed[:2] + self.owner + bucket + row.index
                return _load(_unpad(aead.decrypt(sealed[2:14], sealed[14:], place)))
            if sealed[0] == _OLDEST_FORMAT:
                aead = self._aead(Algorithm.AES_256_GCM_SIV)
                place = sealed[:1] + self.owner + bucket + row.index
                return _load_oldest(_unpad(aead.decrypt(sealed[1:13], sealed[13:], place)))
        except (InvalidTag, ValueError, IndexError, struct.error):
            pass
        return None


def owner_tag(generation: int) -> bytes:
    """What the owner ids of a generation begin with; nothing before generation 2."""
    return b"" if generation < 2 else (generation % 2**16).to_bytes(TAG_SIZE, "big")


def derive_user_keys(ick: bytes, pepper: bytes, generation: int) -> UserKeys:
    """Derive a user's keys from the raw ``ick``, and the pepper of its generation."""
    prk = hmac.digest(pepper, ick, "sha256")

    def expand(label: bytes, size: int) -> bytes:
        return HKDFExpand(SHA256(), size, b"gateway jar 1 " + label).derive(prk)

    tag = owner_tag(generation)
    owner = tag + expand(b"owner", 16)[len(tag) :]
    return UserKeys(owner, expand(b"index", 32), expand)


# Flags, same-site-flag, expiry (-1: none), creation, last access, serial; the lengths of
# name, value, domain and path.  The partition is what is left.
_HEAD = struct.Struct(">BBqqqQHHHH")
_SECURE, _HTTP_ONLY, _HOST_ONLY, _HSTS, _SUBDOMAINS, _WRITTEN, _REMARK = 1, 2, 4, 8, 16, 32, 64
# The key of a cookie, the number of its last write, when that came.
_ENTRY = struct.Struct(">8sQQ")
_SAME_SITES = (SameSite.DEFAULT, SameSite.NONE, SameSite.LAX, SameSite.STRICT)


def _dump_kept(kept: Kept) -> bytes:
    if isinstance(kept, Hsts):
        return _dump_hsts(kept)
    if isinstance(kept, Remark):
        head = _HEAD.pack(_REMARK, 0, kept.expires, 0, 0, 0, len(kept.name), 0, 0, 0)
        return head + kept.name + kept.text
    return _dump_written(kept) if isinstance(kept, Written) else _dump(kept)


def _dump(cookie: Cookie) -> bytes:
    domain, path = cookie.domain.encode("ascii"), cookie.path
    flags = _SECURE * cookie.secure | _HTTP_ONLY * cookie.http_only | _HOST_ONLY * cookie.host_only
    head = _HEAD.pack(
        flags,
        _SAME_SITES.index(cookie.same_site),
        -1 if cookie.expires is None else cookie.expires,
        cookie.created,
        cookie.accessed,
        cookie.serial,
        len(cookie.name),
        len(cookie.value),
        len(domain),
        len(path),
    )
    text = (head, cookie.name, cookie.value, domain, path, cookie.partition.encode("ascii"))
    return b"".join(text)


def _dump_hsts(hsts: Hsts) -> bytes:
    flags = _HSTS | _SUBDOMAINS * hsts.subdomains
    host = hsts.host.encode("ascii")
    return _HEAD.pack(flags, 0, hsts.expires, 0, 0, 0, 0, 0, len(host), 0) + host


def _dump_written(written: Written) -> bytes:
    entries = [_ENTRY.pack(one.key, one.number, one.at) for one in written.entries]
    return _HEAD.pack(_WRITTEN, 0, written.expires, 0, 0, 0, 0, 0, 0, 0) + b"".join(entries)


def _load(text: bytes) -> Kept:
    head = _HEAD.unpack_from(text)
    flags, same_site, expires, created, accessed, serial, name, value, domain, path = head
    name += _HEAD.size
    value += name
    domain += value
    path += domain
    if flags & _HSTS:
        return Hsts(text[value:domain].decode("ascii"), expires, bool(flags & _SUBDOMAINS))
    if flags & _REMARK:
        return Remark(text[_HEAD.size : name], text[name:], expires)
    if flags & _WRITTEN:
        return Written(tuple(Entry(*one) for one in _ENTRY.iter_unpack(text[_HEAD.size :])))
    return Cookie(
        text[_HEAD.size : name],
        text[name:value],
        text[value:domain].decode("ascii"),
        flags & _HOST_ONLY != 0,
        text[domain:path],
        flags & _SECURE != 0,
        flags & _HTTP_ONLY != 0,
        _SAME_SITES[same_site],
        None if expires < 0 else expires,
        created,
        accessed,
        text[path:].decode("ascii"),
        serial,
    )


def _load_oldest(text: bytes) -> Cookie:
    """Rows of format 1: JSON."""
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
