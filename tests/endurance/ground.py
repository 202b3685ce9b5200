"""Ground: where the electors of one run meet: a `MemoryLock`, or a Lease of an API server elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from tenure import LeaseLock, MemoryLock
from tenure.lock import Lock
from tenure.record import Record
from tests.devserver.api import Api

__all__ = ["Ground"]

_LEASES = "leases.coordination.k8s.io"


@dataclass(frozen=True)
class Ground:
    """One election.

    Attributes:
        lock: returns the lock for one more elector.
        empty: empties the holder by hand, as a person with an editor would.
        delete: deletes the record by hand.
    """

    lock: Callable[[], Lock]
    empty: Callable[[], object]
    delete: Callable[[], object]

    @classmethod
    def in_memory(cls) -> Ground:
        """In this process."""
        lock = MemoryLock("endurance")

        def empty() -> None:
            record = lock._store.read().record
            assert isinstance(record, Record)
            lock.edit(replace(record, holder="", attempt=None))

        return cls(lambda: lock, empty, lock.delete)

    @classmethod
    def on_server(cls, kubeconfig: Path) -> Ground:
        """A Lease on the server that a kubeconfig names."""
        server = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        assert urlsplit(server).scheme == "http"
        api = Api(server)
        return cls(
            lambda: LeaseLock("endurance", kubeconfig=kubeconfig),
            lambda: api.patch(_LEASES, "endurance", {"spec": {"holderIdentity": ""}}),
            lambda: api.delete(_LEASES, "endurance"),
        )
