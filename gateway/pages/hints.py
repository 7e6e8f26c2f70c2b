"""What a person can do about a refusal, in plain words; English, as the catalogues have it."""

from __future__ import annotations

from typing import Final

BY_TITLE: Final = {
    "This page could not be checked": (
        "It did not prove that it comes from the site it names, so it is not shown. "
        "Open its address again."
    ),
    "This address is not open here": (
        "The people who run this gateway have not opened this site. It is not your mistake, "
        "and nothing was sent to the site."
    ),
    "This page is outside the gateway": (
        "It can be opened, but not here: outside, the gateway neither sees nor protects "
        "anything, and it may cost money."
    ),
    "This gateway is not open to your network": (
        "Its operator lets certain networks use it only. Ask them, or try from another network."
    ),
    "This page can only be shown inside the gateway": "Open its address from the start page.",
    "This is only for the gateway's own page": "Begin again at the start page.",
    "Please sign in to this gateway": "Reload the page to sign in, or begin at the start page.",
    "The sign-in could not be finished": "Begin again at the start page.",
    "There were too many failed tries to sign in": (
        "Wait before you try again: each failed try makes the wait longer."
    ),
    "The site's answer is too large": "This gateway passes on answers up to a certain size only.",
}
"""Where a title says more than its status."""

BY_STATUS: Final = {
    400: "Check the address and try again.",
    401: "Only people who are known to this gateway can use it. Reload the page to try again.",
    403: "The gateway did not let this request through.",
    404: "Check the address: it may be misspelled.",
    405: "Open the page by its address instead.",
    421: "This name does not lead to a site on this gateway.",
    429: "Wait a little and try again. Others may share your connection or look at the same site.",
    500: "The gateway made a mistake. Its operator can find it by the request number below.",
    502: "The site may be down, or its connection is not safe. Try again later.",
    503: "Wait a moment and try again.",
    504: "The site may be busy. Try again in a moment.",
}

OTHERWISE: Final = "Go back and try again."


def hint(status: int, title: str) -> str:
    """The hint for a refusal."""
    return BY_TITLE.get(title) or BY_STATUS.get(status, OTHERWISE)
