"""When a row may go, and when not: rate, retry, breaker, budget.

Everything here decides and nothing here waits: times come in as numbers (monotonic seconds, unless
a name ends in ``_at``), waits go out as numbers, and chance is a function that is passed in. The
engine owns the clock.
"""
