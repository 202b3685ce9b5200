"""The command line ``tenure``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["main"]

_EXTRA = ("click", "starlette", "uvicorn")
_EXIT_STATUS_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its status.

    Args:
        arguments: without the program's name; None: those of the process.
    """
    try:
        from tenure.cli.root import run

        status = run(arguments)
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        print(f"tenure: the command line needs {error.name}: pip install 'tenure[cli]'", file=sys.stderr)
        status = _EXIT_STATUS_USAGE
    sys.exit(status)
