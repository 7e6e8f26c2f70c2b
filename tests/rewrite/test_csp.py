"""The site's Content-Security-Policy mapped, and the gateway's containment."""

from __future__ import annotations

import base64
import hashlib
import re

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.rewrite.csp import (
    MAX_POLICIES,
    Mapped,
    RuntimeSource,
    basic_policies,
    containment,
    frame_ancestors_for,
    map_policies,
    shown,
)
from gateway.rewrite.csp_grammar import DIRECTIVES
from gateway.rewrite.inject import GUARD, REVEAL, guard_markup
from gateway.rewrite.media import Kind
from gateway.rewrite.reporting import Reporting
from tests.rewrite import SECURE, SUFFIX, WILDCARD, codec, origin

RUNTIME = RuntimeSource(
    "https://page/runtime.js",
    "sha256-abc=",
    "https://page/rare.js",
    "sha256-def=",
    "https://page/.gateway/",
)
GUARDS = [
    f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    for text in (GUARD, REVEAL)
]
URL, HASH = RUNTIME.url, f"'{RUNTIME.digest}'"
A = f"https-a-example{SUFFIX}"
PLAIN_A = f"http-a-example{SUFFIX}"


def _map(
    *values: str, page: str = "https://page.example/", runtime: RuntimeSource | None = None
) -> Mapped:
    return map_policies(values, origin(page), codec(), runtime)


def _one(text: str, page: str = "https://page.example/") -> str:
    (policy,) = _map(text, page=page).policies
    return policy


def _with_runtime(text: str) -> dict[str, list[str]]:
    (policy,) = _map(text, runtime=RUNTIME).policies
    return {part.split()[0]: part.split()[1:] for part in policy.split(";")}


class SourceTests(SynchronousTestCase):
    """One source expression of a fetch directive."""

    def test_host_sources(self) -> None:
        """Scheme, port and path say which collapsed hosts a source stands for."""
        table = {
            "https://a.example": f"https://{A}",
            "HTTPS://A.Example": f"https://{A}",
            "https://a.example:443": f"https://{A}",
            "https://a.example:8443": f"https://https8443-a-example{SUFFIX}",
            "https://a.example/js/": f"https://{A}/js/",
            "https://a.example/js/x.js": f"https://{A}/js/x.js",
            "a.example": f"https://{A} wss://{A}",
            "a.example:8443/p": (
                f"https://https8443-a-example{SUFFIX}/p wss://https8443-a-example{SUFFIX}/p"
            ),
            "http://a.example": f"https://{PLAIN_A} https://{A}",
            "wss://a.example": f"https://{A} wss://{A}",
            "ws://a.example": f"https://{PLAIN_A} wss://{PLAIN_A} https://{A} wss://{A}",
            "a-b.example": f"https://https-a--b-example{SUFFIX} wss://https-a--b-example{SUFFIX}",
        }
        for source, wanted in table.items():
            self.assertEqual(_one(f"img-src {source}"), f"img-src {wanted}", source)

    def test_a_source_without_scheme_takes_the_pages(self) -> None:
        """On a plain page it admits the plain host and its upgrade."""
        self.assertEqual(
            _one("img-src a.example", "http://page.example/"),
            f"img-src https://{PLAIN_A} wss://{PLAIN_A} https://{A} wss://{A}",
        )

    def test_wildcards(self) -> None:
        """What a collapsed name cannot say becomes the rewrite wildcard, and no more."""
        both = f"https://{WILDCARD} wss://{WILDCARD}"
        table = {
            "*": both,
            "*.example.com": both,
            "*:*": both,
            "a.example:*": both,
            "https://*": f"https://{WILDCARD}",
            "https://*.example.com": f"https://{WILDCARD}",
            "https://*.example.com:8443/p": f"https://{WILDCARD}",
            "http://*.example.com": f"https://{WILDCARD}",
            "wss://*.example.com": both,
        }
        for source, wanted in table.items():
            self.assertEqual(_one(f"img-src {source}"), f"img-src {wanted}", source)

    def test_kept(self) -> None:
        """Keywords, nonces, hashes and schemes stay as they are."""
        for source in (
            "'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "'strict-dynamic'",
            "'wasm-unsafe-eval'", "'nonce-Ab+/=='", "'sha256-Ab+/='", "'report-sample'",
            "data:", "blob:", "https:", "http:", "filesystem:", "%%",
        ):  # fmt: skip
            self.assertEqual(_one(f"script-src {source}"), f"script-src {source}", source)

    def test_the_socket_scheme_has_its_twin(self) -> None:
        """The fallback for WebSockets needs https wherever a policy says wss."""
        found = _one("connect-src wss:").split()
        self.assertLessEqual({"wss:", "https:"}, set(found))

    def test_ports_of_the_gateway(self) -> None:
        """A gateway on another port says so in every host."""
        mapped = map_policies(
            ["img-src a.example *"], origin("https://p.example"), codec(8443), None
        )
        for word in mapped.policies[0].split()[1:]:
            self.assertTrue(word.endswith(f"{SUFFIX}:8443"), word)

    def test_every_fetch_directive(self) -> None:
        """A host is mapped in each; in others the words stay."""
        for name in (
            "default-src", "script-src", "script-src-elem", "script-src-attr", "style-src",
            "style-src-elem", "style-src-attr", "img-src", "font-src", "connect-src", "media-src",
            "object-src", "frame-src", "child-src", "worker-src", "manifest-src", "base-uri",
            "form-action", "prefetch-src",
        ):  # fmt: skip
            self.assertEqual(_one(f"{name} https://a.example"), f"{name} https://{A}", name)
        for text in ("sandbox allow-scripts", "upgrade-insecure-requests", "trusted-types x"):
            self.assertEqual(_one(text), text)


