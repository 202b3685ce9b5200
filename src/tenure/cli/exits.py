"""Exits: the statuses with which a command ends."""

from __future__ import annotations

import click

__all__ = ["LISTEN", "PERMISSION", "USAGE", "CannotListenError"]

USAGE = 2
"""Wrong flags, or a configuration that cannot work."""
PERMISSION = 3
"""The API server refuses this identity."""
LISTEN = 4
"""The address to listen on is taken or not of this machine."""


class CannotListenError(click.ClickException):
    """The address to listen on is taken, not allowed or not of this machine."""

    exit_code = LISTEN
