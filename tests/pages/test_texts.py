"""The catalogues: whole, compiled, and of the texts in use."""

from __future__ import annotations

import ast
import gettext
import string

from twisted.trial.unittest import SynchronousTestCase

from gateway.pages.languages import DEFAULT, LANGUAGES
from gateway.pages.texts import Texts, all_texts
from tests.pages import catalogues


def _places(text: str) -> list[str]:
    return sorted(
        found["named"] or found["braced"] or found["invalid"] or found["escaped"] or "$"
        for found in string.Template.pattern.finditer(text)
    )


class CatalogueTests(SynchronousTestCase):
    """Every language has every text."""

    def test_whole(self) -> None:
        """Exactly the texts in use, each with a translation that nobody has to check."""
        wanted = catalogues.texts_in_use()
        self.assertGreater(len(wanted), 70)
        hint = "make texts, then translate, then make texts"
        for language in LANGUAGES:
            catalogue = catalogues.read(language)
            found = {message.id: message for message in catalogue if message.id}
            self.assertEqual(set(found) ^ wanted, set(), f"{language}: {hint}")
            empty = [text for text, message in found.items() if not message.string.strip()]
            self.assertEqual(empty, [], f"{language}: {hint}")
            fuzzy = [text for text, message in found.items() if message.fuzzy]
            self.assertEqual(fuzzy, [], language)

    def test_places(self) -> None:
        """A translation has the places of its text, and no other."""
        for language in LANGUAGES:
            for message in catalogues.read(language):
                if message.id:
                    self.assertEqual(_places(message.string), _places(message.id), message.id)

    def test_translated(self) -> None:
        """English is as it stands in the sources; other languages are not."""
        for language in LANGUAGES:
            same = [one.id for one in catalogues.read(language) if one.id == one.string]
            if language == DEFAULT:
                self.assertEqual(len([one for one in same if one]), len(catalogues.texts_in_use()))
            else:
                self.assertEqual(same, [], language)

    def test_ends(self) -> None:
        """A sentence stays one, a label stays one."""
        for language in LANGUAGES:
            for message in catalogues.read(language):
                stop = message.id[-1:] == "."
                self.assertEqual(stop, message.string[-1:] == ".", (language, message.id))

    def test_compiled(self) -> None:
        """What is read at run time is what the texts say."""
        for language in LANGUAGES:
            with catalogues.file_of(language, "mo").open("rb") as file:
                compiled = gettext.GNUTranslations(file)
            wanted = {one.id: one.string for one in catalogues.read(language) if one.id}
            told = {text: compiled.gettext(text) for text in wanted}
            self.assertEqual(told, wanted, language)
            count = len([text for text in compiled._catalog if text])  # type: ignore[attr-defined]
            self.assertEqual(count, len(wanted), language)

    def test_no_other_languages(self) -> None:
        """Each folder is a language that readers can be given."""
        self.assertEqual({path.name for path in catalogues.LOCALE.iterdir()}, set(LANGUAGES))

    def test_titles(self) -> None:
        """Where refusals' titles are found."""
        source = """
title = "one"
title: str = "two" if x else "three"
class E:
    title: ClassVar[str] = "four"
Refuse(404, event, "five", "not this")
Refuse(404, event, title="six", detail="not this")
_text(texts, "seven" if x else "eight")
other("no", "no", "no")
"""
        found = set(catalogues.titles(ast.parse(source)))
        self.assertEqual(found, {"one", "two", "three", "four", "five", "six", "seven", "eight"})


class TextTests(SynchronousTestCase):
    """Texts in templates."""

    def test_text(self) -> None:
        """Translated; what has no translation stays, and nothing shows the catalogue's header."""
        danish = Texts("da")
        self.assertEqual(danish.text("Settings"), "Indstillinger")
        self.assertEqual(danish.text("Nobody wrote this"), "Nobody wrote this")
        self.assertEqual(danish.text(""), "")

    def test_fill(self) -> None:
        """A text stands in its place as text, also in an attribute; open places stay open."""
        filled = Texts("es").fill('<a title="{{Home}}">{{<b> & "q" \'a\' $x}}</a> $y {z} {{}}')
        wanted = '<a title="Inicio">&lt;b&gt; &amp; &quot;q&quot; &#x27;a&#x27; $x</a> $y {z} {{}}'
        self.assertEqual(filled, wanted)

    def test_all(self) -> None:
        """By language."""
        self.assertEqual(set(all_texts()), set(LANGUAGES))

    def test_missing(self) -> None:
        """A gateway that was built without says so at its start."""
        self.assertRaises(FileNotFoundError, Texts, "xx")
