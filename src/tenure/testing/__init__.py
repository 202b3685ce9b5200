"""Tools for tests of programs that elect leaders."""

from __future__ import annotations
