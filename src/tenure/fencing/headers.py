"""Headers: how a request names the term that sends it, and its election."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

from tenure.errors import NotLeaderError
from tenure.fencing.refusal import RefusedError
from tenure.token import FencingToken

__all__ = ["ELECTION_HEADER", "TOKEN_HEADER", "CurrentTerm", "TermSource", "headers_of", "token_of"]

TOKEN_HEADER = "Tenure-Fencing-Token"
ELECTION_HEADER = "Tenure-Election"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, 9.2.1


class CurrentTerm(Protocol):
    """What is needed of a term: `tenure.Term` and `tenure.blocking.Term` have it."""

    @property
    def token(self) -> FencingToken:
        """The fencing token."""
        ...

    def check(self, remaining_s: float = 0.0) -> None:
        """Raise `LeadershipLostError` unless the term is valid."""
        ...


# A client that outlives a term asks for the present one; None: this candidate does not lead.
TermSource = CurrentTerm | Callable[[], CurrentTerm | None]


def headers_of(source: TermSource) -> dict[str, str]:
    """Return the headers of a request that is about to be sent in the present term.

    Raises:
        NotLeaderError: there is no term, or (`LeadershipLostError`) it is over.
    """
    term = source() if callable(source) else source
    if term is None:
        raise NotLeaderError("nothing was sent: this candidate does not lead")
    term.check()
    headers = {TOKEN_HEADER: str(term.token)}
    if term.token.election:
        headers[ELECTION_HEADER] = term.token.election
    return headers


def token_of(
    method: str, token: str | None, election: str | None, elections: Collection[str]
) -> FencingToken | None:
    """Return the token that a request brings; None: it brings none and need not, because its method is safe.

    Args:
        method: of the request.
        token: its header `TOKEN_HEADER`; None: it has none.
        election: its header `ELECTION_HEADER`; None: it has none, which is enough where there is but one.
        elections: those that are known here, ``NAMESPACE/NAME``.

    Raises:
        RefusedError: it must bring one, or what it brings cannot be read, or is of an unknown election.
    """
    if token is None:
        if method in _SAFE:
            return None
        raise RefusedError(
            428, "Precondition Required", f"{method} needs the header {TOKEN_HEADER}: the token of the term"
        )
    known = " or ".join(sorted(elections))
    if election is None:
        if len(elections) != 1:
            raise RefusedError(400, "Bad Request", f"a token needs the header {ELECTION_HEADER}: {known}")
        election = next(iter(elections))
    if election not in elections:
        raise RefusedError(
            400, "Bad Request", f"{ELECTION_HEADER}: unknown here: {election!r} (expected {known})"
        )
    try:
        return FencingToken.parse(token, election)
    except ValueError as error:
        raise RefusedError(400, "Bad Request", f"{TOKEN_HEADER}: {error}") from error
