"""Resolver: what the name servers say of a name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import NamedTuple, TypeVar

from tenure.errors import ConfigurationError
from tenure.kubernetes.one_line import one_line
from tenure.peer.discovery.unanswered import UnansweredError

try:
    import dns.asyncresolver
    import dns.exception
    import dns.name
    import dns.resolver
    from dns.rdatatype import AAAA, SRV, A
except ModuleNotFoundError as error:
    raise ConfigurationError("peers by DNS need dnspython: pip install 'tenure[dns]'") from error

__all__ = ["Resolver", "Service"]

AnswerT = TypeVar("AnswerT")

_RESOLV_CONF = "/etc/resolv.conf"
# dnspython has timeouts of its own, but counts them by the wall clock, which may be stepped.
_LONGEST_LOOKUP_S = 15.0


class Service(NamedTuple):
    """One SRV record: where a service is, and at which addresses."""

    target: str
    port: int
    hosts: frozenset[str]


class Resolver:
    """Asks the name servers of a ``resolv.conf``, whose search domains, ``ndots`` and timeouts count.

    Args:
        resolv_conf: path of the file; read once, now.
        port: of the name servers.

    Raises:
        ConfigurationError: the file cannot be read, or names no server.
    """

    def __init__(self, resolv_conf: str | Path = _RESOLV_CONF, *, port: int = 53) -> None:
        try:
            self._resolver = dns.asyncresolver.Resolver(str(resolv_conf))
        except (dns.exception.DNSException, ValueError) as error:
            raise ConfigurationError(f"no name server can be had from {resolv_conf}: {error}") from error
        self._resolver.port = port

    async def addresses(self, name: str | dns.name.Name) -> frozenset[str]:
        """Return the addresses of a host, of both families; empty: there is no such name, or it has none.

        Raises:
            UnansweredError: nobody knows.
        """
        found = await _answered(self._resolver.resolve_name(name, search=True))
        return frozenset(found.addresses() if found else ())

    async def services(self, name: str) -> list[Service]:
        """Return the services of an SRV name; empty: there is no such name, or it has none.

        Addresses come out of the same answer, where the server has put them there: asking for each would
        multiply the queries by the number of peers.

        Raises:
            UnansweredError: nobody knows.
        """
        answer = await _answered(self._resolver.resolve(name, SRV, search=True))
        if answer is None:
            return []
        told: dict[dns.name.Name, set[str]] = {}
        for rrset in answer.response.additional:
            if rrset.rdtype in (A, AAAA):
                told.setdefault(rrset.name, set()).update(record.to_text() for record in rrset)
        records = [(record.target, record.port) for record in answer if record.target != dns.name.root]
        hosts = await asyncio.gather(*(self._hosts_of(target, told) for target, _ in records))
        return [
            Service(target.to_text(), port, at) for (target, port), at in zip(records, hosts, strict=True)
        ]

    async def _hosts_of(self, target: dns.name.Name, told: dict[dns.name.Name, set[str]]) -> frozenset[str]:
        return frozenset(told[target]) if target in told else await self.addresses(target)


async def _answered(lookup: Awaitable[AnswerT]) -> AnswerT | None:
    """Return what a lookup finds; None: the name servers know that there is nothing."""
    try:
        async with asyncio.timeout(_LONGEST_LOOKUP_S):
            return await lookup
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return None
    except TimeoutError as error:
        raise UnansweredError(f"no answer within {_LONGEST_LOOKUP_S:g} s") from error
    except (dns.exception.DNSException, OSError) as error:
        raise UnansweredError(one_line(error)) from error
