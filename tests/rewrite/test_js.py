"""A script edited: in any encoding, its imports mapped, nothing else touched."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import Codec
from gateway.rewrite import js, jstokens
from gateway.rewrite.urls import UrlMap

MAP = UrlMap(Codec("gw.test"), "https://page.example/d/").url
TO = "https://https-b-test.0.gw.test"


class SpecifierTests(SynchronousTestCase):
    """Where modules come from."""

    def test_cases(self) -> None:
        """Absolute URLs are mapped; names, paths and odd spellings stay."""
        for given, wanted in {
            "https://b.test/x.js": f"{TO}/x.js",
            "//b.test/x.js": "//https-b-test.0.gw.test/x.js",
            "https://b.test/it's": f"{TO}/it%27s",
            "./x.js": "./x.js", "/x.js": "/x.js", "react": "react", "@a/b": "@a/b", "node:fs": "node:fs",
            "data:text/javascript,1": "data:text/javascript,1", "": "",
            r"https://b.test\x2f": r"https://b.test\x2f",
        }.items():  # fmt: skip
            script = f'import a from "{given}";'.encode()
            self.assertEqual(js.edit(script, MAP), f'import a from "{wanted}";'.encode())


class EncodingTests(SynchronousTestCase):
    """``edit_encoded``."""

    def test_cases(self) -> None:
        """What is not ASCII stays to the octet."""
        for codec in ("utf-8", "shift_jis", "windows-1252", "euc-kr", "gbk"):
            text = {"windows-1252": "é ÿ", "euc-kr": "한글", "utf-8": "é한"}.get(codec, "表 能")
            script = f'a = "{text}"; location = "{text}"'.encode(codec)
            wanted = f'a = "{text}"; __gw_location = "{text}"'.encode(codec)
            self.assertEqual(js.edit_encoded(script, codec, MAP), wanted, codec)

    def test_white_space_of_other_encodings(self) -> None:
        """A no-break space ends a name in any of them."""
        self.assertEqual(
            js.edit_encoded(b"location\xa0=1", "windows-1252", MAP), b"__gw_location\xa0=1"
        )

    def test_not_that_encoding(self) -> None:
        """What cannot be read so, or would not come back the same, is lost."""
        self.assertIsNone(js.edit_encoded(b'"\xff\xff"; location', "shift_jis", MAP))
        self.assertIsNone(js.edit_encoded(b'"\xff"; location', "no-such-codec", MAP))

    def test_nothing_to_do(self) -> None:
        """The same object, so that callers can tell."""
        for script in (b"a = b", b"x.domain", '"é"'.encode()):
            self.assertIs(js.edit_encoded(script, "utf-8", MAP), script)


class RoleTests(SynchronousTestCase):
    """Every role has its text."""

    def test_all(self) -> None:
        """But for specifiers, which are mapped."""
        roles = {
            role + more
            for role in (jstokens.LOCATION, jstokens.TOP, jstokens.PARENT)
            for more in (
                0,
                jstokens.SHORTHAND,
                jstokens.IMPORTED,
                jstokens.EXPORTED,
                jstokens.DECLARED,
            )
        }
        roles |= {jstokens.DOMAIN, jstokens.IMPORT_OPEN, jstokens.EVAL_OPEN, jstokens.CLOSE}
        roles |= {jstokens.META, jstokens.META_NEW}
        self.assertLessEqual(roles, set(js.REPLACEMENTS))
