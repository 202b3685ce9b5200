"""CpuQuota: processes that may have only so much of a CPU, by a control group."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterable
from pathlib import Path

__all__ = ["CpuQuota", "CpuQuotaUnavailableError"]

PERIOD_US = 100_000  # as the kubelet has it
_V1, _V2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
_LEAVING_S = 5.0
_numbers = itertools.count()


class CpuQuotaUnavailableError(RuntimeError):
    """There are no control groups with a quota here; says why."""


class CpuQuota:
    """A control group, version 1 or 2, until it is closed; its processes go back to the root then.

    Args:
        share: of one CPU, for all processes in it together.

    Raises:
        CpuQuotaUnavailableError: it cannot be made.
    """

    def __init__(self, share: float) -> None:
        quota_us = max(round(share * PERIOD_US), 1000)
        self._root = _V1 if (_V1 / "cpu.cfs_quota_us").exists() else _V2
        self._folder = self._root / f"tenure-quota-{os.getpid()}-{next(_numbers)}"
        try:
            if self._root == _V2:
                (_V2 / "cgroup.subtree_control").write_text("+cpu")
            self._folder.mkdir()
        except OSError as error:
            raise CpuQuotaUnavailableError(
                f"no control groups: {error.strerror}: {error.filename}"
            ) from error
        try:
            if self._root == _V2:
                (self._folder / "cpu.max").write_text(f"{quota_us} {PERIOD_US}")
            else:
                (self._folder / "cpu.cfs_period_us").write_text(str(PERIOD_US))
                (self._folder / "cpu.cfs_quota_us").write_text(str(quota_us))
        except OSError as error:
            self.close()
            raise CpuQuotaUnavailableError(f"no quota: {error.strerror}: {error.filename}") from error

    def add(self, processes: Iterable[int]) -> None:
        """Put processes into it, with all their threads; those that have ended are left out."""
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                (self._folder / "cgroup.procs").write_text(str(process))

    @property
    def throttled_s(self) -> float:
        """For how long the processes were kept from running that wanted to, in all; seconds."""
        fields = dict(line.split() for line in (self._folder / "cpu.stat").read_text().splitlines())
        if "throttled_usec" in fields:
            return int(fields["throttled_usec"]) / 1e6
        return int(fields["throttled_time"]) / 1e9

    def close(self) -> None:
        """Set its processes free and remove it. May be repeated."""
        deadline = time.monotonic() + _LEAVING_S
        while self._folder.exists():
            try:
                for process in (self._folder / "cgroup.procs").read_text().split():
                    with contextlib.suppress(ProcessLookupError):
                        (self._root / "cgroup.procs").write_text(process)
                self._folder.rmdir()
            except OSError:
                if time.monotonic() > deadline:  # whoever is dying takes a moment
                    raise
                time.sleep(0.01)
