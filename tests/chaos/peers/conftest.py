"""What tests among peers need."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.chaos.peers.switch import Switch, SwitchUnavailableError
from tests.cluster.folder import create_folder, remove_folder


@pytest.fixture
def switch() -> Iterator[Switch]:
    """One with two ports; where there can be none, skip, or fail in CI, where a skip would go unseen."""
    folder = create_folder()
    try:
        switch = Switch(folder)
        try:
            switch.start(2)
        except SwitchUnavailableError as error:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))
        yield switch
        switch.stop()
    finally:
        remove_folder(folder)
