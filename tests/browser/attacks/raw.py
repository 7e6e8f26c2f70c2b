"""Pages without the gateway's runtime, and what the runtime would have got.

Such a page is put in the network's place: however a site got rid of the runtime, it has no
more than that.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import quote

from gateway import wire
from tests.browser.attacks.site import EVIL
from tests.browser.harness import settle

PAGE = (Path(__file__).parent / "raw.html").read_bytes()
PAYLOAD = re.compile(
    f'<script type="application/json" id="{wire.PAYLOAD_ELEMENT_ID}">(.*?)</script>'
)


def payload(document: str) -> dict[str, str]:
    """What a page's runtime gets of the gateway."""
    found = PAYLOAD.search(document)
    assert found is not None
    return json.loads(found[1])


def made_for(world, page, url: str) -> dict[str, str]:
    """The same of a page that this person's browser gets."""
    with page.expect_response(world.collapsed(url) + "/") as one:
        world.open(page, url)
    return payload(one.value.text())


def show_raw(world, page, how: dict[str, object], origin: str = EVIL, **fields: str):
    """Lead the shown page to one without the runtime that does as it is told."""
    url = world.collapsed(origin) + "/raw.html"
    fields = {"Content-Type": "text/html", **fields}
    page.route(url + "*", lambda route: route.fulfill(body=PAGE, headers=fields))
    seen = []  # it may be led away at once
    page.on("framenavigated", lambda frame: seen.append(frame.url))
    page.frames[1].evaluate("url => { location.href = url }", url + "#" + quote(json.dumps(how)))
    settle(page, lambda: any(one.startswith(url) for one in seen), "the raw page is there")
    return page.frames[1]
