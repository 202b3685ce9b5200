"""The states of a candidate, and the only transitions between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tenure.token import FencingToken

__all__ = ["HOLDING", "IN_TERM", "TRANSITIONS", "State", "TermState", "diagram"]


class State(StrEnum):
    """Where a candidate stands."""

    IDLE = "idle"
    CAMPAIGNING = "campaigning"
    PROVING = "proving"  # holds a record that it created, and waits until no older leader can be alive
    LEADING = "leading"
    DRAINING = "draining"  # gives the term up: valid and renewing while the body ends
    LOST = "lost"  # the term is over, the body has not ended yet
    RELEASING = "releasing"  # the body has ended, the record is not free yet


# cause -> {state before: state after}; anything else is impossible and raises. docs/design.md draws it.
TRANSITIONS: dict[str, dict[State, State]] = {
    "campaign": {State.IDLE: State.CAMPAIGNING},
    "hold": {State.CAMPAIGNING: State.PROVING},
    "elect": {State.CAMPAIGNING: State.LEADING, State.PROVING: State.LEADING},
    "lose": {State.PROVING: State.CAMPAIGNING, State.LEADING: State.LOST, State.DRAINING: State.LOST},
    "drain": {State.LEADING: State.DRAINING},
    "abandon": {State.CAMPAIGNING: State.RELEASING},
    "release": {State.LEADING: State.RELEASING, State.DRAINING: State.RELEASING},
    "stop": {
        State.CAMPAIGNING: State.IDLE,
        State.PROVING: State.IDLE,
        State.LOST: State.IDLE,
        State.RELEASING: State.IDLE,
    },
}

IN_TERM = (State.LEADING, State.DRAINING)
HOLDING = (State.PROVING, State.LEADING, State.DRAINING)


def diagram() -> str:
    """Return the transitions as a mermaid state diagram, one arrow for each."""
    arrows = [
        f"    {before} --> {after}: {cause}"
        for cause, changes in TRANSITIONS.items()
        for before, after in changes.items()
    ]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {State.IDLE}", *arrows])


@dataclass(slots=True)
class TermState:
    """One tenure in the core.

    Attributes:
        uid: of the object that it holds.
        token: its fencing token.
        since: s, the sending of its last accepted write; boot time, seconds (rule 1).
    """

    uid: str
    token: FencingToken
    since: float
