"""NameServer: a small DNS server on loopback, for UDP and TCP on one port."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from tenure.peer.discovery.resolver import Resolver

__all__ = ["DOMAIN", "NameServer"]

DOMAIN = "default.svc.cluster.local"
_RESOLV_CONF = f"""\
# as kubelet writes it
nameserver 127.0.0.1
search {DOMAIN} svc.cluster.local cluster.local
options ndots:5 timeout:1
"""
_LONGEST_DATAGRAM = 512


class NameServer:
    """Answers what its zone holds, else that there is no such name.

    Attributes:
        zone: records in text, by name (relative to `DOMAIN`) and type.
        failing: names for which it answers SERVFAIL.
        silent: whether it answers nothing at all.
        bare: whether it leaves out the addresses of what SRV records name.
        asked: what it was asked, as name and type; `by_tcp` counts the questions that came by TCP.
    """

    def __init__(self, folder: Path) -> None:
        self.zone: dict[tuple[str, str], list[str]] = {}
        self.failing: set[str] = set()
        self.silent = self.bare = False
        self.asked: list[tuple[str, str]] = []
        self.by_tcp = 0
        self._resolv_conf = folder / "resolv.conf"
        self._resolv_conf.write_text(_RESOLV_CONF)

    @property
    def resolver(self) -> Resolver:
        """A resolver that asks here."""
        return Resolver(self._resolv_conf, port=self.port)

    async def __aenter__(self) -> Self:
        self._tcp = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._tcp.sockets[0].getsockname()[1]
        loop, local = asyncio.get_running_loop(), ("127.0.0.1", self.port)
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=local)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._udp.close()
        self._tcp.close()
        await self._tcp.wait_closed()

    def answer(self, wire: bytes) -> bytes | None:
        """Return the answer to a question; None: none."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = str(question.name).removesuffix(f".{DOMAIN}."), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name in self.failing:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif not any(known == name for known, _ in self.zone):
            response.set_rcode(dns.rcode.NXDOMAIN)
        for text in self.zone.get((name, kind), ()):
            response.answer.append(dns.rrset.from_text(question.name, 5, "IN", kind, text))
            if kind == "SRV" and not self.bare:
                self._add_addresses(response, text.split()[-1])
        return response.to_wire()

    def _add_addresses(self, response: dns.message.Message, target: str) -> None:
        for kind in ("A", "AAAA"):
            for text in self.zone.get((target.removesuffix(f".{DOMAIN}."), kind), ()):
                response.additional.append(
                    dns.rrset.from_text(dns.name.from_text(target), 5, "IN", kind, text)
                )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.by_tcp += 1
        length = int.from_bytes(await reader.readexactly(2), "big")
        answer = self.answer(await reader.readexactly(length))
        if answer is not None:
            writer.write(len(answer).to_bytes(2, "big") + answer)
            await writer.drain()
        writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._server.answer(data)
        if answer is not None:
            self._transport.sendto(_cut(answer), addr)


def _cut(answer: bytes) -> bytes:
    """Return what fits in a datagram, with the flag that tells of more."""
    if len(answer) <= _LONGEST_DATAGRAM:
        return answer
    message = dns.message.from_wire(answer)
    message.flags |= dns.flags.TC
    message.answer, message.additional = [], []
    return message.to_wire()
