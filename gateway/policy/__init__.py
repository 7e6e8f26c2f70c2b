"""Who may reach what: one engine for HTTP, WebSocket and the fallback.

- ``patterns``: the pattern language of allow-lists (cordova-plugin-whitelist's).
- ``destinations``: the rules ``allow-navigation``, ``allow-intent``, ``access``; Settings.
- ``intents``: links that leave for the device.  ``index``: rules found by host.
- ``transport``: what a connection to an origin must offer (after Apple's ATS).
- ``addresses``: which resolved addresses may be connected to.
- ``steps``: the one table of questions, in the order in which they are asked.
- ``engine``: a request described by values in, a decision with its reason out.
- ``cordova``, ``ats``: rules of other systems; ``imported``: how they are written.
- ``walk``: the same decision step by step, with what would change it.
"""
