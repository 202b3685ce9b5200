"""Every scene still shows what peers tell each other; REWRITE_TRANSCRIPTS=1 writes them anew, for review."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.peer.scene import rewritten

SCENES = sorted((Path(__file__).parent / "scenes").glob("*.txt"))


@pytest.mark.parametrize("path", SCENES, ids=lambda path: path.stem)
def test_scene(path: Path) -> None:
    text = path.read_text()
    now = rewritten(text)
    if os.environ.get("REWRITE_TRANSCRIPTS"):
        path.write_text(now)
    else:
        assert text == now


@pytest.mark.parametrize("path", SCENES, ids=lambda path: path.stem)
def test_scene_says_what_it_shows(path: Path) -> None:
    assert path.read_text().startswith("# ")
