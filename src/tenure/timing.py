"""Timing: the durations of an election, validated as a whole."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from tenure.errors import ConfigurationError

__all__ = ["Timing"]

# Defaults in seconds; durations left out follow lease_duration in their ratio, 15 : 10 : 5 : 2.
_LEASE, _RENEW_DEADLINE, _RENEW_PERIOD, _RETRY_PERIOD = 15.0, 10.0, 5.0, 2.0
# Long enough for a watch event and a write, short beside a takeover after a crash.
_LONGEST_HEAD_START = 0.5


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The durations of an election, in seconds; fractions of a second are fine everywhere.

    Attributes:
        lease_duration: L. How long others wait after the newest change before they may take over.
        renew_deadline: D. Counted from the sending of the last accepted write: the term is over then.
        renew_period: from the sending of one accepted write to the sending of the next.
        retry_period: between reads where a lock cannot be watched, and before a watch is tried again.
        clock_rate_bound: how much the rates of two machines' clocks may differ, as a fraction.

    Raises:
        ConfigurationError: one sentence for each fault.
    """

    lease_duration: float = _LEASE
    renew_deadline: float = math.nan
    renew_period: float = math.nan
    retry_period: float = math.nan
    clock_rate_bound: float = 0.01

    def __post_init__(self) -> None:
        # An unusable lease_duration is one fault, not one for each duration that would follow it.
        scale = self.lease_duration / _LEASE if _is_duration(self.lease_duration) else 1.0
        self._default("renew_deadline", _RENEW_DEADLINE * scale)
        self._default("renew_period", _RENEW_PERIOD * scale)
        self._default("retry_period", _RETRY_PERIOD * scale)
        if faults := self._faults():
            raise ConfigurationError(" ".join(faults))

    def _default(self, name: str, value: float) -> None:
        given = getattr(self, name)
        if isinstance(given, float) and math.isnan(given):
            object.__setattr__(self, name, value)

    def _faults(self) -> list[str]:
        unusable = [
            f"{field.name} must be a positive number of seconds, not {getattr(self, field.name)!r}."
            for field in fields(self)
            if field.name != "clock_rate_bound" and not _is_duration(getattr(self, field.name))
        ]
        rho = self.clock_rate_bound
        if not (isinstance(rho, int | float) and 0 <= rho < 0.5):
            unusable.append(f"clock_rate_bound must be a fraction from 0 to 0.5, not {rho!r}.")
        return unusable or self._disorder()

    def _disorder(self) -> list[str]:
        faults = []
        if not self.lease_duration > self.renew_deadline:
            faults.append(
                f"lease_duration ({self.lease_duration:g} s) must be longer than "
                f"renew_deadline ({self.renew_deadline:g} s)."
            )
        elif not self.overrun_limit > self.renew_deadline:
            faults.append(
                f"renew_deadline ({self.renew_deadline:g} s) leaves no room for the clock-rate bound: it "
                f"must be shorter than lease_duration * (1 - clock_rate_bound) ({self.overrun_limit:g} s)."
            )
        if not self.renew_deadline > self.renew_period:
            faults.append(
                f"renew_deadline ({self.renew_deadline:g} s) must be longer than "
                f"renew_period ({self.renew_period:g} s)."
            )
        if not self.renew_deadline > self.retry_period:
            faults.append(
                f"renew_deadline ({self.renew_deadline:g} s) must be longer than "
                f"retry_period ({self.retry_period:g} s)."
            )
        return faults

    @property
    def overrun_limit(self) -> float:
        """Seconds after the sending of the last accepted write at which a body must be gone: L(1-rho)."""
        return self.lease_duration * (1 - self.clock_rate_bound)

    @property
    def head_start(self) -> float:
        """Seconds for which a contender lets another one go first that has the better claim."""
        return min(_LONGEST_HEAD_START, self.lease_duration / 10)

    def takeover_delay(self, lease_duration: float) -> float:
        """Return the seconds to wait after the newest change of a record with this duration: L(1+rho)."""
        return lease_duration * (1 + self.clock_rate_bound)


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
