"""Commands that look at elections, run against an API server of the test's own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from tenure.testing.pytest_plugin import RunningDevServer
from tests.devserver.api import Api
from tests.sidecar.process import run_tenure

Tenure = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def tenure(tenure_devserver: RunningDevServer) -> Tenure:
    """Run a command as somebody does whose kubeconfig leads to the test's server."""
    return lambda *arguments: run_tenure(*arguments, KUBECONFIG=str(tenure_devserver.kubeconfig))


@pytest.fixture
def api(tenure_devserver: RunningDevServer) -> Api:
    """A client of the test's server."""
    return Api(tenure_devserver.url)