class PolicyTests(SynchronousTestCase):
    """Whole policies and headers."""

    def test_several(self) -> None:
        """Policies of one header and of several stay apart, in their order."""
        found = _map("img-src 'self', img-src 'none';", "font-src data:", ", ;")
        self.assertEqual(found.policies, ("img-src 'self'", "img-src 'none'", "font-src data:"))

    def test_the_first_directive_counts(self) -> None:
        """A repeated one is ignored, whatever its case."""
        self.assertEqual(_one("IMG-SRC 'self'; img-src *"), "img-src 'self'")

    def test_frame_ancestors(self) -> None:
        """The outer frame may always frame; 'none' leaves it alone."""
        table = {
            "'none'": SECURE,
            "'NONE'": SECURE,
            "'self'": f"'self' {SECURE}",
            "https://a.example": f"https://{A} {SECURE}",
            "*": f"https://{WILDCARD} wss://{WILDCARD} {SECURE}",
            "": SECURE,
        }
        for sources, wanted in table.items():
            found = _map(f"frame-ancestors {sources}")
            self.assertEqual(found, Mapped((f"frame-ancestors {wanted}",), frames=True), sources)
        self.assertFalse(_map("img-src 'none'").frames)
        self.assertTrue(_map("img-src 'none'", "x; frame-ancestors *").frames)

    def test_reports(self) -> None:
        """In markup, where browsers read no report-uri, names alone are mapped."""
        self.assertEqual(
            _one("report-uri https://a.example/r?x /local; report-to group"),
            f"report-uri https://{A}/r?x /local; report-to group",
        )

    def test_reports_led_here(self) -> None:
        """All addresses of a report-uri become one; report-to keeps its name."""
        table = {
            "report-uri https://a.example/r?x /local r2 /local": (
                "report-uri !https://a.example/r?x!https://page.example/local"
                "!https://page.example/dir/r2"
            ),
            "report-to group": "report-to group",
            "report-uri /x; report-to g": "report-to g; report-uri !https://page.example/x",
            "report-uri": "",
            "report-uri http://a.example/": "",
            "report-uri data:x": "",
            "report-uri https://user:pw@a.example/": "",
        }
        for text, wanted in table.items():
            reporting = Reporting(
                origin("https://page.example"),
                "https://page.example/dir/page?q",
                lambda urls: "".join(f"!{url}" for url in urls),
            )
            mapped = map_policies([text], origin("https://page.example"), codec(), None, reporting)
            self.assertEqual("".join(mapped.policies), wanted, text)
            known = reporting.originals.find(wanted)
            self.assertEqual(known, text if wanted else None)

    def test_operators_reports(self) -> None:
        """They always come here, and never to a name of the site's."""
        page = origin("https://page.example")
        reporting = Reporting(
            page, "https://page.example/", lambda urls: "!" + "!".join(urls), always=True
        )
        for text, wanted in (
            ("img-src 'none'", "img-src 'none'; report-uri !"),
            ("img-src x:; report-to site", "img-src x:; report-uri !"),
            ("report-uri https://a.example/", "report-uri !https://a.example/"),
        ):
            self.assertEqual(
                map_policies([text], page, codec(), None, reporting).policies, (wanted,)
            )

    @settings(deadline=None)
    @given(st.lists(st.text("ahtps:/.*'-;, \t8[]", max_size=25), max_size=3))
    def test_any_text(self, values: list[str]) -> None:
        """Whatever a site says: no comma gets into a policy, and mapping never raises."""
        for policy in _map(*values, runtime=RUNTIME).policies:
            self.assertNotIn(",", policy)
            self.assertNotRegex(policy, r"[\r\n]")


