"""Candidate options: the flags of every command that campaigns."""

from __future__ import annotations

import functools
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tenure.cli.clusters import cluster_config
from tenure.cli.exits import CannotListenError
from tenure.cli.flags import ADDRESS, DURATION, Parsed, is_given
from tenure.cli.peer_options import PEER_OPTIONS, peers_of
from tenure.election import OnMissing
from tenure.errors import ConfigurationError
from tenure.handover import HIGHEST_PRIORITY, Preference
from tenure.kubernetes.config import ClusterConfig
from tenure.peer.peers import DEFAULT_LEASE_S
from tenure.serving import Address, bind
from tenure.sidecar import LOCK_KINDS, Campaign, LockPlace
from tenure.sidecar.health import HealthCheck
from tenure.timing import Timing

__all__ = ["CandidateOptions", "candidate_options"]

_OPTIONS = (
    click.option(
        "--election", required=True, metavar="NAME", help="The election: the name of its lock object."
    ),
    click.option(
        "--id", "identity", metavar="NAME", help="This candidate.  [default: $POD_NAME, else the hostname]"
    ),
    click.option(
        "--election-namespace",
        envvar="POD_NAMESPACE",
        default="default",
        metavar="NAMESPACE",
        help="Where the lock object lives.  [default: $POD_NAMESPACE, else default]",
    ),
    click.option(
        "--http",
        "address",
        type=ADDRESS,
        metavar="HOST:PORT",
        help="Answer there; :PORT means every interface.  [default: serve nothing]",
    ),
    click.option(
        "--lock",
        "kind",
        type=click.Choice(LOCK_KINDS),
        metavar="KIND",
        default="lease",
        show_default=True,
        help=f"The kind of the lock object: {', '.join(LOCK_KINDS)}.",
    ),
    click.option(
        "--lease-duration",
        "--ttl",
        type=DURATION,
        help="How long others wait for a leader that says nothing.  [default: 15s; with --peers 2s]",
    ),
    click.option(
        "--renew-deadline",
        type=DURATION,
        help="A leader that cannot renew for so long has lost.  [default: 2/3 of the lease]",
    ),
    click.option(
        "--renew-period", type=DURATION, help="From one renewal to the next.  [default: 1/3 of the lease]"
    ),
    click.option(
        "--retry-period",
        type=DURATION,
        help="Between reads where watching is not possible.  [default: 2/15 of the lease]",
    ),
    click.option(
        "--on-missing",
        type=click.Choice(["create", "wait"]),
        default="create",
        show_default=True,
        help="Lead a record that was missing at once, or a lease later.",
    ),
    click.option(
        "--epoch",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Of the fencing tokens: raise it after a restore of etcd, or a move to another cluster or lock.",
    ),
    click.option(
        "--priority",
        type=click.IntRange(0, HIGHEST_PRIORITY),
        default=0,
        show_default=True,
        help=f"From 0 to {HIGHEST_PRIORITY}: among contenders for a free record the highest goes first.",
    ),
    click.option("--preempt", is_flag=True, help="Ask a leader of lower priority to hand over."),
    click.option(
        "--minimum-tenure",
        type=DURATION,
        help="How long a term lasts before it is handed over for that.  [default: 4 times the lease]",
    ),
    click.option(
        "--candidates",
        is_flag=True,
        help="Keep a Lease for this candidate, so that tenure status shows all that could lead.",
    ),
    click.option(
        "--health",
        type=Parsed("url", HealthCheck),
        metavar="URL",
        help="Campaign, and lead on, only while this URL answers from 200 to 399.",
    ),
    click.option(
        "--use-cluster-credentials",
        is_flag=True,
        help="Only the Pod's own credentials.  [default: these in a Pod, elsewhere a kubeconfig]",
    ),
    click.option("--kubeconfig", type=click.Path(path_type=Path), help="Use this kubeconfig."),
    click.option("--context", metavar="NAME", help="Use this context of the kubeconfig."),
    click.option("--verbose", is_flag=True, help="Log every change of state, not only what is wrong."),
    *PEER_OPTIONS,
)
_DURATIONS = ("lease_duration", "renew_deadline", "renew_period", "retry_period")


@dataclass(frozen=True, kw_only=True)
class CandidateOptions:
    """What the flags say of a candidate.

    Attributes:
        campaign: the candidate.
        address: where to answer over HTTP; None: nowhere.
    """

    campaign: Campaign
    address: Address | None

    def listen(self) -> socket.socket | None:
        """Listen on the address, if there is one.

        Raises:
            CannotListenError: it cannot be listened on.
        """
        try:
            return bind(*self.address) if self.address else None
        except ConfigurationError as error:
            raise CannotListenError(str(error)) from error


def candidate_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags of a candidate; it gets them as one argument, `candidate`.

    The log goes to stderr from then on.

    Raises:
        click.UsageError, ConfigurationError: what the flags say cannot work.
    """

    @functools.wraps(command)
    def with_candidate(
        *,
        election: str,
        identity: str | None,
        election_namespace: str,
        address: Address | None,
        kind: str,
        on_missing: OnMissing,
        epoch: int,
        priority: int,
        preempt: bool,
        minimum_tenure: float | None,
        candidates: bool,
        health: HealthCheck | None,
        use_cluster_credentials: bool,
        kubeconfig: Path | None,
        context: str | None,
        verbose: bool,
        **others: Any,
    ) -> Any:
        durations = {name: others.pop(name) for name in _DURATIONS}
        level = logging.INFO if verbose else logging.WARNING
        logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s")
        cluster = functools.cache(
            functools.partial(cluster_config, kubeconfig, context, in_pod_only=use_cluster_credentials)
        )
        alone = others["peers_alone"]
        peers = peers_of(others, election=election, namespace=election_namespace, cluster=cluster)
        if peers is not None and is_given("kind"):
            raise click.UsageError("--lock and --peers exclude each other: peers elect without a lock.")
        given = {name: value for name, value in durations.items() if value is not None}
        if peers is not None:
            given.setdefault("lease_duration", DEFAULT_LEASE_S)
        timing = Timing(**given)
        shortest = 4 * timing.lease_duration if minimum_tenure is None else minimum_tenure
        campaign = Campaign(
            election=election,
            place=None
            if alone
            else _place(election, election_namespace, cluster, for_peers=peers is not None),
            kind="peers" if peers is not None else kind,
            peers=peers,
            identity=identity,
            timing=timing,
            on_missing=on_missing,
            epoch=epoch,
            preference=Preference(priority=priority, preempt=preempt, minimum_tenure=shortest),
            candidates=candidates,
            health=health,
        )
        candidate = CandidateOptions(campaign=campaign, address=address)
        return command(candidate=candidate, **others)

    return functools.reduce(lambda function, option: option(function), reversed(_OPTIONS), with_candidate)


def _place(name: str, namespace: str, cluster: Callable[[], ClusterConfig], *, for_peers: bool) -> LockPlace:
    try:
        return LockPlace(name=name, namespace=namespace, config=cluster())
    except ConfigurationError as error:
        if not for_peers:
            raise
        raise ConfigurationError(
            f"{error}; peers that need no API server are started with --peers-alone"
        ) from error
