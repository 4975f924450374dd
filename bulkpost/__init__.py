"""bulkpost: submit a list of leads into a LeadConduit flow, once each.

The architecture, in the order in which a row lives it:

``reading``    bytes of an input become rows: text, row number, position
``fields``     one LeadConduit field type per file: text in, what LeadConduit reads out. Pure
``mapping``    a row becomes a lead (or a finding), and the lead gets its key
``checking``   how LeadConduit will read a list's values; refuses or rewrites by that. Pure
``matching``   which column of a foreign list feeds which field: by its name and its values. Pure
``pacing``     decides when it may go: rate, back-off, breaker, budget. Pure
``ledger``     writes the intent *before* the request, and what became of it after
``endpoints``  a lead becomes a request; a reply becomes an outcome. Pure
``records``    what the owner of a flow can ask LeadConduit, and how it answers. Pure
``transport``  the only client-side place that speaks HTTP
``engine``     joins these machines in one task group: feed -> workers -> recorder
``reporting``  what became of the rows: summary, report, export
``sandbox``    LeadConduit on loopback, with faults on order; shares only the wire with the client
``config``     joins the settings, which live beside what they set
``app``        the composition root: the only module that knows every concrete class
``cli``        one command per file
``api``        the same from Python: ``open``, ``results``

The nouns are root files: ``finding``, ``destination``, ``row``, ``lead``, ``feedback``,
``exchange``, ``outcome``, ``run``. The ground they stand on: ``errors``, ``clock``, ``secret``,
``escapes``, ``spreadsheet``, ``verdict_columns``, ``redact``, ``log``, ``process``, ``faultpoint``.
Imports point down only; a tool checks it.

The one rule from which the rest follows: a lead costs money and cannot be taken back. No byte of it
leaves the machine before its intent is on disk, and a row whose fate is unknown is in doubt until
somebody decides.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from bulkpost.api.frame import results
    from bulkpost.api.session import RunReport, Session, Submitted, open  # noqa: A004  # its name
    from bulkpost.errors import BulkpostError, ConfigError, InputError, LedgerError, UsageError

__all__ = [
    "BulkpostError",
    "ConfigError",
    "InputError",
    "LedgerError",
    "RunReport",
    "Session",
    "Submitted",
    "UsageError",
    "__version__",
    "open",
    "results",
]
__version__ = "0.1.0"

# Imported when they are asked for: the command line needs none of them.
_PLACES: Final = {
    "results": "bulkpost.api.frame",
    **dict.fromkeys(["RunReport", "Session", "Submitted", "open"], "bulkpost.api.session"),
    **dict.fromkeys([name for name in __all__ if name.endswith("Error")], "bulkpost.errors"),
}

if not TYPE_CHECKING:  # a type checker is to miss a name that is not there

    def __getattr__(name: str) -> Any:
        if name not in _PLACES:
            raise AttributeError(f"module 'bulkpost' has no attribute '{name}'")
        return getattr(importlib.import_module(_PLACES[name]), name)
