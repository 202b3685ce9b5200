"""Calls and handlers that the tests of bad weather share."""

from __future__ import annotations

from tenure.kubernetes.client import Client
from tenure.kubernetes.resource import LEASES
from tests.kubernetes.server import Answer, Conversation, Seen, lease


async def get(client: Client, timeout: float = 10) -> object:
    return await client.get(LEASES, "default", "reports", timeout=timeout)


async def replace(client: Client, timeout: float = 10) -> object:
    return await client.replace(LEASES, "default", "reports", lease(), timeout=timeout)


class BlackHole:
    """Swallows requests while `swallowing`, answers otherwise."""

    def __init__(self) -> None:
        self.swallowing = False

    async def __call__(self, seen: Seen, conversation: Conversation) -> Answer | None:
        if self.swallowing:
            await conversation.wait_closed_by_peer()
            return None
        return Answer(lease())
