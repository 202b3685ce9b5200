"""Exits: the statuses with which a command ends."""

from __future__ import annotations

import click

__all__ = [
    "INTERRUPTED",
    "LISTEN",
    "NOT_TAKEN",
    "NO_LEADER",
    "PERMISSION",
    "UNCLEAR",
    "USAGE",
    "CannotListenError",
]

USAGE = 2
"""Wrong flags, or a configuration that cannot work."""
PERMISSION = 3
"""The API server refuses this identity."""
LISTEN = 4
"""The address to listen on is taken or not of this machine."""
NO_LEADER = 5
"""An election that was asked for has no leader."""
UNCLEAR = 6
"""Who leads cannot be told: a record that cannot be read, or two that name different leaders."""
NOT_TAKEN = 7
"""A leader was asked to hand over, and the term did not go where it should."""
INTERRUPTED = 130
"""SIGINT or SIGTERM ended what would have gone on."""


class CannotListenError(click.ClickException):
    """The address to listen on is taken, not allowed or not of this machine."""

    exit_code = LISTEN
