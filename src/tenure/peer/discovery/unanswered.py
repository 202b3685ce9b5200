"""UnansweredError: a question to which nobody knew the answer."""

from __future__ import annotations

__all__ = ["UnansweredError"]


class UnansweredError(Exception):
    """The name servers did not answer, or with a failure of theirs: nothing is known of the name."""
