"""What a policy may say: CSP 3's directives, keywords and sources, checked strictly.

Browsers pass over what they do not know; an operator who mistypes ``'slef'`` is told so
before anything listens.  Sites' own policies are not judged here: they pass as they are.
"""

from __future__ import annotations

import base64
import binascii
import re

import attrs

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_NAME = re.compile(r"[A-Za-z0-9-]+\Z")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\Z")
_HOST = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.-]*://)?"
    r"(?:\*|(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?:\*|(?P<port>[0-9]{1,5})))?(?:/[^?#;,\s]*)?\Z"
)
_HASH = re.compile(r"'sha(256|384|512)-([A-Za-z0-9+/_-]+={0,2})'\Z", re.IGNORECASE)
_NONCE = re.compile(r"'nonce-[A-Za-z0-9+/_-]+={0,2}'\Z", re.IGNORECASE)
_POLICY_NAME = re.compile(r"[A-Za-z0-9#=_/@.%-]+\Z")
_PRINTABLE = re.compile(r"[\t\x20-\x7e]*\Z")

_SCRIPT_WORDS = frozenset(
    (
        "'unsafe-inline'", "'unsafe-eval'", "'strict-dynamic'", "'unsafe-hashes'",
        "'report-sample'", "'wasm-unsafe-eval'", "'trusted-types-eval'",
        "'inline-speculation-rules'", "'unsafe-allow-redirects'", "'report-sha256'",
        "'report-sha384'", "'report-sha512'",
    )
)  # fmt: skip
_SANDBOX_WORDS = frozenset(
    (
        "allow-downloads", "allow-forms", "allow-modals", "allow-orientation-lock",
        "allow-pointer-lock", "allow-popups", "allow-popups-to-escape-sandbox",
        "allow-presentation", "allow-same-origin", "allow-scripts",
        "allow-storage-access-by-user-activation", "allow-top-navigation",
        "allow-top-navigation-by-user-activation", "allow-top-navigation-to-custom-protocols",
    )
)  # fmt: skip
_SOURCES = (
    "default-src", "script-src", "script-src-elem", "script-src-attr", "style-src",
    "style-src-elem", "style-src-attr", "img-src", "font-src", "connect-src", "media-src",
    "object-src", "manifest-src", "worker-src", "child-src", "frame-src", "fenced-frame-src",
    "prefetch-src", "base-uri", "form-action", "navigate-to",
)  # fmt: skip
DIRECTIVES = (
    *_SOURCES, "frame-ancestors", "sandbox", "webrtc", "upgrade-insecure-requests",
    "block-all-mixed-content", "trusted-types", "require-trusted-types-for", "report-uri",
    "report-to",
)  # fmt: skip
"""Every directive of CSP 3 and of the standards that extend it."""


class Malformed(ValueError):
    """A policy says what none may; the text names it."""


@attrs.frozen
class Policy:
    """A checked policy; its directives in order, names in lower case."""

    directives: tuple[tuple[str, tuple[str, ...]], ...]

    def __str__(self) -> str:
        """Serialise it."""
        return "; ".join(" ".join((name, *values)) for name, values in self.directives)

    def get(self, name: str) -> tuple[str, ...] | None:
        """The values of a directive; None where it is not there."""
        return dict(self.directives).get(name)

    @property
    def has_nonce(self) -> bool:
        """Whether a nonce is in it, which somebody wrote down once for all pages."""
        return any(_NONCE.match(value) for _, values in self.directives for value in values)


def parse_policy(text: str) -> Policy:
    """Check the text of one policy; raises ``Malformed`` that names what is wrong."""
    if "," in text:
        raise Malformed("a comma begins another policy: write a table of its own")
    found: dict[str, tuple[str, ...]] = {}
    for part in text.split(";"):
        name, *values = part.split() or [""]
        if not name:
            continue
        name = name.lower()
        if name in found:
            raise Malformed(f"{name} is there twice")
        found[name] = check_directive(name, values)
    if not found:
        raise Malformed("it has no directive")
    return Policy(tuple(found.items()))


