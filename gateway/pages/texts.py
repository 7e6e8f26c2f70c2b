"""The texts of pages, from gettext catalogues.

A text is named by its English wording.  ``make texts`` brings the catalogues up to
date with the texts in use; at run time the standard library reads them.
"""

from __future__ import annotations

import gettext
import html
import re
from importlib import resources

from gateway.pages.languages import LANGUAGES

TEXT = re.compile(r"\{\{(.+?)\}\}")
"""How a template holds a text; what looks like ``$name`` in it is filled in later."""


class Texts:
    """The texts in one language; what has no translation stays as it is."""

    def __init__(self, language: str) -> None:
        """Read the catalogue; raises ``FileNotFoundError`` if there is none."""
        folder = resources.files("gateway.pages") / "locale" / language / "LC_MESSAGES"
        with (folder / "gateway.mo").open("rb") as file:
            self._catalogue = gettext.GNUTranslations(file)

    def text(self, message: str) -> str:
        """One text."""
        # The empty one names the catalogue's own header.
        return self._catalogue.gettext(message) if message else ""

    def fill(self, template: str) -> str:
        """A template of HTML with its texts, as text, in their places."""
        return TEXT.sub(lambda found: html.escape(self.text(found.group(1))), template)


def all_texts() -> dict[str, Texts]:
    """The texts by language."""
    return {language: Texts(language) for language in LANGUAGES}
