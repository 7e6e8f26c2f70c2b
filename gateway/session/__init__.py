"""Session material: ``ick``, ``datr``, their pair and its attestation (protocols, 3 and 6).

- ``keys``: the server's root secrets by generation; the types that hold secrets.
- ``attestation``: ``datr``, the pair, ``ickt``, the restore text.
- ``tokens``: what requests that change state must carry.
- ``reading``: the session that a request's Cookie header carries, if any.
- ``writing``: the tokens with which a page's scripts set cookies.
- ``proofs``: one-time proofs of where a navigation leads.
- ``endpoints``: where sites want reports sent, sealed into their pages' address for them.
- ``bootstrap``: minting a session, its Set-Cookie fields, expiring duplicates.
- ``login``: that a person signed in to the gateway.
- ``settle``: the same in two steps, for browsers without localStorage.
"""
