"""The texts in use, and the catalogues of their translations.

``make texts`` puts new texts into every ``.po`` (without a
translation, which a test then asks for), takes out what is in use no more, and compiles.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from gateway.pages.languages import DEFAULT, LANGUAGES
from gateway.pages.texts import TEXT

PACKAGE = Path(__file__).resolve().parent.parent.parent / "gateway"
LOCALE = PACKAGE / "pages" / "locale"
TEMPLATES = PACKAGE / "pages" / "templates"
HINTS = PACKAGE / "pages" / "hints.py"
ROOMS = ("errors.py", "exchange", "net", "pages")
"""Where refusals are made."""
HEADER = """\
# Texts of the gateway's own pages.
msgid ""
msgstr ""
"Language: {}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"POT-Creation-Date: 2026-11-22 00:00+0000\\n"

"""


def texts_in_use() -> set[str]:
    """Every text that a page or a refusal may show, in English."""
    found = set(_constants(ast.parse(HINTS.read_text("utf-8"))))
    for path in sorted(TEMPLATES.glob("*.html")):
        found.update(TEXT.findall(path.read_text("utf-8")))
    for room in ROOMS:
        place = PACKAGE / room
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            found.update(titles(ast.parse(path.read_text("utf-8"))))
    return found


def titles(tree: ast.AST) -> Iterator[str]:
    """The titles of refusals and errors in a module.

    They are what is assigned to the name ``title``, and the third argument of ``Refuse``;
    of markup that a module makes by itself, the second one of ``_text``.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name("title")], value=value):
                yield from _strings(value)
            case ast.AnnAssign(target=ast.Name("title"), value=value) if value is not None:
                yield from _strings(value)
            case ast.Call(func=ast.Name("_text"), args=[_, value]):
                yield from _strings(value)
            case ast.Call(func=ast.Name("Refuse"), args=arguments, keywords=keywords):
                if len(arguments) > 2:
                    yield from _strings(arguments[2])
                for keyword in keywords:
                    if keyword.arg == "title":
                        yield from _strings(keyword.value)


def _strings(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(str(text)):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from _strings(body)
            yield from _strings(orelse)


def _constants(tree: ast.Module) -> Iterator[str]:
    """The strings of a module but for its docstrings."""
    for statement in tree.body:
        if isinstance(statement, ast.AnnAssign) and statement.value is not None:
            for node in ast.walk(statement.value):
                yield from _strings(node)


def file_of(language: str, kind: str) -> Path:
    """A catalogue's file; ``kind`` is po or mo."""
    return LOCALE / language / "LC_MESSAGES" / f"gateway.{kind}"


def read(language: str) -> Catalog:
    """A catalogue's text; an empty one if there is none."""
    path = file_of(language, "po")
    if not path.is_file():
        return Catalog(language)
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def updated(language: str) -> Catalog:
    """A catalogue with exactly the texts in use."""
    old = read(language)
    new = Catalog(language)
    for text in sorted(texts_in_use()):
        known = old.get(text)
        translation = known.string if known is not None else ""
        new.add(text, text if language == DEFAULT else translation)
    return new


def main() -> None:
    """Bring all files up to date."""
    for language in LANGUAGES:
        texts = updated(language)
        file_of(language, "po").parent.mkdir(parents=True, exist_ok=True)
        with file_of(language, "po").open("wb") as file:
            file.write(HEADER.format(language).encode("ascii"))
            write_po(file, texts, width=96, omit_header=True)
        catalogue = read(language)
        with file_of(language, "mo").open("wb") as file:
            write_mo(file, catalogue)
        missing = [message.id for message in catalogue if message.id and not message.string]
        print(f"{language}: {len(catalogue)} texts, {len(missing)} without a translation")


if __name__ == "__main__":
    main()
