"""Real pages and sheets of this machine: Debian's documentation, installed Python packages."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from bench.common import BenchError

if TYPE_CHECKING:
    from collections.abc import Iterable

PACKAGES = ("apache2-doc", "git-doc", "debian-policy")
_DOC = Path("/usr/share/doc")
_PYTHON = "Python packages"
_SMALLEST = 1024
_MOST = 12_000_000
MORE_SHEETS = "BENCH_SHEETS"
"""Environment variable: a folder of more sheets, as npm's node_modules."""
_LINK = re.compile(rb"(\shref=\")(?!#|[a-z]+:|//)")
_URL = re.compile(rb"(\burl\([\"']?)(?![\"'#]|[a-z]+:|//)")
_ABSOLUTE = re.compile(rb"\shref=[\"']?(https?://[A-Za-z0-9.-]+)", re.IGNORECASE)
_TAG = re.compile(rb"<[a-zA-Z][^>]*+>")


@attrs.frozen
class Corpus:
    """Files of one place, without duplicates; ``every`` one, and ``files`` that are measured."""

    name: str
    files: tuple[bytes, ...]
    every: tuple[bytes, ...] = attrs.field(default=(), repr=False)

    @property
    def size(self) -> int:
        """All octets."""
        return sum(map(len, self.files))


def _corpus(name: str, folders: Iterable[Path], suffix: str, most: int) -> Corpus:
    """Files of some folders; beyond ``most`` octets every second or third is measured."""
    found: dict[bytes, bytes] = {}
    for folder in folders:
        for path in sorted(folder.resolve().rglob(f"*{suffix}")):
            if not path.is_file() or "node_modules" in path.relative_to(folder.resolve()).parts:
                continue
            data = path.read_bytes()
            if len(data) >= _SMALLEST:
                found.setdefault(hashlib.sha256(data).digest(), data)
    files = tuple(found.values())
    step = -(-sum(map(len, files)) // most)
    return Corpus(name, files[:: max(1, step)], files)


def pages(*, quick: bool = False) -> list[Corpus]:
    """HTML of each place that is there; raises ``BenchError`` when none is."""
    most = _MOST // 6 if quick else _MOST
    out = []
    missing = []
    for name in PACKAGES:
        found = _corpus(name, [_DOC / name], ".html", most)
        if found.files:
            out.append(found)
        else:
            missing.append(name)
    if missing:
        advice = f"make packages, or apt-get install {' '.join(missing)}"
        if not out:
            raise BenchError(f"no pages to rewrite: {advice}")
        print(f"no pages of {', '.join(missing)}: {advice}")
    found = _corpus(_PYTHON, [Path(sys.prefix)], ".html", most)
    return [*out, found] if found.files else out


def sheets(*, quick: bool = False) -> list[Corpus]:
    """CSS of each place that is there; raises ``BenchError`` when none is."""
    most = _MOST // 6 if quick else _MOST
    places = {"Debian documentation": [_DOC / name for name in PACKAGES]}
    places[_PYTHON] = [Path(sys.prefix)]
    more = os.environ.get(MORE_SHEETS)
    if more:
        places[MORE_SHEETS] = [Path(more)]
    out = [_corpus(name, folders, ".css", most) for name, folders in places.items()]
    out = [corpus for corpus in out if corpus.files]
    if not out:
        raise BenchError("no sheets to rewrite: make packages")
    return out


def absolute(page: bytes) -> bytes:
    """A page as sites write it that name themselves in every link."""
    return _LINK.sub(rb"\1https://www.some-site.example/docs/", page)


def absolute_sheet(sheet: bytes) -> bytes:
    """The same for a sheet."""
    return _URL.sub(rb"\1https://static.some-site.example/css/", sheet)


def tags(before: bytes, after: bytes) -> tuple[int, int]:
    """How many start tags a page has, and how many of them were edited."""
    first, second = _TAG.findall(before), _TAG.findall(after)
    return len(first), sum(one != other for one, other in zip(first, second, strict=False))


def origins(page: bytes) -> list[str]:
    """The origins that a page's absolute links name, each once."""
    return sorted({one.decode("ascii").lower() for one in _ABSOLUTE.findall(page)})


def linked_page(corpora: Iterable[Corpus]) -> bytes:
    """Of the pages of about 100 KB the one with most absolute links."""
    some = [page for corpus in corpora for page in corpus.every if 80_000 < len(page) < 130_000]
    if not some:
        raise BenchError(f"no page of about 100 KB: apt-get install {' '.join(PACKAGES)}")
    return max(some, key=lambda page: len(_ABSOLUTE.findall(page)))


def links(page: bytes) -> int:
    """How many absolute links a page has."""
    return len(_ABSOLUTE.findall(page))
