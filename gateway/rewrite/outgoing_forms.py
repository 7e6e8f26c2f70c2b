"""The fields of forms and queries, and the parts of multipart bodies, mapped each for itself.

``outgoing`` maps text wherever it stands.  What needs to know a field's bounds is here: values
that are base64 of a text, values that nobody but their maker reads (``state``), and files,
which pass to the octet.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes, unquote_to_bytes

import attrs

from gateway.rewrite.media import media_type
from gateway.rewrite.outgoing import (
    Mapper,
    TextMapper,
    map_text,
    names_any,
    names_coded,
    places,
)

if TYPE_CHECKING:
    from gateway.origins import Codec, Origin
    from gateway.rewrite.headers import Fields

FIELD_LIMIT = 64 * 1024
"""A longer field is mapped as it streams: what needs it whole (base64, ``state``) is not done.

The default of ``[limits] outgoing-field-bytes``."""
_HEADS_LIMIT = 16 * 1024
_OPAQUE = frozenset({b"state", b"nonce"})
"""OAuth's: handed back as they came to whoever made them, who compares."""
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/_-]|%2[bBfF]){24,}(?:=|%3[dD]){0,2}\Z")
_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")
_JSON = frozenset({"application/json", "text/json", "application/x-ndjson", "application/graphql"})
_XML = frozenset({"application/xml", "text/xml"})
_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"\\]{1,200})"|([^;\s"]{1,200}))', re.IGNORECASE)
_PARAMETER = r';\s*{}=(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))'
_NAME = re.compile(_PARAMETER.format("name"), re.IGNORECASE)
_FILENAME = re.compile(r";\s*filename\*?=", re.IGNORECASE)
_BLOB = re.compile(r';\s*filename="blob"', re.IGNORECASE)
_SIGNED = frozenset(
    (
        b"content-digest", b"repr-digest", b"digest", b"content-md5", b"signature",
        b"signature-input", b"x-amz-content-sha256", b"x-amz-checksum-sha256",
        b"x-amz-checksum-crc32", b"x-amz-checksum-crc32c", b"x-amz-checksum-sha1",
        b"x-ms-content-crc64", b"x-goog-hash", b"x-hub-signature", b"x-hub-signature-256",
    )
)  # fmt: skip
_SIGNING = re.compile(rb"\s*(?:AWS4-|Signature\b|Digest\b|Hawk\b|HMAC|GOOG4-)", re.IGNORECASE)
# Engine.IO 3, netstrings; STOMP, also in SockJS's JSON, and JSON-RPC as language servers speak it.
_COUNTS = re.compile(rb"\A\s*[0-9]{1,10}:|content-length\s*:", re.IGNORECASE)
_NOT_FOR_MAPPING = frozenset(
    (b"authorization", b"proxy-authorization", b"cookie", b"dpop", b"content-type",
     b"accept", b"user-agent", b"te", *_SIGNED)
)  # fmt: skip


def is_signed(fields: Fields) -> bool:
    """Whether the sender vouches for the request as it is: then nothing in it may change."""
    return any(
        name.lower() in _SIGNED
        or (name.lower() == b"authorization" and _SIGNING.match(value) is not None)
        for name, value in fields
    )


def map_header(name: bytes, value: bytes, codec: Codec) -> bytes:
    """A field that script set, ``HX-Current-URL`` or ``X-Referer``: an address is one anywhere.

    ``name`` in lower case.  Credentials and signatures pass as they are, and what browsers set.
    """
    if name in _NOT_FOR_MAPPING or name.startswith((b"sec-", b"access-control-")):
        return value
    return map_text(value, codec)[0]


def map_target(target: str, codec: Codec, origin: Origin) -> str:
    """The query of a request target, or of a Referer; paths stay as they are."""
    path, mark, query = target.partition("?")
    given = query.encode("latin-1")
    if not names_any(given, codec):
        return target
    return path + mark + map_fields(given, codec, origin).decode("latin-1")


def map_fields(fields: bytes, codec: Codec, origin: Origin, limit: int = FIELD_LIMIT) -> bytes:
    """Whole fields, joined as they are in a query; those that name nothing cost next to nothing."""
    if not names_any(fields, codec):
        return fields
    out, done = [], 0
    for at in places(fields, codec):
        if at < done:
            continue
        begin = max(done, fields.rfind(b"&", done, at) + 1)
        end = fields.find(b"&", at)
        end = len(fields) if end < 0 else end
        field = fields[begin:end]
        mapped = (
            map_text(field, codec)[0] if len(field) > limit else map_field(field, codec, origin)
        )
        out += [fields[done:begin], mapped]
        done = end
    return b"".join([*out, fields[done:]])


def map_field(field: bytes, codec: Codec, origin: Origin) -> bytes:
    """One field of a query or urlencoded form on its way to ``origin``."""
    name, equals, value = field.partition(b"=")
    if not equals or names_any(name, codec):
        return map_text(field, codec)[0]  # an address that is a query, or begins it
    return name + equals + map_value(unquote_to_bytes(name), value, codec, origin)


def map_value(
    name: bytes, value: bytes, codec: Codec, origin: Origin, *, escaped: bool = True
) -> bytes:
    """The value of a field; ``escaped``: percent-encoded."""
    mapped, found = map_text(value, codec)
    if not found:
        mapped, found = _map_base64(value, codec, escaped=escaped)
    if name.lower() in _OPAQUE and found - {origin}:
        return value
    return mapped


def _map_base64(value: bytes, codec: Codec, *, escaped: bool) -> tuple[bytes, set[Origin]]:
    """A value that is base64 of a text, and spelled in the one way that decoding undoes.

    One that is signed has dots (a JWT) or is no text, and passes.
    """
    nothing: set[Origin] = set()
    if not names_coded(value, codec) or _BASE64.match(value) is None:
        return value, nothing
    plain = unquote_to_bytes(value) if escaped else value
    bare = plain.rstrip(b"=")
    standard = bare.replace(b"-", b"+").replace(b"_", b"/")
    try:
        text = base64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)
        decoded = text.decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return value, nothing
    if not all(char.isprintable() or char in "\t\r\n" for char in decoded):
        return value, nothing
    if _coded(text, like=plain) != plain:
        return value, nothing
    mapped, found = map_text(text, codec)
    if not found:
        return value, nothing
    out = _coded(mapped, like=plain)
    return (quote_from_bytes(out, "-_+/=" if b"%" not in value else "-_").encode("ascii")
            if escaped else out), found  # fmt: skip


def _coded(text: bytes, like: bytes) -> bytes:
    """base64 in the alphabet and with the padding of another."""
    urlsafe = b"-" in like or b"_" in like
    out = (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(text)
    bare = len(like) % 4 != 0 or (not like.endswith(b"=") and len(like.rstrip(b"=")) % 4 == 0
                                  and urlsafe)  # fmt: skip
    return out.rstrip(b"=") if bare else out


class FormMapper:
    """``application/x-www-form-urlencoded``."""

    def __init__(self, codec: Codec, origin: Origin, limit: int = FIELD_LIMIT) -> None:
        """``origin``: where it goes."""
        self._limit = limit
        self._codec = codec
        self._origin = origin
        self._rest = b""
        self._stream: Mapper | None = None

    def feed(self, data: bytes) -> bytes:
        """Take a chunk, give what is certain."""
        out = []
        if self._stream is not None:
            at = data.find(b"&")
            if at < 0:
                return self._stream.feed(data)
            out += [self._stream.feed(data[:at]), self._stream.close()]
            data, self._stream = data[at:], None
        data = self._rest + data
        whole = data.rfind(b"&") + 1
        out.append(map_fields(data[:whole], self._codec, self._origin, self._limit))
        self._rest = data[whole:]
        if len(self._rest) > self._limit:
            self._stream = TextMapper(self._codec)
            out.append(self._stream.feed(self._rest))
            self._rest = b""
        return b"".join(out)

    def close(self) -> bytes:
        """Give the rest."""
        if self._stream is not None:
            return self._stream.close()
        return map_fields(self._rest, self._codec, self._origin, self._limit)


class _Value:
    """A field of a multipart form: whole if it is small."""

    def __init__(self, name: bytes, codec: Codec, origin: Origin, limit: int) -> None:
        self._limit = limit
        self._name, self._codec, self._origin = name, codec, origin
        self._rest = b""
        self._stream: TextMapper | None = None

    def feed(self, data: bytes) -> bytes:
        if self._stream is not None:
            return self._stream.feed(data)
        self._rest += data
        if len(self._rest) <= self._limit:
            return b""
        self._stream = TextMapper(self._codec)
        rest, self._rest = self._rest, b""
        return self._stream.feed(rest)

    def close(self) -> bytes:
        if self._stream is not None:
            return self._stream.close()
        return map_value(self._name, self._rest, self._codec, self._origin, escaped=False)


class _Verbatim:
    """A file, or what cannot be read."""

    def feed(self, data: bytes) -> bytes:
        return data

    def close(self) -> bytes:
        return b""


class MultipartMapper:
    """``multipart/form-data`` (RFC 7578): its text fields; files pass to the octet."""

    def __init__(
        self, boundary: bytes, codec: Codec, origin: Origin, limit: int = FIELD_LIMIT
    ) -> None:
        """``origin``: where it goes."""
        self._limit = limit
        self._codec, self._origin = codec, origin
        self._delimiter = b"\r\n--" + boundary
        # The first delimiter may begin the body; it is searched with the line end before it.
        self._rest = b"\r\n"
        self._owed = 2
        self._part: Mapper | None = _Verbatim()

    def feed(self, data: bytes) -> bytes:
        """Take a chunk, give what is certain."""
        return self._given(self._pass(self._rest + data))

    def close(self) -> bytes:
        """Give the rest."""
        rest, self._rest = self._rest, b""
        if self._part is None:
            return self._given([rest])
        return self._given([self._part.feed(rest), self._part.close()])

    def _given(self, pieces: list[bytes]) -> bytes:
        out = b"".join(pieces)
        owed = min(self._owed, len(out))
        self._owed -= owed
        return out[owed:]

    def _pass(self, data: bytes) -> list[bytes]:
        out: list[bytes] = []
        while True:
            if self._part is None:
                end = data.find(b"\r\n\r\n")
                final = data.startswith(b"--")
                if end < 0 and len(data) <= _HEADS_LIMIT and not final:
                    break
                if end < 0 or end > _HEADS_LIMIT or final:
                    if len(data) < 2:
                        break
                    self._part = _Verbatim()  # what follows the last delimiter, or is none
                    continue
                out.append(data[: end + 4])
                self._part = self._mapper(data[:end])
                # An empty field: the delimiter begins with the line end of the last head.
                data = data[end + 4 :]
                continue
            at = data.find(self._delimiter)
            if at < 0:
                cut = max(0, len(data) - len(self._delimiter) + 1)
                out.append(self._part.feed(data[:cut]))
                data = data[cut:]
                break
            out += [self._part.feed(data[:at]), self._part.close(), self._delimiter]
            data = data[at + len(self._delimiter) :]
            self._part = None
        self._rest = data
        return out

    def _mapper(self, head: bytes) -> Mapper:
        text = head.decode("latin-1")
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in text.split("\r\n"))
        }
        if "content-transfer-encoding" in fields:
            return _Verbatim()
        disposition, kind = fields.get("content-disposition", ""), fields.get("content-type")
        reads = kind is None or is_text(media_type(kind))
        if _FILENAME.search(disposition) is not None:
            # A Blob of JSON beside files is a message; a file of JSON is a person's.
            blob = _BLOB.search(disposition) is not None
            reads = blob and kind is not None and _is_json(media_type(kind))
        if not reads:
            return _Verbatim()
        found = _NAME.search(disposition)
        name = (found.group(1) or found.group(2) or "") if found is not None else ""
        return _Value(name.encode("latin-1"), self._codec, self._origin, self._limit)


