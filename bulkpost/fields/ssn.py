"""Social security numbers: which fields hold one.

A hash of nine digits is the nine digits (a billion guesses), so such a field stays out of every
digest, log and ledger. The guess by name therefore errs on the safe side.
"""

import re

_NAME = re.compile(r"ssn|social", re.IGNORECASE)


def is_ssn_name(name: str) -> bool:
    """Tell whether a field or column of this name must be taken for a social security number."""
    return _NAME.search(name) is not None
