"""What aiohttp raised, in words that may be shown: no URL, no header, no body."""

import errno
import os
import ssl
from typing import Final

import aiohttp
from yarl import URL

from bulkpost.transport.wire import RepeatedError

CERTIFICATE_ADVICE: Final = (
    "Nothing was sent. Check the host name and this machine's clock; if the host's authority is "
    "your own, name its PEM file in transport.ca_file."
)


def place(url: URL) -> str:
    """Return host and port."""
    return f"{url.host}:{url.port}"


def unsent_in_words(error: Exception) -> str:
    """Return what kept a request from leaving, as the rest of a sentence that begins with where."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"has a certificate that is not to be trusted ({_certificate_fault(error)})"
        case aiohttp.ClientConnectorDNSError():
            return "cannot be found: the name does not resolve"
        case aiohttp.ClientConnectorSSLError():
            return "does not speak TLS as it should"
        case TimeoutError():
            return "did not accept a connection in time"
        case _:
            return f"cannot be connected to ({_os_reason(error)})"


def lost_in_words(error: Exception) -> str:
    """Return how the answer got lost, as the rest of a sentence that begins with where."""
    match error:
        case TimeoutError():
            return "took the request and did not answer in time"
        case aiohttp.ClientResponseError():
            return "answered with something that is not HTTP"
        case OSError(errno=errno.ECONNRESET | errno.EPIPE):
            return "reset the connection instead of answering"
        case aiohttp.ServerDisconnectedError() | RepeatedError():
            return "closed the connection instead of answering"
        case _:
            return "was lost while the request was under way"


def unread_in_words(error: Exception) -> str:
    """Return why a body is not whole."""
    match error:
        case TimeoutError():
            return "no more came in time"
        case aiohttp.ClientPayloadError() if _is_coding_error(error):
            return "the body cannot be decompressed"
        case _:
            return "connection lost"


def _is_coding_error(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, aiohttp.http_exceptions.ContentEncodingError):
            return True
        cause = cause.__cause__
    return "ContentEncodingError" in str(error) or "Can not decode content-encoding" in str(error)


def _os_reason(error: Exception) -> str:
    reason = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(reason, OSError) and reason.errno is not None:
        return os.strerror(reason.errno).lower()  # its own text may quote the URL
    return "the connection was closed at once"


def _certificate_fault(error: aiohttp.ClientConnectorCertificateError) -> str:
    fault = error.certificate_error
    if isinstance(fault, ssl.SSLCertVerificationError):
        return fault.verify_message.rstrip(".")
    return "it does not fit the host name"
