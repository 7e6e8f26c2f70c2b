"""``[catalogue]``: every fault of the file and its icons is told, and what is dangerous warns."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import ConfigurationError
from gateway.ops import schema
from gateway.ops.config import parse_config
from gateway.ops.config_catalogue import (
    CATALOGUE,
    MAX_FILE,
    MAX_ICON,
    MAX_SITES,
    catalogue_policy,
    read_catalogue,
)
from gateway.origins import Origin
from gateway.policy.catalogue import Catalogue
from gateway.policy.destinations import NavigationRule, Settings
from gateway.policy.engine import Question, decide
from gateway.policy.patterns import parse_pattern
from tests.ops import ROOT, Setup, temporary

SITE = '[[site]]\ntitle = "One"\nurl = "https://one.example/"\ncategory = "News"\n'
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>'
PNG = b"\x89PNG\r\n\x1a\n" + zlib.crc32(b"").to_bytes(4, "big")


class ReadTests(SynchronousTestCase):
    """A file and its icons."""

    def setUp(self) -> None:
        """A folder."""
        self.folder = temporary(self)
        self.reader = schema.Reader("gateway.toml", "")

    def _read(self, text: str | bytes | None, **given: Any) -> Catalogue:
        path = self.folder / "sites.toml"
        if text is not None:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        values = self.reader.table(CATALOGUE, {"file": str(path), **given})
        return read_catalogue(values, self.reader)

    def test_none(self) -> None:
        """Without a file there is no catalogue, and nothing to be limited to."""
        self.assertEqual(read_catalogue({"file": None, "only": False}, self.reader), Catalogue())
        self.assertEqual(self.reader.faults, [])
        read_catalogue({"file": None, "only": True}, self.reader)
        self.assertIn("catalogue.only", self.reader.faults[0])

    def test_whole(self) -> None:
        """All keys, read."""
        (self.folder / "a.svg").write_bytes(SVG)
        more = (
            'description = " All of it "\nlanguages = ["en", "pt-BR"]\nicon = "a.svg"\n'
            'also = ["https://m.one.example"]\n'
        )
        catalogue = self._read(f"# sites\n{SITE}{more}", only=True)
        self.assertEqual(self.reader.faults, [])
        (site,) = catalogue.sites
        self.assertTrue(catalogue.only)
        self.assertEqual((site.title, site.url), ("One", "https://one.example/"))
        self.assertEqual((str(site.origin), *map(str, site.also)),
                         ("https://one.example", "https://m.one.example"))  # fmt: skip
        self.assertEqual((site.description, site.languages), ("All of it", ("en", "pt-BR")))
        self.assertEqual(site.where, f"{self.folder}/sites.toml:2")
        assert site.icon is not None
        self.assertEqual((site.icon.kind, site.icon.octets), ("image/svg+xml", SVG))
        self.assertRegex(site.icon.name, r"\Asite-[0-9a-f]{16}\.svg\Z")

    def test_faults(self) -> None:
        """Each is told with the file, the place, what was found and what is expected."""
        (self.folder / "text.png").write_text("no image")
        (self.folder / "big.png").write_bytes(PNG + bytes(MAX_ICON))
        (self.folder / "a.gif").write_bytes(b"GIF89a")
        for name, text in (
            ("script.svg", b"<svg><script>1</script></svg>"),
            ("event.svg", b"<svg onload='x()'></svg>"),
            ("entity.svg", b"<svg><!ENTITY x 'y'></svg>"),
        ):
            (self.folder / name).write_bytes(text)
        (self.folder.parent / "gateway-outside.svg").write_bytes(SVG)
        self.addCleanup((self.folder.parent / "gateway-outside.svg").unlink)
        table = [
            ("no toml", "expected a TOML file"),
            (b"\xff", "expected a TOML file"),
            (b"#" * (MAX_FILE + 1), "more than"),
            ("", "site: missing"),
            ("[[sites]]\n", 'did you mean "site"?'),
            ("site = 1\n", "expected [[site]] tables"),
            (SITE * 2, "there twice"),
            (SITE + "titel = 1\n", 'did you mean "title"?'),
            (SITE.replace('"One"', '""'), "site[1].title"),
            (SITE.replace('"One"', '"a\\nb"'), "one line of text"),
            (SITE.replace("One", "x" * 61), "1 to 60"),
            (SITE.replace("News", "x" * 41), "1 to 40"),
            (SITE.replace("https://one.example/", "one.example"), "a web address"),
            (SITE.replace("https://one.example/", "ftp://one.example/"), "a web address"),
            (SITE.replace("https://one", "https://user@one"), "a web address"),
            (SITE.replace('url = "https://one.example/"\n', ""), "site[1].url: missing"),
            (SITE + 'languages = ["english language"]\n', "a language tag"),
            (SITE + 'languages = "en"\n', "an array"),
            (SITE + 'also = ["https://x.example/path"]\n', "an origin"),
            (SITE + 'icon = "none.png"\n', "site[1].icon"),
            (SITE + 'icon = "text.png"\n', "expected it to hold image/png"),
            (SITE + 'icon = "big.png"\n', "more than 8192 octets"),
            (SITE + 'icon = "a.gif"\n', ".png, .svg, .webp or .ico"),
            (SITE + 'icon = "script.svg"\n', "an SVG without script"),
            (SITE + 'icon = "event.svg"\n', "an SVG without script"),
            (SITE + 'icon = "entity.svg"\n', "an SVG without script"),
            (SITE + 'icon = "../gateway-outside.svg"\n', "below the catalogue's folder"),
            (SITE + 'icon = "/etc/passwd"\n', "below the catalogue's folder"),
            (SITE + 'icon = "a\\u0000.png"\n', "site[1].icon"),
            ("".join(SITE.replace("one.", f"n{n}.") for n in range(MAX_SITES + 1)), "at most 1000"),
        ]
        for text, wanted in table:
            self.reader.faults.clear()
            self._read(text)
            self.assertEqual(len(self.reader.faults), 1, (text[:99], self.reader.faults))
            self.assertIn(wanted, self.reader.faults[0])
            self.assertNotIn("\n", self.reader.faults[0])
        self.reader.faults.clear()
        (self.folder / "sites.toml").unlink()
        self._read(None)
        self.assertIn("catalogue.file", self.reader.faults[0])

    def test_comments(self) -> None:
        """Before an SVG's element stands what may, and what stands there takes no time."""
        (self.folder / "a.svg").write_bytes(
            b' <?xml version="1.0"?>\n<!-- one > two --> <!----><!-- - -->\n' + SVG
        )
        self._read(SITE + 'icon = "a.svg"\n')
        self.assertEqual(self.reader.faults, [])
        for octets in (b"<!---->" * 1000, b"<!-- -->\n" * 900 + b"<!--", b" " * 8000):
            self.reader.faults.clear()
            (self.folder / "a.svg").write_bytes(octets + b"<sv")
            self._read(SITE + 'icon = "a.svg"\n')
            self.assertIn("expected it to hold image/svg+xml", self.reader.faults[0])

    def test_sample(self) -> None:
        """The one that is shipped is fine and light."""
        values = {"file": str(ROOT / "etc" / "catalogue.toml"), "only": True}
        catalogue = read_catalogue(values, self.reader)
        self.assertEqual(self.reader.faults, [])
        self.assertEqual(len(catalogue.sites), 3)
        self.assertEqual(catalogue_policy(catalogue, Settings())[1], [])