class RuntimeTests(SynchronousTestCase):
    """Our script is admitted where it is injected, and only there."""

    def test_the_deciding_directive(self) -> None:
        """The first of script-src-elem, script-src, default-src takes its URL; others stay."""
        table = [
            ("script-src-elem a:; script-src b:; default-src c:", "script-src-elem", "a:"),
            ("script-src b:; default-src c:", "script-src", "b:"),
            ("default-src c:; img-src d:", "script-src", "c:"),
        ]
        for text, name, source in table:
            before, after = _map(text).policies[0], _with_runtime(text)
            self.assertEqual(after[name][:1], [source], text)
            self.assertIn(URL, after[name], text)
            for part in before.split("; "):
                other, *sources = part.split()
                if other != name:
                    self.assertEqual(after[other], sources, text)

    def test_the_rare_part(self) -> None:
        """It is fetched from our own path, and runs inline by its digest where that is needed."""
        rare = f"'{RUNTIME.rare}'"
        for text, inline in (
            ("script-src 'self'", True),
            ("script-src 'nonce-x' 'strict-dynamic'", True),
            ("script-src 'none'", True),
            ("script-src 'nonce-x' 'unsafe-inline'", True),
            ("script-src 'self' 'Unsafe-Inline'", False),
        ):
            self.assertEqual(rare in _with_runtime(text)["script-src"], inline, text)
        for text, sources in (
            ("connect-src 'none'", []),
            ("connect-src 'self'; default-src 'none'", ["'self'"]),
            ("default-src 'self'", ["'self'"]),
            ("default-src 'none'", []),
        ):
            found = _with_runtime(text)
            wanted = [*sources, RUNTIME.own, RUNTIME.rare_url, "blob:"]
            self.assertEqual(found["connect-src"], wanted, text)
        self.assertNotIn("connect-src", _with_runtime("script-src 'self'"))

    def test_the_part_for_sockets(self) -> None:
        """It runs inline by its digest, too, where there is one; a policy of none knows no more."""
        with_it = attrs.evolve(RUNTIME, socket="sha256-ghi=")
        self.assertEqual(RUNTIME.digests, (RUNTIME.digest, RUNTIME.rare))
        self.assertEqual(with_it.digests, (RUNTIME.digest, RUNTIME.rare, "sha256-ghi="))
        for text, inline in (
            ("script-src 'self'", True),
            ("script-src-elem 'nonce-x' 'strict-dynamic'", True),
            ("default-src 'none'", True),
            ("script-src 'nonce-x' 'unsafe-inline'", True),
            ("script-src 'self' 'unsafe-inline'", False),
            ("img-src 'none'", False),
        ):
            for source, wanted in ((with_it, inline), (RUNTIME, False)):
                (policy,) = _map(text, runtime=source).policies
                self.assertEqual("'sha256-ghi='" in policy, wanted, text)
                self.assertNotIn("''", policy)

    def test_none(self) -> None:
        """'none' beside another source means nothing, so it goes; default-src keeps its own."""
        found = _with_runtime("default-src 'none'")
        self.assertEqual(found["default-src"], ["'none'"])
        self.assertNotIn("'none'", found["script-src"])
        self.assertIn(URL, found["script-src"])
        self.assertNotIn("'none'", _with_runtime("script-src 'NONE'")["script-src"])

    def test_not_where_nothing_restricts(self) -> None:
        """A policy that says nothing of scripts is not made to."""
        self.assertEqual(_with_runtime("img-src 'none'"), {"img-src": ["'none'"]})

    def test_strict_dynamic(self) -> None:
        """It makes browsers ignore hosts: the digest is what admits."""
        found = _with_runtime("script-src 'strict-dynamic' 'nonce-x'")
        self.assertIn(HASH, found["script-src"])

    def test_the_guards(self) -> None:
        """Their hashes are added where inline styles are not allowed, and nowhere else."""
        table: list[tuple[str, str, bool]] = [
            ("style-src 'self'", "style-src", True),
            ("style-src 'none'", "style-src", True),
            ("style-src", "style-src", True),
            ("style-src 'unsafe-inline'", "style-src", False),
            ("style-src 'UNSAFE-INLINE' 'self'", "style-src", False),
            # A nonce or hash undoes unsafe-inline, so that one more does no harm.
            ("style-src 'unsafe-inline' 'nonce-x'", "style-src", True),
            ("style-src 'unsafe-inline' 'sha384-x'", "style-src", True),
            ("style-src 'unsafe-inline'; style-src-elem 'self'", "style-src-elem", True),
            ("style-src 'self'; style-src-elem 'unsafe-inline'", "style-src-elem", False),
            ("default-src 'self'", "style-src", True),
            ("default-src 'none'", "style-src", True),
            ("default-src 'self'; style-src 'unsafe-inline'", "style-src", False),
        ]
        for text, directive, added in table:
            found = _with_runtime(text)[directive]
            self.assertEqual([one for one in found if one in GUARDS], GUARDS * added, text)
            if added:
                self.assertNotIn("'none'", found)
        for text in ("img-src 'self'", "style-src-attr 'none'", "default-src 'unsafe-inline'"):
            self.assertNotIn(GUARDS[0], str(_with_runtime(text)), text)
        self.assertNotIn("style-src", _with_runtime("default-src 'unsafe-inline'"))

    def test_the_guards_widen_nothing_else(self) -> None:
        """Neither default-src, nor style attributes, nor the directive that does not decide."""
        found = _with_runtime("default-src 'none'")
        self.assertEqual(found["default-src"], ["'none'"])
        self.assertEqual(found["style-src"], GUARDS)
        found = _with_runtime("style-src 'self'; style-src-elem 'self'; style-src-attr 'none'")
        self.assertEqual((found["style-src"], found["style-src-attr"]), (["'self'"], ["'none'"]))
        self.assertNotIn(GUARDS[0], _one("style-src 'self'"), "there is none to admit")

    def test_the_guards_are_those_of_the_markup(self) -> None:
        """Each style element that goes in has its hash."""
        styles = re.findall(rb"<style>([^<]*)</style>", guard_markup())
        found = [base64.b64encode(hashlib.sha256(one).digest()).decode() for one in styles]
        self.assertEqual([f"'sha256-{one}'" for one in found], GUARDS)
        self.assertIn(styles[0], guard_markup(xml=True))

    def test_inline_stays_allowed(self) -> None:
        """A hash or nonce turns 'unsafe-inline' off (CSP 3, 6.7.3.2): none is added to it."""
        for text in ("script-src 'self' 'unsafe-inline'", "default-src 'self' 'unsafe-inline'"):
            found = _with_runtime(text)["script-src"]
            self.assertIn("'unsafe-inline'", found, text)
            self.assertFalse([one for one in found if one.startswith(("'sha", "'nonce"))], text)
            self.assertIn(URL, found, text)

    def test_without_runtime(self) -> None:
        """Where nothing is injected nothing is admitted."""
        self.assertEqual(_one("script-src 'none'"), "script-src 'none'")


