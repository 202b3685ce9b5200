"""Signals: the module, at the price that a guard can pay, and which of them it passes on."""

from __future__ import annotations

# As `typing` has it.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    # The same functions and numbers; `signal` wraps them in enumerations, which take 0.7 MiB.
    import _signal as signal

__all__ = ["passed_on", "signal"]

_PASSED_ON = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGTERM,
    signal.SIGWINCH,
)


def passed_on() -> tuple[int, ...]:
    """Return what is passed on; what this process was started to ignore (``nohup``) stays ignored."""
    return tuple(number for number in _PASSED_ON if signal.getsignal(number) != signal.SIG_IGN)
