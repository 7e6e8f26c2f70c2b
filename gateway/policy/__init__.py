"""Who may reach what: one engine for HTTP, WebSocket and the fallback.

- ``patterns``: the pattern language of allow-lists (cordova-plugin-whitelist's).
- ``destinations``: the rules ``allow-navigation`` and ``access``, and their Settings.
- ``transport``: what a connection to an origin must offer (after Apple's ATS).
- ``addresses``: which resolved addresses may be connected to.
- ``authentication``: what is asked of people, and what they answer.  ``passwords``: the text of
  their file.  ``lockout``: how long who fails must wait.  ``jwt``: which tokens to trust.
- ``engine``: a request described by values in, a decision with its reason out.
"""
