"""What the engine needs of a transport."""

from typing import Protocol

from bulkpost.exchange import Reply, Request


class Transport(Protocol):
    """Carries one request and brings its reply."""

    async def send(self, request: Request) -> Reply:
        """Send once. Any HTTP status is a reply, not an error.

        A reply whose body did not come whole says so in ``Reply.cut``. A cancellation passes
        through; the request may have left by then.

        Raises:
            NotSentError: The server cannot have seen the request.
            InDoubtError: The server may have seen it, and no status came back.
        """
        ...
