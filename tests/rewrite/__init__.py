"""Tests of what is edited on the way through, and what several of them share."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from gateway.origins import Codec, Origin, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DOMAIN = "gw.example.org"
SUFFIX = f".0.{DOMAIN}"
WILDCARD = f"*{SUFFIX}"
SECURE = f"https://www{SUFFIX}"


class Feeder(Protocol):
    """What takes chunks and gives chunks."""

    def feed(self, data: bytes) -> bytes:
        """Take a chunk."""
        ...

    def close(self) -> bytes:
        """Give the rest."""
        ...


def codec(port: int = 443) -> Codec:
    """A fresh codec: it learns, so tests do not share one."""
    return Codec(DOMAIN, port)


def origin(url: str) -> Origin:
    """The origin of a URL."""
    found = parse(url)
    assert found is not None, url
    return found[0]


def collapsed(url: str) -> str:
    """The collapsed form of a URL."""
    return codec().collapse_url(url)


def run(feeder: Feeder, chunks: Iterable[bytes]) -> bytes:
    """Everything that comes out for these chunks."""
    return b"".join([*[feeder.feed(chunk) for chunk in chunks], feeder.close()])


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """The data in chunks that end at these places (some chunks may be empty)."""
    ends: Sequence[int] = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]
