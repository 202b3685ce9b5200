"""How many examples the fuzzing tests try: few in a test run, more where ``FUZZ_EXAMPLES`` says so."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.target import Target, alarm

__all__ = ["fuzz"]

_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "1000"))


def fuzz(make_target: Callable[[], Target], share: float = 1.0) -> None:
    """Let hypothesis decide about the inputs of a target, and shrink those that fail.

    Args:
        make_target: makes it.
        share: of the examples, for a target whose inputs are slow.
    """
    target = make_target()

    @settings(
        max_examples=max(1, int(_EXAMPLES * share)),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=False))
    def check(decisions: random.Random) -> None:
        with alarm():
            target.check(decisions)

    try:
        check()
    finally:
        target.close()
