"""Browsers' reports read, and the site's own names put back into them."""

from __future__ import annotations

import json
from typing import Any

import attrs
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.origins import long_label
from gateway.rewrite.csp import RuntimeSource, map_policies
from gateway.rewrite.reporting import Originals, Reporting
from gateway.rewrite.reports import (
    CSP_REPORT,
    OTHER,
    REPORTS_JSON,
    Names,
    Report,
    directive_of,
    foreign_host,
    labels_in,
    read_reports,
    seen,
    written,
)
from tests.rewrite import DOMAIN, SECURE, SUFFIX, codec, collapsed, origin

PAGE = "https://page.example"
OURS = frozenset({"'sha256-rare='", f"{SECURE}/.gateway/assets/rare.js"})
RUNTIME = RuntimeSource(
    f"{SECURE}/.gateway/assets/inner.js",
    "sha256-inner=",
    f"{SECURE}/.gateway/assets/rare.js",
    "sha256-rare=",
    collapsed(PAGE) + wire.GATEWAY_PATH,
)


def _names(originals: Originals | None = None, port: int = 443) -> Names:
    ours = OURS | {"'sha256-inner='", RUNTIME.url, RUNTIME.own}
    return Names(origin(PAGE), codec(port), originals or Originals(), ours)


def _csp(**members: Any) -> Report:
    content = {"csp-report": {key.replace("_", "-"): one for key, one in members.items()}}
    (report,) = read_reports(CSP_REPORT, json.dumps(content).encode(), 9)
    return report


def _modern(kind: str = "csp-violation", url: str = "", **body: Any) -> Report:
    content = [{"type": kind, "age": 5, "url": url, "user_agent": "U", "body": body}]
    (report,) = read_reports(REPORTS_JSON, json.dumps(content).encode(), 9)
    return report


class ReadTests(SynchronousTestCase):
    """Both forms of body."""

    def test_types(self) -> None:
        """One report of the old form, several of the new; unknown types have one name."""
        old = {"csp-report": {"effective-directive": "img-src"}}
        new = [{"type": "deprecation", "body": {"id": "x"}}, {"type": "mine", "body": {}}]
        for kind in (CSP_REPORT, f"{CSP_REPORT}; charset=utf-8", "application/json"):
            (found,) = read_reports(kind, json.dumps(old).encode(), 9)
            self.assertEqual((found.kind, found.content), ("csp-violation", old))
        found_new = read_reports(REPORTS_JSON, json.dumps(new).encode(), 9)
        self.assertEqual([one.kind for one in found_new], ["deprecation", OTHER])
        self.assertEqual(read_reports(REPORTS_JSON, json.dumps(new[0]).encode(), 9), found_new[:1])

    def test_garbage(self) -> None:
        """Counts as one report without content, whatever it is."""
        for kind in (CSP_REPORT, REPORTS_JSON, None, ""):
            for body in (
                b"", b"\xff", b"{}", b"[1]", b"null", b"[" * 50_000, b'{"csp-report":' * 50_000,
                b"9" * 5000, b'{"csp-report": 5}', b'[{"body": []}]', b'[{"type": {}}]',
            ):  # fmt: skip
                (found,) = read_reports(kind, body, 9)
                self.assertEqual((found.kind, found.content), (OTHER, {}), body[:40])
                self.assertEqual(seen(found).directive, OTHER)
                self.assertEqual(written(kind, [found]), [])

    def test_bounded(self) -> None:
        """No more of one body than is asked for."""
        body = json.dumps([{"type": "coep", "body": {}}] * 500).encode()
        self.assertEqual(len(read_reports(REPORTS_JSON, body, 100)), 100)

    def test_written(self) -> None:
        """In the form that they came in: one body for all, or one for each."""
        old, new = _csp(referrer="x"), _modern(id="1")
        self.assertEqual(json.loads(written(CSP_REPORT, [old])[0]), old.content)
        (body,) = written(REPORTS_JSON, [new, new])
        self.assertEqual(json.loads(body), [new.content] * 2)

    def test_directives(self) -> None:
        """The effective one, else the violated one; nothing else becomes a label."""
        table: list[tuple[Report, str]] = [
            (_csp(effective_directive="img-src"), "img-src"),
            (_csp(violated_directive="img-src 'self'"), "img-src"),
            (_csp(effective_directive="Frame-Ancestors"), "frame-ancestors"),
            (_csp(effective_directive='x"} 1\ngateway_up 0'), OTHER),
            (_csp(effective_directive=""), OTHER),
            (_csp(effective_directive=5), OTHER),
            (_csp(), OTHER),
            (_modern(effectiveDirective="script-src-elem"), "script-src-elem"),
            (_modern("coep", effectiveDirective="img-src"), ""),
        ]
        for report, wanted in table:
            self.assertEqual(directive_of(report), wanted, report.content)


