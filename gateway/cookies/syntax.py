"""Parsing one Set-Cookie header field (RFC 6265bis section 5.6) and its dates (5.1.1).

Octets in, octets out: real cookies are not always ASCII, and what a site set comes
back to it as it was.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import attrs

MAX_NAME_VALUE = 4096
MAX_ATTRIBUTE = 1024
MAX_AGE = 400 * 86400

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_WSP = b" \t"
_DELIMITER = re.compile(rb"[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(rb"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[^0-9].*)?\Z", re.DOTALL)
_DAY = re.compile(rb"([0-9]{1,2})(?:[^0-9].*)?\Z", re.DOTALL)
_YEAR = re.compile(rb"([0-9]{2,4})(?:[^0-9].*)?\Z", re.DOTALL)
_MONTHS = (
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
)  # fmt: skip
_DIGITS = re.compile(rb"-?[0-9]+\Z")


class SameSite(Enum):
    """The same-site-flag; ``DEFAULT`` is Lax with the two-minute exception."""

    DEFAULT = "Default"
    NONE = "None"
    LAX = "Lax"
    STRICT = "Strict"


@attrs.frozen
class SetCookie:
    """A parsed Set-Cookie; ``domain`` and ``path`` are None where not given.

    ``expires`` is in seconds since the epoch, already capped at 400 days; None makes a
    session cookie.
    """

    name: bytes
    value: bytes
    expires: int | None = None
    domain: bytes | None = None
    path: bytes | None = None
    secure: bool = False
    http_only: bool = False
    same_site: SameSite = SameSite.DEFAULT
    partitioned: bool = False


@attrs.frozen
class Invalid:
    """Why a Set-Cookie or a cookie was ignored, with the draft's section and step."""

    reason: str
    step: str


def parse_set_cookie(field: bytes, now: int) -> SetCookie | Invalid:
    """Parse one field value (RFC 6265bis section 5.6); ``now`` in epoch seconds."""
    if _CONTROL.search(field):
        return Invalid("control character", "5.6.1")
    pair, _, attributes = field.partition(b";")
    name, equals, value = pair.partition(b"=")
    if not equals:
        name, value = b"", pair
    name, value = name.strip(_WSP), value.strip(_WSP)
    if not name and not value:
        return Invalid("empty name and value", "5.7.2")
    if len(name) + len(value) > MAX_NAME_VALUE:
        return Invalid("name and value exceed 4096 octets", "5.7.4")
    return _with_attributes(SetCookie(name, value), attributes, now)


def _with_attributes(cookie: SetCookie, attributes: bytes, now: int) -> SetCookie:
    found: dict[str, Any] = {}
    max_age: int | None = None
    for attribute in attributes.split(b";"):
        key, _, value = attribute.partition(b"=")
        key, value = key.strip(_WSP).lower(), value.strip(_WSP)
        if len(value) > MAX_ATTRIBUTE:
            continue
        if key == b"expires":
            moment = parse_date(value)
            if moment is not None:
                found["expires"] = min(moment, now + MAX_AGE)
        elif key == b"max-age":
            seconds = _parse_max_age(value)
            max_age = max_age if seconds is None else seconds
        elif key == b"domain":
            found["domain"] = value.removeprefix(b".").lower()
        elif key == b"path":
            found["path"] = value
        elif key == b"secure":
            found["secure"] = True
        elif key == b"httponly":
            found["http_only"] = True
        elif key == b"samesite":
            found["same_site"] = _SAME_SITE.get(value.lower(), SameSite.DEFAULT)
        elif key == b"partitioned":
            found["partitioned"] = True
    if max_age is not None:
        # Max-Age wins over Expires wherever they stand (5.7, step 6).
        found["expires"] = now + min(max_age, MAX_AGE) if max_age > 0 else 0
    return attrs.evolve(cookie, **found)


_SAME_SITE = {b"none": SameSite.NONE, b"lax": SameSite.LAX, b"strict": SameSite.STRICT}


def _parse_max_age(value: bytes) -> int | None:
    """Section 5.6.2; None where the attribute is to be ignored."""
    if not _DIGITS.match(value):
        return None
    if value.startswith(b"-"):
        return 0
    # A hostile megadigit number must not cost more than its length: it is capped anyway.
    digits = value.lstrip(b"0") or b"0"
    return MAX_AGE if len(digits) > 18 else int(digits)


def parse_date(text: bytes) -> int | None:
    """Parse a cookie-date (section 5.1.1) into epoch seconds; None: not a date."""
    time: tuple[int, int, int] | None = None
    day = month = year = None
    for token in _DELIMITER.split(text):
        if time is None and (matched := _TIME.match(token)):
            hour, minute, second = matched.groups()
            time = int(hour), int(minute), int(second)
        elif day is None and (matched := _DAY.match(token)):
            day = int(matched.group(1))
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (matched := _YEAR.match(token)):
            year = int(matched.group(1))
    if time is None or day is None or month is None or year is None:
        return None
    if 70 <= year <= 99:
        year += 1900
    elif 0 <= year <= 69:
        year += 2000
    if year < 1601 or not 1 <= day <= 31 or time > (23, 59, 59) or max(time[1:]) > 59:
        return None
    try:
        moment = datetime(year, month, day, *time, tzinfo=UTC)
    except ValueError:
        return None
    # Before the epoch is as expired as the epoch itself, and rows count in days from it.
    return max(0, int(moment.timestamp()))
