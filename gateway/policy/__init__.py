"""Who may reach what: one engine for HTTP, WebSocket and the fallback.

- ``patterns``: the pattern language of allow-lists (cordova-plugin-whitelist's).
- ``destinations``: the rules ``allow-navigation`` and ``access``, and their Settings.
- ``transport``: what a connection to an origin must offer (after Apple's ATS).
- ``addresses``: which resolved addresses may be connected to.
- ``content``: the operator's content policies by site.
- ``engine``: a request described by values in, a decision with its reason out.
"""
