"""What can happen to datagrams beside what happens to every packet."""

from __future__ import annotations

import random

from tests.chaos.network import Choice
from tests.chaos.trouble import Trouble

__all__ = ["PEER_FAULTS"]


def _long_delay(rng: random.Random) -> tuple[str, Trouble]:
    delay_s, jitter_s = rng.uniform(0, 1), rng.uniform(1, 3)
    words = f"each packet {delay_s:.1f} to {delay_s + jitter_s:.1f} s on its way"
    return words, Trouble(delay_s=delay_s, jitter_s=jitter_s)


def _copies(rng: random.Random) -> tuple[str, Trouble]:
    share, delay_s = rng.choice((0.3, 1.0)), rng.choice((0.0, 0.2, 3.0))
    words = f"{share:.0%} of the packets twice, the second up to {delay_s:g} s later"
    return words, Trouble(copied=share, copy_delay_s=delay_s)


PEER_FAULTS: dict[str, Choice] = {
    "packets seconds late": _long_delay,
    "packets doubled": _copies,
}
