"""Run one scene in a process of its own and print what was read: ``python -m tests.endurance.run``.

A process of its own, so that nothing is read but what the electors hold: the test's own growth, and that of
the API server, whose log of requests fills up, stay elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path

from tests.endurance.ground import Ground
from tests.endurance.relay import Relay
from tests.endurance.scenes import SCENES


def main(scene: str, first: str, last: str, kubeconfig: str = "") -> None:
    """Play the scene, on a server if a kubeconfig is named."""
    ground = Ground.on_server(Path(kubeconfig)) if kubeconfig else Ground.in_memory()

    # Every line is made as usual, and goes nowhere.
    logging.basicConfig(level=logging.INFO, filename="/dev/null")

    async def play() -> None:
        relay = Relay(int(first), int(last))
        audience = await SCENES[scene](ground, relay)
        print(
            json.dumps(
                {
                    "changes": relay.changes,
                    "per_second": relay.per_second(),
                    "losses": audience.losses,
                    "told": audience.told,
                    "readings": [asdict(reading) for reading in relay.readings],
                }
            )
        )

    asyncio.run(play())


main(*sys.argv[1:])
