"""Tests of what is edited on the way through, and what several of them share."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from gateway.origins import Codec, Origin, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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


class Streamer(Protocol):
    """What takes chunks and gives pieces, one by one."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take a chunk."""
        ...

    def close(self) -> Iterable[bytes] | None:
        """Give the rest, if there is any."""
        ...


def pour(streamer: Streamer, chunks: Iterable[bytes]) -> bytes:
    """Everything that comes out piece by piece for these chunks."""
    pieces = [piece for chunk in chunks for piece in streamer.feed(chunk)]
    return b"".join([*pieces, *(streamer.close() or ())])


def octets(data: bytes, size: int = 1) -> list[bytes]:
    """The data in chunks of one size."""
    return [data[at : at + size] for at in range(0, len(data), size)]


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """The data in chunks that end at these places (some chunks may be empty)."""
    ends: Sequence[int] = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]
