"""``tenure run``: runs a program only while elected."""

from __future__ import annotations

import asyncio
import sys

import click

from tenure.cli.candidate_options import CandidateOptions, candidate_options
from tenure.cli.flags import DURATION
from tenure.cli.run.lookup import check_program
from tenure.guard.tether import Tether

__all__ = ["command"]

_EPILOG = """
\b
COMMAND gets, besides the environment of tenure:
  TENURE_ELECTION       the name of the election
  TENURE_IDENTITY       the name of this candidate
  TENURE_FENCING_TOKEN  an integer that rises with every term; let what you write to refuse lower ones

\b
Signals: SIGTERM and SIGINT go to COMMAND's process group, and SIGKILL to what is left after --grace; SIGHUP,
SIGQUIT, SIGUSR1, SIGUSR2 and SIGWINCH only go to the group. SIGSTOP ends the term.

\b
HTTP, with --http: the routes of tenure sidecar. GET /readyz is 200 on standbys, too, and says so.

\b
Examples:
  tenure run --election=reports -- python report.py
  tenure run --election=reports --ttl=5s --grace=2s --http=:4040 -- ./worker --queue=mail

\b
Exit status:
  COMMAND's own, 128+n if signal n ended it (or tenure, where COMMAND was not running)
  1    a fault of tenure itself
  2    wrong flags, a configuration that cannot work, or a live leader in an older kind of lock
  3    the API server refuses this identity; the message holds the missing RBAC rule
  4    the address of --http cannot be listened on
  70   tenure was killed, or stopped or starved for too long; COMMAND was killed
  75   the term was lost or handed over, with --once
  126  COMMAND cannot be executed
  127  COMMAND was not found
"""


@click.command(
    epilog=_EPILOG,
    short_help="Run a program only while elected.",
    # What follows the program's name is its own, with or without "--" before it.
    context_settings={"allow_interspersed_args": False},
    options_metavar="[OPTIONS] --",
)
@candidate_options
@click.option(
    "--grace",
    "grace_s",
    type=DURATION,
    default="20s",
    show_default=True,
    help="From SIGTERM to SIGKILL; less where a lost lease does not last so long.",
)
@click.option(
    "--once",
    "--exit-on-loss",
    "once",
    is_flag=True,
    help="Exit when the term is lost or handed over; do not campaign again.",
)
@click.argument("program", metavar="COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def command(
    tether: Tether, candidate: CandidateOptions, grace_s: float, once: bool, program: tuple[str, ...]
) -> int:
    """Run COMMAND while this candidate leads, and see that it is dead before another one can.

    When it exits, the term is released and its status passed on. When the term is lost, it gets SIGTERM, then
    SIGKILL, with all that it has started, and tenure campaigns again.
    """
    check_program(program[0])
    # Imported late: --help shall not wait for it.
    from tenure.cli.run.supervisor import Orders, supervise

    orders = Orders(
        command=program,
        campaign=candidate.campaign,
        grace_s=grace_s,
        once=once,
        listener=candidate.listen(),
    )
    # COMMAND has the terminal: a credential plugin that asked there would be stopped for it.
    sys.stdin = None
    return asyncio.run(supervise(orders, tether))
