"""Joins the machines: feed -> workers -> recorder, in one task group."""
