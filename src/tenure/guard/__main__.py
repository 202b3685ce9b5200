"""The guard's program, run by its path and without the packages that are installed.

Its arguments are a variable's name and a command: those of `stand_guard`.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    from tenure.guard.guard import stand_guard

    sys.exit(stand_guard(sys.argv[1], sys.argv[2:]))
