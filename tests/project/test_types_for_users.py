"""What type checkers tell those who use tenure."""

from __future__ import annotations

from pathlib import Path

from tests.project.test_checks import BIN, run

LEADER_ONLY = """
from typing import assert_type

from tenure import LeaderElector, blocking

elector, threads = LeaderElector("reports"), blocking.LeaderElector("reports")

@elector.leader_only
def plain(n: int, *, text: str = "") -> float:
    return n / 2

@elector.leader_only
async def coroutine(n: int) -> str:
    return str(n)

class Outbox:
    @elector.leader_only
    async def send(self, n: int) -> str:
        return str(n)

    @threads.leader_only
    def count(self, n: int) -> int:
        return n

async def main() -> None:
    assert_type(plain(1, text="a"), float)
    assert_type(await coroutine(1), str)
    assert_type(await Outbox().send(1), str)
    assert_type(Outbox().count(1), int)
    plain("a")  # type: ignore[arg-type]
    Outbox().count(1, 2)  # type: ignore[call-arg]
"""


def test_leader_only_keeps_the_signature(tmp_path: Path) -> None:
    """Also what may not be passed: an ignored error that is none is an error."""
    source = tmp_path / "leader_only.py"
    source.write_text(LEADER_ONLY)
    run(str(BIN / "mypy"), "--config-file=pyproject.toml", str(source))