class TextTests(SynchronousTestCase):
    """Names in any text."""

    def test_table(self) -> None:
        """Whole URLs, URLs and hosts within sentences, our parameters; nothing else."""
        shop, host = collapsed("https://shop.example:8443"), f"https-a-example{SUFFIX}"
        table = {
            "": "",
            "inline": "inline",
            "https://other.example/x?__y=1": "https://other.example/x?__y=1",
            f"{shop}/p?q#f": "https://shop.example:8443/p?q#f",
            f"{shop}/p?a=(b),c&__gw=TOKEN": "https://shop.example:8443/p?a=(b),c",
            f"{shop.upper()}/P": "https://shop.example:8443/P",
            f"wss://{host}/s": "wss://a.example/s",
            f"wss://http-a-example{SUFFIX}/s": "ws://a.example/s",
            f"img-src {shop} 'self'": "img-src https://shop.example:8443 'self'",
            f"from '{shop}/x' and {host}.": "from 'https://shop.example:8443/x' and a.example.",
            f"see {shop}/x?__gw=T&a": "see https://shop.example:8443/x?a",
            f"see ({shop}/x?__gwp=T)": "see (https://shop.example:8443/x)",
            f"{SECURE}/#https://a.example": "",
            f"load {SECURE}/.gateway/assets/x.js now": "load  now",
            f"https://{DOMAIN}/": "",
            f"https://nonsense{SUFFIX}/": "",
            f"https://{host}:444/": "",
            f"https://{long_label(origin('https://under_score.example'))}{SUFFIX}/p": "",
            f"x{host}": f"x{host}".replace(f"xhttps-a-example{SUFFIX}", ""),
            f"{host}.evil.example": f"{host}.evil.example",
        }
        for text, wanted in table.items():
            self.assertEqual(_names().text(text), wanted, text)

    def test_another_port(self) -> None:
        """The public port belongs to our names."""
        names = _names(port=8443)
        self.assertEqual(
            names.text(f"a https-a-example{SUFFIX}:8443 b https://https-a-example{SUFFIX}:8443/"),
            "a a.example b https://a.example/",
        )

    def test_long_labels(self) -> None:
        """A digest is expanded where it is proved or known; else it is asked for."""
        long = origin("https://under_score.example")
        names, label = _names(), long_label(long)
        report = _csp(blocked_uri=f"https://{label}{SUFFIX}/x")
        self.assertEqual(labels_in([report], names.codec, 8), [label])
        self.assertEqual(names.expanded(report).body["blocked-uri"], "")
        names.codec.learn(long)
        self.assertEqual(labels_in([report], names.codec), [])
        self.assertEqual(names.expanded(report).body["blocked-uri"], f"{long}/x")
        many = [
            _csp(a=f"https://{long_label(origin(f'https://a_{n}.b'))}{SUFFIX}/") for n in range(50)
        ]
        self.assertEqual(len(labels_in(many, names.codec)), 8)


