"""Flags: the types of the command line's values, and the forms that Go programs accept."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from tenure.errors import ConfigurationError
from tenure.serving import Address

__all__ = ["ADDRESS", "DURATION", "GoStyleCommand", "Parsed", "is_given", "parse_duration"]

ValueT = TypeVar("ValueT")

_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)


def parse_duration(text: str) -> float:
    """Read a duration as Go programs write it, such as ``10s``, ``1m30s`` or ``500ms``; return seconds.

    Raises:
        ValueError: it is none, or not above 0.
    """
    parts = _PART.findall(text)
    seconds = sum(float(number) * _UNITS_S[unit] for number, unit in parts)
    if not seconds or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no duration above 0; write 10s, 1m30s or 500ms")
    return seconds


class Parsed(click.ParamType[ValueT]):
    """A value that a function reads; what the function says of a wrong one is the message."""

    def __init__(self, name: str, parse: Callable[[str], ValueT]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ValueT:
        """Return what the function makes of the text; what it raises is the message."""
        try:
            return self._parse(value)
        except (ValueError, ConfigurationError) as error:
            self.fail(str(error), param, ctx)


DURATION = Parsed("duration", parse_duration)
ADDRESS = Parsed("address", Address.parse)


def is_given(parameter: str) -> bool:
    """Tell whether a flag of the command that runs was given, and has not its default."""
    source = click.get_current_context().get_parameter_source(parameter)
    return source is not ParameterSource.DEFAULT


class GoStyleCommand(click.Command):
    """Takes its flags as Go programs do as well: ``-election=x``, ``--use-cluster-credentials=true``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Rewrite what is Go's alone, then parse."""
        options = {name: p for p in self.get_params(ctx) for name in p.opts if name.startswith("--")}
        end = args.index("--") if "--" in args else len(args)
        rewritten = [out for arg in args[:end] for out in _rewrite(arg, options)]
        return super().parse_args(ctx, [*rewritten, *args[end:]])


def _rewrite(arg: str, options: dict[str, click.Parameter]) -> list[str]:
    name, equals, value = arg.partition("=")
    name = f"-{name}" if f"-{name}" in options else name
    option = options.get(name)
    if isinstance(option, click.Option) and option.is_flag and equals:
        if value not in ("true", "false"):
            raise click.BadParameter(f"{value!r} is neither true nor false", param=option)
        return [name] if value == "true" else []
    return [f"{name}{equals}{value}"]
