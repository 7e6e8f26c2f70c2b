"""The hall: one request's decisions in order, for HTTP and WebSocket alike.

An exchange is a generator: it yields what it needs and is fed the result, and what it
returns is how the request ends.  ``net`` executes; a test plays both sides as a table.

- ``messages``, ``needs``: the request, what is asked for it, the replies, the endings.
- ``admission``: client ranges and rate limits; asked first.
- ``steps``: origin, session, gate, policy, jar: shared by all that follows.
- ``authentication``: who may use the gateway at all; ``locks``: the tallies of failed tries;
  ``oidc``: by way of an OpenID provider.
- ``places``: where a navigation leads, proved where SameSite depends on it.
- ``script_cookies``: what scripts write and read by ``document.cookie``.
- ``http``: a request to a rewrite host.  ``bodies``: what becomes of its answer's body.
- ``attesting``: the token step, and what pages carry and ask for to prove themselves.
- ``websocket``: a handshake to a rewrite host; ``service``: to an address of the operator's.
  ``standing``: whether it is still open.
- ``emulation``, ``emulated``: a create is the handshake that it stands for; ids, CORS.
- ``own``: the portal, the outer frame and the gateway's own endpoints.
- ``reports``: how browsers report here.  ``settle``: a session in two steps.  ``within``: of no origin.
- ``leaving``: links that leave the gateway.  ``outgoing``: the site's names in what is sent.
"""
