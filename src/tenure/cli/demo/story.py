"""Story: the demo from its beginning to its end, whichever way that comes."""

from __future__ import annotations

import asyncio

from tenure.cli.demo.lock_stage import lock_stage
from tenure.cli.demo.peer_stage import peer_stage
from tenure.cli.demo.stage import say
from tenure.cli.exits import INTERRUPTED
from tenure.sidecar.termination import termination

__all__ = ["play"]


async def play(*, keep: bool, peers: bool) -> int:
    """Play the demo; whatever it starts is ended when this returns, whichever way.

    Args:
        keep: leave it running at the end, until a signal comes.
        peers: show an election among peers, instead of one by a lock.

    Returns:
        the exit status.

    Raises:
        DemoFailedError: something did not happen; the message says what.
    """
    with termination() as ending:
        async with peer_stage() if peers else lock_stage() as stage:
            story = asyncio.create_task(stage.tell(), name="demo story")
            stop = asyncio.create_task(ending.wait(), name="demo signals")
            try:
                await asyncio.wait({story, stop}, return_when=asyncio.FIRST_COMPLETED)
                if not story.done():
                    say("")
                    return INTERRUPTED
                story.result()
                if keep:
                    await stage.keep()
                    await stop
            finally:
                for task in (story, stop):
                    task.cancel()
                await asyncio.wait({story, stop})
    return 0
