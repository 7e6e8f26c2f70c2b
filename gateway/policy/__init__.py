"""Who may reach what: one engine for HTTP, WebSocket and the fallback.

- ``patterns``: the pattern language of allow-lists (cordova-plugin-whitelist's).
- ``destinations``: the rules ``allow-navigation``, ``allow-intent``, ``access``; Settings.
- ``intents``: links that leave for the device.  ``index``: rules found by host.
- ``transport``: what a connection to an origin must offer (after Apple's ATS).
- ``certificates``: which certificates are strong enough for that.
- ``addresses``: which resolved addresses may be connected to.
- ``clients``, ``forwarded``: who may use the gateway, and whose request a balancer passes on.
- ``rates``: how often.  ``content``: the operator's content policies by site.
- ``services``: WebSocket addresses of the operator's own, and whom they are for.
- ``steps``: the one table of questions, in the order in which they are asked.
- ``authentication``: what is asked of people, and what they answer.  ``passwords``: the text of
  their file.  ``lockout``: how long who fails must wait.  ``jwt``: which tokens to trust.
- ``engine``: a request described by values in, a decision with its reason out.
- ``cordova``, ``ats``: rules of other systems; ``imported``: how they are written.
- ``walk``: the same decision step by step, with what would change it.
"""
