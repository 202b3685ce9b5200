"""FencingToken: a number that rises strictly from term to term of one election."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["FencingToken"]

_VERSION_BITS = 64


@dataclass(frozen=True, slots=True)
class FencingToken:
    """Identifies a term to the resources that it writes to.

    Tokens of one election are ordered: a later term has the higher one, also when the record was deleted in
    between, because the version is that of the store, not of the record (Kubernetes compares the versions of
    one resource since 1.35, KEP-5504; an etcd revision before). Across elections numbers mean nothing:
    comparing is a `TypeError`, as it is for times of which only one has a zone, and equality is False.

    Attributes:
        epoch: 0, unless an operator raised it (a restored etcd, another cluster, another kind of lock).
        version: the ``resourceVersion`` of the write that acquired the term.
        election: that it belongs to, ``NAMESPACE/NAME``; the kind of lock is left out, so that an election
            can move to another one with a raised epoch. Empty: it was not told, as in a header.
        uid: of the record that the term was acquired in, for people; no part of the comparison.
    """

    epoch: int
    version: int
    election: str = ""
    uid: str = field(default="", compare=False)

    def __int__(self) -> int:
        """Return the token as one integer, ``epoch * 2**64 + version``: in SQL a ``numeric``."""
        return (self.epoch << _VERSION_BITS) + self.version

    def __str__(self) -> str:
        """Return the decimal form, as it travels in headers, annotations, JSON and the environment."""
        return str(int(self))

    def __lt__(self, other: FencingToken) -> bool:
        return int(self) < self._comparable(other)

    def __le__(self, other: FencingToken) -> bool:
        return int(self) <= self._comparable(other)

    def __gt__(self, other: FencingToken) -> bool:
        return int(self) > self._comparable(other)

    def __ge__(self, other: FencingToken) -> bool:
        return int(self) >= self._comparable(other)

    def _comparable(self, other: FencingToken) -> int:
        if not isinstance(other, FencingToken):
            raise TypeError(f"a fencing token cannot be compared with {other!r}")
        if other.election != self.election:
            raise TypeError(
                f"tokens of two elections cannot be compared: {self.election!r} and {other.election!r}"
            )
        return int(other)

    @classmethod
    def parse(cls, text: str, election: str = "") -> FencingToken:
        """Read the decimal form.

        Args:
            text: as `str` writes it.
            election: that the token belongs to, which the decimal form does not tell.

        Raises:
            ValueError: the text is not a decimal integer of at least 0.
        """
        if not (text.isascii() and text.isdigit()):
            raise ValueError(f"not a fencing token: {text!r} (expected decimal digits)")
        epoch, version = divmod(int(text), 1 << _VERSION_BITS)
        return cls(epoch, version, election)
