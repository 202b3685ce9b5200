"""``tenure resign``: asks a leader to give up its term."""

from __future__ import annotations

import click

from tenure.cli.handing_over import EXIT_STATUSES, hand_over, handover_options
from tenure.cli.place_options import PlaceOptions

__all__ = ["command"]

_EPILOG = f"""
\b
Examples:
  tenure resign reports
  tenure resign reports -n batch --timeout=5m      # its work takes its time to end
{EXIT_STATUSES}"""


@click.command(epilog=_EPILOG, short_help="Ask the leader to give up its term.")
@handover_options
def command(options: PlaceOptions, name: str, timeout_s: float) -> int:
    """Ask whoever leads NAME to give up its term: its work ends in order, then another candidate leads.

    The others go first; alone, the same candidate leads again after a moment. It needs the verbs get, watch
    and update on the lock object, and a leader that is a candidate of tenure.
    """
    return hand_over(options, name, "", timeout_s)
