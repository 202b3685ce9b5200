"""Our candidates and client-go's in one election, on the real API server."""

from __future__ import annotations

import time

import pytest

from tests.cluster.candidate_process import CandidateProcess
from tests.cluster.fixtures import StartClientGo
from tests.walks.conftest import StartOurs
from tests.walks.places import SHARED_KINDS

pytestmark = pytest.mark.cluster

kinds = pytest.mark.parametrize("kind", SHARED_KINDS)
SHORT = {"lease_duration_s": 4, "renew_deadline_s": 3, "retry_period_s": 1}


def start_theirs(client_go: StartClientGo, kind: str) -> CandidateProcess:
    return client_go("theirs", lock=kind, version=SHARED_KINDS[kind], **SHORT)


def start_ours(ours: StartOurs, kind: str) -> CandidateProcess:
    return ours("ours", lock=kind, lease_duration_s=4)


def ends_by(candidate: CandidateProcess, how: str) -> None:
    """End a leader, by a release or by letting its record run out."""
    if how == "release":
        # client-go's release fails if it meets a renewal on its way; half-way between two none is.
        time.sleep(0.5)
        candidate.terminate()
    else:
        candidate.kill()


def check_they_never_led_together(first: CandidateProcess, second: CandidateProcess, how: str) -> None:
    """A killed one leads no more; one of ours that releases ends its term before the next begins.

    client-go frees the record first and tells its program afterwards: of its end there is no order to check.
    """
    began = second.wait_for("started")["boottime"]
    if how == "release" and first.identity == "ours":
        assert first.wait_for("stopped")["boottime"] <= began


@kinds
@pytest.mark.parametrize("how", ["release", "expiry"])
def test_we_take_over_from_client_go(client_go: StartClientGo, ours: StartOurs, kind: str, how: str) -> None:
    theirs = start_theirs(client_go, kind)
    theirs.wait_for("started")
    mine = start_ours(ours, kind)
    mine.wait_for("leader", leader="theirs")
    ends_by(theirs, how)
    check_they_never_led_together(theirs, mine, how)


@kinds
@pytest.mark.parametrize("how", ["release", "expiry"])
def test_client_go_takes_over_from_us(client_go: StartClientGo, ours: StartOurs, kind: str, how: str) -> None:
    mine = start_ours(ours, kind)
    mine.wait_for("started")
    theirs = start_theirs(client_go, kind)
    theirs.wait_for("leader", leader="ours")
    ends_by(mine, how)
    check_they_never_led_together(mine, theirs, how)


def test_a_rival_of_the_same_name_ends_our_term(client_go: StartClientGo, ours: StartOurs) -> None:
    """client-go takes a record of its own name for its own and renews it at once, with our annotations."""
    mine = ours("twin")
    mine.wait_for("started")
    theirs = client_go("twin")
    theirs.wait_for("started")
    mine.wait_for("stopped")
