"""A site that tries to reach foreign hosts in every way known, and what notes who arrives."""
