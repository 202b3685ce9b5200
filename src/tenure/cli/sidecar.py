"""``tenure sidecar``: a drop-in for the leader-elector image of 2016."""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path
from typing import Any

import click

from tenure.cli.clusters import cluster_config
from tenure.cli.exits import CannotListenError
from tenure.cli.flags import ADDRESS, DURATION, GoStyleCommand
from tenure.errors import ConfigurationError
from tenure.serving import Address, bind
from tenure.sidecar import LOCK_KINDS, LockPlace, Sidecar, run_sidecar
from tenure.timing import Timing

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
@click.option("--election", required=True, metavar="NAME", help="The election: the name of its lock object.")
@click.option(
    "--id", "identity", metavar="NAME", help="This candidate.  [default: $POD_NAME, else the hostname]"
)
@click.option(
    "--election-namespace",
    envvar="POD_NAMESPACE",
    default="default",
    metavar="NAMESPACE",
    help="Where the lock object lives.  [default: $POD_NAMESPACE, else default]",
)
@click.option(
    "--http",
    "address",
    type=ADDRESS,
    metavar="HOST:PORT",
    help="Answer there; :PORT means every interface.  [default: serve nothing]",
)
@click.option(
    "--lock",
    "kind",
    type=click.Choice(LOCK_KINDS),
    metavar="KIND",
    default="lease",
    show_default=True,
    help=f"The kind of the lock object: {', '.join(LOCK_KINDS)}.",
)
@click.option(
    "--lease-duration",
    "--ttl",
    type=DURATION,
    default="15s",
    show_default=True,
    help="How long others wait for a leader that says nothing.",
)
@click.option(
    "--renew-deadline",
    type=DURATION,
    help="A leader that cannot renew for so long has lost.  [default: 2/3 of the lease]",
)
@click.option(
    "--renew-period", type=DURATION, help="From one renewal to the next.  [default: 1/3 of the lease]"
)
@click.option(
    "--retry-period",
    type=DURATION,
    help="Between reads where watching is not possible.  [default: 2/15 of the lease]",
)
@click.option(
    "--drain-timeout",
    type=DURATION,
    default="20s",
    show_default=True,
    help="How long giving the term up may take.",
)
@click.option(
    "--on-missing",
    type=click.Choice(["create", "wait"]),
    default="create",
    show_default=True,
    help="Lead a record that was missing at once, or a lease later.",
)
@click.option(
    "--use-cluster-credentials",
    is_flag=True,
    help="Only the Pod's own credentials.  [default: these in a Pod, elsewhere a kubeconfig]",
)
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="Use this kubeconfig.")
@click.option("--context", metavar="NAME", help="Use this context of the kubeconfig.")
@click.option("--verbose", is_flag=True, help="Log every change of state, not only what is wrong.")
def command(
    election: str,
    identity: str | None,
    election_namespace: str,
    address: Address | None,
    kind: str,
    drain_timeout: float,
    on_missing: Any,
    use_cluster_credentials: bool,
    kubeconfig: Path | None,
    context: str | None,
    verbose: bool,
    **durations: float | None,
) -> None:
    """Campaign for an election, and tell over HTTP who leads.

    Takes the flags of the leader-elector image of 2016, prints "NAME is the leader" at each change, and
    answers {"name": "NAME"}; everything else is new.
    """
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s")
    config = cluster_config(kubeconfig, context, in_pod_only=use_cluster_credentials)
    sidecar = Sidecar(
        place=LockPlace(name=election, namespace=election_namespace, config=config),
        kind=kind,
        identity=identity,
        timing=Timing(**{name: value for name, value in durations.items() if value is not None}),
        drain_timeout=drain_timeout,
        on_missing=on_missing,
        listener=_listen(address) if address else None,
    )
    asyncio.run(run_sidecar(sidecar))


def _listen(address: Address) -> socket.socket:
    try:
        return bind(*address)
    except ConfigurationError as error:
        raise CannotListenError(str(error)) from error
