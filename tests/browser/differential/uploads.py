"""Files that are sent: what of them comes to the origin."""

from __future__ import annotations

import hashlib
import json
import re

from tests.browser.differential.common import html
from tests.browser.differential.server import Answer, Asked, cors
from tests.browser.differential.suite import Case

TITLE = "Uploads"


def answer(asked: Asked, _site) -> Answer | None:
    """What a body is: its size, its digest, its parts' heads."""
    if asked.path == "/uploads/page":
        return html(
            "<form method=post enctype=multipart/form-data action=/uploads/size?case=chosen>"
            "<input type=file id=f name=f><button id=go></form>"
        )
    if asked.path != "/uploads/size" or asked.method == "OPTIONS":
        return None
    kind = asked.fields.get("Content-Type", "")
    boundary = kind.partition("boundary=")[2].encode()
    body = asked.body.replace(boundary, b"BOUNDARY") if boundary else asked.body
    heads = re.findall(rb"Content-Disposition: ([^\r]*)", body)
    told = {
        "method": asked.method,
        "kind": kind.partition("boundary=")[0],
        "size": len(body),
        "digest": hashlib.sha256(body).hexdigest(),
        "heads": [one.decode("latin-1") for one in heads],
        "start": body[:300].decode("latin-1"),
    }
    plain = "text/plain" if asked.method == "POST" else "application/json"
    return Answer(json.dumps(told).encode(), plain, cors(asked))


def _chosen(view):
    file = {"name": "chosen ä.txt", "mimeType": "text/plain", "buffer": b"chosen" * 1000}
    view.frame.set_input_files("#f", [file])
    view.frame.click("#go")
    view.at("https://a.test/uploads/size")
    return json.loads(view.frame.inner_text("body"))


CASES = (Case("a file that a person chose", "/uploads/page", act=_chosen),)
