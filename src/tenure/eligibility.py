"""Eligibility: asks a program from time to time whether it is fit to lead."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any

__all__ = ["Eligibility", "Eligible"]

Eligible = Callable[[], bool] | Callable[[], Awaitable[bool]]


class Eligibility:
    """Asks, and tells what has changed; whoever has not answered yet is not eligible.

    Args:
        ask: the program's answer; a plain function is called in a thread, so that it may block.
        period: seconds between two questions, and the longest that an answer may take.
        tell: is told each change: the answer, and why it is no, if that is known.
    """

    def __init__(self, ask: Eligible, period: float, tell: Callable[[bool, str], None]) -> None:
        self._ask = ask
        self._period = period
        self._tell = tell
        self._asking: asyncio.Future[bool] | None = None

    async def keep_asking(self) -> None:
        """Ask until cancelled."""
        told = None
        try:
            while True:
                answer, reason = await self._answer()
                if answer != told:
                    told = answer
                    self._tell(answer, reason)
                await asyncio.sleep(self._period)
        finally:
            if self._asking is not None:
                self._asking.cancel()

    async def _answer(self) -> tuple[bool, str]:
        # A question that is still open is not asked again: threads of a function that hangs would pile up.
        asking = self._asking = self._asking or asyncio.ensure_future(self._question())
        await asyncio.wait({asking}, timeout=self._period)
        if not asking.done():
            return False, f"no answer within {self._period:g} s"
        self._asking = None
        if asking.cancelled():
            return False, "the question was cancelled"
        error = asking.exception()
        if error is not None:
            return False, f"{type(error).__name__}: {error}"
        return asking.result(), ""

    async def _question(self) -> bool:
        answer = self._ask() if inspect.iscoroutinefunction(self._ask) else await _in_thread(self._ask)
        return bool(await answer if inspect.isawaitable(answer) else answer)


def _in_thread(ask: Callable[[], Any]) -> asyncio.Future[Any]:
    """Ask in a thread that nothing waits for: at its end, a program would wait for one of its executor."""
    answer: Future[Any] = Future()
    answer.set_running_or_notify_cancel()  # nobody can cancel it any more

    def call() -> None:
        try:
            result = ask()
        except BaseException as error:
            answer.set_exception(error)
        else:
            answer.set_result(result)

    threading.Thread(target=call, name="tenure eligibility", daemon=True).start()
    return asyncio.wrap_future(answer)