class FrameOptionsTests(SynchronousTestCase):
    """X-Frame-Options, as the HTML standard reads it."""

    def test_table(self) -> None:
        """Nobody but the outer frame, the same origin, or everybody."""
        everyone = [f"https://{WILDCARD}", SECURE]
        same, nobody = ["'self'", SECURE], [SECURE]
        table: list[tuple[list[str], list[str]]] = [
            ([], everyone),
            ([""], everyone),
            (["DENY"], nobody),
            (["deny"], nobody),
            ([" DENY "], nobody),
            (["SAMEORIGIN"], same),
            (["sameorigin", "SameOrigin"], same),
            (["SAMEORIGIN, SAMEORIGIN"], same),
            (["ALLOWALL"], everyone),
            (["ALLOW-FROM https://a.example"], everyone),
            (["junk"], everyone),
            (["SAMEORIGIN, DENY"], nobody),
            (["SAMEORIGIN", "DENY"], nobody),
            (["junk, DENY"], nobody),
            (["DENY, junk"], nobody),
            (["SAMEORIGIN, junk"], nobody),
            (["ALLOWALL", "junk"], nobody),
            (["junk, trash"], everyone),
        ]
        for values, wanted in table:
            self.assertEqual(frame_ancestors_for(values, codec(), has_csp=False), wanted, values)

    def test_frame_ancestors_win(self) -> None:
        """A policy with frame-ancestors makes X-Frame-Options say nothing."""
        found = frame_ancestors_for(["DENY"], codec(), has_csp=True)
        self.assertEqual(found, [f"https://{WILDCARD}", SECURE])


