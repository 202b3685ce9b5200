"""Membership: which peers are there, as far as this one can tell; a hint, and never a reason to lead.

Pure. Every period a member pings a few others, one after another, whatever their number, so that its cost
stays the same from three members to a hundred. Who does not answer is suspected, pinged every period, and
named to others, who look for themselves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tenure.events import Event, MemberAdded, MemberRemoved
from tenure.peer.layout import MOST_NAMES
from tenure.peer.messages import Envelope, Ping

__all__ = ["MOST_MEMBERS", "MOST_MISSED", "Address", "Member", "MemberState", "Membership"]

Address = tuple[str, int]
"""Numeric host and port."""
MOST_MEMBERS = 1024
"""Who comes after these is not remembered."""
MOST_MISSED = MOST_NAMES
"""Names of missed members that a ping tells."""
_PROBES = 3  # members pinged in a period, one after another
_MOST_SUSPECTS_PROBED = 16
_UNANSWERED_UNTIL_DEAD = 4
_PERIODS_UNTIL_FORGOTTEN = 60


class MemberState(StrEnum):
    """What this peer believes of another."""

    ALIVE = "alive"
    SUSPECT = "suspect"  # a ping was not answered
    DEAD = "dead"  # several were not, or it said that it stops


@dataclass(slots=True)
class Member:
    """One peer that was heard of: the same as long as its name is, wherever and how often it starts.

    Attributes:
        name: its identity.
        incarnation: of its process.
        address: that its last message came from.
        epoch: of its electorate.
        priority: of its candidate.
        eligible: it would lead if it were elected.
        state: what is believed of it.
        heard_at: when its last message came; boot time, seconds.
        unanswered: periods since then in which it was pinged.
    """

    name: str
    incarnation: bytes
    address: Address
    epoch: int
    priority: int
    eligible: bool
    heard_at: float
    state: MemberState = MemberState.ALIVE
    unanswered: int = 0


class Membership:
    """The table of all other members.

    Args:
        name: of this one, which is not in it.
        period: seconds between two probes.
        now: boot time, seconds.
        voters: digest of those that this member goes by.

    Attributes:
        probes_at: when the next probes are due; boot time, seconds.
    """

    def __init__(self, name: str, period: float, now: float, voters: int = 0) -> None:
        self._name = name
        self._voters = voters
        self._period = period
        self._members: dict[str, Member] = {}
        self._targets: dict[Address, str] = {}  # where discovery says that somebody is; empty: not known who
        self._own_addresses: set[Address] = set()  # where discovery says so, and it is this one
        self._ring: deque[Address] = deque()
        self._urgent: dict[Address, None] = {}  # to be pinged with the next probes, in order
        self._number = 0
        self._events: deque[Event] = deque()
        self.probes_at = self._judges_at = now

    # ---- what is known

    def get(self, name: str) -> Member | None:
        """Return the member of this name; None: it was never heard of, or is forgotten."""
        return self._members.get(name)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members.values())

    def alive(self) -> Iterator[Member]:
        """Iterate over those that are believed to be alive."""
        return (member for member in self if member.state is MemberState.ALIVE)

    def address_of(self, name: str) -> Address | None:
        """Return where a member is to be reached; None: that is not known."""
        member = self._members.get(name)
        if member is not None and member.state is MemberState.ALIVE:
            return member.address
        found = next((address for address, target in self._targets.items() if target == name), None)
        return member.address if found is None and member is not None else found

    def audience(self) -> tuple[Address, ...]:
        """Return where news is to be sent: to all that may be there."""
        found = {member.address: None for member in self if member.state is not MemberState.DEAD}
        heard = {member.address for member in self}
        known = {member.name for member in self if member.state is MemberState.ALIVE}
        unheard = (
            address
            for address, name in self._targets.items()
            if address not in heard and name not in known and name != self._name
        )
        return (*found, *(address for address in unheard if address not in found))

    def next_event(self) -> Event | None:
        """Return the next event, oldest first; None: there is none."""
        return self._events.popleft() if self._events else None

    # ---- what comes in

    def set_targets(self, targets: Iterable[tuple[str, Address]], now: float) -> None:
        """Take in where peers are said to be; who is new is pinged at once.

        Args:
            targets: name (empty: not known) and address of each.
            now: boot time, seconds.
        """
        before = self._targets
        self._targets = {
            address: name
            for name, address in targets
            if name != self._name and address not in self._own_addresses
        }
        for address in self._targets:
            if address not in before:
                self._urgent[address] = None
        if self._urgent:
            self.probes_at = now

    def hear(self, envelope: Envelope, address: Address, now: float) -> None:
        """Take in that a message came from a peer."""
        member = self._members.get(envelope.sender)
        if member is None:
            if len(self._members) >= MOST_MEMBERS:
                return
            member = self._members[envelope.sender] = Member(
                name=envelope.sender,
                incarnation=envelope.incarnation,
                address=address,
                epoch=envelope.epoch,
                priority=envelope.priority,
                eligible=envelope.eligible,
                heard_at=now,
                state=MemberState.DEAD,  # not for long
            )
        if member.state is MemberState.DEAD:
            self._events.append(MemberAdded(member=member.name, address=_text(address)))
        member.incarnation, member.address, member.epoch = envelope.incarnation, address, envelope.epoch
        member.priority, member.eligible = envelope.priority, envelope.eligible
        member.heard_at, member.unanswered, member.state = now, 0, MemberState.ALIVE

    def meet_itself(self, address: Address) -> None:
        """A message of this very member came back: an address that was told is its own."""
        self._own_addresses.add(address)
        self._targets.pop(address, None)
        if address in self._ring:
            self._ring.remove(address)

    def part(self, name: str) -> None:
        """A member says that it stops."""
        member = self._members.get(name)
        if member is not None:
            self._bury(member)

    def suspect(self, name: str, now: float) -> None:
        """There is reason to look whether a member is still there."""
        member = self._members.get(name)
        if member is not None and member.state is MemberState.ALIVE and now - member.heard_at > self._period:
            self._urgent[member.address] = None

    # ---- what goes out

    def announce(self, now: float) -> None:
        """Ping all at once: something about this member has changed that each message tells."""
        self._urgent.update(dict.fromkeys(self.audience()))
        self.probes_at = now

    def probes(self, now: float) -> list[tuple[Address, Ping]]:
        """Return the pings that are due, and to whom; what was not answered meanwhile has consequences."""
        if now < self.probes_at:
            return []
        # (Pings in between, since somebody is new, come too soon after others to tell who does not answer.)
        is_regular = now >= self._judges_at
        if is_regular:
            self._judge(now)
            self._judges_at = now + self._period
        # Not those that were missed: after a pause nothing has to be made up for.
        self.probes_at = now + self._period
        self._number += 1
        missed = tuple(m.name for m in self if m.state is MemberState.SUSPECT)[:MOST_MISSED]
        ping = Ping(self._number, self._voters, missed)
        chosen = self._choose()
        for member in self:
            if member.address in chosen:
                member.unanswered = max(1, member.unanswered + is_regular)
        return [(address, ping) for address in chosen]

    def _judge(self, now: float) -> None:
        for member in list(self):
            if member.state is MemberState.DEAD:
                forgotten_at = member.heard_at + _PERIODS_UNTIL_FORGOTTEN * self._period
                is_expected = self._targets.get(member.address) in (member.name, "")
                if now >= forgotten_at and not is_expected:
                    del self._members[member.name]
            elif member.unanswered >= _UNANSWERED_UNTIL_DEAD:
                self._bury(member)
            elif member.unanswered:
                member.state = MemberState.SUSPECT

    def _choose(self) -> dict[Address, None]:
        """Return whom to ping: whoever is new, whoever is missed, and the next few of the others."""
        chosen, self._urgent = self._urgent, {}
        suspects = [member.address for member in self if member.state is MemberState.SUSPECT]
        chosen.update(dict.fromkeys(suspects[:_MOST_SUSPECTS_PROBED]))
        if not self._ring:
            living = [member.address for member in self if member.state is not MemberState.DEAD]
            self._ring.extend(dict.fromkeys([*living, *self._targets]))
        for _ in range(min(_PROBES, len(self._ring))):
            chosen[self._ring.popleft()] = None
        return chosen

    def _bury(self, member: Member) -> None:
        if member.state is not MemberState.DEAD:
            member.state = MemberState.DEAD
            self._events.append(MemberRemoved(member=member.name))


def _text(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
