"""Root: the group of commands, each in a module of its own that is loaded when it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

import click

from tenure.cli.exits import INTERRUPTED, PERMISSION, USAGE
from tenure.errors import ConfigurationError, PermissionDeniedError, TenureError
from tenure.guard.tether import Tether

__all__ = ["run"]

COMMANDS = ("demo", "devserver", "resign", "run", "sidecar", "simulate", "status", "transfer", "watch")
_PROGRAM = "tenure"


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"tenure.cli.{cmd_name}").command
        if command.epilog and ctx.info_name != _PROGRAM:
            command.epilog = command.epilog.replace(f"\n  {_PROGRAM} ", f"\n  {ctx.info_name} ")
        return command


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(version("tenure"), prog_name="tenure", message="%(prog)s %(version)s")
def _tenure() -> None:
    """Leader election on Kubernetes, where a stale leader can do no harm."""


def run(arguments: Sequence[str], program: str, tether: Tether | None) -> int:
    """Run one command; whatever goes wrong on purpose is one line on stderr and a status of its own.

    Args:
        arguments: without the program's name.
        program: by what name people call it.
        tether: of `tenure run` to its guard.

    Returns:
        the exit status.
    """
    try:
        status = _tenure.main(arguments, prog_name=program, standalone_mode=False, obj=tether)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return USAGE
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else program
        return _fail(f"{error.format_message().rstrip('.')} (see {command} --help)", USAGE, program)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code, program)
    except ConfigurationError as error:
        return _fail(str(error), USAGE, program)
    except PermissionDeniedError as error:
        return _fail(str(error), PERMISSION, program)
    except TenureError as error:
        return _fail(str(error), 1, program)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return status if isinstance(status, int) else 0


def _fail(message: str, status: int, program: str) -> int:
    print(f"{program}: {' '.join(message.split())}", file=sys.stderr)
    return status
