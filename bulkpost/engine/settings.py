"""How many at once, how long to wait for them at the end, and what bounds a whole command."""

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


class NightSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What bounds a command that nobody watches, and where it says how it ended.

    Attributes:
        until: No new row is sent from this time of day on, on this machine's clock: ``06:00``;
            empty for no such time.
        max_duration: No new row is sent after this long: ``2h``, ``90m``; empty for no limit.
        max_submit: Rows that one command submits at most; one more stops it until a person has
            looked. 0 for no limit.
        expect_new: Rows that the inputs must hold which were never submitted: ``1..5000``,
            ``..5000``, ``1..``; with others nothing is sent. Empty for any number.
        summary_json: File for what became of the command, as JSON; empty for none.
        metrics: File for the same as numbers, for Prometheus; empty for none.
        notify_file: File that holds the URL of a webhook that is told of the end; empty for none.
    """

    until: str = ""
    max_duration: str = ""
    max_submit: Annotated[int, msgspec.Meta(ge=0, le=1 << 40)] = 0
    expect_new: str = ""
    summary_json: str = ""
    metrics: str = ""
    notify_file: str = ""