class ConfigTests(SynchronousTestCase):
    """Within a whole configuration."""

    def test_in_force(self) -> None:
        """The explanation of a curated gateway's decision names the entry's file and line."""
        setup = Setup(temporary(self))
        name = setup.folder / "sites.toml"
        name.write_text(f"# reviewed\n\n{SITE}")
        setup.extra = f'[catalogue]\nfile = "{name}"\nonly = true\n[[allow-navigation]]\nhref = "*"'
        config = parse_config(setup.text, "gateway.toml")
        self.assertEqual([one.title for one in config.catalogue.sites], ["One"])
        decision = decide(Question(Origin("https", "one.example", 443)), config.policy)
        self.assertEqual(
            decision.rule, f"allow-navigation 'https://one.example' {name}:3 (catalogue: One)"
        )
        other = decide(Question(Origin("https", "other.example", 443)), config.policy)
        self.assertFalse(other.allowed)
        self.assertTrue(any("do not count" in line for line in config.warnings))

    def test_faults(self) -> None:
        """They stand beside those of the configuration, each under its own file's name."""
        setup = Setup(temporary(self))
        name = setup.folder / "sites.toml"
        name.write_text(SITE.replace("News", ""))
        setup.extra = f'[catalogue]\nfile = "{name}"\nonlie = true'
        with self.assertRaises(ConfigurationError) as caught:
            parse_config(setup.text, "gateway.toml")
        faults = sorted(caught.exception.faults)
        self.assertEqual(len(faults), 2)
        self.assertTrue(any(f"{name}: site[1].category: found" in one for one in faults))
        self.assertTrue(any('did you mean "only"?' in one for one in faults))


class PolicyTests(SynchronousTestCase):
    """What a catalogue does to the policy."""

    def setUp(self) -> None:
        """One site, and the rules of a configuration."""
        folder = temporary(self)
        (folder / "a.png").write_bytes(PNG + bytes(MAX_ICON - len(PNG)))
        text = "".join(SITE.replace("one.", f"n{n}.") + 'icon = "a.png"\n' for n in range(3))
        Path(folder / "sites.toml").write_text(text)
        self.name = str(folder / "sites.toml")
        self.policy = Settings(navigation=(NavigationRule(parse_pattern("https://n0.example")),))

    def _read(self, *, only: bool) -> Catalogue:
        return read_catalogue({"file": self.name, "only": only}, schema.Reader("g", ""))

    def test_beside_rules(self) -> None:
        """It opens nothing by itself; what is shown and not open warns, heavy icons too."""
        policy, warnings = catalogue_policy(self._read(only=False), self.policy)
        self.assertEqual(policy, self.policy)
        closed = [line for line in warnings if "cannot be opened" in line]
        self.assertEqual(len(closed), 2)
        self.assertIn(f"{self.name}:6: One cannot be opened", closed[0])
        self.assertIn("slow on 2G", warnings[-1])

    def test_only(self) -> None:
        """Its origins are all the rules that there are."""
        catalogue = self._read(only=True)
        policy, warnings = catalogue_policy(catalogue, self.policy)
        self.assertEqual(policy.navigation, catalogue.rules())
        self.assertEqual(len(policy.navigation), 3)
        self.assertIn("do not count", warnings[0])
        self.assertEqual(policy.access, self.policy.access)
