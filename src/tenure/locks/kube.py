"""KubeLock: a record in an object of the Kubernetes API, whatever its kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import ClassVar

from tenure.kubernetes.access import Access
from tenure.kubernetes.client import Client
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.names import check_name
from tenure.lock import LockSession
from tenure.locks.codec import Codec
from tenure.locks.kube_session import KubeSession, Place
from tenure.locks.lease_roster import LeaseRoster
from tenure.locks.roster import Roster
from tenure.locks.stamping import Wall, utc_now

__all__ = ["KubeLock"]


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
        self.name = check_name("name", name)
        self._access = Access(namespace, kubeconfig=kubeconfig, context=context, config=config)
        self._labels = dict(labels or {})
        self._wall = wall

    def describe(self) -> str:
        """Return kind, namespace and name, such as ``lease default/reports``.

        The namespace is left out as long as only the cluster's configuration knows it.
        """
        return f"{self.codec.resource.kind.lower()} {self.election}"

    @property
    def election(self) -> str:
        """``NAMESPACE/NAME``; without the namespace as long as only the cluster's configuration knows it."""
        return self._access.qualified(self.name)

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

    def _connect(self) -> AbstractAsyncContextManager[tuple[Client, str]]:
        return self._access.open(self.describe(), otherwise="set TENURE_LOCK=memory for development")
