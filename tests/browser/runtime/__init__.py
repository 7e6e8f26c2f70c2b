"""The site of the runtime's tests, and what its pages try."""
