"""Registrar: carries the requests of a `RegisteredNode` to the API, and the answers back."""

from __future__ import annotations

from collections.abc import Callable

from tenure.clock import boot_time
from tenure.errors import ConfigurationError, ConflictError, LockUnavailableError, PermissionDeniedError
from tenure.events import Available, Event, Unavailable
from tenure.lock import LockSession
from tenure.lock_driver import call
from tenure.peer.registered_node import RegisteredNode
from tenure.requests import ReadRequest, Request
from tenure.timing import Timing

__all__ = ["Registrar"]


class Registrar:
    """One node and the open lock that its terms are written to.

    Args:
        node: whose requests these are.
        session: the lock, open in the running event loop.
        timing: the durations.
        publish: is given what people should know.
    """

    def __init__(
        self, node: RegisteredNode, session: LockSession, timing: Timing, publish: Callable[[Event], None]
    ) -> None:
        self._node = node
        self._session = session
        self._timing = timing
        self._publish = publish
        self._has_read = False
        self._trouble = ""

    async def send(self, request: Request) -> None:
        """Send one request, and tell the node what became of it.

        Raises:
            PermissionDeniedError, ConfigurationError: what is wrong was wrong from the start.
        """
        try:
            seen = await call(self._session, request, request.timeout)
        except ConflictError:
            self._answered()
            if not isinstance(request, ReadRequest):
                self._node.receive_conflict(request, boot_time())
        except LockUnavailableError as error:
            self._missed(error)
            wait_s = error.retry_after_s or 0.0
            self._node.receive_failure(request, boot_time(), retry_after_s=wait_s)
        except (PermissionDeniedError, ConfigurationError) as error:
            if not self._has_read:
                raise
            self._missed(error)
            self._node.receive_failure(request, boot_time(), retry_after_s=self._timing.retry_period)
        else:
            self._answered()
            self._node.receive_answer(request, seen, boot_time())

    def _answered(self) -> None:
        self._has_read = True
        if self._trouble:
            self._publish(Available())
        self._trouble = ""

    def _missed(self, error: Exception) -> None:
        # Told apart by kind: the wording changes from attempt to attempt.
        if type(error).__name__ != self._trouble:
            self._publish(Unavailable(message=str(error)))
        self._trouble = type(error).__name__