class ContainmentTests(SynchronousTestCase):
    """The gateway's own policy."""

    def test_only_rewrite_hosts(self) -> None:
        """No directive admits a host that is not a rewrite host of this gateway."""
        policy = containment(codec(8443), ["'self'", f"{SECURE}:8443"])
        directives = {part.split()[0]: part.split()[1:] for part in policy.split("; ")}
        self.assertEqual(
            set(directives),
            {
                "default-src",
                "connect-src",
                "frame-src",
                "form-action",
                "base-uri",
                "frame-ancestors",
                "report-uri",
            },
        )
        self.assertEqual(directives.pop("report-uri"), [wire.REPORT_PATH])
        ancestors = directives.pop("frame-ancestors")
        self.assertEqual(ancestors, ["'self'", f"{SECURE}:8443"])
        allowed = {"data:", "blob:", "'unsafe-inline'", "'unsafe-eval'", "'wasm-unsafe-eval'"}
        hosts = {f"https://{WILDCARD}:8443", f"wss://{WILDCARD}:8443"}
        for name, sources in directives.items():
            self.assertIn(f"https://{WILDCARD}:8443", sources, name)
            self.assertLessEqual(set(sources), allowed | hosts, name)
        self.assertIn(f"wss://{WILDCARD}:8443", directives["connect-src"])
        for name in ("form-action", "base-uri"):
            self.assertEqual(directives[name], [f"https://{WILDCARD}:8443"], name)


class TrustedTypesTests(SynchronousTestCase):
    """``trusted-types`` names the policies that may be made; the runtime makes one."""

    def test_the_name(self) -> None:
        """Ours is added where the runtime is, with all else as it was."""
        for text, wanted in (
            ("trusted-types a b", ["a", "b", "gateway"]),
            ("trusted-types", ["gateway"]),
            ("trusted-types 'none'", ["gateway"]),
            ("trusted-types 'NONE'", ["gateway"]),
            ("trusted-types * 'allow-duplicates'", ["*", "'allow-duplicates'", "gateway"]),
        ):
            self.assertEqual(_with_runtime(text)["trusted-types"], wanted, text)
            self.assertEqual(_one(text), text)

    def test_the_demand_stays(self) -> None:
        """What the site demands of its own scripts still holds."""
        found = _with_runtime("require-trusted-types-for 'script'")
        self.assertEqual(found, {"require-trusted-types-for": ["'script'"]})