class ExpandedTests(SynchronousTestCase):
    """A report as the site's own address would have brought it about."""

    def test_csp(self) -> None:
        """Members of the old form."""
        found = _names().expanded(
            _csp(
                document_uri=collapsed(f"{PAGE}/dir?q=1") + "&__gw=T",
                referrer=f"{SECURE}/",
                blocked_uri=collapsed("https://a.example/x.png"),
                source_file=collapsed(f"{PAGE}/app.js"),
                line_number=7,
                status_code=200,
                script_sample=f"fetch('{collapsed('https://a.example')}/')",
            )
        )
        self.assertEqual(
            found.content["csp-report"],
            {
                "document-uri": f"{PAGE}/dir?q=1",
                "referrer": "",
                "blocked-uri": "https://a.example/x.png",
                "source-file": f"{PAGE}/app.js",
                "line-number": 7,
                "status-code": 200,
                "script-sample": "fetch('https://a.example/')",
            },
        )

    def test_other_types(self) -> None:
        """Members of whatever name and depth; what is told of the gateway's machine goes."""
        url = collapsed("https://a.example/x")
        found = _names().expanded(
            _modern(
                "coop",
                collapsed(f"{PAGE}/"),
                openerURL=url,
                list=[url, {"deep": url}, 5, None],
                server_ip="10.0.0.1",
            )
        )
        self.assertEqual(found.content["url"], f"{PAGE}/")
        self.assertEqual(
            found.body,
            {
                "openerURL": "https://a.example/x",
                "list": ["https://a.example/x", {"deep": "https://a.example/x"}, 5, None],
            },
        )

    def test_json_stays_json(self) -> None:
        """Numbers that are none, depth beyond use: what goes on can be read by anybody."""
        text = b'[{"body": {"a": NaN, "b": 1e999, "c": -Infinity, "d": 1.5, "e": "\\ud800"}}]'
        (found,) = read_reports(REPORTS_JSON, text, 9)
        (sent,) = written(REPORTS_JSON, [_names().expanded(found)])
        (content,) = json.loads(sent, parse_constant=self.fail)
        self.assertEqual(list(content["body"].values()), [None, None, None, 1.5, "\ud800"])
        deep = b'[{"body": {"a": ' + b"[" * 300 + b"]" * 300 + b"}}]"
        (found,) = read_reports(REPORTS_JSON, deep, 9)
        self.assertLess(len(written(REPORTS_JSON, [_names().expanded(found)])[0]), 100)

    def test_the_runtime_is_no_source(self) -> None:
        """What it called for a page has no line there; a script of the page's has."""
        for source, kept in ((RUNTIME.url, False), (collapsed(f"{PAGE}/x.js"), True)):
            for report in (
                _csp(source_file=source, line_number=1, column_number=2),
                _modern(sourceFile=source, lineNumber=1, columnNumber=2),
            ):
                self.assertEqual(len(_names().expanded(report).body), 3 if kept else 0)

    def test_whose_doing(self) -> None:
        """What the gateway itself asked for is no site's business."""
        table = {
            RUNTIME.url: True,
            f"{SECURE}/": True,
            f"https://{DOMAIN}/x": True,
            collapsed(f"{PAGE}{wire.TOKEN_PATH}"): True,
            collapsed(f"{PAGE}/x"): False,
            "https://other.example/": False,
            "inline": False,
            "": False,
        }
        for url, wanted in table.items():
            self.assertEqual(_names().is_own_doing(_csp(blocked_uri=url)), wanted, url)
            self.assertEqual(_names().is_own_doing(_modern(blockedURL=url)), wanted, url)

    def test_policy_as_written(self) -> None:
        """To the letter, where this process mapped it."""
        written_by_site = "IMG-src  *.cdn.example 'self';report-to g"
        reporting = Reporting(origin(PAGE), PAGE, "".join)
        (mapped,) = map_policies(
            [written_by_site], origin(PAGE), codec(), RUNTIME, reporting
        ).policies
        for report in (_csp(original_policy=mapped), _modern(originalPolicy=mapped)):
            body = _names(reporting.originals).expanded(report).body
            self.assertEqual(list(body.values()), [written_by_site])

    def test_policy_from_names(self) -> None:
        """Else as near as names lead back, and nothing of ours in it."""
        for text in (
            "script-src 'self' https://a.example/js/; img-src https://b.example:8443; sandbox",
            "default-src 'none'; connect-src 'self'; trusted-types a",
            "script-src 'nonce-abc' 'strict-dynamic'; base-uri 'none'",
        ):
            reporting = Reporting(
                origin(PAGE), PAGE, lambda urls: f"{collapsed(PAGE)}/.gateway/r?{urls}"
            )
            (mapped,) = map_policies([text], origin(PAGE), codec(), RUNTIME, reporting).policies
            body = _names().expanded(_csp(original_policy=mapped)).body
            self.assertNotIn(DOMAIN, body["original-policy"])
            self.assertNotIn("sha256-inner", body["original-policy"])
            self.assertNotIn("sha256-rare", body["original-policy"])
            for word in text.replace(";", "").split():
                if word != "'none'":
                    self.assertIn(word, body["original-policy"].replace(";", "").split())

    @settings(deadline=None)
    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.floats()
            | st.integers()
            | st.text(max_size=20)
            | st.sampled_from(
                (collapsed(f"{PAGE}/x?__gw=T"), SECURE, f"img-src https-a-example{SUFFIX}", "a" * 99)
            ),
            lambda inner: st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    (
                        "csp-report", "type", "body", "url", "original-policy", "blockedURL",
                        "sourceFile", "lineNumber", "disposition", "sample", "documentURL",
                    )
                ),
                inner,
                max_size=4,
            ),
            max_leaves=12,
        ),
        st.sampled_from((CSP_REPORT, REPORTS_JSON, "application/json", None)),
    )  # fmt: skip
    @example({"csp-report": {"original-policy": collapsed(f"{PAGE}/x?__gw=T")}}, CSP_REPORT)
    def test_anything(self, content: Any, kind: str | None) -> None:
        """No body makes it raise, and no name of the gateway's comes out of one."""
        names = _names()
        found = read_reports(kind, json.dumps(content).encode(), 5)
        labels_in(found, names.codec)
        expanded = [names.expanded(one) for one in found]
        for before, after in zip(found, expanded, strict=True):
            names.is_own_doing(before)
            shown = seen(after, samples=True)
            self.assertNotIn("__gw=T", json.dumps(attrs.asdict(shown)))
        text = b"".join(written(kind, expanded))
        self.assertNotIn(DOMAIN.encode(), text)
        self.assertNotIn(b"__gw=T", text)

    @settings(deadline=None)
    @given(st.binary(max_size=80))
    def test_any_octets(self, body: bytes) -> None:
        """Nor do octets."""
        for kind in (CSP_REPORT, REPORTS_JSON):
            for one in read_reports(kind, body, 5):
                seen(_names().expanded(one))


