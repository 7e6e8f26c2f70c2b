"""Each denial's line in the log has step and rule, and ``gateway explain`` says the same."""

from __future__ import annotations

from typing import Any

from gateway import events
from gateway.ops.explaining import read_question
from gateway.policy.engine import event_of
from gateway.policy.steps import Step
from gateway.policy.walk import walk
from tests.net.harness import DOMAIN, SHOP, GatewayCase, request
from tests.net.raw import Origin, reply
from tests.net.test_websocket import KEY

API = "https://api.other.example"
RULES = f"""\
[[access]]
origin = "{API}/open/*"
from = "{SHOP}"
[[allow-navigation]]
href = "*://plain.example"
"""


class DenialTests(GatewayCase):
    """Denied requests of every step that refuses one."""

    async def _told(self, gateway: Any, url: str, kind: str, page: str) -> dict[str, Any]:
        """The event of a request that is denied."""
        before = len(gateway.telemetry.events)
        if kind == "websocket":
            client = await gateway.connect()
            fields = (
                b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13",
                b"Sec-WebSocket-Key: " + KEY, b"Cookie: " + gateway.cookie,
                f"Origin: {self._shown(gateway, page)}".encode(),
            )  # fmt: skip
            client.write(request(gateway.with_token(url, page), *fields))
            status = (await client.response()).status
        else:
            dest, mode = {"access": ("empty", "cors"), "navigation": ("iframe", "navigate")}[kind]
            status = (
                await gateway.ask(
                    url,
                    f"Origin: {self._shown(gateway, page)}".encode(),
                    b"Sec-Fetch-Site: same-site",
                    f"Sec-Fetch-Dest: {dest}".encode(),
                    f"Sec-Fetch-Mode: {mode}".encode(),
                )
            ).status
        self.assertEqual(status, 403, (url, kind))
        (event,) = gateway.telemetry.events[before:]
        return event

    def _shown(self, gateway: Any, page: str) -> str:
        return str(gateway.service.config.codec.collapse_url(page))

    async def test_step_and_rule(self) -> None:
        """What the log has of a denial is what the walk finds."""
        gateway = await self.gateway(rules=RULES)
        config = gateway.service.config
        for url, kind, page, step in (
            (f"{API}/closed", "access", SHOP, Step.DESTINATION),
            (f"{API}/open/x", "access", "https://www.site.example", Step.DESTINATION),
            (f"{API}/open/x", "navigation", SHOP, Step.DESTINATION),
            (f"{API}/closed", "websocket", SHOP, Step.DESTINATION),
            (f"{API}/open/x", "websocket", "https://www.site.example", Step.DESTINATION),
            ("http://plain.example/", "navigation", SHOP, Step.TRANSPORT),
            ("http://plain.example/", "access", SHOP, Step.TRANSPORT),
            ("http://plain.example/", "websocket", SHOP, Step.TRANSPORT),
            ("https://www.site.example:25/", "access", SHOP, Step.PORT),
            (f"https://{DOMAIN}/", "access", SHOP, Step.OWN_NAMES),
        ):
            event = await self._told(gateway, url, kind, page)
            asked, fault = read_question(url, kind, page, config.codec, native=False)
            assert asked is not None, fault
            decided = walk(asked, config.policy).decided
            found = (event["step"], event["detail"], event["code"])
            wanted = (decided.row.step, decided.answer.text, event_of(step, asked))
            self.assertEqual(found, wanted, (url, kind))
            self.assertEqual(decided.row.step, step, (url, kind))
            if step is Step.TRANSPORT:
                self.assertRegex(event["rule"], r"^allow-navigation '.*' test.toml:[0-9]+$")

    async def test_refused_address(self) -> None:
        """A refused address names the step of connecting."""
        gateway = await self.gateway(names={"inside.site.example": ["10.0.0.5"]})
        await gateway.ask("https://inside.site.example/")
        (event,) = [one for one in gateway.telemetry.events if one["code"] == events.SSRF_DENIED]
        self.assertEqual((event["step"], event["detail"]), (Step.ADDRESS, "10.0.0.5: private"))

    async def test_strangers(self) -> None:
        """Who is no page of ours is told apart: the page step, or the destination for natives."""
        gateway = await self.gateway({SHOP: Origin(reply(b"x"))})
        connection = await gateway.connect()
        connection.write(request(SHOP + "/x", b"Sec-Fetch-Mode: cors", b"Sec-Fetch-Dest: empty"))
        self.assertEqual((await connection.response()).status, 403)
        event = gateway.telemetry.events[-1]
        self.assertEqual((event["code"], event["step"]), (events.NOT_OUR_PAGE, Step.DESTINATION))
        answer = await gateway.ask(SHOP + "/x", b"Sec-Fetch-Site: same-origin", method=b"POST")
        self.assertEqual(answer.status, 403)
        event = gateway.telemetry.events[-1]
        self.assertEqual((event["code"], event["step"]), (events.CSRF_TOKEN, Step.PAGE))
