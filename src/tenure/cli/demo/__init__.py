"""``tenure demo``: an election, two takeovers and the record, without a cluster."""

from __future__ import annotations

import asyncio

import click

__all__ = ["command"]

_EPILOG = """
\b
Examples:
  tenure demo
  tenure demo --keep    # then look at it with curl and kubectl

\b
Exit status:
  0    a new leader took over after SIGTERM and after SIGKILL
  1    something failed; one line says what
  130  interrupted
"""


@click.command(epilog=_EPILOG, short_help="See an election and two takeovers, without a cluster.")
@click.option("--keep", is_flag=True, help="Leave it running until Ctrl-C, with its URLs printed.")
def command(keep: bool) -> int:
    """Start an API server in memory and three sidecars, end their leaders, and measure the takeovers."""
    # Imported late: --help shall not wait for a web server.
    from tenure.cli.demo.story import play

    return asyncio.run(play(keep=keep))
