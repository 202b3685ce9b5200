"""Electorate: who votes, by which durations, and how both change without a gap."""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Self

from tenure.errors import ConfigurationError

__all__ = ["Electorate"]

SIZES = (1, 3, 5)
_HIGHEST_EPOCH = 2**64 - 1  # that a datagram can tell
# Between the clock that is read and the timer that fires, and for the resolution of both.
_EPSILON_S = 0.01


@dataclass(frozen=True, kw_only=True)
class Electorate:
    """The fixed voters of an election; other candidates may come and go.

    A change of voters is a new epoch that names the previous ones: until a majority of them is known to have
    left the epoch before, and what was granted there has run out, both majorities are needed.

    Attributes:
        voters: their names: 3 or 5, or 1 where there is nothing to lose.
        previous: those of the epoch before, while both count; empty: they are the same, or do not count.
        epoch: rises with every change of voters or durations.
        lease: T, seconds.
        longest_lease: M, seconds: how long a voter is silent after its start; at least as long as any lease
            that was granted before it, so the last to be lowered.
        clock_rate_bound: rho, by how much the rates of two machines' clocks may differ.

    Raises:
        ConfigurationError: this cannot work; the message names the fault.
    """

    voters: tuple[str, ...]
    previous: tuple[str, ...] = ()
    epoch: int = 0
    lease: float = 2.0
    longest_lease: float = 2.5
    clock_rate_bound: float = 0.01

    def __post_init__(self) -> None:
        for what, names in (("voters", self.voters), ("previous voters", self.previous)):
            if len(set(names)) != len(names) or "" in names:
                raise ConfigurationError(f"{what} must be distinct names, not {', '.join(names)}.")
        if len(self.voters) not in SIZES:
            raise ConfigurationError(
                f"there must be 3 or 5 voters (or 1 for a trial), not {len(self.voters)}: "
                "other candidates need no vote."
            )
        is_integer = isinstance(self.epoch, int) and not isinstance(self.epoch, bool)
        if not (is_integer and 0 <= self.epoch <= _HIGHEST_EPOCH):
            raise ConfigurationError(
                f"the voters' epoch must be an integer from 0 to {_HIGHEST_EPOCH}, not {self.epoch!r}."
            )
        if self.previous and not self.epoch:
            raise ConfigurationError("previous voters need an epoch above 0, higher than that they voted in.")
        longest = self.longest_lease
        # (A silence of no number would never begin, one without an end never end.)
        if not (isinstance(longest, int | float) and math.isfinite(longest)):
            raise ConfigurationError(f"the longest lease must be a number of seconds, not {longest!r}.")
        if self.lease > self.longest_grant:
            least = self.lease * (1 + self.clock_rate_bound) + _EPSILON_S
            raise ConfigurationError(
                f"the longest lease ({self.longest_lease:g} s) must be at least {least:g} s for a lease of "
                f"{self.lease:g} s; raise it everywhere before the lease is raised."
            )

    @property
    def longest_grant(self) -> float:
        """The longest T that a voter grants: T(1+rho)+epsilon = M; seconds."""
        return (self.longest_lease - _EPSILON_S) / (1 + self.clock_rate_bound)

    @property
    def everyone(self) -> tuple[str, ...]:
        """All whose vote counts, present voters first."""
        return self.voters + tuple(name for name in self.previous if name not in self.voters)

    def is_majority(self, names: Collection[str]) -> bool:
        """Tell whether these suffice: a majority of the voters, and of the previous ones while they count."""
        return _is_majority(self.voters, names) and (not self.previous or _is_majority(self.previous, names))

    def has_left(self, names: Collection[str]) -> bool:
        """Tell whether the epoch before cannot elect any more, once these are known to have left it."""
        return not self.previous or _is_majority(self.previous, names)

    @property
    def digest(self) -> int:
        """Of the voters: with 32 bits, and the same in any order of them."""
        return zlib.crc32("\0".join(sorted(self.voters)).encode())

    def alone(self) -> Self:
        """Return the electorate without the previous voters: the change is complete."""
        return replace(self, previous=())


def _is_majority(voters: tuple[str, ...], names: Collection[str]) -> bool:
    return 2 * sum(voter in names for voter in voters) > len(voters)
