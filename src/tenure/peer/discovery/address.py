"""Address: hosts and ports, as people and name servers write them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from tenure.errors import ConfigurationError
from tenure.pod import own_host

__all__ = ["check_host", "check_port", "numeric", "of_one_family", "sort_key", "split_host_port"]

_LABEL = "[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")
_LONGEST_HOST_NAME = 254  # with the dot at its end
_HIGHEST_PORT = 65535


def numeric(text: str) -> str | None:
    """Return an address in the form in which a datagram's sender is told; None: it is none."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def sort_key(host: str) -> tuple[int, int]:
    """Return what puts numeric addresses in order: IPv4 first."""
    address = ipaddress.ip_address(host)
    return address.version, int(address)


def of_one_family(hosts: Iterable[str]) -> frozenset[str]:
    """Return those numeric addresses that are of this Pod's own family (IPv4, where it is not told).

    If there are none of it, all.

    Raises:
        ConfigurationError: ``POD_IP`` is no address.
    """
    found = frozenset(hosts)
    own = own_host()
    version = ipaddress.ip_address(own).version if own else 4
    return frozenset(host for host in found if ipaddress.ip_address(host).version == version) or found


def check_port(port: int) -> int:
    """Return the port.

    Raises:
        ConfigurationError: nothing can be sent to it.
    """
    if 1 <= port <= _HIGHEST_PORT:
        return port
    raise ConfigurationError(f"port {port} is none: ports go from 1 to {_HIGHEST_PORT}")


def check_host(text: str) -> str:
    """Return an address in its usual form, or a host name as it is.

    Raises:
        ConfigurationError: it is neither, or an address that no peer has.
    """
    if (host := numeric(text)) is not None:
        address = ipaddress.ip_address(host)
        if address.is_unspecified or address.is_multicast:
            raise ConfigurationError(f"{text} is the address of no single peer")
        return host
    is_name = len(text) <= _LONGEST_HOST_NAME and _HOST_NAME.fullmatch(text)
    # What ends in a number would be an IPv4 address, in one of the old forms or with a slip of the pen.
    if not is_name or text.rstrip(".").rpartition(".")[2].isdigit():
        raise ConfigurationError(f"{text!r:.80} is neither an address nor a host name")
    return text


def split_host_port(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT`` or ``[IPV6]:PORT``; the host is checked as by `check_host`.

    Raises:
        ConfigurationError: it is none of these.
    """
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if numeric(text) is not None and ":" in text:
        raise ConfigurationError(f"{text!r:.80}: an IPv6 address stands in brackets: [{text}]:PORT")
    if not (colon and host):
        raise ConfigurationError(f"{text!r:.80}: host or port is missing: HOST:PORT")
    if not (port.isascii() and port.isdigit() and len(port) <= len(str(_HIGHEST_PORT))):
        raise ConfigurationError(f"{text!r:.80}: {port!r:.20} is no port")
    if bracketed != (":" in host):
        raise ConfigurationError(f"{text!r:.80}: brackets are for IPv6 addresses, and these need them")
    return check_host(host[1:-1] if bracketed else host), check_port(int(port))
