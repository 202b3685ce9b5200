"""``tenure transfer``: asks a leader to hand over to a named candidate."""

from __future__ import annotations

import click

from tenure.cli.handing_over import EXIT_STATUSES, hand_over, handover_options
from tenure.cli.place_options import PlaceOptions

__all__ = ["command"]

_EPILOG = f"""
\b
Examples:
  tenure transfer reports --to=reports-7d4b9-x2x7k
  tenure transfer reports --to=green -n batch
{EXIT_STATUSES}"""


@click.command(epilog=_EPILOG, short_help="Ask the leader to hand over to another candidate.")
@handover_options
@click.option("--to", required=True, metavar="ID", help="Identity of the candidate that is to lead next.")
def command(options: PlaceOptions, name: str, to: str, timeout_s: float) -> int:
    """Ask whoever leads NAME to hand over: its work ends in order, then ID takes over at once.

    Everybody else lets ID go first for a moment; if it is not there, another leads. It needs the verbs get,
    watch and update on the lock object, and a leader that is a candidate of tenure.
    """
    if not to.strip():
        raise click.UsageError("--to needs the identity of a candidate; tenure resign lets anybody lead")
    return hand_over(options, name, to, timeout_s)
