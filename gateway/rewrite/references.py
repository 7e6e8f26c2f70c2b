"""Character references in attribute values (HTML standard, section 13.2.5.72 and on).

``html.unescape`` is for text: in an attribute ``?a=1&copy=2`` keeps its ``&copy``.
"""

from __future__ import annotations

import re
from html.entities import html5

_REFERENCE = re.compile(r"&(?:#[xX]([0-9a-fA-F]+);?|#([0-9]+);?|([A-Za-z][A-Za-z0-9]{1,31});?)")
_WITHOUT_SEMICOLON = sorted((name for name in html5 if name[-1] != ";"), key=len, reverse=True)
_SHORT = re.compile("|".join(_WITHOUT_SEMICOLON))
_WINDOWS_1252 = dict(
    zip(
        (0x80, *range(0x82, 0x8D), 0x8E, *range(0x91, 0x9D), 0x9E, 0x9F),
        "\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d"
        "\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178",
        strict=True,
    )
)


def unescape_attribute(text: str) -> str:
    """Decode the character references of an HTML attribute's value."""
    if "&" not in text:
        return text
    return _REFERENCE.sub(_decode, text)


def unescape_xml(text: str) -> str:
    """Decode the references that XML itself defines; entities of a DTD stay as they are."""
    if "&" not in text:
        return text
    return _REFERENCE.sub(_decode_xml, text)


def escape_attribute(text: str, quote: str = '"') -> str:
    """Encode a value so that HTML and XML read it back between ``quote``s."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = text.replace("\r", "&#13;")
    return text.replace('"', "&quot;") if quote == '"' else text.replace("'", "&#39;")


def _decode(found: re.Match[str]) -> str:
    hexadecimal, decimal, name = found.groups()
    if name is None:
        return _code_point(hexadecimal, decimal)
    whole = found.group()
    if whole[-1] == ";" and name + ";" in html5:
        return html5[name + ";"]
    short = _SHORT.match(name)
    if short is None:
        return whole
    rest = whole[1 + short.end() :]
    following = rest[:1] or found.string[found.end() : found.end() + 1]
    # What looks like the next parameter of a query is one.
    if following == "=" or (following.isascii() and following.isalnum()):
        return whole
    return html5[short.group()] + rest


def _code_point(hexadecimal: str | None, decimal: str | None) -> str:
    digits = hexadecimal if hexadecimal is not None else decimal or ""
    if len(digits) > 10 and digits.strip("0") and len(digits.lstrip("0")) > 10:
        return "\ufffd"  # beyond Unicode, and long numbers are slow
    number = int(digits.lstrip("0") or "0", 16 if hexadecimal is not None else 10)
    if number in _WINDOWS_1252:
        return _WINDOWS_1252[number]
    if number == 0 or number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        return "\ufffd"
    return chr(number)


_XML = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def _decode_xml(found: re.Match[str]) -> str:
    hexadecimal, decimal, name = found.groups()
    if found.group()[-1] != ";":
        return found.group()
    if name is not None:
        return _XML.get(name, found.group())
    digits = hexadecimal if hexadecimal is not None else decimal or "0"
    if len(digits.lstrip("0")) > 7:
        return found.group()
    number = int(digits.lstrip("0") or "0", 16 if hexadecimal is not None else 10)
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        return found.group()
    return chr(number)
