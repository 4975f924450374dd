"""Limits of one request."""

from typing import Annotated

import msgspec


class TransportSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long a request may take, and how much may come back.

    Attributes:
        connect_s: Longest wait for a connection (name, TCP, TLS), in seconds. Nothing has been
            sent then: the row is tried again.
        read_s: Longest wait for the head of an answer, and again for its body, in seconds.
            LeadConduit's own limit is 360 s; a shorter wait here puts leads in doubt that would
            have been answered.
        total_s: Longest duration of one attempt, in seconds.
        reply_bytes_max: A reply is read up to here, in bytes after decompression.
        keepalive_s: An idle connection is not used again after this, in seconds. Short on
            purpose: a server that closes an idle connection at the moment at which a lead is
            written to it leaves that lead in doubt. Servers commonly wait 5 s or longer.
        trust_env: Use the proxies that HTTP_PROXY and its like name.
        ca_file: PEM file of certificate authorities to trust instead of the system's; empty for
            the system's.
    """

    connect_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 10.0
    read_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 400.0
    total_s: Annotated[float, msgspec.Meta(gt=0, le=7200)] = 600.0
    reply_bytes_max: Annotated[int, msgspec.Meta(ge=1024, le=67_108_864)] = 1_048_576
    keepalive_s: Annotated[float, msgspec.Meta(gt=0, le=300)] = 4.0
    trust_env: bool = False
    ca_file: str = ""