def _is_json(kind: str) -> bool:
    return kind in _JSON or kind.endswith("+json")


def is_text(kind: str) -> bool:
    """Whether a media type is a text in which addresses are read."""
    return kind in {"text/plain", *_XML} or kind.endswith("+xml") or _is_json(kind)


@attrs.frozen
class Outgoing:
    """What is to be done to a request's body; ``mapper`` begins to do it."""

    content_type: str
    origin: Origin
    codec: Codec = attrs.field(repr=False)
    limit: int = FIELD_LIMIT

    def counts(self, begins: bytes) -> bool:
        """Whether a text says how long its parts are, and so must stay as it is."""
        return is_text(media_type(self.content_type)) and _COUNTS.search(begins) is not None

    def mapper(self) -> Mapper:
        """A mapper for the body from its first octet on."""
        kind = media_type(self.content_type)
        if kind == "application/x-www-form-urlencoded":
            return FormMapper(self.codec, self.origin, self.limit)
        boundary = _boundary(self.content_type)
        if kind == "multipart/form-data" and boundary is not None:
            return MultipartMapper(boundary, self.codec, self.origin, self.limit)
        return TextMapper(self.codec)


def _boundary(content_type: str) -> bytes | None:
    found = _BOUNDARY.search(content_type)
    return None if found is None else (found.group(1) or found.group(2)).encode("latin-1")


def body_plan(
    fields: Fields, codec: Codec, origin: Origin, limit: int = FIELD_LIMIT
) -> Outgoing | None:
    """What is to be done to the body of a request to ``origin``; None: it passes as it is.

    Files, scripts, whatever is compressed, and what its sender vouches for pass.
    """
    given = {name.lower(): value for name, value in fields}
    kind = given.get(b"content-type", b"").decode("latin-1")
    essence = media_type(kind)
    coded = given.get(b"content-encoding", b"identity").strip().lower() != b"identity"
    forms = essence == "application/x-www-form-urlencoded" or (
        essence == "multipart/form-data" and _boundary(kind) is not None
    )
    if coded or not (forms or is_text(essence)) or is_signed(fields):
        return None
    return Outgoing(kind, origin, codec, limit)