def check_directive(name: str, values: list[str]) -> tuple[str, ...]:
    """Check one directive's values; raises ``Malformed`` that names what is wrong."""
    if not _NAME.match(name) or name not in DIRECTIVES:
        raise Malformed(f'"{_shown(name)}" is no directive of CSP 3')
    for value in values:
        if not _PRINTABLE.match(value) or ";" in value or "," in value or value.split() != [value]:
            raise Malformed(f'{name}: "{_shown(value)}" is not one word of a policy')
    if name in _SOURCES or name == "frame-ancestors":
        _check_sources(name, values)
    else:
        _CHECKS[name](name, values)
    return tuple(values)


def _check_sources(name: str, values: list[str]) -> None:
    for value in values:
        lower = value.lower()
        if lower == "'none'":
            if len(values) > 1:
                raise Malformed(f"{name}: 'none' stands alone")
        elif lower.startswith("'"):
            _check_quoted(name, value)
        elif not _SCHEME.match(value):
            host = _HOST.match(value)
            if host is None or int(host["port"] or 0) > 65535:
                raise Malformed(f'{name}: "{_shown(value)}" is no source')


def _check_quoted(name: str, value: str) -> None:
    lower = value.lower()
    if lower == "'self'":
        return
    if name != "frame-ancestors":
        hashed = _HASH.match(value)
        if hashed is not None:
            _check_hash(name, value, int(hashed[1]), hashed[2])
            return
        if _NONCE.match(value) or lower in _SCRIPT_WORDS:
            return
    raise Malformed(f'{name}: "{_shown(value)}" is no keyword, nonce or hash')


def _check_hash(name: str, value: str, bits: int, text: str) -> None:
    try:
        padded = text.rstrip("=").translate({45: 43, 95: 47})
        size = len(base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if size * 8 != bits:
        raise Malformed(f'{name}: "{_shown(value)}" is no digest of SHA-{bits}')


def _check_sandbox(name: str, values: list[str]) -> None:
    for value in values:
        if value.lower() not in _SANDBOX_WORDS:
            raise Malformed(f'{name}: "{_shown(value)}" is no sandbox flag')


def _check_webrtc(name: str, values: list[str]) -> None:
    if [value.lower() for value in values] not in (["'allow'"], ["'block'"]):
        raise Malformed(f"{name}: expected 'allow' or 'block'")


def _check_empty(name: str, values: list[str]) -> None:
    if values:
        raise Malformed(f"{name}: it has no value")


def _check_trusted_types(name: str, values: list[str]) -> None:
    for value in values:
        if value.lower() == "'none'" and len(values) > 1:
            raise Malformed(f"{name}: 'none' stands alone")
        quoted = value.lower() in {"'none'", "'allow-duplicates'"}
        if not quoted and value != "*" and not _POLICY_NAME.match(value):
            raise Malformed(f'{name}: "{_shown(value)}" is no name of a policy')


def _check_required(name: str, values: list[str]) -> None:
    if [value.lower() for value in values] != ["'script'"]:
        raise Malformed(f"{name}: expected 'script'")


def _check_addresses(name: str, values: list[str]) -> None:
    if not values:
        raise Malformed(f"{name}: it names no address")
    for value in values:
        if not value.lower().startswith(("https://", "http://")) or len(value) > 2000:
            raise Malformed(f'{name}: "{_shown(value)}" is no absolute web address')


def _check_group(name: str, values: list[str]) -> None:
    if len(values) != 1 or not _TOKEN.match(values[0]):
        raise Malformed(f"{name}: expected one name")


_CHECKS = {
    "sandbox": _check_sandbox,
    "webrtc": _check_webrtc,
    "upgrade-insecure-requests": _check_empty,
    "block-all-mixed-content": _check_empty,
    "trusted-types": _check_trusted_types,
    "require-trusted-types-for": _check_required,
    "report-uri": _check_addresses,
    "report-to": _check_group,
}


def _shown(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
