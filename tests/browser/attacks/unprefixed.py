"""The gateway as an old browser sees it: names of session cookies mean nothing to it.

Current Chromium lets no script write a cookie called ``__Http-…``.  Without the prefix it
treats the session as older browsers do, so that what is left of the defences is tested.
"""

from gateway import wire

wire.ICK_COOKIE = b"ick"  # type: ignore[misc]
wire.DATR_COOKIE = b"datr"  # type: ignore[misc]
wire.OWN_COOKIES = (wire.ICK_COOKIE, wire.DATR_COOKIE)  # type: ignore[misc]

from gateway.__main__ import main  # noqa: E402 (after the names are others)

if __name__ == "__main__":
    main()
