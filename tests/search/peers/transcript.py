"""Transcripts: a way that a search has found, played once more with all messages, and told line by line."""

from __future__ import annotations

from collections.abc import Iterator

from tenure.peer.acceptor import Answer, Demand
from tenure.peer.ballot import Ballot
from tenure.peer.messages import Held, Nack, Propose
from tests.search.peers.scene import Play, Scene, Step
from tests.search.peers.setting import Setting

__all__ = ["transcript"]


def transcript(setting: Setting, steps: list[Step]) -> str:
    """Return what happens in these steps, which end in a fault.

    Raises:
        ValueError: one of them is not possible, or breaks a rule too early, or the last one breaks none.
    """
    play, narrator = Play(setting), _Narrator(setting)
    scene, lines = play.first(), []
    for number, step in enumerate(steps, start=1):
        after = play.after(scene, step)
        if after is None or (play.fault is None) == (number == len(steps)):
            raise ValueError(f"step {number} of {len(steps)}, {step}: {play.fault or 'nothing is wrong'}")
        lines.append(f"{after.now} {narrator.told(scene, step, after)}")
        lines += [f"{after.now} {line}" for line in narrator.changes(play, scene, after)]
        scene = after
    return "\n".join([f"# Broken after {len(steps)} steps: {play.fault}", "", *lines, ""])


class _Narrator:
    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def told(self, scene: Scene, step: Step, after: Scene) -> str:
        """Return a line on a step."""
        return f"{self._what(scene, step)}{self._sent(scene, after)}"

    def changes(self, play: Play, scene: Scene, after: Scene) -> Iterator[str]:
        """Yield a line on each candidate whose lease has begun, was extended, or has ended."""
        before, now = play.owners(scene), play.owners(after)
        for who in now:
            proposer = after.candidates[who].proposer
            if proposer.owned is not None and proposer.owned != scene.candidates[who].proposer.owned:
                name, until = self._candidate(after, who), proposer.since + proposer.lease
                yield f"  {name} OWNS THE LEASE by {_ballot(proposer.owned)} until {until:g}"
        for who in before:
            if who not in now:
                yield f"  {self._candidate(scene, who)} owns it no more"

    def _what(self, scene: Scene, step: Step) -> str:
        match step.verb:
            case "deliver":
                return f"{_demand(step.what.demand)} reaches {self._voter(step.who)}"
            case "hear":
                answer, voter = _answer(step.what[1].answer), self._voter(step.what[0])
                return f"{answer} of {voter} reaches {self._candidate(scene, step.who)}"
            case "prepare" | "release" | "reborn":
                verb = {"prepare": "tries", "release": "gives up", "reborn": "restarts"}[step.verb]
                return f"{self._candidate(scene, step.who)} {verb}"
            case "phase":
                voters = self._setting.phases[step.what]
                joint = " and ".join(", ".join(names) for names in (voters.previous, voters.voters) if names)
                return f"{self._candidate(scene, step.who)} needs a majority of {joint}"
            case "restart" | "recall" | "adopt":
                verb = {"restart": "restarts", "recall": "recalls", "adopt": "is in epoch 1"}[step.verb]
                return f"{self._voter(step.who)} {verb}"
            case _:
                return "a tick has passed"

    def _sent(self, scene: Scene, after: Scene) -> str:
        new = sorted(after.mail - scene.mail, key=repr)
        demands: dict[str, list[str]] = {}
        for mail in new:
            if mail.verb == "deliver":
                demands.setdefault(_demand(mail.what.demand), []).append(self._voter(mail.who))
        told = [f"{demand} to {', '.join(voters)}" for demand, voters in demands.items()]
        told += [_answer(mail.what[1].answer) for mail in new if mail.verb == "hear"]
        return f": {'; '.join(told)}" if told else ""

    def _voter(self, position: int) -> str:
        return self._setting.names[position] + "'" * (position < self._setting.copies - 1)

    def _candidate(self, scene: Scene, who: int) -> str:
        return _name(scene.candidates[who].proposer.incarnation)


def _name(incarnation: bytes) -> str:
    return chr(incarnation[0]) + "'" * int(incarnation[1:]) if incarnation else "recalled"


def _ballot(ballot: Ballot) -> str:
    return f"{ballot.round}{_name(ballot.proposer)}"


def _demand(demand: Demand) -> str:
    told = f"{type(demand).__name__.upper()} {_ballot(demand.ballot)}"
    is_addressed = isinstance(demand, Propose) and demand.incarnation
    return f"{told} for start {demand.incarnation[0]}" if is_addressed else told


def _answer(answer: Answer) -> str:
    rest = ""
    if isinstance(answer, Held):
        rest = f" for {answer.remaining:g}"
    elif isinstance(answer, Nack):
        rest = f" below {answer.round}"
    return f"{type(answer).__name__.upper()} {_ballot(answer.ballot)}{rest}"
