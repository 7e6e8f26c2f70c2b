"""Which fields pass and which do not, by name; ``headers`` does what is to be done to a value.

docs/rewriting.md has them all in a table, each with its reason; tests/rewrite/header_table.py
is where that is made from, and holds this to it.
"""

from __future__ import annotations

HOP_BY_HOP = frozenset(
    (
        b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate",
        b"proxy-authorization", b"proxy-authentication-info", b"te", b"trailer",
        b"transfer-encoding", b"upgrade", b"http2-settings",
    )
)  # fmt: skip
REQUEST_DROPPED = frozenset(
    (
        b"host", b"cookie", b"content-length", b"expect", b"forwarded", b"via", b"x-real-ip",
        b"true-client-ip", b"cf-connecting-ip", b"x-client-ip", b"max-forwards",
        b"x-forwarded", b"forwarded-for", b"client-ip", b"x-cluster-client-ip", b"x-remote-ip",
        b"x-original-forwarded-for", b"x-originating-ip", b"x-remote-addr", b"fastly-client-ip",
        b"x-azure-clientip", b"x-azure-socketip", b"x-envoy-external-address", b"fly-client-ip",
        b"x-appengine-user-ip", b"cf-connecting-ipv6", b"cf-pseudo-ipv4", b"x-proxyuser-ip",
        # What browsers say of the gateway's site, which is none of the sites'.
        b"sec-browsing-topics", b"sec-fetch-storage-access", b"attribution-reporting-eligible",
        b"attribution-reporting-support", b"sec-ad-auction-fetch", b"sec-shared-storage-writable",
        b"sec-shared-storage-data-origin", b"sec-private-state-token", b"sec-redemption-record",
        b"sec-private-state-token-crypto-version",
        # Device-bound sessions: none is made, see below.
        b"secure-session-response", b"secure-session-skipped", b"sec-secure-session-id",
        b"sec-session-response", b"sec-session-id",
    )
)  # fmt: skip
EDITS_DROPPED = frozenset(
    (
        b"if-none-match", b"if-modified-since", b"if-range", b"if-match", b"if-unmodified-since",
        b"range", b"available-dictionary", b"dictionary-id", b"accept-signature",
    )
)  # fmt: skip
"""Conditions on, and codings against, octets that the browser never had."""
RESPONSE_DROPPED = frozenset(
    (
        b"content-length", b"set-cookie", b"set-cookie2", b"strict-transport-security",
        b"public-key-pins", b"public-key-pins-report-only", b"expect-ct", b"alt-svc", b"nel",
        b"report-to", b"reporting-endpoints", b"x-frame-options", b"origin-agent-cluster",
        b"speculation-rules", b"clear-site-data", b"x-dns-prefetch-control",
        b"content-security-policy", b"content-security-policy-report-only",
        # They would act on the one site that all of them are to the browser.
        b"set-login", b"activate-storage-access", b"observe-browsing-topics",
        b"attribution-reporting-register-source", b"attribution-reporting-register-trigger",
        b"attribution-reporting-register-os-source", b"attribution-reporting-register-os-trigger",
        b"attribution-reporting-info", b"shared-storage-write", b"shared-storage-cross-origin-worklet-allowed",
        b"ad-auction-signals", b"ad-auction-result", b"ad-auction-additional-bid",
        b"ad-auction-allowed", b"x-allow-fledge", b"sec-private-state-token",
        b"sec-private-state-token-lifetime", b"supports-loading-mode",
        # Browsers would bind a session to cookies that the jar has, and wait for them with each request.
        b"secure-session-registration", b"secure-session-challenge",
        b"sec-session-registration", b"sec-session-challenge",
        # They are for a server that stands before the site's own, as one may before this.
        b"x-sendfile", b"x-lighttpd-send-file", b"x-litespeed-location", b"surrogate-control",
        b"cdn-cache-control", b"cloudflare-cdn-cache-control", b"edge-control",
        b"edge-cache-tag", b"x-reproxy-url", b"x-reproxy-file",
    )
)  # fmt: skip
RESPONSE_DROPPED_PREFIXES = (b"x-accel-",)
EDITED_DROPPED = frozenset(
    (
        b"etag", b"last-modified", b"accept-ranges", b"content-md5", b"digest", b"content-digest",
        b"repr-digest", b"want-digest", b"unencoded-digest", b"signature", b"signature-input",
        b"use-as-dictionary", b"content-range",
    )
)  # fmt: skip
"""What speaks of octets that are not those that go out."""
PRIVATE_DROPPED = frozenset((b"cache-control", b"expires", b"pragma", b"age"))
URL_FIELDS = frozenset(
    (b"location", b"content-location", b"sourcemap", b"x-sourcemap", b"service-worker-allowed")
)
