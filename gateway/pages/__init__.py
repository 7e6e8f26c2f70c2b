"""The gateway's own pages: portal, outer frame, settings, forgotten, settle, Oops.

- ``render``: templates and assets to answers, with their own strict policies.
- ``portal``: the catalogue of reviewed sites, as a list on the portal.
- ``hints``: what a person can do about a refusal.
- ``languages``: which languages there are, and which one a reader is given.
- ``texts``: the catalogues of ``locale`` and how templates hold texts.
- ``templates``: HTML with ``{{English texts}}`` and ``$name`` places; all are escaped.
- ``assets``: the style sheet and icon; scripts come from ``runtime/built``.
- ``locale``: a gettext catalogue for each language, as text and compiled;
  ``make texts`` brings them up to date.
"""
