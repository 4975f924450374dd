"""Inputs become rows: a reader per format behind one protocol."""
