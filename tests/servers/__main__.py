"""Fetch all servers, so that the tests need not: ``python -m tests.servers``."""

from __future__ import annotations

import sys

from tests.cluster.build import BinaryUnavailableError
from tests.servers.packages import PACKAGES, unpacked

__all__ = ["main"]


def main() -> int:
    """Unpack all that is missing and print where each is."""
    for package in PACKAGES:
        try:
            print(f"{package:16} {unpacked(package)}")
        except BinaryUnavailableError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
