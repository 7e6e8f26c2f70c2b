"""Our parameters in URLs: put in, taken out, and nobody else's touched."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.rewrite.parameters import parameter, strip_own_parameters, with_parameter

TOKEN, DIGEST = wire.TOKEN_PARAMETER, wire.INTEGRITY_PARAMETER
TARGETS = st.lists(
    st.sampled_from(["/", "x", "?", "&", "=", "#", "__gw", "__gwi", "__gwi=", "__gw=", "%", "a=b"]),
    max_size=12,
).map("".join)


class ParameterTests(SynchronousTestCase):
    """Tables and round trips."""

    def test_with_parameter(self) -> None:
        """Behind what is there, before the fragment."""
        table = {
            "": f"?{DIGEST}=1",
            "x": f"x?{DIGEST}=1",
            "x?": f"x?&{DIGEST}=1",
            "x?a=b": f"x?a=b&{DIGEST}=1",
            "x#y": f"x?{DIGEST}=1#y",
            "x?a#y?z": f"x?a&{DIGEST}=1#y?z",
            "https://a.b": f"https://a.b?{DIGEST}=1",
            "x#": f"x?{DIGEST}=1#",
        }
        for url, wanted in table.items():
            self.assertEqual(with_parameter(url, DIGEST, "1"), wanted, url)

    def test_strip(self) -> None:
        """Ours go wherever they stand; lookalikes stay."""
        table = {
            f"/x?{TOKEN}=1": "/x",
            f"/x?{DIGEST}=sha256-a+/=": "/x",
            f"/x?{TOKEN}=1&{DIGEST}=2": "/x",
            f"/x?a&{TOKEN}=1&b=c": "/x?a&b=c",
            f"/x?{TOKEN}=1&a": "/x?a",
            f"/x?a=1&{DIGEST}=2#{TOKEN}=1": f"/x?a=1#{TOKEN}=1",
            f"/x#?{TOKEN}=1": f"/x#?{TOKEN}=1",
            f"/x?{TOKEN}": f"/x?{TOKEN}",
            f"/x?{TOKEN}x=1": f"/x?{TOKEN}x=1",
            f"/x?x{TOKEN}=1": f"/x?x{TOKEN}=1",
            f"/x?a?{TOKEN}=1": f"/x?a?{TOKEN}=1",
            f"/x?{wire.ORIGIN_PARAMETER}=1": f"/x?{wire.ORIGIN_PARAMETER}=1",
            "/x?": "/x?",
            "/x?&&": "/x?&&",
            "/x": "/x",
            "": "",
            f"/{TOKEN}=1": f"/{TOKEN}=1",
        }
        for url, wanted in table.items():
            self.assertEqual(strip_own_parameters(url), wanted, url)

    def test_parameter(self) -> None:
        """The last one counts, for it is the one that was appended."""
        table = {
            f"/x?{DIGEST}=1": "1",
            f"/x?{DIGEST}=1&{DIGEST}=2": "2",
            f"/x?{DIGEST}=": "",
            f"/x?a&{DIGEST}=sha256-a+/=#y": "sha256-a+/=",
            f"/x#?{DIGEST}=1": None,
            f"/x?{DIGEST}": None,
            f"/x?{DIGEST}x=1": None,
            "/x": None,
            "": None,
        }
        for target, wanted in table.items():
            self.assertEqual(parameter(target, DIGEST), wanted, target)

    @settings(deadline=None)
    @given(
        TARGETS,
        st.sampled_from([TOKEN, DIGEST, wire.PROOF_PARAMETER]),
        st.sampled_from(["1", "sha256-a+/=", ""]),
    )
    def test_round_trip(self, url: str, name: str, value: str) -> None:
        """What was put in is read, and taken out again without a trace on what is no query."""
        url = strip_own_parameters(url)
        added = with_parameter(url, name, value)
        self.assertEqual(parameter(added, name), value)
        stripped = strip_own_parameters(added)
        self.assertEqual(stripped, url, added)
        self.assertEqual(strip_own_parameters(stripped), stripped)
