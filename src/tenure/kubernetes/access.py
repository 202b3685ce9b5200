"""Access: the API server and the namespace that a user means, as they are passed to whatever needs them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tenure.errors import ConfigurationError
from tenure.kubernetes.client import Client
from tenure.kubernetes.config import ClusterConfig, in_cluster
from tenure.kubernetes.kubeconfig import load_kubeconfig
from tenure.kubernetes.names import check_label
from tenure.kubernetes.shared import shared_client

__all__ = ["Access"]


class Access:
    """A way to one namespace; connects to nothing before it is opened.

    Args:
        namespace: None: ``POD_NAMESPACE``, else that of the cluster's configuration.
        kubeconfig: path of a kubeconfig file; None: the Pod's own configuration, never the user's default.
        context: within the kubeconfig; None: its current one.
        config: a configuration made already, instead of a kubeconfig.

    Attributes:
        namespace: None as long as only the cluster's configuration knows it.

    Raises:
        ConfigurationError: the namespace cannot be one, or the arguments contradict each other.
    """

    def __init__(
        self,
        namespace: str | None,
        *,
        kubeconfig: str | Path | None,
        context: str | None,
        config: ClusterConfig | None,
    ) -> None:
        self.namespace = namespace or os.environ.get("POD_NAMESPACE") or None
        if self.namespace is not None:
            check_label("namespace", self.namespace)
        if context is not None and kubeconfig is None:
            raise ConfigurationError(
                f"context {context!r} needs a kubeconfig to look it up in: pass kubeconfig="
            )
        if config is not None and kubeconfig is not None:
            raise ConfigurationError("pass kubeconfig= or config=, not both")
        self._kubeconfig = kubeconfig
        self._context = context
        self._config = config

    def qualified(self, name: str) -> str:
        """Return ``NAMESPACE/NAME``; without the namespace as long as it is not known."""
        return f"{self.namespace}/{name}" if self.namespace else name

    @asynccontextmanager
    async def open(self, target: str, *, otherwise: str) -> AsyncIterator[tuple[Client, str]]:
        """Connect within the running event loop; yields the client and the namespace.

        Args:
            target: what is to be reached, for the error.
            otherwise: what else one could do without any cluster, for the error.

        Raises:
            ConfigurationError: there is no cluster configuration, or it cannot be used.
        """
        config = self._config or self._load(target, otherwise)
        self.namespace = self.namespace or config.namespace
        async with shared_client(config) as client:
            yield client, self.namespace

    def _load(self, target: str, otherwise: str) -> ClusterConfig:
        if self._kubeconfig is not None:
            return load_kubeconfig(self._kubeconfig, self._context)
        try:
            return in_cluster()
        except ConfigurationError as error:
            raise ConfigurationError(
                f"no way to {target}: {error}; run in a Pod, pass kubeconfig=..., or {otherwise}"
            ) from error
