"""Lookup: whether a program can be executed, before anybody is elected to do it."""

from __future__ import annotations

import os
import shutil

from tenure.cli.exits import CannotExecuteError, NoSuchProgramError

__all__ = ["check_program"]


def check_program(name: str) -> None:
    """Look a program up as ``execvp`` does: in PATH, unless the name has a slash.

    Raises:
        NoSuchProgramError, CannotExecuteError: there is none, or it may not be executed.
    """
    if shutil.which(name):
        return
    folders = [""] if os.sep in name else os.get_exec_path() if name else []
    for path in (os.path.join(folder, name) for folder in folders):
        if os.path.isdir(path):
            raise CannotExecuteError(f"cannot run {path}: it is a directory")
        if os.path.exists(path):
            raise CannotExecuteError(f"cannot run {path}: permission denied (chmod +x?)")
    where = "no such file" if os.sep in name else "not found in PATH"
    raise NoSuchProgramError(f"cannot run {name or repr(name)}: {where}")
