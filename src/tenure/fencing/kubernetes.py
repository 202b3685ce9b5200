"""KubernetesFence: an object of the Kubernetes API that a stale controller cannot overwrite.

The highest token stands in an annotation of the object, and every write names the ``resourceVersion`` that
was read. Whoever read before a later term raised the annotation is refused by the API server; whoever reads
after it is refused by the annotation.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tenure.errors import ConfigurationError, ConflictError
from tenure.fencing.ledger import raise_ledger
from tenure.kubernetes.config import ClusterConfig, in_cluster
from tenure.kubernetes.kubeconfig import load_kubeconfig
from tenure.kubernetes.resource import Resource
from tenure.kubernetes.shared import shared_client
from tenure.token import FencingToken

__all__ = ["ANNOTATION", "KubernetesFence", "fenced"]

ANNOTATION = "tenure.dev/fencing-token"


def fenced(obj: Mapping[str, Any], token: FencingToken) -> dict[str, Any]:
    """Return a copy of an object, as any client has read it, with the annotation raised; change and PUT it.

    The copy keeps the ``resourceVersion``, so that the API server answers 409 if anybody wrote in between:
    read again then, and begin anew. Once the term has raised the annotation, a patch, a deletion and a PUT of
    the ``status`` are as safe if they name the ``resourceVersion`` of a state that passed here.

    Raises:
        StaleTokenError: the object has seen a higher token of this election.
        ConfigurationError: the object has no ``resourceVersion``, so that a write would be unconditional; or
            its annotation cannot be read; or the token names no election.
    """
    metadata = obj.get("metadata") or {}
    where = f"annotation {ANNOTATION} of {obj.get('kind', 'object')} {metadata.get('name', '')}".rstrip()
    if not metadata.get("resourceVersion"):
        raise ConfigurationError(f"{where}: no metadata.resourceVersion: read the object first")
    raised = copy.deepcopy(dict(obj))
    annotations = raised["metadata"]["annotations"] = dict(metadata.get("annotations") or {})
    annotations[ANNOTATION] = raise_ledger(annotations.get(ANNOTATION), token, where)
    return raised


class KubernetesFence:
    """One object, over tenure's own client. It connects to nothing before it is used.

    Besides what each method names, all raise `LockUnavailableError` (no usable answer; a write may have been
    applied), `PermissionDeniedError`, and `NotFoundError` of `tenure.kubernetes.status`.

    Args:
        resource: the kind of the object, such as `tenure.kubernetes.resource.CONFIGMAPS`.
        name: of the object, which exists: a deleted object has taken its fence along.
        namespace: of the object; None: that of the configuration.
        kubeconfig: path of a kubeconfig file; None: the Pod's own configuration.
        context: within the kubeconfig; None: its current one.
        timeout: of one request, in seconds.
    """

    def __init__(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        kubeconfig: str | Path | None = None,
        context: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        self._resource = resource
        self._name = name
        self._namespace = namespace
        self._kubeconfig = kubeconfig
        self._context = context
        self._timeout = timeout
        self._config: ClusterConfig | None = None

    async def raise_to(self, token: FencingToken) -> None:
        """Raise the fence to `token`, or refuse it; see `tenure.fencing.fence.Fence`."""
        await self.update(token, lambda obj: None)

    async def update(self, token: FencingToken, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Read the object, check it, change it, write that very state; again, whenever others were faster.

        Args:
            token: of the present term.
            change: changes the object in place; called anew with each state that was read. It cannot take the
                annotation and the ``resourceVersion`` away.

        Returns:
            The object as it was stored.

        Raises:
            StaleTokenError: the object has seen a higher token of this election; nothing was written.
        """
        config = self._config = self._config or self._load_config()
        namespace = self._namespace or config.namespace
        async with shared_client(config) as client:
            while True:
                found = await client.get(self._resource, namespace, self._name, timeout=self._timeout)
                wanted = _changed(fenced(found, token), change)
                try:
                    return await client.replace(
                        self._resource, namespace, self._name, wanted, timeout=self._timeout
                    )
                except ConflictError:
                    pass  # somebody wrote in between: read again, and check again

    def _load_config(self) -> ClusterConfig:
        return load_kubeconfig(self._kubeconfig, self._context) if self._kubeconfig else in_cluster()


def _changed(obj: dict[str, Any], change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    ledger, version = obj["metadata"]["annotations"][ANNOTATION], obj["metadata"]["resourceVersion"]
    change(obj)
    metadata = obj.setdefault("metadata", {})
    metadata["annotations"] = {**(metadata.get("annotations") or {}), ANNOTATION: ledger}
    metadata["resourceVersion"] = version
    return obj