class ForeignTests(SynchronousTestCase):
    """Which host past the gateway a page was kept from."""

    def test_table(self) -> None:
        """A host of the web or of a socket, and none of the gateway's."""
        known = codec(443)
        for blocked, directive, host in (
            ("https://x.test/p?q", "img-src", "x.test"),
            ("http://X.test:81", "img-src", "x.test"),
            ("wss://x.test/p", "connect-src", "x.test"),
            ("ws://x.test/p", "connect-src", "x.test"),
            (collapsed("https://cdn.test") + "/x", "img-src", ""),
            (known.secure_origin, "frame-src", ""),
            ("inline", "script-src", ""),
            ("data", "img-src", ""),
            ("blob:https://x.test/7", "img-src", ""),
            ("", "img-src", ""),
            ("https://x.test/", "frame-ancestors", ""),
        ):
            body = {"blockedURL": blocked, "effectiveDirective": directive}
            report = Report("csp-violation", {"body": body}, body)
            self.assertEqual(foreign_host(report, known), host, blocked)
            report = Report("deprecation", {"body": body}, body)
            self.assertEqual(foreign_host(report, known), "", blocked)


class SeenTests(SynchronousTestCase):
    """What the operator is shown."""

    def test_no_secrets(self) -> None:
        """Neither user, query nor fragment, and no sample that nobody asked for."""
        report = _modern(
            documentURL="https://u:p@page.example/dir?secret#secret",
            blockedURL="https://a.example/x?secret",
            sourceFile="https://a.example/y.js?secret",
            lineNumber=7,
            effectiveDirective="img-src",
            disposition="report",
            sample="secret\x1b[1m",
        )
        shown = seen(report)
        self.assertEqual(shown.page, "https://page.example/dir")
        self.assertEqual(shown.blocked, "https://a.example/x")
        self.assertEqual((shown.source, shown.line), ("https://a.example/y.js", 7))
        self.assertEqual((shown.directive, shown.disposition), ("img-src", "report"))
        self.assertNotIn("secret", repr(shown))
        self.assertEqual(seen(report, samples=True).sample, "secret [1m")

    def test_blocked(self) -> None:
        """A keyword, or the scheme of what has no host."""
        table = {
            "inline": "inline",
            "wasm-eval": "wasm-eval",
            "data:text/html,secret": "data",
            "blob:https://x/secret": "blob",
            "SECRET words": "",
            "x" * 99: "",
            "": "",
        }
        for blocked, wanted in table.items():
            self.assertEqual(seen(_csp(blocked_uri=blocked)).blocked, wanted, blocked)

    def test_long(self) -> None:
        """Short enough for a table."""
        report = _csp(document_uri="https://a.example/" + "x" * 9000, line_number=-1)
        self.assertLessEqual(len(seen(report).page), 300)
        self.assertEqual(seen(report).line, 0)
