"""The pytest plugin: a Kubernetes API server in memory, for tests of programs that elect leaders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tenure.devserver import DevServer

__all__ = ["RunningDevServer", "tenure_devserver"]


@dataclass(frozen=True)
class RunningDevServer:
    """A development API server at work.

    Attributes:
        url: its base URL.
        kubeconfig: the path of a kubeconfig for it.
        server: the server itself, with its log of `requests`.
    """

    url: str
    kubeconfig: Path
    server: DevServer


@pytest.fixture
def tenure_devserver(tmp_path: Path) -> Iterator[RunningDevServer]:
    """A Kubernetes API server in memory, empty, in a thread of its own: for synchronous and asyncio tests."""
    # Imported late: the plugin is loaded by every pytest run, also by those that never use it.
    from tenure.devserver import running_devserver

    with running_devserver() as server:
        kubeconfig = server.kubeconfig(tmp_path / "tenure-devserver.kubeconfig")
        yield RunningDevServer(url=server.url, kubeconfig=kubeconfig, server=server)
