"""Chaos: the tests that decide whether the product keeps its promise."""
