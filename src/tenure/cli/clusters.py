"""Clusters: which API server a command talks to, and as whom."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tenure.errors import ConfigurationError
from tenure.kubernetes.config import ClusterConfig, in_cluster

__all__ = ["cluster_config"]


def cluster_config(
    kubeconfig: Path | None, context: str | None, *, in_pod_only: bool = False
) -> ClusterConfig:
    """Return the Pod's own configuration in a Pod, elsewhere that of a kubeconfig, as kubectl reads it.

    Args:
        kubeconfig: path of a file, which is used in a Pod, too.
        context: within the kubeconfig; likewise.
        in_pod_only: nothing but the Pod's own will do.

    Raises:
        click.UsageError: the arguments contradict each other.
        ConfigurationError: there is no usable configuration.
    """
    chosen = kubeconfig is not None or context is not None
    if in_pod_only and chosen:
        raise click.UsageError("--use-cluster-credentials excludes --kubeconfig and --context")
    if in_pod_only or (not chosen and os.environ.get("KUBERNETES_SERVICE_HOST")):
        return in_cluster()
    # Only here: in a Pod nobody pays for the YAML parser.
    from tenure.kubernetes.kubeconfig import load_kubeconfig

    try:
        return load_kubeconfig(kubeconfig, context)
    except ConfigurationError as error:
        if chosen:
            raise
        raise ConfigurationError(f"not in a Pod, and {error}; run in a Pod or pass --kubeconfig") from error
