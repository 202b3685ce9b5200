"""Scene: the plain form of a search's state, with all that was ever sent and nothing left out.

Transcripts are played here, and small searches, with which the fast ones are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.search.peers.parts import Candidate, Parts, Rest, Sent, Voter
from tests.search.peers.setting import Rule, Setting

__all__ = ["Play", "Scene", "Step"]


class Step(NamedTuple):
    """What happens next.

    Attributes:
        verb: that tells what.
        who: the position of the voter or candidate to whom it happens.
        what: the rest of it.
    """

    verb: str
    who: int = 0
    what: Any = None


class Mail(NamedTuple):
    """A datagram: it is never lost, but it may never be delivered, or often.

    Attributes:
        verb: of the step that delivers it.
        who: the position of the addressee.
        what: the rest of that step.
    """

    verb: str
    who: int
    what: Any


class Scene(NamedTuple):
    """A state. Nothing in it changes.

    Attributes:
        now: ticks since the start.
        voters: by position.
        candidates: by position.
        mail: all that was ever sent.
        rest: what belongs to nobody.
    """

    now: int
    voters: tuple[Voter, ...]
    candidates: tuple[Candidate, ...]
    mail: frozenset[Mail]
    rest: Rest


class Play:
    """Plays scenes.

    Args:
        setting: of the search.

    Attributes:
        fault: the rule that the last step has broken; None: none.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._parts = Parts(setting)
        self.fault: Rule | None = None

    def first(self) -> Scene:
        """Return the scene at the start."""
        voters = tuple(self._parts.voter(position) for position in range(len(self._setting.names)))
        candidates = tuple(self._parts.candidate(each) for each in range(len(self._setting.candidates)))
        return Scene(0, voters, candidates, frozenset(), self._parts.rest())

    def owners(self, scene: Scene) -> list[int]:
        """Return the positions of those who own the lease."""
        return [
            position for position, each in enumerate(scene.candidates) if self._parts.owns(each, scene.now)
        ]

    def steps(self, scene: Scene) -> Iterator[Step]:
        """Yield all that can happen next."""
        for mail in scene.mail:
            yield Step(*mail)
        for who, candidate in enumerate(scene.candidates):
            for number in self._parts.rounds(candidate):
                yield Step("prepare", who, number)
            for verb in ("release", "reborn"):
                yield Step(verb, who)
            for phase in self._parts.phases(candidate, scene.rest):
                yield Step("phase", who, phase)
        for who in range(len(scene.voters)):
            if scene.rest.restarts:
                yield Step("restart", who)
            for verb in ("recall", "adopt"):
                yield Step(verb, who)
        yield Step("tick")

    def after(self, scene: Scene, step: Step) -> Scene | None:
        """Return what a step leads to; None: it is not possible.

        Raises:
            ValueError: it delivers what was never sent.
        """
        self.fault = None
        match step.verb:
            case "deliver" | "hear":
                if Mail(*step) not in scene.mail:
                    raise ValueError(f"{step} was never sent")
                return self._delivered(scene, step) if step.verb == "deliver" else self._heard(scene, step)
            case "prepare" | "release" | "reborn" | "phase":
                return self._acted(scene, step)
            case "tick":
                rest = self._parts.later(scene.rest)
                return None if rest is None else scene._replace(now=scene.now + 1, rest=rest)
            case _:
                return self._changed(scene, step)

    def _delivered(self, scene: Scene, step: Step) -> Scene:
        voter, told = self._parts.receive(scene.voters[step.who], step.what, scene.now)
        mail = scene.mail
        if told is not None:
            to = self._setting.position_of(told.answer.ballot)
            mail |= {Mail("hear", to, (step.who, told))}
        return scene._replace(voters=_with(scene.voters, step.who, voter), mail=mail)

    def _heard(self, scene: Scene, step: Step) -> Scene:
        position, told = step.what
        before, names = scene.candidates[step.who], self._setting.names
        after, proposals = self._parts.hear(before, names[position], told, scene.now)
        rest, is_low = self._parts.noted(scene.rest, self._parts.term(before, after, scene.now))
        mail = scene.mail | {
            Mail("deliver", to, sent)
            for name, sent in proposals
            for to in range(len(names))
            if names[to] == name
        }
        scene = scene._replace(candidates=_with(scene.candidates, step.who, after), mail=mail, rest=rest)
        if len(self.owners(scene)) > 1:
            self.fault = Rule.ONE_OWNER
        elif is_low:
            self.fault = Rule.TOKENS
        return scene

    def _acted(self, scene: Scene, step: Step) -> Scene | None:
        before, parts = scene.candidates[step.who], self._parts
        sent: list[Sent] = []
        match step.verb:
            case "prepare":
                after, demand = parts.prepare(before, step.what, scene.now)
                sent = [demand]
            case "release":
                released = parts.release(before)
                if released is None:
                    return None
                after, sent = released
            case "reborn":
                reborn = parts.reborn(before)
                if reborn is None:
                    return None
                after = reborn
            case _:
                after = before._replace(phase=step.what)
        everyone = self._setting.phases[before.phase].everyone
        to = [position for position, name in enumerate(self._setting.names) if name in everyone]
        mail = scene.mail | {Mail("deliver", position, each) for position in to for each in sent}
        return scene._replace(candidates=_with(scene.candidates, step.who, after), mail=mail)

    def _changed(self, scene: Scene, step: Step) -> Scene | None:
        before, parts, rest = scene.voters[step.who], self._parts, scene.rest
        match step.verb:
            case "restart":
                after: Voter | None = parts.restarted(before, scene.now)
                rest = rest._replace(restarts=rest.restarts - 1)
            case "recall":
                others = [each for position, each in enumerate(scene.voters) if position != step.who]
                after = parts.recalled(before, others, scene.now)
            case _:
                after = parts.adopted(self._setting.names[step.who], before, rest)
        if after is None:
            return None
        voters = _with(scene.voters, step.who, after)
        return scene._replace(voters=voters, rest=parts.left(rest, list(voters)))


def _with(all_of_them: tuple[Any, ...], position: int, one: Any) -> tuple[Any, ...]:
    return (*all_of_them[:position], one, *all_of_them[position + 1 :])
