"""A token that does not tell its election, as one that was read from ``TENURE_FENCING_TOKEN`` alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tenure import ConfigurationError, FencingToken
from tenure.fencing.kubernetes import fenced
from tenure.fencing.ledger import raise_ledger
from tenure.fencing.sqlite import BlockingSqliteFence, SqliteFence

NAMELESS = FencingToken.parse("184")
READ = {"kind": "ConfigMap", "metadata": {"name": "state", "resourceVersion": "7"}}

refused = pytest.raises(ConfigurationError, match=r"token 184 names no election.*election='NAMESPACE/NAME'")


def test_it_does_not_pass_beside_a_higher_one_in_an_object() -> None:
    raised = fenced(READ, FencingToken(0, 203, "default/reports"))
    with refused:
        fenced(raised, NAMELESS)
    with refused:
        raise_ledger(None, NAMELESS, "here")


def test_it_does_not_become_the_election_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "fence"
    with refused:
        BlockingSqliteFence(path).raise_to(NAMELESS)
    with refused:
        asyncio.run(SqliteFence(path).raise_to(NAMELESS))
    BlockingSqliteFence(path).raise_to(FencingToken(0, 1, "default/reports"))
