"""Addresses: where a member listens, as it is written in packets."""

from __future__ import annotations

import ipaddress
import re

from tenure.errors import ConfigurationError

__all__ = ["Address", "format_address", "parse_address"]

Address = tuple[str, int]
"""Numeric IPv4 address and port."""


def parse_address(text: str) -> Address:
    """Return the address that is written as ``HOST:PORT``.

    Raises:
        ConfigurationError: no datagram could be sent there.
    """
    host, _, port = text.rpartition(":")
    try:
        numeric = ipaddress.IPv4Address(host)
    except ValueError:
        numeric = None
    if numeric is None or not (re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536):
        raise ConfigurationError(
            f"{text!r} is no address: write a numeric IPv4 address and a port, such as '10.0.0.7:12345'"
        )
    if numeric.is_unspecified:
        raise ConfigurationError(
            f"{text!r} names no machine: write the address by which the others reach it "
            "(of a Pod: status.podIP; on one machine: 127.0.0.1)"
        )
    if numeric.is_multicast or int(numeric) == 0xFFFFFFFF:
        raise ConfigurationError(f"{text!r} is not the address of one machine")
    return str(numeric), int(port)


def format_address(address: Address) -> str:
    """Write an address as ``HOST:PORT``."""
    return f"{address[0]}:{address[1]}"
