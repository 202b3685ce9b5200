"""Folders in memory must not pile up, nor vanish while they are in use."""

from __future__ import annotations

import os

from tests.cluster import folder


def test_folder_stays_while_its_process_lives_and_goes_with_the_next_start() -> None:
    first = folder.create_folder()
    (first / "data").write_text("in use")
    second = folder.create_folder()
    in_use = (first / "data").exists()

    os.close(folder._locks.pop(first))  # as the kernel does for a killed process
    third = folder.create_folder()
    abandoned = first.exists()
    for left in (second, third):
        folder.remove_folder(left)

    assert in_use
    assert not abandoned
    assert not second.exists()
