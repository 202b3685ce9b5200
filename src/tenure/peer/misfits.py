"""Misfits: members that cannot be set up rightly, and what people are told of them: once, until it is mended.

Pure, and without a say in who may lead.
"""

from __future__ import annotations

from tenure.peer.electorate import Electorate
from tenure.peer.messages import Envelope, Ping

__all__ = ["Misfits"]


class Misfits:
    """What messages tell of processes that do not fit in with this one.

    Args:
        name: of this peer.
        electorate: that it was started with.
    """

    def __init__(self, name: str, electorate: Electorate) -> None:
        self._name = name
        self._voters = electorate.digest
        self._epoch = self._newest_epoch = electorate.epoch
        self._namesake = b""
        self._dissenters: set[str] = set()

    def meet_namesake(self, incarnation: bytes) -> str:
        """Return what to tell of another process that has this peer's name; empty: nothing new."""
        if incarnation == self._namesake:
            return ""
        self._namesake = incarnation
        return f"another process takes part as {self._name!r}: every peer needs a name of its own"

    def meet(self, envelope: Envelope, ping: Ping) -> str:
        """Return what to tell of a member by its ping; empty: it fits in, or that was told."""
        sender = envelope.sender
        if envelope.epoch != self._epoch or ping.voters == self._voters:
            self._dissenters.discard(sender)
        elif sender not in self._dissenters:
            self._dissenters.add(sender)
            return (
                f"{sender} goes by other voters in the same epoch, so two may lead: give all the same "
                "voters, and any change of them a higher epoch"
            )
        if envelope.epoch > self._newest_epoch:
            self._newest_epoch = envelope.epoch
            return (
                f"{sender} has epoch {envelope.epoch} of the voters, and this peer {self._epoch}: "
                "who has that one refuses this peer until it is started anew with it"
            )
        return ""
