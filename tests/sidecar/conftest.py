"""An embedded API server for each test, and sidecars in one election there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tenure.devserver import DevServer, running_devserver
from tests.devserver.api import Api
from tests.sidecar.process import Sidecar

MakeSidecar = Callable[..., Sidecar]


@pytest.fixture
def devserver() -> Iterator[DevServer]:
    with running_devserver() as server:
        yield server


@pytest.fixture
def kubeconfig(devserver: DevServer, tmp_path: Path) -> Path:
    return devserver.kubeconfig(tmp_path / "kubeconfig")


@pytest.fixture
def api(devserver: DevServer) -> Api:
    return Api(devserver.url)


@pytest.fixture
def sidecar(kubeconfig: Path) -> Iterator[MakeSidecar]:
    """Start sidecars of the election ``example``, which are ended with the test."""
    with ExitStack() as stack:

        def start(name: str, *arguments: str, **options: Any) -> Sidecar:
            arguments = ("--election=example", f"--kubeconfig={kubeconfig}", *arguments)
            return stack.enter_context(Sidecar(name, *arguments, **options))

        yield start
