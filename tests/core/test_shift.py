"""The core knows no date: a run that is shifted in time has the same outputs and the same fingerprints."""

from __future__ import annotations

from collections.abc import Hashable

from hypothesis import given, settings
from hypothesis import strategies as st

from tenure.election import Election, OnMissing
from tenure.events import Event
from tenure.fingerprint import fingerprint_of
from tenure.requests import Request, WriteRequest
from tenure.states import State
from tenure.testing.machine import MachineClock
from tenure.testing.world import Candidate, Observer, World
from tenure.timing import Timing

# Binary fractions all, so that sums of them are exact wherever they begin.
TIMING = Timing(
    lease_duration=16, renew_deadline=8, renew_period=4, retry_period=0.5, clock_rate_bound=0.0625
)
ACTIONS = st.sampled_from(
    [
        "answer",
        "answer",
        "answer",
        "apply",
        "lose",
        "refuse",
        "land",
        "touch",
        "delete",
        "tell",
        "late",
        "resign",
    ]
)
STEPS = st.lists(st.tuples(ACTIONS, st.integers(0, 1), st.sampled_from([0, 0.25, 1, 4, 16])), max_size=60)


class _Run(Observer):
    """One run of two candidates whose clocks both began at `start`."""

    def __init__(self, start: float, on_missing: OnMissing) -> None:
        self.outputs: list[tuple[str, Hashable]] = []
        self.world = World(self)
        for name in ("a", "b"):
            election = Election(
                identity=name, incarnation=name, timing=TIMING, draw=lambda: 0.5, on_missing=on_missing
            )
            self.world.add(Candidate(name, election, MachineClock(offset=start)))

    def said(self, candidate: Candidate, event: Event) -> None:
        self._note(candidate, event)

    def sent(self, candidate: Candidate, request: Request) -> None:
        self._note(candidate, request)

    def _note(self, candidate: Candidate, output: Event | Request) -> None:
        local = candidate.clock.local(self.world.now)
        self.outputs.append((candidate.name, fingerprint_of(output, local, horizon=1e6)))

    def step(self, action: str, number: int, wait_s: float) -> None:
        candidate = list(self.world.candidates.values())[number]
        if candidate.core.state is State.IDLE:
            self.world.call(candidate, "campaign")
        elif candidate.core.state in (State.LOST, State.DRAINING):
            self.world.call(candidate, "body_ended")
        self._act(action, candidate)
        self.world.advance(self.world.now + wait_s)

    def _act(self, action: str, candidate: Candidate) -> None:
        world, store = self.world, self.world.store
        if action in ("answer", "apply", "lose", "refuse") and candidate.pending is not None:
            acts = {"answer": world.deliver, "apply": world.apply, "lose": world.fail}
            acts.get(action, lambda c: world.fail(c, refused=True, retry_after_s=3))(candidate)
        elif action == "land" and candidate.limbo:
            world.land(candidate, min(candidate.limbo))
        elif action in ("touch", "delete") and store.head.record is not None:
            getattr(world, action)()
        elif action in ("tell", "late"):
            world.tell(candidate, store.history[max(0, store.version - (action == "late"))])
        elif action == "resign":
            world.call(candidate, "resign")

    def fingerprints(self) -> list[Hashable]:
        return [c.core.fingerprint(c.clock.local(self.world.now)) for c in self.world.candidates.values()]


@settings(deadline=None, max_examples=60)
@given(STEPS, st.integers(-(2**20), 2**20), st.sampled_from(["create", "wait"]))
def test_a_shift_of_time_changes_nothing(
    steps: list[tuple[str, int, float]], shift: int, on_missing: OnMissing
) -> None:
    here, there = _Run(0, on_missing), _Run(shift, on_missing)
    for step in steps:
        here.step(*step)
        there.step(*step)
        assert here.outputs == there.outputs
        assert here.fingerprints() == there.fingerprints()
        hash(tuple(here.fingerprints()))


def _leading() -> Candidate:
    world = World()
    election = Election(identity="a", incarnation="a", timing=TIMING, draw=lambda: 0.5)
    world.add(Candidate("a", election))
    world.connect(world.candidates["a"])
    world.call(world.candidates["a"], "campaign")
    return world.candidates["a"]


def test_fingerprints_tell_states_apart() -> None:
    idle = Election(identity="a", incarnation="a", timing=TIMING, draw=lambda: 0.5)
    leading = _leading().core
    assert idle.fingerprint(0) != leading.fingerprint(0)
    assert leading.fingerprint(0) != leading.fingerprint(1)


def test_a_fingerprint_covers_every_attribute_but_the_constant_ones() -> None:
    leading = _leading().core
    named = {name for name, _ in leading.fingerprint(0)[1:]}  # type: ignore[index]
    assert set(vars(leading)) - named == {"timing"}


def test_what_has_been_due_for_long_is_alike() -> None:
    election = _leading().core
    (request,) = election.requests_to_send(4)
    assert isinstance(request, WriteRequest)
    assert election.requests_to_send(100) == []
    assert election.state is State.LOST
    while election.next_event():
        pass
    assert election.fingerprint(1_000) == election.fingerprint(2_000)
