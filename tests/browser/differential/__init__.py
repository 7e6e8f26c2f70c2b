"""Pages and small sites that are run directly and through the gateway, and compared.

An area is a module of this package (``forms.py``), a script beside it (``forms.js``), or both:

``TITLE``        what docs/compatibility.md calls it.
``CASES``        ``Case``: a page of its own, looked at (and led) by the test.
``answer``       what the origins say under ``/<area>/``; ``common.py`` has what each host has.
``<area>.js``    ``add(name, run)``: cases that share one page and one tab (``runner.js``).

``cases/<area>.txt``   their names, for pytest and the document.
``differences.json``   which differ, and why; everything else must not.

``python -m tests.browser.differential AREA [PART OF A NAME] [--write]`` runs one area and prints
what differs; ``--write`` renews its list of names.  ``server`` answers and remembers, ``compare``
says what counts as equal, ``suite`` runs.
"""
