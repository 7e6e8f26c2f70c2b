"""Reviewed sites: how they are searched and ordered, and what they open."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import Origin
from gateway.policy.catalogue import MAX_QUERY, Catalogue, CatalogueSite, find, fold
from gateway.policy.destinations import Settings
from gateway.policy.engine import Ask, Question, decide


def site(title: str, host: str, category: str = "News", **more: object) -> CatalogueSite:
    """One entry."""
    origin = Origin("https", host, 443)
    return CatalogueSite(title, f"{origin}/", origin, category, **more)  # type: ignore[arg-type]


SITES = (
    site("The Daily", "daily.example", description="News of the day", languages=("en",)),
    site("Ærø Avis", "aeroe.example", description="Nyt fra øen", languages=("da",)),
    site("El País", "pais.example", description="Noticias", languages=("es-ES",)),
    site("أخبار", "akhbar.example", description="أَخْبَار اليوم", languages=("ar",)),
    site("Maps", "maps.example", "Tools", description="Also for El Dorado"),
    site("Two tongues", "two.example", "Tools", languages=("da", "EN-gb")),
)
ALL = Catalogue(SITES)


def titles(query: str = "", category: str = "", languages: tuple[str, ...] = ()) -> list[str]:
    """What is found, in its order."""
    return [one.title for one in find(ALL, query, category, languages)]


class FindTests(SynchronousTestCase):
    """Search and order."""

    def test_search(self) -> None:
        """Case and accents do not count, every word does, wherever it stands."""
        table = [
            ("daily", ["The Daily"]),
            ("DAÍLY news", ["The Daily"]),
            ("pais", ["El País"]),
            ("PAÍS", ["El País"]),
            ("aero", ["Ærø Avis"]),
            ("ÆRØ", ["Ærø Avis"]),
            ("oen", ["Ærø Avis"]),
            ("اخبار", ["أخبار"]),
            ("maps.example", ["Maps"]),
            ("tools", ["Maps", "Two tongues"]),
            ("daily nothing", []),
            ("  ", [one.title for one in SITES]),
            ("...", []),
            ("x" * 500, []),
            # A word of a title tells more than one of a description.
            ("el", ["El País", "Maps"]),
        ]
        for query, wanted in table:
            self.assertEqual(titles(query, languages=()), wanted, query)

    def test_long_queries(self) -> None:
        """What is too much of one does not count."""
        self.assertEqual(titles("daily".ljust(MAX_QUERY) + "nothing"), ["The Daily"])

    def test_category(self) -> None:
        """One category, or all in the order of the file."""
        self.assertEqual(titles(category="Tools"), ["Maps", "Two tongues"])
        self.assertEqual(titles("daily", "Tools"), [])
        self.assertEqual(ALL.categories, ("News", "Tools"))

    def test_languages(self) -> None:
        """The person's come first, by their order; then what is for all; then the rest."""
        wanted = ["Ærø Avis", "Two tongues", "El País", "Maps", "The Daily", "أخبار"]
        self.assertEqual(titles(languages=("da", "es-mx")), wanted)
        self.assertEqual(titles(languages=("ar-eg",))[:2], ["أخبار", "Maps"])
        self.assertEqual(titles(languages=("xx",))[0], "Maps")

    @given(st.text(max_size=200), st.lists(st.text(max_size=8), max_size=4))
    def test_anything(self, query: str, languages: list[str]) -> None:
        """No query raises, and what is found is of the catalogue, once."""
        found = find(ALL, query, "", languages)
        self.assertEqual(len(set(found)), len(found))
        self.assertLessEqual(set(found), set(SITES))

    @given(st.text(max_size=30))
    def test_folding(self, text: str) -> None:
        """Folding twice changes nothing more, so both sides of a comparison agree."""
        self.assertEqual(fold(fold(text)), fold(text))
        self.assertEqual(fold(text.casefold()), fold(text))


class RuleTests(SynchronousTestCase):
    """What a curated gateway shows."""

    def test_rules(self) -> None:
        """The sites' origins and what belongs to them, nothing else; a rule names its entry."""
        also = (Origin("https", "cdn.example", 8443), Origin("https", "one.example", 443))
        one = site("One", "one.example", also=also, where="sites.toml:3")
        rules = Catalogue((one,), only=True).rules()
        self.assertEqual(len(rules), 2)
        policy = Settings(navigation=rules)
        table = [
            ("one.example", 443, True),
            ("one.example", 8443, False),
            ("cdn.example", 8443, True),
            ("cdn.example", 443, False),
            ("www.one.example", 443, False),
            ("other.example", 443, False),
        ]
        for host, port, wanted in table:
            decision = decide(Question(Origin("https", host, port), "/any"), policy)
            self.assertEqual(decision.allowed, wanted, host)
            if wanted:
                self.assertIn("sites.toml:3 (catalogue: One)", decision.rule)
        intent = decide(Question.intent("https://one.example/"), policy)
        self.assertFalse(intent.allowed)
        self.assertEqual(Ask.INTENT.value, "intent")
