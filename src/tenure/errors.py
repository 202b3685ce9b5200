"""The error tree: every error names the fault, and is translated once, where the outside world ends."""

from __future__ import annotations

__all__ = [
    "ConfigurationError",
    "ConflictError",
    "FenceBusyError",
    "LeadershipLostError",
    "LockUnavailableError",
    "NotLeaderError",
    "PermissionDeniedError",
    "StaleTokenError",
    "TenureError",
]


class TenureError(Exception):
    """The root of all errors that tenure raises on purpose."""


class ConfigurationError(TenureError):
    """What was given cannot work; the message names the field or file and the remedy."""


class LockUnavailableError(TenureError):
    """The lock's store gave no usable answer; a write may or may not have been applied.

    Args:
        message: the fault, in one line.
        retry_after_s: seconds that the store asked us to wait, if it did (``Retry-After``).
        refused: the store answered that it did *not* apply the request (429, or no connection at all),
            so that a write need not be looked for.
        unauthorized: the store answered 401 even with credentials read anew.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        refused: bool = False,
        unauthorized: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.refused = refused
        self.unauthorized = unauthorized


class ConflictError(TenureError):
    """A compare-and-swap lost: the record is not (or no longer) the one that the write was based on."""


class PermissionDeniedError(TenureError):
    """The store refuses this identity; the message holds the RBAC rule that is missing."""


class NotLeaderError(TenureError):
    """Something that only the leader may do was asked of a candidate that does not lead."""


class LeadershipLostError(NotLeaderError):
    """The term ended before the work did."""


class StaleTokenError(TenureError):
    """A fence has seen a higher fencing token: whoever holds this one leads no longer."""


class FenceBusyError(TenureError):
    """A fence cannot be raised yet: requests of an earlier term are being handled; nothing was changed."""