class FloodTests(SynchronousTestCase):
    """What a hostile policy may cost."""

    def test_sources_and_policies_are_bounded(self) -> None:
        """Each source once, and so many; what is left out only makes the policy stricter."""
        for value in (
            "script-src " + "a " * 100_000,
            "script-src " + " ".join(f"h{number}.example" for number in range(20_000)),
            ",".join(["img-src a.example"] * 10_000),
            ";".join(f"x{number} a.example" for number in range(10_000)),
        ):
            mapped = map_policies([value], origin("https://a.example"), codec(), None)
            size = sum(map(len, mapped.policies))
            self.assertLess(size, 100_000, value[:40])

    def test_no_directive_is_lost(self) -> None:
        """However much that does nothing stands before what is enforced."""
        blocked = "script-src 'none'"
        table = (
            "".join(f"x{number} a;" for number in range(100)) + blocked,
            ";" * 1000 + blocked,
            "img-src a.example;" * 100 + blocked,
            ";".join(f"{name} a.example" for name in DIRECTIVES if name != "script-src")
            + f";{blocked}",
            "," * 100 + blocked,
            "x a," * 100 + blocked,
            ",".join(f"x{number} a" for number in range(100)) + f",{blocked}",
            "img-src a.example," * 100 + blocked,
        )
        for value in table:
            for values in ((value,), (*value.split(","),)):
                found = "; ".join(_map(*values).policies).split("; ")
                self.assertIn(blocked, found, value[:40])

    def test_too_many_policies(self) -> None:
        """Those that are not looked at are taken for one that allows nothing."""
        values = [f"img-src h{number}.example" for number in range(MAX_POLICIES)]
        self.assertEqual(len(_map(*values).policies), MAX_POLICIES)
        *kept, last = _map(*values, "script-src 'none'", "img-src z.example").policies
        self.assertEqual(len(kept), MAX_POLICIES)
        self.assertEqual(last.split("; ")[0], "default-src 'none'")
        self.assertIn("sandbox", last.split("; "))

    def test_sources_that_take_away(self) -> None:
        """A nonce undoes 'unsafe-inline', strict-dynamic undoes hosts: neither is cut."""
        hosts = " ".join(f"h{number}.example" for number in range(1000))
        policy = _one(f"script-src 'unsafe-inline' {hosts} 'nonce-abc' 'strict-dynamic'")
        self.assertIn(" 'nonce-abc' ", policy)
        self.assertIn(" 'strict-dynamic' ", policy)


class BasicTests(SynchronousTestCase):
    """Policies of a response in mode ``basic``."""

    def test_table(self) -> None:
        """Ours comes last; a sandbox lets script run, which ours then stops but for our own."""
        source = RuntimeSource("https://r/x.js", "sha256-x", "https://r/y.js", "sha256-y", "/")
        ours = b"script-src https://r/x.js; object-src 'none'; worker-src 'none'"
        for values, wanted in (
            ([], []),
            ([b"img-src a"], [b"img-src a"]),
            ([b"sandbox"], [b"sandbox allow-scripts"]),
            (
                [b"Sandbox;x", b"y; sandbox a"],
                [b"Sandbox allow-scripts;x", b"y; sandbox allow-scripts a"],
            ),
            (
                [b"x, sandbox", b"x;\t sandbox\t"],
                [b"x, sandbox allow-scripts", b"x;\t sandbox allow-scripts\t"],
            ),
            (
                [b"img-src sandbox.example", b"a sandbox"],
                [b"img-src sandbox.example", b"a sandbox"],
            ),
            ([b"sandboxed"], [b"sandboxed"]),
        ):
            self.assertEqual(basic_policies(values, source), [*wanted, ours], values)


class ShownTests(SynchronousTestCase):
    """Policies of documents that have no runtime."""

    def test_no_script(self) -> None:
        """Whatever it is runs none; XML may be shown by a sheet of a rewrite host."""
        for kind in Kind:
            policy = shown(codec(), kind).decode()
            directives = {one.split()[0]: one.split()[1:] for one in policy.split(";")}
            self.assertEqual(directives["script-src"], ["'none'"], kind)
            if kind is Kind.PLAIN_XML:
                self.assertNotIn("allow-scripts", directives["sandbox"])
                self.assertEqual(directives["script-src-elem"], [f"https://{WILDCARD}"])
            else:
                self.assertEqual(list(directives), ["script-src"], kind)
