"""``tenure sidecar``: a drop-in for the leader-elector image of 2016."""

from __future__ import annotations

import asyncio

import click

from tenure.cli.candidate_options import CandidateOptions, candidate_options
from tenure.cli.flags import DURATION, GoStyleCommand
from tenure.sidecar import Sidecar, run_sidecar

__all__ = ["command"]

_EPILOG = """
\b
HTTP, with --http:
  GET /         {"name": "LEADER"}, always 200; "" while it is unknown who leads
  GET /leader   200 on the leader, 503 elsewhere; JSON with holder, token and how long the term is valid
  GET /events   server-sent events: who leads now, then every change
  GET /readyz   503 while it is unknown who leads
  GET /healthz  503 when the renewal loop is stuck

\b
valid_for_ms of /leader counts from when you SENT the request. It holds while this sidecar runs: told to
end, it gives the term up at once, so stop your work at SIGTERM too, and pass the token to what you write to.

\b
Examples:
  tenure sidecar --election=example --http=0.0.0.0:4040
  tenure sidecar --election=example --http=:4040 --ttl=5s --verbose
  tenure sidecar --election=example --lock=endpoints      # beside the 2016 image, in one election
  tenure sidecar --election=example --peers=endpointslices:example --peers-voters=3 --peers-secret=FILE

\b
To move an election of the 2016 image to a Lease, one rollout each:
  --lock=endpoints, then --lock=endpointsleases, then --lock=lease

\b
Exit status:
  0  ended by SIGTERM or SIGINT, after the release (an API server that does not answer: after --retry-period)
  1  a fault of tenure itself
  2  wrong flags, a configuration that cannot work, or a live leader in an older kind of lock
  3  the API server refuses this identity; the message holds the missing RBAC rule
  4  the address of --http cannot be listened on
"""


@click.command(cls=GoStyleCommand, epilog=_EPILOG, short_help="Campaign, and tell over HTTP who leads.")
@candidate_options
@click.option(
    "--drain-timeout",
    type=DURATION,
    default="20s",
    show_default=True,
    help="How long giving the term up may take.",
)
def command(candidate: CandidateOptions, drain_timeout: float) -> None:
    """Campaign for an election, and tell over HTTP who leads.

    Takes the flags of the leader-elector image of 2016, prints "NAME is the leader" at each change, and
    answers {"name": "NAME"}; everything else is new.
    """
    sidecar = Sidecar(campaign=candidate.campaign, drain_timeout=drain_timeout, listener=candidate.listen())
    asyncio.run(run_sidecar(sidecar))
