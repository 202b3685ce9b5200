"""Every transcript still shows what the core does; REWRITE_TRANSCRIPTS=1 writes them anew, for review."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tenure.testing.transcript import rewritten

TRANSCRIPTS = sorted((Path(__file__).parents[1] / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path) -> None:
    text = path.read_text()
    now = rewritten(text)
    if os.environ.get("REWRITE_TRANSCRIPTS"):
        path.write_text(now)
    else:
        assert text == now


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript_says_which_rule_it_shows(path: Path) -> None:
    assert path.read_text().startswith("# ")


def test_two_leaders_show_in_a_transcript() -> None:
    commands = "candidate a\ncandidate b\nconnect a\ncampaign a\ndisconnect a\ndelete\nconnect b\ncampaign b"
    assert "TWO LEADERS: a and b" in rewritten(commands)
