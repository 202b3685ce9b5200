"""Install democracy.js, so that the tests need not: ``python -m tests.democracy``."""

from __future__ import annotations

import sys

from tests.cluster.build import BinaryUnavailableError
from tests.democracy.package import installed

__all__ = ["main"]


def main() -> int:
    """Install what is missing and print where it is."""
    try:
        print(f"{'democracy.js':16} {installed()}")
    except BinaryUnavailableError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
