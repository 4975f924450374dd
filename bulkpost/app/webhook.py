"""Telling a webhook how a command ended: one POST, within some seconds, whatever comes back.

The URL is a secret: whoever knows it may post there. It is shown by no message and no log.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import anyio
import msgspec
from msgspec.structs import replace

from bulkpost.clock import Clock
from bulkpost.destination import is_loopback
from bulkpost.errors import AttemptError, ConfigError
from bulkpost.exchange import Request
from bulkpost.secret import Secret
from bulkpost.transport.http import HttpTransport
from bulkpost.transport.settings import TransportSettings

VARIABLE: Final = "BULKPOST_NOTIFY"
TOTAL_S: Final = 10.0
_GIVE_UP_S: Final = 15.0
_CHARS_MAX: Final = 2_000


def checked_webhook(url: Secret) -> Secret:
    """Return the URL of a webhook if it may be posted to.

    Raises:
        ConfigError: It is not https, and not on this machine; the message does not show it.
    """
    text = url.reveal()
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("is not a URL") from None
    if len(text) > _CHARS_MAX or not text.isascii() or any(char <= " " for char in text):
        raise _refused("is not a URL")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _refused("has a user, a password or a fragment in it")
    if parts.scheme == "https" and host:
        return url
    if parts.scheme == "http" and is_loopback(host):
        return url
    raise _refused("is neither https nor on this machine")


async def notify(
    url: Secret, document: Mapping[str, Any], settings: TransportSettings, clock: Clock
) -> str | None:
    """Post a document as JSON, once; a redirect is not followed.

    Args:
        url: As ``checked_webhook`` returned it.
        document: JSON values, no lead data.
        settings: Whose certificate authorities and proxies to use.
        clock: For the transport.

    Returns:
        What went wrong, without the URL; None if the webhook took it.
    """
    brief = replace(
        settings, connect_s=TOTAL_S / 2, read_s=TOTAL_S, total_s=TOTAL_S, reply_bytes_max=1024
    )
    headers = {"Content-Type": "application/json", "Accept": "*/*"}
    request = Request("POST", url.reveal(), headers, msgspec.json.encode(document))
    with anyio.move_on_after(_GIVE_UP_S):
        try:
            async with HttpTransport(brief, 1, clock) as transport:
                reply = await transport.send(request)
        except AttemptError as error:
            # It begins with host and port and may quote the host: of some webhooks, the secret.
            words = error.message.partition(" ")[2]
            return f"it {words.replace(urlsplit(url.reveal()).hostname or ' ', '…')}"
        return None if 200 <= reply.status < 300 else f"it answered {reply.status}"
    return f"no answer within {_GIVE_UP_S:.0f} s"


def _refused(why: str) -> ConfigError:
    return ConfigError(
        f"the URL of the webhook to notify {why}",
        advice="Give one such as https://hooks.example.com/...; on this machine http will do. It "
        "is not shown here, for it is a secret.",
    )
