"""Which language a reader is given."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.pages.languages import DEFAULT, LANGUAGES, direction, language_of, languages_of

_WEIGHTS = ("", ";q=1", ";q=1.000", ";q=0.9", ";q=0.5", ";q=0.001", ";q=0", "; q=0.000")


class LanguageTests(SynchronousTestCase):
    """Accept-Language to a language."""

    def test_table(self) -> None:
        """Weights first, then order; subtags fall off; what is none of ours is passed over."""
        for field, wanted in {
            None: "en", "": "en", ",": "en", "*": "en", "en-US,en;q=0.9": "en",
            "da": "da", "DA": "da", "da-DK": "da", "da_DK": "en", "es-419": "es", "ar-EG": "ar",
            "es-Latn-MX-x-private": "es", "ar-x-y-z": "ar", "dan": "en", "d": "en", "eses": "en",
            "fr, da": "da", "fr;q=1, da;q=0.1": "da", "nb, sv, de": "en",
            "en;q=0.5, da;q=0.8, es;q=0.3": "da", "en;q=0.5,da;q=0.500": "en", "da, es": "da",
            "es;q=0.001, en;q=0": "es", "da;q=0": "en", "da;q=0, es;q=0.1": "es",
            "da-DK, da;q=0, ar;q=0.2": "ar", "*, da;q=0.5": "da", "da;q=0.1, *;q=0.5": "da",
            " da ; q=0.9 , es ": "es", "da;Q=0.9": "da", "da\t;\tq=1": "da",
            # No ranges or no weights: passed over as a whole.
            "da;q=1.5, es;q=0.2": "es", "da;q=, ar": "ar", "da;q=-1": "en", "da;q=0.1234": "en",
            "da;level=1": "en", "da es": "en", "*-DK, es": "es", "da-, es": "es", "-da": "en",
            "da;q=nan": "en", "da;q=1e0": "en", "\xe9s, ar": "ar", "da\r\nX: y": "en",
        }.items():  # fmt: skip
            self.assertEqual(language_of(field), wanted, field)

    def test_all(self) -> None:
        """All that a reader names, best first, ours or not."""
        for field, wanted in {
            None: (), "": (), "*": (), "th": ("th",), "th-TH, en;q=0.5, da;q=0.8": ("th-th", "da", "en"),
            "da;q=0, es": ("es",), "es, ES;q=0.5": ("es",), "no range, es": ("es",),
        }.items():  # fmt: skip
            self.assertEqual(languages_of(field), wanted, field)

    def test_bounded(self) -> None:
        """Of a long field the beginning counts."""
        self.assertEqual(language_of("fr," * 40 + "da"), "da")
        self.assertEqual(language_of("fr," * 60 + "da"), "en")
        self.assertEqual(language_of(" " * 2000 + "da"), "en")
        self.assertEqual(language_of("da, " + "a-" * 1_000_000), "da")

    @given(st.one_of(st.none(), st.text(), st.text("ad-es*;q=01.,\t ")))
    def test_any(self, field: str | None) -> None:
        """Always one that there is."""
        self.assertIn(language_of(field), LANGUAGES)

    @given(st.lists(st.tuples(st.sampled_from((*LANGUAGES, "fr")), st.sampled_from(_WEIGHTS))))
    def test_heaviest(self, ranges: list[tuple[str, str]]) -> None:
        """No language of ours weighs more than the one that is given."""
        field = ", ".join(name + weight for name, weight in ranges)
        weights = [(name, float(weight.partition("=")[2] or 1)) for name, weight in ranges]
        refused = {name for name, weight in weights if not weight}
        ours = [one for one in weights if one[0] in LANGUAGES and one[0] not in refused]
        wanted = max(ours, key=lambda one: one[1])[0] if ours else DEFAULT
        self.assertEqual(language_of(field), wanted, field)

    def test_direction(self) -> None:
        """Arabic is written from right to left."""
        written = {language: direction(language) for language in LANGUAGES}
        self.assertEqual(written, {"en": "ltr", "es": "ltr", "da": "ltr", "ar": "rtl"})
