"""Ledger: the highest token of each election, as text in an object that several elections may write to."""

from __future__ import annotations

import json

from tenure.errors import ConfigurationError
from tenure.fencing.fence import demand_election, stale
from tenure.token import FencingToken

__all__ = ["raise_ledger"]


def raise_ledger(text: str | None, token: FencingToken, where: str) -> str:
    """Return the ledger with `token` as the highest one of its election; other elections stay as they are.

    A ledger that cannot be read refuses everybody: what it has seen is not known.

    Args:
        text: the ledger, ``{"NAMESPACE/NAME":"TOKEN"}``; tokens are strings, since most readers of JSON keep
            no integer that long. None: there is none yet.
        token: of the term that wants to write.
        where: the ledger is, for messages.

    Raises:
        StaleTokenError: the ledger has a higher token of this election.
        ConfigurationError: it cannot be read, or the token names no election.
    """
    demand_election(token)
    ledger = {} if text is None else _parse(text, where)
    highest = ledger.get(token.election)
    if highest is not None and token < highest:
        raise stale(where, int(highest), token)
    ledger[token.election] = token
    written = {election: str(ledger[election]) for election in sorted(ledger)}
    return json.dumps(written, separators=(",", ":"))


def _parse(text: str, where: str) -> dict[str, FencingToken]:
    try:
        entries = json.loads(text)
        return {election: FencingToken.parse(entry, election) for election, entry in entries.items()}
    # A number that is too long, a nesting that is too deep, or whatever else is no object of strings.
    except (ValueError, AttributeError, RecursionError) as error:
        raise ConfigurationError(
            f'{where}: not a ledger of fencing tokens ({{"NAMESPACE/NAME":"TOKEN"}}): {text[:100]!r}; '
            "remove it when no older leader can be alive"
        ) from error
