import sys

import anyio
import pytest
from faultserver import fault_server, silence
from sending import BODY

CHILD = """
import sys, {loop} as loop
from sending import a_request, a_transport

async def main():
    async with a_transport() as transport:
        await transport.send(a_request(sys.argv[1]))

loop.run(main())
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_p5_a_process_that_dies_at_sent_has_sent(loop: str) -> None:
    """At the fault point "sent" the whole request is on the wire, on either event loop."""
    async with fault_server(silence()) as server:
        died = await anyio.run_process(
            [sys.executable, "-c", CHILD.format(loop=loop), server.url],
            check=False,
            env={"BULKPOST_FAULT": "sent:1", "PYTHONPATH": ":".join(sys.path)},
        )

    assert 137 == died.returncode, died.stderr
    assert [BODY] == [seen.body for seen in server.complete]
