"""The catalogue on the portal: what is shown of it, how it is escaped, and how much it weighs."""

from __future__ import annotations

import re

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.exchange.messages import Page
from gateway.ops import schema
from gateway.ops.config_catalogue import read_catalogue
from gateway.origins import Codec, Origin
from gateway.pages.languages import LANGUAGES
from gateway.pages.portal import SHOWN, Asked, section
from gateway.pages.render import Pages, Rendered
from gateway.pages.texts import Texts
from gateway.policy.catalogue import Catalogue, CatalogueSite, Icon
from tests.ops import ROOT

NASTY = "<b>&\"'$title{{Home}}"
CODEC = Codec("gw.test", 8443)
SVG = Icon("site-0.svg", "image/svg+xml", b"<svg/>")


def site(number: int, category: str = "News", **more: object) -> CatalogueSite:
    """One entry."""
    origin = Origin("https", f"n{number}.example", 443)
    return CatalogueSite(f"Site {number}", f"{origin}/", origin, category, **more)  # type: ignore[arg-type]


def shown(catalogue: Catalogue, asked: Asked | None = None, *languages: str) -> str:
    """The catalogue's part of the page, in English."""
    return section(catalogue, asked or Asked(), languages, Texts("en"), "https://gw.test/open")


def text_of(page: Rendered) -> str:
    """A page's text."""
    return page.body.decode("utf-8")


MANY = Catalogue(tuple(site(n, "News" if n % 2 else "Tools") for n in range(2 * SHOWN + 5)))


class SectionTests(SynchronousTestCase):
    """The list."""

    def test_empty(self) -> None:
        """Without sites there is nothing of it."""
        self.assertEqual(shown(Catalogue()), "")

    def test_escaping(self) -> None:
        """Whatever a file says is text."""
        odd = attrs.evolve(
            site(1, NASTY, description=NASTY, languages=("en",), icon=SVG), title=NASTY
        )
        text = shown(Catalogue((odd, site(2))), Asked(NASTY, "News"))
        self.assertNotIn("<b>&", text)
        self.assertIn("&lt;b&gt;&amp;&quot;&#x27;$title{{Home}}", text)
        pages = Pages(CODEC, catalogue=Catalogue((odd, site(2))))
        page = text_of(pages.page(Page.PORTAL, "en", Asked(NASTY)))
        self.assertIn('value="&lt;b&gt;&amp;&quot;&#x27;$title{{Home}}"', page)

    def test_links(self) -> None:
        """Each leads through the portal's own way in."""
        text = shown(Catalogue((attrs.evolve(site(1), url="https://n1.example/?a=1&b=2"),)))
        self.assertIn(
            'href="https://gw.test/open?url=https%3A%2F%2Fn1.example%2F%3Fa%3D1%26b%3D2"', text
        )

    def test_pages_of_it(self) -> None:
        """So many at once, with a way to the rest."""
        seen: list[str] = []
        for start in (0, SHOWN, 2 * SHOWN):
            text = shown(MANY, Asked(start=start))
            found = re.findall(r"<b><bdi>([^<]+)</bdi></b>", text)
            seen += found
            more = f"n={start + SHOWN}#sites" in text
            self.assertEqual(more, start < 2 * SHOWN)
            self.assertEqual(len(found), min(SHOWN, len(MANY.sites) - start))
        self.assertEqual(sorted(seen), sorted(one.title for one in MANY.sites))
        self.assertEqual(shown(MANY, Asked(start=9999)), shown(MANY))

    def test_categories(self) -> None:
        """Where one is; a single one is no choice, and one that is none shows all."""
        text = shown(MANY, Asked(category="Tools"))
        self.assertIn('<a href="/?c=Tools#sites" aria-current="page"', text)
        self.assertNotIn(">Site 1<", text)
        self.assertIn('name="c" value="Tools"', text)
        self.assertIn('<a href="/#sites" aria-current="page"', shown(MANY))
        self.assertNotIn("<nav", shown(Catalogue((site(1),))))
        self.assertEqual(shown(MANY, Asked(category="None")), shown(MANY))

    def test_search(self) -> None:
        """What was found is counted, and nothing says so."""
        self.assertIn('<p id="found">Sites found: 4</p>', shown(MANY, Asked("site 7")))
        text = shown(MANY, Asked("nothing"))
        self.assertIn('<p id="found">No site was found.', text)
        self.assertIn('value="nothing"', text)

    def test_languages(self) -> None:
        """The person's first; a title is read out in its language."""
        both = Catalogue((site(1, languages=("en",)), site(2, languages=("ar",))))
        text = shown(both, None, "ar")
        self.assertLess(text.index("Site 2"), text.index("Site 1"))
        self.assertIn('<li lang="ar">', text)


