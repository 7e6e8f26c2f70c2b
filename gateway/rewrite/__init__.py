"""What is edited on the way through, and nothing else (rewriting, "The principle").

- ``headers``: request and response header fields.
- ``csp``: the site's Content-Security-Policy mapped; the containment policy.
- ``media``: which responses are documents, and in what coding.
- ``coding``: content codings, decoded with an expansion limit and encoded again.
- ``html``: the streaming scanner that puts runtime and payload into documents.
- ``pipeline``: a response body's way through decoder, scanner and encoder.
"""
