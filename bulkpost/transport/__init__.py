"""The only client-side place that speaks HTTP."""
