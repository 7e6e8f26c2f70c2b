"""Every name that appears on the wire, spelled once.

Cookies, paths, headers and parameters that browsers, operators' scripts or other
tests rely on.  Nothing else in the project spells them a second time.
"""

from typing import Final

ICK_COOKIE: Final = b"__Http-ick"
DATR_COOKIE: Final = b"__Http-datr"
OWN_COOKIES: Final = (ICK_COOKIE, DATR_COOKIE)
ICKT_COOKIE: Final = b"__Host-gw-ickt"
RESTORE_COOKIE: Final = b"__Host-gw-restore"
LOGIN_COOKIE: Final = b"__Host-gw-login"
LOGIN_STATE_COOKIE: Final = b"__Host-gw-state"
WITHIN_COOKIE: Final = b"__Http-gw-within"
"""That a document with an opaque origin is in one of the gateway's windows; of nobody's session."""

CARRIER_PREFIX: Final = b"__Host-gw-w-"
"""What a script wrote travels in cookies of this name and a number."""
SYNC_PREFIX: Final = b"__Host-gw-sync-"
"""What changed for scripts comes in cookies of this name and a number."""

TOKEN_PARAMETER: Final = "__gw"
ORIGIN_PARAMETER: Final = "__gwo"
INTEGRITY_PARAMETER: Final = "__gwi"
PROOF_PARAMETER: Final = "__gwp"
VERDICT_PARAMETER: Final = "__gwn"
"""In a native handshake and in the create that follows it: whether the first was refused."""
LED_PARAMETER: Final = "__gwr"
"""A redirect led over another site to where this stands."""
PAYLOAD_ELEMENT_ID: Final = "__gw"
FRAME_ATTRIBUTE: Final = "data-gw"

SECURE_LABEL: Final = "www"
SUFFIX_LABEL: Final = "0"

GATEWAY_PATH: Final = "/.gateway/"
SETTINGS_PATH: Final = "/settings"
FORGOTTEN_PATH: Final = "/forgotten"
FORGET_PATH: Final = "/.gateway/forget"
BASIC_PATH: Final = "/.gateway/basic"
ASSET_PATH: Final = "/.gateway/assets/"
LABEL_PATH: Final = "/.gateway/label"
REPORT_PATH: Final = "/.gateway/report"
REPORT_PARAMETER: Final = "r"
"""In that path's query: whose policy asked, and where it wants to be told, sealed."""
BOOTSTRAP_PATH: Final = "/.gateway/bootstrap"
RESTORE_PATH: Final = "/.gateway/restore"
CHECK_PATH: Final = "/.gateway/check"
ATTEST_PATH: Final = "/.gateway/attest"
TOKEN_PATH: Final = "/.gateway/token"
OOPS_PATH: Final = "/.gateway/oops"
SETTLE_PATH: Final = "/.gateway/settle"
LOGIN_PATH: Final = "/.gateway/login"
"""Where a person is asked to sign in, and what leads to the OpenID provider from there."""
LOGIN_START_PATH: Final = "/.gateway/login/start"
SIGNED_IN_PATH: Final = "/.gateway/signed-in"
"""Where the OpenID provider sends a person back to."""
PASSWORD_PATH: Final = "/password"
"""Where a person types a password though there is a provider.  At the root: browsers show it then
to every path of the host (RFC 7617, section 2.2)."""
COOKIES_PATH: Final = "/.gateway/cookies"
PROOF_PATH: Final = "/.gateway/proof"
LEAVE_PATH: Final = "/.gateway/leave"
WITHIN_PATH: Final = "/.gateway/within"
PLACE_PATH: Final = "/.gateway/place"
"""What a page that asks for a navigation's place calls itself: it is seen in ``Referer``."""
OPEN_PATH: Final = "/open"

REQUEST_ID_HEADER: Final = b"X-Gateway-Request-Id"
RENEW_HEADER: Final = b"X-Gateway-Renew"
"""With a token: after how many seconds its worker is to ask for another."""
UNREACHED_HEADER: Final = b"X-Gateway-Unreached"
"""On a page of ours in place of a site's that could not be reached: service workers see an error."""
FORBIDDEN_TO_SITES: Final = (b"x-gateway-",)
"""Prefixes of response header fields that only the gateway itself may set."""

# Names in scripts that are edited (``rewrite-location``); the browser code has the same ones.
OWN_LOCATION: Final = b"__gw_location"
"""For ``location``, as a variable and as a property; so are the next three for theirs."""
OWN_DOMAIN: Final = b"__gw_domain"
OWN_TOP: Final = b"__gw_top"
OWN_PARENT: Final = b"__gw_parent"
OWN_IMPORT: Final = b"__gw_import"
"""``import(x)`` becomes ``import(__gw_import(x))``: what is named is mapped, and relative to whom stays."""
OWN_META: Final = b"__gw_meta"
OWN_EVAL: Final = b"__gw_eval"
