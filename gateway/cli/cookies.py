"""``gateway cookies explain``: what a jar makes of cookies, and why (interfaces)."""

from __future__ import annotations

import json
import sys
from itertools import count
from typing import Any

import attrs
import click
from publicsuffixlist import PublicSuffixList

from gateway.cookies import rules
from gateway.cookies.jar import Received, open_jar
from gateway.cookies.same_site import SAFE_METHODS, Access, is_same_site, site_of
from gateway.cookies.seal import derive_user_keys
from gateway.cookies.suffixes import Suffixes
from gateway.origins import Origin, parse

_KEYS = {
    "set_url": str,
    "set_cookie": list,
    "get_url": str,
    "now": int,
    "api": str,
    "initiator": str,
    "redirects": list,
    "method": str,
    "top_level": bool,
}
_NOW = 1_800_000_000
"""Where the question names no time: any will do, and the same one is reproducible."""


class BadQuestion(ValueError):
    """A line that asks nothing; the text says what is wrong with it."""


@attrs.frozen
class Question:
    """One line: cookies that are set, and a request (or a script) that reads them."""

    set_origin: Origin
    set_path: bytes
    fields: tuple[bytes, ...]
    get_origin: Origin
    get_path: bytes
    now: int
    script: bool
    setting: Access
    getting: Access


@click.group()
def cookies() -> None:
    """Look into the cookie rules."""


@cookies.command()
def explain() -> None:
    """Read questions as JSON lines, write answers as JSON lines.

    A question: set_url, set_cookie (a list), get_url; and maybe now (seconds), api (http
    or script), initiator (a URL), redirects (URLs that led there), method, top_level. Each
    is put to an empty jar. Header text is given and returned as Latin-1 code points.
    """
    suffixes = Suffixes(PublicSuffixList())
    failed = False
    for number, line in enumerate(sys.stdin, 1):
        if not line.strip():
            continue
        try:
            question = read_question(json.loads(line), suffixes)
        except (BadQuestion, json.JSONDecodeError, RecursionError) as error:
            click.echo(f"line {number}: {error}", err=True)
            failed = True
            continue
        click.echo(json.dumps(answer(question, suffixes)))
    if failed:
        sys.exit(1)


def read_question(given: Any, suffixes: Suffixes) -> Question:
    """Check one question; raises ``BadQuestion`` that names the key."""
    if not isinstance(given, dict):
        raise BadQuestion("not an object")
    for key, value in given.items():
        kind = _KEYS.get(key)
        if kind is None:
            raise BadQuestion(f"{key}: unknown, expected one of {', '.join(_KEYS)}")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise BadQuestion(f"{key}: found {value!r}, expected {kind.__name__}")
    for key in ("set_url", "set_cookie", "get_url"):
        if key not in given:
            raise BadQuestion(f"{key}: missing")
    set_origin, set_path = _url("set_url", given["set_url"])
    get_origin, get_path = _url("get_url", given["get_url"])
    api = given.get("api", "http")
    if api not in {"http", "script"}:
        raise BadQuestion(f"api: found {api!r}, expected http or script")
    initiator = None
    if "initiator" in given:
        initiator = _url("initiator", given["initiator"])[0]
    hops = tuple(_url("redirects", hop)[0] for hop in given.get("redirects", ()))
    safe = given.get("method", "GET").upper().encode("ascii", "replace") in SAFE_METHODS
    top_level = given.get("top_level", False)

    def access(target: Origin) -> Access:
        page = target if top_level or initiator is None else initiator
        same = is_same_site(target, initiator, hops, suffixes)
        return Access(same, top_level, safe, site_of(page, suffixes))

    return Question(
        set_origin,
        set_path,
        tuple(_field(field) for field in given["set_cookie"]),
        get_origin,
        get_path,
        given.get("now", _NOW),
        api == "script",
        access(set_origin),
        access(get_origin),
    )


def _url(key: str, text: Any) -> tuple[Origin, bytes]:
    found = parse(text) if isinstance(text, str) else None
    if found is None:
        raise BadQuestion(f"{key}: found {text!r}, expected an http or https URL")
    return found[0], found[1].pathname.encode("ascii")


def _field(field: Any) -> bytes:
    try:
        return bytes(field, "latin-1")
    except (TypeError, UnicodeEncodeError):
        raise BadQuestion(f"set_cookie: found {field!r}, expected Latin-1 text") from None


def answer(question: Question, suffixes: Suffixes) -> dict[str, Any]:
    """What becomes of the fields in an empty jar, and what is sent then."""
    keys = derive_user_keys(b"explain", b"explain", 1)
    registrable = suffixes.registrable(question.set_origin.host)
    jar = open_jar(keys, registrable, ())
    nonces = count()
    change, jar = jar.receive(
        Received(question.fields, from_script=question.script),
        question.set_origin,
        question.set_path,
        question.now,
        suffixes,
        lambda size: next(nonces).to_bytes(size, "big"),
        question.setting,
    )
    found = b""
    if suffixes.registrable(question.get_origin.host) == registrable:
        sent = rules.visible(
            jar.cookies,
            question.get_origin,
            question.get_path,
            question.now,
            to_script=question.script,
            access=question.getting,
            suffixes=suffixes,
        )
        found = rules.cookie_string(sent)
    decisions = [
        {
            "set_cookie": field.decode("latin-1"),
            "stored": verdict.stored,
            "reason": verdict.reason,
            "step": verdict.step,
        }
        for field, verdict in zip(question.fields, change.verdicts, strict=False)
    ]
    return {"cookie": found.decode("latin-1"), "decisions": decisions}
