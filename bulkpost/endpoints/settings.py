"""The settings of reading replies."""

import msgspec


class EndpointSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far to trust an answer that a proxy gave.

    Attributes:
        strict: Hold a row that was answered 502 or 504 as in doubt instead of sending it again.
    """

    strict: bool = False
