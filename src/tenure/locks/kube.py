"""KubeLock: a record in an object of the Kubernetes API, whatever its kind."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

from tenure.errors import ConfigurationError
from tenure.kubernetes.client import Client
from tenure.kubernetes.config import ClusterConfig, in_cluster
from tenure.kubernetes.kubeconfig import load_kubeconfig
from tenure.kubernetes.shared import shared_client
from tenure.lock import LockSession
from tenure.locks.codec import Codec
from tenure.locks.kube_session import KubeSession, Place
from tenure.locks.lease_roster import LeaseRoster
from tenure.locks.roster import Roster
from tenure.locks.stamping import Wall, utc_now

__all__ = ["KubeLock"]

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAMESPACE = re.compile(_LABEL)
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_LONGEST_NAMESPACE, _LONGEST_NAME = 63, 253


class KubeLock:
    """Names an object that holds a record; the kinds differ in their codec alone.

    Args:
        name: of the object.
        namespace: of the object; None: ``POD_NAMESPACE``, else that of the cluster's configuration.
        kubeconfig: path of a kubeconfig file; None: the Pod's own configuration. The user's default one is
            never read: a laptop must not win production's election by its current context.
        context: within the kubeconfig; None: its current one.
        labels: to put on the object; all other labels stay.
        config: a configuration made already, instead of a kubeconfig.
        wall: the wall clock for the times in the record.

    Raises:
        ConfigurationError: the name or the namespace cannot be one, or the arguments contradict each other.
    """

    codec: ClassVar[Codec]

    def __init__(
        self,
        name: str,
        namespace: str | None = None,
        *,
        kubeconfig: str | Path | None = None,
        context: str | None = None,
        labels: Mapping[str, str] | None = None,
        config: ClusterConfig | None = None,
        wall: Wall = utc_now,
    ) -> None:
        self.name = _checked("name", name, _NAME, _LONGEST_NAME)
        self.namespace = namespace or os.environ.get("POD_NAMESPACE") or None
        if self.namespace is not None:
            _checked("namespace", self.namespace, _NAMESPACE, _LONGEST_NAMESPACE)
        if context is not None and kubeconfig is None:
            raise ConfigurationError(
                f"context {context!r} needs a kubeconfig to look it up in: pass kubeconfig="
            )
        if config is not None and kubeconfig is not None:
            raise ConfigurationError("pass kubeconfig= or config=, not both")
        self._kubeconfig = kubeconfig
        self._context = context
        self._labels = dict(labels or {})
        self._config = config
        self._wall = wall

    def describe(self) -> str:
        """Return kind, namespace and name, such as ``lease default/reports``.

        The namespace is left out as long as only the cluster's configuration knows it.
        """
        return f"{self.codec.resource.kind.lower()} {self.election}"

    @property
    def election(self) -> str:
        """``NAMESPACE/NAME``; without the namespace as long as only the cluster's configuration knows it."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LockSession]:
        """Connect within the running event loop.

        Raises:
            ConfigurationError: there is no cluster configuration, or it cannot be used.
        """
        async with self._connect() as (client, namespace):
            place = Place(self.codec.resource, namespace, self.name)
            yield KubeSession(client, place, self.codec, labels=self._labels, wall=self._wall)

    @asynccontextmanager
    async def open_roster(self) -> AsyncIterator[Roster]:
        """Connect to the election's roster of candidates; see `tenure.locks.roster`.

        Raises:
            ConfigurationError: there is no cluster configuration, or it cannot be used.
        """
        async with self._connect() as (client, namespace):
            yield LeaseRoster(client, namespace, self.name)

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[tuple[Client, str]]:
        config = self._config or self._load_config()
        self.namespace = self.namespace or config.namespace
        async with shared_client(config) as client:
            yield client, self.namespace

    def _load_config(self) -> ClusterConfig:
        if self._kubeconfig is not None:
            return load_kubeconfig(self._kubeconfig, self._context)
        try:
            return in_cluster()
        except ConfigurationError as error:
            raise ConfigurationError(
                f"no way to {self.describe()}: {error}; run in a Pod, pass kubeconfig=..., "
                "or set TENURE_LOCK=memory for development"
            ) from error


def _checked(what: str, value: str, pattern: re.Pattern[str], longest: int) -> str:
    if len(value) <= longest and pattern.fullmatch(value):
        return value
    raise ConfigurationError(
        f"{what} {value!r} is none that Kubernetes accepts: it must match {pattern.pattern} "
        f"and have at most {longest} characters"
    )
