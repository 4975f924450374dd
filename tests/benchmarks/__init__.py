"""Measurements: `pytest -m benchmark -s tests/benchmarks`, or `python tests/benchmarks/run.py`."""
