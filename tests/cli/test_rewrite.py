"""``gateway rewrite``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.cli import gateway

PAGE = '<!doctype html><a href="https://b.example/x?y#z">b</a><a href="/c">c</a>\n'
BASE = ("--base", "https://a.example/d/e", "--domain", "gw.test")


class RewriteTests(SynchronousTestCase):
    """Bodies in, bodies out."""

    timeout = 60

    def test_html(self) -> None:
        """Absolute URLs are collapsed, nothing is injected, the rest is as it was."""
        done = gateway("rewrite", *BASE, "--type", "text/html", given=PAGE)
        wanted = PAGE.replace("https://b.example", "https://https-b-example.0.gw.test")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, wanted, ""))

    def test_inject(self) -> None:
        """On demand the runtime is there."""
        done = gateway("rewrite", *BASE, "--type", "text/html", "--inject", given=PAGE)
        self.assertIn('<script type="application/json" id="__gw">', done.stdout)

    def test_basic(self) -> None:
        """In mode basic nothing stays that runs script, but what is injected."""
        page = PAGE + "<script>x</script><a onclick=x>c</a><noscript>n</noscript>"
        done = gateway("rewrite", *BASE, "--type", "text/html", "--mode", "basic", given=page)
        wanted = PAGE.replace("https://b.example", "https://https-b-example.0.gw.test")
        self.assertEqual((done.returncode, done.stdout), (0, wanted + "<a>c</a>n"))
        done = gateway(
            "rewrite", *BASE, "--type", "text/html", "--mode", "basic", "--inject", given=page
        )
        self.assertIn('<script type="application/json" id="__gw">', done.stdout)
        self.assertNotIn("<script>x", done.stdout)

    def test_other_types(self) -> None:
        """Sheets and manifests are edited; what is not edited passes."""
        sheet = "a { background: url(//b.example/x) }\n"
        done = gateway("rewrite", *BASE, "--type", "text/css", given=sheet)
        self.assertIn("url(//https-b-example.0.gw.test/x)", done.stdout)
        manifest = '{"start_url": "https://b.example/"}'
        done = gateway("rewrite", *BASE, "--type", "application/manifest+json", given=manifest)
        self.assertIn("https://https-b-example.0.gw.test/", done.stdout)
        done = gateway("rewrite", *BASE, "--type", "text/javascript", given=PAGE)
        self.assertEqual(done.stdout, PAGE)

    def test_default_domain(self) -> None:
        """Without configuration and domain it is the demo's."""
        done = gateway("rewrite", *BASE[:2], "--type", "text/html", given=PAGE)
        self.assertIn("https://https-b-example.0.gateway.localhost/x", done.stdout)

    def test_usage(self) -> None:
        """A base that is no URL is a usage error."""
        done = gateway("rewrite", "--base", "mailto:x", "--type", "text/html", given="")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--base", done.stderr)
