"""Who asks for what: pages of the site, of its siblings and of other sites, in many ways."""

from __future__ import annotations

import attrs

from tests.browser.cookies.cases import A_PLAIN, OTHER, PLAIN, RESPONSES, A, B
from tests.browser.cookies.site import url

_FLAVOURS = {
    "none": "Secure; SameSite=None",
    "lax": "Secure; SameSite=Lax",
    "strict": "Secure; SameSite=Strict",
    "unsaid": "Secure",
    "hidden": "Secure; SameSite=None; HttpOnly",
    "here": "Secure; SameSite=None; Partitioned",
}
_FLAVOURS_PLAIN = {"lax": "SameSite=Lax", "strict": "SameSite=Strict", "unsaid": "HttpOnly"}


@attrs.frozen
class Asker:
    """A page, the host that it asks, and whether it has more than links to go there."""

    page: str
    target: str = A
    whole: bool = True

    @property
    def flavours(self) -> dict[str, str]:
        """The kinds of cookies of the target."""
        return _FLAVOURS if self.target == A else _FLAVOURS_PLAIN


ASKERS = {
    "the origin itself": Asker(A),
    "a sibling": Asker(B),
    "another site": Asker(OTHER),
    "the host over http": Asker(A_PLAIN),
    "an http site": Asker(PLAIN),
    "https to the host over http": Asker(A, A_PLAIN, whole=False),
    "another site to the host over http": Asker(OTHER, A_PLAIN, whole=False),
    "an http site to the host over http": Asker(PLAIN, A_PLAIN, whole=False),
}
_KINDS = {
    "image": "image",
    "module": "script",
    "script": "script",
    "stylesheet": "style",
    "frame": "frame",
    "events": "events",
}
_ASKING = (
    *("fetch", "fetch, no-cors", "fetch, as it is", "fetch, same-origin", "fetch, omit"),
    *("fetch, no-cors, omit", "fetch, POST", "fetch with a preflight", "fetch, no referrer"),
    *("XHR", "XHR with credentials", "beacon", "events", "image", "image, no referrer"),
    *("image, anonymous", "image, use-credentials", "script", "module", "module, use-credentials"),
    *("stylesheet", "stylesheet, anonymous", "WebSocket", "frame"),
)
_LEAVING = ("link", "link, noreferrer", "location", "meta refresh")
_FORMS = ("form, GET", "form, POST")


@attrs.frozen
class Try:
    """One way to the target: what the page does, and with which address."""

    way: str
    to: str
    sets: str = ""


def _sets(asker: Asker, at: int) -> str:
    """The name of a response that sets a cookie of each kind."""
    name = f"{asker.page}>{asker.target}.{at}"
    RESPONSES[name] = tuple(f"s{at:02}-{one}=1; {rest}" for one, rest in asker.flavours.items())
    return name


def asking(asker: Asker) -> dict[str, Try]:
    """What a page asks for without leaving; the answers of some set cookies."""
    if not asker.whole:
        return {}
    found, to = {}, f"{asker.target}/"
    for way in _ASKING:
        kind = _KINDS.get(way.partition(",")[0], "")
        sets = way in {
            "fetch",
            "fetch, omit",
            "fetch, POST",
            "image",
            "script",
            "WebSocket",
            "frame",
        }
        name = _sets(asker, len(found)) if sets else ""
        more = {"inside": f"{way} inside"} if kind == "frame" else {}
        found[way] = Try(way, url(to, way, **{"as": kind, "set": name, **more}), name)
    name = _sets(asker, len(found))
    found["a 404"] = Try("fetch", url(to, "a 404", **{"as": "missing", "set": name}), name)
    for way, kind in (("image", "image"), ("fetch", ""), ("frame", "frame")):
        case = f"{way}, redirected by another site"
        last = url(to, case, **{"as": kind, "inside": f"{case} inside"})
        found[case] = Try(way, url(f"{OTHER}/", "hop", **{"as": "redirect", "to": last}))
        case = f"{way}, redirected with cookies"
        name = _sets(asker, len(found))
        last = url(to, case, **{"as": kind, "inside": f"{case} inside"})
        found[case] = Try(way, url(to, "hop", **{"as": "redirect", "set": name, "to": last}), name)
    return found  # fmt: skip


def leaving(asker: Asker) -> dict[str, Try]:
    """How a page is left for the target; the answers set cookies."""
    found: dict[str, Try] = {}
    to = f"{asker.target}/landed"
    for way in (*_LEAVING, *(_FORMS if asker.whole else ())):
        name = _sets(asker, 50 + len(found)) if way in {"link", "form, POST"} else ""
        case = f"leaving by {way}"
        found[case] = Try(way, url(to, case, **{"as": "page", "set": name}), name)
    case = "leaving by a link, redirected by another site"
    last = url(to, case, **{"as": "page"})
    found[case] = Try("link", url(f"{OTHER}/", "hop", **{"as": "redirect", "to": last}))
    case = "leaving by a link, redirected with cookies"
    name = _sets(asker, 50 + len(found))
    last = url(to, case, **{"as": "page"})
    to_hop = url(f"{asker.target}/", "hop", **{"as": "redirect", "set": name, "to": last})
    found[case] = Try("link", to_hop, name)
    return found


for _asker in ASKERS.values():
    asking(_asker)
    leaving(_asker)
    RESPONSES[f"jar of {_asker.target}"] = tuple(
        f"jar-{one}=1; {rest}" for one, rest in _asker.flavours.items()
    )
