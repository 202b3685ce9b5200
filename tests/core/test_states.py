"""The transition table, and the diagram that is drawn from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.election import Election
from tenure.states import HOLDING, IN_TERM, TRANSITIONS, State, diagram
from tenure.timing import Timing

DESIGN = Path(__file__).parents[2] / "docs" / "design.md"
INPUTS = {"campaign": "campaign", "release": "body_ended"}


def _in_state(state: State) -> Election:
    election = Election(identity="a", incarnation="a", timing=Timing(), draw=lambda: 0.0)
    election.state = state
    return election


@pytest.mark.parametrize("cause", sorted(TRANSITIONS))
@pytest.mark.parametrize("state", list(State))
def test_what_the_table_does_not_name_is_impossible(cause: str, state: State) -> None:
    election = _in_state(state)
    if state in TRANSITIONS[cause]:
        election._enter(cause)
        assert election.state is TRANSITIONS[cause][state]
    else:
        with pytest.raises(RuntimeError, match=f"impossible transition: {cause} while {state}"):
            election._enter(cause)
        assert election.state is state


@pytest.mark.parametrize("state", [state for state in State if state is not State.IDLE])
def test_no_campaign_begins_before_the_last_one_is_over(state: State) -> None:
    with pytest.raises(RuntimeError, match="impossible transition: campaign"):
        _in_state(state).campaign(0.0)


@pytest.mark.parametrize("state", [State.IDLE, State.CAMPAIGNING, State.PROVING, State.RELEASING])
def test_no_body_ends_that_has_not_begun(state: State) -> None:
    with pytest.raises(RuntimeError, match="impossible transition: release"):
        _in_state(state).body_ended(0.0)


def test_every_state_is_reached_and_left() -> None:
    reached = {after for changes in TRANSITIONS.values() for after in changes.values()}
    left = {before for changes in TRANSITIONS.values() for before in changes}
    assert reached == left == set(State)


def test_a_valid_term_is_a_held_one() -> None:
    assert set(IN_TERM) < set(HOLDING)


def test_the_diagram_has_one_arrow_for_each_transition() -> None:
    arrows = [line for line in diagram().splitlines() if "-->" in line]
    assert len(arrows) == 1 + sum(len(changes) for changes in TRANSITIONS.values())
    assert "    leading --> draining: drain" in arrows


def test_the_design_shows_the_diagram_as_it_is() -> None:
    assert diagram() in DESIGN.read_text()
