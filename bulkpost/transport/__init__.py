"""The only client-side place that speaks HTTP: one request out, one reply in, once.

What counts here is a single question, asked of every failure: could the server have seen the
request? The answer is taken from the moment at which the request's head was written, never from
the kind of exception.
"""
