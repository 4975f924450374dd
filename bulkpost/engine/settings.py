"""How many at once, and how long to wait for them at the end."""

from typing import Annotated

import msgspec


class EngineSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Limits of the worker pool.

    Attributes:
        concurrency: Requests in flight at once; also the most rows that one crash can put in
            doubt.
        drain_s: After the first Ctrl-C, how long to wait for answers before the rest is recorded
            in doubt, in seconds.
        waiting_max: Rows that may wait for their next attempt at once; no new row is taken while
            there are more.
        due_s_max: A deferred row that is due later than this, in seconds, is left for a later run.
    """

    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 16
    drain_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 60.0
    waiting_max: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1_000
    due_s_max: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 900.0
