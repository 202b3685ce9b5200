"""S3Fence: an object in an S3-compatible store that a stale leader cannot overwrite.

Every PUT is conditional on the ETag that was read. As a rule an ETag is but a hash of the content: with other
metadata, or written again later, the same content has the same one, and a stale leader that read it before
would pass. So the tokens stand in the content, in its first line, beside a mark that no two writes share:

    tenure.dev/fencing-token {"default/reports":"184"} 8d1f0c5e6b7a4b0f9c3e2d1a0b9c8d7e
    what you wrote

Content that must not have such a line is written under a key of its own, and its key through the fence. The
store must answer a GET with the ETag of that very content, as S3 does.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tenure.errors import ConfigurationError
from tenure.fencing.ledger import raise_ledger
from tenure.token import FencingToken

__all__ = ["BlockingS3Fence", "S3Fence"]

_MAGIC = b"tenure.dev/fencing-token "
_NO_ETAG = '"00000000000000000000000000000000"'
# The object was written (412, or 409 while that is under way) or deleted (404) since it was read.
_OVERTAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"}


@dataclass(frozen=True)
class _Found:
    """What was read.

    Attributes:
        etag: of this state; empty: there is no object.
        ledger: the tokens.
        mark: of the write that made it.
        body: what the user wrote.
    """

    etag: str = ""
    ledger: str | None = None
    mark: str = ""
    body: bytes = b""


class BlockingS3Fence:
    """One object, for threads. It asks nothing before it is used.

    What the store answers else is raised as boto3 raises it.

    Args:
        client: ``boto3.client("s3")``.
        bucket: of the object.
        key: of the object, which is made at the first write. A deleted object has taken its fence along.
    """

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client = client
        self._place = {"Bucket": bucket, "Key": key}
        self._where = f"object {bucket}/{key}"
        self._is_proven = False

    def read(self) -> bytes:
        """Return what was written last; empty: nothing yet.

        Raises:
            ConfigurationError: the object was not written by a fence.
        """
        return self._find().body

    def raise_to(self, token: FencingToken) -> None:
        """Raise the fence to `token`, or refuse it; see `tenure.fencing.fence.Fence`.

        Raises:
            ConfigurationError: the object was not written by a fence, or the store ignores conditions.
        """
        self.update(token, lambda body: body)

    def update(self, token: FencingToken, change: Callable[[bytes], bytes]) -> None:
        """Read the object, check it, change it, replace that very state; again, whenever others were faster.

        A write whose answer was lost, and that boto3 repeated, is known by its mark; if others have written
        over it meanwhile, `change` is applied anew.

        Args:
            token: of the present term.
            change: returns the new content for the one that was read (empty: nothing yet). Called anew with
                each state that was read.

        Raises:
            StaleTokenError: the object has seen a higher token of this election.
            ConfigurationError: the object was not written by a fence, or the store ignores conditions.
        """
        mark = ""
        while True:
            found = self._find()
            if mark and found.mark == mark:
                return  # the answer was lost, and boto3 sent the request again
            ledger, mark = raise_ledger(found.ledger, token, self._where), secrets.token_hex(16)
            content = _MAGIC + f"{ledger} {mark}\n".encode() + change(found.body)
            if not self._is_proven:
                self._prove(content)
            if self._put(content, {"IfMatch": found.etag} if found.etag else {"IfNoneMatch": "*"}):
                return

    def _prove(self, content: bytes) -> None:
        """Make sure, once, that the store does not write under a condition that cannot hold."""
        if self._put(content, {"IfMatch": _NO_ETAG}):
            raise ConfigurationError(f"{self._where}: this store ignores If-Match: it cannot be fenced")
        self._is_proven = True

    def _put(self, content: bytes, condition: dict[str, str]) -> bool:
        """Return whether the condition held, and the content was written."""
        try:
            self._client.put_object(**self._place, Body=content, **condition)
        except self._client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in _OVERTAKEN:
                raise
            return False
        return True

    def _find(self) -> _Found:
        try:
            answer = self._client.get_object(**self._place)
        except self._client.exceptions.NoSuchKey:
            return _Found()
        with answer["Body"] as stream:
            content = stream.read()
        head, _, body = content.partition(b"\n")
        ledger, _, mark = head.removeprefix(_MAGIC).rpartition(b" ")
        if not head.startswith(_MAGIC) or not ledger:
            raise ConfigurationError(
                f"{self._where} was not written by a fence, as its first line tells: take another key"
            )
        return _Found(
            answer["ETag"], ledger.decode("utf-8", "replace"), mark.decode("utf-8", "replace"), body
        )


class S3Fence:
    """The same for asyncio, in threads: a write that is cancelled goes on in its own."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._fence = BlockingS3Fence(client, bucket, key)

    async def read(self) -> bytes:
        """Return what was written last; see `BlockingS3Fence.read`."""
        return await asyncio.to_thread(self._fence.read)

    async def raise_to(self, token: FencingToken) -> None:
        """Raise the fence to `token`, or refuse it; see `BlockingS3Fence.raise_to`."""
        await asyncio.to_thread(self._fence.raise_to, token)

    async def update(self, token: FencingToken, change: Callable[[bytes], bytes]) -> None:
        """Change the object, or be refused; see `BlockingS3Fence.update`."""
        await asyncio.to_thread(self._fence.update, token, change)
