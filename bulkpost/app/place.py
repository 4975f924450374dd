"""Where what a command sends goes; with ``--sandbox``, the sandbox itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bulkpost.app.items import Items
from bulkpost.app.order import Observer, Order
from bulkpost.destination import Destination


@asynccontextmanager
async def destination_for(
    items: Items[Any], order: Order, observer: Observer
) -> AsyncIterator[Destination]:
    """Return where items go; with ``--sandbox``, serve it as long as it is used."""
    if not order.is_sandbox:
        yield items.destination(order.settings)
        return
    # Heavy, and for this one flag only.
    from bulkpost.sandbox.feedback import FeedbackSettings  # noqa: PLC0415
    from bulkpost.sandbox.sandbox import Sandbox  # noqa: PLC0415
    from bulkpost.sandbox.server import serve  # noqa: PLC0415
    from bulkpost.sandbox.settings import SandboxSettings, load_settings  # noqa: PLC0415

    config = order.sandbox_config
    # It ends with the command, so that no lead of an earlier one is there to have an event.
    plain = SandboxSettings(feedback=FeedbackSettings(events="any"))
    sandbox = Sandbox(load_settings(config) if config else plain)
    # Real leads may go to it, and other users of the machine can reach it.
    async with serve(sandbox, tells_leads=False) as address:
        observer.noted(f"embedded sandbox at {address.origin}")
        yield items.embedded(order.settings, address.origin)
