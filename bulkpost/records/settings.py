"""The settings of LeadConduit's API."""

from typing import Annotated, Final

import msgspec

KEY_VARIABLE: Final = "BULKPOST_API_KEY"


class ApiSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How LeadConduit is asked about what it has.

    Attributes:
        key_file: File that holds the account's API key on its one line; only you may be able to
            read it. The environment variable ``BULKPOST_API_KEY`` wins over it.
        url: Scheme and host to ask; empty for the host that the leads went to. A key goes to this
            machine only if it is named here.
        rules: Ask for events by the value of a field. False reads all events around the time of an
            attempt and looks for the lead itself: slower, for where rules find nothing.
        rate: Questions a time: ``2/s``, ``60/min``.
        attempts_max: Tries of one question that is not answered, or with 429 or 5xx.
        page_events: Events asked for at once.
        pages_max: Pages read for one question.
        reply_bytes_max: A longer answer is an error, in bytes after decompression.
    """

    key_file: str = ""
    url: str = ""
    rules: bool = True
    rate: str = "2/s"
    attempts_max: Annotated[int, msgspec.Meta(ge=1, le=20)] = 5
    page_events: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    pages_max: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 20
    reply_bytes_max: Annotated[int, msgspec.Meta(ge=1024, le=67_108_864)] = 8_388_608
