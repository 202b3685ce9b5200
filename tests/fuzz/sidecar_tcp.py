"""SidecarTcp: the sidecar's HTTP surface, over connections that are accepted from the network."""

from __future__ import annotations

from tests.fuzz.sidecar import make_target_over_tcp as make_target

__all__ = ["make_target"]