class PortalTests(SynchronousTestCase):
    """The whole page."""

    def setUp(self) -> None:
        """The sample."""
        values = {"file": str(ROOT / "etc" / "catalogue.toml"), "only": False}
        self.catalogue = read_catalogue(values, schema.Reader("", ""))

    def test_weight(self) -> None:
        """Small in all, icons and style included, with as many sites as are shown at once."""
        (first, *_) = self.catalogue.sites
        many = tuple(
            attrs.evolve(
                first, title=f"{first.title} {n}", url=f"{first.url}{n}", description="x" * 60
            )
            for n in range(100)
        )
        for catalogue in (self.catalogue, Catalogue(many)):
            pages = Pages(CODEC, catalogue=catalogue)
            for language in LANGUAGES:
                page = pages.page(Page.PORTAL, language, Asked(), (language,))
                paths = set(re.findall(wire.ASSET_PATH + r'([^"]+)', text_of(page)))
                found = [pages.asset(path) for path in paths]
                size = len(page.body) + sum(len(one.body) for one in found if one is not None)
                self.assertNotIn(None, found)
                self.assertLess(size, 30 * 1024, language)

    def test_only(self) -> None:
        """A curated gateway asks nobody for an address: not the portal, not the outer frame."""
        for only in (False, True):
            pages = Pages(CODEC, catalogue=attrs.evolve(self.catalogue, only=only))
            portal = text_of(pages.page(Page.PORTAL, "en", Asked()))
            self.assertEqual('name="url"' in portal, not only)
            self.assertIn('name="q"', portal)
            outer = text_of(pages.page(Page.OUTER))
            self.assertEqual('id="url"' in outer, not only)
            self.assertEqual('placeholder="example.com" hidden>' in outer, only)
            self.assertNotIn("<!--", portal + outer)

    def test_what_is_kept(self) -> None:
        """A search is answered to its person alone; the first page is nobody's in particular."""
        pages = Pages(CODEC, catalogue=self.catalogue)
        searched = dict(pages.page(Page.PORTAL, "en", Asked("who")).fields)
        self.assertEqual(searched[b"Cache-Control"], b"no-store")
        plain = dict(pages.page(Page.PORTAL, "en", Asked()).fields)
        self.assertEqual(plain[b"Cache-Control"], b"no-cache")
        self.assertNotIn("who", repr(Asked("who")))

    def test_icons(self) -> None:
        """Served with a policy that makes nothing of them but an image."""
        pages = Pages(CODEC, catalogue=Catalogue((site(1, icon=SVG),)))
        asset = pages.asset(SVG.name)
        assert asset is not None
        fields = dict(asset.fields)
        self.assertEqual(fields[b"Content-Type"], b"image/svg+xml")
        self.assertEqual(fields[b"X-Content-Type-Options"], b"nosniff")
        policy = fields[b"Content-Security-Policy"]
        self.assertIn(b"sandbox", policy)
        self.assertNotIn(b"script", policy)

    def test_another(self) -> None:
        """A catalogue takes the place of the one before it at once; old icons are still there."""
        pages = Pages(CODEC, catalogue=Catalogue((site(1, icon=SVG),)))
        pages.use(Catalogue((site(2),), only=True))
        text = text_of(pages.page(Page.PORTAL, "en", Asked()))
        self.assertNotIn("Site 1", text)
        self.assertIn("Site 2", text)
        self.assertNotIn('name="url"', text)
        self.assertIsNotNone(pages.asset(SVG.name))
        pages.use(Catalogue())
        self.assertEqual(text_of(pages.page(Page.PORTAL)), text_of(Pages(CODEC).page(Page.PORTAL)))
