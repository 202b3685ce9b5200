"""Exits: the statuses with which a command ends."""

from __future__ import annotations

import click

__all__ = [
    "CANNOT_EXECUTE",
    "INTERRUPTED",
    "LISTEN",
    "LOST",
    "NOT_FOUND",
    "NOT_TAKEN",
    "NO_LEADER",
    "PERMISSION",
    "TENURE_FAILED",
    "UNCLEAR",
    "USAGE",
    "CannotExecuteError",
    "CannotListenError",
    "NoSuchProgramError",
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

TENURE_FAILED = 70
"""tenure itself was killed, stopped or starved (``EX_SOFTWARE``); the guard uses it, too."""
LOST = 75
"""The term was lost or handed over, and no other was wanted (``EX_TEMPFAIL``)."""
CANNOT_EXECUTE = 126
"""The program cannot be executed; shells have this number and the next."""
NOT_FOUND = 127
"""The program was not found."""
INTERRUPTED = 130
"""SIGINT or SIGTERM ended what would have gone on."""


class CannotExecuteError(click.ClickException):
    """The program exists, and cannot be executed."""

    exit_code = CANNOT_EXECUTE


class NoSuchProgramError(click.ClickException):
    """The program was not found."""

    exit_code = NOT_FOUND


class CannotListenError(click.ClickException):
    """The address to listen on is taken, not allowed or not of this machine."""

    exit_code = LISTEN
