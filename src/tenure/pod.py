"""Pod: what the environment says of the Pod that this process runs in (the downward API)."""

from __future__ import annotations

import ipaddress
import os
import socket

from tenure.errors import ConfigurationError

__all__ = ["own_host", "own_name"]


def own_name() -> str:
    """Return ``POD_NAME``, else the hostname, which in a Pod is its name as well."""
    return os.environ.get("POD_NAME") or socket.gethostname()


def own_host() -> str | None:
    """Return ``POD_IP``, an address of either family; None: it is not told.

    Raises:
        ConfigurationError: ``POD_IP`` is something else.
    """
    text = os.environ.get("POD_IP")
    if not text:
        return None
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ConfigurationError(
            f"POD_IP={text!r:.80} is no address: fill it from status.podIP, or leave it out"
        ) from None
