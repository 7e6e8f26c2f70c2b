"""Tests of the WebSocket rules on values."""
