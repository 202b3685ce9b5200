"""FencingToken: a number that rises strictly from term to term of one election."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FencingToken"]

_VERSION_BITS = 64


class FencingToken(NamedTuple):
    """Identifies a term to the resources that it writes to; compare tokens of one election only.

    Tokens are ordered: a later term has the higher one, also when the record was deleted in between,
    because the version is that of the store, not of the record (Kubernetes compares the versions of one
    resource since 1.35, KEP-5504; an etcd revision before).

    Attributes:
        epoch: 0, unless an operator raised it (a restored etcd, another cluster, another kind of lock).
        version: the ``resourceVersion`` of the write that acquired the term.
    """

    epoch: int
    version: int

    def __int__(self) -> int:
        """Return the token as one integer, ``epoch * 2**64 + version``: in SQL a ``numeric``."""
        return (self.epoch << _VERSION_BITS) + self.version

    def __str__(self) -> str:
        """Return the decimal form, as it travels in headers, annotations and JSON."""
        return str(int(self))

    @classmethod
    def parse(cls, text: str) -> FencingToken:
        """Read the decimal form.

        Raises:
            ValueError: the text is not a decimal integer of at least 0.
        """
        if not (text.isascii() and text.isdigit()):
            raise ValueError(f"not a fencing token: {text!r} (expected decimal digits)")
        epoch, version = divmod(int(text), 1 << _VERSION_BITS)
        return cls(epoch, version)
