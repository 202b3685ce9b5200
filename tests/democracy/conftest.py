"""What tests with the real democracy.js need."""

from __future__ import annotations

import contextlib
import os

import pytest

from tests.cluster.build import BinaryUnavailableError
from tests.democracy.package import installed, is_installed


@pytest.fixture(scope="session")
def democracy_js(request: pytest.FixtureRequest) -> None:
    """Install what is missing, in sight; without it skip, or fail in CI, where a skip would go unseen."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    quick = is_installed() or not capture
    with contextlib.nullcontext() if quick else capture.global_and_fixture_disabled():
        try:
            installed()
        except BinaryUnavailableError as error:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))
