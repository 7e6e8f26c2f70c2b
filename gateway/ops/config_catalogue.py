"""``[catalogue]``: the file of reviewed sites, checked like the configuration itself."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import attrs

from gateway.ops import schema
from gateway.ops.schema import Fault, Key, Table, Tables
from gateway.origins import Origin, parse
from gateway.policy.catalogue import Catalogue, CatalogueSite, Icon
from gateway.policy.destinations import Settings
from gateway.policy.engine import Question, decide

MAX_SITES = 1000
MAX_ICON = 8 * 1024
MAX_FILE = 1024 * 1024
_SHOWN, _HEAVY = 20, 16 * 1024
_TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*\Z")
# Shown as an image, where none of this runs; a reviewed file has no need of it in any case.
_ACTIVE = re.compile(
    rb"<script|<foreignobject|<!entity|<!doctype|\bon[a-z]+\s*=|javascript:|<iframe", re.IGNORECASE
)
_KINDS = {
    ".png": ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ".webp": ("image/webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ".ico": ("image/x-icon", re.compile(rb"\x00\x00\x01\x00")),
    # Atomic: or one comment could end in many places, each tried with all the others'.
    ".svg": (
        "image/svg+xml",
        re.compile(rb"(?>\s*)(?:<\?xml[^>]*>(?>\s*))?(?><!--.*?-->\s*)*<svg\b", re.DOTALL),
    ),
}  # fmt: skip

CATALOGUE = Table({"file": Key(schema.text), "only": Key(schema.flag, default=False)})


def _line(most: int) -> schema.Check:
    def check(value: Any) -> str:
        text = value.strip() if isinstance(value, str) else ""
        if not text or len(text) > most or not text.isprintable():
            raise Fault(f"one line of text of 1 to {most} characters")
        return text

    return check


def _url(value: Any) -> tuple[str, Origin]:
    found = parse(value) if isinstance(value, str) else None
    if found is None or found[1].protocol not in {"http:", "https:"} or found[1].username:
        raise Fault('a web address such as "https://news.example/"')
    return found[1].href, found[0]


def _origin(value: Any) -> Origin:
    href, origin = _url(value)
    if href != f"{origin}/":
        raise Fault('an origin such as "https://www.news.example"')
    return origin


def _language(value: Any) -> str:
    if not isinstance(value, str) or not _TAG.match(value):
        raise Fault('a language tag such as "en" or "pt-BR"')
    return value


_FILE = Table(
    {
        "site": Tables(
            Table(
                {
                    "title": Key(_line(60), required=True),
                    "url": Key(_url, required=True),
                    "category": Key(_line(40), required=True),
                    "description": Key(_line(200), ""),
                    "languages": Key(schema.list_of(_language), ()),
                    "icon": Key(schema.text),
                    "also": Key(schema.list_of(_origin), ()),
                }
            )
        )
    }
)


def read_catalogue(values: dict[str, Any], reader: schema.Reader) -> Catalogue:
    """The sites that ``[catalogue]`` names; its faults and its file's go to ``reader``.

    The file is found like every other from the working directory, icons from the file's.
    """
    name = values["file"]
    if name is None:
        if values["only"]:
            reader.fault("catalogue.only", "found true, expected catalogue.file with it")
        return Catalogue()
    path = Path(name)
    try:
        text = _bounded(path, MAX_FILE).decode("utf-8")
        document = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        reader.fault("catalogue.file", f'found "{name}", expected a TOML file: {error}')
        return Catalogue()
    inner = schema.Reader(name, text)
    rows = inner.table(_FILE, document)["site"]
    if len(rows) > MAX_SITES:
        inner.fault("site", f"found {len(rows)} tables, expected at most {MAX_SITES}")
        rows = []
    elif not rows and not inner.faults:
        inner.fault("site", "missing, expected [[site]] tables")
    sites = []
    seen: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        icon = _icon(path.parent, row["icon"], f"site[{number}].icon", inner)
        if row["url"] is None or row["title"] is None or row["category"] is None:
            continue
        url, origin = row["url"]
        if url in seen:
            inner.fault(f"site[{number}].url", f"{url} is there twice ({seen[url]})")
        seen[url] = row["where"]
        sites.append(
            CatalogueSite(
                row["title"], url, origin, row["category"], row["description"], row["languages"],
                icon, row["also"], row["where"],
            )
        )  # fmt: skip
    reader.faults += inner.faults
    return Catalogue(tuple(sites), only=values["only"])


def _bounded(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        octets = file.read(most + 1)
    if len(octets) > most:
        raise ValueError(f"it has more than {most} octets")
    return octets


def _icon(folder: Path, name: str | None, path: str, reader: schema.Reader) -> Icon | None:
    if name is None:
        return None
    kind, shape = _KINDS.get(Path(name).suffix.lower(), ("", None))
    expected = "expected a file below the catalogue's folder, .png, .svg, .webp or .ico"
    octets = b""
    try:
        file = (folder / name).resolve()
        if shape is None or not file.is_relative_to(folder.resolve()):
            reader.fault(path, f"found {schema.show(name)}, {expected}")
            return None
        octets = _bounded(file, MAX_ICON)
    except (OSError, ValueError) as error:
        reader.fault(path, f"found {schema.show(name)}, {expected}: {error}")
        return None
    if not shape.match(octets):
        reader.fault(path, f"found {schema.show(name)}, expected it to hold {kind}")
    elif kind == "image/svg+xml" and _ACTIVE.search(octets):
        what = "expected an SVG without script, entities and foreign content"
        reader.fault(path, f"found {schema.show(name)}, {what}")
    digest = hashlib.sha256(octets).hexdigest()[:16]
    return Icon(f"site-{digest}{Path(name).suffix.lower()}", kind, octets)


def catalogue_policy(catalogue: Catalogue, policy: Settings) -> tuple[Settings, list[str]]:
    """The policy with the catalogue in force, and what is worth a warning about the two."""
    found = []
    if catalogue.only:
        if policy.navigation:
            found.append(
                "catalogue.only: the allow-navigation rules of the configuration do not count"
            )
        policy = attrs.evolve(policy, navigation=catalogue.rules())
    for site in catalogue.sites:
        for origin in dict.fromkeys((site.origin, *site.also)):
            decision = decide(Question(origin), policy)
            if not decision.allowed:
                found.append(f"{site.where}: {site.title} cannot be opened: {decision.reason}")
    sizes = sorted((len(one.icon.octets) for one in catalogue.sites if one.icon), reverse=True)
    heavy = sum(sizes[:_SHOWN])
    if heavy > _HEAVY:
        found.append(f"catalogue.file: icons of {heavy} octets on one page are slow on 2G links")
    return policy, found
