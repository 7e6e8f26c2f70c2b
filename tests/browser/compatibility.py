"""docs/compatibility.md: what was compared with a direct load, and what differs, and why.

``python -m tests.browser.compatibility`` writes it from the lists that the tests hold; no browser
is needed for that.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.browser.differential.compare import DIFFERENCES, names
from tests.browser.differential.compare import HERE as AREAS
from tests.browser.websocket.differing import TITLE as SOCKETS
from tests.browser.websocket.differing import WAYS, reasons
from tests.browser.websocket.differing import names as socket_names

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parent.parent / "docs" / "compatibility.md"
_BEGINNING = """# Compatibility: what pages see, compared with a direct load

Made by `python -m tests.browser.compatibility`; do not edit. Each case is a page or a small site
that Chromium loads directly and through the gateway. Compared are what its script and document
show, every request as the origins saw it (method, address, header fields, body), and the errors
on the console. The tests (`tests/browser/test_differential_*.py`) fail for a case that differs and
is not listed here, and say so of a listed one that differs no more.

"""
_OLDER = {
    "cases": "Hooks of the runtime (`test_runtime`)",
    "pages": "Documents, policies, encodings (`test_rewriting`)",
    "trusted": "Trusted Types (`test_rewriting`)",
    "ways": "Ways to leave a page (`test_navigation`)",
}


def _title(area: str) -> str:
    module = AREAS / f"{area}.py"
    text = module.read_text("utf-8") if module.is_file() else ""
    found = re.search(r'^TITLE = "(.+)"', text, re.MULTILINE)
    return found[1] if found else area.replace("_", " ").capitalize()


def _older_counts() -> dict[str, int]:
    from tests.browser.test_navigation import WAYS
    from tests.browser.test_rewriting import PAGES, STRUCTURES

    scripts = "".join(one.read_text("utf-8") for one in (HERE / "runtime").glob("*.js"))
    trusted = (HERE / "runtime" / "trusted.html").read_text("utf-8")
    return {
        "cases": len(re.findall(r"^add\(", scripts, re.MULTILINE)),
        "pages": len(PAGES) + len(STRUCTURES),
        "trusted": len(re.findall(r'^  "[^"]+": ', trusted, re.MULTILINE)),
        "ways": len(WAYS),
    }


def _table(rows: list[tuple[str, int, int]]) -> str:
    lines = ["| Area | Cases | Equal | Differing |", "|---|---:|---:|---:|"]
    whole = [("**All**", sum(row[1] for row in rows), sum(row[2] for row in rows))]
    lines += [f"| {name} | {of} | {of - not_} | {not_} |" for name, of, not_ in rows + whole]
    return "\n".join(lines)


def _reasons(found: dict[str, dict[str, str]]) -> str:
    out = []
    for title, differing in found.items():
        by_reason: dict[str, list[str]] = {}
        for name, reason in differing.items():
            by_reason.setdefault(reason, []).append(name)
        if by_reason:
            out.append(f"### {title}\n")
        for reason, cases in by_reason.items():
            out.append("- " + "; ".join(f"`{one}`" for one in cases) + f": {reason}")
        if by_reason:
            out.append("")
    return "\n".join(out)


def text() -> str:
    """The document."""
    listed = json.loads(DIFFERENCES.read_text("utf-8"))
    known = json.loads((HERE / "known_differences.json").read_text("utf-8"))
    areas = sorted((one.stem for one in (AREAS / "cases").glob("*.txt")), key=_title)
    differing = {area: listed["areas"].get(area, {}) for area in areas}
    rows = [(_title(area), len(names(area)), len(differing[area])) for area in areas]
    cases, equal = sum(row[1] for row in rows), sum(row[1] - row[2] for row in rows)
    share = f"{equal} of {cases} cases ({100 * equal / max(cases, 1):.1f} %) are equal.\n\n"
    counts = _older_counts()
    older = {kind: {one: listed["older"][one] for one in known[kind]} for kind in _OLDER}
    older_rows = [(_OLDER[kind], counts[kind], len(older[kind])) for kind in _OLDER]
    return (
        _BEGINNING
        + "## The differential suite\n\n"
        + share
        + _table(rows)
        + "\n\n"
        + _reasons({_title(area): differing[area] for area in areas})
        + f"\n## {SOCKETS}\n\n"
        + _table([(WAYS[way], len(socket_names()), len(reasons(way))) for way in WAYS])
        + "\n\n"
        + _reasons({WAYS[way]: reasons(way) for way in WAYS})
        + "\n## The suites of the runtime and the rewriter\n\n"
        + _table(older_rows)
        + "\n\n"
        + _reasons({_OLDER[kind]: older[kind] for kind in _OLDER})
    ).rstrip() + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(text(), "utf-8")
