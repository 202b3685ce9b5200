"""PlaceOptions: where elections are that a command looks at, by the flags that kubectl users expect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import click

from tenure.cli.clusters import cluster_config
from tenure.kubernetes.config import ClusterConfig
from tenure.sidecar.kinds import LOCK_KINDS, LockPlace

__all__ = ["AUTO", "SINGLE_KINDS", "PlaceOptions", "place_options"]

AUTO = "auto"
"""As ``--lock``: whichever there are."""
SINGLE_KINDS = ("lease", "endpoints", "configmap", "blackboard", "peers")
"""The kinds of lock that are one object, the most usual first."""

_KINDS = (*LOCK_KINDS, "peers")

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "-n", "--namespace", metavar="NAMESPACE", help="Of the elections.  [default: that of the context]"
    ),
    click.option(
        "--lock",
        type=click.Choice([AUTO, *_KINDS]),
        metavar="KIND",
        default=AUTO,
        show_default=True,
        help=f"The kind of the lock object: {', '.join(_KINDS)}; auto: whichever there are.",
    ),
    click.option(
        "--kubeconfig",
        type=click.Path(path_type=Path),
        help="Use this kubeconfig.  [default: as kubectl; in a Pod its own credentials]",
    ),
    click.option("--context", metavar="NAME", help="Use this context of the kubeconfig."),
)


def place_options(command: CommandT) -> CommandT:
    """Give a command the options ``namespace``, ``lock``, ``kubeconfig`` and ``context``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, kw_only=True)
class PlaceOptions:
    """Where the elections are.

    Attributes:
        namespace: as given, else that of the configuration.
        lock: `AUTO`, one of `LOCK_KINDS`, or ``peers``.
        config: the API server and the identity there.
    """

    namespace: str
    lock: str
    config: ClusterConfig

    @classmethod
    def of(cls, *, namespace: str | None, lock: str, kubeconfig: Path | None, context: str | None) -> Self:
        """Return what the command line means.

        Raises:
            ConfigurationError: there is no usable configuration.
        """
        config = cluster_config(kubeconfig, context)
        return cls(namespace=namespace or config.namespace, lock=lock, config=config)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of lock to look for."""
        return SINGLE_KINDS if self.lock == AUTO else (self.lock,)

    def place(self, name: str) -> LockPlace:
        """Return the place of one election."""
        return LockPlace(name=name, namespace=self.namespace, config=self.config)
