"""The command line ``tenure``."""

from __future__ import annotations

import sys

# As `typing` has it, which the guard does without.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

__all__ = ["main", "main_of_kubectl"]

_EXTRA = ("click", "starlette", "uvicorn")
_EXIT_STATUS_USAGE = 2


def main(arguments: Sequence[str] | None = None, *, program: str = "tenure") -> NoReturn:
    """Run one command and exit with its status.

    Args:
        arguments: without the program's name; None: those of the process.
        program: by what name people call it.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["--"]:  # it says nothing before a command
        del given[0]
    tether = None
    if given[:1] == ["run"]:
        # Before anything large is imported: the process that was started becomes the guard, and stays small.
        from tenure.guard.tether import tether as get_tether
        from tenure.guard.voice import speak_without_waiting

        tether = get_tether()
        speak_without_waiting()
    try:
        from tenure.cli.root import run

        status = run(given, program, tether)
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        print(f"{program}: the command line needs {error.name}: pip install 'tenure[cli]'", file=sys.stderr)
        status = _EXIT_STATUS_USAGE
    sys.exit(status)


def main_of_kubectl() -> NoReturn:
    """Do the same as ``kubectl tenure``: kubectl runs the program ``kubectl-tenure`` of its path."""
    main(program="kubectl tenure")
