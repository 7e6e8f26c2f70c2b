"""Tests of the policy: patterns, rules, transport, addresses and the engine."""
