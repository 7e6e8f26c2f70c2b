"""The fallback's rules."""
