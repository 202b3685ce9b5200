"""Bad weather on the wire: what was sent is known, nothing hangs or leaks, the next attempt is a new one."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tenure.errors import LockUnavailableError
from tenure.kubernetes import sockets
from tenure.kubernetes.client import Client
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.resource import LEASES
from tests.kubernetes.server import Answer, ApiServer, Conversation, Seen, lease, status
from tests.kubernetes.weather import BlackHole, get, replace


def test_connections_are_kept_and_used_again() -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease())) as server:
            client = Client(ClusterConfig(server=server.url))
            for _ in range(3):
                await get(client)
            assert server.connections == 1
            await client.aclose()
            await server.wait_all_closed()

    asyncio.run(main())


def test_after_a_timeout_no_pooled_connection_is_used_again() -> None:
    async def main() -> None:
        hole = BlackHole()
        async with ApiServer(handler=hole) as server:
            client = Client(ClusterConfig(server=server.url))
            await asyncio.gather(*(get(client) for _ in range(3)))
            known = server.connections
            assert known > 1
            hole.swallowing = True
            with pytest.raises(LockUnavailableError, match=r"no answer within 0.5 s") as caught:
                await replace(client, timeout=0.5)
            assert not caught.value.refused
            await server.wait_all_closed()
            hole.swallowing = False
            await get(client)
            assert server.seen[-1].connection == known + 1
            await client.aclose()

    asyncio.run(main())


def test_a_timeout_closes_what_idles_but_not_a_watch_that_works() -> None:
    async def main() -> None:
        hole = BlackHole()
        more = asyncio.Event()

        async def handler(seen: Seen, conversation: Conversation) -> Answer | None:
            if "watch=true" not in seen.path:
                return await hole(seen, conversation)
            await conversation.begin_chunks()
            line = b'{"type":"ADDED","object":{"metadata":{}}}\n'
            await conversation.chunk(line)
            await more.wait()
            await conversation.chunk(line)
            await conversation.wait_closed_by_peer()
            return None

        async with ApiServer(handler=handler) as server:
            client = Client(ClusterConfig(server=server.url))
            events = client.watch(LEASES, "default", resource_version="1")
            await anext(events)
            await asyncio.gather(*(get(client) for _ in range(3)))
            assert server.open > 2
            hole.swallowing = True
            with pytest.raises(LockUnavailableError):
                await get(client, timeout=0.05)
            await server.wait_all_closed(but=1)
            more.set()
            assert (await anext(events)).type == "ADDED"
            await events.aclose()
            await server.wait_all_closed()
            await client.aclose()

    asyncio.run(main())


def test_a_cancelled_call_stays_a_cancellation() -> None:
    async def main() -> None:
        hole = BlackHole()
        hole.swallowing = True
        async with ApiServer(handler=hole) as server:
            client = Client(ClusterConfig(server=server.url))
            task = asyncio.create_task(get(client))
            while not server.seen:  # noqa: ASYNC110  # the server has no event for it
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await server.wait_all_closed()
            await client.aclose()

    asyncio.run(main())


def test_nothing_was_sent_where_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    async def main() -> None:
        client = Client(ClusterConfig(server=f"http://127.0.0.1:{port}"))
        with pytest.raises(LockUnavailableError, match=r"cannot connect: Connection refused") as caught:
            await replace(client)
        assert caught.value.refused
        await client.aclose()

    asyncio.run(main())


def test_nothing_was_sent_to_a_name_without_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async def getaddrinfo(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        client = Client(ClusterConfig(server="http://api.invalid:6443"))
        with pytest.raises(LockUnavailableError, match=r"Name or service not known") as caught:
            await replace(client)
        assert caught.value.refused
        await client.aclose()

    asyncio.run(main())


def test_a_name_is_tried_at_all_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease())) as server:
            addresses = [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, server.port))
                for address in ("127.0.0.2", "127.0.0.1")
            ]

            async def getaddrinfo(*_: object, **__: object) -> object:
                return addresses

            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
            client = Client(ClusterConfig(server=f"http://api.example:{server.port}"))
            assert await get(client) == lease()
            assert server.seen[0].headers["host"] == f"api.example:{server.port}"
            await client.aclose()

    asyncio.run(main())


def test_connecting_is_bounded_apart_from_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "_CONNECT_TIMEOUT_S", 0.05)

    async def main() -> None:
        with socket.socket() as full, socket.socket() as first, socket.socket() as second:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            # With its backlog full, a listening socket drops every further SYN.
            for filler in (first, second):
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
            client = Client(ClusterConfig(server=f"http://127.0.0.1:{full.getsockname()[1]}"))
            with pytest.raises(LockUnavailableError, match=r"no connection within a second") as caught:
                await replace(client, timeout=600)
            assert caught.value.refused
            await client.aclose()

    asyncio.run(main())


def test_a_handshake_that_is_never_answered_was_not_sent() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            client = Client(ClusterConfig(server=f"https://127.0.0.1:{silent.getsockname()[1]}"))
            with pytest.raises(LockUnavailableError, match=r"nothing could be sent within 0.2 s") as caught:
                await replace(client, timeout=0.2)
            assert caught.value.refused
            await client.aclose()
            peer, _ = silent.accept()
            with peer:
                peer.settimeout(30)
                while peer.recv(65536):
                    pass

    asyncio.run(main())


def test_nothing_was_sent_to_a_server_without_tls() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            client = Client(ClusterConfig(server=f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
            with pytest.raises(
                LockUnavailableError, match=r"TLS failed: .*; check the server's URL"
            ) as caught:
                await replace(client)
            assert caught.value.refused
            await client.aclose()

    asyncio.run(main())


def test_a_connection_that_the_server_closed_meanwhile_is_not_used() -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease(), close=True)) as server:
            client = Client(ClusterConfig(server=server.url))
            await get(client)
            await server.wait_all_closed()
            await replace(client)
            assert server.connections == 2
            await client.aclose()

    asyncio.run(main())


class ClosesSecond:
    """Closes a connection when its second request arrives, as a server does that was idle too long."""

    def __init__(self) -> None:
        self._known: set[int] = set()

    async def __call__(self, seen: Seen, conversation: Conversation) -> Answer | None:
        if seen.connection in self._known:
            return None
        self._known.add(seen.connection)
        return Answer(lease())


def test_a_read_that_meets_a_closing_connection_is_sent_again() -> None:
    async def main() -> None:
        async with ApiServer(handler=ClosesSecond()) as server:
            client = Client(ClusterConfig(server=server.url))
            await get(client)
            assert await get(client) == lease()
            assert [seen.connection for seen in server.seen] == [1, 1, 2]
            await client.aclose()

    asyncio.run(main())


def test_a_write_that_meets_a_closing_connection_is_an_unknown_outcome() -> None:
    async def main() -> None:
        async with ApiServer(handler=ClosesSecond()) as server:
            client = Client(ClusterConfig(server=server.url))
            await get(client)
            with pytest.raises(LockUnavailableError, match=r"the connection broke") as caught:
                await replace(client)
            assert not caught.value.refused
            assert len(server.seen) == 2
            await replace(client)
            await client.aclose()

    asyncio.run(main())


def test_a_torn_answer_is_an_unknown_outcome() -> None:
    async def tear(seen: Seen, conversation: Conversation) -> None:
        await conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")

    async def main() -> None:
        async with ApiServer(handler=tear) as server:
            client = Client(ClusterConfig(server=server.url))
            with pytest.raises(LockUnavailableError) as caught:
                await replace(client)
            assert not caught.value.refused
            await client.aclose()

    asyncio.run(main())


def test_a_read_that_fails_on_a_new_connection_is_not_repeated() -> None:
    async def hang_up(seen: Seen, conversation: Conversation) -> None:
        return None

    async def main() -> None:
        async with ApiServer(handler=hang_up) as server:
            client = Client(ClusterConfig(server=server.url))
            with pytest.raises(LockUnavailableError, match="the connection broke"):
                await get(client)
            assert len(server.seen) == 1
            await client.aclose()

    asyncio.run(main())


def test_after_a_broken_connection_no_pooled_one_is_used_again() -> None:
    async def main() -> None:
        broken = False

        async def handler(seen: Seen, conversation: Conversation) -> Answer | None:
            return None if broken else Answer(lease())

        async with ApiServer(handler=handler) as server:
            client = Client(ClusterConfig(server=server.url))
            await asyncio.gather(*(get(client) for _ in range(3)))
            known = server.connections
            assert known > 1
            broken = True
            with pytest.raises(LockUnavailableError, match="the connection broke"):
                await replace(client)
            broken = False
            await replace(client)
            assert server.seen[-1].connection == known + 1
            await client.aclose()

    asyncio.run(main())


def test_a_write_refused_with_401_whose_repetition_cannot_connect_was_not_applied() -> None:
    async def main() -> None:
        async def last_answer(seen: Seen, conversation: Conversation) -> Answer:
            server.stop_listening()
            return status(401, "Unauthorized", "Unauthorized")

        async with ApiServer(handler=last_answer) as server:
            client = Client(ClusterConfig(server=server.url))
            with pytest.raises(LockUnavailableError, match="cannot connect") as caught:
                await replace(client)
            assert caught.value.refused
            await client.aclose()

    asyncio.run(main())


def test_what_is_no_http_is_an_outage() -> None:
    async def babble(seen: Seen, conversation: Conversation) -> None:
        await conversation.send(b"220 smtp.example ready\r\n")

    async def main() -> None:
        async with ApiServer(handler=babble) as server:
            client = Client(ClusterConfig(server=server.url))
            with pytest.raises(LockUnavailableError) as caught:
                await replace(client)
            assert not caught.value.refused
            await client.aclose()

    asyncio.run(main())


def test_an_ipv6_server_is_spoken_to_with_brackets() -> None:
    async def main() -> None:
        seen: list[str] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.close()

        try:
            server = await asyncio.start_server(serve, "::1", 0)
        except OSError:
            pytest.skip("no IPv6 loopback here")
        async with server:
            port = server.sockets[0].getsockname()[1]
            client = Client(ClusterConfig(server=f"http://[::1]:{port}"))
            with pytest.raises(LockUnavailableError):
                await get(client)
            await client.aclose()
            assert f"Host: [::1]:{port}\r\n" in seen[0]

    asyncio.run(main())


def test_sockets_notice_a_dead_peer() -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease())) as server:
            backend = sockets.SocketBackend()
            stream = await backend.connect_tcp("127.0.0.1", server.port)
            raw = stream.get_extra_info("socket")
            assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 15
            assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
            await stream.aclose()
            await server.wait_all_closed()

    asyncio.run(main())
