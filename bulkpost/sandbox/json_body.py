"""JSON text becomes a lead, with JavaScript's numbers.

Observed: names with dots stay whole, integers above 2^53 lose digits, and text that is not JSON is
read once more without its line breaks and tabs.
"""

import json
import math
from decimal import Decimal
from typing import Any, Final

_INTEGER_EXACT_MAX: Final = 2**53
_INTEGER_WIRE_MAX: Final = 2**64
_LINE_BREAKS: Final = str.maketrans("", "", "\r\n\t")


def parse_json(text: str) -> Any:
    """Read any JSON value.

    Raises:
        ValueError: It is not JSON; the message is the text of LeadConduit's answer and repeats
            the body, as LeadConduit does.
    """
    try:
        return _loads(text)
    except (ValueError, RecursionError):
        folded = text.translate(_LINE_BREAKS)
    try:
        return _loads(folded)
    except (ValueError, RecursionError):
        message = f'Unable to parse JSON -- SyntaxError: Error: "{folded}" is not valid JSON'
        raise ValueError(message) from None


def _loads(text: str) -> Any:
    value = json.loads(text, parse_int=_integer, parse_float=_float, parse_constant=_refuse)
    return _without_surrogates(value) if "\\ud" in text.lower() else value


def _integer(text: str) -> int | float | None:
    number = float(text)
    if abs(number) <= _INTEGER_EXACT_MAX:
        return int(text)
    if -_INTEGER_WIRE_MAX / 2 < number < _INTEGER_WIRE_MAX:
        return int(Decimal(repr(number)))
    return number if math.isfinite(number) else None


def _float(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _refuse(_constant: str) -> Any:
    raise ValueError("NaN and Infinity are not JSON")


def _without_surrogates(value: Any) -> Any:
    """Replace halves of surrogate pairs, which UTF-8 cannot carry."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
