"""Address: where to listen, and listening there."""

from __future__ import annotations

import os
import socket
from typing import NamedTuple

from tenure.errors import ConfigurationError

__all__ = ["Address", "bind"]


class Address(NamedTuple):
    """Where to listen: an empty host means every interface, port 0 any free port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``HOST:PORT``, ``:PORT`` (every interface) or ``[::1]:PORT``.

        Raises:
            ConfigurationError: it is none of these.
        """
        host, colon, port = text.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        well_formed = colon and port.isascii() and port.isdigit() and int(port) <= 65535
        if not well_formed or (":" in host and not bracketed):
            raise ConfigurationError(
                f"{text!r} is no address to listen on; "
                "write HOST:PORT, :PORT or [IPV6]:PORT, with a port up to 65535"
            )
        return cls(host[1:-1] if bracketed else host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def bind(host: str, port: int, *, option: str = "--http") -> socket.socket:
    """Listen on a TCP port (0: any free one); an empty host means every interface, IPv4 and IPv6.

    Args:
        host: a name or an IPv4 or IPv6 address.
        port: the port number.
        option: the command-line option that the error recommends.

    Raises:
        ConfigurationError: the address is taken, not allowed or not of this machine.
    """
    try:
        if not host and socket.has_dualstack_ipv6():
            sock = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        else:
            found = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)
            sock = socket.create_server(found[0][4][:2], family=found[0][0])
    except OSError as error:
        # create_server decorates strerror with the address, which we name ourselves.
        known = error.errno is not None and error.errno > 0
        reason = os.strerror(error.errno).lower() if known and error.errno else str(error.strerror or error)
        raise ConfigurationError(
            f"cannot listen on {Address(host, port)}: {reason}; choose another with {option}"
        ) from error
    # Connections inherit it. asyncio sets it only where the socket names its protocol, which these do not;
    # without it every event pushed into an open stream waits some 40 ms for the client's acknowledgement.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
