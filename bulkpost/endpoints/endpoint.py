"""What the engine needs to know of an address that takes items one by one."""

from typing import Protocol, TypeVar

from bulkpost.endpoints.evidence import Evidence
from bulkpost.exchange import Reply, Request
from bulkpost.outcome import Verdict

ItemT_contra = TypeVar("ItemT_contra", contravariant=True)


class Endpoint(Protocol[ItemT_contra]):
    """Turns an item into a request and its reply into a verdict. Pure."""

    def request(self, item: ItemT_contra, generated: tuple[tuple[str, str], ...] = ()) -> Request:
        """Return the request that submits an item.

        Args:
            item: What is sent.
            generated: (field name, text) pairs of ours to send with it, such as the reference.
        """
        ...

    def verdict(self, reply: Reply, item: ItemT_contra) -> Verdict:
        """Say what a reply means for its item; never raises, whatever the bytes."""
        ...

    def evidence(self, request: Request, reply: Reply, item: ItemT_contra) -> Evidence:
        """Return what LeadConduit's support asks for, as JSON values without personal data."""
        ...
