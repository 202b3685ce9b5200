"""An embedded Kubernetes API server, in memory and in one process, for development and tests."""

from __future__ import annotations

from tenure.devserver.app import LoggedRequest
from tenure.devserver.server import DevServer, running_devserver

__all__ = ["DevServer", "LoggedRequest", "running_devserver"]
