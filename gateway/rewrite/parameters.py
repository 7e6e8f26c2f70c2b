"""Parameters of ours in URLs: added where the rewriter writes one, taken out on the way up."""

from __future__ import annotations

from gateway import wire

_OURS = (
    wire.TOKEN_PARAMETER + "=",
    wire.INTEGRITY_PARAMETER + "=",
    wire.PROOF_PARAMETER + "=",
    wire.VERDICT_PARAMETER + "=",
    wire.LED_PARAMETER + "=",
)


def with_parameter(url: str, name: str, value: str) -> str:
    """Append a parameter; ``value`` is of characters that a query may hold."""
    before, mark, fragment = url.partition("#")
    joint = "&" if "?" in before else "?"
    return f"{before}{joint}{name}={value}{mark}{fragment}"


def strip_own_parameters(url: str) -> str:
    """Take our parameters out of a URL or request target, wherever they stand."""
    before, mark, fragment = url.partition("#")
    path, question, query = before.partition("?")
    if not question:
        return url
    given = query.split("&")
    parts = [part for part in given if not part.startswith(_OURS)]
    if len(parts) == len(given):
        return url
    return path + ("?" + "&".join(parts) if parts else "") + mark + fragment


def parameter(target: str, name: str) -> str | None:
    """The value of the last parameter of a name in a request target; None: there is none."""
    query = target.partition("#")[0].partition("?")[2]
    for part in reversed(query.split("&")):
        if part.startswith(name + "="):
            return part[len(name) + 1 :]
    return None
