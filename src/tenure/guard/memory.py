"""Memory: giving back what only the start has needed."""

from __future__ import annotations

import ctypes

__all__ = ["give_back_file_pages"]

_MADV_DONTNEED = 4


def give_back_file_pages() -> None:
    """Forget the pages of the interpreter's files that were touched so far; those still needed come back.

    Only mappings of which this process has changed nothing: they are read from the file again, or shared.
    """
    libc = ctypes.CDLL(None)
    start = end = 0
    with open("/proc/self/smaps", "rb") as lines:
        for line in lines:
            words = line.split()
            if not words[0].endswith(b":"):  # "START-END r-xp OFFSET DEVICE INODE PATH": the facts follow
                is_file = len(words) > 5 and words[5].startswith(b"/") and b"w" not in words[1]
                start, end = (int(edge, 16) for edge in words[0].split(b"-")) if is_file else (0, 0)
            elif start and words[0] == b"Anonymous:" and words[1] == b"0":
                libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)
