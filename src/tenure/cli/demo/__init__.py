"""``tenure demo``: elections and takeovers, without a cluster."""

from __future__ import annotations

import asyncio

import click

__all__ = ["command"]

_EPILOG = """
\b
Examples:
  tenure demo
  tenure demo --keep    # then look at it with curl and kubectl
  tenure demo --peers   # among peers: no API server, and a network that is parted

\b
Exit status:
  0    a new leader took over each time, and never led two at once
  1    something failed; one line says what
  130  interrupted
"""


@click.command(epilog=_EPILOG, short_help="See an election and two takeovers, without a cluster.")
@click.option("--keep", is_flag=True, help="Leave it running until Ctrl-C, with its URLs printed.")
@click.option("--peers", is_flag=True, help="Five that elect among themselves; their network is parted, too.")
def command(keep: bool, peers: bool) -> int:
    """Start sidecars, end their leaders, and measure the takeovers.

    There are three, and an API server in memory; with --peers there are five, and nothing else.
    """
    # Imported late: --help shall not wait for a web server.
    from tenure.cli.demo.story import play

    return asyncio.run(play(keep=keep, peers=peers))
