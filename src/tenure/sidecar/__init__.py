"""The sidecar: a candidate whose leadership programs in any language ask for over HTTP."""

from __future__ import annotations

from tenure.sidecar.campaign import Campaign
from tenure.sidecar.kinds import LOCK_KINDS, LockPlace
from tenure.sidecar.run import Sidecar, run_sidecar

__all__ = ["LOCK_KINDS", "Campaign", "LockPlace", "Sidecar", "run_sidecar"]
