"""Names: what Kubernetes accepts as the name of an object, of a namespace and of a Service."""

from __future__ import annotations

import re

from tenure.errors import ConfigurationError

__all__ = ["check_label", "check_name"]

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_IS_LABEL = re.compile(_LABEL)
_IS_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_LONGEST_LABEL, _LONGEST_NAME = 63, 253


def check_name(what: str, value: str) -> str:
    """Return the name of an object.

    Raises:
        ConfigurationError: it cannot be one; the message begins with `what` it should be.
    """
    return _checked(what, value, _IS_NAME, _LONGEST_NAME)


def check_label(what: str, value: str) -> str:
    """Return the name of a namespace, of a Service or of a port.

    Raises:
        ConfigurationError: it cannot be one; the message begins with `what` it should be.
    """
    return _checked(what, value, _IS_LABEL, _LONGEST_LABEL)


def _checked(what: str, value: str, pattern: re.Pattern[str], longest: int) -> str:
    if len(value) <= longest and pattern.fullmatch(value):
        return value
    raise ConfigurationError(
        f"{what} {value!r} is none that Kubernetes accepts: it must match {pattern.pattern} "
        f"and have at most {longest} characters"
    )
