"""An embedded API server for each test, and the examples as members of one election there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tenure.testing.pytest_plugin import RunningDevServer
from tests.devserver.api import Api
from tests.examples.members import Members


@pytest.fixture
def members(tmp_path: Path, tenure_devserver: RunningDevServer) -> Iterator[Members]:
    members = Members(tmp_path, tenure_devserver.kubeconfig, Api(tenure_devserver.url))
    try:
        yield members
    finally:
        members.end()
