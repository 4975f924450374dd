"""Where the leads of a command go; with ``--sandbox``, the sandbox itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from bulkpost.app.order import Observer, Order
from bulkpost.config import destination_of
from bulkpost.destination import Destination, parse_url

SANDBOX_ALIAS: Final = "http://sandbox"


@asynccontextmanager
async def destination_for(order: Order, observer: Observer) -> AsyncIterator[Destination]:
    """Return where leads go; with ``--sandbox``, serve it as long as it is used."""
    if not order.is_sandbox:
        yield destination_of(order.settings)
        return
    # Heavy, and for this one flag only.
    from bulkpost.sandbox.sandbox import Sandbox  # noqa: PLC0415
    from bulkpost.sandbox.server import serve  # noqa: PLC0415
    from bulkpost.sandbox.settings import SandboxSettings, load_settings  # noqa: PLC0415

    config = order.sandbox_config
    sandbox = Sandbox(load_settings(config) if config else SandboxSettings())
    async with serve(sandbox) as address:
        observer.noted(f"embedded sandbox at {address.origin}")
        yield embedded(order, address.origin)


def embedded(order: Order, origin: str) -> Destination:
    """Return the embedded sandbox as a destination, with the flow and source of the settings."""
    settings = order.settings
    if settings.map.route:
        return Destination(origin, "", "", alias=SANDBOX_ALIAS)
    flow_id, source_id = settings.flow_id or "1" * 24, settings.source_id or "2" * 24
    if settings.url:
        real = parse_url(settings.url)
        return replace(real, origin=origin, alias=SANDBOX_ALIAS)
    return Destination(origin, "", "", alias=SANDBOX_ALIAS).routed(flow_id, source_id)
