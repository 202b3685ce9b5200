"""Arena: one kind of lock on one server, and the hands of others upon it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from tenure.devserver import DevServer
from tenure.kubernetes.client import Client
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.kubeconfig import load_kubeconfig
from tenure.kubernetes.shared import shared_client
from tenure.lock import LockSession
from tenure.locks.annotation import ConfigMapLock, EndpointsLock
from tenure.locks.blackboard import BlackboardLock
from tenure.locks.kube import KubeLock
from tenure.locks.lease import LeaseLock
from tenure.locks.memory import MemoryLock
from tenure.locks.multi import MultiLock
from tenure.locks.peers import PeersLock
from tenure.locks.stamping import utc_now
from tenure.record import Record

__all__ = ["KINDS", "Arena", "KubeArena", "MemoryArena", "MultiArena", "on_devserver", "on_server"]

KINDS: dict[str, type[KubeLock]] = {
    "lease": LeaseLock,
    "endpoints": EndpointsLock,
    "configmap": ConfigMapLock,
    "blackboard": BlackboardLock,
}
# Of all that an arena can hold: the peers' object is no lock that anybody competes for.
CLASSES = {**KINDS, "peers": PeersLock}
TIMEOUT_S = 30.0  # of one call: a hang guard, nothing that a test measures
MERGE_PATCH = "application/merge-patch+json"


class Arena(Protocol):
    """What the suite needs of a kind of lock: sessions of it, and what others do to the object.

    Attributes:
        now: what the wall clock shows; None: the real one.
    """

    now: datetime | None

    def session(self) -> AbstractAsyncContextManager[LockSession]:
        """Open the lock."""
        ...

    async def overwrite(self, record: Record) -> None:
        """Write over the record, as another candidate would."""
        ...

    async def delete(self) -> None:
        """Delete the object."""
        ...


class MemoryArena:
    """A `MemoryLock`."""

    now: datetime | None = None

    def __init__(self) -> None:
        self._lock = MemoryLock(wall=lambda: self.now or utc_now())

    def session(self) -> AbstractAsyncContextManager[LockSession]:
        return self._lock.open()

    async def overwrite(self, record: Record) -> None:
        self._lock.edit(record)

    async def delete(self) -> None:
        self._lock.delete()


class MultiArena:
    """A `MultiLock` of a ConfigMap and a Lease; others work on both."""

    def __init__(self, primary: KubeArena, secondary: KubeArena) -> None:
        self.primary = primary
        self.secondary = secondary

    @property
    def now(self) -> datetime | None:
        return self.primary.now

    @now.setter
    def now(self, now: datetime | None) -> None:
        self.primary.now = self.secondary.now = now

    def session(self) -> AbstractAsyncContextManager[LockSession]:
        return MultiLock(self.primary.lock(), self.secondary.lock()).open()

    async def overwrite(self, record: Record) -> None:
        await self.primary.overwrite(record)
        await self.secondary.overwrite(record)

    async def delete(self) -> None:
        await self.primary.delete()
        await self.secondary.delete()


class KubeArena:
    """A lock in the Kubernetes API; others work on its object by requests of their own."""

    now: datetime | None = None

    def __init__(self, kind: str, config: ClusterConfig, client: Client, namespace: str) -> None:
        self.kind = kind
        self.config = config
        self.client = client
        self.namespace = namespace
        self.resource = CLASSES[kind].codec.resource

    def lock(self, **options: Any) -> KubeLock:
        wall = lambda: self.now or utc_now()  # noqa: E731
        options = {"config": self.config, "wall": wall, **options}
        return CLASSES[self.kind]("election", self.namespace, **options)

    def session(self) -> AbstractAsyncContextManager[LockSession]:
        return self.lock().open()

    async def overwrite(self, record: Record) -> None:
        obj = await self.get()
        CLASSES[self.kind].codec.encode(record, obj)
        await self.client.replace(self.resource, self.namespace, "election", obj, timeout=TIMEOUT_S)

    async def delete(self) -> None:
        await self.client.delete(self.resource, self.namespace, "election", timeout=TIMEOUT_S)

    async def get(self) -> dict[str, Any]:
        return await self.client.get(self.resource, self.namespace, "election", timeout=TIMEOUT_S)

    async def create(self, **sections: Any) -> dict[str, Any]:
        """Create the object as a person would, with these sections."""
        metadata = {"name": "election", **sections.pop("metadata", {})}
        body = {"apiVersion": self.resource.api_version, "kind": self.resource.kind, "metadata": metadata}
        return await self.client.create(self.resource, self.namespace, body | sections, timeout=TIMEOUT_S)

    async def patch(self, body: dict[str, Any]) -> dict[str, Any]:
        """Merge-patch the object, as ``kubectl patch --type=merge`` and ``kubectl annotate`` do."""
        return await self.client.patch(
            self.resource, self.namespace, "election", body, content_type=MERGE_PATCH, timeout=TIMEOUT_S
        )


@asynccontextmanager
async def on_devserver(kind: str, **options: Any) -> AsyncIterator[KubeArena]:
    """Yield an arena on an embedded API server of its own, made with these options."""
    with tempfile.TemporaryDirectory() as folder:
        async with DevServer(**options) as server:
            path = Path(folder) / "kubeconfig"
            server.kubeconfig(path)
            async with on_server(kind, path, "default") as arena:
                yield arena


@asynccontextmanager
async def on_server(kind: str, kubeconfig: Path, namespace: str) -> AsyncIterator[KubeArena]:
    """Yield an arena in a namespace of a running API server."""
    config = load_kubeconfig(kubeconfig)
    async with shared_client(config) as client:
        yield KubeArena(kind, config, client, namespace)
