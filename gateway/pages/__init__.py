"""The gateway's own pages: portal, outer frame, Oops.

- ``render``: templates and assets to answers, with their own strict policies.
- ``templates``: HTML with ``$name`` places; every value is escaped.
- ``assets``: the style sheet and icon; scripts come from ``runtime/built``.
"""
