"""Tests in a real Chromium; pytest only, collected by ``make test``."""
