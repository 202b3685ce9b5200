"""Scene: a text file that drives peers and shows who told whom what, as `tenure.testing.transcript` does.

A file is a row of blocks, each of commands, a line ``----`` and what came out, up to the next empty line::

    peers a b c
    run 2.6s
    ----
    2.505s a > b c: prepare 1

Pings and their answers are left out. `Scene` has one method for each command.
"""

from __future__ import annotations

from itertools import groupby

from tenure.events import MemberAdded, MemberRemoved
from tenure.peer import messages
from tenure.peer.messages import Body
from tenure.testing.transcript import _SEPARATOR, _blocks, _event
from tests.peer.net import Net

_DIGITS = 4  # of a second: more would show how floating-point numbers are added


def rewritten(text: str) -> str:
    """Return a scene with what comes out of its commands now."""
    scene = Scene()
    parts = []
    for block in _blocks(text):
        lines = [*block.heading, *block.commands]
        if block.commands:
            lines += [_SEPARATOR, *scene.play(block.commands)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _shown(body: Body) -> str:
    """Return a message as a line shows it; empty: it is left out."""
    match body:
        case messages.Ping() | messages.Pong():
            return ""
        case messages.Held(ballot, remaining):
            return f"held {ballot.round}, for {remaining:.4g}s"
        case messages.Nack(ballot, number):
            return f"nack {ballot.round}, {number} is promised"
        case messages.Propose(ballot, lease, _):
            return f"propose {ballot.round}, for {lease:.4g}s"
        case messages.Leading(token, remaining):
            return f"leading with token {token}, for {remaining:.4g}s"
        case messages.Vacant(heir):
            return f"vacant for {heir or 'anybody'}"
        case messages.Request() | messages.Bye():
            return type(body).__name__.lower()
        case _:
            return f"{type(body).__name__.lower()} {body.ballot.round}"


class Scene:
    """Plays the commands of one file."""

    def __init__(self) -> None:
        self._net = Net()
        self._told = self._sent = 0

    def play(self, commands: list[str]) -> list[str]:
        """Run the commands of a block; return the lines of its output."""
        for command in commands:
            verb, *words = command.split()
            getattr(self, f"do_{verb}")(*words)
        return self._lines()

    def _lines(self) -> list[str]:
        net = self._net
        told = [
            (each.at, 1, number, f"{each.name}: {_event(each.event)}")
            for number, each in enumerate(net.told[self._told :])
            if not isinstance(each.event, MemberAdded | MemberRemoved)
        ]
        said = [
            (each.at, each.sender, text, each.receiver)
            for each in net.sent[self._sent :]
            if (text := _shown(each.body))
        ]
        self._told, self._sent = len(net.told), len(net.sent)
        sent = [
            (at, 0, number, f"{sender} > {' '.join(receiver for *_, receiver in group)}: {text}")
            for number, ((at, sender, text), group) in enumerate(groupby(said, lambda each: each[:3]))
        ]
        return [f"{round(at, _DIGITS):.7g}s {line}" for at, _, _, line in sorted(told + sent)]

    # ---- commands

    def do_peers(self, *names: str) -> None:
        """These start; the first three vote."""
        self._net = Net(*names)

    def do_start(self, name: str) -> None:
        """A process starts again."""
        self._net.start(name)

    def do_crash(self, name: str) -> None:
        """A process ends without a word."""
        self._net.crash(name)

    def do_isolate(self, name: str) -> None:
        """Nothing passes between it and the others."""
        self._net.isolate(name)

    def do_cut(self, sender: str, receiver: str) -> None:
        """Nothing passes from one to another."""
        self._net.cuts.add((sender, receiver))

    def do_heal(self) -> None:
        """Everything passes again."""
        self._net.heal()

    def do_body(self, name: str, seconds: str) -> None:
        """Its body takes so long to end."""
        self._net.peers[name].body_s = float(seconds.removesuffix("s"))

    def do_resign(self, name: str) -> None:
        """It gives up, and campaigns no more."""
        self._net.call(name, "resign")

    def do_transfer(self, name: str, to: str) -> None:
        """It gives its term up for another."""
        self._net.call(name, "transfer", to)

    def do_run(self, seconds: str) -> None:
        """Time goes on."""
        self._net.run(float(seconds.removesuffix("s")))

    def do_until(self, time: str) -> None:
        """Time goes on until an hour that is named."""
        self._net.run(float(time.removesuffix("s")) - self._net.now)
