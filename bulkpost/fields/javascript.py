"""What JavaScript, in which LeadConduit is written, takes for white space and for a number."""

import math
import re
from decimal import Decimal
from typing import Final

# ECMAScript's white space and line ends; Python's own notion differs by seven characters.
SPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)

_DECIMAL = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)", re.ASCII)
_WHOLE_DIGITS_MAX = 310  # more before the point, and a double overflows
_FRACTION_DIGITS_MAX = 1100  # no double depends on more of them


def trimmed(text: str) -> str:
    """Return the text without white space at its ends."""
    return text.strip(SPACE)


def number(text: str) -> float | None:
    """Return what a text of digits, ``-`` and ``.`` is as a number; None where it is not one.

    Too many digits give infinity, as they do there.
    """
    if _DECIMAL.fullmatch(text) is None:
        return None
    whole, _, fraction = text.lstrip("-").partition(".")
    whole = whole.lstrip("0")
    if len(whole) > _WHOLE_DIGITS_MAX:
        size = math.inf
    else:
        size = float(f"{whole or '0'}.{fraction[:_FRACTION_DIGITS_MAX] or '0'}")
    return -size if text.startswith("-") else size


def number_text(value: float) -> str:
    """Return a number as JavaScript writes it: ``12``, ``0.5``, ``1e+21``, ``1e-7``."""
    if math.isinf(value):
        return "-Infinity" if value < 0 else "Infinity"
    if value == 0:
        return "0"
    shortest = repr(value)  # the shortest digits that mean this double, as there
    if 1e-6 <= abs(value) < 1e21:
        plain = f"{Decimal(shortest):f}" if "e" in shortest else shortest
        return plain.removesuffix(".0")
    mantissa, _, exponent = shortest.partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"
