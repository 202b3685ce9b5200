"""Peer options: the flags of candidates that elect among themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tenure.cli.flags import DURATION, Parsed, is_given
from tenure.kubernetes.config import ClusterConfig
from tenure.peer.peers import Peers
from tenure.serving import Address

__all__ = ["PEER_OPTIONS", "peers_of"]


def _parse_voters(text: str) -> int | tuple[str, ...]:
    if text.isascii() and text.isdigit():
        return int(text)
    return _parse_names(text)


def _parse_names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if "" in names:
        raise ValueError(f"{text!r:.80} is no list of names; write NAME,NAME,NAME")
    return names


PEER_OPTIONS = (
    click.option(
        "--peers",
        metavar="WHERE",
        help="Elect among peers, over UDP: NAME=HOST:PORT,… or endpointslices:SERVICE, endpoints:SERVICE, "
        "dns:HOST:PORT, srv:NAME, file:PATH.  [default: elect by the lock object]",
    ),
    click.option(
        "--peers-alone",
        is_flag=True,
        help="Without the API: the leader is written nowhere, and after a restart of all tokens go by the "
        "wall clock.",
    ),
    click.option(
        "--peers-secret",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The secret that all peers share: head -c 32 /dev/urandom | base64 > FILE.",
    ),
    click.option(
        "--peers-voters",
        type=Parsed("voters", _parse_voters),
        metavar="NAMES",
        help="Who votes, the same everywhere: 3 or 5 names, or a number: the first Pods of the StatefulSet.  "
        "[default: all that --peers names, if these are 3 or 5]",
    ),
    click.option(
        "--peers-listen",
        type=Parsed("address", lambda text: str(Address.parse(text))),
        metavar="HOST:PORT",
        help="Receive datagrams there.  [default: port 7411 of $POD_IP, else of all interfaces]",
    ),
    click.option(
        "--peers-epoch",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Raise it with every change of --peers-voters.",
    ),
    click.option(
        "--peers-previous-voters",
        type=Parsed("voters", _parse_names),
        metavar="NAMES",
        help="Who voted in the epoch before, while voters change.",
    ),
    click.option(
        "--peers-longest-lease",
        type=DURATION,
        help="A voter is silent for so long after its start; raise it everywhere before the lease.  "
        "[default: 5/4 of the lease]",
    ),
    click.option(
        "--peers-on-outage",
        type=click.Choice(["wait", "elect"]),
        default="wait",
        show_default=True,
        help="If the API does not answer a new leader: wait, or lead without a fencing token.",
    ),
)


def peers_of(
    flags: dict[str, Any], *, election: str, namespace: str, cluster: Callable[[], ClusterConfig]
) -> Peers | None:
    """Return the peers that the flags name; None: there are none.

    Args:
        flags: those of `PEER_OPTIONS`, which are taken out.
        election: its name.
        namespace: of the election, and of a Service that names none.
        cluster: returns the API server to ask for peers; called only where one is asked.

    Raises:
        click.UsageError: the flags contradict each other.
        ConfigurationError: what they say cannot work.
    """
    if flags["peers"] is None:
        _refuse_others()
    where, secret = flags.pop("peers"), flags.pop("peers_secret")
    alone, previous = flags.pop("peers_alone"), flags.pop("peers_previous_voters")
    others = {
        name: flags.pop(f"peers_{flag}")
        for name, flag in (
            ("voters", "voters"),
            ("listen", "listen"),
            ("voters_epoch", "epoch"),
            ("longest_lease", "longest_lease"),
            ("on_outage", "on_outage"),
        )
    }
    if where is None:
        return None
    if secret is None:
        raise click.UsageError(
            "--peers needs --peers-secret=FILE, the same for all: head -c 32 /dev/urandom | base64 > FILE."
        )
    # Imported late: who needs no peers shall not pay for them.
    from tenure.peer.discovery.parse import parse_discovery

    discovery = parse_discovery(where, namespace=namespace, cluster=cluster)
    return Peers(
        election if alone else "",
        at=discovery,
        secret=secret,
        namespace=namespace,
        previous_voters=previous or (),
        **others,
    )


def _refuse_others() -> None:
    """Without ``--peers`` the other flags mean nothing: none is passed over in silence."""
    for option in click.get_current_context().command.params:
        name = option.name or ""
        if name.startswith("peers_") and is_given(name):
            raise click.UsageError(f"{option.opts[0]} needs --peers=WHERE.")
